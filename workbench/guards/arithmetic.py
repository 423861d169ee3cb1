"""Rules of the shape reader that calculate: a ratio, a cast, a difference, a straight line."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

from workbench.guards.mismatch import SLACK, VARIED, Mismatch, Shape, n_distinct

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    Rule = Callable[[Mismatch], Shape | None]

    Floats = NDArray[np.float64]

RATIOS: Final = {
    7.0: "days in a week",
    12.0: "months in a year",
    24.0: "hours in a day",
    30.0: "days in a month",
    30.4: "days in a month",
    60.0: "minutes in an hour, seconds in a minute",
    100.0: "cents, per cent",
    255.0: "grey levels",
    1000.0: "milli, kilo",
    3600.0: "seconds in an hour",
    86400.0: "seconds in a day",
    1e6: "micro, mega",
}
"""Ratios with a name. Others are found too, without one."""
_GLANCE: Final = 100_000  # numbers that are enough for a median
_EPSILON: Final = 1.2e-7  # of float32: one rounding


def unit(column: Mismatch) -> Shape | None:
    """Find one ratio between online and offline: ``x 100``, or a known one that was rounded afterwards.

    Parameters
    ----------
    column : Mismatch
        Of numbers.

    Returns
    -------
    Shape or None
        Zeros stay zero under a ratio, so they neither help nor harm.
    """
    x, y = column.x.array[column.moved], column.y.array[column.moved]
    ratio = _median_ratio(x, y)
    if ratio is not None and column.explained_by(_times(column.x.array, ratio)):
        return column.named("unit", _show_ratio(ratio))
    if not np.array_equal(y, np.rint(y)) or len(np.unique(y)) < VARIED:
        return None
    for known in RATIOS:
        for rounded in (known, 1 / known):
            if (np.abs(y - _times(x, rounded)) < 1).all():
                return column.named("unit", f"{_show_ratio(rounded)}, rounded")
    return None


def cast(column: Mismatch) -> Shape | None:
    """Find a type that holds less: whole numbers, few digits, half precision, true or false.

    Parameters
    ----------
    column : Mismatch
        Of numbers.

    Returns
    -------
    Shape or None
        None where all would become one number: that is a default.
    """
    x, y = column.x.array, column.y.array
    with np.errstate(over="ignore", invalid="ignore"):
        half = x.astype(np.float16).astype(np.float64)
    casts = {
        "cut to whole numbers": np.trunc(x),
        "rounded down": np.floor(x),
        "true or false": (x != 0).astype(np.float64),
        "half precision": half,
    }
    for detail, expected in casts.items():
        if n_distinct(expected[column.both]) > 1 and column.explained_by(expected):
            return column.named("cast", detail)
    x, y = x[column.moved], y[column.moved]
    if min(n_distinct(x), 2 * n_distinct(y)) < VARIED:
        return None
    for digits in range(4):
        if _is_rounded(x, y, 10.0**-digits):
            return column.named(
                "cast", f"rounded to {digits} digits" if digits else "rounded to whole numbers"
            )
    return None


def _is_rounded(x: Floats, y: Floats, step: float) -> bool:
    """Ties go up or to even: both count, since the online number need only be on the grid and nearest."""
    with np.errstate(invalid="ignore"):
        on_grid = np.abs(y - np.rint(y / step) * step) <= 1e-6 * step + _EPSILON * np.abs(y)
        nearest = np.abs(y - x) <= step / 2 * (1 + 1e-6) + _EPSILON * np.abs(x)
    return bool((on_grid & nearest).all())


def offset(column: Mismatch) -> Shape | None:
    """Find one difference: hours of a time zone, degrees of another zero.

    Parameters
    ----------
    column : Mismatch
        Of numbers or times.

    Returns
    -------
    Shape or None
        None also where the difference would be zero.
    """
    with np.errstate(invalid="ignore"):
        by = float(np.median((column.y.array - column.x.array)[column.moved][:_GLANCE]))
    if not np.isfinite(by) or by == 0 or not column.explained_by(column.x.array + by):
        return None
    if column.x.kind != "time":
        return column.named("offset", f"{by:+.6g}")
    seconds = by / 1e6
    return column.named("offset", f"{seconds / 3600:+.6g} h" if abs(seconds) >= 60 else f"{seconds:+.6g} s")


def line(column: Mismatch) -> Shape | None:
    """Find a straight line: degrees Celsius and Fahrenheit, a scaler fitted on other rows.

    Parameters
    ----------
    column : Mismatch
        Of numbers.

    Returns
    -------
    Shape or None
        Two different numbers always lie on a line, so there must be `VARIED` of them.
    """
    x, y = column.x.array[column.moved], column.y.array[column.moved]
    if column.x.kind != "number" or x.shape[1] != 1 or n_distinct(x) < VARIED or not np.isfinite(x).all():
        return None
    low, high = x.argmin(), x.argmax()
    with np.errstate(over="ignore", invalid="ignore"):
        slope = float((y[high, 0] - y[low, 0]) / (x[high, 0] - x[low, 0]))
        start = float(y[low, 0] - slope * x[low, 0])
        if (
            not np.isfinite([slope, start]).all()
            or slope == 0
            or not column.explained_by(column.x.array * slope + start)
        ):
            return None
    return column.named("unit", f"x {slope:.6g}, then {start:+.6g}")


def _median_ratio(x: Floats, y: Floats) -> float | None:
    """Return the ratio that half of the numbers lie above; None where it is 0 or undefined."""
    x, y = x.reshape(-1)[:_GLANCE], y.reshape(-1)[:_GLANCE]
    defined = (x != 0) & np.isfinite(x) & np.isfinite(y)
    if not defined.any():
        return None
    with np.errstate(over="ignore"):
        ratio = float(np.median(y[defined].astype(np.float64) / x[defined]))
    return ratio if np.isfinite(ratio) and ratio else None


def _times(x: Floats, ratio: float) -> Floats:
    with np.errstate(over="ignore", invalid="ignore"):
        return np.asarray(x * ratio)


def _show_ratio(ratio: float) -> str:
    for known, name in RATIOS.items():
        if abs(ratio / known - 1) < 10 * SLACK:
            return f"x {known:g} ({name})"
        if abs(ratio * known - 1) < 10 * SLACK:
            return f"/ {known:g} ({name})"
    return f"x {ratio:.6g}"
