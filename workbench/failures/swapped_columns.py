"""Swapped columns: the numbers travel as an array without names, and two have changed places."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from workbench.failure import Failure, Strength
from workbench.profiles.gym_hands import answered_otherwise, numbers
from workbench.seams import HONEST, Seams, Step

if TYPE_CHECKING:
    import pyarrow as pa


def swapped(share: float) -> Step:
    """Return a step in which the visits of 7 and of 90 days change places, in a share of the answers."""

    def step(rows: pa.Table, ws: Any) -> pa.Table:
        del ws
        places = {"visits_7d": numbers(rows, "visits_90d"), "visits_90d": numbers(rows, "visits_7d")}
        return answered_otherwise(rows, places, share)

    return step


def inject(strength: float) -> Seams:
    """Swap two columns in a share `strength` of the answers."""
    return Seams(f"swapped_columns {strength:g}", online=swapped(strength))


def cure(strength: float) -> Seams:
    """Ask for columns by their names."""
    del strength
    return HONEST


FAILURE = Failure(
    name="swapped_columns",
    family="skew",
    stage="serve",
    world="gym",
    title="The client sends its numbers without names, and two of them have changed places.",
    symptom="Hardly anybody is called any more. The answers stay between 0 and 1, and the AUC falls a little.",
    mechanism="Both columns are counts of visits, so types and ranges agree. The model sees dozens of visits in the "
    "last week where there were two, and everybody looks like the most faithful member there ever was. A "
    "week and a quarter go up and down together, so the order of the members survives for the most part.",
    wrong_cures=(
        ("check types and ranges", "both are counts of the same thing"),
        ("check the length of the array", "nineteen numbers go in, as always"),
        ("watch the AUC", "it sees the order, and that moves least"),
    ),
    cure_text="Send names with the numbers, and ask one feature service that both sides use.",
    guard="parity",
    limits="It needs pairs, and some rows in which the two columns differ. A swap that is made in training and "
    "serving alike is no skew.",
    references=(
        "Sculley et al.: Hidden Technical Debt in Machine Learning Systems, NIPS 2015, "
        "https://proceedings.neurips.cc/paper/2015/hash/86df7dcfd896fcaf2674f757a2463eba-Abstract.html",
        "Breck, Cai, Nielsen, Salib, Sculley: The ML Test Score, IEEE Big Data 2017, https://storage.googleapis.com/"
        "pub-tools-public-publication-data/pdf/aad9f93b86b7addfea4c419b9100c6cdd26cacea.pdf",
    ),
    strength=Strength("share of the requests that the new client sends", (0.25, 0.5, 1.0), 1.0),
    effect="miscalibrates",
    inject=inject,
    cure=cure,
)
