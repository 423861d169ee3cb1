"""From bytes to pixels: one path, strict, the same in every thread and under every warning filter.

The formats are recognised by their first bytes and decoded by Pillow's class for that
format, never by `Image.open`: that one tries every plug-in, and its guard against huge
pictures is a process-wide setting that only warns. Size is checked before a pixel is
decoded; metadata is cut off before the decoder sees it, so that bombs in it never go off.
"""

from __future__ import annotations

import hashlib
import re
import zlib
from dataclasses import dataclass
from functools import cache
from io import BytesIO
from typing import TYPE_CHECKING, Final

from workbench.pictures.exif import PNG_MAGIC, png_chunks, read_exif

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np
    from numpy.typing import NDArray
    from PIL import Image, ImageFile

REASONS: Final = {
    "missing_object": "the raw object is gone from the store",
    "tampered": "the bytes no longer have the sha256 taken at ingestion",
    "empty": "the file has no bytes",
    "not_an_image": "the first bytes are those of no picture format",
    "format_refused": "a picture format that is not decoded here",
    "truncated": "the file ends before the picture does",
    "damaged": "the decoder gave up",
    "bomb": "far more pixels, passes or text than a photo has",
    "animated": "more than one frame",
    "sixteen_bit": "more than 8 bits a channel: the range of values is not known",
    "mode_refused": "pixels of a kind that has no fixed way to RGB",
    "too_small": "a side is too short",
    "wrong_size": "not the size that this world's cameras deliver",
    "extreme_aspect": "far longer than wide",
    "blank": "one colour from edge to edge",
    "exact_duplicate": "the same bytes arrived before",
    "same_pixels": "the same pixels arrived before in other bytes",
}
"""Why a file is quarantined: the code in the manifest, and what it means."""


@dataclass(frozen=True, slots=True)
class Policy:
    """What a picture must be to pass.

    Attributes
    ----------
    min_side : int
        Shortest side, in pixels.
    max_side : int
        Longer pictures are shrunk to this, in pixels.
    exact : sequence of int, or None
        Width and height that every picture must have.
    max_aspect : float
        Longest side over shortest side.
    max_pixels : int
        More are not decoded; 64 million pixels take 192 MB.
    max_passes : int
        Scans of a progressive JPEG: a few kilobytes can hold thousands, each over all pixels.
    max_text : int
        Bytes of one compressed text or profile of a PNG when unpacked.
    blank_range : int
        A channel whose values span no more than this, of 255, counts as one value.
    """

    min_side: int = 32
    max_side: int = 512
    exact: Sequence[int] | None = None
    max_aspect: float = 8.0
    max_pixels: int = 64_000_000
    max_passes: int = 100
    max_text: int = 1 << 20
    blank_range: int = 2


POLICIES: Final = {"packhouse": Policy(exact=(96, 96)), "folder": Policy()}


def policy_for(world: str) -> Policy:
    """Return the policy of a world, or the general one.

    Parameters
    ----------
    world : str
        ``packhouse`` or ``folder``.

    Returns
    -------
    Policy
        What *clean* asks of its pictures.
    """
    return POLICIES.get(world, Policy())


class PictureProblem(ValueError):  # noqa: N818  it is a finding, not a fault of the program
    """A file is not a picture that we use.

    Parameters
    ----------
    reason : str
        A key of `REASONS`.
    detail : str
        What was seen.
    """

    def __init__(self, reason: str, detail: str) -> None:
        super().__init__(f"{REASONS[reason]}: {detail}")
        self.reason = reason
        self.detail = detail


@dataclass(frozen=True, slots=True)
class Picture:
    """A picture that passed.

    Attributes
    ----------
    image : PIL.Image.Image
        RGB, upright, at most `Policy.max_side` long.
    width, height : int
        Upright, before shrinking, in pixels.
    mode : str
        Of the file, before it became RGB.
    orientation : int
        EXIF orientation that was undone, 1 to 8.
    frames : int
        Always 1: animations do not pass.
    """

    image: Image.Image
    width: int
    height: int
    mode: str
    orientation: int
    frames: int = 1


