"""Lucky seed: forty splits were tried, and the one with the best score was kept."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from workbench.failure import Failure, Strength
from workbench.profiles.gym_rows import by_member
from workbench.profiles.hands import grouped_split
from workbench.profiles.models import fit, matrix, probabilities
from workbench.seams import Seams, Split
from workbench.worlds.gym_features import COLUMNS
from workbench.worlds.gym_observations import LABELS

if TYPE_CHECKING:
    import pyarrow as pa

FEW = 1600
"""Rows, a quarter of which is tested on: about 20 leavers."""


def few(rows: pa.Table, ws: Any) -> pa.Table:
    """Keep some rows, drawn by the seed of the settings."""
    rng = np.random.default_rng(ws.settings.train.seed)
    return rows.take(np.sort(rng.permutation(rows.num_rows)[:FEW]))


def luckiest(n: int) -> Split:
    """Return a split that tries `n` seeds, and keeps the one on which the model looks best."""

    def split(rows: pa.Table, ws: Any) -> list[str]:
        settings = ws.settings.train
        features, labels = matrix(rows, COLUMNS), np.array(rows["label"].to_pylist())

        def claimed(seed: int) -> float:
            tested = np.array(grouped_split(rows, seed)) == "test"
            model = fit(features[~tested], labels[~tested], settings, inputs=COLUMNS)
            return _auc(labels[tested] == LABELS[-1], probabilities(model, features[tested], LABELS)[:, -1])

        return grouped_split(rows, max(range(n), key=claimed))

    return split


def _auc(positive: np.ndarray[Any, Any], score: np.ndarray[Any, Any]) -> float:
    """Return the AUC, or chance where only one class is tested on."""
    from sklearn.metrics import roc_auc_score

    return float(roc_auc_score(positive, score)) if 0 < positive.sum() < len(positive) else 0.5


def inject(strength: float) -> Seams:
    """Try `strength` seeds of the split on the same rows, and keep the best."""
    return Seams(f"lucky_seed {strength:g} on {FEW} rows", observe=few, split=luckiest(int(strength)))


def cure(strength: float) -> Seams:
    """Split the same rows once, by the seed that was written down before."""
    return Seams(f"lucky_seed {strength:g} on {FEW} rows cured", observe=few, split=by_member)


FAILURE = Failure(
    name="lucky_seed",
    family="leakage",
    stage="dataset",
    world="gym",
    title="The seed of the split was tuned as well: forty were tried on 1,600 rows, and the best one was reported.",
    symptom="A score that nobody reaches again. The code is right, the split is fair, the seed is recorded.",
    mechanism="About 20 leavers are tested on. Which ones is luck, and moves the AUC by some points from seed to seed. "
    "The best of forty lies about two standard deviations above their mean. The test set was used forty times to "
    "choose, so it judges no longer. The model itself is not worse than any other.",
    wrong_cures=(
        ("record the seed", "it is recorded: the run can be made again, with its luck"),
        (
            "report the interval of that run",
            "it is as wide as it was, around a value that was chosen for being high",
        ),
        ("try more seeds, to be sure", "the maximum grows with each one"),
    ),
    cure_text="Write the seed down before; better, report mean and spread over all seeds. Touch the test set once.",
    guard="label_shuffle",
    limits="The choice must be part of what is run again. One claimed score does not show it: the best of forty lies "
    "where one honest score in forty lies. Count the runs.",
    references=(
        "Kapoor and Narayanan: Leakage and the reproducibility crisis in machine-learning-based science, Patterns 4(9), 2023, doi:10.1016/j.patter.2023.100804",
    ),
    strength=Strength("seeds that were tried", (5, 40), 40, 2, 400),
    effect="inflates",
    inject=inject,
    cure=cure,
    grows=True,
)
