"""Honest drift (a control): the lamp ages; the world changes and the pipeline is right."""

from __future__ import annotations

from workbench.failure import Failure, Strength
from workbench.seams import HONEST, Seams


def inject(strength: float) -> Seams:
    """Change nothing: the dial of the world has moved."""
    return Seams(f"honest_drift {strength:g}")


def cure(strength: float) -> Seams:
    """There is nothing to cure in the pipeline."""
    del strength
    return HONEST


FAILURE = Failure(
    name="honest_drift",
    family="control",
    stage="serve",
    world="packhouse",
    title="The lamp loses two percent a day. No code is wrong.",
    symptom="Every test on distributions fires; the score falls in production.",
    mechanism="The world moves. Drift statistics cannot tell this from a bug; comparing the same item offline and online can.",
    wrong_cures=(
        ("look for the bug", "there is none"),
        ("alarm on distributions", "it fires every week, until nobody listens"),
    ),
    cure_text="Retrain on newer data, and say so; keep parity checks for bugs.",
    guard="",
    limits="Parity says nothing about drift, and need not.",
    references=(
        "Breck, Cai, Nielsen, Salib, Sculley: The ML Test Score, IEEE Big Data 2017, https://storage.googleapis.com/"
        "pub-tools-public-publication-data/pdf/aad9f93b86b7addfea4c419b9100c6cdd26cacea.pdf",
    ),
    strength=Strength("how fast lamp and lenses age", (0.5, 1.0), 1.0),
    effect="none",
    dials=lambda strength: {"drift": strength},
    inject=inject,
    cure=cure,
)
