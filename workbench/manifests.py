"""Manifests: a small JSON header and Parquet parts, written so that a kill loses nothing.

A manifest is a folder::

    clean/
      manifest.json            header: kind, counts, columns, sorted parts with sha256, extra facts
      part-0000.parquet        one part a shard

JSON alone breaks at a million images and one Parquet file breaks at a rewrite; this layout
does neither. Parts and header are written to a name with a leading dot and then renamed, so
that a reader sees whole files or none. The header is written last: a folder without it is
an unfinished stage, and its parts are taken up again.
"""

from __future__ import annotations

import contextlib
import errno
import json
import os
import shutil
import sys
import threading
import time
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any, Final

from workbench.errors import DiskError, ManifestError, StageOrderError
from workbench.hashing import sha256_file, sha256_texts

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping, Sequence
    from pathlib import Path

    import pyarrow as pa

HEADER: Final = "manifest.json"
_OLD_S: Final = 3600.0


@dataclass(frozen=True, slots=True)
class Part:
    """One Parquet file of a manifest.

    Attributes
    ----------
    name : str
        File name in the manifest's folder.
    rows : int
        Number of rows.
    sha256 : str
        Of the file's bytes, in hex.
    """

    name: str
    rows: int
    sha256: str


@dataclass(frozen=True, slots=True)
class Header:
    """The header of a manifest.

    Attributes
    ----------
    kind : str
        Which manifest: ``raw``, ``clean``, ``extract``, ``dataset`` ...
    counts : mapping of str to int
        What a person wants to know first.
    columns : mapping of str to str
        Column name to Arrow type.
    parts : tuple of Part
        Sorted by name.
    extra : mapping
        Versions, parents' digests and whatever else belongs to this kind.
    """

    kind: str
    counts: Mapping[str, int]
    columns: Mapping[str, str]
    parts: tuple[Part, ...]
    extra: Mapping[str, Any] = field(default_factory=dict)

    @property
    def digest(self) -> str:
        """sha256 over the sorted parts' hashes: independent of engine and of how often we resumed."""
        return sha256_texts([self.kind, *(p.sha256 for p in sorted(self.parts, key=lambda p: p.name))])

    @property
    def rows(self) -> int:
        """Number of rows in all parts."""
        return sum(part.rows for part in self.parts)


@contextlib.contextmanager
def atomic(path: Path) -> Iterator[Path]:
    """Give a temporary path beside `path`; rename it to `path` when the block ends well.

    Parameters
    ----------
    path : Path
        The file that is to appear, whole, or not at all.

    Yields
    ------
    Path
        Where to write. Its name begins with a dot, so that folder readers skip it.

    Raises
    ------
    DiskError
        If the disk is full or the folder is read-only.
    """
    temporary = path.with_name(f".{path.name}.{os.getpid()}-{threading.get_native_id()}.tmp")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        yield temporary
        with temporary.open("rb+") as stream:
            os.fsync(stream.fileno())
        temporary.replace(path)
    except BaseException as error:
        with contextlib.suppress(OSError):
            temporary.unlink(missing_ok=True)
        if isinstance(error, Exception) and (ours := disk_error(error, path.parent)):
            raise ours from error
        raise


def disk_error(error: BaseException, where: Path) -> DiskError | None:
    """Say in one sentence that a disk is full or read-only, whichever library found it out.

    Parameters
    ----------
    error : BaseException
        What pyarrow, sqlite, DuckDB, obstore or the system raised.
    where : Path
        The folder that was written to.

    Returns
    -------
    DiskError or None
        None when the error is about something else.
    """
    if isinstance(error, DiskError):
        return None
    number, text = getattr(error, "errno", None), str(error).lower()
    if number == errno.ENOSPC or any(words in text for words in ("disk is full", "no space left")):
        return DiskError(
            f"the disk is full while writing to {where}", hint="free some space and run it again"
        )
    if number in {errno.EROFS, errno.EACCES, errno.EPERM} or "readonly database" in text:
        return DiskError(f"cannot write to {where}", hint="check the folder's owner and permissions")
    return None


