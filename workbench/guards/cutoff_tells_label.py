"""The time of an observation alone tells its label: positives and negatives were observed at other times.

Catches  observations anchored on the outcome: leavers the day before they left, stayers today.
Misses   an anchor that leaves the times alone (leavers and stayers at the same dates, but leavers
         chosen by what came after).
         A true trend or season of the label fires too when it is strong: read the periods.
Groups   Rows of one moment with one label (a burst of frames) tell it by recognition: 30 of 30 clean seasons
         of 100 fruit in bursts of ten fired, with `group` given 1 of 30.
Fires    above 0.65, and only where chance is ruled out (z > 3), as 0.65 is common among 50 rows.
Rates    docs/GUARDS.md
Cost     one tree of depth 4 in three folds, on at most 10,000 rows of each class, drawn by the seed.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

from workbench.errors import GuardError
from workbench.guards.columns import plain, positives, ranks
from workbench.guards.evidence import Evidence, Finding, require_columns
from workbench.guards.one_column import draw, tree_auc

if TYPE_CHECKING:
    import pyarrow as pa
    from numpy.typing import NDArray

GUARD: Final = "cutoff_tells_label"
THRESHOLD: Final = 0.65
MIN_Z: Final = 3.0
PERIODS: Final = 10


def measure(
    rows: pa.Table,
    *,
    time: str = "event_timestamp",
    label: str = "label",
    positive: object,
    group: str | None = None,
    seed: int = 0,
) -> Evidence:
    """Measure how well the observation time predicts the label.

    Parameters
    ----------
    rows : pyarrow.Table
        One row an observation. Rows without label or time are left out.
    time : str
        Column of the observation time: timestamps, dates, or numbers that grow with time.
    label : str
        Column of the label.
    positive : object
        Value of the positive class; all others count as negative.
    group : str, optional
        Column of the entity or group whose rows belong together, as in `solo_feature`.
    seed : int
        Of the sample and the folds.

    Returns
    -------
    Evidence
        ``value``: the AUC. Offenders: up to ten periods (``first``, ``last``, ``rows``,
        ``positive_share``), the one furthest from the overall share first.

    Raises
    ------
    GuardError
        If a column is missing, the time is a text or a list, or a class has fewer than 10 rows or
        groups.
    """
    import pyarrow as pa
    import pyarrow.types as pt

    require_columns(rows, [time, label, *([group] if group else [])], GUARD)
    when = plain(rows[time])
    if pt.is_boolean(when.type) or not (pt.is_primitive(when.type) or pt.is_null(when.type)):
        raise GuardError(
            f"{GUARD}: the column {time!r} is {when.type}, not a time", hint="cast it to a timestamp"
        )
    dated = pa.table({name: plain(rows[name]) for name in (time, label, group) if name}).filter(
        when.is_valid()
    )
    sample = draw(dated, label, positive, group, GUARD, seed)
    auc, z = tree_auc(ranks(dated[time].take(sample.rows)), sample)
    is_positive, known = positives(dated, label, positive, GUARD)
    facts = {
        "z": z,
        "rows_sampled": len(sample.rows),
        "rows_without_time": rows.num_rows - dated.num_rows,
        "rows_without_label": int((~known).sum()),
    }
    periods = _periods(dated.filter(known)[time], is_positive[known])
    return Evidence(GUARD, int(known.sum()), auc, "AUC of the time alone", (time,), periods, facts)


def check(evidence: Evidence, *, threshold: float = THRESHOLD) -> Finding:
    """Judge the AUC of the time.

    Parameters
    ----------
    evidence : Evidence
        From `measure`.
    threshold : float
        AUC above which it fires, if z is above 3.

    Returns
    -------
    Finding
        With the AUC.
    """
    fired = evidence.value > threshold and evidence.facts["z"] > MIN_Z
    verdict = "alone tells the label" if fired else "does not tell the label"
    by_chance = "; chance can do that in so few rows" if not fired and evidence.value > threshold else ""
    sentence = f"the observation time {verdict}: AUC {evidence.value:.3f} over {evidence.n} rows{by_chance}"
    return Finding(GUARD, fired=fired, sentence=sentence, evidence=evidence)


def _periods(when: pa.ChunkedArray, is_positive: NDArray[np.bool_]) -> pa.Table:
    """Cut the rows into about equal periods, equal times together."""
    import pyarrow as pa

    place = ranks(when)
    order = np.argsort(place, kind="stable")
    ends = np.searchsorted(place[order], place[order][:: max(1, len(order) // PERIODS)], side="left")
    starts = np.unique(ends)[:PERIODS]
    sizes = np.diff(np.r_[starts, len(order)])
    share = np.add.reduceat(is_positive[order].astype(np.float64), starts) / sizes
    table = pa.table(
        {
            "first": when.take(order[starts]),
            "last": when.take(order[starts + sizes - 1]),
            "rows": sizes,
            "positive_share": share,
        }
    )
    return table.take(np.argsort(-np.abs(share - is_positive.mean()), kind="stable"))
