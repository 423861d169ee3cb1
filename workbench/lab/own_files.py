"""Anybody's files as tables, and what the guards said about them as one report."""

from __future__ import annotations

from dataclasses import dataclass
from difflib import get_close_matches
from typing import TYPE_CHECKING, Any, Final

from workbench.errors import GuardError
from workbench.guards.evidence import Finding

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    import pyarrow as pa

CLEAN, FOUND, COULD_NOT_JUDGE = 0, 1, 2
_LARGEST_BLOCK: Final = 1 << 28  # types of a CSV are guessed from its first block: make that the whole file
_DELIMITERS: Final = ",;\t|"


@dataclass(frozen=True, slots=True)
class Report:
    """What the guards said about one thing.

    Attributes
    ----------
    about : str
        The file, the folder, the two files.
    findings : tuple of Finding
        In the order in which the guards ran.
    not_run : tuple of tuple of str
        Guard, and the options that it needs.
    notes : tuple of str
        What else the reader has to know.
    pictures : Path, optional
        Folder of the pictures that offenders name.
    """

    about: str
    findings: tuple[Finding, ...]
    not_run: tuple[tuple[str, str], ...] = ()
    notes: tuple[str, ...] = ()
    pictures: Path | None = None

    @property
    def exit_code(self) -> int:
        """1 if a guard fired, else 2 if one could not judge or none was run, else 0."""
        said = [finding.fired for finding in self.findings]
        if True in said:
            return FOUND
        return COULD_NOT_JUDGE if None in said or not said else CLEAN

    def to_dict(self) -> dict[str, Any]:
        """Return the report as plain values for JSON."""
        return {
            "about": self.about,
            "exit_code": self.exit_code,
            "findings": [finding.to_dict() for finding in self.findings],
            "not_run": [{"guard": guard, "needs": needs} for guard, needs in self.not_run],
            "notes": list(self.notes),
        }


def visible(text: str) -> str:
    r"""Return a text in which nothing is hidden: what has no shape is written as its code.

    Parameters
    ----------
    text : str
        A name or a value, as its owner wrote it: perhaps with codes that turn a line around, or that a terminal obeys.

    Returns
    -------
    str
        Line breaks kept; other control and format characters, and halves of characters, as ``\x1b`` or ``\u202e``.
    """
    if text.isprintable():
        return text
    return "".join(
        c if c.isprintable() or c == "\n" else c.encode("unicode_escape").decode("ascii") for c in text
    )


def read_rows(path: Path) -> pa.Table:
    """Read a table from a CSV (comma, semicolon, tab or bar; a header) or Parquet file.

    Parameters
    ----------
    path : Path
        Parquet is known by its first bytes; all else is read as CSV, ``.gz`` and ``.bz2`` unpacked.

    Returns
    -------
    pyarrow.Table
        At least one row; every column has a name of its own.

    Raises
    ------
    GuardError
        If it is no such file, has no rows, or names a column twice.
    """
    import pyarrow as pa

    if not path.is_file():
        what = "a directory" if path.is_dir() else "not there"
        raise GuardError(f"{path} is {what}", hint="give one CSV or Parquet file")
    try:
        rows = _read(path)
        names = rows.column_names  # names that are no UTF-8 are found here
    except (pa.ArrowException, OSError, UnicodeDecodeError) as error:
        raise GuardError(
            f"{path} cannot be read as a table: {_first_line(error)}", hint="give a CSV or Parquet file"
        ) from error
    twice = {name for name in names if names.count(name) > 1}
    if twice:
        raise GuardError(f"{path} has more than one column {min(twice)!r}", hint="rename one of them")
    if not rows.num_rows:
        raise GuardError(f"{path} has no rows", hint="an empty table proves nothing")
    return rows


def _read(path: Path) -> pa.Table:
    import pyarrow as pa
    import pyarrow.parquet as pq
    from pyarrow import csv

    with path.open("rb") as file:
        head = file.read(1 << 16)
    if head.startswith(b"PAR1"):
        with pq.ParquetFile(path) as parquet:
            return parquet.read()
    if b"\0" in head and path.suffix not in {".gz", ".bz2"}:
        raise pa.ArrowInvalid("it holds zero bytes, so it is neither text nor Parquet")
    first = head.partition(b"\n")[0].decode("utf-8", "replace")
    delimiter = max(_DELIMITERS, key=first.count)  # of equals the first one, the comma
    size = min(max(path.stat().st_size + 1, 1 << 20), _LARGEST_BLOCK)
    return csv.read_csv(
        path,
        read_options=csv.ReadOptions(block_size=size),
        parse_options=csv.ParseOptions(delimiter=delimiter, newlines_in_values=True),
        convert_options=csv.ConvertOptions(strings_can_be_null=True),
    )


def _first_line(error: Exception) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0]


def require_named(rows: pa.Table, names: Sequence[str], about: str) -> None:
    """Refuse a column that is not there.

    Parameters
    ----------
    rows : pyarrow.Table
        As read.
    names : sequence of str
        Asked for.
    about : str
        Which table.

    Raises
    ------
    GuardError
        With the nearest names that there are.
    """
    for name in names:
        if name not in rows.column_names:
            near = get_close_matches(name, rows.column_names, n=1, cutoff=0.5)
            known = ", ".join(rows.column_names[:30])
            raise GuardError(
                f"{about} has no column {name!r}",
                hint=f"did you mean {near[0]!r}?" if near else f"there are: {known}",
            )


def judged(guard: str, look: Callable[[], Finding]) -> Finding:
    """Let a guard look; where it could not judge, say why."""
    try:
        return look()
    except GuardError as error:
        hint = f" ({error.hint})" if error.hint else ""
        return Finding(guard, None, error.message.removeprefix(f"{guard}: ") + hint)
