"""Guards with an exact answer say what two loops over all rows say."""

from __future__ import annotations

import math
from collections import Counter
from datetime import UTC, datetime, timedelta

import numpy as np
import pyarrow as pa
from hypothesis import assume, event, given, settings
from hypothesis import strategies as st

from workbench.clock import timestamp_type
from workbench.guards import group_overlap, pit_audit, row_twins, window_overlap
from workbench.guards.columns import ranks
from workbench.guards.one_column import FOLDS, deal

START = datetime(2025, 9, 1, tzinfo=UTC)
HOUR = timedelta(hours=1)
NAN = float("nan")

# Few keys, moments and values, so that ties, repeats and holes are common.
keys = st.sampled_from(["a", "b", "c", None])
moments = st.sampled_from([*(START + n * HOUR for n in range(8)), None])
sides = st.sampled_from(["train", "train", "test", "embargo", None])
numbers = st.sampled_from([0.0, -0.0, 1.0, NAN, None])
lists = st.sampled_from([[], [1.0], [1.0, 2.0], [2.0, 1.0], [None], None])


def many(rows: st.SearchStrategy) -> st.SearchStrategy:
    return st.lists(rows, min_size=2, max_size=24)


def column(values: list, kind: pa.DataType) -> pa.ChunkedArray:
    """Return a column in two chunks."""
    whole = pa.array(values, kind)
    return pa.chunked_array([whole[:1], whole[1:]])


def both_sides(rows: list[tuple]) -> None:
    assume({"train", "test"} <= {row[-1] for row in rows})


@settings(max_examples=150)
@given(many(st.tuples(keys, moments, sides)), st.sampled_from([1, 3600, 7200, 10_000_000]))
def test_window_overlap(rows, horizon_s):
    both_sides(rows)
    who, when, side = (list(column) for column in zip(*rows, strict=True))
    whole = [(i, k, t, s) for i, (k, t, s) in enumerate(rows) if k is not None and t is not None]
    train = [(k, t) for _, k, t, s in whole if s == "train"]
    test = [(i, k, t) for i, k, t, s in whole if s == "test"]
    assume(test)
    gaps = {i: min((abs(t - other) for key, other in train if key == k), default=None) for i, k, t in test}
    near = {
        i: gap.total_seconds()
        for i, gap in gaps.items()
        if gap is not None and gap.total_seconds() < horizon_s
    }
    event(f"some overlap: {bool(near)}")
    table = pa.table(
        {
            "item_id": column(who, pa.string()),
            "event_timestamp": column(when, timestamp_type()),
            "split": side,
        }
    )
    found = window_overlap.measure(table, horizon_s=horizon_s)
    assert found.n == len(test)
    assert found.value == len(near) / len(test)
    shown = found.offenders.to_pylist() if found.offenders is not None else []
    assert {row["row"]: row["gap_s"] for row in shown} == near
    for row in shown:
        assert (row["item_id"], row["nearest_train_time"]) in train
        assert abs(row["event_timestamp"] - row["nearest_train_time"]).total_seconds() == row["gap_s"]


@given(many(st.tuples(keys, sides)))
def test_group_overlap(rows):
    both_sides(rows)
    train = Counter(k for k, side in rows if side == "train" and k is not None)
    test = Counter(k for k, side in rows if side == "test" and k is not None)
    assume(test)
    expected = {k: (train[k], test[k]) for k in test if train[k]}
    table = pa.table(
        {
            "group": column([k for k, _ in rows], pa.string()).dictionary_encode(),
            "split": [s for _, s in rows],
        }
    )
    found = group_overlap.measure(table)
    shown = found.offenders.to_pylist() if found.offenders is not None else []
    assert {row["group"]: (row["train_rows"], row["test_rows"]) for row in shown} == expected
    assert found.value == sum(n for _, n in expected.values()) / sum(test.values())


def cell(value: object) -> object:
    """Return a value that Python compares as we do: missing equals missing, 0 equals -0."""
    if isinstance(value, list):
        return tuple(value)
    return None if isinstance(value, float) and math.isnan(value) else value


@settings(max_examples=60)
@given(many(st.tuples(numbers, keys, lists, sides)))
def test_row_twins(rows):
    both_sides(rows)
    plain = [(tuple(cell(v) for v in row[:3]), row[3]) for row in rows]
    nothing = (None, None, None)
    train = [(i, cells) for i, (cells, side) in enumerate(plain) if side == "train" and cells != nothing]
    copies = {
        i: [j for j, other in train if other == cells]
        for i, (cells, side) in enumerate(plain)
        if side == "test" and cells != nothing
    }
    expected = {i: (of[0], len(of)) for i, of in copies.items() if of}
    event(f"some twins: {bool(expected)}")
    x, key, vector, side = (list(column) for column in zip(*rows, strict=True))
    table = pa.table(
        {
            "x": column(x, pa.float32()),
            "key": column(key, pa.string()),
            "vector": column(vector, pa.list_(pa.float64())),
            "split": side,
        }
    )
    found = row_twins.measure(table, columns=["x", "key", "vector"])
    shown = found.offenders.to_pylist() if found.offenders is not None else []
    assert {row["row"]: (row["train_row"], row["copies"]) for row in shown} == expected
    assert found.value == len(expected) / side.count("test")
    chance = found.facts["chance_share"]
    assert (chance is None) == (not expected)
    assert chance is None or 0 <= chance <= 1


@settings(max_examples=150)
@given(many(st.tuples(moments, moments, moments)), st.booleans(), st.sampled_from(["UTC", "Asia/Tokyo"]))
def test_pit_audit(rows, ask_known_at, zone):
    late = {}
    judged = 0
    for i, (asked, became, recorded) in enumerate(rows):
        others = [t for t in (became, recorded if ask_known_at else None) if t is not None]
        judged += asked is not None and bool(others)
        if asked is not None and others and max(others) > asked:
            late[i] = (max(others) - asked).total_seconds()
    assume(judged)
    asked, became, recorded = (list(column) for column in zip(*rows, strict=True))
    table = pa.table(
        {
            "event_timestamp": column(asked, timestamp_type()),
            "feature_timestamp": column(became, pa.timestamp("ns", zone)),
            "known": column(recorded, pa.timestamp("ms", "UTC")),
        }
    )
    found = pit_audit.measure(table, known_at="known" if ask_known_at else None)
    shown = found.offenders.to_pylist() if found.offenders is not None else []
    assert {row["row"]: row["late_s"] for row in shown} == late
    assert [row["late_s"] for row in shown] == sorted(late.values(), reverse=True)
    assert (found.n, found.value) == (judged, len(late) / judged)


@given(st.lists(st.one_of(st.none(), st.floats(width=32)), min_size=1, max_size=30))
def test_ranks_order_as_the_values_do(values):
    found = ranks(pa.array(values, pa.float32())).tolist()
    present = sorted({v + 0.0 for v in values if cell(v) is not None})
    assert found == [-1 if cell(v) is None else present.index(v) for v in values]


@given(st.lists(st.tuples(st.integers(0, 12), st.booleans()), min_size=1, max_size=60), st.integers(0, 5))
def test_folds_keep_groups_together_and_classes_everywhere(rows, seed):
    who, y = (np.array(list(column)) for column in zip(*rows, strict=True))
    fold = deal(y, who, np.random.default_rng(seed))
    for group in set(who.tolist()):
        assert len(set(fold[who == group].tolist())) == 1
    for of_class in (y, ~y):
        if len(set(who[of_class].tolist())) >= FOLDS:
            assert set(fold[of_class].tolist()) == set(range(FOLDS))
