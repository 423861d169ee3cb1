"""Embedding swapped under the same name: a new model, the old column."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from workbench.failure import Failure, Strength
from workbench.profiles.hands import embedded_otherwise, replace_share
from workbench.seams import HONEST, Seams, Step

if TYPE_CHECKING:
    import pyarrow as pa


OTHER = "tiny_v0"
"""An earlier version of the same encoder: same shape, same column."""


def swapped(share: float) -> Step:
    """Return a step that takes the embeddings of a share of the items from the other encoder."""

    def step(rows: pa.Table, ws: Any) -> pa.Table:
        vectors = embedded_otherwise(ws, rows["feature_image_id"].to_pylist(), "swapped", spec=OTHER)
        return replace_share(rows, vectors, share)

    return step


def inject(strength: float) -> Seams:
    """Fill a share `strength` of the online embeddings from another version of the encoder."""
    return Seams(f"embedding_swapped_under_same_name {strength:g}", online=swapped(strength))


def cure(strength: float) -> Seams:
    """Put the model's version into the name of the view; the old view stays."""
    del strength
    return HONEST


FAILURE = Failure(
    name="embedding_swapped_under_same_name",
    family="skew",
    stage="serve",
    world="packhouse",
    title="The encoder is upgraded; the column keeps its name.",
    symptom="Same shape, same type, same range. Scores drift down.",
    mechanism="Two trainings give two spaces: the directions that the classifier reads mean something else.",
    wrong_cures=(
        ("retrain the classifier on the mixed table", "half of the rows still speak another language"),
        ("check the dimension", "it is the same"),
    ),
    cure_text="Model and preprocessing version are part of the view's name, and a fingerprint is checked before apply.",
    guard="embedding",
    limits="The cosine between close versions can stay high: compare fingerprints, too.",
    references=(
        "Sculley et al.: Hidden Technical Debt in Machine Learning Systems, NIPS 2015, https://proceedings."
        "neurips.cc/paper/2015/hash/86df7dcfd896fcaf2674f757a2463eba-Abstract.html",
    ),
    strength=Strength("share of the requests that take the other path", (0.25, 0.5, 1.0), 1.0),
    effect="damages",
    inject=inject,
    cure=cure,
    guards_too=("parity",),
    grows=True,
)
