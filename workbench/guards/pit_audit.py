"""A feature from after the observation: it became true later, or was recorded later.

Catches  a join on the newest value, a join that ignores known-at, a clock that is hours off.
Misses   features whose times were lost on the way, and windows that were summed up past the cutoff under an
         honest time: see `truncation`. A feature that has an event time and no known-at is counted, not
         judged. Differences below a microsecond are not seen.
Fires    at any such row: the count is exact. A feature exactly as old as the observation is none.
Rates    docs/GUARDS.md
Cost     two comparisons a row.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

from workbench.errors import GuardError
from workbench.guards.columns import offending
from workbench.guards.evidence import Evidence, Finding, require_columns
from workbench.guards.times import read_times, require_one_clock

if TYPE_CHECKING:
    import pyarrow as pa

GUARD: Final = "pit_audit"
THRESHOLD: Final = 0.0


def measure(
    rows: pa.Table,
    *,
    observation: str = "event_timestamp",
    event: str = "feature_timestamp",
    known_at: str | None = None,
) -> Evidence:
    """Measure how many rows have a feature from after their observation.

    Parameters
    ----------
    rows : pyarrow.Table
        One row an observation, with the times of its feature.
    observation : str
        Column of the observation time.
    event : str
        Column of the feature's event time; null: there is no feature.
    known_at : str, optional
        Column of the feature's known-at. Default: not looked at.

    Returns
    -------
    Evidence
        ``value``: share of the rows that have an observation time and a time of the feature.
        Offenders: those rows with ``late_s``, how long after the observation the feature could be
        used, the worst first. Columns: the times that are late.

    Raises
    ------
    GuardError
        If a column is missing or holds no times, one has a time zone and another has none, or no row
        can be judged.
    """
    names = [event, *([known_at] if known_at else [])]
    require_columns(rows, [observation, *names], GUARD)
    clocks = {name: read_times(rows, name, GUARD) for name in (observation, *names)}
    require_one_clock(GUARD, clocks)
    asked = clocks[observation]
    late_us = np.zeros(rows.num_rows, np.int64)
    judged = np.zeros(rows.num_rows, np.bool_)
    after = {}
    for name in names:
        comparable = asked.known & clocks[name].known
        late = np.where(comparable, clocks[name].us - asked.us, 0)
        late_us, judged = np.maximum(late_us, late), judged | comparable
        after[name] = int((late > 0).sum())
    n = int(judged.sum())
    if not n:
        raise GuardError(
            f"{GUARD}: no row has both an observation and a feature time", hint="name other columns"
        )
    late_rows = np.flatnonzero(late_us > 0)
    late_rows = late_rows[np.argsort(-late_us[late_rows], kind="stable")]
    facts = {
        "rows_late": len(late_rows),
        "rows_late_by_column": after,
        "largest_late_s": float(late_us.max()) / 1e6,
        "rows_left_out": rows.num_rows - n,
        "rows_without_known_at": int((clocks[event].known & ~clocks[known_at].known).sum())
        if known_at
        else None,
    }
    offenders = offending(rows, late_rows, [observation, *names], {"late_s": late_us[late_rows] / 1e6})
    guilty = tuple(sorted((name for name in names if after[name]), key=lambda name: -after[name]))
    return Evidence(GUARD, n, len(late_rows) / n, "share of rows", guilty, offenders, facts)


def check(evidence: Evidence, *, threshold: float = THRESHOLD) -> Finding:
    """Judge the share of rows with a feature from the future.

    Parameters
    ----------
    evidence : Evidence
        From `measure`.
    threshold : float
        Share above which it fires.

    Returns
    -------
    Finding
        With the columns that are late.
    """
    facts = evidence.facts
    sentence = f"{facts['rows_late']} of {evidence.n} rows ({evidence.value:.1%}) use a feature from after their time"
    if evidence.columns:
        hours = facts["largest_late_s"] / 3600
        sentence += f", by up to {hours:.3g} h ({', '.join(evidence.columns)})"
    return Finding(GUARD, fired=evidence.value > threshold, sentence=sentence, evidence=evidence)
