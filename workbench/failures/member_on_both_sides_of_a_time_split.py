"""Member on both sides of a time split (a control): trained on earlier, tested on later, as in production."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from workbench.failure import Failure, Strength
from workbench.hashing import bucket_of
from workbench.profiles.hands import put
from workbench.seams import Seams

if TYPE_CHECKING:
    import pyarrow as pa

SIDES = ("train", "test")


def kept_apart(rows: pa.Table, ws: Any) -> pa.Table:
    """Train on one half of the members and test on the other, each at its own time."""
    del ws
    side = [SIDES[bucket_of(f"side-{item}", 2)] for item in rows["item_id"].to_pylist()]
    splits = rows["split"].to_pylist()
    kept = [split if split == own else "embargo" for split, own in zip(splits, side, strict=True)]
    return put(rows, "split", kept)


def inject(strength: float) -> Seams:
    """Change nothing: a split by time has members on both sides."""
    return Seams(f"member_on_both_sides_of_a_time_split {strength:g}")


def cure(strength: float) -> Seams:
    """Keep members apart, at the cost of three rows in four."""
    return Seams(f"member_on_both_sides_of_a_time_split {strength:g} apart", after_split=kept_apart)


FAILURE = Failure(
    name="member_on_both_sides_of_a_time_split",
    family="control",
    stage="dataset",
    world="gym",
    title="Eight rows in ten of the test set are about members who were trained on, months earlier.",
    symptom="A check for groups on both sides of the split fires, loudly.",
    mechanism="The split is by time, with an embargo of one horizon: no outcome is shared. Production asks about the same "
    "members again as well. What a model has learned about a member it will know in production, too.",
    wrong_cures=(
        (
            "split by member instead of by time",
            "then training rows are newer than test rows, and overlap with them",
        ),
        (
            "split by both",
            "it costs most of the rows, and judges a model for strangers that nobody will ask about",
        ),
    ),
    cure_text="None is needed while production asks about known members. Split by member as well where it will be new ones.",
    guard="",
    limits="group_overlap asks for no group on both sides: right for frames of one fruit, too strict here. window_overlap "
    "asks whether an outcome is shared.",
    references=(
        "Kapoor and Narayanan: Leakage and the reproducibility crisis in machine-learning-based science, Patterns 4(9), 2023, doi:10.1016/j.patter.2023.100804",
    ),
    strength=Strength("injected or not", (1.0,), 1.0, 1.0, 1.0),
    effect="none",
    inject=inject,
    cure=cure,
)
