"""The feature job of the gym: every Monday it computes what is known about each member, and corrects itself later.

Some rows of the log arrive late. Four weeks after a Monday the job computes it again with what has
been recorded since, and where that changes a number it adds a corrected row: same event time, later
known-at. Whoever asks for the features *of* a Monday must therefore say *as known when*.
"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Final

from workbench.clock import as_utc
from workbench.hashing import sha256_bytes
from workbench.worlds.gym import GymWorld
from workbench.worlds.gym_features import STORED, WINDOWS, windows
from workbench.worlds.gym_observations import OBSERVATIONS, observations

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

    import pyarrow as pa

WEEK: Final = timedelta(days=7)
CORRECTED_AFTER: Final = timedelta(days=28)
MONDAYS: Final = tuple(
    GymWorld.cutoffs[0] + WEEK * k
    for k in range((GymWorld.production_cutoffs[-1] - GymWorld.cutoffs[0]) // WEEK + 1)
)
"""When the job runs, UTC midnight: each cutoff of history and production is one of them."""


def fingerprint() -> str:
    """Return the sha256 of the statements that turn a log into features."""
    return sha256_bytes(f"{OBSERVATIONS}\n{WINDOWS}".encode())


def feature_rows(
    log: Mapping[str, pa.Table], mondays: Sequence[datetime] = MONDAYS, *, corrected_until: datetime
) -> pa.Table:
    """Run the job for some Mondays.

    Parameters
    ----------
    log : mapping of str to pyarrow.Table
        As `workbench.worlds.gym.GymWorld.log` returns it. What was recorded after a Monday has
        no part in its first row.
    mondays : sequence of datetime
        Aware.
    corrected_until : datetime
        Aware; corrections that would be made later are left out.

    Returns
    -------
    pyarrow.Table
        ``item_id``, ``event_timestamp`` (the Monday), ``created_timestamp`` (when the job ran),
        ``captured_at`` (the event time once more) and `workbench.worlds.gym_features.STORED`;
        sorted by item, event time and known-at.
    """
    import pyarrow as pa

    seen = observations(log, mondays, horizon=WEEK, known_by=max(mondays))
    asked = seen.select(["item_id", "event_timestamp"])
    first = _stamped(windows(log, asked), timedelta(0))
    again = _stamped(windows(log, asked, wait_days=CORRECTED_AFTER.days), CORRECTED_AFTER)
    corrected = again.filter(_changed(first, again, corrected_until))
    order = [(name, "ascending") for name in ("item_id", "event_timestamp", "created_timestamp")]
    return pa.concat_tables([first, corrected]).sort_by(order).combine_chunks()


def _stamped(rows: pa.Table, later: timedelta) -> pa.Table:
    """Say when the rows were computed."""
    import pyarrow as pa
    import pyarrow.compute as pc

    when = rows["event_timestamp"]
    made = pc.add(when, pa.scalar(later, pa.duration("us"))).cast(when.type)
    times = {"event_timestamp": when, "created_timestamp": made, "captured_at": when}
    return pa.table({"item_id": rows["item_id"], **times, **{name: rows[name] for name in STORED}})


def _changed(first: pa.Table, again: pa.Table, until: datetime) -> pa.Array:
    """Return which rows say something else the second time, and were computed in time."""
    import pyarrow as pa
    import pyarrow.compute as pc

    differs = pa.array([False] * first.num_rows)
    for name in STORED:
        one, two = first[name], again[name]
        unequal = pc.fill_null(pc.not_equal(one, two), fill_value=False)
        differs = pc.or_(differs, pc.or_(unequal, pc.not_equal(pc.is_null(one), pc.is_null(two))))
    in_time = pc.less_equal(
        again["created_timestamp"], pa.scalar(as_utc(until), again["created_timestamp"].type)
    )
    return pc.and_(differs, in_time)
