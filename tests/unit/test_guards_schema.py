"""Schema: what was learned passes, and each kind of broken rule is named with its column and rows."""

from __future__ import annotations

import json

import numpy as np
import pandera.pandas as pandera
import pyarrow as pa
import pytest

from workbench.errors import GuardError
from workbench.guards import schema

N = 400
RNG = np.random.default_rng(5)
GOOD = pa.table(
    {
        "item_id": [f"m{i}" for i in range(N)],
        "fee": RNG.choice([19.9, 29.9, 39.9], N),
        "tenure": RNG.integers(30, 3000, N),
        "balance": RNG.normal(0, 10, N),
        "trend": pa.array(np.where(RNG.random(N) < 0.1, np.nan, RNG.random(N))),
        "visits": pa.array([None if i % 50 == 0 else i % 7 for i in range(N)]),
        "plan": RNG.choice(["basic", "plus"], N),
        "annual": RNG.random(N) < 0.3,
        "when": pa.array(np.arange(N), pa.timestamp("us", "UTC")),
        "embedding": pa.array(RNG.normal(size=(N, 3)).tolist(), pa.list_(pa.float32())),
        "price": pa.array(np.arange(N)).cast(pa.decimal256(60, 2)),
        "nested": pa.array([[[1]]] * N, pa.list_(pa.large_list(pa.int8()))),
        "constant": [7] * N,
        "nothing": pa.nulls(N),
    }
)
LEARNED = schema.learn(GOOD)


def _with(name: str, values: object, rows: pa.Table = GOOD) -> pa.Table:
    column = values if isinstance(values, (pa.Array, pa.ChunkedArray)) else pa.array(values)
    return rows.set_column(rows.column_names.index(name), name, column)


def _broken(rows: pa.Table, rules: pandera.DataFrameSchema = LEARNED) -> list[tuple[str, str, int | None]]:
    evidence = schema.measure(rows, rules)
    finding = schema.check(evidence)
    assert finding.fired == bool(evidence.facts["broken"])
    json.dumps(finding.to_dict(), allow_nan=False)
    return [(rule["column"], rule["rule"].split("(")[0], rule["rows"]) for rule in evidence.facts["broken"]]


@pytest.mark.parametrize(
    "rows",
    [
        GOOD,
        GOOD.slice(7, 1),
        _with("plan", GOOD["plan"].cast(pa.large_string())),
        _with("plan", GOOD["plan"].dictionary_encode()),
        _with("when", GOOD["when"].cast(pa.timestamp("ns", "Asia/Tokyo"))),
        _with("embedding", GOOD["embedding"].cast(pa.list_(pa.float32(), 3))),
        _with("embedding", GOOD["embedding"].cast(pa.large_list(pa.float32()))),
        _with("trend", [None] * (N - 1) + [0.5]),
        _with("constant", [9] * N),  # one value is no range
        _with("nothing", ["a"] * N),  # nothing was seen: anything may come
        _with("balance", GOOD["balance"].to_numpy() + 5),  # drift
    ],
)
def test_what_is_as_learned_is_silent(rows: pa.Table) -> None:
    assert _broken(rows) == []


@pytest.mark.parametrize(
    ("rows", "expected"),
    [
        (_with("fee", GOOD["fee"].to_numpy() * 100), ("fee", "in_range", N)),
        (_with("fee", [None, *GOOD["fee"].to_pylist()[1:]]), ("fee", "not_nullable", 1)),
        (_with("fee", [float("nan")] * N), ("fee", "not_nullable", N)),
        (_with("tenure", [-1, *GOOD["tenure"].to_pylist()[1:]]), ("tenure", "in_range", 1)),
        (_with("tenure", GOOD["tenure"].cast(pa.float64())), ("tenure", "dtype", None)),
        (_with("trend", [float("inf")] * N), ("trend", "in_range", N)),
        (_with("plan", ["Basic"] * N), ("plan", "isin", N)),
        (_with("when", GOOD["when"].cast(pa.timestamp("us"))), ("when", "dtype", None)),
        (_with("embedding", GOOD["embedding"].cast(pa.list_(pa.float64()))), ("embedding", "dtype", None)),
        (_with("price", [1] * N), ("price", "dtype", None)),
        (_with("nested", [b"x"] * N), ("nested", "dtype", None)),
        (GOOD.drop_columns(["fee"]), ("fee", "column_in_dataframe", None)),
        (GOOD.append_column("more", GOOD["fee"]), ("more", "column_in_schema", None)),
    ],
)
def test_one_broken_rule_is_named(rows: pa.Table, expected: tuple[str, str, int | None]) -> None:
    assert _broken(rows) == [expected]


