"""Time: aware UTC, in microseconds, everywhere.

Feast, DuckDB and Parquet each have their own idea of a timestamp. Nanoseconds break
Feast's DuckDB store, naive times are read as UTC by one library and as local time by the
next. So every time that crosses a function of ours is an aware `datetime` in UTC, and
every column is ``timestamp[us, tz=UTC]``.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Final

from workbench.errors import SettingsError

if TYPE_CHECKING:
    import pyarrow as pa

MICROSECOND: Final = timedelta(microseconds=1)


def utc_now() -> datetime:
    """Return the present time, aware, in UTC."""
    return datetime.now(UTC)


def as_utc(when: datetime) -> datetime:
    """Return `when` in UTC.

    Parameters
    ----------
    when : datetime
        An aware time in any zone.

    Returns
    -------
    datetime
        The same instant in UTC.

    Raises
    ------
    SettingsError
        If `when` is naive: guessing its zone is how skew begins.
    """
    if when.tzinfo is None:
        raise SettingsError(
            f"the time {when.isoformat()} has no time zone",
            hint="write it with an offset, for example 2025-09-01T06:00:00+00:00",
        )
    return when.astimezone(UTC)


def parse_utc(text: str) -> datetime:
    """Read an ISO 8601 time; a date alone is its midnight in UTC.

    Parameters
    ----------
    text : str
        For example ``2025-09-15``, ``2025-09-15T06:00:00Z`` or with an offset.

    Returns
    -------
    datetime
        Aware, in UTC.

    Raises
    ------
    SettingsError
        If the text is no ISO 8601 time.
    """
    try:
        when = datetime.fromisoformat(text.strip())
    except ValueError:
        raise SettingsError(
            f"{text!r} is not a time", hint="write it as 2025-09-15 or 2025-09-15T06:00:00Z"
        ) from None
    return when.replace(tzinfo=UTC) if when.tzinfo is None else when.astimezone(UTC)


def iso(when: datetime) -> str:
    """Return `when` as ISO 8601 with a Z, microseconds only where there are any."""
    return as_utc(when).isoformat().replace("+00:00", "Z")


def compact(when: datetime) -> str:
    """Return `when` as ``20250915T060000Z``: safe in file names on every system."""
    return as_utc(when).strftime("%Y%m%dT%H%M%SZ")


def timestamp_type() -> pa.DataType:
    """Return the one Arrow type of all our time columns: ``timestamp[us, tz=UTC]``."""
    import pyarrow as pa

    return pa.timestamp("us", tz="UTC")
