"""What the gym's log says about a member at a time: windows, and one number derived from them.

`WINDOWS` is one statement with neutral parameters. Left at their defaults, each row is asked at
its own time and sees what had been recorded by then. Every other setting is a mistake that
somebody has made with a clean conscience: `reference` fixes one moment for all rows, `shift`
moves the moment, `known_at` stops asking when a row was recorded, `wait` lets late rows in.
"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final

from workbench.clock import as_utc
from workbench.errors import DatasetError, SettingsError
from workbench.worlds.gym_observations import connect

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    import pyarrow as pa

STORED: Final = (
    "annual",
    "age",
    "monthly_fee",
    "tenure_days",
    "plan_plus",
    "plan_premium",
    "channel_friend",
    "channel_walk_in",
    "channel_corporate",
    "visits_7d",
    "visits_30d",
    "visits_90d",
    "days_since_visit",
    "evening_share",
    "failed_60d",
    "disputed_60d",
    "paid_60d",
    "tickets_60d",
)
"""What `windows` computes and a feature store keeps: float64, null where unknown."""
ON_DEMAND: Final = ("trend",)
"""What is derived when it is asked for, by `trend`."""
COLUMNS: Final = (*STORED, *ON_DEMAND)
"""The inputs of a model, in their order."""
LOOKUP: Final = ("club", "postcode")
"""What `windows` returns, too: names to look up, not inputs of a model."""

WINDOWS: Final = """
WITH asked AS (  -- each row, and the moment at which its features are asked for
    SELECT row, item_id, coalesce($reference, event_timestamp) + $shift AS t FROM observations
), profile AS (  -- whom nobody knew at that moment has no features at all
    SELECT a.row, a.item_id, a.t, m.event_timestamp AS joined, m.annual, m.age, m.channel, m.club, m.postcode,
           m.plan AS first_plan, m.monthly_fee AS first_fee
    FROM asked AS a JOIN members AS m ON m.item_id = a.item_id
    WHERE m.event_timestamp <= a.t AND (m.created_timestamp <= a.t + $wait OR NOT $known_at)
), plan AS (
    SELECT p.row, max_by(struct_pack(name := c.plan, fee := c.monthly_fee),
                         struct_pack(a := c.event_timestamp, b := c.created_timestamp, c := c.event_id)) AS now
    FROM profile AS p JOIN plan_changes AS c ON c.item_id = p.item_id
    WHERE c.event_timestamp <= p.t AND (c.created_timestamp <= p.t + $wait OR NOT $known_at)
    GROUP BY p.row
), visit AS (
    SELECT item_id, event_timestamp, created_timestamp,
           (hour(timezone('UTC', event_timestamp + $utc_offset)) >= 17)::INT AS evening
    FROM visits
), came AS (
    SELECT p.row,
           count(*) FILTER (v.event_timestamp > p.t - INTERVAL 7 DAY) AS visits_7d,
           count(*) FILTER (v.event_timestamp > p.t - $window) AS visits_30d,
           count(*) FILTER (v.event_timestamp > p.t - INTERVAL 90 DAY) AS visits_90d,
           max(v.event_timestamp) FILTER (v.event_timestamp > p.t - $lookback) AS last_visit,
           avg(v.evening) FILTER (v.event_timestamp > p.t - $lookback) AS evening_share
    FROM profile AS p JOIN visit AS v ON v.item_id = p.item_id
    WHERE v.event_timestamp > p.t - greatest($window, $lookback, INTERVAL 90 DAY) AND v.event_timestamp <= p.t
          AND (v.created_timestamp <= p.t + $wait OR NOT $known_at)
    GROUP BY p.row
), paid AS (
    SELECT p.row,
           count(*) FILTER (b.status = 'failed') AS failed_60d,
           count(*) FILTER (b.status = 'disputed') AS disputed_60d,
           sum(b.amount::DECIMAL(9, 2)) FILTER (b.status = 'paid') AS paid_60d  -- exact: no order of summation
    FROM profile AS p JOIN payments AS b ON b.item_id = p.item_id
    WHERE b.event_timestamp > p.t - INTERVAL 60 DAY AND b.event_timestamp <= p.t
          AND (b.created_timestamp <= p.t + $wait OR NOT $known_at)
    GROUP BY p.row
), complained AS (
    SELECT p.row, count(*) AS tickets_60d
    FROM profile AS p JOIN tickets AS k ON k.item_id = p.item_id
    WHERE k.event_timestamp > p.t - INTERVAL 60 DAY AND k.event_timestamp <= p.t
          AND (k.created_timestamp <= p.t + $wait OR NOT $known_at)
    GROUP BY p.row
), features AS (
    SELECT p.row, p.annual, p.age, coalesce(plan.now.fee, p.first_fee) AS monthly_fee,
           date_diff('microsecond', p.joined, p.t) / 86400e6 AS tenure_days,
           coalesce(plan.now.name, p.first_plan) = 'plus' AS plan_plus,
           coalesce(plan.now.name, p.first_plan) = 'premium' AS plan_premium,
           p.channel = 'friend' AS channel_friend,
           p.channel = 'walk-in' AS channel_walk_in,
           p.channel = 'corporate' AS channel_corporate,
           coalesce(came.visits_7d, 0) AS visits_7d,
           coalesce(came.visits_30d, 0) AS visits_30d,
           coalesce(came.visits_90d, 0) AS visits_90d,
           date_diff('microsecond', came.last_visit, p.t) / 86400e6 AS days_since_visit,
           came.evening_share,
           coalesce(paid.failed_60d, 0) AS failed_60d,
           coalesce(paid.disputed_60d, 0) AS disputed_60d,
           coalesce(paid.paid_60d, 0) AS paid_60d,
           coalesce(complained.tickets_60d, 0) AS tickets_60d,
           p.club, p.postcode
    FROM profile AS p
    LEFT JOIN plan USING (row) LEFT JOIN came USING (row) LEFT JOIN paid USING (row) LEFT JOIN complained USING (row)
)
SELECT features.* EXCLUDE (row) FROM asked LEFT JOIN features USING (row) ORDER BY asked.row
"""
"""Every feature of every row. Windows are half open, ``(t - w, t]``; days have 24 hours, UTC."""


def windows(  # noqa: PLR0913 (each is one thing that goes wrong)
    log: Mapping[str, pa.Table],
    observations: pa.Table,
    *,
    reference: datetime | None = None,
    shift_days: float = 0.0,
    window_days: float = 30,
    lookback_days: float = 90,
    known_at: bool = True,
    wait_days: float = 0.0,
    utc_offset_h: float = 0,
    threads: int = 2,
) -> pa.Table:
    """Add the features of each row, as the log tells them at the row's own time.

    Parameters
    ----------
    log : mapping of str to pyarrow.Table
        As `workbench.worlds.gym.GymWorld.log` returns it, or read back from files.
    observations : pyarrow.Table
        Has ``item_id`` and ``event_timestamp``; other columns are kept.
    reference : datetime, optional
        Aware; ask all rows at this moment instead of their own.
    shift_days : float
        Ask so many days after (+) or before (-) that moment.
    window_days : float
        Length of the window of ``visits_30d``.
    lookback_days : float
        How far back ``days_since_visit`` and ``evening_share`` look. The shorter, the more is
        missing.
    known_at : bool
        Use only rows that had been recorded at the moment that is asked about. False: all
        rows that were true by then.
    wait_days : float
        Use rows recorded up to so many days after the moment, too: what a correction says.
    utc_offset_h : float
        Hours that the clock behind ``evening_share`` is ahead of UTC.
    threads : int
        Of DuckDB; the result does not depend on it.

    Returns
    -------
    pyarrow.Table
        The same rows in the same order, with `STORED` (float64) and `LOOKUP` added. Counts are
        0 where there was nothing; ``days_since_visit`` and ``evening_share`` are null without a
        visit in `lookback_days`; all are null for somebody who was no member yet.

    Raises
    ------
    DatasetError
        If there are no observations, a column is missing or already there, times have no zone,
        or the log has a member twice.
    SettingsError
        If `window_days` or `lookback_days` is not positive.

    Notes
    -----
    25,000 rows of a lesson take about half a second on two cores, 600,000 rows of a large gym 20 s.
    """
    import numpy as np
    import pyarrow as pa

    _check(observations)
    if not min(window_days, lookback_days) > 0:
        raise SettingsError(
            f"window_days={window_days}, lookback_days={lookback_days}", hint="both are more than 0"
        )
    asked = observations.select(["item_id", "event_timestamp"]).append_column(
        "row", pa.array(np.arange(observations.num_rows))
    )
    with connect({**log, "observations": asked}, threads) as con:
        found = con.sql(
            WINDOWS,
            params={
                "reference": as_utc(reference) if reference else None,
                "shift": timedelta(days=shift_days),
                "window": timedelta(days=window_days),
                "lookback": timedelta(days=lookback_days),
                "known_at": known_at,
                "wait": timedelta(days=wait_days),
                "utc_offset": timedelta(hours=utc_offset_h),
            },
        ).to_arrow_table()
    if found.num_rows != observations.num_rows:
        raise DatasetError(
            f"{observations.num_rows} observations became {found.num_rows} rows",
            hint="members has an item_id more than once: drop repeated event_ids",
        )
    for name in (*STORED, *LOOKUP):
        column = found[name]
        observations = observations.append_column(
            name, column.cast(pa.float64()) if name in STORED else column
        )
    return observations


def _check(observations: pa.Table) -> None:
    """Refuse observations that cannot be asked for, or that already have an answer."""
    missing = [name for name in ("item_id", "event_timestamp") if name not in observations.column_names]
    there = [name for name in (*STORED, *LOOKUP) if name in observations.column_names]
    wrong = ""
    if missing or there:
        wrong = f"the observations have no {missing}" if missing else f"the observations already have {there}"
    elif not observations.num_rows:
        wrong = "there are no observations"
    elif not getattr(observations.schema.field("event_timestamp").type, "tz", None):
        wrong = f"event_timestamp is {observations.schema.field('event_timestamp').type}, without a time zone"
    if wrong:
        raise DatasetError(wrong, hint="give row_id, item_id and event_timestamp (timestamp[us, tz=UTC])")


def trend(visits_30d: Any, visits_90d: Any) -> Any:
    """Return the visits of 30 days over the monthly mean of 90 days, half a visit added.

    Parameters
    ----------
    visits_30d, visits_90d : float, numpy.ndarray or pandas.Series
        Counts.

    Returns
    -------
    float, numpy.ndarray or pandas.Series
        About 1 where nothing changes, 0 for somebody who stopped coming; NaN stays NaN.
    """
    return visits_30d / (visits_90d / 3 + 0.5)


def with_on_demand(table: pa.Table) -> pa.Table:
    """Add what is derived on demand, in the place where it is needed.

    Parameters
    ----------
    table : pyarrow.Table
        Has ``visits_30d`` and ``visits_90d``.

    Returns
    -------
    pyarrow.Table
        With `ON_DEMAND` added (float64), null where the counts are.
    """
    import pyarrow as pa

    recent, longer = (table[name].to_numpy() for name in ("visits_30d", "visits_90d"))
    return table.append_column("trend", pa.array(trend(recent, longer), pa.float64(), from_pandas=True))
