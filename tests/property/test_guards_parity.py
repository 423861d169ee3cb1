"""Whatever the table is: equal pairs are silent, a planted mismatch gets its name, noise gets none."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
from hypothesis import assume, given
from hypothesis import strategies as st

from workbench.guards import parity
from workbench.guards.values import differs, read

seeds = st.integers(0, 2**32 - 1)
sizes = st.integers(12, 120)
anything = st.lists(
    st.tuples(
        st.none() | st.floats(width=32),
        st.none() | st.integers(-(2**63), 2**63 - 1),
        st.none() | st.text(st.characters(exclude_categories=["Cs"]), max_size=3),
        st.none() | st.booleans(),
        st.none() | st.lists(st.none() | st.floats(width=32), max_size=3),
        st.none() | st.integers(0, 2**40),
    ),
    min_size=1,
    max_size=12,
)


def any_table(rows: list[tuple]) -> pa.Table:
    kinds = [
        pa.float32(),
        pa.int64(),
        pa.string(),
        pa.bool_(),
        pa.list_(pa.float32()),
        pa.timestamp("us", "UTC"),
    ]
    columns = [pa.array(cells, kind) for cells, kind in zip(zip(*rows, strict=True), kinds, strict=True)]
    return pa.table([pa.array(range(len(rows))), *columns], ["item_id", *"fntblw"])


@given(anything, st.randoms(use_true_random=False))
def test_a_table_equals_itself_in_any_order_and_form(rows, random):
    offline = any_table(rows)
    online = offline.take(random.sample(range(len(rows)), len(rows)))
    online = online.set_column(3, "t", online["t"].dictionary_encode()).set_column(
        0, "item_id", online["item_id"].cast(pa.string())
    )
    online = online.set_column(6, "w", online["w"].cast(pa.timestamp("us", "Asia/Tokyo")))
    evidence = parity.measure(offline, online, windows=("f", "n"), earlier=offline)
    assert parity.check(evidence).word == "silent"
    assert evidence.value == 0
    assert {of["shape"] for of in evidence.facts["by_column"].values()} == {"equal"}


@given(anything, anything)
def test_cells_differ_where_a_loop_says_so(rows, others):
    n = min(len(rows), len(others))
    one, two = any_table(rows[:n]), any_table(others[:n])
    for name in "fntbw":
        loop = [_unlike(a, b) for a, b in zip(one[name].to_pylist(), two[name].to_pylist(), strict=True)]
        assert differs(*read(one[name], two[name]), 1e-6, 1e-9).tolist() == loop, name


def _unlike(a: object, b: object) -> bool:
    a, b = (None if isinstance(x, float) and np.isnan(x) else x for x in (a, b))
    if a is None or b is None or not isinstance(a, float) or a == b:
        return a != b
    return not (abs(a) != np.inf and abs(b) != np.inf and abs(b - a) <= 1e-9 + 1e-6 * abs(a))


# -- planted -----------------------------------------------------------------------------------------------------


def world(seed: int, n: int) -> dict[str, np.ndarray]:
    """Return columns such as tables have: counts with zeros, amounts with negatives and gaps, flags, words."""
    rng = np.random.default_rng(seed)
    gaps = rng.normal(0, 30, n)
    gaps[rng.permutation(n)[: max(3, n // 8)]] = np.nan
    return {
        "count": rng.poisson(3, n).astype(float),
        "amount": gaps,
        "price": rng.choice([9.9, 19.9, 29.9, 49.9, 99.9, 0.0], n),
        "flag": (rng.random(n) < 0.4).astype(float),
        "share": rng.random(n) * 3,
        "days": np.arange(n) * 11.0 + rng.integers(0, 9, n),
    }


def table(columns: dict[str, np.ndarray]) -> pa.Table:
    ids = np.arange(len(columns["count"]))
    return pa.table({"item_id": ids, **{name: pa.array(x, from_pandas=True) for name, x in columns.items()}})


def shapes(seed: int, columns: dict[str, np.ndarray], **planted: np.ndarray) -> dict[str, str]:
    online = table(columns | planted)
    shuffled = online.take(np.random.default_rng(seed).permutation(online.num_rows))
    evidence = parity.measure(table(columns), shuffled)
    assert {name for name, of in evidence.facts["by_column"].items() if of["cells"]} <= planted.keys()
    assert parity.check(evidence).fired
    return {name: evidence.facts["by_column"][name]["shape"] for name in planted}


@given(seeds, sizes, st.sampled_from([100, 1000, 24, 60, 7, 1 / 30.4, 1 / 100, 0.453, 2.54, -1]))
def test_units(seed, n, ratio):
    columns = world(seed, n)
    for name in ("amount", "share", "days"):
        assert shapes(seed, columns, **{name: columns[name] * ratio}) == {name: "unit"}
        assert shapes(seed, columns, **{name: (columns[name] * ratio).astype(np.float32)}) == {name: "unit"}
        filled = np.nan_to_num(columns[name] * ratio, nan=-1)
        assert shapes(seed, columns, **{name: filled}) == {name: "unit"}


@given(seeds, sizes)
def test_swaps(seed, n):
    columns = world(seed, n)
    a, b, c = np.random.default_rng(seed).permutation(["count", "amount", "price", "share", "days"])[:3]
    assert shapes(seed, columns, **{a: columns[b], b: columns[a]}) == {a: "swap", b: "swap"}
    turned = {a: columns[b], b: columns[c], c: columns[a]}
    assert set(shapes(seed, columns, **turned).values()) == {"swap"}


@given(seeds, sizes)
def test_casts(seed, n):
    columns = world(seed, n)
    for name in ("amount", "share"):
        assert shapes(seed, columns, **{name: np.trunc(columns[name])}) == {name: "cast"}
        assert shapes(seed, columns, **{name: np.round(columns[name], 1)}) == {name: "cast"}


@given(seeds, sizes, st.sampled_from([0.0, -1.0, 999.0, None]))
def test_defaults(seed, n, default):
    columns = world(seed, n)
    value = np.nanmean(columns["amount"]) if default is None else default
    assert shapes(seed, columns, amount=np.nan_to_num(columns["amount"], nan=value)) == {"amount": "default"}
    assert shapes(seed, columns, share=np.full(n, value)) == {"share": "default"}
    assert shapes(seed, columns, days=np.full(n, np.nan)) == {"days": "default"}


@given(seeds, sizes, st.sampled_from([273.15, -8.0, 0.1, 1e6]))
def test_offsets(seed, n, by):
    columns = world(seed, n)
    for name in ("amount", "days", "share"):
        assert shapes(seed, columns, **{name: columns[name] + by}) == {name: "offset"}


@given(seeds, sizes, st.sampled_from(["amount", "share", "days", "price", "count", "flag"]))
def test_noise_has_no_shape(seed, n, name):
    """Cells of a few rows change places, also in columns of few values, where chance is kind to every rule."""
    columns, rng = world(seed, n), np.random.default_rng(seed + 1)
    moved, rows = columns[name].copy(), rng.permutation(n)[: max(3, n // 6)]
    moved[rows] = moved[np.roll(rows, 1)]
    assume(not np.array_equal(moved, columns[name], equal_nan=True))
    cells = (moved != columns[name]) & ~(np.isnan(moved) & np.isnan(columns[name]))
    assume(cells.sum() > 0.001 * n)
    assert shapes(seed, columns, **{name: moved}) == {name: "other"}


@given(seeds, sizes)
def test_one_row_has_no_shape(seed, n):
    columns = world(seed, n)
    days = columns["days"].copy()
    days[n // 2] = days[n // 2] * 100 + 1
    assert shapes(seed, columns, days=days) == {"days": "other"}
