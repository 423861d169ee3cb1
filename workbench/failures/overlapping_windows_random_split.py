"""Overlapping windows, random split: the same outcome is asked for week after week, on both sides of the split."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from workbench.failure import Failure, Strength
from workbench.profiles.gym_rows import at_random, observed_at
from workbench.seams import Seams, Step
from workbench.worlds.gym import GymWorld
from workbench.worlds.gym_jobs import MONDAYS

if TYPE_CHECKING:
    import pyarrow as pa

WEEKLY = tuple(monday for monday in MONDAYS if monday <= GymWorld.cutoffs[-1])
"""Mondays whose labels are ripe at the end of the history."""
FEW = 1000
"""Members who are observed: a forest on all of them would take minutes."""


def every(weeks: int) -> Step:
    """Return a step that observes the first members every so many weeks."""
    observe = observed_at(WEEKLY[::weeks])

    def step(rows: pa.Table, ws: Any) -> pa.Table:
        seen = observe(rows, ws)
        return seen.filter([int(item.rpartition("-")[2]) < FEW for item in seen["item_id"].to_pylist()])

    return step


def inject(strength: float) -> Seams:
    """Observe each member `strength` times in four weeks, and deal the rows at random."""
    return Seams(
        f"overlapping_windows_random_split {strength:g}", observe=every(round(4 / strength)), split=at_random
    )


def cure(strength: float) -> Seams:
    """Take the same rows, and split by time with an embargo of one horizon."""
    return Seams(f"overlapping_windows_random_split {strength:g} cured", observe=every(round(4 / strength)))


FAILURE = Failure(
    name="overlapping_windows_random_split",
    family="leakage",
    stage="dataset",
    world="gym",
    title="A snapshot each Monday makes four times the data. The label looks 30 days ahead.",
    symptom="The more often one looks, the better the score. Flexible models gain most; each step looks right.",
    mechanism="A member who leaves on the 29th is a leaver in the snapshots of the 1st, 8th, 15th and 22nd, with nearly "
    "the same features. A random split puts some of the four into training and asks for the others. A forest "
    "recognises the member and recalls the outcome.",
    wrong_cures=(
        ("cross-validate", "the folds are dealt at random, too"),
        ("stratify by label", "the twins of a leaver are all leavers"),
        (
            "split by time, at one date",
            "the week before the border has the outcome of the week after it: leave an embargo",
        ),
    ),
    cure_text="Split by time, with an embargo of at least the horizon between training and test. Split by member as well "
    "where the model will meet new members.",
    guard="window_overlap",
    limits="It needs the key, the time and the horizon. One person under two keys has twins that it cannot see.",
    references=(
        "Kapoor and Narayanan: Leakage and the reproducibility crisis in machine-learning-based science, Patterns 4(9), 2023, doi:10.1016/j.patter.2023.100804",
    ),
    strength=Strength("observations of a member in four weeks", (1, 2, 4), 4, 1, 4),
    effect="inflates",
    inject=inject,
    cure=cure,
    grows=True,
    family_of_model="forest",
    other_models=("logistic",),
)
