"""EXIF, read and edited as bytes: when, with which camera, which way up, and where.

Pillow's reader warns, writes the warnings to a process-wide filter and cannot edit a file
without encoding its pixels again. This reader knows the few tags that we need, never warns,
and removes the place (GPS) in place: no byte of the picture itself changes.
"""

from __future__ import annotations

import re
import struct
import zlib
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterator

PNG_MAGIC: Final = b"\x89PNG\r\n\x1a\n"

_ORIENTATION, _MAKE, _MODEL, _EXIF_IFD, _GPS_IFD = 0x0112, 0x010F, 0x0110, 0x8769, 0x8825
_TIME, _OFFSET, _SUBSECOND, _SERIAL = 0x9003, 0x9011, 0x9291, 0xA431
_SIZES: Final = {1: 1, 2: 1, 3: 2, 4: 4, 5: 8, 6: 1, 7: 1, 8: 2, 9: 4, 10: 8, 11: 4, 12: 8, 13: 4}
_MAX_ENTRIES: Final = 1000
_TIFF: Final = (b"II*\0", b"MM\0*")
_SIGNS: Final = (b"Exif\0\0", b"EXIF", b"eXIf")  # JPEG, WebP and HEIC; WebP; PNG
_XMP_GPS: Final = re.compile(rb"(?P<name>GPS[A-Za-z]+(?:\s*=\s*[\"']|>))(?P<value>[^<\"'\xff]{1,200})")
_BROKEN: Final = (struct.error, ValueError, IndexError, KeyError)


@dataclass(frozen=True, slots=True)
class ExifFacts:
    """What the EXIF block of a file says.

    Attributes
    ----------
    captured_at : datetime or None
        DateTimeOriginal, in UTC.
    zone_known : bool
        False when there was no OffsetTimeOriginal and the camera's time was taken as UTC.
    device : str or None
        Model and body serial number.
    has_gps : bool
        Whether a place is stored.
    orientation : int
        1 to 8; 1 when there is none, or an invalid one.
    """

    captured_at: datetime | None = None
    zone_known: bool = False
    device: str | None = None
    has_gps: bool = False
    orientation: int = 1


@dataclass(frozen=True, slots=True)
class _Entry:
    at: int  # of the 12 bytes of the entry
    value_at: int
    size: int


@dataclass(frozen=True, slots=True)
class _Block:
    """A TIFF structure inside a file: bytes from `start` to `end`."""

    data: bytes | bytearray
    start: int
    end: int
    crc_from: int = -1  # PNG: where the checksum begins
    bounded: bool = True  # False: the container does not say where the block ends

    @property
    def order(self) -> str:
        return "<" if self.data[self.start] == ord("I") else ">"

    def number(self, at: int, code: str) -> int:
        size = struct.calcsize(code)
        if not self.start <= at <= self.end - size:
            raise ValueError("an offset points outside the block")
        return int(struct.unpack_from(self.order + code, self.data, at)[0])

    def directory(self, offset: int) -> dict[int, _Entry]:
        """Return the entries of the directory at `offset` (from the start of the block)."""
        at = self.start + offset
        n = self.number(at, "H")
        if n > _MAX_ENTRIES:
            raise ValueError("a directory with more entries than any camera writes")
        return dict(self._entry(at + 2 + 12 * i) for i in range(n))

    def _entry(self, at: int) -> tuple[int, _Entry]:
        tag, kind, count = self.number(at, "H"), self.number(at + 2, "H"), self.number(at + 4, "I")
        size = _SIZES.get(kind, 0) * count
        value_at = at + 8 if size <= 4 else self.start + self.number(at + 8, "I")
        if value_at + size > self.end:
            raise ValueError("a value reaches beyond the block")
        return tag, _Entry(at, value_at, size)

    def text(self, entries: dict[int, _Entry], tag: int) -> str:
        entry = entries.get(tag)
        if entry is None or entry.size > 256:
            return ""
        raw = bytes(self.data[entry.value_at : entry.value_at + entry.size])
        return "".join(c for c in raw.split(b"\0")[0].decode("utf-8", "replace") if c.isprintable()).strip()

    def directories(self) -> list[dict[int, _Entry]]:
        """Return IFD0 and, where there is one, the EXIF directory."""
        root = self.directory(self.number(self.start + 4, "I"))
        below = [self.directory(self.number(root[_EXIF_IFD].value_at, "I"))] if _EXIF_IFD in root else []
        return [root, *below]


def _blocks(data: bytes | bytearray) -> Iterator[_Block]:
    """Find the EXIF blocks of a JPEG, PNG, WebP, HEIC or TIFF file, whole or damaged."""
    if data.startswith(_TIFF):
        yield _Block(data, 0, len(data))
    for sign in _SIGNS:
        at = data.find(sign)
        while at >= 0:
            start = at + len(sign) + 4 * (sign == b"EXIF")
            if data[start : start + 4] in _TIFF:
                end, bounded = _end(data, at, sign)
                yield _Block(data, start, min(len(data), end), at if sign == b"eXIf" else -1, bounded)
            at = data.find(sign, at + 4)


def _end(data: bytes | bytearray, at: int, sign: bytes) -> tuple[int, bool]:
    """Return where the block that begins at `at` ends, and whether the container says so."""
    if sign == b"EXIF":
        return at + 8 + int.from_bytes(data[at + 4 : at + 8], "little"), True
    if sign == b"eXIf":
        return at + 4 + int.from_bytes(data[at - 4 : at], "big"), True
    if data[at - 4 : at - 2] == b"\xff\xe1":
        return at - 2 + int.from_bytes(data[at - 2 : at], "big"), True
    if data[at - 8 : at - 4] == b"EXIF":
        return at + int.from_bytes(data[at - 4 : at], "little"), True
    return at + 65536, False