def write_text(path: Path, text: str) -> None:
    """Write a small text file, whole or not at all."""
    with atomic(path) as temporary:
        temporary.write_text(text, encoding="utf-8", newline="\n")


def write_json(path: Path, value: Any) -> None:
    """Write JSON, keys in the order given, whole or not at all."""
    write_text(path, json.dumps(value, indent=2, ensure_ascii=False) + "\n")


def write_parquet(path: Path, table: pa.Table) -> None:
    """Write one Parquet file (zstd), whole or not at all; equal tables give equal bytes."""
    import pyarrow.parquet as pq

    with atomic(path) as temporary:
        pq.write_table(table.replace_schema_metadata(None), temporary, compression="zstd")


def write_part(folder: Path, name: str, table: pa.Table) -> Part:
    """Write one part of a manifest.

    Parameters
    ----------
    folder : Path
        The manifest's folder.
    name : str
        For example ``part-0003``; ``.parquet`` is added.
    table : pyarrow.Table
        Its rows.

    Returns
    -------
    Part
        Name, number of rows, sha256.
    """
    path = folder / f"{name}.parquet"
    write_parquet(path, table)
    return Part(path.name, table.num_rows, sha256_file(path))


def write_header(folder: Path, header: Header) -> Header:
    """Write the header: from now on the manifest is complete.

    Parameters
    ----------
    folder : Path
        The manifest's folder.
    header : Header
        With all parts.

    Returns
    -------
    Header
        The same, with sorted parts.
    """
    parts = tuple(sorted(header.parts, key=lambda p: p.name))
    header = Header(header.kind, dict(header.counts), dict(header.columns), parts, dict(header.extra))
    write_json(folder / HEADER, asdict(header) | {"digest": header.digest})
    return header


def read_header(folder: Path) -> Header:
    """Read the header of a complete manifest.

    Parameters
    ----------
    folder : Path
        The manifest's folder.

    Returns
    -------
    Header
        Parsed, with its digest checked.

    Raises
    ------
    ManifestError
        If it is missing, is not JSON, or was edited by hand.
    """
    path = folder / HEADER
    try:
        raw = json.loads(path.read_text(encoding="utf-8"))
        digest = raw.pop("digest")
        header = Header(**{**raw, "parts": tuple(Part(**part) for part in raw["parts"])})
    except FileNotFoundError:
        raise ManifestError(f"there is no manifest at {path}", hint="run the stage that makes it") from None
    except (ValueError, TypeError, KeyError) as error:
        raise ManifestError(
            f"{path} is not a manifest header ({error})", hint="delete it and run the stage again"
        ) from None
    if header.digest != digest:
        raise ManifestError(
            f"the parts listed in {path} do not have the digest written there",
            hint="somebody edited it; delete it and run the stage again",
        )
    return header


def has_manifest(folder: Path) -> bool:
    """Return whether the folder holds a finished manifest."""
    return (folder / HEADER).is_file()


def is_whole(folder: Path) -> bool:
    """Return whether the manifest is finished and every part is there with the sha256 in its header."""
    if not has_manifest(folder):
        return False
    paths = [(folder / part.name, part.sha256) for part in read_header(folder).parts]
    return all(path.is_file() and sha256_file(path) == sha256 for path, sha256 in paths)


def require_made_from(folder: Path, parent: Path) -> Header:
    """Refuse a manifest that is missing, or was made from an older version of what it reads.

    Parameters
    ----------
    folder : Path
        The manifest that is needed; its name is that of the stage that makes it.
    parent : Path
        The manifest that it was made from.

    Returns
    -------
    Header
        Of `folder`.

    Raises
    ------
    StageOrderError
        If the stage has to run first: going on would mix two states of the data.
    """
    if not has_manifest(folder):
        raise StageOrderError(
            f"there is no {folder.name} manifest yet", hint=f"run `workbench {folder.name}` first"
        )
    header = read_header(folder)
    if not has_manifest(parent) or header.extra["parents"][parent.name] != read_header(parent).digest:
        raise StageOrderError(
            f"the {folder.name} manifest was made from another {parent.name} manifest than the present one",
            hint=f"run `workbench {folder.name}` first, or `workbench run`",
        )
    return header


