"""The file that a camera writes: JPEG with EXIF."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, Final

from PIL import Image

from workbench.clock import as_utc

if TYPE_CHECKING:
    from datetime import datetime

    import numpy as np
    from numpy.typing import NDArray

    from workbench.worlds.catalogue import Camera

_EXIF, _GPS = 0x8769, 0x8825

_UNDO: Final = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_90,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_270,
}
"""What a reader's exif_transpose will undo."""


def encode(
    pixels: NDArray[np.uint8],
    *,
    captured_at: datetime,
    camera: Camera,
    quality: int = 90,
    orientation: int = 1,
) -> bytes:
    """Write a picture as the camera does: JPEG with EXIF.

    Parameters
    ----------
    pixels : numpy.ndarray
        ``(height, width, 3)``, uint8, RGB, upright.
    captured_at : datetime
        Aware; written in UTC to the microsecond, with its offset.
    camera : Camera
        Its serial number and place are written, too.
    quality : int
        Of the JPEG, without chroma subsampling.
    orientation : int
        EXIF orientation 1 to 8. The pixels are stored so that a reader who heeds the tag
        sees them upright.

    Returns
    -------
    bytes
        The file.
    """
    when = as_utc(captured_at)
    date = when.strftime("%Y:%m:%d %H:%M:%S")
    exif = Image.Exif()
    exif.update({271: "Pomona Optics", 272: camera.serial.split("-")[0], 274: orientation, 306: date})
    exif.get_ifd(_EXIF).update(
        {36867: date, 36881: "+00:00", 37521: f"{when.microsecond:06d}", 42033: camera.serial}
    )
    latitude, longitude = camera.gps
    exif.get_ifd(_GPS).update({1: "N", 2: _dms(latitude), 3: "E", 4: _dms(longitude)})
    file = io.BytesIO()
    image = Image.fromarray(pixels)
    if orientation in _UNDO:
        image = image.transpose(_UNDO[orientation])
    image.save(file, "JPEG", quality=quality, subsampling=0, exif=exif)
    return file.getvalue()


def _dms(degrees: float) -> tuple[float, float, float]:
    whole = int(degrees)
    minutes = int((degrees - whole) * 60)
    return float(whole), float(minutes), round((degrees - whole - minutes / 60) * 3600, 2)