def test_another_order_of_columns() -> None:
    names = GOOD.column_names
    assert {rule for _, rule, _ in _broken(GOOD.select([names[1], names[0], *names[2:]]))} == {
        "column_ordered"
    }


def test_several_rules_the_worst_first_and_cells_of_each() -> None:
    rows = _with("plan", ["?", *GOOD["plan"].to_pylist()[1:]], _with("fee", GOOD["fee"].to_numpy() * 100))
    evidence = schema.measure(rows, LEARNED)
    assert evidence.columns == ("fee", "plan")
    assert evidence.value == 2
    shown = evidence.offenders.to_pylist()
    assert len(shown) <= 100
    assert {"row": 0, "column": "plan", "rule": shown[-1]["rule"], "value": "?"} == shown[-1]
    sentence = schema.check(evidence).sentence
    assert sentence.startswith("2 rules are broken: fee: in_range(")
    assert "plan: isin(['basic', 'plus']) (1 rows)" in sentence


def test_the_zero_of_a_column_without_negatives_is_kept_and_else_the_range_is_wider() -> None:
    learned = schema.learn(
        pa.table({"up": [2.0, 10.0], "down": [-10, -2], "both": [-4.0, 4.0], "far": [90.0, 92.0]})
    )

    def passes(**cells: float) -> bool:
        row = {"up": 3.0, "down": -3, "both": 0.0, "far": 91.0} | cells
        return not schema.measure(pa.table({k: [v] for k, v in row.items()}), learned).value

    assert passes(up=14.0) and passes(up=0.0) and not passes(up=14.1) and not passes(up=-0.1)  # noqa: PT018
    assert passes(down=-14) and passes(down=0) and not passes(down=-15) and not passes(down=1)  # noqa: PT018
    assert passes(both=-8.0) and passes(both=8.0) and not passes(both=8.1)  # noqa: PT018
    assert passes(far=89.0) and not passes(far=88.9)  # noqa: PT018


def test_texts_of_many_values_are_no_categories() -> None:
    assert LEARNED.columns["item_id"].checks == []
    assert schema.learn(GOOD, max_categories=1).columns["plan"].checks == []


def test_a_schema_that_others_wrote_in_ordinary_pandas_types() -> None:
    theirs = pandera.DataFrameSchema(
        {
            "fee": pandera.Column(float, pandera.Check.lt(35)),
            "plan": pandera.Column(str, unique=True),
            "trend": pandera.Column(float, nullable=False),
        },
        checks=pandera.Check(lambda rows: rows["fee"].mean() < 3, name="mean fee below 3"),
    )
    found = _broken(GOOD, theirs)
    n_dear = sum(fee > 35 for fee in GOOD["fee"].to_pylist())
    n_gone = int(np.isnan(GOOD["trend"].to_numpy()).sum())
    assert set(found) == {
        ("", "mean fee below 3", None),
        ("fee", "less_than", n_dear),
        ("plan", "field_uniqueness", N),
        ("trend", "not_nullable", n_gone),
    }
    assert not theirs.columns["trend"].nullable  # theirs is left as it was
    assert theirs.columns["fee"].checks[0].n_failure_cases is None


def test_what_cannot_be_judged() -> None:
    for act in (lambda: schema.measure(GOOD.slice(0, 0), LEARNED), lambda: schema.learn(GOOD.slice(0, 0))):
        with pytest.raises(GuardError, match="no rows"):
            act()
    twice = pa.Table.from_arrays([pa.array([1])] * 2, ["x", "x"])
    with pytest.raises(GuardError, match="one name"):
        schema.learn(twice)