def read_exif(data: bytes) -> ExifFacts:
    """Read what the file says about its own making.

    Parameters
    ----------
    data : bytes
        A picture file, possibly damaged.

    Returns
    -------
    ExifFacts
        All unknown where there is no EXIF block, or one that cannot be parsed.
    """
    block = next(_blocks(data), None)
    if block is None:
        return ExifFacts()
    try:
        root, *below = block.directories()
        exif = below[0] if below else {}
        orientation = block.number(root[_ORIENTATION].value_at, "H") if _ORIENTATION in root else 1
        when, zone_known = _time(*(block.text(exif, tag) for tag in (_TIME, _SUBSECOND, _OFFSET)))
        device = " ".join(
            filter(None, (block.text(root, _MODEL) or block.text(root, _MAKE), block.text(exif, _SERIAL)))
        )
    except _BROKEN:
        return ExifFacts()
    return ExifFacts(
        when,
        zone_known,
        device or None,
        _GPS_IFD in root or _GPS_IFD in exif,
        orientation if 1 <= orientation <= 8 else 1,
    )


def _time(text: str, subsecond: str, offset: str) -> tuple[datetime | None, bool]:
    """Return the time in UTC, or None; and whether the camera told its zone."""
    try:
        when = datetime.strptime(text, "%Y:%m:%d %H:%M:%S").replace(tzinfo=UTC)
    except ValueError:
        return None, False
    if subsecond.isascii() and subsecond.isdigit():
        when += timedelta(microseconds=int(subsecond[:6].ljust(6, "0")))
    zone = re.fullmatch(r"([+-])(\d\d):(\d\d)", offset)
    if zone is None:
        return when, False
    east = timedelta(hours=int(zone[2]), minutes=int(zone[3])) * (1 if zone[1] == "+" else -1)
    return when - east, True


def strip_gps(data: bytes) -> bytes:
    """Remove the place from a picture file; every other byte of picture and EXIF stays.

    The GPS directory and its values are overwritten with zeros and its entry is taken out of
    the parent. An EXIF block that cannot be parsed is overwritten as a whole. Places in XMP
    are blanked; PNG text chunks that can hide one are dropped. What a maker's note of a
    camera hides in a form of its own is not found.

    Parameters
    ----------
    data : bytes
        A picture file, possibly damaged.

    Returns
    -------
    bytes
        The same file without the place; the very same bytes when there was none.
    """
    out = bytearray(data)
    for block in list(_blocks(out)):
        _erase(block, out)
        if block.crc_from >= 0 and block.end + 4 <= len(out):
            out[block.end : block.end + 4] = zlib.crc32(out[block.crc_from : block.end]).to_bytes(4, "big")
    if out.startswith(PNG_MAGIC):
        return _without_place_texts(bytes(out))
    return _XMP_GPS.sub(lambda m: m["name"] + b" " * len(m["value"]), bytes(out))


def _erase(block: _Block, out: bytearray) -> None:
    try:
        for entries in block.directories():
            if _GPS_IFD in entries:
                _erase_directory(block, out, block.start + block.number(entries[_GPS_IFD].value_at, "I"))
                _remove_entry(block, out, entries)
    except _BROKEN:
        end = block.end if block.bounded else min(block.end, block.start + 8)
        out[block.start : end] = bytes(end - block.start)


def _erase_directory(block: _Block, out: bytearray, at: int) -> None:
    entries = block.directory(at - block.start)
    for entry in entries.values():
        out[entry.value_at : entry.value_at + entry.size] = bytes(entry.size)
    end = min(block.end, at + 2 + 12 * block.number(at, "H") + 4)
    out[at:end] = bytes(end - at)


def _remove_entry(block: _Block, out: bytearray, entries: dict[int, _Entry]) -> None:
    """Take the GPS pointer out of its directory: what follows moves up by one entry."""
    at = entries[_GPS_IFD].at
    first = min(entry.at for entry in entries.values())
    n = block.number(first - 2, "H")
    end = min(block.end, first + 12 * n + 4)  # with the offset of the next directory
    out[at:end] = out[at + 12 : end] + bytes(12)
    struct.pack_into(block.order + "H", out, first - 2, n - 1)


def png_chunks(data: bytes) -> Iterator[tuple[bytes, int, int]]:
    """Yield kind, start and end (with length and checksum) of the chunks of a PNG file.

    Parameters
    ----------
    data : bytes
        A PNG file; where it is cut off, the last chunk ends with the file.

    Yields
    ------
    tuple of bytes, int, int
        Kind, start, end.
    """
    at = len(PNG_MAGIC)
    while at + 8 <= len(data):
        end = min(len(data), at + 12 + int.from_bytes(data[at : at + 4], "big"))
        yield data[at + 4 : at + 8], at, end
        at = end


def _without_place_texts(data: bytes) -> bytes:
    def keeps(kind: bytes, body: bytes) -> bool:
        if kind not in {b"tEXt", b"zTXt", b"iTXt"}:
            return True
        keyword, _, rest = body.partition(b"\0")
        hidden = keyword.startswith(b"Raw profile type") or (
            keyword == b"XML:com.adobe.xmp" and rest[:1] == b"\1"
        )
        return not hidden and b"GPS" not in body

    kept = [data[start:end] for kind, start, end in png_chunks(data) if keeps(kind, data[start + 8 : end])]
    used = max((end for _, _, end in png_chunks(data)), default=len(PNG_MAGIC))
    return data[: len(PNG_MAGIC)] + b"".join(kept) + data[used:]
