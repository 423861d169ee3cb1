"""Same camera both sides: every split keeps fruit apart, none keeps cameras apart, and a new line opens."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from workbench.failure import Failure, Strength
from workbench.profiles.hands import cameras_of
from workbench.seams import Seams

if TYPE_CHECKING:
    import pyarrow as pa


def one_camera_out(rows: pa.Table, ws: Any) -> list[str]:
    """Test on the photos of one camera, and learn from those of the others; each season leaves out the next."""
    cameras = cameras_of(ws, rows["feature_image_id"].to_pylist())
    names = sorted(set(cameras))
    left_out = names[ws.settings.world.seed % len(names)]
    return ["test" if camera == left_out else "train" for camera in cameras]


def inject(strength: float) -> Seams:
    """Change nothing: the split is by time and by fruit, and production brings a camera that nobody knows."""
    return Seams(f"same_camera_both_sides {strength:g}")


def cure(strength: float) -> Seams:
    """Leave one camera out: what will be new in production is new in the test."""
    return Seams(f"same_camera_both_sides {strength:g} cured", split=one_camera_out)


FAILURE = Failure(
    name="same_camera_both_sides",
    family="images",
    stage="dataset",
    world="packhouse",
    title="Tested on new fruit, before the same three cameras; then the fourth line opens.",
    symptom="The test score holds on the old lines. On the new one the model rejects far too few fruit, or far "
    "too many.",
    mechanism="Belt, lens and colour cast are the same on both sides of the split, so the test never asks what a "
    "new camera does to the embedding. It adds about the same to every score: the order of the fruit holds, the "
    "threshold does not. The model is as it is; the claim answers another question.",
    wrong_cures=(
        ("split by time, by fruit, with an embargo", "all three cameras are still on both sides"),
        ("a larger test set", "the interval gets narrower around the wrong number"),
        (
            "look at the AUC",
            "it hardly moves: it asks for the order alone, and a sorting gate needs a threshold",
        ),
    ),
    cure_text="Ask what will be new in production, and keep that apart: leave one camera out, each in turn, and "
    "claim the mean. Here each season leaves out another one, so look at the mean of three seasons: single folds lie "
    "far apart, as three cameras are a small sample of cameras.",
    guard="group_overlap",
    limits="It takes the camera for a group only when production shows one that the dataset lacks. Before the new "
    "line opens, somebody has to say so.",
    references=(
        "Beery, Van Horn, Perona: Recognition in Terra Incognita, ECCV 2018",
        "Zech et al.: Variable generalization performance of a deep learning model to detect pneumonia in chest "
        "radiographs, PLOS Medicine 15(11), 2018",
    ),
    strength=Strength("share of the production fruit on the new line", (0.5, 1.0), 1.0, 0.1),
    effect="miscalibrates",
    inject=inject,
    cure=cure,
    dials=lambda strength: {"new_line": strength, "history_fruit": 480, "frames": 2},
)
