"""Who is a member of the gym at a time, and what becomes of them."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Final

from workbench.clock import as_utc, timestamp_type
from workbench.errors import DatasetError, SettingsError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

    import duckdb
    import pyarrow as pa

LABELS: Final = ("stays", "leaves")
MIN_MEMBERSHIP: Final = timedelta(days=30)
"""Who joined more recently is not observed yet: windows would mostly lie before the joining."""
OBSERVATIONS: Final = """
SELECT p.item_id || '@' || replace(strftime(timezone('UTC', p.t), '%Y%m%dT%H%M%S%f'), 'T000000000000', '') AS row_id,
       p.item_id,
       p.t AS event_timestamp,
       if(count(c.item_id) > 0, $positive, $negative) AS label,
       coalesce(min(c.created_timestamp), p.t + $horizon) AS label_known_at
FROM (SELECT m.item_id, times.t
      FROM members AS m CROSS JOIN times
      WHERE m.event_timestamp <= times.t - $min_membership AND m.created_timestamp <= times.t) AS p
ANTI JOIN cancellations AS gone ON gone.item_id = p.item_id AND gone.created_timestamp <= p.t
LEFT JOIN cancellations AS c ON c.item_id = p.item_id
     AND c.event_timestamp > p.t AND c.event_timestamp <= p.t + $horizon AND c.created_timestamp <= $known_by
GROUP BY p.item_id, p.t
ORDER BY row_id
"""
"""Who is a member at each time: no cancellation had been *recorded* by then, whatever was true."""


def observations(
    log: Mapping[str, pa.Table], times: Sequence[datetime], *, horizon: timedelta, known_by: datetime
) -> pa.Table:
    """Return who was a member at each time, with the label as far as it was known.

    A member is observed who joined at least `MIN_MEMBERSHIP` ago, and whose cancellation had
    not been recorded. Who has cancelled an hour ago and is not yet in the books is there, too:
    that is what a service sees.

    Parameters
    ----------
    log : mapping of str to pyarrow.Table
        ``members`` and ``cancellations``, as `workbench.worlds.gym.GymWorld.log` returns them.
    times : sequence of datetime
        Aware; repeats count once.
    horizon : timedelta
        A label says what happens in ``(t, t + horizon]``.
    known_by : datetime
        Aware; cancellations recorded later have no part in the labels.

    Returns
    -------
    pyarrow.Table
        ``row_id``, ``item_id``, ``event_timestamp`` (the time), ``label``, and
        ``label_known_at``: for ``leaves`` when the cancellation was recorded, for ``stays`` the
        end of the horizon. It is later than `known_by` where a label is not ripe. Sorted by
        ``row_id``.

    Raises
    ------
    SettingsError
        If there are no times, or one is after `known_by`.
    DatasetError
        If nobody is a member at these times.
    """
    import pyarrow as pa

    asked = sorted({as_utc(t) for t in times})
    if not asked or asked[-1] > as_utc(known_by):
        seen = (
            f"{asked[-1]:%Y-%m-%d %H:%M} is after {as_utc(known_by):%Y-%m-%d %H:%M}" if asked else "no times"
        )
        raise SettingsError(f"cannot observe: {seen}", hint="give times that are not after known_by")
    tables = {"members": log["members"], "cancellations": log["cancellations"]}
    with connect(tables | {"times": pa.table({"t": pa.array(asked, timestamp_type())})}) as con:
        found = con.sql(
            OBSERVATIONS,
            params={
                "horizon": horizon,
                "min_membership": MIN_MEMBERSHIP,
                "known_by": as_utc(known_by),
                "negative": LABELS[0],
                "positive": LABELS[1],
            },
        ).to_arrow_table()
    if not found.num_rows:
        raise DatasetError(
            f"nobody was a member for {MIN_MEMBERSHIP.days} days at {asked[0]:%Y-%m-%d}", hint="ask later"
        )
    times_of = {"event_timestamp", "label_known_at"}
    return found.cast(
        pa.schema([(n, timestamp_type() if n in times_of else pa.string()) for n in found.column_names])
    )


def connect(tables: Mapping[str, pa.Table], threads: int = 2) -> duckdb.DuckDBPyConnection:
    """Open a private database in memory that sees these tables: UTC, silent.

    Parameters
    ----------
    tables : mapping of str to pyarrow.Table
        By the name that a statement uses.
    threads : int
        At most so many.

    Returns
    -------
    duckdb.DuckDBPyConnection
        To be closed, or used with ``with``.
    """
    import duckdb

    con = duckdb.connect(
        config={
            "TimeZone": "UTC",
            "threads": threads,
            "autoinstall_known_extensions": False,
            "python_enable_replacements": False,
        }
    )
    con.execute("SET enable_progress_bar = false")  # a notebook would show one
    for name, table in tables.items():
        con.register(name, table)
    return con
