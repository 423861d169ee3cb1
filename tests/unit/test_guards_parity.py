"""Parity: what is equal is silent, what differs is counted, and the shape of the difference is named."""

from __future__ import annotations

import json

import numpy as np
import pyarrow as pa
import pytest

from workbench.errors import GuardError
from workbench.guards import parity

N = 200
IDS = [f"m{i}" for i in range(N)]
RNG = np.random.default_rng(3)
X = RNG.normal(0, 40, N)
X[::9] = np.nan
COUNTS = RNG.poisson(4, N)
WINDOWS = ("visits_7d", "visits_30d", "visits_90d")


def _table(**columns: object) -> pa.Table:
    n = len(next(iter(columns.values())))
    made = {k: v if isinstance(v, pa.Array) else pa.array(v, from_pandas=True) for k, v in columns.items()}
    return pa.table({"item_id": IDS[:n], **made})


def _shape(was: object, became: object, **options: object) -> tuple[str, str]:
    """Return shape and detail of one column; the online rows come in another order."""
    online = _table(x=became)
    shuffled = online.take(np.random.default_rng(0).permutation(online.num_rows))
    seen = parity.measure(_table(x=was), shuffled, **options).facts["by_column"]["x"]
    return seen["shape"], seen["detail"]


# -- what is equal -----------------------------------------------------------------------------------------------

EQUAL = {
    "both null": (pa.array([None, 1.5]), pa.array([None, 1.5])),
    "null and NaN": (pa.array([None, 1.5]), pa.array([float("nan"), 1.5])),
    "null and nothing": (pa.array([None, None], pa.float64()), pa.nulls(2)),
    "infinity": (pa.array([float("inf"), -float("inf")]), pa.array([float("inf"), -float("inf")])),
    "integers as floats": (pa.array([1, None]), pa.array([1.0, None])),
    "integers as text": (pa.array([1, None]), pa.array(["1", None])),
    "single precision": (pa.array([0.1, 1e9 / 3]), pa.array([0.1, 1e9 / 3], pa.float32())),
    "booleans as numbers": (pa.array([True, False]), pa.array([1, 0])),
    "large numbers": (pa.array([2**63, 1], pa.uint64()), pa.array([2**63, 1], pa.uint64())),
    "unlike integers": (pa.array([2**62, -1]), pa.array([2**62, -1]).cast(pa.int64())),
    "decimals": (pa.array([1, 2]).cast(pa.decimal128(25, 2)), pa.array([1.0, 2.0])),
    "texts": (pa.array(["a", None]), pa.array(["a", None], pa.large_string())),
    "dictionaries": (pa.array(["a", "b"]), pa.array(["a", "b"]).dictionary_encode()),
    "times": (
        pa.array([0, 1], pa.timestamp("s", "UTC")),
        pa.array([0, 10**9], pa.timestamp("ns", "Asia/Tokyo")),
    ),
    "dates": (pa.array([0, 1], pa.date32()), pa.array([0, 86_400], pa.timestamp("s"))),
    "vectors": (pa.array([[0.1, 2.0], None]), pa.array([[0.1, 2.0], None], pa.list_(pa.float32(), 2))),
    "vectors with gaps": (pa.array([[0.1, None], [1, 2]]), pa.array([[0.1, float("nan")], [1, 2]])),
    "lists of any length": (pa.array([[1], [1, 2]]), pa.array([[1], [1, 2]])),
    "lists of texts": (pa.array([["a"], []]), pa.array([["a"], []])),
    "structs": (pa.array([{"a": 1}, None]), pa.array([{"a": 1}, None])),
    "bytes": (pa.array([b"a", b""]), pa.array([b"a", b""])),
}


@pytest.mark.parametrize("case", EQUAL)
def test_equal_values_are_silent(case: str) -> None:
    was, became = EQUAL[case]
    evidence = parity.measure(_table(x=was), _table(x=became).take([1, 0]))
    assert evidence.facts["by_column"]["x"]["shape"] == "equal"
    assert evidence.value == 0
    assert (evidence.columns, evidence.offenders) == ((), None)
    assert parity.check(evidence).word == "silent"


