"""Tables and files for the join: columns checked, times made alike, rows numbered, rows read."""

from __future__ import annotations

import atexit
import os
import tempfile
import threading
from functools import cache
from itertools import accumulate
from pathlib import Path
from typing import TYPE_CHECKING, Final

from workbench.clock import timestamp_type
from workbench.errors import PointInTimeError

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    import duckdb
    import pyarrow as pa

ROW: Final = "__row"
"""Name of the column with a row's position, in both tables of the join."""
_OPENING: Final = threading.Lock()


def connect() -> duckdb.DuckDBPyConnection:
    """Open a connection of its own: UTC, silent, spilling to the system's temporary folder.

    Returns
    -------
    duckdb.DuckDBPyConnection
        What is registered on it no other connection sees. The database in memory behind it is
        opened once a process: that takes longer than a small join.
    """
    with _OPENING:
        con = _database(os.getpid()).cursor()
    con.execute("SET enable_progress_bar = false")  # a notebook would show one
    return con


@cache
def _database(process: int) -> duckdb.DuckDBPyConnection:
    import duckdb

    con = duckdb.connect(
        config={
            "TimeZone": "UTC",
            "asof_loop_join_threshold": 0,
            "autoinstall_known_extensions": False,
            "python_enable_replacements": False,
            "temp_directory": str(Path(tempfile.gettempdir()) / f"workbench-pit-{process}"),
        }
    )
    atexit.register(con.close)  # DuckDB complains of what outlives it
    return con


def quote(name: str) -> str:
    """Return a name as SQL writes it."""
    return '"' + name.replace('"', '""') + '"'


# -- tables ----------------------------------------------------------------------------------


def narrow(table: pa.Table, keys: Iterable[str], times: Iterable[str]) -> pa.Table:
    """Return keys and times (in microseconds, UTC) of a table, with the position of each row."""
    import numpy as np
    import pyarrow as pa

    columns = {name: table[name] for name in keys} | {name: clock_column(table, name) for name in times}
    return pa.table(columns | {ROW: pa.array(np.arange(table.num_rows))})


def clock_column(table: pa.Table, name: str) -> pa.ChunkedArray:
    """Return a column as ``timestamp[us, tz=UTC]``, when nothing is lost by it.

    Parameters
    ----------
    table : pyarrow.Table
        Has the column.
    name : str
        A timestamp with a time zone.

    Returns
    -------
    pyarrow.ChunkedArray
        The same instants.

    Raises
    ------
    PointInTimeError
        If there are parts below a microsecond: cut off, they move answers across the question.
    """
    import pyarrow as pa

    try:
        return table[name].cast(timestamp_type())
    except pa.ArrowInvalid:
        raise PointInTimeError(
            f"the times in {name!r} have parts below a microsecond: cut, they would move",
            hint="round them on purpose, for example with pyarrow.compute.ceil_temporal",
        ) from None


def require(schema: pa.Schema, names: Iterable[str], where: str) -> None:
    """Refuse a table that has not each of these columns once; for SQL, ``A`` and ``a`` are one name."""
    there = [name.casefold() for name in schema.names]
    for name in names:
        if name not in schema.names:
            raise PointInTimeError(f"{where} have no column {name!r}", hint=f"there are {schema.names}")
        if there.count(name.casefold()) > 1 or name == ROW:
            raise PointInTimeError(f"{where} have a second column like {name!r}", hint="rename one of them")


def require_clock(field: pa.Field, *, in_file: bool = False) -> None:
    """Refuse a column that is no moment: no timestamp, no zone, or nanoseconds in a file."""
    import pyarrow.types as pt

    kind = field.type
    if pt.is_null(kind):
        return
    if not pt.is_timestamp(kind):
        raise PointInTimeError(f"{field.name!r} is of type {kind}, not a timestamp")
    if kind.tz is None:
        raise PointInTimeError(
            f"the times in {field.name!r} have no time zone",
            hint="say which one they are in, for example with pyarrow.compute.assume_timezone",
        )
    if in_file and kind.unit == "ns":
        raise PointInTimeError(
            f"the times in {field.name!r} are stored in nanoseconds",
            hint="write the file with timestamp[us, tz=UTC]; pandas writes nanoseconds unasked",
        )


def key_family(kind: pa.DataType) -> str:
    """Return ``text``, ``integer`` or the type's own name: keys of one family can be compared."""
    import pyarrow.types as pt

    if pt.is_dictionary(kind):
        kind = kind.value_type
    if pt.is_string(kind) or pt.is_large_string(kind) or pt.is_string_view(kind):
        return "text"
    return "integer" if pt.is_integer(kind) else str(kind)


# -- files -----------------------------------------------------------------------------------


def parquet_files(path: Path | str) -> list[Path]:
    """Return the file, or those of the folder in the order of their names."""
    path = Path(path)
    files = [path]
    if path.is_dir():
        files = sorted(p for p in path.glob("*.parquet") if not p.name.startswith("."))
    if not files or not files[0].is_file():
        raise PointInTimeError(
            f"there is no history at {path}", hint="give a Parquet file or a folder of them"
        )
    return files


def schema_of(files: Sequence[Path]) -> pa.Schema:
    """Return the schema that all the files share."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        first, *others = (pq.read_schema(file).remove_metadata() for file in files)
    except pa.ArrowInvalid as error:
        raise PointInTimeError(f"{files[0]} is not whole Parquet ({error})") from None
    if any(other != first for other in others):
        raise PointInTimeError(f"the files in {files[0].parent} have different columns")
    return first


def register_files(con: duckdb.DuckDBPyConnection, files: Sequence[Path]) -> None:
    """Make the files the table ``history``, its rows numbered from 0 across all of them."""
    import pyarrow.parquet as pq

    starts = list(accumulate((pq.read_metadata(file).num_rows for file in files[:-1]), initial=0))
    names = ", ".join(f"'{_pattern(file)}'" for file in files)
    position = f"{starts}[file_index::BIGINT + 1] + file_row_number::BIGINT"
    con.execute(f"CREATE TEMP VIEW history AS SELECT *, {position} AS {ROW} FROM read_parquet([{names}])")  # noqa: S608 (quoted)


def _pattern(file: Path) -> str:
    """Return a path as DuckDB's pattern for that path alone."""
    text = file.resolve().as_posix().replace("'", "''")
    return "".join(f"[{sign}]" if sign in "*?[" else sign for sign in text)


def read_rows(path: Path | str, columns: Sequence[str], rows: pa.Array) -> pa.Table:
    """Read these columns of these rows and nothing else; the types are the file's own.

    Parameters
    ----------
    path : Path or str
        A Parquet file, or a folder of them.
    columns : sequence of str
        Without repeats.
    rows : pyarrow.Array
        int64 positions across the files, without repeats and nulls.

    Returns
    -------
    pyarrow.Table
        The columns and `ROW`, in the order of the file.
    """
    import pyarrow as pa

    files = parquet_files(path)
    schema = schema_of(files)
    fields = [pa.field(name, schema.field(name).type) for name in columns]
    names = ", ".join(map(quote, [*columns, ROW]))
    with connect() as con:
        register_files(con, files)
        con.register("wanted", pa.table({ROW: rows}))
        chosen = f"SELECT {names} FROM history WHERE {ROW} IN (FROM wanted) ORDER BY {ROW}"  # noqa: S608 (quoted)
        found = con.sql(chosen).to_arrow_table()
    return found.cast(pa.schema([*fields, pa.field(ROW, pa.int64())]))
