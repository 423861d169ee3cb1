"""Guards of times: pit_audit, label_maturity, window_overlap, freshness."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from scripts.rates import Case
from scripts.rates.worlds import (
    FEW,
    MANY,
    SIDES,
    column,
    dice,
    features,
    gym,
    history,
    members,
    put,
    torn,
)
from workbench import pit
from workbench.guards import (
    freshness,
    label_maturity,
    pit_audit,
    window_overlap,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from datetime import datetime

    import pyarrow as pa

    from workbench.guards.evidence import Finding

    Log = Mapping[str, pa.Table]
    Build = Callable[[Log, datetime], pa.Table]

DAY: Final = timedelta(days=1)
HORIZON_S: Final = timedelta(days=30).total_seconds()

# -- pit_audit ---------------------------------------------------------------------------------------------------

VISIT: Final = pit.Rule(
    keys=["item_id"],
    columns={"feature_timestamp": "event_timestamp", "feature_known_at": "created_timestamp"},
)


def _audited(rows: pa.Table) -> Finding:
    return pit_audit.check(pit_audit.measure(rows, known_at="feature_known_at"))


def _last_visit(seed: int, rule: pit.Rule = VISIT) -> pa.Table:
    """Join the last visit of each member."""
    world = gym(seed, FEW)
    return pit.as_of(history(seed, FEW), world.log(world.history_end)["visits"], rule)


def _newest_visit(seed: int) -> Finding:
    world = gym(seed, FEW)
    log = world.log(world.history_end)
    return _audited(pit.latest(history(seed, FEW), log["visits"], VISIT, now=world.history_end))


def _clock_ahead(seed: int) -> Finding:
    """Write local times, eight hours ahead, where UTC belongs."""
    rows = _last_visit(seed)
    for name in ("feature_timestamp", "feature_known_at"):
        rows = put(
            rows,
            name,
            [t and t + timedelta(hours=8) for t in rows[name].to_pylist()],
            rows.schema.field(name).type,
        )
    return _audited(rows)


def _summed_past(seed: int) -> Finding:
    """Sum windows a week past the cutoff, and stamp them with the cutoff."""
    world = gym(seed, FEW)
    rows = features(world.log(world.history_end), history(seed, FEW), shift_days=7)
    for name in ("feature_timestamp", "feature_known_at"):
        rows = put(rows, name, rows["event_timestamp"])
    return _audited(rows)


PIT_AUDIT: Final = (
    Case("pit_audit", "last visit as known then", "clean", lambda seed: _audited(_last_visit(seed))),
    Case("pit_audit", "newest visit", "flaw", _newest_visit),
    Case(
        "pit_audit",
        "late reports: known-at ignored",
        "flaw",
        lambda seed: _audited(_last_visit(seed, replace(VISIT, wait_until_known=False))),
    ),
    Case("pit_audit", "a clock eight hours ahead", "flaw", _clock_ahead),
    Case("pit_audit", "windows past the cutoff, stamped with the cutoff", "blind", _summed_past),
)

# -- label_maturity ----------------------------------------------------------------------------------------------


def _mature(seed: int, times: list[datetime], horizon_s: float = HORIZON_S) -> Finding:
    world = gym(seed, FEW)
    rows = world.observations(times, known_by=world.history_end)
    seen = label_maturity.measure(rows, horizon_s=horizon_s, extracted_at=world.history_end, label="label")
    return label_maturity.check(seen)


def _too_young(seed: int) -> Finding:
    world = gym(seed, FEW)
    return _mature(seed, [*world.cutoffs, world.history_end - 20 * DAY, world.history_end - 6 * DAY])


def _not_yet_disputed(seed: int) -> Finding:
    """Ask who disputes a payment within 30 days, on the last day of the 30."""
    world = gym(seed, MANY)
    at = world.history_end - 30 * DAY
    paid = world.log(world.history_end)["payments"].to_pylist()
    disputed = {p["item_id"] for p in paid if p["status"] == "disputed" and p["event_timestamp"] > at}
    rows = members(world.log(at), at)
    rows = put(rows, "label", [name in disputed for name in rows["item_id"].to_pylist()])
    seen = label_maturity.measure(rows, horizon_s=HORIZON_S, extracted_at=world.history_end, label="label")
    return label_maturity.check(seen)


LABEL_MATURITY: Final = (
    Case(
        "label_maturity",
        "cutoffs that are over",
        "clean",
        lambda seed: _mature(seed, list(gym(seed, FEW).cutoffs)),
    ),
    Case("label_maturity", "cutoffs up to the day of the export", "flaw", _too_young),
    Case("label_maturity", "disputes that are recorded weeks later", "blind", _not_yet_disputed),
)

# -- window_overlap ----------------------------------------------------------------------------------------------


def _weekly(seed: int) -> pa.Table:
    world = gym(seed, FEW)
    return world.observations([world.cutoffs[0] + 7 * DAY * k for k in range(24)], known_by=world.history_end)


def _overlap(rows: pa.Table, entity: str = "item_id") -> Finding:
    return window_overlap.check(window_overlap.measure(rows, horizon_s=HORIZON_S, entity=entity))


def _by_time(seed: int, embargo_weeks: int) -> pa.Table:
    """Train on the first 12 weeks, test after the embargo."""
    rows = _weekly(seed)
    _, week = np.unique(column(rows, "event_timestamp"), return_inverse=True)
    split = np.where(week < 12, "train", np.where(week < 12 + embargo_weeks, "embargo", "test"))
    return put(rows, "split", split)


def _second_account(seed: int) -> Finding:
    """Give each member a second account for every other week, and keep whole accounts on one side."""
    rows = _weekly(seed)
    _, week = np.unique(column(rows, "event_timestamp"), return_inverse=True)
    names = column(rows, "item_id")
    rows = put(rows, "account", [f"{name}-{w % 2}" for name, w in zip(names, week, strict=True)])
    return _overlap(put(rows, "split", SIDES[week % 2]), "account")


WINDOW_OVERLAP: Final = (
    Case(
        "window_overlap",
        "split by time, six weeks of embargo",
        "clean",
        lambda seed: _overlap(_by_time(seed, 6)),
    ),
    Case(
        "window_overlap",
        "weekly snapshots, split at random",
        "flaw",
        lambda seed: _overlap(torn(_weekly(seed), seed)),
    ),
    Case("window_overlap", "split by time, no embargo", "flaw", lambda seed: _overlap(_by_time(seed, 0))),
    Case("window_overlap", "the twin under a second account", "blind", _second_account),
)

# -- freshness ---------------------------------------------------------------------------------------------------


def _served(seed: int, days_old: float, where: Callable[[pa.Table], Any] | None = None) -> Finding:
    """Serve members what a nightly job wrote; where asked, what it wrote days ago. The limit is two days."""
    world = gym(seed, FEW)
    at = world.production_cutoffs[0]
    rows = features(world.log(at), members(world.log(at), at))
    age_h = dice(seed).uniform(1, 24, rows.num_rows)
    hit = np.ones(rows.num_rows) if where is None else where(rows)
    age_h = age_h + 24 * days_old * hit
    filled = [at - timedelta(hours=float(hours)) for hours in age_h]
    rows = put(rows, "feature_timestamp", filled, rows.schema.field("event_timestamp").type)
    return freshness.check(freshness.measure(rows, at="event_timestamp", max_age_s=2 * DAY.total_seconds()))


def _stamped_anew(seed: int) -> Finding:
    """Serve values of four weeks ago that a job has copied under a fresh time."""
    world = gym(seed, FEW)
    at = world.production_cutoffs[0]
    rows = features(world.log(at), members(world.log(at), at), shift_days=-28)
    rows = put(
        rows,
        "feature_timestamp",
        [at - timedelta(hours=3)] * rows.num_rows,
        rows.schema.field("event_timestamp").type,
    )
    return freshness.check(freshness.measure(rows, at="event_timestamp", max_age_s=2 * DAY.total_seconds()))


FRESHNESS: Final = (
    Case("freshness", "filled every night", "clean", lambda seed: _served(seed, 0)),
    Case("freshness", "not filled for seven days", "flaw", lambda seed: _served(seed, 7)),
    Case(
        "freshness",
        "one club skipped for three days",
        "flaw",
        lambda seed: _served(seed, 3, lambda rows: column(rows, "club") == "club-03"),
    ),
    Case("freshness", "values of four weeks ago under a fresh time", "blind", _stamped_anew),
)

CASES: Final = (*PIT_AUDIT, *LABEL_MATURITY, *WINDOW_OVERLAP, *FRESHNESS)
