"""Which files of a folder are photos, and what labels.csv says of them.

Everything here distrusts the folder: paths that lead out of it, tables in other encodings,
rows that contradict each other. What changes the result is refused with the line's number;
what only leaves something out is told in a note.
"""

from __future__ import annotations

import csv
import os
from collections import Counter
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Final
from unicodedata import normalize

from workbench.clock import parse_utc
from workbench.errors import SettingsError, WorldError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

TABLE: Final = "labels.csv"
PHOTO_SUFFIXES: Final = frozenset(
    {
        *(".jpg", ".jpeg", ".jpe", ".png", ".webp", ".gif"),
        *(".bmp", ".tif", ".tiff", ".heic", ".heif", ".avif", ".jp2"),  # listed, then quarantined by name
    }
)
_NOT_DECODED: Final = frozenset({".bmp", ".tif", ".tiff", ".heic", ".heif", ".avif", ".jp2"})
_COLUMNS: Final = (
    "path",
    "label",
    "reviewed_label",
    "reviewed_at",
    "device",
    "group",
    "captured_at",
    "ingested_at",
)
MAX_BYTES: Final = 256 << 20
"""Larger files are no photos; they are left out with a note."""


@dataclass(frozen=True, slots=True)
class Listed:
    """One photo as the folder lists it; what is not told is None.

    Attributes
    ----------
    name : str
        Path below the folder, with forward slashes.
    path : Path
        Where to read it.
    label : str or None
        As given, before any review.
    reviewed_label : str or None
        The later, careful one.
    reviewed_at : datetime or None
        When the review was known, UTC.
    device : str or None
        Camera.
    group : str or None
        Which thing it shows.
    captured_at : datetime or None
        When it was taken, UTC.
    ingested_at : datetime or None
        When it arrived, UTC.
    """

    name: str
    path: Path
    label: str | None
    reviewed_label: str | None = None
    reviewed_at: datetime | None = None
    device: str | None = None
    group: str | None = None
    captured_at: datetime | None = None
    ingested_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Listing:
    """What a folder holds.

    Attributes
    ----------
    photos : tuple of Listed
        Sorted by name.
    labels : tuple of str
        Sorted.
    notes : tuple of str
        What was left out.
    """

    photos: tuple[Listed, ...]
    labels: tuple[str, ...]
    notes: tuple[str, ...]


def list_photos(folder: Path) -> Listing:
    """List the photos of a folder with their labels.

    Parameters
    ----------
    folder : Path
        With one subfolder a class, or with labels.csv.

    Returns
    -------
    Listing
        Photos, labels, notes.

    Raises
    ------
    WorldError
        If there is no such folder, labels.csv cannot be trusted, or no photo has a label.
    """
    root = folder.expanduser().resolve()
    if not root.is_dir():
        raise WorldError(f"{folder} is not a folder", hint="give the folder that holds your photos")
    files, notes = _walk(root)
    table = root / TABLE
    if table.is_file():
        photos = list(_from_table(root, table, files, notes))
    else:
        photos = [
            Listed(name, path, PurePosixPath(name).parts[0]) for name, path in files.items() if "/" in name
        ]
        _note(
            notes, len(files) - len(photos), "photos lie beside the class folders and have no label: left out"
        )
    labels = sorted({label for photo in photos for label in (photo.label, photo.reviewed_label) if label})
    if not labels:
        raise WorldError(
            f"no photo in {folder} has a label", hint=f"make one subfolder a class, or write {TABLE}"
        )
    _refuse_lookalikes(labels)
    others = Counter(PurePosixPath(p.name).suffix.lower() for p in photos)
    for suffix in sorted(others.keys() & _NOT_DECODED):
        _note(
            notes,
            others[suffix],
            f"{suffix} files are not decoded here and end in quarantine: convert them to JPEG",
        )
    return Listing(tuple(sorted(photos, key=lambda photo: photo.name)), tuple(labels), tuple(notes))


def _note(notes: list[str], n: int, text: str) -> None:
    if n:
        notes.append(f"{n} {text}")


def _walk(root: Path) -> tuple[dict[str, Path], list[str]]:
    """Return name -> path of every photo below the folder; links to folders are not followed."""
    found: dict[str, Path] = {}
    left_out: Counter[str] = Counter()
    for place, folders, names in os.walk(root, followlinks=False):
        here = Path(place)
        left_out["linked folders: left out"] += sum((here / name).is_symlink() for name in folders)
        folders[:] = sorted(
            n for n in folders if not n.startswith((".", "__MACOSX")) and not (here / n).is_symlink()
        )
        for name in sorted(names):
            path = here / name
            if name.startswith(".") or path == root / TABLE:
                continue
            name_below = normalize("NFC", path.relative_to(root).as_posix())
            problem = _problem(root, path) or (
                "names repeat another name: left out" if name_below in found else None
            )
            if problem:
                left_out[problem] += 1
            else:
                found[name_below] = path
    notes: list[str] = []
    for problem, n in sorted(left_out.items()):
        _note(notes, n, problem)
    return found, notes


