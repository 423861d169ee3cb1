"""The gym: a simulated world of tables, with a causal clock and a truth that it keeps to itself.

Members visit, pay, complain, change their plan and cancel, and every row says when it became
true and when it was recorded. The question is who leaves within 30 days.
`workbench.worlds.gym_season` lets the members live, `workbench.worlds.gym_observations` and
`workbench.worlds.gym_features` ask the log. Production is the simulated future: its answers are known here and nowhere else.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from functools import cached_property
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from workbench.clock import as_utc, timestamp_type
from workbench.hashing import sha256_texts
from workbench.worlds import gym_deliveries, gym_season
from workbench.worlds.gym_dials import GymDials, dials_for
from workbench.worlds.gym_observations import LABELS, observations
from workbench.worlds.gym_season import CHANNELS, FEES, PLANS, REASONS, START, TABLES

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    import pyarrow as pa
    from numpy.typing import NDArray

    from workbench.records import Capture
    from workbench.worlds.gym_season import Columns

__all__ = ["GymDials", "GymWorld", "observations"]

_VERSION: Final = "gym 1"
"""Goes up whenever the same seed would give another log: tests/unit/test_gym.py notices."""
_CYCLE: Final = timedelta(days=28)
_T: Final = tuple(START + timedelta(weeks=18) + _CYCLE * k for k in range(21))
_TIMES: Final = ("event_timestamp", "created_timestamp")
_EVENT: Final = dict(zip(TABLES, ("join", "visit", "payment", "ticket", "change", "cancel"), strict=True))
_NAMES: Final = {
    "plan": PLANS,
    "previous_plan": PLANS,
    "channel": CHANNELS,
    "club": tuple(f"club-{k:02d}" for k in range(gym_season.N_CLUBS)),
    "status": ("paid", "failed", "disputed"),
    "kind": ("complaint", "exit"),
    "reason_for_cancellation": REASONS,
}
"""Categories, in the order of their positions in `gym_season.simulate`."""


class GymWorld:
    """A gym, its log, and what became of its members. Implements `workbench.records.World`.

    Parameters
    ----------
    size : str
        ``tiny`` (400 members), ``lesson`` (3,000) or ``large`` (100,000).
    seed : int
        Another seed is another gym.
    **dials : object
        Any of `workbench.worlds.gym_dials.GymDials`.

    Attributes
    ----------
    name : str
        ``gym``.
    labels : tuple of str
        ``stays`` and ``leaves``; the last one is the positive class.
    dials : GymDials
        As set.
    history_end : datetime
        When the training job reads its data, UTC: 31 days after the last cutoff, so that all
        labels have been recorded.
    horizon : timedelta
        30 days: a label says what happens in ``(t, t + horizon]``.
    cutoffs : tuple of datetime
        14 times of the history, 28 days apart, UTC.
    production_cutoffs : tuple of datetime
        6 times after `history_end`, 28 days apart, UTC.
    fingerprint : str
        sha256 of the version, the seed and the dials.
    notes : tuple of str
        None: times and labels are certain here.

    Notes
    -----
    The first question simulates everything, and the log is kept: about 1 s and 17 MB for a
    lesson, 15 s and 550 MB (three times that while it is made) for a large gym. Whatever is asked later is cut from it, so the order of questions cannot matter.

    Examples
    --------
    >>> world = GymWorld("tiny")
    >>> world.log(until=world.history_end)["members"].num_rows <= 400
    True
    """

    name = "gym"
    labels: tuple[str, ...] = LABELS
    notes: tuple[str, ...] = ()
    horizon: timedelta = timedelta(days=30)
    history_end: datetime = _T[14] + timedelta(days=3)
    cutoffs: tuple[datetime, ...] = _T[:14]
    production_cutoffs: tuple[datetime, ...] = _T[15:]

    def __init__(self, size: str = "lesson", seed: int = 0, **dials: Any) -> None:
        self.size = size
        self.seed = seed
        self.dials = dials_for(size, **dials)
        self.fingerprint = sha256_texts([_VERSION, str(seed), repr(self.dials)])

    def log(self, until: datetime | None = None) -> dict[str, pa.Table]:
        """Return what was recorded up to a time.

        Parameters
        ----------
        until : datetime, optional
            Aware; rows recorded at exactly this time are there. None: all rows, those of the
            simulated future, too.

        Returns
        -------
        dict of str to pyarrow.Table
            ``members``, ``visits``, ``payments``, ``tickets``, ``plan_changes`` and
            ``cancellations``. Each has ``event_id``, ``item_id``, ``event_timestamp`` (when it
            became true) and ``created_timestamp`` (when it was recorded), and is sorted by
            (``created_timestamp``, ``event_id``). Money is in euros.
        """
        if until is None:
            return dict(self._everything)
        return {name: table.slice(0, _n_known(table, until)) for name, table in self._everything.items()}

    @cached_property
    def n_captures(self) -> int:
        """How many files the gym delivers, those of the simulated future among them."""
        return gym_deliveries.count(self._everything)

    def captures(self) -> Iterator[Capture]:
        """Yield the exports of the gym's systems in the order of their arrival."""
        return gym_deliveries.deliveries(self._everything)

    def reviews(self) -> pa.Table:
        """Return no reviews: a label of the gym is an event in its log."""
        import pyarrow as pa

        when = timestamp_type()
        kinds = {"item_id": pa.string(), "reviewed_label": pa.string(), "reviewed_at": when, "known_at": when}
        return pa.schema(kinds).empty_table()

    def observations(self, times: Sequence[datetime], *, known_by: datetime) -> pa.Table:
        """Return who was a member at each time, with the label as far as it was known.

        Parameters
        ----------
        times : sequence of datetime
            Aware, none after `known_by`.
        known_by : datetime
            Aware; what was recorded later has no part in the labels.

        Returns
        -------
        pyarrow.Table
            As `workbench.worlds.gym_observations.observations`.
        """
        return observations(self.log(known_by), times, horizon=self.horizon, known_by=known_by)

    def truth(self) -> pa.Table:
        """Return what became of everybody who was a member at the times of production.

        Returns
        -------
        pyarrow.Table
            ``row_id``, ``item_id``, ``event_timestamp`` (the production cutoff) and ``label``:
            ``leaves`` if the cancellation became true in ``(t, t + horizon]``, recorded whenever.
        """
        everything = self.log()
        last = max(table["created_timestamp"][-1].as_py() for table in everything.values())
        seen = observations(everything, self.production_cutoffs, horizon=self.horizon, known_by=last)
        return seen.select(["row_id", "item_id", "event_timestamp", "label"])

    @cached_property
    def _everything(self) -> dict[str, pa.Table]:
        made = gym_season.simulate(self.seed, self.dials)
        return {name: _table(name, made.pop(name)) for name in TABLES}


