"""Unripe labels: the newest rows say "stays", because their 30 days are not over."""

from __future__ import annotations

from typing import TYPE_CHECKING

from workbench.failure import Failure, Strength
from workbench.profiles.gym_rows import by_member, observed_at
from workbench.seams import Seams
from workbench.worlds.gym import GymWorld
from workbench.worlds.gym_jobs import MONDAYS

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

RIPE = MONDAYS.index(GymWorld.cutoffs[-1])
"""Place of the newest Monday whose labels are ripe at the end of the history."""
WEEKS = 8


def newest(later: int) -> Sequence[datetime]:
    """Return eight Mondays, the last of them so many weeks after the last ripe one."""
    return MONDAYS[RIPE + later - WEEKS + 1 : RIPE + later + 1]


def inject(strength: float) -> Seams:
    """Observe everybody on the newest eight Mondays, `strength` of them too fresh."""
    times = newest(round(strength))
    return Seams(f"unripe_labels {strength:g}", observe=observed_at(times), split=by_member)


def cure(strength: float) -> Seams:
    """Observe everybody on the newest eight Mondays whose labels are ripe."""
    return Seams(f"unripe_labels {strength:g} cured", observe=observed_at(newest(0)), split=by_member)


FAILURE = Failure(
    name="unripe_labels",
    family="leakage",
    stage="dataset",
    world="gym",
    title="The newest weeks are the most valuable ones. They were labelled before they were over.",
    symptom="In production the ranking is as good as ever. The probabilities are too low, and so is the forecast.",
    mechanism="A label looks 30 days ahead. Of members observed 3 days before the extraction nearly none has cancelled "
    "yet, and who has not is called a stayer. Of the last eight Mondays four are too fresh, in training and in the "
    "test set alike: the model learns a rate that is too low, and its own evaluation agrees.",
    wrong_cures=(
        ("look at the AUC of production", "the ranking hardly changes; the probabilities do"),
        ("calibrate on the test set", "it is as unripe as the training set"),
        ("weigh newer rows more", "they are the ones that are wrong"),
    ),
    cure_text="Use a row only when its horizon, and the time until outcomes are recorded, is over.",
    guard="label_maturity",
    limits="It believes the horizon that it is told. Outcomes that are recorded late need a longer one. Members are asked "
    "about eight weeks in a row here: among a few hundred of them, solo_feature may recognise one by a constant such as the age.",
    references=(
        "Kaufman, Rosset, Perlich, Stitelman: Leakage in data mining: formulation, detection, and avoidance, "
        "TKDD 6(4), 2012, doi:10.1145/2382577.2382579",
        "Breck, Cai, Nielsen, Salib, Sculley: The ML Test Score, IEEE Big Data 2017, https://storage.googleapis.com/"
        "pub-tools-public-publication-data/pdf/aad9f93b86b7addfea4c419b9100c6cdd26cacea.pdf",
    ),
    strength=Strength("Mondays of eight whose labels are not ripe", (1, 2, 4), 4, 1, 4),
    effect="miscalibrates",
    inject=inject,
    cure=cure,
    guards_too=("cutoff_tells_label", "solo_feature"),
)
