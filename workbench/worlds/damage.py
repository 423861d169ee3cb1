"""Deliveries that went wrong: repeated, re-encoded, cut, empty, or no picture at all."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, Final

from PIL import Image

from workbench.errors import WorldError
from workbench.hashing import sha256_bytes
from workbench.worlds.fruit import rng_for

if TYPE_CHECKING:
    from collections.abc import Callable

_PAGE: Final = b"""<!DOCTYPE html>
<html><head><title>502 Bad Gateway</title></head>
<body><h1>502 Bad Gateway</h1><p>The camera gateway did not answer.</p></body></html>
"""
_START_OF_SCAN: Final = b"\xff\xda"


def _again(payload: bytes, *, quality: int, px: int | None = None) -> bytes:
    """Decode and encode once more; EXIF comes along, as most tools do."""
    image: Image.Image = Image.open(io.BytesIO(payload))
    exif = image.getexif()
    if px is not None:
        image = image.resize((px, px), Image.Resampling.BICUBIC)
    file = io.BytesIO()
    image.save(file, "JPEG", quality=quality, exif=exif)
    return file.getvalue()


def _width(payload: bytes) -> int:
    return Image.open(io.BytesIO(payload)).width


def tamper(payload: bytes, n_bytes: int = 200) -> bytes:
    """Change bytes inside a JPEG so that it keeps its length and still decodes.

    The change sits in the last part of the picture data: what opens it sees no error, only a
    spoilt picture. A sha256 taken earlier finds it, nothing else does.

    Parameters
    ----------
    payload : bytes
        A baseline JPEG.
    n_bytes : int
        How many bytes are changed; fewer in a tiny picture that has no more.

    Returns
    -------
    bytes
        As long as `payload`; the same each time.

    Raises
    ------
    WorldError
        If there is no picture data, or too little of it.
    """
    begin, end = payload.rfind(_START_OF_SCAN) + 14, len(payload) - 2
    begin = max(begin, end - 2 * n_bytes)
    safe = [i for i in range(begin, end) if 0xFF not in payload[i - 1 : i + 1]][-n_bytes:]
    if not payload.startswith(b"\xff\xd8") or len(safe) < 20:
        raise WorldError("these bytes cannot be tampered with", hint="give a JPEG with a picture in it")
    for attempt in range(100):
        rng, changed = rng_for("tamper", sha256_bytes(payload), attempt), bytearray(payload)
        for i in safe:
            changed[i] = (payload[i] + int(rng.integers(1, 255))) % 255  # never 0xff: that begins a marker
        if _decodes(bytes(changed)):
            return bytes(changed)
    raise WorldError("no change of these bytes would still decode", hint="give another picture")


def _decodes(payload: bytes) -> bool:
    try:
        Image.open(io.BytesIO(payload)).load()
    except (OSError, SyntaxError):
        return False
    return True


SORTS: Final[dict[str, Callable[[bytes], bytes]]] = {
    "exact_duplicate": lambda payload: payload,
    "reencoded": lambda payload: _again(payload, quality=70),
    "resized": lambda payload: _again(payload, quality=85, px=_width(payload) * 3 // 4),
    "truncated": lambda payload: payload[: len(payload) * 3 // 5],
    "empty": lambda _: b"",
    "html": lambda _: _PAGE,
    "wrong_size": lambda payload: _again(payload, quality=90, px=12),
    "changed_inside": tamper,
}
"""Each sort of hostile delivery: what it makes of a good file."""
