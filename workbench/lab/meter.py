"""The truth meter: what a model claims, what it gets, and what could have been had.

claimed
    The metric that the run reports on its own test set.
got
    The same fitted model in production, with the features that the online store gave it,
    judged by the truth of the world.
could have had
    What the honest twin (same photos, same code, point-in-time features) got in the same
    production.
excess inflation
    (claimed - got) less the honest twin's own gap: what the failure added, free of drift and
    luck, which both share.
damage
    What the honest twin got less what this model got.

Frames of one fruit are not independent, so intervals come from a bootstrap of groups, never of
rows, and the same resample is applied to everything that is subtracted. They hold for this
world: another seed is another season.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

from workbench.guards.scores import roc_auc

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

REPLICATES: Final = 2000
BINS: Final = 10
FEWER: Final = 500
"""Resamples where there are many rows: percentiles 2.5 and 97.5 then rest on 12 values a side."""
MANY_ROWS: Final = 3000
METRICS: Final = ("accuracy", "auc")


@dataclass(frozen=True, slots=True)
class Estimate:
    """A number with its 95 % interval.

    Attributes
    ----------
    value : float
        The estimate.
    low, high : float
        Percentiles 2.5 and 97.5 of the bootstrap.
    n : int
        Groups behind it: fruit, not frames.
    """

    value: float
    low: float
    high: float
    n: int

    def __str__(self) -> str:
        return f"{self.value:.2f} [{self.low:.2f}, {self.high:.2f}]"


@dataclass(frozen=True, slots=True)
class Judged:
    """Predictions beside what was right.

    Attributes
    ----------
    group : tuple of str
        One a row: what was sampled as one.
    positive : numpy.ndarray of bool, shape (n,)
        Whether the right answer is the positive class.
    probability : numpy.ndarray of float, shape (n,)
        Of the positive class.
    """

    group: tuple[str, ...]
    positive: NDArray[np.bool_]
    probability: NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Score:
    """One model on the meter.

    Attributes
    ----------
    metric : str
        ``accuracy`` or ``auc``.
    claimed, got : Estimate
        See the module's docstring.
    could_have_had : Estimate or None
        None for the honest model itself.
    excess_inflation, damage : Estimate or None
        None for the honest model itself.
    """

    metric: str
    claimed: Estimate
    got: Estimate
    could_have_had: Estimate | None = None
    excess_inflation: Estimate | None = None
    damage: Estimate | None = None

    @property
    def verdict(self) -> str:
        """Words by rule alone: the interval of the excess inflation leaves zero out, or it does not."""
        if self.excess_inflation is None:
            return "the honest twin"
        if self.excess_inflation.low > 0:
            return "inflated"
        return "not shown at this size"


def accuracy(judged: Judged, weights: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the weighted share of right answers at a threshold of one half.

    Parameters
    ----------
    judged : Judged
        n rows.
    weights : numpy.ndarray, shape (replicates, n)
        How often each row counts.

    Returns
    -------
    numpy.ndarray, shape (replicates,)
        Shares, 0 to 1.
    """
    right = (judged.probability >= 0.5) == judged.positive
    return np.asarray(weights @ right / weights.sum(axis=1))


