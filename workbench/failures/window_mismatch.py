"""Window mismatch: the service counts visits over another number of days than the training did."""

from __future__ import annotations

from workbench.failure import Failure, Strength
from workbench.profiles.gym_hands import served_computed
from workbench.seams import HONEST, Seams


def inject(strength: float) -> Seams:
    """Count the visits of `strength` days in the service; the trend is derived from that count."""
    return Seams(
        f"window_mismatch {strength:g}",
        online=served_computed(("visits_30d", "trend"), window_days=strength),
    )


def cure(strength: float) -> Seams:
    """Count once, in the feature job, and serve that number."""
    del strength
    return HONEST


FAILURE = Failure(
    name="window_mismatch",
    family="skew",
    stage="serve",
    world="gym",
    title="The team of the service read 'recent visits' as a week; the model had learnt a month.",
    symptom="Twice as many members as planned are called. The ranking of the members is nearly as good as before.",
    mechanism="A count of 7 days is about a quarter of a count of 30. The model reads few visits and a falling "
    "trend, which is how somebody looks who is about to leave. Nearly all members move in the same "
    "direction, so their order hardly changes, and a rank metric such as AUC hardly falls. The "
    "probabilities, and whoever acts on a threshold, are off.",
    wrong_cures=(
        ("watch the AUC", "it moves by a point or two; the share of members above the threshold doubles"),
        (
            "calibrate again on production",
            "labels ripen after 30 days, and the next fix of the service breaks it again",
        ),
    ),
    cure_text="Define a feature once, compute it in one job, and let training and serving read it from there.",
    guard="parity",
    limits="It needs what was served beside the training path, for the same members at the same times. Without "
    "the shorter and longer counts beside it, it says that the column differs, and not how.",
    references=(
        "Sculley et al.: Hidden Technical Debt in Machine Learning Systems, NIPS 2015, "
        "https://proceedings.neurips.cc/paper/2015/hash/86df7dcfd896fcaf2674f757a2463eba-Abstract.html",
        "Breck, Cai, Nielsen, Salib, Sculley: The ML Test Score, IEEE Big Data 2017, https://storage.googleapis.com/"
        "pub-tools-public-publication-data/pdf/aad9f93b86b7addfea4c419b9100c6cdd26cacea.pdf",
    ),
    strength=Strength("days that the service counts, where 30 are right", (7, 14, 60), 7, 1, 90),
    effect="miscalibrates",
    inject=inject,
    cure=cure,
)
