"""What reaches us from the gym: every four weeks, each of its systems exports what it has recorded since.

A delivery is one Parquet file of one table. Rows are delivered once, in the order of their recording, and
never taken back: a correction is a new row.
"""

from __future__ import annotations

import io
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from workbench.clock import timestamp_type
from workbench.records import Capture
from workbench.worlds.gym_season import START, TABLES

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    import pyarrow as pa

EVERY: Final = timedelta(days=28)
FIRST: Final = START + timedelta(days=14)
"""The first export; from then on one is due at every cutoff of `workbench.worlds.gym`."""
_OWN: Final[Mapping[str, tuple[tuple[str, str], ...]]] = {
    "members": (
        ("plan", "string"),
        ("age", "int64"),
        ("channel", "string"),
        ("club", "string"),
        ("postcode", "int64"),
        ("annual", "int64"),
        ("monthly_fee", "double"),
    ),
    "visits": (("partner_club", "bool"),),
    "payments": (("amount", "double"), ("status", "string")),
    "tickets": (("kind", "string"),),
    "plan_changes": (("previous_plan", "string"), ("plan", "string"), ("monthly_fee", "double")),
    "cancellations": (("reason_for_cancellation", "string"),),
}
_EVER: Final = datetime(1970, 1, 1, tzinfo=UTC)
_ALL: Final = ("event_id", "item_id", "event_timestamp", "created_timestamp")


class DeliveryProblem(ValueError):  # noqa: N818  it is a finding, not a fault of the program
    """A file is not the export that it should be.

    Parameters
    ----------
    reason : str
        ``unreadable``, ``wrong_columns``, ``missing_values`` or ``repeated_rows``.
    detail : str
        What was seen.
    """

    def __init__(self, reason: str, detail: str) -> None:
        super().__init__(f"{reason}: {detail}")
        self.reason = reason
        self.detail = detail


def deliveries(log: Mapping[str, pa.Table]) -> Iterator[Capture]:
    """Cut a log into deliveries.

    Parameters
    ----------
    log : mapping of str to pyarrow.Table
        As `workbench.worlds.gym.GymWorld.log` returns it.

    Yields
    ------
    Capture
        One file a table and period, in the order of their arrival; ``station`` is the table. A
        period without rows brings no file.
    """
    for begin, end in _periods(log):
        for name in TABLES:
            rows = _recorded(log[name], begin, end)
            if rows.num_rows:
                file = f"{name}/{end:%Y-%m-%d}.parquet"
                yield Capture(file, _packed(rows), name, file, 0, "export", name, end, end, None)


def count(log: Mapping[str, pa.Table]) -> int:
    """Return how many deliveries `deliveries` yields, without packing them."""
    return sum(
        _recorded(log[name], begin, end).num_rows > 0 for begin, end in _periods(log) for name in TABLES
    )


def unpack(name: str, data: bytes) -> pa.Table:
    """Read a delivery, and look whether it is one.

    Parameters
    ----------
    name : str
        Of the table.
    data : bytes
        The file.

    Returns
    -------
    pyarrow.Table
        Its rows.

    Raises
    ------
    DeliveryProblem
        If it is no Parquet file, its columns are not those of the table, a key or a time is
        missing, or an ``event_id`` is there twice.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        rows = pq.read_table(io.BytesIO(data))
    except (pa.ArrowException, OSError) as error:
        raise DeliveryProblem("unreadable", str(error).splitlines()[0][:200]) from None
    wanted = schema_of(name)
    if not rows.schema.equals(wanted):
        odd = [str(f) for f in rows.schema if f not in wanted] or [f.name for f in wanted]
        raise DeliveryProblem("wrong_columns", ", ".join(odd)[:200])
    for key in _ALL:
        if rows[key].null_count:
            raise DeliveryProblem("missing_values", f"{rows[key].null_count} rows without {key}")
    ids = rows["event_id"].to_pylist()
    if repeats := len(ids) - len(set(ids)):
        raise DeliveryProblem("repeated_rows", f"{repeats} rows with an event_id of another one")
    return rows


def schema_of(name: str) -> pa.Schema:
    """Return the columns of a table of the gym, in their order."""
    import pyarrow as pa

    kinds: dict[str, Any] = {
        "string": pa.string(),
        "int64": pa.int64(),
        "double": pa.float64(),
        "bool": pa.bool_(),
    }
    text, when = pa.string(), timestamp_type()
    fields = list(zip(_ALL, (text, text, when, when), strict=True))
    return pa.schema([*fields, *((column, kinds[kind]) for column, kind in _OWN[name])])


def _periods(log: Mapping[str, pa.Table]) -> Iterator[tuple[datetime, datetime]]:
    last = max(table["created_timestamp"][-1].as_py() for table in log.values() if table.num_rows)
    begin, end = _EVER, FIRST
    while begin < last:
        yield begin, end
        begin, end = end, end + EVERY


def _recorded(table: pa.Table, begin: datetime, end: datetime) -> pa.Table:
    """Return the rows recorded in ``(begin, end]``; a log is sorted by that time."""
    at = table["created_timestamp"].to_numpy()
    edges = [np.datetime64(t.replace(tzinfo=None), "us") for t in (begin, end)]
    first, stop = np.searchsorted(at, edges, side="right")
    return table.slice(int(first), int(stop - first))


def _packed(rows: pa.Table) -> bytes:
    import pyarrow.parquet as pq

    buffer = io.BytesIO()
    pq.write_table(rows.combine_chunks(), buffer, compression="zstd")
    return buffer.getvalue()
