"""Bursts across split: frames of one fruit on both sides."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from workbench.failure import Failure, Strength
from workbench.profiles.hands import careless_split, grouped_split
from workbench.seams import Seams

if TYPE_CHECKING:
    import pyarrow as pa


def by_row(rows: pa.Table, ws: Any) -> list[str]:
    """Deal frames, not fruit."""
    return careless_split(rows, ws.settings.train.seed)


def by_group(rows: pa.Table, ws: Any) -> list[str]:
    """Deal fruit, with all that belongs to them."""
    return grouped_split(rows, ws.settings.train.seed)


def inject(strength: float) -> Seams:
    """Deal frames to train and test at random."""
    return Seams(f"bursts_across_split {strength:g}", split=by_row)


def cure(strength: float) -> Seams:
    """Deal whole groups at random: the one difference is the burst."""
    return Seams(f"bursts_across_split {strength:g} cured", split=by_group)


FAILURE = Failure(
    name="bursts_across_split",
    family="images",
    stage="dataset",
    world="packhouse",
    title="Four frames a fruit, a fifth of a second apart; three to learn from, one to be tested on.",
    symptom="A flexible model scores near one. It scores near one on labels from a coin, too.",
    mechanism="The test frame is a near-copy of a training frame, so remembering is enough. The fewer fruit "
    "and the more flexible the model, the larger the lie.",
    wrong_cures=(
        ("remove exact duplicates", "frames differ in every byte"),
        ("stratify by label", "the copies stay on both sides"),
    ),
    cure_text="Split by group: item, burst and near-duplicates stay together.",
    guard="group_overlap",
    limits="Groups must be known. Where they are not, near_duplicates looks at the pictures.",
    references=(
        "Barz and Denzler: Do We Train on Test Data? Purging CIFAR of Near-Duplicates, J. Imaging 6(6), 41, 2020, "
        "doi:10.3390/jimaging6060041",
        "Kapoor and Narayanan: Leakage and the reproducibility crisis in machine-learning-based science, "
        "Patterns 4(9), 2023, doi:10.1016/j.patter.2023.100804",
    ),
    strength=Strength("frames in a burst", (2, 4), 4, 2, 8),
    effect="inflates",
    inject=inject,
    cure=cure,
    guards_too=("label_shuffle", "row_twins"),
    grows=True,
    dials=lambda strength: {"frames": int(strength), "history_fruit": 120},
    family_of_model="nearest",
)