def auc(judged: Judged, weights: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the weighted area under the ROC curve; see `workbench.guards.scores.roc_auc`."""
    return roc_auc(judged.positive, judged.probability, weights)


def calibration_error(judged: Judged, weights: NDArray[np.float64], bins: int = BINS) -> NDArray[np.float64]:
    """Return how far probabilities are from shares, on average over bins of equal counts.

    Parameters
    ----------
    judged : Judged
        n rows.
    weights : numpy.ndarray, shape (replicates, n)
        How often each row counts.
    bins : int
        Rows are put into so many bins by their probability, once for all replicates.

    Returns
    -------
    numpy.ndarray, shape (replicates,)
        Expected calibration error, 0 to 1 (Naeini, Cooper and Hauskrecht, AAAI 2015).
    """
    total = weights.sum(axis=1)
    off = np.zeros(len(weights))
    for rows in np.array_split(np.argsort(judged.probability, kind="stable"), bins):
        gap = judged.probability[rows] - judged.positive[rows]
        off += np.abs(weights[:, rows] @ gap)
    return np.asarray(off / total)


def score_to_rate(judged: Judged, weights: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the mean probability over the share that was positive; 1 is right.

    Parameters
    ----------
    judged : Judged
        n rows.
    weights : numpy.ndarray, shape (replicates, n)
        How often each row counts.

    Returns
    -------
    numpy.ndarray, shape (replicates,)
        Ratios; NaN where nothing was positive.
    """
    positive, said = weights @ judged.positive, weights @ judged.probability
    ratio = np.full(len(weights), np.nan)
    np.divide(said, positive, out=ratio, where=positive > 0)
    return ratio


_OF: Final = {"accuracy": accuracy, "auc": auc}


def replicate_weights(
    groups: Sequence[str], seed: int = 0, replicates: int = REPLICATES
) -> dict[str, NDArray[np.float64]]:
    """Return how often each group is drawn in each replicate of a bootstrap.

    Parameters
    ----------
    groups : sequence of str
        Distinct.
    seed : int
        Of the generator.
    replicates : int
        How many; the first one is the sample itself, each group once.

    Returns
    -------
    dict of str to numpy.ndarray, shape (replicates,)
        By group.
    """
    names = sorted(groups)
    rng = np.random.default_rng(seed)
    drawn = rng.multinomial(len(names), np.full(len(names), 1 / len(names)), size=replicates).astype(float)
    drawn[0] = 1
    return dict(zip(names, drawn.T, strict=True))


def replicates_for(*judged: Judged) -> int:
    """Return how many resamples there is time for."""
    return FEWER if max(len(one.group) for one in judged) > MANY_ROWS else REPLICATES


def replicates_of(
    judged: Judged, weights: dict[str, NDArray[np.float64]], metric: str
) -> NDArray[np.float64]:
    """Return a metric on the sample (first) and on each resample of its groups.

    Parameters
    ----------
    judged : Judged
        n rows.
    weights : dict
        From `replicate_weights`; may hold more groups.
    metric : {'accuracy', 'auc'}
        Which.

    Returns
    -------
    numpy.ndarray, shape (replicates,)
        The metric.
    """
    return _OF[metric](judged, np.stack([weights[group] for group in judged.group], axis=1))


def estimate(values: NDArray[np.float64], n: int) -> Estimate:
    """Return the first replicate with the interval of the others.

    Parameters
    ----------
    values : numpy.ndarray, shape (replicates,)
        The first is the sample itself.
    n : int
        Groups.

    Returns
    -------
    Estimate
        With a 95 % percentile interval. A score of exactly 1 gets the exact lower bound
        ``0.025 ** (1 / n)`` (Clopper and Pearson 1934): resampling a row of successes gives
        successes alone, and the bootstrap would claim certainty.
    """
    if np.isnan(values[0]):
        return Estimate(math.nan, math.nan, math.nan, n)
    low, high = np.nanpercentile(values[1:], [2.5, 97.5])
    if values[0] == 1:
        low = 0.025 ** (1 / n)
    return Estimate(float(values[0]), float(low), float(high), n)


def _excess(values: NDArray[np.float64], claimed: Estimate, n: int) -> Estimate:
    """Return the excess inflation; a flawless claim brings its own doubt into the interval.

    The bootstrap knows no doubt about a score of 1, so its exact bound is added as a further
    variance (MOVER: Zou and Donner, Statistics in Medicine 27, 2008).
    """
    found = estimate(values, n)
    if claimed.value < 1:
        return found
    low = found.value - math.hypot(found.value - found.low, claimed.value - claimed.low)
    return Estimate(found.value, low, found.high, n)


def score_twins(
    honest: tuple[Judged, Judged], other: tuple[Judged, Judged], metric: str = "accuracy"
) -> tuple[Score, Score]:
    """Put a model and its honest twin on the meter.

    Parameters
    ----------
    honest, other : tuple of Judged
        Own test set, production.
    metric : {'accuracy', 'auc'}
        Which.

    Returns
    -------
    tuple of Score
        The honest one, the other one. The same resample of groups goes into all four.
    """
    tests, productions = zip(honest, other, strict=True)
    n = replicates_for(*tests, *productions)
    on_test = replicate_weights(sorted({g for judged in tests for g in judged.group}), replicates=n)
    in_production = replicate_weights(
        sorted({g for judged in productions for g in judged.group}), seed=1, replicates=n
    )
    claimed = [replicates_of(judged, on_test, metric) for judged in tests]
    got = [replicates_of(judged, in_production, metric) for judged in productions]
    n_test = [len(set(judged.group)) for judged in tests]
    n_got = [len(set(judged.group)) for judged in productions]
    first = Score(metric, estimate(claimed[0], n_test[0]), estimate(got[0], n_got[0]))
    claim = estimate(claimed[1], n_test[1])
    second = Score(
        metric,
        claim,
        estimate(got[1], n_got[1]),
        could_have_had=first.got,
        excess_inflation=_excess((claimed[1] - got[1]) - (claimed[0] - got[0]), claim, n_test[1]),
        damage=estimate(got[0] - got[1], n_got[1]),
    )
    return first, second
