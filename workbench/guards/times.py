"""Columns of times as microseconds since 1970; times with and without a zone are never compared."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from workbench import clock
from workbench.errors import GuardError
from workbench.guards.columns import missing, plain
from workbench.guards.evidence import require_columns

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    import numpy as np
    import pyarrow as pa
    from numpy.typing import NDArray

    Bools = NDArray[np.bool_]
    Ints = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Times:
    """A column of times.

    Attributes
    ----------
    us : numpy.ndarray of shape (n,)
        Microseconds since 1970, UTC; nanoseconds are cut off; 0 where missing.
    known : numpy.ndarray of shape (n,)
        Where there is a time.
    aware : bool
        Whether the column has a time zone.
    """

    us: Ints
    known: Bools
    aware: bool


def read_times(rows: pa.Table, name: str, guard: str) -> Times:
    """Read a column of times, of any unit and zone.

    Parameters
    ----------
    rows : pyarrow.Table
        As the caller gave it.
    name : str
        Column of timestamps or dates (a date is its midnight, without a zone).
    guard : str
        Who asks.

    Returns
    -------
    Times
        In UTC; a column without a zone is taken as it is.

    Raises
    ------
    GuardError
        If the column is missing or holds no times.
    """
    import pyarrow as pa
    import pyarrow.compute as pc
    import pyarrow.types as pt

    require_columns(rows, [name], guard)
    array = plain(rows[name])
    if not (pt.is_timestamp(array.type) or pt.is_date(array.type) or pt.is_null(array.type)):
        raise GuardError(
            f"{guard}: the column {name!r} is {array.type}, not a time",
            hint="cast it to a timestamp with a time zone",
        )
    aware = pt.is_null(array.type) or (pt.is_timestamp(array.type) and array.type.tz is not None)
    known = ~missing(array)
    zone = array.type.tz if pt.is_timestamp(array.type) else None
    number = array.cast(pa.timestamp("us", tz=zone), safe=False).cast(pa.int64())
    return Times(pc.fill_null(number, 0).to_numpy(zero_copy_only=False), known, aware)


def require_one_clock(guard: str, columns: Mapping[str, Times], *, moment: bool = False) -> None:
    """Refuse to compare times with a zone to times without.

    Parameters
    ----------
    guard : str
        Who asks.
    columns : mapping of str to Times
        Columns that are compared with each other.
    moment : bool
        Whether they are also compared with a moment that the caller gave, which has a zone.

    Raises
    ------
    GuardError
        With the names of the columns without a zone.
    """
    naive = [name for name, column in columns.items() if not column.aware]
    if naive and (moment or len(naive) < len(columns)):
        raise GuardError(
            f"{guard}: {', '.join(naive)} has no time zone, and is compared with a time that has one",
            hint="say which zone it is: pyarrow.compute.assume_timezone(column, 'UTC')",
        )


def microseconds(when: datetime) -> int:
    """Return an aware moment as microseconds since 1970."""
    return (clock.as_utc(when) - clock.parse_utc("1970-01-01")) // clock.MICROSECOND


def horizon_us(horizon_s: float, guard: str) -> int:
    """Return the length of a label window in microseconds.

    Parameters
    ----------
    horizon_s : float
        Seconds, above 0.
    guard : str
        Who asks.

    Returns
    -------
    int
        Microseconds.

    Raises
    ------
    GuardError
        If it is not above 0, or longer than 3,000 years.
    """
    if not 0 < horizon_s < 1e11:
        raise GuardError(
            f"{guard}: {horizon_s} s is no label window", hint="give its length in seconds, above 0"
        )
    return round(horizon_s * 1e6)


def to_times(us: Ints, *, aware: bool) -> pa.Array:
    """Return microseconds since 1970 as a column of times."""
    import pyarrow as pa

    return pa.array(us, pa.int64()).cast(clock.timestamp_type() if aware else pa.timestamp("us"))
