"""Selection before split: the columns were chosen by looking at the test set."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from workbench.failure import Failure, Strength
from workbench.profiles.hands import grouped_split, put
from workbench.seams import Seams, Step

if TYPE_CHECKING:
    import pyarrow as pa

KEPT = 25
COLUMNS = tuple(f"sensor_{i:02d}" for i in range(KEPT))


def sensors(rows: pa.Table, n: int, seed: int) -> np.ndarray[Any, Any]:
    """Return `n` readings of each fruit, all of them noise, by its id."""
    items = rows["item_id"].to_pylist()
    return np.stack(
        [np.random.default_rng([seed, int.from_bytes(item.encode()[-6:])]).normal(size=n) for item in items]
    )


def chosen(readings: np.ndarray[Any, Any], labels: list[str]) -> np.ndarray[Any, Any]:
    """Return the columns that tell the labels apart best."""
    from sklearn.feature_selection import f_classif

    return np.argsort(-f_classif(readings, np.array(labels))[0], kind="stable")[:KEPT]


def kept(n: int, *, training_only: bool) -> Step:
    """Return a step that keeps the best columns, judged on all rows or on training rows alone."""

    def step(rows: pa.Table, ws: Any) -> pa.Table:
        seed = ws.settings.train.seed
        readings, labels = sensors(rows, n, seed), rows["label"].to_pylist()
        judged = (
            np.array(rows["split"].to_pylist()) == "train" if training_only else np.ones(len(labels), bool)
        )
        best = chosen(readings[judged], list(np.array(labels)[judged]))
        for name, column in zip(COLUMNS, readings[:, best].T, strict=True):
            rows = put(rows, name, column)
        return rows

    return step


def noise(rows: pa.Table, ws: Any) -> pa.Table:
    """In production each sensor reads noise, whichever was kept."""
    for name, column in zip(COLUMNS, sensors(rows, KEPT, ws.settings.train.seed).T, strict=True):
        rows = put(rows, name, column)
    return rows


def by_group(rows: pa.Table, ws: Any) -> list[str]:
    """Deal fruit at random."""
    return grouped_split(rows, ws.settings.train.seed)


def inject(strength: float) -> Seams:
    """Keep the best 25 of `strength` columns of noise, judged on all rows."""
    n = int(strength)
    step = kept(n, training_only=False)
    return Seams(f"selection_before_split {n}", rows=step, split=by_group, inputs=COLUMNS, online=noise)


def cure(strength: float) -> Seams:
    """Choose inside the training part."""
    n = int(strength)
    step = kept(n, training_only=True)
    return Seams(
        f"selection_before_split {n} cured", split=by_group, after_split=step, inputs=COLUMNS, online=noise
    )


FAILURE = Failure(
    name="selection_before_split",
    family="leakage",
    stage="dataset",
    world="packhouse",
    title="Fifteen hundred sensors were screened on all the data; the best twenty-five were kept.",
    symptom="Many columns, few rows, and a good score; none of it holds later.",
    mechanism="Among many columns of noise some follow the labels of this very test set by chance, and these are kept.",
    wrong_cures=(
        ("cross-validate the model", "the choice was made before, on all folds"),
        ("regularise harder", "the kept columns look as good on the test set as on the training set"),
    ),
    cure_text="Make selection a step of the fitted pipeline, so that it sees training rows alone.",
    guard="label_shuffle",
    limits="It says that the pipeline learns from labels it should not see, not where.",
    references=(
        "Ambroise and McLachlan: Selection bias in gene extraction on the basis of microarray gene-expression data, "
        "PNAS 99(10), 2002, doi:10.1073/pnas.102102699",
        "Kapoor and Narayanan: Leakage and the reproducibility crisis in machine-learning-based science, "
        "Patterns 4(9), 2023, doi:10.1016/j.patter.2023.100804",
    ),
    strength=Strength("columns that were screened", (300, 1500), 1500, 50, 3000),
    effect="inflates",
    dials=lambda _strength: {"frames": 1, "history_fruit": 240},
    inject=inject,
    cure=cure,
)
