"""The content hash sees every value, and nothing but values."""

from __future__ import annotations

import hashlib
from datetime import UTC, date, datetime, timedelta

import numpy as np
import pyarrow as pa
import pytest

from workbench.errors import DatasetError
from workbench.hashing import (
    N_BUCKETS,
    bucket_of,
    content_hash,
    order_hash,
    sha256_bytes,
    sha256_file,
    sha256_texts,
)

NOON = datetime(2025, 9, 15, 12, tzinfo=UTC)


@pytest.fixture
def table() -> pa.Table:
    return pa.table(
        {
            "row_id": pa.array(["a", "b", "c", "d"]),
            "score": pa.array([0.1, None, float("nan"), 4.0]),
            "at": pa.array([NOON + timedelta(hours=i) for i in range(4)], pa.timestamp("us", tz="UTC")),
            "embedding": pa.array([[1.0, 2.0], [3.0, 4.0], None, []], pa.list_(pa.float32())),
            "ok": pa.array([True, False, None, True]),
            "n": pa.array([1, 2, 3, None], pa.int32()),
            "day": pa.array([date(2025, 9, 15), None, date(2025, 9, 17), date(2025, 9, 18)]),
            "where": pa.array([{"x": 1, "y": "p"}, {"x": 2, "y": None}, None, {"x": 4, "y": "s"}]),
            "blob": pa.array([b"", b"\0", None, b"abc"]),
        }
    )


def changed(table: pa.Table, column: str, values: pa.Array) -> pa.Table:
    return table.set_column(table.column_names.index(column), column, values)


def test_the_hash_is_the_one_we_promised(table):
    """A change of the canonical form would rename every dataset: it needs a new version."""
    small = pa.table({"k": ["a", "b"], "x": [1.5, -0.0]})
    assert content_hash(small, ["k"]) == "5a4bd13cc08937b6d96b0475cf25f312a61f66748e54156f144bf0ec6ad95809"


@pytest.mark.parametrize("order", [[3, 2, 1, 0], [1, 0, 3, 2]])
def test_the_order_of_rows_does_not_count(table, order):
    assert content_hash(table.take(order), ["row_id"]) == content_hash(table, ["row_id"])
    assert order_hash(table.take(order), ["row_id"]) != order_hash(table, ["row_id"])


def test_the_order_of_columns_does_not_count(table):
    assert content_hash(table.select(table.column_names[::-1]), ["row_id"]) == content_hash(table, ["row_id"])


def test_chunks_and_slices_do_not_count(table):
    chunks = pa.concat_tables([table.slice(0, 1), table.slice(1, 2), table.slice(3)])
    assert content_hash(chunks, ["row_id"]) == content_hash(table, ["row_id"])
    longer = pa.concat_tables([table.slice(2, 1), table])
    assert content_hash(longer.slice(1), ["row_id"]) == content_hash(table, ["row_id"])


def test_dictionary_large_and_view_types_count_as_their_values(table):
    for kind in (pa.large_string(), pa.string_view(), pa.dictionary(pa.int8(), pa.string())):
        other = changed(table, "row_id", table["row_id"].combine_chunks().cast(kind))
        assert content_hash(other, ["row_id"]) == content_hash(table, ["row_id"]), kind
    other = changed(table, "embedding", table["embedding"].cast(pa.large_list(pa.float32())))
    assert content_hash(other, ["row_id"]) == content_hash(table, ["row_id"])


def test_types_inside_lists_and_structs_do_not_count_either():
    rows = [[{"name": "a", "tags": ["p", "q"]}], []]
    small = pa.struct({"name": pa.string(), "tags": pa.list_(pa.string())})
    large = pa.struct({"name": pa.large_string(), "tags": pa.large_list(pa.large_string())})
    one = pa.table({"k": [0, 1], "v": pa.array(rows, pa.list_(small))})
    two = pa.table({"k": [0, 1], "v": pa.array(rows, pa.large_list(large))})
    assert content_hash(one, ["k"]) == content_hash(two, ["k"])


def test_a_lists_fixed_size_does_not_count():
    rows = [[1.0, 2.0], [3.0, 4.0]]
    loose = pa.table({"k": [0, 1], "v": pa.array(rows, pa.list_(pa.float32()))})
    fixed = pa.table({"k": [0, 1], "v": pa.array(rows, pa.list_(pa.float32(), 2))})
    assert content_hash(loose, ["k"]) == content_hash(fixed, ["k"])


def test_a_time_counts_as_its_instant(table):
    other = changed(table, "at", table["at"].cast(pa.timestamp("ns", tz="Europe/Berlin")))
    assert content_hash(other, ["row_id"]) == content_hash(table, ["row_id"])


