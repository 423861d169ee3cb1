"""A test row shares its label window with a train row: the outcome that is asked for was learned.

A label says what happens in the `horizon_s` after its observation. Two observations of one entity that
lie closer together than that have part of their outcome in common.

Catches  a random split of weekly snapshots with a 30-day label; a split by time without an embargo.
Misses   twins under another entity key (one person, two accounts), and features that are alike
         without a common label window.
Fires    at any overlap: the share is exact, there is no chance in it.
Rates    docs/GUARDS.md
Cost     one sort of the rows: below 2 s for a million.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

from workbench.errors import GuardError
from workbench.guards.columns import SIDES, offending, ranks, sides_of
from workbench.guards.evidence import Evidence, Finding, require_columns
from workbench.guards.times import horizon_us, read_times, require_one_clock, to_times

if TYPE_CHECKING:
    import pyarrow as pa
    from numpy.typing import NDArray

    Bools = NDArray[np.bool_]
    Ints = NDArray[np.int64]

GUARD: Final = "window_overlap"
THRESHOLD: Final = 0.0
_NEVER: Final = np.iinfo(np.int64).max


def measure(
    rows: pa.Table,
    *,
    horizon_s: float,
    time: str = "event_timestamp",
    entity: str | None = "item_id",
    split: str = "split",
    sides: tuple[str, str] = SIDES,
) -> Evidence:
    """Measure how many test rows have a train row of the same entity less than the horizon away.

    Parameters
    ----------
    rows : pyarrow.Table
        One row an observation.
    horizon_s : float
        Length of the label window in seconds. Rows exactly so far apart share nothing.
    time : str
        Column of the observation time.
    entity : str or None
        Column of the entity; None: all rows are of one, as in a single time series.
    split : str
        Column that names the side of each row.
    sides : tuple of two str
        Which side was learned from, and which judges.

    Returns
    -------
    Evidence
        ``value``: share of the test rows that have entity and time. Offenders: test rows with
        ``nearest_train_time`` and ``gap_s``, the smallest gap first.

    Raises
    ------
    GuardError
        If a column is missing, a side is empty, the horizon is not positive, or no test row can be judged.
    """
    require_columns(rows, [time, split, *([entity] if entity else [])], GUARD)
    horizon = horizon_us(horizon_s, GUARD)
    train, test = sides_of(rows, split, sides, GUARD)
    when = read_times(rows, time, GUARD)
    require_one_clock(GUARD, {time: when})
    who = ranks(rows[entity]) if entity else np.zeros(rows.num_rows, np.int64)
    usable = when.known & (who >= 0)
    if not (judged := test & usable).any():
        raise GuardError(f"{GUARD}: no test row has both an entity and a time", hint="name other columns")
    gap, nearest = nearest_train(who, when.us, train & usable, judged)
    near = gap < horizon
    worst_first = np.flatnonzero(near)[np.argsort(gap[near], kind="stable")]
    more = {
        "nearest_train_time": to_times(when.us[nearest[worst_first]], aware=when.aware),
        "gap_s": gap[worst_first] / 1e6,
    }
    facts = {
        "test_rows_overlapping": len(worst_first),
        "entities_overlapping": len(np.unique(who[near])),
        "smallest_gap_s": float(gap.min()) / 1e6 if gap.min() < _NEVER else None,
        "horizon_s": horizon_s,
        "rows_left_out": int(((train | test) & ~usable).sum()),
    }
    shown = [name for name in (entity, time) if name]
    n = int(judged.sum())
    offenders = offending(rows, worst_first, shown, more)
    return Evidence(GUARD, n, len(worst_first) / n, "share of test rows", tuple(shown), offenders, facts)


def check(evidence: Evidence, *, threshold: float = THRESHOLD) -> Finding:
    """Judge the share of test rows.

    Parameters
    ----------
    evidence : Evidence
        From `measure`.
    threshold : float
        Share above which it fires.

    Returns
    -------
    Finding
        With the share and the horizon.
    """
    found, days = evidence.facts["test_rows_overlapping"], evidence.facts["horizon_s"] / 86_400
    what = f"{found} of {evidence.n} test rows ({evidence.value:.1%}) share their label window"
    sentence = f"{what} of {days:g} days with a train row of the same entity"
    return Finding(GUARD, fired=evidence.value > threshold, sentence=sentence, evidence=evidence)


def nearest_train(who: Ints, us: Ints, train: Bools, test: Bools) -> tuple[Ints, Ints]:
    """Return, for each row, how far the nearest train row of its entity is, and which it is.

    Parameters
    ----------
    who, us : numpy.ndarray of int of shape (n,)
        Number of the entity; time in microseconds.
    train, test : numpy.ndarray of bool of shape (n,)
        Rows to find, rows to find them for; no row is its own neighbour.

    Returns
    -------
    tuple of numpy.ndarray of int of shape (n,)
        Gap in microseconds, the largest int64 where there is none or the row is not asked about; the
        position of the train row, -1 where there is none.
    """
    order = np.lexsort((us, who))
    seen = np.where(train[order], np.arange(len(order)), -1)
    before = np.maximum.accumulate(seen)
    after = np.minimum.accumulate(np.where(seen < 0, len(order), seen)[::-1])[::-1]
    gap, nearest = np.full(len(order), _NEVER), np.full(len(order), -1)
    for place in (before, after):
        at = np.clip(place, 0, len(order) - 1)
        there = (place == at) & (who[order[at]] == who[order]) & test[order] & (order[at] != order)
        distance = np.where(there, np.abs(us[order[at]] - us[order]), _NEVER)
        closer = order[distance < gap[order]]
        nearest[closer] = order[at][distance < gap[order]]
        gap[closer] = distance[distance < gap[order]]
    return gap, nearest
