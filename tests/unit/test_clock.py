"""Times are aware, in UTC, in microseconds."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pyarrow as pa
import pytest

from workbench import clock
from workbench.errors import SettingsError

NOON_IN_BERLIN = datetime(2025, 9, 15, 12, tzinfo=timezone(timedelta(hours=2)))


def test_now_is_aware():
    assert clock.utc_now().utcoffset() == timedelta(0)


def test_as_utc_is_the_same_instant():
    there = clock.as_utc(NOON_IN_BERLIN)
    assert there == NOON_IN_BERLIN
    assert there.tzinfo is UTC


def test_a_naive_time_is_refused():
    with pytest.raises(SettingsError, match="no time zone"):
        clock.as_utc(datetime(2025, 9, 15))  # noqa: DTZ001


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2025-09-15", datetime(2025, 9, 15, tzinfo=UTC)),
        ("2025-09-15T06:00:00Z", datetime(2025, 9, 15, 6, tzinfo=UTC)),
        (" 2025-09-15T06:00:00+02:00 ", datetime(2025, 9, 15, 4, tzinfo=UTC)),
        ("2025-09-15T06:00:00.000001Z", datetime(2025, 9, 15, 6, microsecond=1, tzinfo=UTC)),
    ],
)
def test_parse_and_write(text, expected):
    assert clock.parse_utc(text) == expected
    assert clock.parse_utc(clock.iso(expected)) == expected


@pytest.mark.parametrize("text", ["", "yesterday", "15.09.2025", "2025-13-01"])
def test_what_is_no_time_is_refused_with_a_hint(text):
    with pytest.raises(SettingsError, match="Hint: write it as"):
        clock.parse_utc(text)


def test_compact_is_safe_in_a_file_name():
    assert clock.compact(NOON_IN_BERLIN) == "20250915T100000Z"


def test_iso_shows_microseconds_only_where_there_are_any():
    assert clock.iso(NOON_IN_BERLIN) == "2025-09-15T10:00:00Z"
    assert clock.iso(NOON_IN_BERLIN + clock.MICROSECOND) == "2025-09-15T10:00:00.000001Z"


def test_the_one_arrow_type():
    assert clock.timestamp_type() == pa.timestamp("us", tz="UTC")