_FORMATS: Final = (
    ("JPEG", re.compile(rb"\xff\xd8\xff")),
    ("PNG", re.compile(re.escape(PNG_MAGIC))),
    ("GIF", re.compile(rb"GIF8[79]a")),
    ("WEBP", re.compile(rb"RIFF....WEBP", re.DOTALL)),
)
_REFUSED: Final = (
    ("TIFF", re.compile(rb"II\*\0|MM\0\*|II\+\0|MM\0\+")),
    ("BMP", re.compile(rb"BM.{4}\0\0\0\0", re.DOTALL)),
    ("EPS or PostScript", re.compile(rb"%!PS|\xc5\xd0\xd3\xc6")),
    ("PDF", re.compile(rb"%PDF")),
    ("SVG", re.compile(rb"\s*(<\?xml[^>]*>\s*)?(<!--.*?-->\s*)?(<!DOCTYPE svg[^>]*>\s*)?<svg\b", re.DOTALL)),
    ("icon", re.compile(rb"\0\0[\1\2]\0[^\0]\0", re.DOTALL)),
    ("JPEG 2000", re.compile(rb"\0\0\0\x0cjP  |\xff\x4f\xff\x51")),
    ("HEIC (convert it to JPEG first)", re.compile(rb"....ftyp(?:hei[cmsx]|hev[cx]|mif1|msf1)", re.DOTALL)),
    ("AVIF", re.compile(rb"....ftypavi[fs]", re.DOTALL)),
    ("Photoshop", re.compile(rb"8BPS")),
    ("DDS", re.compile(rb"DDS ")),
    ("portable pixmap", re.compile(rb"P[1-7][\s]")),
)


def open_picture(data: bytes, policy: Policy | None = None) -> Picture:
    """Decode a file into an upright RGB picture, or say why not.

    Palette and alpha are laid on white; CMYK and grey become RGB; EXIF orientation is
    undone; a long picture is shrunk with Pillow's bicubic filter at full quality (its
    shortcuts, ``draft`` and ``reducing_gap``, change the pixels). 16 bits of grey are refused
    (Pillow would clip them to white); of 16 bits of colour the upper 8 are taken.

    Parameters
    ----------
    data : bytes
        The whole file. Its name does not matter.
    policy : Policy, optional
        What to ask of it; default: the general one.

    Returns
    -------
    Picture
        Fully decoded.

    Raises
    ------
    PictureProblem
        With one of `REASONS`. Nothing else is raised, whatever the bytes.
    """
    policy = policy or Policy()
    kind = _recognise(data)
    orientation = read_exif(data).orientation
    try:
        with _decoder(kind, _bare(kind, data, policy)) as source:
            _check_header(source, policy)
            source.load()
            mode = source.mode
            image = _upright(_to_rgb(source), orientation)
    except PictureProblem:
        raise
    except Exception as error:  # noqa: BLE001  decoders raise whatever they like
        reason = "truncated" if _ends_early(kind, data) else "damaged"
        raise PictureProblem(reason, f"{kind}: {str(error) or type(error).__name__}") from None
    width, height = image.size
    _check_content(image, policy)
    return Picture(_shrunk(image, policy.max_side), width, height, mode, orientation)


def _recognise(data: bytes) -> str:
    if not data:
        raise PictureProblem("empty", "0 bytes")
    for kind, magic in _FORMATS:
        if magic.match(data):
            return kind
    for kind, magic in _REFUSED:
        if magic.match(data[:4096]):
            raise PictureProblem("format_refused", kind)
    raise PictureProblem("not_an_image", f"begins with {data[:12]!r}")


def _bare(kind: str, data: bytes, policy: Policy) -> bytes:
    """Return the file without metadata; refuse what can be refused without decoding."""
    if kind == "JPEG":
        passes = data.count(b"\xff\xda")
        if passes > policy.max_passes:
            raise PictureProblem("bomb", f"{passes} passes over the picture")
        return _bare_jpeg(data)
    if kind == "PNG":
        return _bare_png(data, policy)
    if kind == "WEBP":
        _check_pixels(*_webp_size(data), policy)  # its decoder takes memory for all pixels when it is made
    return data


