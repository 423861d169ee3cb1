"""Colour order: the service reads photos as blue, green, red."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from workbench.failure import Failure, Strength
from workbench.profiles.hands import embedded_otherwise, replace_share
from workbench.seams import HONEST, Seams, Step

if TYPE_CHECKING:
    import pyarrow as pa


def bgr(image: Any) -> Any:
    """Return a picture with red and blue exchanged."""
    from PIL import Image

    return Image.fromarray(np.asarray(image)[..., ::-1].copy())


def swapped(share: float) -> Step:
    """Return a step that embeds a share of the photos with the wrong order of colours."""

    def step(rows: pa.Table, ws: Any) -> pa.Table:
        vectors = embedded_otherwise(ws, rows["feature_image_id"].to_pylist(), "bgr", alter=bgr)
        return replace_share(rows, vectors, share)

    return step


def inject(strength: float) -> Seams:
    """Read a share `strength` of the photos as BGR."""
    return Seams(f"colour_order {strength:g}", online=swapped(strength))


def cure(strength: float) -> Seams:
    """One path from bytes to pixels, in training and serving alike."""
    del strength
    return HONEST


FAILURE = Failure(
    name="colour_order",
    family="skew",
    stage="serve",
    world="packhouse",
    title="The service uses a library that reads BGR.",
    symptom="Scores stay between 0 and 1, and no shape is wrong.",
    mechanism="Three numbers a pixel go in either way. Red fruit become blue ones; the encoder has never seen any.",
    wrong_cures=(
        ("retrain on production photos", "the two paths still differ, now the other way round"),
        ("check shapes and ranges", "they are equal"),
    ),
    cure_text="Make one function from bytes to pixels, give it a version, and use it on both sides.",
    guard="embedding",
    limits="It needs the same photos through both paths, about 50; a path that is wrong only for some files needs those files among them.",
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
