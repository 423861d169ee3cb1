"""Stale store: the job that fills the online store has died, and the store goes on answering."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

from workbench.clock import as_utc
from workbench.failure import Failure, Strength
from workbench.profiles.hands import put
from workbench.profiles.mornings import answered
from workbench.profiles.scorer import as_table
from workbench.seams import HONEST, Seams, Step

if TYPE_CHECKING:
    import pyarrow as pa


def filled_before(days: float) -> Step:
    """Return a step that asks a store which was filled for the last time so many days ago."""

    def step(rows: pa.Table, ws: Any) -> pa.Table:
        now = as_utc(rows["asked_at"][0].as_py())
        found = as_table(answered(ws, rows["item_id"].to_pylist(), now - timedelta(days=days)), now)
        for name in found.column_names:
            rows = put(rows, name, found[name])
        return rows

    return step


def inject(strength: float) -> Seams:
    """Answer from a store that was filled `strength` days ago."""
    return Seams(f"stale_store {strength:g}", online=filled_before(strength))


def cure(strength: float) -> Seams:
    """Fill the store every Monday."""
    del strength
    return HONEST


FAILURE = Failure(
    name="stale_store",
    family="skew",
    stage="serve",
    world="gym",
    title="The job that fills the online store died four weeks ago. The store still answers.",
    symptom="No error and no missing answer. The score falls slowly, as if the world had changed.",
    mechanism="An online store keeps the newest row it was given, whatever its age. Members who stopped coming "
    "since then are served as they were when they still came, and it is this change by which a model sees "
    "that somebody leaves. Who joined since is not there at all. The longer the job has been dead, the "
    "less is left of the signal.",
    wrong_cures=(
        (
            "retrain",
            "the training reads the offline store, which is fresh: the new model is served the same old rows",
        ),
        (
            "look for drift in what is served",
            "the served numbers are those of last month: they look like training data",
        ),
    ),
    cure_text="Serve the age with the answer, and alarm where it is above what the job promises; give each view a "
    "time to live, and a fallback.",
    guard="freshness",
    limits="A job that writes old rows with new times is fresh to it; parity sees that. Seven days are its limit "
    "here, since the job runs once a week: a store that missed one run is found by parity alone.",
    references=(
        "Sculley et al.: Hidden Technical Debt in Machine Learning Systems, NIPS 2015, "
        "https://proceedings.neurips.cc/paper/2015/hash/86df7dcfd896fcaf2674f757a2463eba-Abstract.html",
        "Breck, Cai, Nielsen, Salib, Sculley: The ML Test Score, IEEE Big Data 2017, https://storage.googleapis.com/"
        "pub-tools-public-publication-data/pdf/aad9f93b86b7addfea4c419b9100c6cdd26cacea.pdf",
    ),
    strength=Strength("days since the store was filled", (7, 14, 28, 56), 28, 7, 180),
    effect="damages",
    inject=inject,
    cure=cure,
    guards_too=("parity", "schema"),
    grows=True,
)