def _bare_jpeg(data: bytes) -> bytes:
    """Drop APP1 to APP13, APP15 and comments; APP14 says how CMYK is meant."""
    kept, at = [data[:2]], 2
    while at + 4 <= len(data):
        if data[at] != 0xFF:
            raise ValueError("bytes between two segments")
        marker = data[at + 1]
        if marker == 0xFF:  # filling
            at += 1
            continue
        if marker == 0xDA:
            break
        alone = marker == 0x01 or 0xD0 <= marker <= 0xD8
        end = at + 2 if alone else at + 2 + int.from_bytes(data[at + 2 : at + 4], "big")
        if not (0xE1 <= marker <= 0xED or marker in {0xEF, 0xFE}):
            kept.append(data[at:end])
        at = end
    return b"".join([*kept, data[at:]])


def _bare_png(data: bytes, policy: Policy) -> bytes:
    kept = [PNG_MAGIC]
    for kind, start, end in png_chunks(data):
        if kind == b"acTL":
            raise PictureProblem("animated", "an animated PNG")
        if kind in {b"iCCP", b"zTXt", b"iTXt"}:
            _check_text(kind, data[start + 8 : end - 4], policy)
        elif kind in {b"IHDR", b"PLTE", b"tRNS", b"IDAT", b"IEND"}:
            kept.append(data[start:end])
    if not kept[-1].endswith(b"IEND\xaeB`\x82"):
        raise PictureProblem("truncated", "PNG: no end chunk")
    return b"".join(kept)


def _check_text(kind: bytes, body: bytes, policy: Policy) -> None:
    """Refuse a PNG whose compressed text unpacks to more than a text or profile ever has."""
    packed = body.partition(b"\0")[2][1:]
    if kind == b"iTXt":
        packed = (
            packed[1:].partition(b"\0")[2].partition(b"\0")[2]
            if body.partition(b"\0")[2][:1] == b"\1"
            else b""
        )
    try:
        size = len(zlib.decompressobj().decompress(packed, policy.max_text + 1)) if packed else 0
    except zlib.error:
        return  # it will not be read
    if size > policy.max_text:
        raise PictureProblem(
            "bomb", f"a {kind.decode()} chunk of {len(body)} bytes unpacks to more than {policy.max_text}"
        )


def _webp_size(data: bytes) -> tuple[int, int]:
    """Return width and height from the first chunk (VP8X, VP8L or VP8)."""
    kind, body = data[12:16], data[20:30]
    if kind == b"VP8X":
        return 1 + int.from_bytes(body[4:7], "little"), 1 + int.from_bytes(body[7:10], "little")
    if kind == b"VP8L":
        bits = int.from_bytes(body[1:5], "little")
        return 1 + (bits & 0x3FFF), 1 + (bits >> 14 & 0x3FFF)
    if kind == b"VP8 ":
        return int.from_bytes(body[6:8], "little") & 0x3FFF, int.from_bytes(body[8:10], "little") & 0x3FFF
    raise ValueError(f"a first chunk {kind!r}")


def _decoder(kind: str, data: bytes) -> ImageFile.ImageFile:
    from PIL import GifImagePlugin, JpegImagePlugin, PngImagePlugin, WebPImagePlugin

    classes: dict[str, type[ImageFile.ImageFile]] = {
        "JPEG": JpegImagePlugin.JpegImageFile,
        "PNG": PngImagePlugin.PngImageFile,
        "GIF": GifImagePlugin.GifImageFile,
        "WEBP": WebPImagePlugin.WebPImageFile,
    }
    return classes[kind](BytesIO(data))


def _check_pixels(width: int, height: int, policy: Policy) -> None:
    if width * height > policy.max_pixels:
        raise PictureProblem("bomb", f"{width} x {height} = {width * height:,} pixels")


