"""What a picture looks like, in a few bytes: to find it again, exactly or nearly."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray
    from PIL import Image


def pixel_hash(image: Image.Image) -> str:
    """Return the sha256 over mode, size and pixels: a 10 x 20 and a 20 x 10 black image differ.

    Parameters
    ----------
    image : PIL.Image.Image
        Of any mode.

    Returns
    -------
    str
        64 hex digits.
    """
    digest = hashlib.sha256(f"{image.mode} {image.width} {image.height}\n".encode())
    digest.update(image.tobytes())
    return digest.hexdigest()


def perceptual_hash(image: Image.Image) -> str:
    """Return the 64-bit pHash: near-duplicates differ in few bits.

    Parameters
    ----------
    image : PIL.Image.Image
        RGB.

    Returns
    -------
    str
        16 hex digits: `imagehash.phash` with hash_size 8, the lowest 8 x 8 coefficients of a cosine
        transform of 32 x 32 grey pixels, each above their median or not.
    """
    import imagehash

    return str(imagehash.phash(image))


def thumbnail(image: Image.Image) -> NDArray[np.uint8]:
    """Return a tiny grey version, to look twice where two perceptual hashes are close.

    Parameters
    ----------
    image : PIL.Image.Image
        RGB.

    Returns
    -------
    ndarray of uint8, shape (576,)
        Brightness of 24 x 24 boxes. Without colour, since JPEG keeps that coarsely: with it, a copy
        of quality 40 lies as far off as the nearest other fruit.
    """
    import numpy as np
    from PIL import Image

    return np.asarray(image.convert("L").resize((24, 24), Image.Resampling.BOX), np.uint8).reshape(-1)
