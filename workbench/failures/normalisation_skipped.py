"""Normalisation skipped: pixels between 0 and 1 where the encoder wants mean 0."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from workbench.failure import Failure, Strength
from workbench.profiles.hands import embedded_otherwise, replace_share
from workbench.seams import HONEST, Seams, Step

if TYPE_CHECKING:
    import pyarrow as pa


def not_normalised(batch: Any) -> Any:
    """Undo the encoder's mean and deviation (those of CLIP; a card may have others)."""
    mean = np.array([0.48145466, 0.4578275, 0.40821073], np.float32)[:, None, None]
    deviation = np.array([0.26862954, 0.26130258, 0.27577711], np.float32)[:, None, None]
    return (batch * deviation + mean).astype(np.float32)


def skipped(share: float) -> Step:
    """Return a step that embeds a share of the photos without normalising them."""

    def step(rows: pa.Table, ws: Any) -> pa.Table:
        ids = rows["feature_image_id"].to_pylist()
        return replace_share(
            rows, embedded_otherwise(ws, ids, "not normalised", pixels=not_normalised), share
        )

    return step


def inject(strength: float) -> Seams:
    """Skip mean and deviation for a share `strength` of the photos."""
    return Seams(f"normalisation_skipped {strength:g}", online=skipped(strength))


def cure(strength: float) -> Seams:
    """Let the preprocessing travel with the encoder."""
    del strength
    return HONEST


FAILURE = Failure(
    name="normalisation_skipped",
    family="skew",
    stage="serve",
    world="packhouse",
    title="The service scales pixels to 0..1 and forgets mean and deviation.",
    symptom="The scores crowd together; a threshold sends everything one way.",
    mechanism="The encoder was trained on pixels with mean 0; what it gets is grey mist.",
    wrong_cures=(
        ("recalibrate the threshold", "the order of the fruit is lost, too"),
        ("clip the scores", "they are in range already"),
    ),
    cure_text="Ship preprocessing and encoder as one, with one version.",
    guard="embedding",
    limits="Needs the same photos through both paths.",
    references=(
        "Breck, Cai, Nielsen, Salib, Sculley: The ML Test Score, IEEE Big Data 2017, https://storage.googleapis.com/"
        "pub-tools-public-publication-data/pdf/aad9f93b86b7addfea4c419b9100c6cdd26cacea.pdf",
    ),
    strength=Strength("share of the requests that take the other path", (0.25, 0.5, 1.0), 1.0),
    effect="damages",
    inject=inject,
    cure=cure,
    guards_too=("parity",),
    grows=True,
)