DIFFERENT = {
    "a null is no zero": (pa.array([0.0]), pa.array([None], pa.float64())),
    "infinity": (pa.array([float("inf")]), pa.array([5.0])),
    "infinity of the other sign": (pa.array([float("inf")]), pa.array([-float("inf")])),
    "integers, beyond the tolerance of floats": (pa.array([10**8]), pa.array([10**8 + 1])),
    "integers beyond 53 bits": (pa.array([2**53]), pa.array([2**53 + 1])),
    "large numbers": (pa.array([2**63], pa.uint64()), pa.array([2**63 + 1], pa.uint64())),
    "a microsecond": (pa.array([0], pa.timestamp("us")), pa.array([1], pa.timestamp("us"))),
    "a capital": (pa.array(["a"]), pa.array(["A"])),
    "text and number": (pa.array(["a"]), pa.array([1])),
    "one number of a vector": (pa.array([[1.0, 2.0]]), pa.array([[1.0, 2.1]])),
    "the length of a vector": (pa.array([[1.0, 2.0]]), pa.array([[1.0]])),
    "no vector": (pa.array([[1.0, 2.0]]), pa.array([None], pa.list_(pa.float64()))),
    "a gap in a vector": (pa.array([[1.0, 2.0]]), pa.array([[1.0, None]])),
    "structs": (pa.array([{"a": 1}]), pa.array([{"a": 2}])),
}


@pytest.mark.parametrize("case", DIFFERENT)
def test_one_different_cell_is_found_and_has_no_shape(case: str) -> None:
    evidence = parity.measure(_table(x=DIFFERENT[case][0]), _table(x=DIFFERENT[case][1]))
    seen = evidence.facts["by_column"]["x"]
    assert (seen["cells"], seen["shape"]) == (1, "other")
    assert parity.check(evidence).fired


# -- shapes ------------------------------------------------------------------------------------------------------

