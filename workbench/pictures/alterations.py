"""What goes wrong with a picture between the file and the encoder: to show it, and to test that it is noticed.

Each takes an RGB picture and returns another. None raises, none is right: `open_picture` is.
"""

from __future__ import annotations

from io import BytesIO
from typing import TYPE_CHECKING, Final

from workbench.pictures.decode import open_picture
from workbench.pictures.exif import read_exif

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from PIL import Image

    from workbench.pictures.policy import Policy

QUALITY: Final = 15
"""Of the JPEG that a thumbnail service, or a wish to save bandwidth, makes on the way."""


def bgr(image: Image.Image) -> Image.Image:
    """Exchange red and blue, as a library does that reads blue, green, red."""
    from PIL import Image

    red, green, blue = image.convert("RGB").split()
    return Image.merge("RGB", (blue, green, red))


def jpeg(image: Image.Image, quality: int = QUALITY) -> Image.Image:
    """Encode a picture as JPEG and decode it again.

    Parameters
    ----------
    image : PIL.Image.Image
        RGB.
    quality : int
        1 to 95, as Pillow has it.

    Returns
    -------
    PIL.Image.Image
        RGB, the same size.
    """
    from PIL import Image

    packed = BytesIO()
    image.convert("RGB").save(packed, "JPEG", quality=quality)
    packed.seek(0)
    with Image.open(packed, formats=["JPEG"]) as again:
        return again.convert("RGB")


def rotated(image: Image.Image, orientation: int = 6) -> Image.Image:
    """Lay an upright picture as a camera stores it that was held otherwise.

    Parameters
    ----------
    image : PIL.Image.Image
        Upright.
    orientation : int
        EXIF orientation (Exif 2.32, tag 0x0112), 1 to 8; 6 is a telephone held upright.

    Returns
    -------
    PIL.Image.Image
        What a reader sees that ignores the tag.
    """
    from PIL import Image

    turn = Image.Transpose
    methods = {
        2: turn.FLIP_LEFT_RIGHT,
        3: turn.ROTATE_180,
        4: turn.FLIP_TOP_BOTTOM,
        5: turn.TRANSPOSE,
        6: turn.ROTATE_90,
        7: turn.TRANSVERSE,
        8: turn.ROTATE_270,
    }
    return image.transpose(methods[orientation]) if orientation in methods else image


ALTERATIONS: Final[Mapping[str, Callable[[Image.Image], Image.Image]]] = {
    "bgr": bgr,
    "jpeg": jpeg,
    "rotated": rotated,
}
"""Name to what is done to the picture; `normalise` and `resample` of the encoder are the other two."""


def open_as_stored(data: bytes, policy: Policy | None = None) -> Image.Image:
    """Decode a file as it is stored: the EXIF orientation is ignored.

    Parameters
    ----------
    data : bytes
        The whole file.
    policy : Policy, optional
        What to ask of it, as in `open_picture`.

    Returns
    -------
    PIL.Image.Image
        RGB; upright only where the camera was.

    Raises
    ------
    PictureProblem
        With one of `REASONS`.
    """
    return rotated(open_picture(data, policy).image, read_exif(data).orientation)
