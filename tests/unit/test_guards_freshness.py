"""Freshness: older than the limit, by the microsecond; what has no time is counted, not judged."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta

import pyarrow as pa
import pytest

from workbench.clock import timestamp_type
from workbench.errors import GuardError
from workbench.guards import freshness

AT = datetime(2025, 9, 15, 12, tzinfo=UTC)
DAY = timedelta(days=1)


def _rows(*ages: timedelta | None, **columns: object) -> pa.Table:
    times = [None if age is None else AT - age for age in ages]
    return pa.table({"feature_timestamp": pa.array(times, timestamp_type()), **columns})


def test_as_old_as_the_limit_is_not_older() -> None:
    evidence = freshness.measure(_rows(DAY, timedelta(0)), at=AT, max_age_s=86_400)
    finding = freshness.check(evidence)
    assert finding.word == "silent"
    assert finding.sentence == "0 of 2 rows (0.0%) are older than 24 h; the oldest is 24 h"
    assert evidence.offenders is None


def test_a_microsecond_more_is_older() -> None:
    rows = _rows(DAY + timedelta(microseconds=1), DAY, 3 * DAY, row_id=["a", "b", "c"])
    evidence = freshness.measure(rows, at=AT, max_age_s=86_400)
    finding = freshness.check(evidence)
    assert finding.fired
    assert evidence.value == pytest.approx(2 / 3)
    assert evidence.offenders["row_id"].to_pylist() == ["c", "a"]  # the oldest first
    assert evidence.offenders["age_s"].to_pylist() == [259_200.0, 86_400.000001]
    assert "the oldest is 3 days" in finding.sentence
    json.dumps(finding.to_dict(), default=str, allow_nan=False)


def test_what_has_no_time_and_what_is_from_later_are_counted() -> None:
    evidence = freshness.measure(_rows(None, -DAY, timedelta(0)), at=AT, max_age_s=0)
    assert (evidence.n, evidence.value) == (2, 0.0)
    assert evidence.facts["rows_without_time"] == 1
    assert evidence.facts["rows_from_later"] == 1
    assert freshness.check(evidence).sentence.endswith("1 rows have no time")


def test_each_row_has_its_moment() -> None:
    served = pa.array([AT, AT + 2 * DAY, None], pa.timestamp("ms", "Asia/Tokyo"))
    rows = _rows(DAY, DAY, DAY, served_at=served)
    evidence = freshness.measure(rows, at="served_at", max_age_s=2 * 86_400)
    assert (evidence.n, evidence.facts["rows_old"]) == (2, 1)
    assert evidence.facts["at"] == "served_at"


def test_threshold() -> None:
    evidence = freshness.measure(_rows(DAY, timedelta(0)), at=AT, max_age_s=60)
    assert freshness.check(evidence, threshold=0.5).word == "silent"
    assert freshness.check(evidence, threshold=0.4).fired


NAIVE = pa.table({"feature_timestamp": pa.array([0], pa.timestamp("us"))})


@pytest.mark.parametrize(
    ("rows", "options", "said"),
    [
        (_rows(), {}, "no rows"),
        (_rows(None, None), {}, "no row has a time"),
        (_rows(DAY), {"event": "when"}, "no column 'when'"),
        (_rows(DAY), {"at": "when"}, "no column 'when'"),
        (_rows(DAY), {"max_age_s": -1}, "-1 s is no age"),
        (_rows(DAY), {"max_age_s": float("nan")}, "nan s is no age"),
        (NAIVE, {}, "no time zone"),
        (_rows(DAY, naive=NAIVE["feature_timestamp"]), {"at": "naive"}, "no time zone"),
        (pa.table({"feature_timestamp": ["2025"]}), {}, "not a time"),
    ],
)
def test_what_cannot_be_judged(rows: pa.Table, options: dict, said: str) -> None:
    with pytest.raises(GuardError, match=said):
        freshness.measure(rows, **{"at": AT, "max_age_s": 60} | options)