def _n_known(table: pa.Table, until: datetime) -> int:
    """Return how many of the first rows were recorded by then."""
    recorded = table["created_timestamp"].to_numpy()
    return int(
        np.searchsorted(recorded, np.datetime64(as_utc(until).replace(tzinfo=None), "us"), side="right")
    )


def _table(name: str, columns: Columns) -> pa.Table:
    """Turn numbers into a table: rows in the order of their recording, each with a name.

    A row's number counts what was recorded about its member before, so it says nothing about
    rows that come later.
    """
    import pyarrow as pa

    member = columns.pop("member")
    event, created = (_microseconds(columns.pop(of)) for of in ("event_h", "created_h"))
    order = np.lexsort((event, created, member))
    begins = np.searchsorted(member[order], member[order])
    number = np.empty(len(order), np.int64)
    number[order] = np.arange(len(order)) - begins
    order = np.lexsort((number, member, created))
    made = {
        "event_id": _named(_EVENT[name], member[order], number[order]),
        "item_id": _named("member", member[order]),
        "event_timestamp": pa.array(event[order], pa.int64()).cast(timestamp_type()),
        "created_timestamp": pa.array(created[order], pa.int64()).cast(timestamp_type()),
    }
    if "plan" in columns:
        columns["monthly_fee"] = FEES[columns["plan"]]
    if "postcode" in columns:
        columns["postcode"] = 1000 + columns["postcode"]
    return pa.table(made | {key: _column(key, values[order]) for key, values in columns.items()})


def _column(name: str, values: NDArray[Any]) -> pa.Array:
    import pyarrow as pa

    return pa.array(_NAMES[name]).take(pa.array(values)) if name in _NAMES else pa.array(values)


def _microseconds(hours: NDArray[np.float64]) -> NDArray[np.int64]:
    """Return hours since the start as microseconds since 1970, in whole seconds."""
    start = int(START.timestamp())
    return (start + np.round(hours * 3600).astype(np.int64)) * 1_000_000


def _named(what: str, member: NDArray[np.int64], number: NDArray[np.int64] | None = None) -> pa.Array:
    """Return ``visit-000123-00042``: equal widths, so that names sort as their numbers."""
    import pyarrow as pa
    import pyarrow.compute as pc

    parts = [what, pc.utf8_lpad(pa.array(member).cast(pa.string()), 6, "0")]
    if number is not None:
        parts.append(pc.utf8_lpad(pa.array(number).cast(pa.string()), 5, "0"))
    return pc.binary_join_element_wise(*parts, "-")
