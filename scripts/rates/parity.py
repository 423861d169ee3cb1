"""Paired parity, and the reader that names the shape of a mismatch."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import numpy as np

from scripts.rates import Case
from scripts.rates.served import KEYS, WINDOWS, asked, right, scaled, served, swapped, with_capital
from scripts.rates.worlds import COLUMNS, MANY, column, dice, features, gym, put
from workbench.guards import parity
from workbench.guards.evidence import Finding

if TYPE_CHECKING:
    from collections.abc import Callable

    import pyarrow as pa

    from scripts.rates.served import Spoil

# -- parity ------------------------------------------------------------------------------------------------------


def _paired(seed: int, online: pa.Table, offline: pa.Table | None = None) -> Finding:
    """Compare what was served, in another order, with the features as of then from the whole log."""
    if offline is None:
        offline = features(gym(seed, MANY).log(), asked(seed))
    shuffled = online.take(dice(seed, 1).permutation(online.num_rows))
    return parity.check(parity.measure(offline, shuffled, keys=KEYS))


def _spoilt(spoil: Spoil) -> Callable[[int], Finding]:
    return lambda seed: _paired(seed, spoil(right(seed), dice(seed)))


def _otherwise(**how: Any) -> Callable[[int], Finding]:
    return lambda seed: _paired(seed, served(seed, **how))


def _truncated(rows: pa.Table, _: object) -> pa.Table:
    return put(rows, "trend", np.trunc(column(rows, "trend")))


def _zeros(rows: pa.Table, _: object) -> pa.Table:
    for name in ("days_since_visit", "evening_share"):
        rows = put(rows, name, np.nan_to_num(column(rows, name)))
    return rows


def _zero_for_null(seed: int) -> Finding:
    """Look back for 14 days on both sides, so that more is missing, and serve 0 for what is."""
    null = served(seed, lookback_days=14)
    return _paired(seed, _zeros(null, None), null)


def _retried(rows: pa.Table, rng: np.random.Generator) -> pa.Table:
    for name in WINDOWS:
        rows = put(rows, name, column(rows, name) * (1 + rng.poisson(0.6, rows.num_rows)))
    return rows


def _one_lost(rows: pa.Table, rng: np.random.Generator) -> pa.Table:
    return rows.take(np.delete(np.arange(rows.num_rows), rng.integers(rows.num_rows)))


def _single(rows: pa.Table, _: object) -> pa.Table:
    for name in COLUMNS:
        rows = put(rows, name, rows[name].cast("float"))
    return rows


def _complete(seed: int) -> Finding:
    """Train on everything that was true by then, serve what had arrived."""
    complete = features(gym(seed, MANY).log(), asked(seed), known_at=False)
    return _paired(seed, right(seed), complete)


def _both_sides(seed: int) -> Finding:
    return _paired(
        seed, served(seed, window_days=7), features(gym(seed, MANY).log(), asked(seed), window_days=7)
    )


PARITY: Final = (
    Case("parity", "served as of the moment", "clean", _otherwise()),
    Case("parity", "a store of single precision", "clean", _spoilt(_single)),
    Case("parity", "a window of 7 days for 30", "flaw", _otherwise(window_days=7)),
    Case("parity", "a window of 28 days for 30", "flaw", _otherwise(window_days=28)),
    Case("parity", "money in cents", "flaw", _spoilt(scaled("monthly_fee", 100))),
    Case("parity", "tenure in months", "flaw", _spoilt(scaled("tenure_days", 1 / 30.4))),
    Case("parity", "a clock of UTC+8", "flaw", _otherwise(utc_offset_h=8)),
    Case("parity", "null became 0", "flaw", _zero_for_null),
    Case("parity", "a category with a capital", "flaw", _spoilt(with_capital)),
    Case("parity", "stale for 7 days", "flaw", _otherwise(shift_days=-7)),
    Case("parity", "stale for 28 days", "flaw", _otherwise(shift_days=-28)),
    Case("parity", "two columns exchanged", "flaw", _spoilt(swapped("visits_7d", "visits_90d"))),
    Case("parity", "a ratio cut to whole numbers", "flaw", _spoilt(_truncated)),
    Case("parity", "trained on complete data, served what had arrived", "flaw", _complete),
    Case("parity", "retries counted twice", "flaw", _spoilt(_retried)),
    Case("parity", "one of 400 keys lost", "flaw", _spoilt(_one_lost)),
    Case("parity", "the wrong window on both sides", "blind", _both_sides),
)

# -- shapes: the reader that says what kind of mismatch it is ---------------------------------------------------


def _shape(
    seed: int, name: str, shape: str, online: pa.Table, offline: pa.Table | None = None, **more: Any
) -> Finding:
    """Say whether the mismatch of one column is named as it was made."""
    offline = right(seed) if offline is None else offline
    evidence = parity.measure(offline, online, keys=KEYS[:1] if more else KEYS, **more)
    seen = evidence.facts["by_column"][name]
    return Finding("shapes", seen["shape"] == shape, f"{name}: {seen['shape']} {seen['detail']}", evidence)


def _named(name: str, shape: str, spoil: Spoil) -> Callable[[int], Finding]:
    return lambda seed: _shape(seed, name, shape, spoil(right(seed), dice(seed)))


def _named_zero(seed: int) -> Finding:
    null = served(seed, lookback_days=14)
    return _shape(seed, "days_since_visit", "default", _zeros(null, None), null)


def _named_window(seed: int) -> Finding:
    return _shape(seed, "visits_30d", "window", served(seed, window_days=14), windows=WINDOWS)


def _named_stale(seed: int) -> Finding:
    week_ago = served(seed, shift_days=-7)
    return _shape(seed, "visits_30d", "stale", week_ago, earlier=week_ago)


def _shuffled_cells(seed: int) -> Finding:
    """Shuffle a few cells of each column: no rule explains that."""
    rows, rng = right(seed), dice(seed)
    for name in COLUMNS:
        values = column(rows, name).copy()
        some = rng.choice(len(values), 40, replace=False)
        values[some] = values[rng.permutation(some)]
        rows = put(rows, name, values)
    evidence = parity.measure(right(seed), rows, keys=KEYS, windows=WINDOWS)
    given = [n for n, seen in evidence.facts["by_column"].items() if seen["shape"] not in {"equal", "other"}]
    return Finding("shapes", bool(given), f"given a shape: {given}", evidence)


def _retries_named(seed: int) -> Finding:
    seen = _shape(seed, "visits_30d", "other", _retried(right(seed), dice(seed)))
    return Finding("shapes", not seen.fired, seen.sentence, seen.evidence)


SHAPES: Final = (
    Case("shapes", "some column of shuffled cells is given a shape", "clean", _shuffled_cells),
    Case(
        "shapes",
        "cents are read as a unit",
        "flaw",
        _named("monthly_fee", "unit", scaled("monthly_fee", 100)),
    ),
    Case(
        "shapes",
        "months are read as a unit",
        "flaw",
        _named("tenure_days", "unit", scaled("tenure_days", 1 / 30.4)),
    ),
    Case(
        "shapes",
        "an exchange is read as a swap",
        "flaw",
        _named("visits_7d", "swap", swapped("visits_7d", "visits_90d")),
    ),
    Case("shapes", "whole numbers are read as a cast", "flaw", _named("trend", "cast", _truncated)),
    Case("shapes", "0 for null is read as a default", "flaw", _named_zero),
    Case("shapes", "14 days for 30 are read as a window", "flaw", _named_window),
    Case("shapes", "values of last week are read as stale", "flaw", _named_stale),
    Case("shapes", "retries are given a shape", "blind", _retries_named),
)

CASES: Final = (*PARITY, *SHAPES)
