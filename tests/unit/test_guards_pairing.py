"""Rows are paired by key alone, whatever a store made of the type of the key."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest

from workbench.errors import GuardError
from workbench.guards.pairing import key_texts, pair, take

TIMES = [0, 1_000_000, 2_000_000]


def _pair(left: pa.Array, right: pa.Array) -> list[tuple[int, int]]:
    found = pair(pa.table({"k": left}), pa.table({"k": right}), ["k"], "test")
    return list(zip(found.left.tolist(), found.right.tolist(), strict=True))


@pytest.mark.parametrize(
    ("left", "right"),
    [
        (pa.array([7, 8]), pa.array(["8", "7"])),
        (pa.array([7, 8]), pa.array([8.0, 7.0])),
        (pa.array([7, 8], pa.uint64()), pa.array([8, 7], pa.int8())),
        (pa.array([7.0, 8.5]), pa.array(["8.5", "7"])),
        (pa.array([7.0, 8.5], pa.float32()), pa.array([8.5, 7.0])),
        (pa.array(["7", "8"]).dictionary_encode(), pa.array(["8", "7"], pa.large_string())),
        (
            pa.array(TIMES[:2], pa.timestamp("us", "UTC")),
            pa.array([1, 0], pa.timestamp("s", "Europe/Berlin")),
        ),
        (pa.array([0, 1], pa.date32()), pa.array([86_400, 0], pa.timestamp("s"))),
        (pa.array([True, False]), pa.array([False, True])),
        (pa.array(["7", None]), pa.array([None, "7"])),
        (pa.array([7.0, float("nan")]), pa.array([None, 7.0])),
        (pa.array([0.0, 1.0]), pa.array([1.0, -0.0])),
    ],
)
def test_equal_keys_of_other_types_are_paired(left: pa.Array, right: pa.Array) -> None:
    assert _pair(left, right) == [(0, 1), (1, 0)]


def test_a_missing_key_equals_a_missing_key_of_the_null_type() -> None:
    assert _pair(pa.array(["7", None]), pa.nulls(1)) == [(1, 0)]
    assert _pair(pa.nulls(1), pa.nulls(1)) == [(0, 0)]


def test_no_integer_is_rounded() -> None:
    big = 2**53 + 1
    assert _pair(pa.array([big]), pa.array([str(big)])) == [(0, 0)]
    assert _pair(pa.array([big]), pa.array([big - 1])) == []
    assert _pair(pa.array([big]), pa.array([float(big)])) == []  # that float is 2**53
    assert _pair(pa.array([2**53]), pa.array([2.0**53])) == []  # and could be either
    assert _pair(pa.array([2.0**53]), pa.array([str(2**53)])) == []


def test_texts_are_not_read_as_numbers() -> None:
    assert _pair(pa.array(["007", "7"]), pa.array([7])) == [(1, 0)]


@pytest.mark.parametrize(
    ("left", "right", "said"),
    [
        (pa.array([[1]]), pa.array([[1]]), "list<item: int64>"),
        (pa.array([True]), pa.array(["true"]), "bool on one side and string"),
        (pa.array([0], pa.timestamp("us")), pa.array([0]), "cast one of them"),
        (
            pa.array([0], pa.timestamp("us")),
            pa.array([0], pa.timestamp("us", "UTC")),
            "time zone on one side",
        ),
    ],
)
def test_keys_that_cannot_be_compared(left: pa.Array, right: pa.Array, said: str) -> None:
    with pytest.raises(GuardError, match=said):
        _pair(left, right)


def test_no_keys() -> None:
    with pytest.raises(GuardError, match="no key was named"):
        pair(pa.table({"k": [1]}), pa.table({"k": [1]}), [], "test")


def test_several_columns_are_one_key_and_borders_count() -> None:
    left = pa.table({"a": ["x", "xy", "x"], "b": ["yz", "z", "y"]})
    right = pa.table({"a": ["x", "x", "xy"], "b": ["y", "yz", "yz"]})
    found = pair(left, right, ["a", "b"], "test")
    assert found.left.tolist() == [0, 2]
    assert found.right.tolist() == [1, 0]
    assert key_texts(left, found.only_left, ["a", "b"]) == ["xy/z"]
    assert key_texts(right, found.only_right, ["a", "b"]) == ["xy/yz"]


def test_repeats_point_to_the_first() -> None:
    found = pair(pa.table({"k": ["a", "b", "a", "a"]}), pa.table({"k": ["c", "a", "c"]}), ["k"], "test")
    assert found.repeats_left.tolist() == [[2, 0], [3, 0]]
    assert found.repeats_right.tolist() == [[2, 0]]
    assert (found.left.tolist(), found.right.tolist()) == ([0], [1])
    assert (found.only_left.tolist(), found.only_right.tolist()) == ([1], [0])


def test_empty_sides() -> None:
    empty = pa.table({"k": pa.array([], pa.string())})
    found = pair(pa.table({"k": ["a"]}), empty, ["k"], "test")
    assert found.only_left.tolist() == [0]
    assert not len(pair(empty, empty, ["k"], "test").left)


def test_take_copies_only_where_it_must() -> None:
    rows = pa.table({"k": ["a", "b"]})
    assert take(rows, np.arange(2)) is rows
    assert take(rows, np.array([1, 0]))["k"].to_pylist() == ["b", "a"]
    assert take(rows, np.array([0]))["k"].to_pylist() == ["a"]
