"""Augment before split: variants of one photo are dealt to both sides."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from workbench.failure import Failure, Strength
from workbench.profiles.hands import careless_split, embedded_otherwise, grouped_split, put
from workbench.seams import Seams, Step

if TYPE_CHECKING:
    import pyarrow as pa


def variant(number: int) -> Any:
    """Return a function that flips, shifts and brightens a picture a little, the same way each time."""

    def alter(image: Any) -> Any:
        from PIL import Image

        rng = np.random.default_rng([number, 7])
        pixels = np.asarray(image).astype(np.float32)
        if number % 2:
            pixels = pixels[:, ::-1]
        pixels = np.roll(pixels, tuple(rng.integers(-4, 5, 2)), (0, 1)) * (1 + 0.12 * (rng.random() - 0.5))
        return Image.fromarray(np.clip(pixels, 0, 255).astype(np.uint8))

    return alter


def augmented(copies: int, *, training_only: bool) -> Step:
    """Return a step that adds variants of each photo as rows of their own."""

    def step(rows: pa.Table, ws: Any) -> pa.Table:
        import pyarrow as pa
        import pyarrow.compute as pc

        source = rows.filter(pc.equal(rows["split"], "train")) if training_only else rows
        made = [rows]
        for number in range(1, copies):
            ids = source["feature_image_id"].to_pylist()
            more = put(
                source, "embedding", embedded_otherwise(ws, ids, f"variant {number}", alter=variant(number))
            )
            made.append(
                put(more, "row_id", [f"{row_id}-{number}" for row_id in source["row_id"].to_pylist()])
            )
        return pa.concat_tables(made).sort_by("row_id")

    return step


def by_row(rows: pa.Table, ws: Any) -> list[str]:
    """Deal rows, variants included, at random."""
    return careless_split(rows, ws.settings.train.seed)


def by_group(rows: pa.Table, ws: Any) -> list[str]:
    """Deal fruit at random."""
    return grouped_split(rows, ws.settings.train.seed)


def inject(strength: float) -> Seams:
    """Make `strength` variants of each photo, then split at random."""
    step = augmented(int(strength), training_only=False)
    return Seams(f"augment_before_split {strength:g}", rows=step, split=by_row)


def cure(strength: float) -> Seams:
    """Split first; augment the training rows alone."""
    step = augmented(int(strength), training_only=True)
    return Seams(f"augment_before_split {strength:g} cured", split=by_group, after_split=step)


FAILURE = Failure(
    name="augment_before_split",
    family="images",
    stage="dataset",
    world="packhouse",
    title="Five variants of every photo, then a fair shuffle.",
    symptom="A flexible model scores near one; on a new season it does not.",
    mechanism="A variant in the test set has its original in the training set: recognising the photo is enough.",
    wrong_cures=(
        ("stronger augmentation", "the variants still share fruit, light and background"),
        ("cross-validate", "the variants lie in every fold"),
    ),
    cure_text="Split by fruit first, augment the training part afterwards.",
    guard="group_overlap",
    limits="Needs the id of the source photo on each variant; without it near_duplicates must look at pixels.",
    references=(
        "Kapoor and Narayanan: Leakage and the reproducibility crisis in machine-learning-based science, "
        "Patterns 4(9), 2023, doi:10.1016/j.patter.2023.100804",
    ),
    strength=Strength("variants of each photo", (2, 5), 5, 2, 8),
    effect="inflates",
    guards_too=("row_twins", "label_shuffle", "row_identity", "embedding"),
    dials=lambda _strength: {"frames": 1},
    family_of_model="nearest",
    inject=inject,
    cure=cure,
)
