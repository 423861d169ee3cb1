"""Oversample before split: leavers were copied until there were enough, and a copy is tested on."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from workbench.failure import Failure, Strength
from workbench.profiles.gym_rows import at_random
from workbench.profiles.hands import put
from workbench.seams import Seams, Step
from workbench.worlds.gym import GymWorld

if TYPE_CHECKING:
    import pyarrow as pa

APART = GymWorld.cutoffs[::2]
"""56 days apart: the outcomes of two rows of one member have no day in common, so rows may be dealt at random."""


def apart(rows: pa.Table, ws: Any) -> pa.Table:
    """Keep every second observation."""
    del ws
    return rows.filter([when in APART for when in rows["event_timestamp"].to_pylist()])


def copied(share: float) -> Step:
    """Return a step that copies leavers until there are `share` of them for each who stays."""

    def step(rows: pa.Table, ws: Any) -> pa.Table:
        import pyarrow as pa

        leaves = np.array(rows["label"].to_pylist()) == "leaves"
        wanted = round(share * (~leaves).sum()) - leaves.sum()
        rng = np.random.default_rng(ws.settings.train.seed)
        copies = rows.take(rng.choice(np.flatnonzero(leaves), max(0, wanted)))
        names = [f"{row_id}-copy-{n}" for n, row_id in enumerate(copies["row_id"].to_pylist())]
        return pa.concat_tables([rows, put(copies, "row_id", names)])

    return step


def inject(strength: float) -> Seams:
    """Copy leavers to `strength` of those who stay, then deal the rows."""
    return Seams(
        f"oversample_before_split {strength:g}", observe=apart, rows=copied(strength), split=at_random
    )


def cure(strength: float) -> Seams:
    """Deal the rows, then copy leavers among the training rows."""
    return Seams(
        f"oversample_before_split {strength:g} cured",
        observe=apart,
        split=at_random,
        training=copied(strength),
    )


FAILURE = Failure(
    name="oversample_before_split",
    family="leakage",
    stage="dataset",
    world="gym",
    title="One in twenty leaves, so the leavers were copied until both classes were equal. Then came the split.",
    symptom="An AUC of 0.99. The test set is half leavers, which nobody finds strange.",
    mechanism="Of each leaver there are about twenty copies. A random split leaves some of them in training for every "
    "copy in the test set, and a forest knows its training rows by heart. The stayers were not copied, so the test "
    "set asks mostly for what was learned.",
    wrong_cures=(
        (
            "make new leavers between two old ones (SMOTE)",
            "the new one lies beside an old one that is tested on",
        ),
        (
            "drop equal rows afterwards",
            "then the oversampling is gone, too; its order was wrong, not its idea",
        ),
        (
            "judge by average precision",
            "it moves with the share of leavers in the test set, which was changed",
        ),
    ),
    cure_text="Split first, then copy among the training rows alone; or weigh the classes. The test set keeps the share "
    "that the world has. Either way the probabilities are too high and want calibration.",
    guard="row_twins",
    limits="It finds equal rows. Copies with noise, or new rows between old ones, need label_shuffle.",
    references=(
        "Kapoor and Narayanan: Leakage and the reproducibility crisis in machine-learning-based science, Patterns 4(9), 2023, doi:10.1016/j.patter.2023.100804",
    ),
    strength=Strength("leavers for each who stays, after copying", (0.25, 1.0), 1.0, 0.1, 2.0),
    effect="inflates",
    inject=inject,
    cure=cure,
    guards_too=("label_shuffle", "row_identity", "window_overlap"),
    family_of_model="forest",
    other_models=("logistic",),
)
