"""Time-zone shift (a control): the service counts evenings by a clock that is some hours ahead."""

from __future__ import annotations

from workbench.failure import Failure, Strength
from workbench.profiles.gym_hands import served_computed
from workbench.seams import HONEST, Seams


def inject(strength: float) -> Seams:
    """Compute the share of evening visits by a clock `strength` hours ahead."""
    return Seams(
        f"timezone_shift {strength:g}", online=served_computed(("evening_share",), utc_offset_h=strength)
    )


def cure(strength: float) -> Seams:
    """Count evenings by one clock."""
    del strength
    return HONEST


FAILURE = Failure(
    name="timezone_shift",
    family="control",
    stage="serve",
    world="gym",
    title="The service runs on another clock: every evening visit became a night visit.",
    symptom="Parity is red: nearly every member has another share of evening visits. Scores and decisions hardly move.",
    mechanism="Members who come in the evening leave as often as those who come before work, so there is next to nothing "
    "to learn from the time of day. A column without weight may be wrong for years. From few rows a model "
    "learns some noise about it; then a few more members are called, and the ranking still does not move. The guard "
    "is right that the two paths differ; it cannot know that nobody is hurt.",
    wrong_cures=(
        (
            "roll back at once",
            "there is time: no decision has changed; mend it before the next model learns from that column",
        ),
        (
            "switch the guard off",
            "the next model may give the column a weight, and the next column may matter",
        ),
        ("shift the training data too", "then both are wrong together, and silently"),
    ),
    cure_text="Keep times aware and in UTC until the last step, and name the zone of the club where local time is "
    "meant.",
    guard="",
    limits="Parity says how many cells differ, never what it costs. Ask what the model does with the column: "
    "serve both versions and compare decisions.",
    references=(
        "Sculley et al.: Hidden Technical Debt in Machine Learning Systems, NIPS 2015, "
        "https://proceedings.neurips.cc/paper/2015/hash/86df7dcfd896fcaf2674f757a2463eba-Abstract.html",
        "Breck, Cai, Nielsen, Salib, Sculley: The ML Test Score, IEEE Big Data 2017, https://storage.googleapis.com/"
        "pub-tools-public-publication-data/pdf/aad9f93b86b7addfea4c419b9100c6cdd26cacea.pdf",
    ),
    strength=Strength("hours that the clock is ahead", (2, 8), 8, 1, 14),
    effect="none",
    inject=inject,
    cure=cure,
    guards_too=("parity",),
)
