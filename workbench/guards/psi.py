"""The population stability index: how far have the distributions of columns moved? A description, never an alarm.

Catches  nothing by itself. It cannot tell drift from skew: it said that some column had moved in 30 of 30 gyms in
         which nothing was wrong but the season, so `parity` comes first.
Misses   a swap of columns of like distribution, staleness, and all that leaves the distribution as it is.
Fires    never. A fixed threshold cannot work: with 10 bins and equal halves, PSI > .1 is a false alarm in 81 % of
         cases at n = 100, in 34 % at 200 and in none from 1,000 on. So every PSI comes with n and with a p:
         where nothing moved, PSI / (1/n + 1/m) follows chi2 with B - 1 degrees of freedom (Yurdakul and
         Naranjo 2020). In 1,000 simulated columns of each of six kinds, p < .01 occurred in 0.2 to 1.5 % at
         every n from 60 to 1,000, and in 3 % of columns of fifteen categories where the reference had 100 rows.
Rates    docs/GUARDS.md: how often it says that a column moved.
Source   Yurdakul, B. and Naranjo, J. (2020): Statistical properties of the population stability index. J. Risk Model
         Validation. Open: Yurdakul's thesis of 2018, https://scholarworks.wmich.edu/dissertations/3208.
Cost     a sort of each column.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import numpy as np

from workbench.errors import GuardError
from workbench.guards.columns import missing, plain, ranks
from workbench.guards.differences import some
from workbench.guards.evidence import Evidence, Finding, require_columns, worst

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pyarrow as pa
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]
    Ints = NDArray[np.int64]

GUARD: Final = "psi"
LEVEL: Final = 0.01
BINS: Final = 10
_FEWEST: Final = 5  # expected rows in a bin, below which chi2 does not hold


def measure(
    reference: pa.Table, current: pa.Table, *, columns: Sequence[str] | None = None, bins: int = BINS
) -> Evidence:
    """Measure how far the distribution of each column has moved.

    Parameters
    ----------
    reference, current : pyarrow.Table
        For example training rows and served rows. The rows must be independent of each other.
    columns : sequence of str, optional
        Default: all columns of numbers, texts and booleans that both have.
    bins : int
        At most so many bins of equal share of the reference; values themselves where there are no more of them.

    Returns
    -------
    Evidence
        ``value``: the largest PSI. Columns: by p, then PSI, the most moved first. Offenders: for each column
        PSI, p, bins, both n and both shares of missing values, which stay out of the PSI. Facts:
        ``by_column``, the same, and ``not_described``, column to reason.

    Raises
    ------
    GuardError
        If a table is empty, a column is missing, or no column can be described.
    """
    for rows in (reference, current):
        require_columns(rows, columns or (), GUARD)
    if bins < 2:
        raise GuardError(f"{GUARD}: {bins} bins cannot differ", hint="take 2 or more")
    shared = [name for name in reference.column_names if name in {*current.column_names}]
    by_column: dict[str, dict[str, Any]] = {}
    reasons: dict[str, str] = {}
    for name in dict.fromkeys(columns or shared):
        found = _one_column(reference[name], current[name], bins)
        if isinstance(found, str):
            reasons[name] = found
        else:
            by_column[name] = found
    if not by_column:
        why = "; ".join(f"{name}: {reason}" for name, reason in list(reasons.items())[:5])
        raise GuardError(f"{GUARD}: no column can be described", hint=why or "the tables share no column")
    order = tuple(sorted(by_column, key=lambda name: (by_column[name]["p"], -by_column[name]["psi"])))
    largest = max(of["psi"] for of in by_column.values())
    offenders = worst([{"column": name} | by_column[name] for name in order])
    facts = {"by_column": by_column, "not_described": reasons}
    return Evidence(GUARD, len(by_column), largest, "PSI", order, offenders, facts)


def check(evidence: Evidence, *, level: float = LEVEL) -> Finding:
    """Say which columns moved; never fire.

    Parameters
    ----------
    evidence : Evidence
        From `measure`.
    level : float
        Of the test, for all columns together (Bonferroni).

    Returns
    -------
    Finding
        Always silent: that a distribution moved is no fault.
    """
    by_column = evidence.facts["by_column"]
    moved = [name for name in evidence.columns if by_column[name]["p"] < level / evidence.n]
    said = [f"{name} (PSI {by_column[name]['psi']:.3g}, n {by_column[name]['n_current']})" for name in moved]
    sentence = f"{len(moved)} of {evidence.n} columns moved, p < {level:g} for all together"
    sentence += f": {some(said)}; drift and skew look alike here" if moved else ""
    return Finding(GUARD, fired=False, sentence=sentence, evidence=evidence)


def _one_column(reference: pa.ChunkedArray, current: pa.ChunkedArray, bins: int) -> dict[str, Any] | str:
    """Return PSI and p of one column, or the reason why there is none."""
    import pyarrow as pa

    one, two = plain(reference), plain(current)
    kind = _comparable(one, two)
    if kind is None:
        return f"cannot describe {one.type} beside {two.type}"
    gone = missing(one), missing(two)
    n, m = (int((~of).sum()) for of in gone)
    if min(n, m) < _FEWEST * bins:
        return f"{n} and {m} values are too few for {bins} bins"
    one, two = (side.cast(kind, safe=False).filter(~of) for side, of in zip((one, two), gone, strict=True))
    if kind == pa.float64():
        old, new = _number_bins(one.to_numpy(), two.to_numpy(), bins)
    else:
        codes = ranks(pa.concat_arrays([one, two]))
        old, new = _value_bins(codes[:n], codes[n:], bins - 1)
    size = int(max(old.max(), new.max())) + 1
    p, q = np.bincount(old, minlength=size), np.bincount(new, minlength=size)
    used = p + q > 0
    if used.sum() < 2 and kind != pa.float64() and len(one.unique()) > 1:
        return "too many different values"
    psi, probability = _psi(p[used], q[used])
    return {
        "psi": psi,
        "p": probability,
        "bins": int(used.sum()),
        "n_reference": n,
        "n_current": m,
        "missing_reference": float(gone[0].mean()),
        "missing_current": float(gone[1].mean()),
    }


def _comparable(one: pa.Array, two: pa.Array) -> pa.DataType | None:
    """Return the type in which both can be ranked: numbers as floats, texts and booleans as texts."""
    import pyarrow as pa
    import pyarrow.types as pt

    kinds = (one.type, two.type)
    if all(pt.is_integer(kind) or pt.is_floating(kind) or pt.is_decimal(kind) for kind in kinds):
        return pa.float64()
    if all(pt.is_string(kind) or pt.is_large_string(kind) for kind in kinds) or all(
        map(pt.is_boolean, kinds)
    ):
        return pa.large_string()
    return None


def _number_bins(old: Floats, new: Floats, bins: int) -> tuple[Ints, Ints]:
    """Put numbers into bins of equal share of the reference; a few different ones into a bin each."""
    values = np.unique(old)
    if len(values) <= bins:
        codes = [np.searchsorted(values, of) for of in (old, new)]
        known = codes[1] < len(values)
        known[known] = values[codes[1][known]] == new[known]
        return _value_bins(codes[0], np.where(known, codes[1], len(values)), bins)
    edges = np.unique(np.sort(old)[np.arange(1, bins) * len(old) // bins])
    return np.searchsorted(edges, old, side="right"), np.searchsorted(edges, new, side="right")


def _value_bins(old: Ints, new: Ints, bins: int) -> tuple[Ints, Ints]:
    """Give each of the commonest values a bin; what is rare or unknown in the reference shares the last."""
    size = int(max(old.max(), new.max())) + 1
    counts = np.bincount(old, minlength=size)
    common = np.argsort(-counts, kind="stable")[:bins]
    common = common[counts[common] >= _FEWEST]
    bin_of = np.full(size, len(common), np.int64)
    bin_of[common] = np.arange(len(common))
    return bin_of[old], bin_of[new]


def _psi(p: Ints, q: Ints) -> tuple[float, float]:
    """Return PSI and p; half a row is added to each bin, so that an empty one is no infinity."""
    from scipy.stats import chi2

    n, m, n_bins = int(p.sum()), int(q.sum()), len(p)
    a, b = ((of + 0.5) / (of.sum() + 0.5 * n_bins) for of in (p, q))
    psi = float(((a - b) * np.log(a / b)).sum())
    return psi, float(chi2.sf(psi / (1 / n + 1 / m), n_bins - 1)) if n_bins > 1 else 1.0
