"""Content and order of two versions of a table, and the rows that came back from a store."""

from __future__ import annotations

import json

import numpy as np
import pyarrow as pa
import pytest

from workbench.errors import GuardError
from workbench.guards import content, row_identity

ROWS = pa.table(
    {
        "row_id": ["a", "b", "c", "d"],
        "label": ["x", None, "x", "y"],
        "fee": [1.0, 2.0, None, float("nan")],
        "n": [1, 2, 3, None],
        "e": pa.array([[1.0, 2.0], [3.0, 4.0], None, [5.0, 6.0]], pa.list_(pa.float32())),
    }
)


def _with(name: str, values: object, rows: pa.Table = ROWS) -> pa.Table:
    column = values if isinstance(values, (pa.Array, pa.ChunkedArray)) else pa.array(values)
    return rows.set_column(rows.column_names.index(name), name, column)


def _sentence(after: pa.Table, before: pa.Table = ROWS) -> str:
    finding = content.check(content.measure(before, after))
    assert finding.fired
    json.dumps(finding.to_dict(), allow_nan=False)
    return finding.sentence


# -- content -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "after",
    [
        ROWS,
        ROWS.select(ROWS.column_names[::-1]),
        pa.concat_tables([ROWS.slice(0, 1), ROWS.slice(1)]),
        _with("label", ROWS["label"].dictionary_encode()),
    ],
)
def test_the_same_content_is_silent(after: pa.Table) -> None:
    evidence = content.measure(ROWS, after)
    assert (evidence.value, evidence.offenders) == (0, None)
    assert content.check(evidence).sentence == "4 rows are the same"
    assert content.check(evidence).word == "silent"


def test_another_order_fires_with_a_sentence_of_its_own() -> None:
    evidence = content.measure(ROWS, ROWS.take([3, 1, 2, 0]))
    finding = content.check(evidence)
    assert (finding.fired, evidence.value) == (True, 0)
    assert finding.sentence == "4 rows are the same, in another order"
    assert content.check(evidence, ordered=False).word == "silent"


def test_every_kind_of_difference_is_named() -> None:
    after = ROWS.take([3, 1, 0]).append_column("more", pa.array([1, 2, 3]))
    after = pa.concat_tables([after, after.slice(0, 1).set_column(0, "row_id", pa.array(["z"]))])
    after = _with("fee", [float("nan"), 2.5, 1.0, 9.0], after)
    evidence = content.measure(ROWS, after)
    assert evidence.n == 5
    assert evidence.value == 3 / 5
    assert evidence.columns == ("fee",)
    assert _sentence(after) == (
        "1 rows lost: c; 1 rows added: z; 1 rows changed: b; fee of 1 rows by up to 0.5; only one side has more"
    )
    assert [(row["key"], row["what"]) for row in evidence.offenders.to_pylist()] == [
        ("c", "lost"),
        ("z", "added"),
        ("b", "changed"),
    ]


@pytest.mark.parametrize(
    ("after", "said"),
    [
        (_with("fee", [1.0, 2.0 + 1e-12, None, float("nan")]), "fee of 1 rows by up to 1e-12"),
        (_with("label", ["x", None, "X", "y"]), "1 rows changed: c; label of 1 rows"),
        (_with("label", ["x", "", "x", "y"]), "1 rows changed: b; label of 1 rows"),
        (
            _with("e", pa.array([[1, 2], [3, 4.5], None, [5, 6]], pa.list_(pa.float32()))),
            "e of 1 rows by up to 0.5",
        ),
        (
            _with("e", pa.array([[1, 2], [3], None, [5, 6]], pa.list_(pa.float32()))),
            "1 rows changed: b; e of 1 rows",
        ),
        (_with("n", ROWS["n"].cast(pa.int32())), "the type of n is int64, then int32"),
        (_with("n", ROWS["n"].cast(pa.float64())), "the type of n is int64, then double"),
        (_with("fee", pa.array([1.0, 2.0, None, None])), "null and NaN changed places in fee"),
        (ROWS.slice(0, 0), "4 rows lost: a, b, c, d"),
        (ROWS.drop_columns(["n"]), "only one side has n"),
    ],
)
def test_one_difference_is_named(after: pa.Table, said: str) -> None:
    assert _sentence(after) == said or _sentence(after).endswith(f"; {said}")


def test_nulls_and_nans_inside_lists() -> None:
    before = pa.table({"row_id": [1], "e": pa.array([[1.0, None]])})
    after = pa.table({"row_id": [1], "e": pa.array([[1.0, float("nan")]])})
    assert _sentence(after, before) == "something inside lists or structs differs"


def test_large_integers() -> None:
    before, after = (pa.table({"row_id": [1], "n": [2**53 + i]}) for i in (0, 1))
    assert _sentence(after, before) == "1 rows changed: 1; n of 1 rows"