SHAPES = {
    "cents": (X, X * 100, ("unit", "x 100 (cents, per cent)")),
    "months": (X, X / 30.4, ("unit", "/ 30.4 (days in a month)")),
    "an unknown ratio, in single precision": (X, (X * 0.37).astype(np.float32), ("unit", "x 0.37")),
    "the sign": (X, -X, ("unit", "x -1")),
    "zeros stay zero": (COUNTS, COUNTS * 24, ("unit", "x 24 (hours in a day)")),
    "a flag": (COUNTS > 4, (COUNTS > 4) * 100, ("unit", "x 100 (cents, per cent)")),
    "half of the rows": (X, np.where(np.arange(N) % 2, X, X * 100), ("unit", "x 100 (cents, per cent)")),
    "rounded months": (COUNTS * 97, COUNTS * 97 // 30.4, ("unit", "/ 30.4 (days in a month), rounded")),
    "degrees": (X, X * 1.8 + 32, ("unit", "x 1.8, then +32")),
    "cents, and -1 for null": (
        X,
        np.nan_to_num(X * 100, nan=-1),
        ("unit", "x 100 (cents, per cent); null became -1"),
    ),
    "int()": (X, np.trunc(X), ("cast", "cut to whole numbers")),
    "floor": (X, np.floor(X), ("cast", "rounded down")),
    "two digits": (X, np.round(X, 2), ("cast", "rounded to 2 digits")),
    "half precision": (X, X.astype(np.float16), ("cast", "half precision")),
    "bool()": (COUNTS, COUNTS > 0, ("cast", "true or false")),
    "null to zero": (X, np.nan_to_num(X), ("default", "null became 0")),
    "null to -1": (X, np.nan_to_num(X, nan=-1), ("default", "null became -1")),
    "null to the mean": (X, np.where(np.isnan(X), 1.25, X), ("default", "null became 1.25")),
    "service down": (COUNTS, np.zeros(N), ("default", "every value became 0")),
    "a share that became 0, as a cast would make it": (X % 1, X % 1 * 0, ("default", "every value became 0")),
    "service down, nulls too": (X, np.zeros(N), ("default", "every value became 0")),
    "store empty": (X, np.full(N, np.nan), ("default", "every value became null")),
    "store half empty": (
        COUNTS,
        np.where(np.arange(N) % 2, COUNTS, np.nan),
        ("default", "100 cells became null"),
    ),
    "unknown category": (np.array(["a", "b"])[COUNTS % 2], ["?"] * N, ("default", "every value became '?'")),
    "kelvin": (X, X + 273.15, ("offset", "+273.15")),
    "off by one": (COUNTS, COUNTS + 1, ("offset", "+1")),
    "capitals": (["basic"] * N, ["Basic "] * N, ("other", "only capitals, or blanks at the ends, differ")),
    "large integers, nearly one difference": (
        10**9 + np.arange(N),
        10**9 + 28_800 + 2 * np.arange(N) + COUNTS,
        ("other", ""),
    ),
    "a constant column": ([5.0] * N, [500.0] * N, ("other", "")),
    "a constant text": (["a"] * N, ["b"] * N, ("other", "")),
    "negated": (COUNTS > 4, COUNTS <= 4, ("other", "")),
    "nulls became many things": (X, np.where(np.isnan(X), np.arange(N), X), ("other", "")),
    "two differing rows": (
        X,
        np.r_[X[0], X[1:3] * 100, X[3:]],
        ("other", "too few rows to read a shape from"),
    ),
    "noise": (X, X + RNG.normal(size=N), ("other", "")),
}


@pytest.mark.parametrize("case", SHAPES)
def test_a_shape_is_named(case: str) -> None:
    was, became, expected = SHAPES[case]
    assert _shape(was, became) == expected


def test_hours_of_a_time_zone() -> None:
    seconds = np.arange(N) * 977
    was, became = (
        pa.array(seconds, pa.timestamp("s", "UTC")),
        pa.array(seconds + 8 * 3600, pa.timestamp("s", "UTC")),
    )
    assert _shape(was, became) == ("offset", "+8 h")
    assert _shape(was, pa.array(seconds + 1, pa.timestamp("s"))) == ("offset", "+1 s")
    assert _shape(was, pa.array(seconds * 2, pa.timestamp("s", "UTC"))) == ("other", "")


def test_roundings_have_no_shape_even_where_nothing_is_tolerated() -> None:
    shape, detail = _shape(X, X.astype(np.float32), rtol=0.0, atol=0.0)
    assert shape in {"other", "cast"}
    assert "rounding" in detail or "precision" in detail


def test_swaps_of_two_and_of_three() -> None:
    columns = {"a": X, "b": COUNTS, "c": X**2, "d": np.array(["p", "q"])[COUNTS % 2]}
    offline = _table(**columns)

    def shapes(**online: object) -> list[tuple[str, str]]:
        seen = parity.measure(offline, _table(**columns | online)).facts["by_column"]
        return [(seen[name]["shape"], seen[name]["detail"]) for name in "abcd"]

    ok = ("equal", "")
    assert shapes() == [ok] * 4
    assert shapes(a=COUNTS, b=X) == [("swap", "holds b"), ("swap", "holds a"), ok, ok]
    assert shapes(a=COUNTS, b=X**2, c=X) == [
        ("swap", "holds b"),
        ("swap", "holds c"),
        ("swap", "holds a"),
        ok,
    ]
    assert shapes(b=X) == [ok, ("swap", "holds a"), ok, ok]  # one column twice


def test_swapped_flags_and_swapped_constants() -> None:
    p, q = COUNTS > 4, COUNTS % 2 == 0
    seen = parity.measure(_table(p=p, q=q), _table(p=q, q=p)).facts["by_column"]
    assert {of["shape"] for of in seen.values()} == {"swap"}
    one, two = [1] * N, [2] * N
    seen = parity.measure(_table(p=one, q=two), _table(p=two, q=one)).facts["by_column"]
    assert {of["shape"] for of in seen.values()} == {"swap"}
    seen = parity.measure(_table(p=one, q=two), _table(p=two, q=two)).facts["by_column"]
    assert seen["p"]["shape"] == "other"  # a swap, a unit or an offset: nobody can tell


def test_embeddings() -> None:
    e = RNG.normal(size=(N, 8)).astype(np.float32)

    def vectors(x: np.ndarray) -> pa.Array:
        return pa.FixedSizeListArray.from_arrays(pa.array(x.reshape(-1)), 8)

    gone = pa.array([None if i % 2 else row for i, row in enumerate(e.tolist())], pa.list_(pa.float32()))
    assert _shape(vectors(e), vectors(e * 255)) == ("unit", "x 255 (grey levels)")
    assert _shape(vectors(e), vectors(e.astype(np.float16).astype(np.float32))) == ("cast", "half precision")
    assert _shape(vectors(e), vectors(e * 0)) == ("default", "every value became 8 times 0")
    assert _shape(vectors(e), gone) == ("default", "100 cells became null")
    scaled = vectors(e / np.linalg.norm(e, axis=1, keepdims=True))
    assert _shape(vectors(e), scaled) == ("other", "only the lengths of the vectors differ")
    evidence = parity.measure(_table(x=vectors(e)), _table(x=vectors(e[:, ::-1].copy())))
    seen = evidence.facts["by_column"]["x"]
    assert seen["shape"] == "other"
    assert seen["detail"].startswith("median cosine")
    assert -1 <= seen["cosine_least"] <= seen["cosine_median"] < 0.7


# -- windows and earlier values ----------------------------------------------------------------------------------


def _visits() -> dict[str, np.ndarray]:
    v7 = RNG.poisson(2, N)
    v30 = v7 + RNG.poisson(6, N)
    return dict(zip(WINDOWS, (v7, v30, v30 + RNG.poisson(15, N)), strict=True))


def test_windows() -> None:
    offline = _visits()
    v7, v30, v90 = (offline[name] for name in WINDOWS)

    def shape(became: np.ndarray, windows: tuple[str, ...] = WINDOWS) -> tuple[str, str]:
        online = _table(**offline | {"visits_30d": became})
        seen = parity.measure(_table(**offline), online, windows=windows).facts["by_column"]["visits_30d"]
        return seen["shape"], seen["detail"]

    shorter, longer = v30 - RNG.binomial(v30 - v7, 0.4), v30 + RNG.binomial(v90 - v30, 0.3)
    assert shape(shorter) == ("window", "behaves like a shorter window, towards visits_7d")
    assert shape(longer) == ("window", "behaves like a longer window, towards visits_90d")
    assert shape(v7) == ("window", "holds visits_7d")
    assert shape(shorter, windows=()) == ("other", "")
    assert shape(np.maximum(v7 - 1, 0)) == ("other", "")  # below the next window: events were lost
    assert shape(np.where(np.arange(N) % 2, shorter, longer)) == ("other", "")
    few = np.cumsum(v30 > v7 + 2) <= 8
    fewer = np.clip(v30 - 1 - np.arange(N) % 3, v7, v30)
    assert shape(np.where(few, fewer, v30)) == ("other", "")  # coins fall so too
    assert shape(fewer)[0] == "window"


def test_windows_that_are_swapped_are_swapped() -> None:
    offline = _visits()
    online = offline | {"visits_7d": offline["visits_90d"], "visits_90d": offline["visits_7d"]}
    seen = parity.measure(_table(**offline), _table(**online), windows=WINDOWS).facts["by_column"]
    assert (seen["visits_7d"]["shape"], seen["visits_90d"]["shape"]) == ("swap", "swap")


def test_stale_values_need_the_earlier_ones() -> None:
    was = np.where(RNG.random(N) < 0.4, X - RNG.normal(0, 5, N), X)
    earlier = _table(x=was)
    assert _shape(X, was, earlier=earlier) == ("stale", "holds the values of an earlier time")
    assert _shape(X, was) == ("other", "")
    two_times = pa.concat_tables([_table(x=was - 1), earlier])
    assert _shape(X, was, earlier=two_times)[0] == "stale"
    assert _shape(X, was + 0.5, earlier=two_times)[0] == "other"


def test_a_stale_store_has_no_row_for_a_new_key() -> None:
    was = np.where(np.arange(N) < 150, X - 2 * np.arange(N), np.nan)
    assert _shape(X, was, earlier=_table(x=was).slice(0, 150))[0] == "stale"


def test_an_age_in_a_stale_store_is_stale_and_not_an_offset() -> None:
    """A column that grows by a day a day was smaller by the same number everywhere."""
    assert _shape(X, X - 28) == ("offset", "-28")
    assert _shape(X, X - 28, earlier=_table(x=X - 28))[0] == "stale"
    assert _shape(X, X - 28, earlier=_table(x=X - 7)) == ("offset", "-28")


def test_a_stale_flag_needs_one_earlier_time() -> None:
    flag, was = COUNTS > 4, np.where(RNG.random(N) < 0.2, COUNTS <= 4, COUNTS > 4)
    assert _shape(flag, was, earlier=_table(x=was))[0] == "stale"
    assert _shape(flag, was, earlier=pa.concat_tables([_table(x=was), _table(x=~was)]))[0] == "other"


def test_earlier_values_of_other_keys_explain_nothing() -> None:
    was = X - 2
    others = _table(x=was).set_column(0, "item_id", pa.array([f"other{i}" for i in range(N)]))
    assert _shape(X, was, earlier=others)[0] == "offset"


# -- keys --------------------------------------------------------------------------------------------------------


def test_keys_on_one_side_only_are_counted_and_fire() -> None:
    offline, online = _table(x=X), _table(x=X).slice(1)
    evidence = parity.measure(offline, online)
    finding = parity.check(evidence)
    assert finding.fired
    assert finding.sentence == "1 column equal in 199 pairs; keys on one side only: 1 offline, 0 online"
    assert evidence.facts["first_keys_offline_only"] == ["m0"]
    assert parity.check(evidence, lost=1.0).word == "silent"
    assert parity.check(parity.measure(online, offline)).evidence.facts["keys_online_only"] == 1


def test_a_key_that_a_store_wrote_as_text() -> None:
    offline = pa.table({"item_id": [1, 2, 3], "x": [1.0, 2.0, 3.0]})
    online = pa.table({"item_id": ["3", "1", "2"], "x": [3.0, 1.0, 2.0]})
    assert parity.check(parity.measure(offline, online)).word == "silent"


def test_equal_repeats_count_once_and_unequal_ones_cannot_be_judged() -> None:
    offline = _table(x=X)
    again = pa.concat_tables([offline, offline.slice(5, 2)])
    evidence = parity.measure(offline, again)
    assert (evidence.n, evidence.facts["repeats_online"]) == (N, 2)
    assert parity.check(evidence).word == "silent"
    other = offline.slice(5, 1).set_column(1, "x", pa.array([1e9]))
    with pytest.raises(GuardError, match="'m5' has rows that differ in 'x'"):
        parity.measure(offline, pa.concat_tables([offline, other]))
    with pytest.raises(GuardError, match="'m5' has rows that differ"):
        parity.measure(pa.concat_tables([offline, other]), offline)


def test_several_keys() -> None:
    offline = pa.table({"item_id": ["a", "a"], "t": [1, 2], "x": [1.0, 2.0]})
    evidence = parity.measure(offline, offline.take([1, 0]), keys=("item_id", "t"))
    assert parity.check(evidence).word == "silent"
    with pytest.raises(GuardError, match="name the column that tells them apart"):
        parity.measure(offline, offline)


@pytest.mark.parametrize(
    ("offline", "online", "options", "said"),
    [
        (_table(x=X), _table(y=X), {}, "share no column"),
        (_table(x=X), _table(y=X), {"columns": ["x"]}, "no column 'x'"),
        (_table(x=X), _table(x=X).slice(0, 0), {}, "no rows"),
        (_table(x=X), _table(x=X), {"keys": ["row_id"]}, "no column 'row_id'"),
        (_table(x=X).slice(0, 3), _table(x=X).slice(3), {}, "no key is on both sides"),
        (pa.Table.from_arrays([pa.array([1])] * 3, ["item_id", "x", "x"]), _table(x=X), {}, "one name"),
    ],
)
def test_what_cannot_be_judged(offline: pa.Table, online: pa.Table, options: dict, said: str) -> None:
    with pytest.raises(GuardError, match=said):
        parity.measure(offline, online, **options)


# -- evidence ----------------------------------------------------------------------------------------------------


def test_threshold() -> None:
    n = 1000
    offline = pa.table({"item_id": np.arange(n), "x": np.arange(n)})
    for cells, word in ((0, "silent"), (1, "silent"), (2, "fired")):
        online = pa.table({"item_id": np.arange(n), "x": np.where(np.arange(n) < cells, -1, np.arange(n))})
        assert parity.check(parity.measure(offline, online)).word == word


def test_evidence_names_columns_and_cells_worst_first() -> None:
    offline = _table(a=X, b=COUNTS, c=COUNTS, d=X)
    became = np.where(np.arange(N) < 20, X + np.arange(N), X)
    evidence = parity.measure(offline, _table(a=became, b=COUNTS + 1, c=COUNTS, e=X))
    finding = parity.check(evidence)
    assert evidence.columns == ("b", "a")
    assert finding.sentence == "b differs in 200 of 200 pairs (100.00%; offset: +1); also a"
    rows = evidence.offenders.to_pylist()
    assert len(rows) <= 100
    assert {row["column"] for row in rows} == {"a", "b"}
    assert next(row for row in rows if row["column"] == "a")["item_id"] == "m19"
    assert (evidence.facts["columns_offline_only"], evidence.facts["columns_online_only"]) == (["d"], ["e"])
    json.dumps(finding.to_dict(), allow_nan=False)


def test_other_types_are_told_beside_equal_values() -> None:
    evidence = parity.measure(_table(x=[1, 2]), _table(x=["1", "2"]))
    assert evidence.value == 0
    assert evidence.facts["types_differ"] == {"x": ["int64", "string"]}


def test_only_the_columns_that_are_asked_for() -> None:
    evidence = parity.measure(_table(a=X, b=X), _table(a=X, b=X + 1), columns=["a"])
    assert list(evidence.facts["by_column"]) == ["a"]
    assert parity.check(evidence).word == "silent"
