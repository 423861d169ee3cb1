"""The whole pipeline, run again on shuffled labels, still predicts them: labels reach the test rows.

Shuffled labels cannot be predicted. A pipeline that does so has seen the test labels: before the
split it encoded by the target, chose columns, or copied rows.

Catches  target encoding, feature selection, oversampling and duplicates before the split.
Misses   by construction everything in which the features know the future: shuffling breaks that tie.
         Only what happens inside `rerun` is tested: start from the raw table, not from the features.
         A `rerun` that ignores the labels it is given looks like the worst of leaks.
Fires    at z > 3, one-sided: chance does it in 0.00135 of clean pipelines, in up to 0.013 where 10 positives
         meet a score of two values. A scaler fitted before the split does not make it fire.
Rates    docs/GUARDS.md
Cost     one run of the pipeline for each repeat.
"""

from __future__ import annotations

from math import sqrt
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from workbench.errors import GuardError
from workbench.guards.columns import auc_and_z
from workbench.guards.evidence import Evidence, Finding, worst

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

    Bools = NDArray[np.bool_]
    Floats = NDArray[np.float64]
    Rerun = Callable[[Bools], tuple[Bools, Floats]]

GUARD: Final = "label_shuffle"
THRESHOLD: Final = 3.0
MIN_PER_CLASS: Final = 10
"""Test rows that each class needs: with 10 and 10, an AUC of 0.90 is z = 3."""


def measure(rerun: Rerun, labels: Bools | Sequence[bool], *, seed: int = 0, repeats: int = 1) -> Evidence:
    """Run a pipeline on shuffled labels and measure whether it still predicts them.

    Parameters
    ----------
    rerun : callable
        Takes labels (bool, shape (n,)), runs all that follows the raw table, and returns
        ``(positive, score)`` of its test rows: their labels as given, and what the model said
        (higher means more positive).
    labels : array of bool of shape (n,)
        The true labels, in the order that `rerun` expects.
    seed : int
        Of the shuffles.
    repeats : int
        Shuffles. Their z are added and divided by the root of their number (Stouffer).

    Returns
    -------
    Evidence
        ``value``: z of the test AUC against 0.5. Offenders: each shuffle, worst first.

    Raises
    ------
    GuardError
        If there is one class only, `rerun` returns fewer than 10 test rows of a class, or its
        scores are not finite.
    """
    truth = _as_labels(labels)
    if repeats < 1:
        raise GuardError(f"{GUARD}: {repeats} repeats prove nothing", hint="give at least 1")
    rng = np.random.default_rng(seed)
    found: list[dict[str, Any]] = []
    for n in range(repeats):
        is_positive, score = _as_answer(*rerun(rng.permutation(truth)))
        auc, z = auc_and_z(is_positive, score)
        found.append(
            {"repeat": n, "auc": auc, "z": z, "rows": len(score), "positives": int(is_positive.sum())}
        )
    z = sum(one["z"] for one in found) / sqrt(repeats)
    facts = {
        "auc": float(np.mean([one["auc"] for one in found])),
        "repeats": repeats,
        "labels_shuffled": len(truth),
    }
    found.sort(key=lambda one: -one["z"])
    return Evidence(GUARD, sum(one["rows"] for one in found), z, "z", offenders=worst(found), facts=facts)


def check(evidence: Evidence, *, threshold: float = THRESHOLD) -> Finding:
    """Judge z.

    Parameters
    ----------
    evidence : Evidence
        From `measure`.
    threshold : float
        Standard errors above chance.

    Returns
    -------
    Finding
        With AUC and z.
    """
    fired = evidence.value > threshold
    numbers = f"AUC {evidence.facts['auc']:.3f} on shuffled labels, z = {evidence.value:.1f}"
    verdict = (
        "the pipeline predicts labels that mean nothing" if fired else "shuffled labels stay unpredictable"
    )
    return Finding(GUARD, fired=fired, sentence=f"{verdict}: {numbers}", evidence=evidence)


def _as_labels(labels: Bools | Sequence[bool]) -> Bools:
    truth = _as_bools(labels)
    if truth.ndim != 1 or len(np.unique(truth)) < 2:
        raise GuardError(f"{GUARD}: the {truth.size} labels have one class", hint="shuffling changes nothing")
    return truth


def _as_bools(labels: Bools | Sequence[bool]) -> Bools:
    """Refuse texts, of which each would count as true."""
    truth = np.asarray(labels)
    if truth.dtype.kind not in "biuf" or not np.isin(truth, (0, 1)).all():
        raise GuardError(f"{GUARD}: the labels are not true and false", hint="pass label == positive")
    return truth.astype(np.bool_)


def _as_answer(positive: Bools, score: Floats) -> tuple[Bools, Floats]:
    """Refuse what the pipeline returned where no AUC follows from it."""
    is_positive, said = _as_bools(positive), np.asarray(score, np.float64)
    if said.ndim != 1 or is_positive.shape != said.shape:
        raise GuardError(
            f"{GUARD}: rerun returned {is_positive.shape} labels and {said.shape} scores",
            hint="return one label and one score for each test row",
        )
    if np.isnan(said).any():
        raise GuardError(
            f"{GUARD}: {np.isnan(said).sum()} scores are NaN", hint="every test row needs a score"
        )
    n_positive = int(is_positive.sum())
    if min(n_positive, len(said) - n_positive) < MIN_PER_CLASS:
        raise GuardError(
            f"{GUARD}: {n_positive} test rows are positive and {len(said) - n_positive} are not",
            hint=f"it needs at least {MIN_PER_CLASS} of each: use a larger test set",
        )
    return is_positive, said
