"""Hostile files: each goes through ingest and clean, and ends with the reason that is its own.

The files are made here, byte by byte where no library would write them. What is no threat ends
clean, and the table says so too.
"""

from __future__ import annotations

import io
import struct
import time
import zipfile
import zlib
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import pytest
from PIL import ExifTags, Image, ImageFilter
from PIL.PngImagePlugin import PngInfo

from workbench.clock import timestamp_type
from workbench.hashing import sha256_texts
from workbench.manifests import read_header, read_table
from workbench.pictures import REASONS
from workbench.profiles.workspace import WorldSettings, create
from workbench.records import Capture
from workbench.stages.clean import clean
from workbench.stages.ingest import ingest

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    import pyarrow as pa

    from workbench.profiles.workspace import Workspace

CLEAN: Final = "clean"


# -- files -------------------------------------------------------------------------------------------------------


@cache
def scene(size: tuple[int, int] = (96, 96)) -> Image.Image:
    """Return a smooth coloured picture."""
    noise = np.random.default_rng(size[0]).integers(0, 256, (size[1], size[0], 3), dtype=np.uint8)
    return Image.fromarray(noise).filter(ImageFilter.GaussianBlur(1.5))


def encode(kind: str, image: Image.Image | None = None, **options: Any) -> bytes:
    """Encode a picture; it gets a dot of its own, so that no two of these files are equal."""
    image = (image or scene()).copy()
    dot = encode.dots = getattr(encode, "dots", 0) + 1
    if image.mode == "RGB" and min(image.size) > 30:
        image.paste(
            (dot % 256, 255 - dot % 256, 99),
            (dot % 8 * 10, dot // 8 % 8 * 10, dot % 8 * 10 + 12, dot // 8 % 8 * 10 + 12),
        )
    file = io.BytesIO()
    image.save(file, kind, **options)
    return file.getvalue()


def chunk(kind: bytes, body: bytes) -> bytes:
    """Return a chunk of a PNG file."""
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def png(
    width: int, height: int, *, depth: int = 8, colour: int = 2, data: bytes = b"", extra: bytes = b""
) -> bytes:
    """Return a PNG file with a header and data that need not fit."""
    header = struct.pack(">IIBBBBB", width, height, depth, colour, 0, 0, 0)
    end = chunk(b"IEND", b"")
    return (
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + extra + chunk(b"IDAT", zlib.compress(data, 9)) + end
    )


def with_chunk(kind: bytes, body: bytes) -> bytes:
    """Return a good PNG file with one more chunk after its header."""
    data = encode("PNG")
    return data[:33] + chunk(kind, body) + data[33:]


def cut(data: bytes, share: float) -> bytes:
    """Return the first part of a file."""
    return data[: int(len(data) * share)]


def overwritten(data: bytes, at: float, n: int) -> bytes:
    """Return a file with random bytes inside."""
    start = int(len(data) * at)
    return data[:start] + np.random.default_rng(7).bytes(n) + data[start + n :]


def one_bit(data: bytes, at: float) -> bytes:
    """Return a file with one bit turned."""
    changed = bytearray(data)
    changed[int(len(data) * at)] ^= 4
    return bytes(changed)


def archive() -> bytes:
    """Return a zip file."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as inside:
        inside.writestr("a.txt", "a picture was promised")
    return file.getvalue()


def exif_of(**tags: Any) -> Image.Exif:
    """Return EXIF data with the tags that are named."""
    found = Image.Exif()
    for name, value in tags.items():
        found[ExifTags.Base[name]] = value
    return found


def exif_raw(body: bytes) -> bytes:
    """Return a JPEG whose EXIF segment holds these bytes."""
    return encode("JPEG", exif=b"Exif\0\0" + body)


def exif_loop() -> bytes:
    """Return EXIF data whose directories point at each other for ever."""
    entry = struct.pack("<HHII", 0x8769, 4, 1, 8)
    return b"II*\0" + struct.pack("<I", 8) + struct.pack("<H", 1) + entry + struct.pack("<I", 8)


def many_passes() -> bytes:
    """Return a progressive JPEG with one pass repeated over and over."""
    data = encode("JPEG", progressive=True)
    last = data.rindex(b"\xff\xda")
    return data[:last] + data[last:-2] * 300 + data[-2:]


def frames(kind: str) -> bytes:
    """Return an animation of two pictures."""
    return encode(kind, save_all=True, append_images=[scene().rotate(90)], duration=100)


def two_pictures() -> bytes:
    """Return what a telephone writes: a picture and a second one behind it (MPO)."""
    return encode("MPO", save_all=True, append_images=[scene().rotate(180)])


def webp_canvas(width: int, height: int) -> bytes:
    """Return a WebP file that claims a canvas of this size."""
    body = (
        b"VP8X"
        + struct.pack("<I", 10)
        + b"\0\0\0\0"
        + (width - 1).to_bytes(3, "little")
        + (height - 1).to_bytes(3, "little")
    )
    return b"RIFF" + struct.pack("<I", len(body) + 4) + b"WEBP" + body


def gif_frame(width: int, height: int) -> bytes:
    """Return a GIF of 10 x 10 with a frame of this size."""
    screen = b"GIF89a" + struct.pack("<HHBBB", 10, 10, 0x80, 0, 0) + bytes(6)
    return screen + b"," + struct.pack("<HHHHB", 0, 0, width, height, 0) + b"\2\2L\1\0;"


def tall_jpeg(width: int, height: int) -> bytes:
    """Return a JPEG whose header claims this size."""
    data = bytearray(encode("JPEG"))
    at = data.index(b"\xff\xc0")
    data[at + 5 : at + 9] = struct.pack(">HH", height, width)
    return bytes(data)


GREY_16 = Image.fromarray(np.arange(96 * 96, dtype=np.uint16).reshape(96, 96) * 7)
PLAIN = "a text about fruit, long enough to be a file of its own\n" * 9
PAGE = "<!DOCTYPE html><html><body>502 Bad Gateway</body></html>"
DRAWING = (
    '<?xml version="1.0"?><svg xmlns="http://www.w3.org/2000/svg"><image href="file:///etc/passwd"/></svg>'
)
PROGRAM = b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 96 96\n(/etc/passwd) (r) file\n"

FILES: Final[Mapping[str, tuple[str, Callable[[], bytes]]]] = {
    # no picture at all
    "zero.jpg": ("empty", lambda: b""),
    "text.jpg": ("not_an_image", PLAIN.encode),
    "page.jpg": ("not_an_image", PAGE.encode),
    "random.jpg": ("not_an_image", lambda: np.random.default_rng(1).bytes(3000)),
    "zeros.png": ("not_an_image", lambda: bytes(4096)),
    "newline.gif": ("not_an_image", lambda: b"\n"),
    "archive.png": ("not_an_image", archive),
    "json.webp": ("not_an_image", lambda: b'{"error": "no such object"}'),
    "program.exe.jpg": ("not_an_image", lambda: b"MZ\x90\0" + bytes(200)),
    "sound.webp": ("not_an_image", lambda: b"RIFF\x24\0\0\0WAVEfmt " + bytes(28)),
    # formats that are not decoded here
    "document.jpg": ("format_refused", lambda: b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n"),
    "program.eps": ("format_refused", lambda: PROGRAM),
    "program.png": ("format_refused", lambda: PROGRAM + b"again"),
    "binary.eps": ("format_refused", lambda: b"\xc5\xd0\xd3\xc6" + bytes(64)),
    "drawing.svg": ("format_refused", DRAWING.encode),
    "drawing.jpg": ("format_refused", lambda: DRAWING.encode() + b"\n"),
    "scan.tif": ("format_refused", lambda: encode("TIFF")),
    "scan.jpg": ("format_refused", lambda: encode("TIFF", compression="tiff_lzw")),
    "screen.bmp": ("format_refused", lambda: encode("BMP")),
    "icon.ico": ("format_refused", lambda: encode("ICO", scene().resize((64, 64)))),
    "wavelet.jp2": ("format_refused", lambda: encode("JPEG2000")),
    "modern.avif": ("format_refused", lambda: encode("AVIF")),
    "telephone.heic": ("format_refused", lambda: b"\0\0\0\x18ftypheic\0\0\0\0mif1heic" + bytes(80)),
    "layers.psd": ("format_refused", lambda: b"8BPS\0\1" + bytes(40)),
    "texture.dds": ("format_refused", lambda: encode("DDS")),
    "pixmap.ppm": ("format_refused", lambda: encode("PPM")),
    # cut off
    "cut-10.jpg": ("truncated", lambda: cut(encode("JPEG"), 0.1)),
    "cut-60.jpg": ("truncated", lambda: cut(encode("JPEG"), 0.6)),
    "cut-99.jpg": ("truncated", lambda: cut(encode("JPEG"), 0.99)),
    "cut-progressive.jpg": ("truncated", lambda: cut(encode("JPEG", progressive=True), 0.7)),
    "cut-50.png": ("truncated", lambda: cut(encode("PNG"), 0.5)),
    "cut-end.png": ("truncated", lambda: encode("PNG")[:-12]),
    "cut-50.webp": ("truncated", lambda: cut(encode("WEBP"), 0.5)),
    "cut-50.gif": ("truncated", lambda: cut(encode("GIF"), 0.5)),
    "header-only.jpg": ("truncated", lambda: encode("JPEG")[:20]),
    "header-only.png": ("truncated", lambda: encode("PNG")[:33]),
    "magic-only.png": ("truncated", lambda: b"\x89PNG\r\n\x1a\n"),
    "magic-only.jpg": ("truncated", lambda: b"\xff\xd8\xff"),
    "magic-only.gif": ("truncated", lambda: b"GIF89a"),
    # damaged inside
    "one-bit.png": ("damaged", lambda: one_bit(encode("PNG"), 0.5)),
    "overwritten.png": ("damaged", lambda: overwritten(encode("PNG"), 0.4, 200)),
    "overwritten.webp": ("damaged", lambda: overwritten(encode("WEBP"), 0.02, 40)),
    "two-starts.jpg": ("damaged", lambda: b"\xff\xd8" + encode("JPEG")),
    "junk-between.jpg": ("damaged", lambda: encode("JPEG")[:20] + b"junk" + encode("JPEG")[20:]),
    "no-data.png": ("damaged", lambda: png(64, 64)),
    "too-little-data.png": ("damaged", lambda: png(64, 64, data=bytes(100))),
    "zero-width.png": ("damaged", lambda: png(0, 64, data=bytes(64))),
    "negative-width.png": ("bomb", lambda: png(0xFFFFFFFF, 64, data=bytes(64))),
    "zero-height.jpg": ("damaged", lambda: tall_jpeg(96, 0)),
    "strange-depth.png": ("damaged", lambda: png(64, 64, depth=5, data=bytes(9999))),
    "random-after-magic.gif": ("bomb", lambda: b"GIF89a" + np.random.default_rng(2).bytes(400) + b";"),
    # bombs
    "400-megapixels.png": ("bomb", lambda: png(20_000, 20_000, depth=1, colour=0, data=bytes(20_000 * 2501))),
    "100-megapixels.png": ("bomb", lambda: png(10_000, 10_000, depth=1, colour=0, data=bytes(10_000 * 1251))),
    "claims-4-gigapixels.jpg": ("bomb", lambda: tall_jpeg(65_500, 65_500)),
    "claims-268-megapixels.webp": ("bomb", lambda: webp_canvas(16_384, 16_384)),
    "claims-much.gif": ("bomb", lambda: b"GIF89a\xff\xff\xff\xff" + encode("GIF")[10:]),
    "frame-larger-than-screen.gif": ("bomb", lambda: gif_frame(60_000, 60_000)),
    "text-bomb.png": ("bomb", lambda: with_chunk(b"zTXt", b"k\0\0" + zlib.compress(bytes(8 << 20), 9))),
    "profile-bomb.png": ("bomb", lambda: with_chunk(b"iCCP", b"icc\0\0" + zlib.compress(bytes(8 << 20), 9))),
    "international-bomb.png": (
        "bomb",
        lambda: with_chunk(b"iTXt", b"k\0\1\0de\0k\0" + zlib.compress(bytes(8 << 20), 9)),
    ),
    "many-passes.jpg": ("bomb", many_passes),
    # pictures that are not what a model should see
    "animated.gif": ("animated", lambda: frames("GIF")),
    "animated.webp": ("animated", lambda: frames("WEBP")),
    "animated.png": ("animated", lambda: frames("PNG")),
    "sixteen-bit.png": ("sixteen_bit", lambda: encode("PNG", GREY_16)),
    "one-pixel.png": ("too_small", lambda: encode("PNG", scene((1, 1)))),
    "tiny.jpg": ("too_small", lambda: encode("JPEG", scene((31, 96)))),
    "line.png": ("too_small", lambda: encode("PNG", scene((2, 4000)))),
    "ribbon.png": ("extreme_aspect", lambda: encode("PNG", scene((40, 2000)))),
    "black.jpg": ("blank", lambda: encode("JPEG", Image.new("L", (96, 96), 0))),
    "white.png": ("blank", lambda: encode("PNG", Image.new("1", (96, 96), 1))),
    "invisible.png": ("blank", lambda: encode("PNG", Image.new("RGBA", (96, 96), (200, 10, 10, 0)))),
    # looks hostile, is none
    "wrong-ending.jpg": (CLEAN, lambda: encode("PNG")),
    "no-ending": (CLEAN, lambda: encode("JPEG")),
    "CAPITALS.JPG": (CLEAN, lambda: encode("JPEG")),
    "one-bit-colours.png": (CLEAN, lambda: encode("PNG", scene().convert("1"))),
    "palette.png": (CLEAN, lambda: encode("PNG", scene().quantize(200), transparency=bytes(range(200)))),
    "ink.jpg": (CLEAN, lambda: encode("JPEG", scene().rotate(90).convert("CMYK"))),
    "grey-alpha.png": (
        CLEAN,
        lambda: encode("PNG", scene().transpose(Image.Transpose.FLIP_LEFT_RIGHT).convert("LA")),
    ),
    "sixteen-bit-colour.png": (
        CLEAN,
        lambda: png(
            64, 64, depth=16, data=b"".join(b"\0" + np.random.default_rng(y).bytes(384) for y in range(64))
        ),
    ),
    "telephone.jpg": (CLEAN, two_pictures),
    "trailing-garbage.jpg": (CLEAN, lambda: encode("JPEG") + np.random.default_rng(5).bytes(5000)),
    "exif-garbage.jpg": (CLEAN, lambda: exif_raw(np.random.default_rng(6).bytes(2000))),
    "exif-lies.jpg": (CLEAN, lambda: exif_raw(b"II*\0\x08\0\0\0" + b"\xff" * 4000)),
    "exif-loop.jpg": (CLEAN, lambda: exif_raw(exif_loop())),
    "exif-huge.jpg": (CLEAN, lambda: encode("JPEG", exif=exif_of(ImageDescription="x" * 60_000))),
    "orientation-9.jpg": (CLEAN, lambda: encode("JPEG", exif=exif_of(Orientation=9))),
    "huge-text.png": (CLEAN, lambda: encode("PNG", pnginfo=_long_text())),
    "comment.jpg": (CLEAN, lambda: encode("JPEG", comment=b"<script>alert(1)</script>" * 99)),
    "decodes-but-changed.jpg": (CLEAN, lambda: overwritten(encode("JPEG", quality=95), 0.7, 40)),
    "a blank, ümläut & #%?.jpg": (CLEAN, lambda: encode("JPEG")),
    "-rf.jpg": (CLEAN, lambda: encode("JPEG")),
    "../../outside.jpg": (CLEAN, lambda: encode("JPEG")),
    "/absolute.jpg": (CLEAN, lambda: encode("JPEG")),
    "new\nline.jpg": (CLEAN, lambda: encode("JPEG")),
    "right-to-left-\u202egpj.exe": (CLEAN, lambda: encode("JPEG")),
    f"long/{'name-' * 100}.jpg": (CLEAN, lambda: encode("JPEG")),
    "odd.j:p?g*": (CLEAN, lambda: encode("JPEG")),
    **{
        f"orientation-{i}.jpg": (CLEAN, lambda i=i: encode("JPEG", exif=exif_of(Orientation=i)))
        for i in range(1, 9)
    },
    # once more (after all the others)
    "z-again.jpg": ("exact_duplicate", lambda: made()["no-ending"]),
    "z-other-bytes.png": ("same_pixels", lambda: made()["wrong-ending.jpg"] + b"\0"),
}


def _long_text() -> PngInfo:
    info = PngInfo()
    info.add_text("story", "long " * 200_000)
    return info


@cache
def made() -> dict[str, bytes]:
    """Return the bytes of each file, made once."""
    return {name: make() for name, (_, make) in FILES.items() if not name.startswith("z-")}


class HostileWorld:
    """A world that delivers nothing but these files."""

    name = "folder"
    labels = ("accept", "reject")
    history_end = datetime(2025, 9, 2, tzinfo=UTC)
    n_captures = len(FILES)
    fingerprint = sha256_texts(FILES)
    notes = ()

    def captures(self) -> Iterator[Capture]:
        """Yield the files, one a minute."""
        for i, (name, (_, make)) in enumerate(FILES.items()):
            payload = make() if name.startswith("z-") else made()[name]
            when = datetime(2025, 9, 1, tzinfo=UTC) + timedelta(minutes=i)
            yield Capture(name, payload, f"item-{i}", f"burst-{i}", 0, "camera", "line", when, when, "accept")

    def reviews(self) -> pa.Table:
        """Return no reviews."""
        import pyarrow as pa

        when = timestamp_type()
        columns = {
            "item_id": pa.string(),
            "reviewed_label": pa.string(),
            "reviewed_at": when,
            "known_at": when,
        }
        return pa.schema(columns).empty_table()

    def truth(self) -> None:
        """Know nothing."""


@pytest.fixture(scope="module")
def cleaned(tmp_path_factory: pytest.TempPathFactory) -> tuple[Workspace, dict[str, dict[str, Any]]]:
    """Ingest and clean all files; return the workspace and the clean manifest by name."""
    ws = create(
        str(tmp_path_factory.mktemp("hostile") / "ws"), world=WorldSettings("folder", path="/nowhere")
    )
    ingest(ws, HostileWorld())
    clean(ws)
    return ws, {row["name"]: row for row in read_table(ws.manifests / "clean").to_pylist()}


# -- what must hold ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", FILES, ids=lambda name: name[:40].encode("ascii", "replace").decode())
def test_each_file_ends_where_it_belongs(
    name: str, cleaned: tuple[Workspace, dict[str, dict[str, Any]]]
) -> None:
    row, expected = cleaned[1][name], FILES[name][0]
    if expected == CLEAN:
        assert (row["status"], row["reason"], row["detail"]) == ("clean", None, None)
        assert row["width"] >= 32
        assert len(row["pixel_sha256"]) == 64
    else:
        assert (row["status"], row["reason"]) == ("quarantined", expected), row["detail"]
        assert row["detail"]
        assert "0x" not in row["detail"], (
            "an address in memory would change the manifest's hash from run to run"
        )


def test_the_totals_add_up_and_nothing_is_dropped(
    cleaned: tuple[Workspace, dict[str, dict[str, Any]]],
) -> None:
    ws, rows = cleaned
    header = read_header(ws.manifests / "clean")
    assert rows.keys() == FILES.keys()
    assert header.counts["total_raw"] == len(FILES) == header.rows
    assert header.counts["total_raw"] == header.counts["total_clean"] + header.counts["total_quarantined"]
    assert sum(header.extra["reasons"].values()) == header.counts["total_quarantined"]
    assert header.counts["total_quarantined"] >= 40


def test_every_reason_has_a_hostile_file() -> None:
    elsewhere = {
        "missing_object",
        "tampered",
        "wrong_size",
        "mode_refused",
    }  # tests/unit/test_clean.py; Pillow's future
    assert {reason for reason, _ in FILES.values()} - {CLEAN} == REASONS.keys() - elsewhere


def test_names_never_become_paths(cleaned: tuple[Workspace, dict[str, dict[str, Any]]]) -> None:
    ws, rows = cleaned
    for row in rows.values():
        path = (ws.root / row["uri"]).resolve()
        assert path.is_relative_to(ws.root / "raw" / "sha256")
        assert path.is_file()
    assert not (ws.root.parent.parent / "outside.jpg").exists()


def test_turned_pictures_come_upright(cleaned: tuple[Workspace, dict[str, dict[str, Any]]]) -> None:
    assert [cleaned[1][f"orientation-{i}.jpg"]["orientation"] for i in range(1, 10)] == [*range(1, 9), 1]


def test_bombs_cost_neither_time_nor_memory() -> None:
    from workbench.pictures import PictureProblem, open_picture

    for name, (reason, _) in FILES.items():
        if reason == "bomb":
            start = time.process_time()
            with pytest.raises(PictureProblem):
                open_picture(made()[name])
            assert time.process_time() - start < 0.5, name


def test_a_second_run_finds_the_same(cleaned: tuple[Workspace, dict[str, dict[str, Any]]]) -> None:
    assert clean(cleaned[0]).skipped