def test_bytes_under_a_null_do_not_count():
    values = np.array([1.0, 99.0])
    mask = pa.py_buffer(np.packbits([1, 0], bitorder="little").tobytes())
    dirty = pa.Array.from_buffers(pa.float64(), 2, [mask, pa.py_buffer(values.tobytes())])
    clean = pa.array([1.0, None])
    assert content_hash(pa.table({"k": [0, 1], "x": dirty}), ["k"]) == content_hash(
        pa.table({"k": [0, 1], "x": clean}), ["k"]
    )


def test_minus_zero_and_every_nan_are_one():
    strange = np.array([0x7FF8000000000001, 0xFFF8000000000000], np.uint64).view(np.float64)
    one = pa.table({"k": [0, 1, 2], "x": [-0.0, *strange]})
    two = pa.table({"k": [0, 1, 2], "x": [0.0, float("nan"), float("nan")]})
    assert content_hash(one, ["k"]) == content_hash(two, ["k"])


@pytest.mark.parametrize(
    ("column", "values"),
    [
        ("score", pa.array([0.1 + 1e-12, None, float("nan"), 4.0])),
        ("score", pa.array([0.1, float("nan"), None, 4.0])),
        ("score", pa.array([0.1, None, float("nan"), 4.0]).cast(pa.float32())),
        ("at", pa.array([NOON + timedelta(microseconds=1)] * 4, pa.timestamp("us", tz="UTC"))),
        ("embedding", pa.array([[1.0], [2.0, 3.0, 4.0], None, []], pa.list_(pa.float32()))),
        ("embedding", pa.array([[1.0, 2.0], [3.0, 4.0], [], []], pa.list_(pa.float32()))),
        ("ok", pa.array([True, False, False, True])),
        ("n", pa.array([1, 2, 3, 0], pa.int32())),
        ("n", pa.array([1, 2, 3, None], pa.int64())),
        ("day", pa.array([date(2025, 9, 16), None, date(2025, 9, 17), date(2025, 9, 18)])),
        ("where", pa.array([{"x": 1, "y": "p"}, {"x": 2, "y": ""}, None, {"x": 4, "y": "s"}])),
        ("where", pa.array([{"x": 1, "z": "p"}, {"x": 2, "z": None}, None, {"x": 4, "z": "s"}])),
        ("blob", pa.array([b"\0", b"", None, b"abc"])),
        ("blob", pa.array(["", "\0", None, "abc"])),
    ],
)
def test_every_other_change_counts(table, column, values):
    assert content_hash(changed(table, column, values), ["row_id"]) != content_hash(table, ["row_id"])


def test_a_new_name_counts(table):
    renamed = table.rename_columns(["row_id", "skore", *table.column_names[2:]])
    assert content_hash(renamed, ["row_id"]) != content_hash(table, ["row_id"])


def test_a_lost_row_and_a_lost_column_count(table):
    assert content_hash(table.slice(1), ["row_id"]) != content_hash(table, ["row_id"])
    assert content_hash(table.drop_columns(["n"]), ["row_id"]) != content_hash(table, ["row_id"])


def test_an_empty_table_has_a_hash(table):
    empty = table.slice(0, 0)
    assert (
        content_hash(empty, ["row_id"]) == content_hash(empty, ["row_id"]) != content_hash(table, ["row_id"])
    )


def test_repeated_keys_are_refused(table):
    twice = pa.concat_tables([table, table.slice(0, 1)])
    with pytest.raises(DatasetError, match="1 rows repeat the key"):
        content_hash(twice, ["row_id"])


def test_a_type_without_a_canonical_form_is_refused():
    odd = pa.table({"k": [1], "x": pa.array([5], pa.duration("s")).cast(pa.duration("us"))})
    content_hash(odd, ["k"])  # durations are numbers
    maps = pa.table({"k": [1], "x": pa.array([[("a", 1)]], pa.map_(pa.string(), pa.int64()))})
    with pytest.raises(DatasetError, match="no canonical form"):
        content_hash(maps, ["k"])


def test_sha256_helpers(tmp_path):
    path = tmp_path / "x"
    path.write_bytes(b"abc")
    assert sha256_bytes(b"abc") == sha256_file(path) == hashlib.sha256(b"abc").hexdigest()
    assert sha256_texts(["ab", "c"]) != sha256_texts(["a", "bc"])
    assert sha256_texts([]) == hashlib.sha256().hexdigest()


def test_buckets_are_stable_and_even():
    assert [bucket_of(key) for key in ("fruit-000001", "fruit-000002", "ä")] == [3, 12, 3]
    counts = np.bincount([bucket_of(f"item-{i}") for i in range(8000)], minlength=N_BUCKETS)
    assert len(counts) == N_BUCKETS
    assert counts.min() > 400  # 500 expected, standard deviation 22
