"""Orientation ignored: EXIF says which way is up, and the service does not ask."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from workbench.failure import Failure, Strength
from workbench.profiles.hands import embedded_otherwise, put
from workbench.seams import HONEST, Seams, Step

if TYPE_CHECKING:
    import pyarrow as pa


def as_stored(share: float) -> Step:
    """Return a step that embeds photos as they are stored; the world turns a share of them."""
    del share  # a dial of the world: what is stored upright comes out equal

    def step(rows: pa.Table, ws: Any) -> pa.Table:
        ids = rows["feature_image_id"].to_pylist()
        return put(rows, "embedding", embedded_otherwise(ws, ids, "as stored", as_stored=True))

    return step


def inject(strength: float) -> Seams:
    """Leave the photos as they are stored; a share `strength` is stored turned."""
    return Seams(f"orientation_ignored {strength:g}", online=as_stored(strength))


def cure(strength: float) -> Seams:
    """Turn each photo as its EXIF data say, before anything else."""
    del strength
    return HONEST


FAILURE = Failure(
    name="orientation_ignored",
    family="skew",
    stage="serve",
    world="packhouse",
    title="Photos held sideways are served sideways.",
    symptom="Some photos, from some cameras, some days.",
    mechanism="The file holds the sensor's rows and a tag that says how to turn them. One library obeys, the other does not.",
    wrong_cures=(
        ("augment with rotations", "costs accuracy on upright photos and repairs only part"),
        ("rotate by hand", "until the next camera"),
    ),
    cure_text="Turn by EXIF in the one function from bytes to pixels; keep golden photos with all eight orientations.",
    guard="embedding",
    limits="It only fires if turned photos are among those compared.",
    references=(
        "Breck, Cai, Nielsen, Salib, Sculley: The ML Test Score, IEEE Big Data 2017, https://storage.googleapis.com/"
        "pub-tools-public-publication-data/pdf/aad9f93b86b7addfea4c419b9100c6cdd26cacea.pdf",
    ),
    strength=Strength("share of the photos that are stored turned", (0.25, 0.5, 1.0), 1.0),
    effect="damages",
    inject=inject,
    cure=cure,
    guards_too=("parity",),
    grows=True,
    dials=lambda strength: {"rotated": strength},
)