def read_part(path: Path, columns: Sequence[str] | None = None) -> pa.Table:
    """Read one part.

    Parameters
    ----------
    path : Path
        A Parquet file.
    columns : sequence of str, optional
        Only these columns.

    Returns
    -------
    pyarrow.Table
        Its rows.

    Raises
    ------
    ManifestError
        If the file is no whole Parquet file.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        with pq.ParquetFile(path) as file:
            return file.read(columns=list(columns) if columns is not None else None)
    except (pa.ArrowInvalid, pa.ArrowKeyError) as error:
        raise ManifestError(
            f"{path} is not a whole Parquet file ({str(error).splitlines()[0]})",
            hint="delete it and run the stage again: it makes the part anew",
        ) from None


def read_table(folder: Path, columns: Sequence[str] | None = None, *, verify: bool = True) -> pa.Table:
    """Read all parts of a manifest, in the order of their names.

    Parameters
    ----------
    folder : Path
        The manifest's folder.
    columns : sequence of str, optional
        Only these columns.
    verify : bool
        Check each part against the sha256 in the header first.

    Returns
    -------
    pyarrow.Table
        All rows.

    Raises
    ------
    ManifestError
        If a part is missing, damaged, or not the one in the header.
    """
    import pyarrow as pa

    header = read_header(folder)
    tables = []
    for part in header.parts:
        path = folder / part.name
        if not path.is_file():
            raise ManifestError(f"{path} is missing", hint="run the stage again: it makes the part anew")
        if verify and sha256_file(path) != part.sha256:
            raise ManifestError(
                f"{path} is not the file that the header describes",
                hint="run the stage again, or restore it with DVC",
            )
        tables.append(read_part(path, columns))
    if not tables:
        raise ManifestError(f"{folder} has no parts", hint="run the stage that makes it")
    return pa.concat_tables(tables, promote_options="permissive")


def columns_of(table: pa.Table) -> dict[str, str]:
    """Return column names and Arrow types, as a header holds them."""
    return {f.name: str(f.type) for f in table.schema}


def link_or_copy(source: str | Path, target: str | Path) -> None:
    """Make a file of the same content: a link where the disk has them.

    Parameters
    ----------
    source : str or Path
        A file.
    target : str or Path
        There is none yet.
    """
    try:
        os.link(source, target)
    except OSError:
        shutil.copyfile(source, target)


def sweep(folder: Path, *, skip: Collection[str] = ()) -> int:
    """Delete temporary files whose writer is dead.

    Parameters
    ----------
    folder : Path
        Searched with everything below it. The caller holds the workspace's lock; but a server
        may be writing its log without it, so files of live processes stay.
    skip : collection of str
        Names of subfolders to stay out of.

    Returns
    -------
    int
        How many were deleted.
    """
    if not folder.is_dir():
        return 0
    below = [path for path in folder.iterdir() if path.is_dir() and path.name not in skip]
    found = [*folder.glob(".*.tmp"), *(stray for sub in below for stray in sub.rglob(".*.tmp"))]
    strays = [path for path in found if _writer_is_dead(path)]
    for stray in strays:
        stray.unlink(missing_ok=True)
    return len(strays)


def _writer_is_dead(temporary: Path) -> bool:
    """Read the process id that `atomic` put into the name; without one, nobody claims the file."""
    pid = temporary.name.split(".")[-2]
    if not pid.isdecimal():
        return True
    if int(pid) == os.getpid():
        return False
    if sys.platform == "win32":  # there, signal 0 is Ctrl-C: ask the clock instead
        return time.time() - temporary.stat().st_mtime > _OLD_S
    try:
        os.kill(int(pid), 0)
    except ProcessLookupError:
        return True
    except PermissionError:
        return False
    return False
