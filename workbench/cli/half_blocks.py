"""Small pictures in a terminal: each letter is an upper half block, two pixels one above the other."""

from __future__ import annotations

from itertools import zip_longest
from typing import TYPE_CHECKING, Final

import numpy as np
from rich.color import Color
from rich.style import Style
from rich.table import Table
from rich.text import Text

from workbench.lab.own_files import visible
from workbench.lab.own_thumbs import Thumbs, picture_columns

if TYPE_CHECKING:
    from pathlib import Path

    import pyarrow as pa
    from PIL import Image
    from rich.console import Console

LEAST_WIDTH: Final = 72
"""Columns of a terminal below which names have to do."""
PAIRS: Final = 3
_SIDE, _SMALL, _WIDE = 24, 20, 100  # pixels, and letters wide; the small ones where there are fewer columns
_BLOCK: Final = "▀"


def can_draw(out: Console) -> bool:
    """Return whether a terminal has colours enough, room enough, and letters for it."""
    fine = out.color_system in {"256", "truecolor"} and not out.no_color
    return fine and out.width >= LEAST_WIDTH and out.encoding.lower().startswith("utf")


def half_blocks(image: Image.Image) -> Text:
    """Return a picture as text, as wide as it has pixels and half as high.

    Parameters
    ----------
    image : PIL.Image.Image
        RGB.

    Returns
    -------
    rich.text.Text
        One line for two rows of pixels; an odd last row has nothing below it.
    """
    pixels = np.asarray(image.convert("RGB"), np.uint8).tolist()
    drawn = Text()
    for above, below in zip_longest(pixels[::2], pixels[1::2]):
        for x, pixel in enumerate(above):
            ground = Color.from_rgb(*below[x]) if below else None
            drawn.append(_BLOCK, Style(color=Color.from_rgb(*pixel), bgcolor=ground))
        drawn.append("\n")
    drawn.right_crop()
    return drawn


def pairs_of(rows: pa.Table, folder: Path, out: Console) -> Table | None:
    """Return the worst rows as pictures side by side, with their names.

    Parameters
    ----------
    rows : pyarrow.Table
        Offenders.
    folder : Path
        What the paths in them are below.
    out : rich.console.Console
        For its width.

    Returns
    -------
    rich.table.Table or None
        None where no row names a picture that can be shown.
    """
    side = _SIDE if out.width >= _WIDE else _SMALL
    columns = picture_columns(rows)[:2]
    thumbs = Thumbs(folder)
    grid = Table.grid(padding=(0, 1, 0, 0))
    for _ in columns:
        grid.add_column(width=side)
    grid.add_column(overflow="fold")
    for row in rows.slice(0, PAIRS).to_pylist():
        small = [thumbs.small(row[name], side) for name in columns]
        if any(small):
            if grid.row_count:
                grid.add_row()
            drawn = [half_blocks(image) if image else Text("no picture", "quiet") for image in small]
            grid.add_row(*drawn, _caption(row))
    return grid if grid.row_count else None


def _caption(row: dict[str, object]) -> Text:
    said = Text()
    for name, value in row.items():
        if value is not None:
            said.append(f"{visible(name.removesuffix('_uri'))} ", "quiet")
            said.append(f"{visible(str(value))}\n")
    return said
