"""Pairs, row identity and content say what a loop over all rows says."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pyarrow as pa
from hypothesis import event, given
from hypothesis import strategies as st

from workbench.guards import content, row_identity
from workbench.guards.pairing import pair
from workbench.hashing import content_hash, order_hash

# Few keys and few values, so that losses, repeats and changes are common.
keys = st.sampled_from(["a", "b", "c", "d", "e", "f", None])
cells = st.sampled_from([None, 1.0, 2.0, float("nan"), -0.0, 0.0])
labels = st.sampled_from(["x", "y", None])
rows_of = st.tuples(keys, labels, cells)
unique_rows = st.lists(rows_of, max_size=7, unique_by=lambda row: row[0])
some_unique_rows = st.lists(rows_of, min_size=1, max_size=7, unique_by=lambda row: row[0])


def table(rows: list[tuple]) -> pa.Table:
    ids, label, x = zip(*rows, strict=True) if rows else ([], [], [])
    return pa.table(
        {
            "row_id": pa.array(ids, pa.string()),
            "label": pa.array(label, pa.string()),
            "x": pa.array(x, pa.float64()),
        }
    )


def missing_is_one(row: tuple) -> tuple:
    """Make null and NaN one; in Python -0.0 equals 0.0 already."""
    return tuple(None if isinstance(cell, float) and np.isnan(cell) else cell for cell in row)


@given(st.lists(st.tuples(keys, labels), max_size=12), st.lists(st.tuples(keys, labels), max_size=12))
def test_pairs_are_those_of_a_loop(left, right):
    names = ["row_id", "label"]
    tables = [table([(*row, None) for row in rows]) for rows in (left, right)]
    found = pair(*tables, names, "test")
    first = [{row: i for i, row in reversed(list(enumerate(rows)))} for rows in (left, right)]
    both = [row for row in dict.fromkeys(left) if row in first[1]]
    assert found.left.tolist() == [first[0][row] for row in both]
    assert found.right.tolist() == [first[1][row] for row in both]
    assert found.only_left.tolist() == [
        i for row, i in sorted(first[0].items(), key=lambda of: of[1]) if row not in first[1]
    ]
    assert found.only_right.tolist() == [
        i for row, i in sorted(first[1].items(), key=lambda of: of[1]) if row not in first[0]
    ]
    for rows, known, repeats in zip(
        (left, right), first, (found.repeats_left, found.repeats_right), strict=True
    ):
        assert repeats.tolist() == [[i, known[row]] for i, row in enumerate(rows) if known[row] != i]


@given(some_unique_rows, st.lists(rows_of, max_size=9))
def test_row_identity_is_a_count(asked, got):
    facts = row_identity.measure(table(asked), table(got), columns=["label", "x"]).facts
    wanted = {row[0]: missing_is_one(row) for row in asked}
    came = Counter(row[0] for row in got)
    expected = {
        "lost": len(wanted.keys() - came.keys()),
        "added": sum(n for key, n in came.items() if key not in wanted),
        "repeated": sum(n - 1 for key, n in came.items() if key in wanted),
        "changed": sum(row[0] in wanted and wanted[row[0]] != missing_is_one(row) for row in got),
    }
    event(f"something is wrong: {any(expected.values())}")
    assert {what: facts[what] for what in expected} == expected
    assert len(asked) - facts["lost"] + facts["added"] + facts["repeated"] == len(got)
    order = [list(wanted).index(key) for key in dict.fromkeys(row[0] for row in got) if key in wanted]
    assert (facts["reordered"] > 0) == (order != sorted(order))


@given(some_unique_rows, st.randoms(use_true_random=False))
def test_what_only_changed_places_is_silent(rows, random):
    shuffled = random.sample(rows, len(rows))
    evidence = row_identity.measure(table(rows), table(shuffled), columns=["label", "x"])
    assert not row_identity.check(evidence).fired
    assert row_identity.check(evidence, ordered=True).fired == (shuffled != rows)
    evidence = content.measure(table(rows), table(shuffled))
    assert evidence.value == 0
    assert content.check(evidence).fired == (shuffled != rows)
    assert not content.check(evidence, ordered=False).fired


@given(some_unique_rows, unique_rows)
def test_content_is_what_a_dictionary_says(before, after):
    evidence = content.measure(table(before), table(after))
    facts = evidence.facts
    assert facts["content_equal"] == (
        content_hash(table(before), ["row_id"]) == content_hash(table(after), ["row_id"])
    )
    assert facts["order_equal"] == (
        order_hash(table(before), ["row_id"]) == order_hash(table(after), ["row_id"])
    )
    finding = content.check(evidence)
    assert finding.fired == (not facts["content_equal"] or not facts["order_equal"])
    if facts["content_equal"]:
        return
    was, now = ({row[0]: missing_is_one(row) for row in rows} for rows in (before, after))
    assert facts["lost"] == len(was.keys() - now.keys())
    assert facts["added"] == len(now.keys() - was.keys())
    changed = [key for key in was.keys() & now.keys() if was[key] != now[key]]
    assert facts["changed"] == len(changed)
    assert np.isclose(evidence.value, (facts["lost"] + facts["added"] + len(changed)) / len({*was, *now}))
    named = facts["lost"] or facts["added"] or changed or facts["nulls_differ"]
    event(f"only nulls differ: {bool(facts['nulls_differ']) and not changed}")
    assert named  # whatever the hash saw is said
