"""How good a classifier is, with an interval that respects groups.

Rows of one group (frames of one fruit, near-duplicates) are not independent, so the bootstrap
draws groups, not rows. All replicates of a metric are computed at once from a matrix of weights:
one sort and a few cumulative sums instead of a call of scikit-learn for each replicate.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from numpy.typing import ArrayLike, NDArray

    Floats = NDArray[np.float64]
    Weighted = Callable[[Floats], Floats]

REPLICATES: Final = 500
_CELLS: Final = 4_000_000  # cells of one weight matrix in memory: 32 MB
_LEVEL: Final = 0.95


@dataclass(frozen=True, slots=True)
class Estimate:
    """A number and its 95 % interval.

    Attributes
    ----------
    value : float
        On the rows as they are.
    low, high : float
        Percentiles 2.5 and 97.5 over resampled groups.
    """

    value: float
    low: float
    high: float

    def __str__(self) -> str:
        return f"{self.value:.3f} [{self.low:.3f}, {self.high:.3f}]"


@dataclass(frozen=True, slots=True)
class Scores:
    """The metrics of one split.

    Attributes
    ----------
    n : int
        Rows.
    n_groups : int
        Groups: the number of independent things, and what the intervals count.
    metrics : mapping of str to Estimate
        ``accuracy``, ``balanced_accuracy``, ``log_loss``, ``constant_accuracy`` (always the
        commonest training label), ``base_rate`` (share of the positive class), and where each
        class occurs ``roc_auc`` and ``average_precision`` (mean one-versus-rest with 3 classes up).
    """

    n: int
    n_groups: int
    metrics: Mapping[str, Estimate]

    def to_dict(self) -> dict[str, Any]:
        """Return the scores as plain values for JSON."""
        return asdict(self)


def cluster_weights(groups: ArrayLike, n_replicates: int = REPLICATES, seed: int = 0) -> Iterator[Floats]:
    """Yield weights of rows: how often the group of each row was drawn.

    Parameters
    ----------
    groups : array-like of shape (n,)
        Group of each row.
    n_replicates : int
        Bootstrap replicates in all.
    seed : int
        The same seed and groups give the same draws, so that two scores can be compared in pairs.

    Yields
    ------
    numpy.ndarray of shape (b, n)
        In blocks; the very first row is all ones: the point estimate.
    """
    names, codes = np.unique(np.asarray(groups), return_inverse=True)
    rng = np.random.default_rng(seed)
    shares = np.full(len(names), 1 / len(names))
    yield np.ones((1, len(codes)))
    block = max(1, _CELLS // len(codes))
    for start in range(0, n_replicates, block):
        drawn = rng.multinomial(len(names), shares, size=min(block, n_replicates - start))
        yield drawn[:, codes].astype(np.float64)


def roc_auc(positive: NDArray[np.bool_], score: Floats, weights: Floats) -> Floats:
    """Area under the ROC curve for many weightings of the same rows.

    Parameters
    ----------
    positive : numpy.ndarray of shape (n,)
        True for the positive class.
    score : numpy.ndarray of shape (n,)
        Higher means more positive; ties count half.
    weights : numpy.ndarray of shape (b, n)
        Weight of each row in each replicate.

    Returns
    -------
    numpy.ndarray of shape (b,)
        NaN where a replicate has one class only.
    """
    order = np.argsort(score, kind="stable")
    ranked, w, is_positive = score[order], weights[:, order], positive[order]
    ties = np.flatnonzero(np.r_[True, ranked[1:] != ranked[:-1]])
    up = np.add.reduceat(w * is_positive, ties, axis=1)
    down = np.add.reduceat(w * ~is_positive, ties, axis=1)
    below = np.cumsum(down, axis=1) - down
    with np.errstate(invalid="ignore"):
        return np.asarray((up * (below + down / 2)).sum(axis=1) / (up.sum(axis=1) * down.sum(axis=1)))


def average_precision(positive: NDArray[np.bool_], score: Floats, weights: Floats) -> Floats:
    """Average precision (the step sum, not the trapezium) for many weightings of the same rows.

    Parameters
    ----------
    positive : numpy.ndarray of shape (n,)
        True for the positive class.
    score : numpy.ndarray of shape (n,)
        Higher means more positive.
    weights : numpy.ndarray of shape (b, n)
        Weight of each row in each replicate.

    Returns
    -------
    numpy.ndarray of shape (b,)
        NaN where a replicate has no positive row.
    """
    order = np.argsort(-score, kind="stable")
    ranked, w = score[order], weights[:, order]
    ends = np.flatnonzero(np.r_[ranked[1:] != ranked[:-1], True])
    hits = np.cumsum(w * positive[order], axis=1)[:, ends]
    seen = np.cumsum(w, axis=1)[:, ends]
    gained = np.diff(hits, axis=1, prepend=0.0)
    with np.errstate(invalid="ignore", divide="ignore"):
        precision = np.where(seen > 0, hits / seen, 0.0)
        return np.asarray((gained * precision).sum(axis=1) / hits[:, -1])


def score(
    truth: Sequence[str],
    probabilities: Floats,
    groups: Sequence[str],
    *,
    labels: Sequence[str],
    constant: str,
    seed: int = 0,
) -> Scores:
    """Score one split.

    Parameters
    ----------
    truth : sequence of str of length n
        The labels.
    probabilities : numpy.ndarray of shape (n, n_labels)
        Columns in the order of `labels`.
    groups : sequence of str of length n
        The unit of the bootstrap.
    labels : sequence of str
        The classes; the last one is the positive class.
    constant : str
        What a model that ignores its input would always answer: the commonest training label.
    seed : int
        Of the bootstrap.

    Returns
    -------
    Scores
        Metrics that are undefined here (an AUC of one class) are left out.
    """
    actual = np.array([list(labels).index(label) for label in truth])
    metrics = _metrics(actual, probabilities, list(labels).index(constant))
    drawn: dict[str, list[Floats]] = {name: [] for name in metrics}
    for weights in cluster_weights(groups, seed=seed):
        for name, metric in metrics.items():
            drawn[name].append(metric(weights))
    n_groups = len(set(groups))
    whole = {name: np.concatenate(blocks) for name, blocks in drawn.items()}
    found = {name: _estimate(values) for name, values in whole.items() if not np.isnan(values[0])}
    found["accuracy"] = _unbroken(found["accuracy"], n_groups)
    return Scores(len(actual), n_groups, found)


def _metrics(actual: NDArray[np.int_], probabilities: Floats, constant: int) -> dict[str, Weighted]:
    correct = (probabilities.argmax(axis=1) == actual).astype(np.float64)
    own = probabilities[np.arange(len(actual)), actual]
    surprise = -np.log(np.clip(own, np.finfo(np.float64).eps, 1.0))
    n_labels = probabilities.shape[1]
    judged = range(n_labels) if n_labels > 2 else [1]

    def mean_of(values: Floats) -> Weighted:
        return lambda w: np.asarray(w @ values / w.sum(axis=1))

    def recalls(w: Floats) -> Floats:
        with np.errstate(invalid="ignore"):
            each = [
                w[:, actual == c] @ correct[actual == c] / w[:, actual == c].sum(axis=1) for c in set(actual)
            ]
        return np.asarray(_mean_of_defined(np.array(each)))

    return {
        "accuracy": mean_of(correct),
        "balanced_accuracy": recalls,
        "roc_auc": lambda w: np.mean([roc_auc(actual == c, probabilities[:, c], w) for c in judged], axis=0),
        "average_precision": lambda w: np.mean(
            [average_precision(actual == c, probabilities[:, c], w) for c in judged], axis=0
        ),
        "log_loss": mean_of(surprise),
        "constant_accuracy": mean_of((actual == constant).astype(np.float64)),
        "base_rate": mean_of((actual == n_labels - 1).astype(np.float64)),
    }


def _mean_of_defined(each: Floats) -> Floats:
    """Mean over axis 0 of what is not NaN: a replicate may have drawn no row of a rare class."""
    defined = ~np.isnan(each)
    return np.asarray(np.where(defined, each, 0.0).sum(axis=0) / defined.sum(axis=0))


def _estimate(values: Floats) -> Estimate:
    drawn = values[1:][~np.isnan(values[1:])]
    half = (1 - _LEVEL) / 2
    low, high = np.quantile(drawn, [half, 1 - half]) if len(drawn) else (values[0], values[0])
    return Estimate(float(values[0]), float(low), float(high))


def _unbroken(accuracy: Estimate, n_groups: int) -> Estimate:
    """Give a run without any error (or any hit) the exact binomial bound.

    Resampling a row of successes gives successes alone, so the bootstrap would claim certainty.
    Clopper and Pearson (Biometrika 26, 1934, 404-413): with n of n right, the lower bound is (alpha / 2) ** (1 / n).
    """
    bound = ((1 - _LEVEL) / 2) ** (1 / n_groups)
    if accuracy.value == 1:
        return Estimate(1.0, bound, 1.0)
    return Estimate(0.0, 0.0, 1 - bound) if accuracy.value == 0 else accuracy
