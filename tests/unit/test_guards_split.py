"""Guards of a split: label windows, groups and copies that lie on both of its sides."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta

import numpy as np
import pyarrow as pa
import pytest

from workbench.clock import timestamp_type
from workbench.errors import GuardError
from workbench.guards import group_overlap, row_twins, window_overlap

START = datetime(2025, 1, 6, tzinfo=UTC)
WEEK, DAY_S = timedelta(days=7), 86_400.0


def snapshots(split: str) -> pa.Table:
    """Return weekly snapshots of ten members over twenty weeks, divided at random or by time with an embargo."""
    dice = np.random.default_rng(0)
    member, week = (a.ravel() for a in np.meshgrid(np.arange(10), np.arange(20)))
    by_time = np.where(week < 10, "train", np.where(week < 15, "embargo", "test"))
    return pa.table(
        {
            "item_id": [f"m{m}" for m in member],
            "event_timestamp": pa.array([START + int(w) * WEEK for w in week], timestamp_type()),
            "visits": dice.normal(size=200),
            "split": dice.choice(["train", "test"], 200) if split == "random" else by_time,
        }
    )


# -- window_overlap ------------------------------------------------------------------------------------------------


def test_a_random_split_of_weekly_snapshots_shares_label_windows():
    finding = window_overlap.check(window_overlap.measure(snapshots("random"), horizon_s=30 * DAY_S))
    assert finding.fired
    assert finding.evidence.value > 0.9
    worst = finding.evidence.offenders.to_pylist()[0]
    assert worst["gap_s"] == 7 * DAY_S
    assert abs(worst["event_timestamp"] - worst["nearest_train_time"]) == WEEK
    json.dumps(finding.to_dict(), default=str)
    cured = window_overlap.check(window_overlap.measure(snapshots("time"), horizon_s=30 * DAY_S))
    assert cured.fired is False
    assert cured.evidence.offenders is None
    assert cured.evidence.facts["smallest_gap_s"] == 42 * DAY_S


def test_windows_that_touch_share_nothing():
    rows = snapshots("time")
    assert window_overlap.measure(rows, horizon_s=42 * DAY_S).value == 0
    assert window_overlap.measure(rows, horizon_s=42 * DAY_S + 1e-6).value == pytest.approx(10 / 50)


def test_other_members_do_not_count_unless_all_rows_are_one_series():
    rows = pa.table(
        {
            "item_id": ["a", "b"],
            "event_timestamp": pa.array([START, START], timestamp_type()),
            "split": ["train", "test"],
        }
    )
    assert window_overlap.measure(rows, horizon_s=1).value == 0
    assert window_overlap.measure(rows, horizon_s=1, entity=None).value == 1


@pytest.mark.parametrize("kind", [pa.timestamp("ns", "Asia/Tokyo"), pa.timestamp("ms"), pa.date32()])
@pytest.mark.parametrize("ids", [[1.0, 1.0, float("nan"), float("nan")], ["a", "a", None, None]])
def test_any_clock_and_any_key_will_do_and_no_key_matches_nothing(kind, ids):
    when = pa.array([0, 86_400, 0, 86_400], pa.timestamp("s")).cast(kind)
    rows = pa.table({"item_id": ids, "event_timestamp": when, "split": ["train", "test"] * 2})
    evidence = window_overlap.measure(rows, horizon_s=2 * DAY_S)
    assert (evidence.n, evidence.value) == (1, 1.0)
    assert evidence.facts["rows_left_out"] == 2


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"entity": "who"}, "no column 'who'"),
        ({"time": "item_id"}, "is string, not a time"),
        ({"sides": ("train", "later")}, "no row has 'split' = 'later'"),
        ({"horizon_s": 0}, "no label window"),
        ({"entity": "nobody"}, "no test row has both"),
    ],
)
def test_what_cannot_be_judged_is_refused(change, message):
    rows = snapshots("time").append_column("nobody", pa.nulls(200))
    with pytest.raises(GuardError, match=message):
        window_overlap.measure(rows, **{"horizon_s": DAY_S} | change)
    with pytest.raises(GuardError, match="no rows"):
        window_overlap.measure(rows.slice(0, 0), horizon_s=1)


# -- group_overlap -------------------------------------------------------------------------------------------------


def test_groups_on_both_sides_are_named_with_their_rows():
    rows = pa.table(
        {
            "camera": ["a", "a", "b", "b", "b", "c", None, None, "d"],
            "split": ["train", "test", "train", "test", "test", "test", "train", "test", "embargo"],
        }
    )
    finding = group_overlap.check(group_overlap.measure(rows, group="camera"))
    assert finding.fired
    assert finding.evidence.value == 3 / 4
    assert finding.evidence.offenders.to_pylist() == [
        {"camera": "b", "train_rows": 1, "test_rows": 2},
        {"camera": "a", "train_rows": 1, "test_rows": 1},
    ]
    assert finding.evidence.facts["rows_without_group"] == 2
    assert "2 of 3 test groups" in finding.sentence


@pytest.mark.parametrize(
    "group",
    [[1, 2, 3, 4], [1.5, None, float("nan"), 2.5], pa.array(["a", "b", "c", "d"]).dictionary_encode()],
)
def test_groups_apart_are_silent(group):
    rows = pa.table({"group": group, "split": ["train", "train", "test", "test"]})
    finding = group_overlap.check(group_overlap.measure(rows))
    assert (finding.fired, finding.evidence.offenders) == (False, None)


def test_no_group_at_all_is_refused():
    rows = pa.table({"group": pa.nulls(2, pa.string()), "split": ["train", "test"]})
    with pytest.raises(GuardError, match="no test row has a 'group'"):
        group_overlap.measure(rows)


# -- row_twins -----------------------------------------------------------------------------------------------------


def fruit(n: int = 400, n_copies: int = 0, seed: int = 0) -> pa.Table:
    """Return rows with numbers, texts, holes and an embedding; the last ones are copies of the first."""
    dice = np.random.default_rng(seed)
    embedding = dice.normal(size=(n, 8)).astype(np.float32)
    rows = pa.table(
        {
            "weight": pa.array(dice.normal(size=n), pa.float32()),
            "shade": dice.choice(["red", "green"], n),
            "hole": np.where(dice.random(n) < 0.5, np.nan, 1.0),
            "embedding": pa.FixedSizeListArray.from_arrays(pa.array(embedding.ravel()), 8),
            "label": dice.choice(["sound", "bruised"], n),
        }
    )
    rows = pa.concat_tables([rows, rows.slice(0, n_copies)])
    split = np.where(
        np.arange(rows.num_rows) < n, np.where(np.arange(rows.num_rows) < 300, "train", "test"), "test"
    )
    return rows.append_column("split", pa.array(split)).append_column(
        "row_id", pa.array(np.arange(rows.num_rows))
    )


CELLS = ["weight", "shade", "hole", "embedding", "label"]


def test_copies_are_found_with_the_row_that_they_copy():
    clean = row_twins.check(row_twins.measure(fruit(), columns=CELLS))
    assert (clean.fired, clean.evidence.value, clean.evidence.n) == (False, 0.0, 100)
    finding = row_twins.check(row_twins.measure(fruit(n_copies=20), columns=CELLS))
    assert finding.fired
    assert finding.evidence.value == 20 / 120
    assert finding.evidence.facts["chance_share"] == 0
    assert finding.evidence.offenders.select(["row", "row_id", "train_row", "copies"]).to_pylist()[:2] == [
        {"row": 400, "row_id": 400, "train_row": 0, "copies": 1},
        {"row": 401, "row_id": 401, "train_row": 1, "copies": 1},
    ]
    json.dumps(finding.to_dict())


@pytest.mark.parametrize("columns", [["embedding"], ["weight"], ["weight", "label"], ["embedding", "shade"]])
def test_few_columns_are_enough_where_they_tell_rows_apart(columns):
    finding = row_twins.check(row_twins.measure(fruit(n_copies=20), columns=columns))
    assert finding.fired
    assert finding.evidence.value == 20 / 120


@pytest.mark.parametrize("columns", [["shade"], ["shade", "label"], ["shade", "hole", "label"]])
def test_coarse_columns_cannot_tell_copies_from_strangers(columns):
    finding = row_twins.check(row_twins.measure(fruit(), columns=columns))
    assert finding.fired is None
    assert finding.word == "could not judge"
    assert "too coarse" in finding.sentence


def test_a_row_of_holes_is_no_twin_of_another():
    rows = pa.table(
        {"a": [None, None, 1.0, 2.0], "b": [float("nan"), None, 3.0, 4.0], "split": ["train", "test"] * 2}
    )
    assert row_twins.measure(rows, columns=["a", "b"]).value == 0


def test_missing_equals_missing_and_minus_zero_equals_zero():
    rows = pa.table(
        {
            "a": pa.array([float("nan"), None, 1.0, 2.0]),
            "b": pa.array([0.0, -0.0, 5.0, 6.0], pa.float32()),
            "c": ["x", "x", "y", "z"],
            "split": ["train", "test", "train", "test"],
        }
    )
    evidence = row_twins.measure(rows, columns=["a", "b", "c"])
    assert evidence.offenders.select(["row", "train_row"]).to_pylist() == [{"row": 1, "train_row": 0}]


@pytest.mark.parametrize(
    "cells",
    [
        pa.array([{"a": 1}, {"a": 1}, {"a": 2}, {"a": 3}]),
        pa.array([["x"], ["x"], [], ["x", "y"]]),
        pa.array([b"1", b"1", b"2", b"3"]),
        pa.array(["p", "p", "q", "r"]).dictionary_encode(),
        pa.array(["p", "p", "q", "r"], pa.string_view()),
        pa.array([1, 1, 2, 3], pa.timestamp("ns", "Asia/Tokyo")),
        pa.array([[("a", 1)], [("a", 1)], [], [("b", 1)]], pa.map_(pa.string(), pa.int64())),
    ],
    ids=lambda cells: str(cells.type)[:12],
)
def test_cells_of_many_types_are_compared(cells):
    rows = pa.table({"x": cells, "split": ["train", "test", "train", "test"]})
    assert row_twins.measure(rows, columns=["x"]).value == 0.5


def test_the_columns_must_be_named_and_there():
    with pytest.raises(GuardError, match="no columns to compare"):
        row_twins.measure(fruit(), columns=[])
    with pytest.raises(GuardError, match="no column 'colour'"):
        row_twins.measure(fruit(), columns=["colour"])
