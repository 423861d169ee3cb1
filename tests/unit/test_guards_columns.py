"""Columns of anybody's table: whatever their type, equal values rank equal and missing ones are found."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal

import numpy as np
import pyarrow as pa
import pytest

from workbench.errors import GuardError
from workbench.guards import columns as c
from workbench.guards.cells import differs
from workbench.guards.times import horizon_us, microseconds, read_times, require_one_clock

NAN, INF = float("nan"), float("inf")

ZOO = {
    "float": (pa.array([INF, None, NAN, 0.0, -0.0, -INF]), [2, -1, -1, 1, 1, 0]),
    "float32": (pa.array([1.5, None, NAN, 0.25, -0.0, 0.0], pa.float32()), [2, -1, -1, 1, 0, 0]),
    "half": (pa.array(np.array([2, 1, np.nan], np.float16)), [1, 0, -1]),
    "integer": (pa.array([2**62 + 1, 2**62, None]), [1, 0, -1]),
    "unsigned": (pa.array([2**63 + 1, 2**63, 0], pa.uint64()), [2, 1, 0]),
    "bool": (pa.array([True, False, None]), [1, 0, -1]),
    "text": (pa.array(["b", "a", None, ""]), [2, 1, -1, 0]),
    "large text": (pa.array(["b", "a", None], pa.large_string()), [1, 0, -1]),
    "text view": (pa.array(["b", "a", None], pa.string_view()), [1, 0, -1]),
    "dictionary": (pa.array(["z", "a", None, "z"]).dictionary_encode(), [1, 0, -1, 1]),
    "dictionary of numbers": (pa.array([NAN, 1.0, 0.5]).dictionary_encode(), [-1, 1, 0]),
    "decimal": (pa.array([Decimal("1.5"), None, Decimal("0.5")]), [1, -1, 0]),
    "date": (pa.array([date(2025, 1, 2), date(2025, 1, 1), None]), [1, 0, -1]),
    "nanoseconds in Tokyo": (pa.array([2, 1, None], pa.timestamp("ns", "Asia/Tokyo")), [1, 0, -1]),
    "duration": (pa.array([2, 1, None], pa.duration("s")), [1, 0, -1]),
    "binary": (pa.array([b"b", b"a", None]), [1, 0, -1]),
    "null": (pa.nulls(2), [-1, -1]),
}


@pytest.mark.parametrize("kind", ZOO)
def test_ranks_follow_the_values(kind):
    array, expected = ZOO[kind]
    pieces = pa.chunked_array([array.slice(0, 1), array.slice(1)])
    assert c.ranks(pieces).tolist() == expected
    assert c.missing(c.plain(pieces)).tolist() == [rank < 0 for rank in expected]


@pytest.mark.parametrize("values", [[[1.0], [2.0]], [{"a": 1}, {"a": 2}]], ids=["list", "struct"])
def test_what_has_no_order_is_refused(values):
    with pytest.raises(GuardError, match="have no order"):
        c.ranks(pa.array(values))


@pytest.mark.parametrize(
    ("values", "positive"),
    [
        (pa.array(["yes", "no", None]), "yes"),
        (pa.array(["yes", "no", None]).dictionary_encode(), "yes"),
        (pa.array([True, False, None]), True),
        (pa.array([True, False, None]), "true"),
        (pa.array([True, False, None]), 1),
        (pa.array([1, 0, None]), 1),
        (pa.array([1, 0, None]), "1"),
        (pa.array([1, 0, None]), True),
        (pa.array([1.0, 0.0, NAN]), 1),
        (pa.array([1.0, 0.0, NAN], pa.float32()), "1"),
    ],
)
def test_a_positive_class_is_found_in_any_type(values, positive):
    is_positive, known = c.positives(pa.table({"y": values}), "y", positive, "test")
    assert is_positive.tolist() == [True, False, False]
    assert known.tolist() == [True, True, False]


@pytest.mark.parametrize(
    ("values", "positive", "message"),
    [
        (["yes", "no"], "Yes", r"(?s)no row has 'y' = 'Yes'.*there are: 'yes', 'no'"),
        ([1, 0], "one", "no row has"),
        ([True, False], "yes", "no row has"),
        ([None, None], "yes", "(?s)no row has.*no values"),
        (["yes", "yes"], "yes", "2 rows are 'yes' and 0 are not"),
        ([], "yes", "no rows"),
    ],
)
def test_labels_without_two_classes_are_refused(values, positive, message):
    with pytest.raises(GuardError, match=message):
        c.positives(pa.table({"y": values}), "y", positive, "test")


def test_sides_of_a_split_may_be_any_text_number_or_boolean():
    for values, sides in (
        (["train", "test"], ("train", "test")),
        ([0, 1], ("0", "1")),
        ([True, False], ("true", "false")),
    ):
        train, test = c.sides_of(pa.table({"split": values}), "split", sides, "test")
        assert (train.tolist(), test.tolist()) == ([True, False], [False, True])
    with pytest.raises(GuardError, match=r"(?s)'test'.*there are: 'train', 'val'"):
        c.sides_of(pa.table({"split": ["train", "val"]}), "split", ("train", "test"), "test")
    with pytest.raises(GuardError, match="both sides are 'train'"):
        c.sides_of(pa.table({"split": ["train", "val"]}), "split", ("train", "train"), "test")


def test_times_of_any_unit_and_zone_are_the_same_instants():
    when = datetime(2025, 9, 1, 12, 0, 0, 250_000, tzinfo=UTC)
    us = microseconds(when)
    for kind in (pa.timestamp("us", "UTC"), pa.timestamp("ns", "Asia/Tokyo"), pa.timestamp("ms", "+02:00")):
        found = read_times(pa.table({"t": pa.array([when, None], kind)}), "t", "test")
        assert found.us.tolist() == [us, 0]
        assert found.known.tolist() == [True, False]
        assert found.aware
    assert not read_times(pa.table({"t": pa.array([date(2025, 9, 1)])}), "t", "test").aware
    with pytest.raises(GuardError, match="is string, not a time"):
        read_times(pa.table({"t": ["2025-09-01"]}), "t", "test")


def test_times_with_and_without_a_zone_are_not_compared():
    rows = pa.table({"a": pa.array([0], pa.timestamp("s", "UTC")), "b": pa.array([0], pa.timestamp("s"))})
    a, b = (read_times(rows, name, "test") for name in "ab")
    require_one_clock("test", {"b": b})
    for clocks, moment in (({"a": a, "b": b}, False), ({"b": b}, True)):
        with pytest.raises(GuardError, match="b has no time zone"):
            require_one_clock("test", clocks, moment=moment)


@pytest.mark.parametrize("horizon_s", [0, -1, NAN, INF, 1e30])
def test_a_label_window_has_a_length(horizon_s):
    with pytest.raises(GuardError, match="no label window"):
        horizon_us(horizon_s, "test")


@pytest.mark.parametrize("levels", [1, 2, 5, 10_000])
def test_auc_and_z_are_those_of_mann_and_whitney(levels):
    from scipy.stats import mannwhitneyu

    dice = np.random.default_rng(levels)
    y, score = dice.random(90) < 0.3, dice.integers(0, levels, 90).astype(float)
    auc, z = c.auc_and_z(y, score)
    reference = mannwhitneyu(
        score[y], score[~y], alternative="greater", method="asymptotic", use_continuity=False
    )
    assert auc == pytest.approx(reference.statistic / (y.sum() * (~y).sum()))
    if levels == 1:
        assert z == 0
    else:
        from scipy.stats import norm

        assert z == pytest.approx(norm.isf(reference.pvalue))


@pytest.mark.parametrize(
    ("a", "b", "tolerance", "expected"),
    [
        (pa.array([1, 2, None]), pa.array([1.0, 2.5, NAN]), 0.0, [False, True, False]),
        (pa.array([1.0, 2.0, INF]), pa.array([1.1, 2.3, INF]), 0.2, [False, True, False]),
        (pa.array([2**62, 5]), pa.array([2**62 + 1, 5]), 0.0, [True, False]),
        (pa.array(["a", None]), pa.array(["a", "b"], pa.large_string()), 0.0, [False, True]),
        (pa.array(["a", None]), pa.nulls(2), 0.0, [True, False]),
        (pa.array(["a", "1"]), pa.array([1, 1]), 0.0, [True, False]),
        (
            pa.array([[1.0, NAN], [1.0], None]),
            pa.array([[1.0, NAN], [1.0, 2.0], []]),
            0.0,
            [False, True, True],
        ),
        (pa.array([[1.0, 2.0], [1.0, 2.0]]), pa.array([[1.0, 2.0], [1.5, 2.0]]), 0.1, [False, True]),
        (pa.array([{"a": 1}, {"a": 2}]), pa.array([{"a": 1}, {"a": 3}]), 0.0, [False, True]),
        (pa.array([True, False]), pa.array([True, True]), 0.5, [False, True]),
        (pa.array([], pa.int64()), pa.array([], pa.string()), 0.0, []),
    ],
)
def test_cells_differ_where_their_values_do(a, b, tolerance, expected):
    assert differs(c.plain(a), c.plain(b), tolerance).tolist() == expected