def _check_header(source: ImageFile.ImageFile, policy: Policy) -> None:
    _check_pixels(*source.size, policy)
    if getattr(source, "is_animated", False):
        raise PictureProblem("animated", f"{source.format}, {getattr(source, 'n_frames', 2)} frames")
    if source.mode.startswith(("I", "F")):
        raise PictureProblem("sixteen_bit", f"mode {source.mode}")
    if source.mode not in {"1", "L", "LA", "P", "PA", "RGB", "RGBA", "RGBX", "CMYK", "YCbCr"}:
        raise PictureProblem("mode_refused", f"mode {source.mode}")


def _to_rgb(source: Image.Image) -> Image.Image:
    """Lay what is transparent on white: dropping alpha would show hidden pixels."""
    from PIL import Image

    if source.mode in {"RGBA", "LA", "PA"} or "transparency" in source.info:
        above = source.convert("RGBA")
        return Image.alpha_composite(Image.new("RGBA", above.size, "white"), above).convert("RGB")
    return source.convert("RGB")


def _upright(image: Image.Image, orientation: int) -> Image.Image:
    """Undo the EXIF orientation (Exif 2.32, tag 0x0112)."""
    from PIL import Image

    turn = Image.Transpose
    methods = {
        2: turn.FLIP_LEFT_RIGHT,
        3: turn.ROTATE_180,
        4: turn.FLIP_TOP_BOTTOM,
        5: turn.TRANSPOSE,
        6: turn.ROTATE_270,
        7: turn.TRANSVERSE,
        8: turn.ROTATE_90,
    }
    return image.transpose(methods[orientation]) if orientation in methods else image


def _check_content(image: Image.Image, policy: Policy) -> None:
    from PIL import ImageStat

    width, height = image.size
    if min(width, height) < policy.min_side:
        raise PictureProblem("too_small", f"{width} x {height}, at least {policy.min_side}")
    if max(width, height) > policy.max_aspect * min(width, height):
        raise PictureProblem("extreme_aspect", f"{width} x {height}")
    if policy.exact is not None and (width, height) != tuple(policy.exact):
        raise PictureProblem(
            "wrong_size", f"{width} x {height} instead of {policy.exact[0]} x {policy.exact[1]}"
        )
    if all(high - low <= policy.blank_range for low, high in ImageStat.Stat(image).extrema):
        raise PictureProblem("blank", "one value of red, green and blue from edge to edge")


def _shrunk(image: Image.Image, max_side: int) -> Image.Image:
    from PIL import Image

    if max(image.size) <= max_side:
        return image
    scale = max_side / max(image.size)
    size = (max(1, round(image.width * scale)), max(1, round(image.height * scale)))
    return image.resize(size, Image.Resampling.BICUBIC, reducing_gap=None)


def _ends_early(kind: str, data: bytes) -> bool:
    """Tell a file that was cut off from one that is damaged inside."""
    tail = data[-64:].rstrip(b"\0")
    if kind == "JPEG":
        return b"\xff\xd9" not in tail
    if kind == "PNG":
        return b"IEND" not in tail
    if kind == "GIF":
        return not tail.endswith(b";")
    return len(data) < 8 + int.from_bytes(data[4:8], "little")


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
        16 hex digits; bit for bit imagehash.phash with hash_size 8 (the lowest 8 x 8 coefficients of
        a cosine transform of 32 x 32 pixels, each above their median or not), 6 times as fast.
    """
    import numpy as np
    from PIL import Image

    pixels = np.asarray(image.convert("L").resize((32, 32), Image.Resampling.LANCZOS), np.float64)
    waves = _cosines()
    low = np.round(waves @ pixels @ waves.T, 6)  # rounded: what should be zero is zero on every machine
    return np.packbits(low > np.median(low)).tobytes().hex()


@cache
def _cosines() -> NDArray[np.float64]:
    """Return the first 8 waves of the cosine transform of 32 values, shape (8, 32)."""
    import numpy as np

    waves: NDArray[np.float64] = np.cos(np.pi / 64 * np.outer(np.arange(8), 2 * np.arange(32) + 1))
    return waves


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
