"""Guards of time: a feature from the future, a label before its time, feature code that reads ahead."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta

import pyarrow as pa
import pyarrow.compute as pc
import pytest

from workbench.clock import timestamp_type
from workbench.errors import GuardError, SettingsError
from workbench.guards import label_maturity, pit_audit, truncation

START = datetime(2025, 9, 1, tzinfo=UTC)
DAY, DAY_S = timedelta(days=1), 86_400.0


def days(*numbers: float | None, zone: str | None = "UTC") -> pa.Array:
    when = pa.array([None if n is None else START + n * DAY for n in numbers], timestamp_type())
    return (
        when
        if zone == "UTC"
        else pc.local_timestamp(when)
        if zone is None
        else when.cast(pa.timestamp("ns", zone))
    )


# -- pit_audit -----------------------------------------------------------------------------------------------------


def test_a_feature_from_after_the_observation_is_found_by_either_time():
    rows = pa.table(
        {
            "row_id": ["a", "b", "c", "d", "e"],
            "event_timestamp": days(10, 10, 10, None, 10),
            "feature_timestamp": days(10, 11, 9, 99, None),
            "created_timestamp": days(10, 11, 13, 99, None),
        }
    )
    finding = pit_audit.check(pit_audit.measure(rows))
    assert finding.fired
    assert (finding.evidence.n, finding.evidence.value) == (3, 1 / 3)
    both = pit_audit.measure(rows, known_at="created_timestamp")
    assert both.offenders.select(["row", "row_id", "late_s"]).to_pylist() == [
        {"row": 2, "row_id": "c", "late_s": 3 * DAY_S},
        {"row": 1, "row_id": "b", "late_s": DAY_S},
    ]
    assert both.columns == ("created_timestamp", "feature_timestamp")
    assert both.facts["rows_late_by_column"] == {"feature_timestamp": 1, "created_timestamp": 2}
    assert both.facts["rows_left_out"] == 2
    json.dumps(pit_audit.check(both).to_dict(), default=str)


def test_features_from_before_are_silent_in_any_zone():
    rows = pa.table({"event_timestamp": days(10, 10), "feature_timestamp": days(10, 3, zone="Asia/Tokyo")})
    assert pit_audit.check(pit_audit.measure(rows)).fired is False
    naive = pa.table(
        {"event_timestamp": days(10, zone=None), "feature_timestamp": days(10 + 1e-6, zone=None)}
    )
    assert pit_audit.check(pit_audit.measure(naive)).fired


def test_a_feature_without_known_at_is_counted_not_judged():
    rows = pa.table(
        {"event_timestamp": days(10), "feature_timestamp": days(9), "created_timestamp": days(None)}
    )
    evidence = pit_audit.measure(rows, known_at="created_timestamp")
    assert (evidence.value, evidence.facts["rows_without_known_at"]) == (0, 1)


def test_times_that_cannot_be_compared_are_refused():
    mixed = pa.table({"event_timestamp": days(10), "feature_timestamp": days(9, zone=None)})
    with pytest.raises(GuardError, match="feature_timestamp has no time zone"):
        pit_audit.measure(mixed)
    with pytest.raises(GuardError, match="no row has both"):
        pit_audit.measure(pa.table({"event_timestamp": days(1), "feature_timestamp": pa.nulls(1)}))
    with pytest.raises(GuardError, match="no column 'known'"):
        pit_audit.measure(mixed, known_at="known")
    with pytest.raises(GuardError, match="no rows"):
        pit_audit.measure(mixed.slice(0, 0))


# -- label_maturity ------------------------------------------------------------------------------------------------


def test_rows_younger_than_their_label_window_are_unripe():
    rows = pa.table(
        {"event_timestamp": days(0, 10, 10.5, 20, None), "label": ["stays", "stays", "stays", None, "stays"]}
    )
    at = START + 40 * DAY
    finding = label_maturity.check(label_maturity.measure(rows, horizon_s=30 * DAY_S, extracted_at=at))
    assert finding.fired
    assert (finding.evidence.n, finding.evidence.value) == (4, 0.5)
    assert finding.evidence.offenders["row"].to_pylist() == [3, 2]
    assert finding.evidence.offenders["ripe_at"].to_pylist() == [START + 50 * DAY, START + 40.5 * DAY]
    claimed = label_maturity.measure(rows, horizon_s=30 * DAY_S, extracted_at=at, label="label")
    assert (claimed.n, claimed.value) == (3, 1 / 3)
    later = label_maturity.measure(rows, horizon_s=30 * DAY_S, extracted_at=START + 50 * DAY)
    assert label_maturity.check(later).fired is False
    json.dumps(finding.to_dict(), default=str)


def test_maturity_needs_a_zone_a_window_and_rows():
    rows = pa.table({"event_timestamp": days(0, zone=None)})
    with pytest.raises(GuardError, match="has no time zone"):
        label_maturity.measure(rows, horizon_s=1, extracted_at=START)
    with pytest.raises(SettingsError, match="no time zone"):
        label_maturity.measure(
            pa.table({"event_timestamp": days(0)}), horizon_s=1, extracted_at=START.replace(tzinfo=None)
        )
    with pytest.raises(GuardError, match="no label window"):
        label_maturity.measure(rows, horizon_s=-1, extracted_at=START)
    with pytest.raises(GuardError, match="no row has both"):
        label_maturity.measure(pa.table({"event_timestamp": days(None)}), horizon_s=1, extracted_at=START)


# -- truncation ----------------------------------------------------------------------------------------------------

AT = START + 10 * DAY
LOG = {
    "visits": pa.table(
        {
            "item_id": ["a", "a", "b", "b", "c"],
            "event_timestamp": days(1, 12, 2, 3, 4),
            "created_timestamp": days(1, 12, 2, 11, 4),
            "minutes": [10.0, 20.0, 30.0, 40.0, 50.0],
        }
    ),
    "members": pa.table({"item_id": ["a", "b", "c"], "plan": ["basic", None, "plus"]}),
}


def total(log, by: str = "created_timestamp", to: datetime = AT) -> pa.Table:
    visits = log["visits"].filter(pc.less_equal(log["visits"][by], pa.scalar(to)))
    return visits.group_by("item_id").aggregate([("minutes", "sum")])


def latest(log) -> pa.Table:
    return log["visits"].group_by("item_id").aggregate([("minutes", "max"), ("minutes", "min")])


def test_features_of_the_past_do_not_change():
    finding = truncation.check(truncation.measure(total, LOG, AT))
    assert finding.fired is False
    assert finding.evidence.n == 3
    assert finding.evidence.facts["rows_cut_off"] == {"visits": 2}
    assert finding.evidence.facts["tables_left_whole"] == ["members"]


def test_the_newest_value_is_seen_cell_by_cell():
    finding = truncation.check(truncation.measure(latest, LOG, AT))
    assert finding.fired
    assert finding.evidence.value == 2 / 3
    assert finding.evidence.columns == ("minutes_max",)
    assert sorted(finding.evidence.offenders.to_pylist(), key=lambda row: row["item_id"]) == [
        {"item_id": "a", "column": "minutes_max", "whole": "20.0", "cut": "10.0"},
        {"item_id": "b", "column": "minutes_max", "whole": "40.0", "cut": "30.0"},
    ]
    json.dumps(finding.to_dict())


def test_back_dated_rows_are_seen():
    evidence = truncation.measure(lambda log: total(log, by="event_timestamp"), LOG, AT)
    assert evidence.offenders["item_id"].to_pylist() == ["b"]


def test_a_population_chosen_by_the_future_is_seen_as_lost_rows():
    def seen_later(log):
        ids = log["visits"].filter(pc.greater(log["visits"]["created_timestamp"], pa.scalar(AT)))["item_id"]
        return total(log).filter(pc.invert(pc.is_in(total(log)["item_id"], ids.combine_chunks())))

    evidence = truncation.measure(seen_later, LOG, AT)
    assert (evidence.facts["rows_only_whole"], evidence.facts["rows_only_cut"]) == (0, 2)
    assert evidence.columns == ()
    assert {row["cut"] for row in evidence.offenders.to_pylist()} == {"there"}
    assert "2 rows are there in one run only" in truncation.check(evidence).sentence


def test_all_rows_may_be_gone_when_the_log_is_cut():
    def only_late(log):
        return (
            log["visits"]
            .filter(pc.greater(log["visits"]["created_timestamp"], pa.scalar(AT)))
            .select(["item_id", "minutes"])
        )

    assert truncation.measure(only_late, LOG, AT).value == 1.0


def test_a_column_may_appear_vanish_or_change_its_type():
    def moody(log):
        whole = log["visits"].num_rows == 5
        made = total(log)
        made = made.append_column("same", pa.array([1, 2, 3]).cast(pa.float32() if whole else pa.int64()))
        return made.append_column("future" if whole else "past", pa.array([None, "x", None]))

    evidence = truncation.measure(moody, LOG, AT)
    assert set(evidence.columns) == {"future", "past"}
    assert evidence.facts["cells_differ"] == {"future": 1, "past": 1}


def test_small_differences_and_lists_within_the_tolerance():
    def embed(log):
        shift = log["visits"].num_rows / 1e6
        return pa.table({"item_id": ["a", "b"], "vector": [[1.0, shift], None], "x": [shift, float("inf")]})

    assert truncation.measure(embed, LOG, AT).value == 0.5
    assert truncation.measure(embed, LOG, AT, tolerance=1e-5).value == 0


def test_keys_of_two_columns():
    def twice(log):
        made = log["visits"].filter(pc.less_equal(log["visits"]["created_timestamp"], pa.scalar(AT)))
        return made.select(["item_id", "event_timestamp", "minutes"])

    log = LOG | {
        "visits": pa.concat_tables(
            [LOG["visits"], LOG["visits"].slice(0, 1).set_column(1, "event_timestamp", days(0))]
        )
    }
    assert truncation.measure(twice, log, AT, key=["item_id", "event_timestamp"]).n == 4
    with pytest.raises(GuardError, match="1 rows of the features repeat the key"):
        truncation.measure(twice, log, AT)


def test_what_proves_nothing_is_refused():
    calls = iter(range(9))
    for build, log, at, message in (
        (total, LOG, START + 99 * DAY, "has nothing after"),
        (total, {"members": LOG["members"]}, AT, "no table of the log has 'created_timestamp'"),
        (lambda log: total(log).slice(0, 0), LOG, AT, "gives no rows"),
        (lambda log: total(log).to_pandas(), LOG, AT, "returns DataFrame"),
        (lambda log: total(log).rename_columns(["id", "x"]), LOG, AT, "no column 'item_id'"),
        (
            lambda log: pa.table({"item_id": ["a"], "n": [next(calls)]}),
            LOG,
            AT,
            "other rows when it runs again",
        ),
    ):
        with pytest.raises(GuardError, match=message):
            truncation.measure(build, log, at)


def test_rows_never_recorded_are_cut_off():
    visits = LOG["visits"].set_column(2, "created_timestamp", days(1, 2, 2, 3, None))
    evidence = truncation.measure(latest, {"visits": visits}, AT)
    assert evidence.facts["rows_cut_off"] == {"visits": 1}
    assert evidence.facts["rows_only_whole"] == 1
