"""Rows whose label window was not over when the table was made: "has not left" means "not yet".

Catches  labels of the last weeks before the extraction, all of one class: a third of the rows in our
         simulations, 0 after a maturity filter. The AUC does not show it; the predicted rate is far too low.
Misses   outcomes that are recorded late: let `horizon_s` include the time until they are.
Fires    at any such row: the share is exact.
Rates    docs/GUARDS.md
Cost     one comparison a row.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

from workbench import clock
from workbench.errors import GuardError
from workbench.guards.columns import missing, offending, plain
from workbench.guards.evidence import Evidence, Finding, require_columns
from workbench.guards.times import horizon_us, microseconds, read_times, require_one_clock, to_times

if TYPE_CHECKING:
    from datetime import datetime

    import pyarrow as pa

GUARD: Final = "label_maturity"
THRESHOLD: Final = 0.0


def measure(
    rows: pa.Table,
    *,
    horizon_s: float,
    extracted_at: datetime,
    time: str = "event_timestamp",
    label: str | None = None,
) -> Evidence:
    """Measure how many rows are younger than their label needs.

    Parameters
    ----------
    rows : pyarrow.Table
        One row an observation. Rows without a time are counted and left out.
    horizon_s : float
        Length of the label window in seconds, and the delay until its outcome is recorded.
    extracted_at : datetime
        When the table was made; aware.
    time : str
        Column of the observation time, with a time zone.
    label : str, optional
        Column of the label: rows without one claim nothing and are left out. Default: all rows have one.

    Returns
    -------
    Evidence
        ``value``: share of the rows with ``time + horizon_s > extracted_at``. Offenders: those
        rows with ``ripe_at``, the youngest first.

    Raises
    ------
    GuardError
        If a column is missing, the time has no zone, the horizon is not positive, or no row can be judged.
    """
    require_columns(rows, [time, *([label] if label else [])], GUARD)
    horizon = horizon_us(horizon_s, GUARD)
    when = read_times(rows, time, GUARD)
    require_one_clock(GUARD, {time: when}, moment=True)
    judged = when.known & ~missing(plain(rows[label])) if label else when.known
    n = int(judged.sum())
    if not n:
        raise GuardError(f"{GUARD}: no row has both a time and a label", hint="name other columns")
    ripe_at = when.us + horizon
    unripe = np.flatnonzero(judged & (ripe_at > microseconds(extracted_at)))
    unripe = unripe[np.argsort(-ripe_at[unripe], kind="stable")]
    facts = {
        "rows_unripe": len(unripe),
        "horizon_s": horizon_s,
        "extracted_at": clock.iso(extracted_at),
        "rows_left_out": rows.num_rows - n,
    }
    shown = [name for name in (time, label) if name]
    offenders = offending(rows, unripe, shown, {"ripe_at": to_times(ripe_at[unripe], aware=True)})
    return Evidence(GUARD, n, len(unripe) / n, "share of rows", tuple(shown), offenders, facts)


def check(evidence: Evidence, *, threshold: float = THRESHOLD) -> Finding:
    """Judge the share of unripe rows.

    Parameters
    ----------
    evidence : Evidence
        From `measure`.
    threshold : float
        Share above which it fires.

    Returns
    -------
    Finding
        With the share and the moment of extraction.
    """
    facts = evidence.facts
    what = f"{facts['rows_unripe']} of {evidence.n} rows ({evidence.value:.1%}) have a label window"
    sentence = f"{what} that was not over at {facts['extracted_at']}"
    return Finding(GUARD, fired=evidence.value > threshold, sentence=sentence, evidence=evidence)
