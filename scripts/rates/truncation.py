"""The guard of feature code: truncation."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import numpy as np

from scripts.rates import Case
from scripts.rates.worlds import FEW, MANY, column, features, gym, history, leaves, members, put, rate_of
from workbench.guards import truncation

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from datetime import datetime

    import pyarrow as pa

    from workbench.guards.evidence import Finding

    Log = Mapping[str, pa.Table]
    Build = Callable[[Log, datetime], pa.Table]


def _cut(seed: int, build: Build, n_members: int = FEW, more: Log | None = None) -> Finding:
    """Let feature code run on the log of a gym and on the log cut at one of its cutoffs."""
    world = gym(seed, n_members)
    at = world.cutoffs[seed % len(world.cutoffs)]
    log = world.log(world.history_end) | dict(more or {})
    return truncation.check(truncation.measure(lambda known: build(known, at), log, at))


def _windows(**how: Any) -> Build:
    return lambda log, at: features(log, members(log, at), **how)


def _past(days: int) -> Case:
    what = f"windows {days} day{'s' * (days > 1)} past the cutoff"
    return Case("truncation", what, "flaw", lambda seed: _cut(seed, _windows(shift_days=days)))


def _newest(seed: int) -> Finding:
    return _cut(seed, _windows(reference=gym(seed, FEW).history_end))


def _reasons(of: str) -> Build:
    """Join the newest reason for leaving from a table, as an export of today has it."""

    def build(log: Log, at: datetime) -> pa.Table:
        names, reasons = (log[of][name].to_pylist() for name in ("item_id", "reason_for_cancellation"))
        said = dict(zip(names, reasons, strict=True))
        who = members(log, at)
        return put(who, "reason", [said.get(name, "none") for name in who["item_id"].to_pylist()])

    return build


def _without_leavers(log: Log, at: datetime, until: datetime | None) -> pa.Table:
    """Return the members but for those whose cancellation bears a date up to `until`; None: any date."""
    gone = log["cancellations"]
    dates = zip(gone["item_id"].to_pylist(), gone["event_timestamp"].to_pylist(), strict=True)
    left = {name for name, when in dates if until is None or when <= until}
    who = members(log, at)
    return who.filter([name not in left for name in who["item_id"].to_pylist()])


def _club_rate(log: Log, at: datetime) -> pa.Table:
    """Add to each member how many of their club leave in the month that the label asks about."""
    gone = log["cancellations"]
    dates = zip(gone["item_id"].to_pylist(), gone["event_timestamp"].to_pylist(), strict=True)
    left = {name for name, when in dates if at < when <= at + gym(0).horizon}
    rows = features(log, members(log, at))
    leaver = np.array([name in left for name in rows["item_id"].to_pylist()])
    return put(rows, "club_rate", rate_of(column(rows, "club"), leaver))


def _exported(seed: int) -> Finding:
    world = gym(seed, FEW)
    export = world.log(world.history_end)["cancellations"].drop_columns(["created_timestamp"])
    return _cut(seed, _reasons("export"), more={"export": export})


def _encoded_outside(seed: int) -> Finding:
    """Encode postcodes by labels that are not in the log but come from elsewhere."""
    rows = history(seed, FEW)
    leaver = set(rows.filter(leaves(rows))["item_id"].to_pylist())

    def build(log: Log, at: datetime) -> pa.Table:
        made = features(log, members(log, at))
        left = np.array([name in leaver for name in made["item_id"].to_pylist()])
        return put(made, "postcode_rate", rate_of(column(made, "postcode"), left))

    return _cut(seed, build)


CASES: Final = (
    Case("truncation", "windows as of each row's own time", "clean", lambda seed: _cut(seed, _windows())),
    Case(
        "truncation",
        "reason for leaving, exported today",
        "flaw",
        lambda seed: _cut(seed, _reasons("cancellations")),
    ),
    Case("truncation", "newest values instead of those then", "flaw", _newest),
    *map(_past, (1, 3, 7)),
    Case(
        "truncation",
        "back-dated rows: known-at ignored",
        "flaw",
        lambda seed: _cut(seed, _windows(known_at=False)),
    ),
    Case("truncation", "club rate with the label's month", "flaw", lambda seed: _cut(seed, _club_rate)),
    Case(
        "truncation",
        "only members who never left",
        "flaw",
        lambda seed: _cut(seed, lambda log, at: _without_leavers(log, at, None)),
    ),
    Case(
        "truncation",
        "who had left but was not yet recorded, left out; 300 members",
        "flaw",
        lambda seed: _cut(seed, lambda log, at: _without_leavers(log, at, at)),
    ),
    Case(
        "truncation",
        "who had left but was not yet recorded, left out; 1,200 members",
        "flaw",
        lambda seed: _cut(seed, lambda log, at: _without_leavers(log, at, at), MANY),
    ),
    Case("truncation", "reason for leaving, from a table without known-at", "blind", _exported),
    Case("truncation", "target encoding by labels from outside the log", "blind", _encoded_outside),
)
