"""Guards of single columns: solo_feature, cutoff_tells_label."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from scripts.rates import Case
from scripts.rates.worlds import (
    COLUMNS,
    MANY,
    column,
    dice,
    features,
    fruit,
    gym,
    history,
    honest,
    leaves,
    put,
    rate_of,
)
from workbench.guards import cutoff_tells_label, solo_feature

if TYPE_CHECKING:
    import pyarrow as pa

    from workbench.guards.evidence import Finding

# -- solo_feature ------------------------------------------------------------------------------------------------


def _solo(rows: pa.Table, columns: tuple[str, ...] = COLUMNS, group: str | None = None) -> Finding:
    return solo_feature.check(solo_feature.measure(rows, positive="leaves", columns=columns, group=group))


def _solo_windows(seed: int, **how: Any) -> Finding:
    world = gym(seed, MANY)
    return _solo(features(world.log(world.history_end), history(seed, MANY), **how))


def _solo_reason(seed: int, *, in_window: bool = False, group: str | None = None) -> Finding:
    """Join the newest reason for leaving, as an export of today has it: who leaves later has one as well."""
    world, rows = gym(seed, MANY), history(seed, MANY)
    gone = world.log(world.history_end)["cancellations"]
    said = dict(zip(gone["item_id"].to_pylist(), gone["reason_for_cancellation"].to_pylist(), strict=True))
    known = leaves(rows) if in_window else np.ones(rows.num_rows, np.bool_)
    names = rows["item_id"].to_pylist()
    reasons = [
        said[name] if name in said and here else "none" for name, here in zip(names, known, strict=True)
    ]
    return _solo(put(rows, "reason", reasons), ("reason",), group)


def _snapshot(seed: int) -> Finding:
    """Read all features from one table of three days after the label's window."""
    world = gym(seed, MANY)
    at = world.cutoffs[-1]
    rows = world.observations([at], known_by=world.history_end)
    return _solo(features(world.log(), rows, shift_days=33))


def _solo_encoded(seed: int) -> Finding:
    rows = honest(seed, MANY)
    rate = rate_of(column(rows, "postcode"), leaves(rows))
    return _solo(put(rows, "postcode_rate", rate), ("postcode_rate",))


def _noise(seed: int, n_rows: int, n_columns: int) -> pa.Table:
    """Return noise, and a label that a coin has dealt."""
    import pyarrow as pa

    rng = dice(seed)
    columns: dict[str, Any] = {f"x{i}": rng.normal(size=n_rows) for i in range(n_columns)}
    label = rng.permutation(np.where(np.arange(n_rows) < n_rows // 2, "leaves", "stays"))
    return pa.table(columns | {"label": label})


def _small(seed: int) -> Finding:
    rows = _noise(seed, 30, 20)
    return _solo(rows, tuple(rows.column_names[:-1]))


def _delay(seed: int, n: int, group: str | None) -> Finding:
    """Look at how long the bursts of some fruit were on the way, 960 frames in all."""
    rows = fruit(seed, n=n, frames=960 // n)
    seen = solo_feature.measure(rows, positive="reject", columns=("delay_s",), group=group)
    return solo_feature.check(seen)


SOLO: Final = (
    Case("solo_feature", "honest windows", "clean", lambda seed: _solo(honest(seed, MANY))),
    Case(
        "solo_feature",
        "honest windows, members named as groups",
        "clean",
        lambda seed: _solo(honest(seed, MANY), group="item_id"),
    ),
    Case(
        "solo_feature",
        "a number of 120 fruit, eight frames each, fruit named as groups",
        "clean",
        lambda seed: _delay(seed, 120, "item_id"),
    ),
    Case("solo_feature", "30 rows, 20 columns of noise", "clean", _small),
    Case("solo_feature", "reason for leaving, exported today", "flaw", _solo_reason),
    Case(
        "solo_feature",
        "reason for leaving, in the label's window alone",
        "flaw",
        lambda seed: _solo_reason(seed, in_window=True),
    ),
    Case(
        "solo_feature",
        "newest values instead of those then",
        "flaw",
        lambda seed: _solo_windows(seed, reference=gym(seed, MANY).history_end),
    ),
    Case("solo_feature", "a snapshot taken after the label's window", "flaw", _snapshot),
    Case(
        "solo_feature",
        "reason for leaving, exported today, members named as groups",
        "blind",
        lambda seed: _solo_reason(seed, group="item_id"),
    ),
    Case(
        "solo_feature",
        "windows 7 days past the cutoff",
        "blind",
        lambda seed: _solo_windows(seed, shift_days=7),
    ),
    Case(
        "solo_feature",
        "back-dated rows: known-at ignored",
        "blind",
        lambda seed: _solo_windows(seed, known_at=False),
    ),
    Case("solo_feature", "target encoding over all rows", "blind", _solo_encoded),
    Case(
        "solo_feature",
        "a number of 24 fruit, forty frames each, no group named",
        "misused",
        lambda seed: _delay(seed, 24, None),
    ),
)

# -- cutoff_tells_label ------------------------------------------------------------------------------------------


def _time_tells(rows: pa.Table, positive: str = "leaves", group: str | None = "item_id") -> Finding:
    return cutoff_tells_label.check(cutoff_tells_label.measure(rows, positive=positive, group=group))


def _anchored(seed: int, stayers_at: str) -> Finding:
    """Observe leavers the day before they left; stayers today, or at dates of leavers."""
    import pyarrow as pa

    world = gym(seed, MANY)
    log = world.log(world.history_end)
    gone = log["cancellations"]
    left = dict(zip(gone["item_id"].to_pylist(), gone["event_timestamp"].to_pylist(), strict=True))
    dates = [when - timedelta(days=1) for when in left.values()]
    some = dice(seed).integers(0, len(dates), log["members"].num_rows)
    rows = []
    for i, name in zip(some, log["members"]["item_id"].to_pylist(), strict=True):
        stayed_at = world.history_end if stayers_at == "today" else dates[i]
        rows.append(
            (name, left[name] - timedelta(days=1), "leaves") if name in left else (name, stayed_at, "stays")
        )
    return _time_tells(
        pa.table(dict(zip(("item_id", "event_timestamp", "label"), zip(*rows, strict=True), strict=True)))
    )


def _any_time(seed: int) -> Finding:
    return _time_tells(_noise(seed, 50, 1).rename_columns(["event_timestamp", "label"]), group=None)


CUTOFF: Final = (
    Case(
        "cutoff_tells_label",
        "fixed cutoffs for everybody",
        "clean",
        lambda seed: _time_tells(history(seed, MANY)),
    ),
    Case(
        "cutoff_tells_label",
        "bursts of ten frames, fruit named as groups",
        "clean",
        lambda seed: _time_tells(fruit(seed, n=100, frames=10), "reject"),
    ),
    Case("cutoff_tells_label", "50 rows, times of noise", "clean", _any_time),
    Case(
        "cutoff_tells_label",
        "leavers the day before, stayers today",
        "flaw",
        lambda seed: _anchored(seed, "today"),
    ),
    Case(
        "cutoff_tells_label",
        "leavers the day before, stayers at dates of leavers",
        "blind",
        lambda seed: _anchored(seed, "dates of leavers"),
    ),
    Case(
        "cutoff_tells_label",
        "bursts of ten frames, no group named",
        "misused",
        lambda seed: _time_tells(fruit(seed, n=100, frames=10), "reject", None),
    ),
)

CASES: Final = (*SOLO, *CUTOFF)
