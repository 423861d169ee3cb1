"""Whatever the rows are: one content, one hash, through every writer we use."""

from __future__ import annotations

import io

import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from hypothesis import given
from hypothesis import strategies as st

from workbench.hashing import content_hash

texts = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=8)
floats = st.floats(allow_nan=True, width=64)
rows = st.lists(
    st.tuples(st.none() | texts, st.none() | floats, st.none() | st.integers(-(2**62), 2**62), st.booleans()),
    max_size=12,
)
lists = st.lists(
    st.none() | st.lists(st.floats(allow_nan=False, width=32), max_size=4), min_size=1, max_size=8
)


def to_table(values: list[tuple]) -> pa.Table:
    columns = list(zip(*values, strict=True)) if values else [[], [], [], []]
    return pa.table(
        {
            "key": pa.array(range(len(values)), pa.int64()),
            "text": pa.array(columns[0], pa.string()),
            "real": pa.array(columns[1], pa.float64()),
            "whole": pa.array(columns[2], pa.int64()),
            "flag": pa.array(columns[3], pa.bool_()),
        }
    )


@given(rows, st.randoms(use_true_random=False))
def test_shuffled_and_cut_into_chunks(values, random):
    table = to_table(values)
    order = list(range(len(values)))
    random.shuffle(order)
    other = table.take(pa.array(order, pa.int64()))
    cut = random.randint(0, len(values))
    other = pa.concat_tables([other.slice(0, cut), other.slice(cut)])
    assert content_hash(other, ["key"]) == content_hash(table, ["key"])


@given(rows, st.integers(1, 5))
def test_through_parquet(values, row_group_size):
    table = to_table(values)
    stream = io.BytesIO()
    pq.write_table(table, stream, row_group_size=row_group_size, use_dictionary=True)
    assert content_hash(pq.read_table(stream), ["key"]) == content_hash(table, ["key"])


@given(rows)
def test_through_a_dictionary_column(values):
    table = to_table(values)
    other = table.set_column(1, "text", table["text"].dictionary_encode())
    assert content_hash(other, ["key"]) == content_hash(table, ["key"])


@given(
    st.lists(
        st.tuples(texts, st.floats(allow_nan=False), st.integers(-(2**62), 2**62), st.booleans()), max_size=9
    )
)
def test_through_pandas(values):
    """Without nulls: pandas cannot tell a missing float from NaN."""
    table = to_table(values)
    other = pa.Table.from_pandas(table.to_pandas(), schema=table.schema, preserve_index=False)
    assert content_hash(other, ["key"]) == content_hash(table, ["key"])


@given(rows)
def test_through_duckdb(values):
    table = to_table(values)
    with duckdb.connect() as con:
        con.register("t", table)
        other = con.sql("SELECT * FROM t").to_arrow_table()
    assert content_hash(other, ["key"]) == content_hash(table, ["key"])


@given(lists, st.data())
def test_a_list_that_changes_by_one_bit(values, data):
    table = pa.table({"key": range(len(values)), "v": pa.array(values, pa.list_(pa.float32()))})
    full = [i for i, v in enumerate(values) if v]
    if not full:
        return
    row = data.draw(st.sampled_from(full))
    place = data.draw(st.integers(0, len(values[row]) - 1))
    other = [list(v) if v is not None else None for v in values]
    bits = np.float32(other[row][place]).view(np.uint32) ^ np.uint32(1)
    other[row][place] = float(bits.view(np.float32))
    changed = table.set_column(1, "v", pa.array(other, pa.list_(pa.float32())))
    assert content_hash(changed, ["key"]) != content_hash(table, ["key"])


@given(st.lists(st.lists(texts, max_size=3), min_size=2, max_size=6))
def test_borders_between_values_count(values):
    """["ab", "c"] and ["a", "bc"] hold the same letters."""
    one = pa.table({"key": range(len(values)), "v": pa.array(values, pa.list_(pa.string()))})
    joined = [["".join(v)] for v in values]
    two = one.set_column(1, "v", pa.array(joined, pa.list_(pa.string())))
    assert (content_hash(one, ["key"]) == content_hash(two, ["key"])) == (values == joined)
