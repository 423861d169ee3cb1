"""Missing becomes zero: nobody knows when the member came last, and the service says today."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from workbench.failure import Failure, Strength
from workbench.profiles.gym_hands import answered_otherwise, numbers
from workbench.seams import Join, Seams, Step

if TYPE_CHECKING:
    import pyarrow as pa


def looked_back(rows: pa.Table, days: float) -> pa.Table:
    """Forget a last visit that lies further back than so many days: unknown, as the feature defines it."""
    since = numbers(rows, "days_since_visit")
    return answered_otherwise(rows, {"days_since_visit": np.where(since > days, np.nan, since)})


def joined(days: float) -> Join:
    """Return a join whose last visit looks back so many days, in whatever log or store it is asked."""

    def join(door: Any, rows: pa.Table, view: str, ws: Any) -> pa.Table:
        del ws
        return looked_back(door.as_of(rows, view), days)

    return join


def served(days: float) -> Step:
    """Return the same for what is served: unknown stays unknown."""

    def step(rows: pa.Table, ws: Any) -> pa.Table:
        del ws
        return looked_back(rows, days)

    return step


def served_with_zero(days: float) -> Step:
    """Return the same, from a client that turns unknown into 0."""

    def step(rows: pa.Table, ws: Any) -> pa.Table:
        del ws
        known = looked_back(rows, days)
        since = np.nan_to_num(numbers(known, "days_since_visit"), nan=0.0)
        return answered_otherwise(known, {"days_since_visit": since})

    return step


def inject(strength: float) -> Seams:
    """Train on nulls, serve zeros; both look back `strength` days."""
    return Seams(
        f"missing_becomes_zero {strength:g}", join=joined(strength), online=served_with_zero(strength)
    )


def cure(strength: float) -> Seams:
    """Train on nulls, serve nulls."""
    return Seams(f"missing_becomes_zero cured {strength:g}", join=joined(strength), online=served(strength))


FAILURE = Failure(
    name="missing_becomes_zero",
    family="skew",
    stage="serve",
    world="gym",
    title="Who has not come for two weeks came today, says the service.",
    symptom="The list of members to call becomes short, and nobody misses a list that is too short. The AUC falls by little.",
    mechanism="The feature looks back two weeks: whoever did not come has no last visit, and null is what the trees "
    "have learnt to be afraid of. The client of the store turns null into 0, and 0 days since the last visit is "
    "the best that a member can show. Other columns still say that somebody stopped coming, so the order survives "
    "for the most part. A logistic regression hardly notices here: it fills null with the mean anyway.",
    wrong_cures=(
        (
            "fill nulls with the mean in the service",
            "then service and training each have a mean of their own, and one is forgotten at the next training",
        ),
        ("drop members with nulls", "the very members who are about to leave are asked about no more"),
    ),
    cure_text="Hand null on as null, and let the saved pipeline fill it; count nulls on both sides.",
    guard="parity",
    limits="It fires only where something is missing: where the look-back is long and everybody comes, no cell differs.",
    references=(
        "Sculley et al.: Hidden Technical Debt in Machine Learning Systems, NIPS 2015, "
        "https://proceedings.neurips.cc/paper/2015/hash/86df7dcfd896fcaf2674f757a2463eba-Abstract.html",
        "Breck, Cai, Nielsen, Salib, Sculley: The ML Test Score, IEEE Big Data 2017, https://storage.googleapis.com/"
        "pub-tools-public-publication-data/pdf/aad9f93b86b7addfea4c419b9100c6cdd26cacea.pdf",
    ),
    strength=Strength("days that the last visit is looked for", (14, 30), 14, 5, 60),
    effect="miscalibrates",
    inject=inject,
    cure=cure,
    family_of_model="boosting",
)
