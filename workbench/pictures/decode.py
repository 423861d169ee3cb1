"""From bytes to pixels: one path, strict, the same in every thread and under every warning filter.

The formats are recognised by their first bytes and decoded by Pillow's class for that
format, never by `Image.open`: that one tries every plug-in, and its guard against huge
pictures is a process-wide setting that only warns. Size is checked before a pixel is
decoded; metadata is cut off before the decoder sees it, so that bombs in it never go off.
"""

from __future__ import annotations

import re
import zlib
from dataclasses import dataclass
from io import BytesIO
from typing import TYPE_CHECKING, Final

from workbench.pictures.exif import PNG_MAGIC, png_chunks, read_exif
from workbench.pictures.policy import PictureProblem, Policy

if TYPE_CHECKING:
    from PIL import Image, ImageFile


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
        if "DecompressionBomb" in type(error).__name__:  # of a frame that is larger than the header says
            reason = "bomb"
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
