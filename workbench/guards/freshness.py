"""Features that are older than they may be: the store was not filled, and answers all the same.

Catches  a materialisation that died, a source that stopped, a partition that was skipped: the served value is
         right, for last month. In our simulations the AUC fell from .78 to .73 with 14 days and .63 with 56.
Misses   a fresh time on an old value; values without a time: they are counted, not judged. A feature that
         rarely changes is old by nature: give each view a limit of its own.
Fires    at any row older than the limit: the share is exact. A time after `at` is not old; it is counted.
Rates    docs/GUARDS.md
Cost     one comparison a row.
"""

from __future__ import annotations

from datetime import datetime
from math import isfinite
from typing import TYPE_CHECKING, Final

import numpy as np

from workbench import clock
from workbench.errors import GuardError
from workbench.guards.columns import offending
from workbench.guards.evidence import Evidence, Finding, require_columns
from workbench.guards.times import Times, microseconds, read_times, require_one_clock

if TYPE_CHECKING:
    import pyarrow as pa

GUARD: Final = "freshness"
THRESHOLD: Final = 0.0


def measure(
    rows: pa.Table, *, at: datetime | str, max_age_s: float, event: str = "feature_timestamp"
) -> Evidence:
    """Measure how many rows are older than they may be.

    Parameters
    ----------
    rows : pyarrow.Table
        One row a feature value, or a served vector.
    at : datetime or str
        When the values are used: one aware moment, or the column with the moment of each row.
    max_age_s : float
        Seconds that a value may be old.
    event : str
        Column of the value's event time.

    Returns
    -------
    Evidence
        ``value``: share of the rows with both times whose age is above `max_age_s`. Offenders: those rows
        with ``age_s``, the oldest first.

    Raises
    ------
    GuardError
        If a column is missing or holds no times, a time has no zone, the limit is negative, or no row has both
        times.
    """
    names = [event, at] if isinstance(at, str) else [event]
    require_columns(rows, names, GUARD)
    if not (isfinite(max_age_s) and max_age_s >= 0):
        raise GuardError(f"{GUARD}: {max_age_s} s is no age", hint="give seconds, 0 or more")
    when = read_times(rows, event, GUARD)
    used = _used(rows, at)
    clocks = {event: when, at: used} if isinstance(at, str) else {event: when}
    require_one_clock(GUARD, clocks, moment=isinstance(at, datetime))
    judged = when.known & used.known
    n = int(judged.sum())
    if not n:
        raise GuardError(f"{GUARD}: no row has a time in {' and '.join(names)}", hint="name other columns")
    age_us = np.where(judged, used.us - when.us, 0)
    old = np.flatnonzero(age_us > max_age_s * 1e6)
    old = old[np.argsort(-age_us[old], kind="stable")]
    facts = {
        "rows_old": len(old),
        "max_age_s": max_age_s,
        "at": at if isinstance(at, str) else clock.iso(at),
        "oldest_s": float(age_us[judged].max()) / 1e6,
        "median_s": float(np.median(age_us[judged])) / 1e6,
        "rows_from_later": int((age_us < 0).sum()),
        "rows_without_time": rows.num_rows - n,
    }
    offenders = offending(rows, old, names, {"age_s": age_us[old] / 1e6})
    return Evidence(GUARD, n, len(old) / n, "share of rows", (event,), offenders, facts)


def check(evidence: Evidence, *, threshold: float = THRESHOLD) -> Finding:
    """Judge the share of old rows.

    Parameters
    ----------
    evidence : Evidence
        From `measure`.
    threshold : float
        Share above which it fires.

    Returns
    -------
    Finding
        With the greatest age.
    """
    facts = evidence.facts
    what = f"{facts['rows_old']} of {evidence.n} rows ({evidence.value:.1%}) are older than"
    sentence = f"{what} {_time(facts['max_age_s'])}; the oldest is {_time(facts['oldest_s'])}"
    if facts["rows_without_time"]:
        sentence += f"; {facts['rows_without_time']} rows have no time"
    return Finding(GUARD, fired=evidence.value > threshold, sentence=sentence, evidence=evidence)


def _used(rows: pa.Table, at: datetime | str) -> Times:
    """Return the moment of use, one for each row."""
    if isinstance(at, str):
        return read_times(rows, at, GUARD)
    us = np.full(rows.num_rows, microseconds(at), np.int64)
    return Times(us, np.ones(rows.num_rows, np.bool_), aware=True)


def _time(seconds: float) -> str:
    """Return seconds in the largest unit of which there are two."""
    units = {"days": 86400, "h": 3600, "min": 60}
    return next(
        (f"{seconds / size:.3g} {unit}" for unit, size in units.items() if abs(seconds) >= 2 * size),
        f"{seconds:.3g} s",
    )
