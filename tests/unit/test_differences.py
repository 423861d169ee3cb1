"""What differs is named: rows, columns, by how much."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest

from workbench.guards.differences import count, diff_mappings, diff_rows, largest_difference, some

KEY = ("id",)


def _table(ids: list[str], **columns: list[object]) -> pa.Table:
    return pa.table({"id": ids, **columns})


def test_equal_tables_in_another_order_do_not_differ() -> None:
    one = _table(["a", "b"], label=["x", None], x=[1.0, float("nan")])
    found = diff_rows(one, one.take([1, 0]), KEY)
    assert not found
    assert found.sentences() == ()


def test_every_kind_of_change_is_named() -> None:
    before = _table(["a", "b", "c"], label=["x", "y", "z"], score=[1.0, 2.0, 3.0], old=[1, 2, 3])
    after = _table(["b", "c", "d"], label=["Y", "z", "w"], score=[2.5, 3.0, 4.0])
    found = diff_rows(before, after, KEY)
    assert found.added == ("d",)
    assert found.removed == ("a",)
    assert found.changed == {"label": ("b",), "score": ("b",)}
    assert found.largest == {"score": 0.5}
    assert found.columns == ("old",)
    assert not found.only_added
    assert found.sentences() == (
        "1 row added: d",
        "1 row removed: a",
        "label of 1 row changed: b",
        "score of 1 row changed by up to 0.5: b",
        "only one of the two has the column old",
    )


def test_embeddings_are_compared_as_numbers() -> None:
    kind = pa.list_(pa.float32())
    one = _table(["a", "b"], embedding=pa.array([[0, 1], [2, 3]], kind))
    two = _table(["a", "b"], embedding=pa.array([[0, 1], [2, 3.25]], kind))
    found = diff_rows(one, two, KEY)
    assert found.changed == {"embedding": ("b",)}
    assert found.largest == {"embedding": 0.25}


@pytest.mark.parametrize("other", [[[0, 1], [2]], [[0, 1], None], [[0, 1, 5], [2, 3, 5]]])
def test_embeddings_of_another_shape_differ_without_a_size(other: list[list[int] | None]) -> None:
    kind = pa.list_(pa.float32())
    one = _table(["a", "b"], embedding=pa.array([[0, 1], [2, 3]], kind))
    found = diff_rows(one, _table(["a", "b"], embedding=pa.array(other, kind)), KEY)
    assert "b" in found.changed["embedding"]
    assert found.largest == {}


def test_a_number_that_became_nan_is_an_infinite_difference() -> None:
    found = diff_rows(_table(["a"], x=[1.0]), _table(["a"], x=[float("nan")]), KEY)
    assert found.largest == {"x": float("inf")}


def test_added_rows_alone() -> None:
    found = diff_rows(_table(["a"], x=[1]), _table(["b", "a"], x=[2, 1]), KEY)
    assert found.only_added


def test_keys_of_several_columns_name_a_row_together() -> None:
    one = pa.table({"item": ["a", "a"], "n": [1, 2], "label": ["x", "y"]})
    two = pa.table({"item": ["a", "a"], "n": [2, 1], "label": ["y", "z"]})
    assert diff_rows(one, two, ("item", "n")).changed == {"label": ("a/1",)}


def test_empty_tables() -> None:
    empty = pa.table({"id": pa.array([], pa.string()), "x": pa.array([], pa.float64())})
    assert not diff_rows(empty, empty, KEY)
    assert diff_rows(empty, _table(["a"], x=[1.0]), KEY).only_added


def test_mappings() -> None:
    assert diff_mappings({"a": 1, "b": 2}, {"b": 3, "c": 4}) == {"a": (1, None), "b": (2, 3), "c": (None, 4)}
    assert diff_mappings({"a": 1}, {"a": 1}) == {}


def test_largest_difference() -> None:
    one = np.array([1.0, np.nan])
    assert largest_difference(one, one.copy()) == 0.0
    assert largest_difference(one, np.array([1.5, np.nan])) == float("inf")
    assert largest_difference(np.ones(2), np.array([1.0, 1.5])) == 0.5
    assert largest_difference(np.ones(2), np.ones(3)) == float("inf")


def test_some_and_count() -> None:
    assert some(["a", "b", "c"], shown=2) == "a, b and 1 more"
    assert some(["a"]) == "a"
    assert [count(["a"], "row"), count([], "row")] == ["1 row", "0 rows"]