@pytest.mark.parametrize(
    ("before", "after", "said"),
    [
        (ROWS.slice(0, 0), ROWS, "no rows"),
        (ROWS, ROWS.drop_columns(["row_id"]), "no column 'row_id'"),
        (ROWS, pa.concat_tables([ROWS, ROWS]), "repeat the key"),
        (pa.concat_tables([ROWS, ROWS]), ROWS, "repeat the key"),
        (ROWS, _with("n", pa.array([[(1, 2)]] * 4, pa.map_(pa.int8(), pa.int8()))), "after"),
        (ROWS, pa.Table.from_arrays([pa.array(["a"])] * 3, ["row_id", "x", "x"]), "one name"),
    ],
)
def test_content_that_cannot_be_judged(before: pa.Table, after: pa.Table, said: str) -> None:
    with pytest.raises(GuardError, match=said):
        content.measure(before, after)


# -- row identity ------------------------------------------------------------------------------------------------


def _facts(got: pa.Table, columns: tuple[str, ...] = ("label", "fee", "n", "e")) -> dict[str, int]:
    evidence = row_identity.measure(ROWS, got, columns=columns)
    finding = row_identity.check(evidence)
    assert finding.fired == bool(evidence.value)
    json.dumps(finding.to_dict(), allow_nan=False)
    return {what: n for what, n in evidence.facts.items() if isinstance(n, int) and n}


def test_rows_that_came_back() -> None:
    assert _facts(ROWS) == {}
    assert _facts(ROWS.take([1, 0, 2, 3])) == {"reordered": 2}
    assert _facts(ROWS.slice(1)) == {"lost": 1}
    assert _facts(ROWS.take([0, 1, 2, 3, 1])) == {"repeated": 1}
    assert _facts(ROWS.slice(0, 0)) == {"lost": 4}
    assert _facts(_with("row_id", ["a", "b", "c", "z"])) == {"lost": 1, "added": 1}
    assert _facts(_with("row_id", ["a", "b", "z", "z"])) == {"lost": 2, "added": 2}


def test_labels_by_position_after_another_order() -> None:
    """The bug this guard is for: rows come back sorted otherwise, the labels are put beside them as they were."""
    got = _with("label", ROWS["label"], ROWS.take([1, 0, 2, 3]))
    evidence = row_identity.measure(ROWS, got, columns=["label"])
    assert evidence.facts["changed"] == 2
    assert evidence.columns == ("label",)
    shown = evidence.offenders.to_pylist()
    assert shown[0] == {"row_id": "b", "what": "changed", "column": "label", "asked": "None", "got": "x"}
    sentence = row_identity.check(evidence).sentence
    assert sentence == "of 4 rows asked for: 2 changed, 2 in another place"


def test_a_repeat_with_another_label_is_changed() -> None:
    got = pa.concat_tables([ROWS, _with("label", ["y"], ROWS.slice(0, 1))])
    assert _facts(got) == {"changed": 1, "repeated": 1}


def test_order_fires_only_where_asked() -> None:
    evidence = row_identity.measure(ROWS, ROWS.take([1, 0, 2, 3]))
    assert row_identity.check(evidence).word == "silent"
    assert row_identity.check(evidence, ordered=True).fired
    same = row_identity.measure(ROWS, ROWS)
    assert not row_identity.check(same, ordered=True).fired
    assert row_identity.check(same).sentence == "of 4 rows asked for: all there"


def test_keys_and_labels_of_other_types() -> None:
    asked = pa.table({"row_id": [1, 2], "label": [0, 1]})
    got = pa.table({"row_id": ["2", "1"], "label": [1.0, 0.0]})
    assert row_identity.measure(asked, got, columns=["label"]).value == 0


def test_every_kind_of_offender_is_shown() -> None:
    ids = np.arange(1000)
    asked = pa.table({"row_id": ids, "label": ids})
    got = pa.table({"row_id": np.r_[ids[500:], ids[500:], ids + 5000], "label": np.r_[ids, ids + 7000]})
    evidence = row_identity.measure(asked, got, columns=["label"])
    rows = evidence.offenders.to_pylist()
    assert len(rows) == 100
    assert {row["what"] for row in rows} == {"lost", "changed", "added", "repeated"}


@pytest.mark.parametrize(
    ("asked", "got", "said"),
    [
        (ROWS.slice(0, 0), ROWS, "no rows"),
        (pa.concat_tables([ROWS, ROWS]), ROWS, "'a' was asked for more than once"),
        (ROWS, ROWS.drop_columns(["label"]), "no column 'label'"),
        (ROWS, ROWS.drop_columns(["row_id"]), "no column 'row_id'"),
        (ROWS, ROWS.slice(0, 0).drop_columns(["row_id"]), "no column 'row_id'"),
    ],
)
def test_rows_that_cannot_be_judged(asked: pa.Table, got: pa.Table, said: str) -> None:
    with pytest.raises(GuardError, match=said):
        row_identity.measure(asked, got, columns=["label"])
