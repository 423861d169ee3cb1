"""PSI describes and never fires; what it cannot describe it says."""

from __future__ import annotations

import json

import numpy as np
import pyarrow as pa
import pytest

from workbench.errors import GuardError
from workbench.guards import psi


def _one(reference: object, current: object, **options: object) -> dict:
    evidence = psi.measure(pa.table({"x": reference}), pa.table({"x": current}), **options)
    assert psi.check(evidence).fired is False
    json.dumps(psi.check(evidence).to_dict(), allow_nan=False)
    return evidence.facts["by_column"]["x"]


def test_by_hand() -> None:
    """Two values, 60:40 then 30:70, with half a row added to each bin."""
    p, q = np.array([60.5, 40.5]) / 101, np.array([30.5, 70.5]) / 101
    seen = _one(["a"] * 60 + ["b"] * 40, ["a"] * 30 + ["b"] * 70)
    assert seen["psi"] == pytest.approx(float(((p - q) * np.log(p / q)).sum()))
    assert (seen["bins"], seen["n_reference"], seen["n_current"]) == (2, 100, 100)
    assert 1e-6 < seen["p"] < 1e-3


def test_bins_hold_equal_shares_of_the_reference() -> None:
    x = np.random.default_rng(0).permutation(1000).astype(float)
    assert _one(x, x)["bins"] == 10
    assert _one(x, x)["psi"] == 0
    tenth = np.repeat(np.arange(0, 1000, 100.0) + 50, 100)  # each in the middle of a bin
    assert _one(x, tenth)["psi"] == pytest.approx(0, abs=1e-3)
    assert _one(x, x, bins=4)["bins"] == 4


@pytest.mark.parametrize(
    ("reference", "current"),
    [
        (np.arange(500.0), np.arange(500.0) + 200),
        ([0] * 500, [5] * 500),  # no bin but its own: a value that was never seen
        ([0] * 250 + [2] * 250, [0] * 250 + [1] * 250),  # one that lies between
        ([True] * 250 + [False] * 250, [True] * 500),
        (["basic"] * 500, ["Basic"] * 500),
        ([0.0] * 400 + list(range(100)), list(range(500))),
        (np.arange(500.0), np.full(500, np.inf)),
    ],
)
def test_a_move_is_described(reference: object, current: object) -> None:
    seen = _one(reference, current)
    assert seen["psi"] > 0.2
    assert seen["p"] < 1e-6
    assert _one(reference, reference)["p"] > 0.9


def test_missing_values_are_told_and_stay_out() -> None:
    x = np.arange(200.0)
    seen = _one(pa.array(x), pa.array([None, float("nan")] * 100 + x.tolist()))
    assert (seen["psi"], seen["missing_reference"], seen["missing_current"]) == (0, 0, 0.5)
    assert seen["n_current"] == 200


def test_the_sentence_names_what_moved_worst_first() -> None:
    rng = np.random.default_rng(1)
    reference = pa.table({name: rng.normal(size=400) for name in "abc"} | {"when": pa.nulls(400)})
    current = pa.table(
        {
            "a": rng.normal(0.5, 1, 400),
            "b": rng.normal(size=400),
            "c": rng.normal(2, 1, 400),
            "when": pa.nulls(400),
        }
    )
    evidence = psi.measure(reference, current)
    assert evidence.columns == ("c", "a", "b")
    assert evidence.offenders["column"].to_pylist() == ["c", "a", "b"]
    assert "when" in evidence.facts["not_described"]
    finding = psi.check(evidence)
    assert finding.word == "silent"
    assert finding.sentence.startswith("2 of 3 columns moved, p < 0.01 for all together: c (PSI ")
    assert psi.check(psi.measure(reference, reference)).sentence.startswith("0 of 3 columns moved")


@pytest.mark.parametrize(
    ("reference", "current", "said"),
    [
        (np.arange(49.0), np.arange(500.0), "49 and 500 values are too few"),
        ([f"m{i}" for i in range(200)], ["m1"] * 200, "too many different values"),
        (pa.array([[1.0]] * 99), pa.array([[1.0]] * 99), "cannot describe list"),
        (["a"] * 99, [1] * 99, "cannot describe string beside int64"),
        (pa.nulls(99), pa.nulls(99), "cannot describe null"),
    ],
)
def test_a_column_that_cannot_be_described(reference: object, current: object, said: str) -> None:
    with pytest.raises(GuardError, match="no column can be described") as caught:
        _one(reference, current)
    assert said in caught.value.hint


def test_what_cannot_be_judged() -> None:
    rows = pa.table({"x": np.arange(99.0)})
    for act, said in (
        (lambda: psi.measure(rows, rows.slice(0, 0)), "no rows"),
        (lambda: psi.measure(rows, rows, columns=["y"]), "no column 'y'"),
        (lambda: psi.measure(rows, rows, bins=1), "1 bins"),
        (lambda: psi.measure(rows, rows.rename_columns(["y"])), "no column can be described"),
    ):
        with pytest.raises(GuardError, match=said):
            act()
