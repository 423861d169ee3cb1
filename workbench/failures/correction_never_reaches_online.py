"""Correction never reaches online: what arrives after the watermark stays offline for ever."""

from __future__ import annotations

from workbench.failure import Failure, Strength
from workbench.profiles.second_store import Setup, join_with, served_by
from workbench.seams import Seams


def inject(strength: float) -> Seams:
    """Fill the online store by increments, while a share `strength` of the clubs delivers late."""
    late = Setup(late_clubs=strength)
    name = f"correction_never_reaches_online {strength:g}"
    return Seams(name, join=join_with(late), online=served_by(Setup(late_clubs=strength, incremental=True)))


def cure(strength: float) -> Seams:
    """Fill the online store with the whole span each time."""
    late = Setup(late_clubs=strength)
    return Seams(
        f"correction_never_reaches_online {strength:g} cured",
        join=join_with(late),
        online=served_by(late),
    )


FAILURE = Failure(
    name="correction_never_reaches_online",
    family="skew",
    stage="serve",
    world="gym",
    title="Some clubs deliver two days late, and their members stand still since the launch.",
    symptom="The first week is fine. Then the score of some clubs falls, month after month. The job is green each "
    "night, and in the offline store nothing is missing.",
    mechanism="materialize_incremental copies event times from its last end to now. Visits of a Monday that arrive on "
    "Wednesday lie before that end when they are there, so no run ever takes them; nor a correction with its old event "
    "time. The offline join has both. Online the last row from before the launch answers for ever.",
    wrong_cures=(
        ("run it more often", "the watermark is nearer, and the late row lies further behind it"),
        ("retry the failed runs", "none failed"),
        ("look at the time of the served row", "it is that of the account, which arrives in time"),
    ),
    cure_text="Materialise a span as long as rows can be late, or the whole one, each time; and compare served values with the "
    "offline join.",
    guard="parity",
    limits="It needs a served log. What arrives late on both sides alike is no difference.",
    references=(
        "Feast 0.67, feast/feature_store.py, materialize_incremental: it starts at most_recent_end_time",
        "Feast issue #4133, comment of 2024-08-01: incremental materialization misses data that arrived late",
    ),
    strength=Strength("share of the clubs that deliver two days late", (0.25, 0.5, 1.0), 0.5, 0.1, 1.0),
    effect="damages",
    inject=inject,
    cure=cure,
    grows=True,
)
