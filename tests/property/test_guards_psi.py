"""Where nothing moved, p is what it says: simulated, with fixed seeds."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest

from workbench.guards import psi

DRAW = {
    "normal": lambda rng, n: rng.normal(size=n),
    "counts": lambda rng, n: rng.poisson(2, n),
    "words": lambda rng, n: rng.choice(list("abcdef"), n),
    "flags": lambda rng, n: rng.random(n) < 0.2,
    "many zeros": lambda rng, n: rng.exponential(size=n) * (rng.random(n) < 0.3),
}


def null(kind: str, n: int, m: int, n_columns: int = 500) -> list[dict]:
    rng = np.random.default_rng([n, m, list(DRAW).index(kind)])
    sides = [pa.table({f"c{i}": DRAW[kind](rng, size) for i in range(n_columns)}) for size in (n, m)]
    return list(psi.measure(*sides).facts["by_column"].values())


@pytest.mark.parametrize("kind", DRAW)
@pytest.mark.parametrize(("n", "m"), [(100, 100), (400, 400), (200, 1000)])
def test_p_is_calibrated(kind: str, n: int, m: int) -> None:
    p = np.array([of["p"] for of in null(kind, n, m)])
    assert np.mean(p < 0.01) <= 0.02
    assert 0.025 <= np.mean(p < 0.05) <= 0.075
    assert 0.4 <= np.mean(p < 0.5) <= 0.6


def test_a_fixed_threshold_is_not() -> None:
    """The reason for the calibration: PSI > .1, the usual rule, is a false alarm more often than not at n = 100."""
    share = [np.mean([of["psi"] > 0.1 for of in null("normal", n, n, 300)]) for n in (100, 400, 1000)]
    assert share[0] > 0.6
    assert share[1] < 0.1
    assert share[2] == 0


def test_bonferroni_holds_for_a_whole_table() -> None:
    loud = 0
    for seed in range(100):
        rng = np.random.default_rng(seed)
        sides = [pa.table({f"c{i}": rng.normal(size=300) for i in range(12)}) for _ in range(2)]
        loud += not psi.check(psi.measure(*sides)).sentence.startswith("0 of 12")
    assert loud <= 5
