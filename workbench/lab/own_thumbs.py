"""Small pictures beside the rows that name them: read from one folder, never from outside it."""

from __future__ import annotations

import base64
from dataclasses import dataclass, field
from io import BytesIO
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from pathlib import Path

    import pyarrow as pa
    from PIL import Image

SIDE: Final = 148
"""Longest side on a page, in pixels."""
_QUALITY: Final = 80


def picture_columns(rows: pa.Table) -> list[str]:
    """Return the columns of offenders that hold paths of pictures."""
    return [name for name in rows.column_names if name == "uri" or name.endswith("_uri")]


@dataclass
class Thumbs:
    """The pictures of a folder, small.

    Attributes
    ----------
    folder : Path
        What paths are below.
    """

    folder: Path
    _kept: dict[tuple[str, int], Image.Image | None] = field(default_factory=dict, repr=False)

    def small(self, name: object, side: int = SIDE) -> Image.Image | None:
        """Return a picture, no side longer than `side` pixels; None where it cannot be shown.

        Parameters
        ----------
        name : object
            Path below the folder, as a list of photos has it.
        side : int
            In pixels.

        Returns
        -------
        PIL.Image.Image or None
            RGB, upright.
        """
        key = (str(name), side)
        if key not in self._kept:
            self._kept[key] = self._read(*key) if name else None
        return self._kept[key]

    def _read(self, name: str, side: int) -> Image.Image | None:
        from PIL import Image

        from workbench.pictures import PictureProblem, open_picture

        root = self.folder.resolve()
        place = (root / name).resolve()
        if not place.is_relative_to(root):
            return None
        try:
            image = open_picture(place.read_bytes()).image
        except (OSError, PictureProblem, ValueError):
            return None
        image.thumbnail((side, side), Image.Resampling.LANCZOS)
        return image


def data_uri(image: Image.Image) -> str:
    """Return a picture as a JPEG inside a URI: a page that shows it needs no file beside it."""
    packed = BytesIO()
    image.save(packed, "JPEG", quality=_QUALITY)
    return f"data:image/jpeg;base64,{base64.b64encode(packed.getvalue()).decode()}"
