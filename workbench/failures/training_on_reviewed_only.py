"""Training on reviewed only: the labels are the best there are, and the fruit are not those of production."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from workbench.failure import Failure, Strength
from workbench.seams import HONEST, Seams, Step

if TYPE_CHECKING:
    import pyarrow as pa


def reviewed_only(share: float) -> Step:
    """Return a step that drops a share of the items that nobody reviewed."""

    def step(rows: pa.Table, ws: Any) -> pa.Table:
        import pyarrow as pa

        seen = [source == "review" for source in rows["label_source"].to_pylist()]
        items = rows["item_id"].to_pylist()
        others = sorted({item for item, is_seen in zip(items, seen, strict=True) if not is_seen})
        gone = set(
            np.random.default_rng(ws.settings.train.seed).permutation(others)[: round(share * len(others))]
        )
        return rows.filter(pa.array([item not in gone for item in items]))

    return step


def inject(strength: float) -> Seams:
    """Drop a share `strength` of the items without a review."""
    return Seams(f"training_on_reviewed_only {strength:g}", observe=reviewed_only(strength))


def cure(strength: float) -> Seams:
    """Train on everything that comes down the line, with the label that was known."""
    del strength
    return HONEST


FAILURE = Failure(
    name="training_on_reviewed_only",
    family="leakage",
    stage="dataset",
    world="packhouse",
    title="Only carefully checked examples are good enough for us.",
    symptom="The dataset is small and clean; in production the model rejects far too much, or far too little.",
    mechanism="A fruit gets onto the bench because it looked bad. Selecting by review selects by suspicion: the "
    "model never sees an ordinary good fruit.",
    wrong_cures=(
        ("weight the classes", "the missing fruit are of a kind, not of a class"),
        ("collect more reviews", "they are chosen in the same way"),
    ),
    cure_text="Sample what is learned from as production will sample it; review a random part, too.",
    guard="row_identity",
    limits="It compares the dataset with everything that had a label: somebody must say what all of it is.",
    references=(
        "Kapoor and Narayanan: Leakage and the reproducibility crisis in machine-learning-based science, "
        "Patterns 4(9), 2023, doi:10.1016/j.patter.2023.100804",
    ),
    strength=Strength("share of the unreviewed items that are dropped", (0.5, 0.8), 0.8),
    effect="damages",
    inject=inject,
    cure=cure,
    grows=True,
)