def _problem(root: Path, path: Path) -> str | None:
    if path.suffix.lower() not in PHOTO_SUFFIXES:
        return "files have no photo's ending: left out"
    if not path.resolve().is_relative_to(root):
        return "links lead out of the folder: left out"
    if not path.is_file():
        return "names are broken links or no files: left out"
    if path.stat().st_size > MAX_BYTES:
        return f"files are larger than {MAX_BYTES >> 20} MiB: left out"
    try:
        str(path.relative_to(root)).encode()
    except UnicodeEncodeError:
        return "names are not valid text: left out"
    return None


def _refuse_lookalikes(labels: list[str]) -> None:
    seen: dict[str, str] = {}
    for label in labels:
        other = seen.setdefault(" ".join(label.casefold().split()), label)
        if other != label:
            raise WorldError(
                f"the labels {other!r} and {label!r} differ only in case or blanks",
                hint="write them the same way",
            )


def _from_table(root: Path, table: Path, files: dict[str, Path], notes: list[str]) -> Iterator[Listed]:
    rows: dict[str, Listed] = {}
    again = 0
    for line, row in _rows(table, notes):
        photo = _listed(root, line, row, files)
        if rows.setdefault(photo.name, photo) != photo:
            raise WorldError(f"line {line} of {TABLE} says something else of {photo.name} than a line before")
        again += rows[photo.name] is not photo
    missing = [photo.name for photo in rows.values() if not photo.path.is_file()]
    if missing:
        raise WorldError(
            f"{len(missing)} files of {TABLE} are not in the folder: {', '.join(sorted(missing)[:3])}",
            hint="correct the paths; they are relative to the folder of the table",
        )
    known = {photo.label for photo in rows.values()}
    strange = sorted({p.reviewed_label for p in rows.values() if p.reviewed_label} - known, key=str)
    if strange:
        raise WorldError(
            f"reviewed_label {strange[0]!r} is no label of any photo", hint="is it a slip of the pen?"
        )
    _note(notes, again, f"lines of {TABLE} repeat another line")
    _note(notes, len(files.keys() - rows.keys()), f"photos are not in {TABLE}: left out")
    _note(notes, sum(p.label is None for p in rows.values()), "photos have no label: not used for training")
    yield from rows.values()


def _rows(table: Path, notes: list[str]) -> Iterator[tuple[int, dict[str, str]]]:
    """Yield line number and row; commas or semicolons, UTF-8 with or without a mark."""
    try:
        text = table.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError:
        raise WorldError(f"{TABLE} is not UTF-8", hint="save it as CSV UTF-8") from None
    first = text.partition("\n")[0]
    reader = csv.DictReader(
        text.splitlines(), delimiter=";" if first.count(";") > first.count(",") else ",", strict=True
    )
    try:
        names = [name.strip().lower() for name in reader.fieldnames or ()]
        if not {"path", "label"} <= set(names) or len(set(names)) < len(names):
            raise WorldError(f"{TABLE} has the columns {names}", hint="it needs path and label, each once")
        reader.fieldnames = names
        strange = sorted(set(names) - set(_COLUMNS))
        _note(
            notes, len(strange), f"columns of {TABLE} are not known and were not read: {', '.join(strange)}"
        )
        for row in reader:
            if None in row or None in row.values():
                raise WorldError(
                    f"line {reader.line_num} of {TABLE} has not as many fields as the first line"
                )
            yield reader.line_num, {name: value.strip() for name, value in row.items()}
    except csv.Error as error:
        raise WorldError(f"line {reader.line_num} of {TABLE} cannot be read: {error}") from None


def _listed(root: Path, line: int, row: dict[str, str], files: dict[str, Path]) -> Listed:
    path = PurePosixPath(normalize("NFC", row["path"].replace("\\", "/")))
    name = path.as_posix()
    if not row["path"] or path.is_absolute() or ".." in path.parts or ":" in path.parts[0]:
        raise WorldError(
            f"line {line} of {TABLE}: {row['path']!r} is not a path below the folder",
            hint="write paths relative to the folder of the table",
        )
    if name not in files and (root / name).exists():
        raise WorldError(f"line {line} of {TABLE}: {name} is no photo, is hidden, or lies outside the folder")
    reviewed_label, reviewed_at = row.get("reviewed_label") or None, _when(line, row, "reviewed_at")
    if (reviewed_label is None) != (reviewed_at is None):
        raise WorldError(
            f"line {line} of {TABLE} has only one of reviewed_label and reviewed_at",
            hint="a label counts only from the time when it was known: give both",
        )
    return Listed(
        name,
        files.get(name, root / name),
        row["label"] or None,
        reviewed_label,
        reviewed_at,
        row.get("device") or None,
        row.get("group") or None,
        _when(line, row, "captured_at"),
        _when(line, row, "ingested_at"),
    )


def _when(line: int, row: dict[str, str], column: str) -> datetime | None:
    if not row.get(column):
        return None
    try:
        return parse_utc(row[column])
    except SettingsError as error:
        raise WorldError(f"line {line} of {TABLE}, {column}: {error.message}", hint=error.hint) from None
