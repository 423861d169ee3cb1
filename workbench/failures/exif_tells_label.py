"""EXIF tells the label: for two weeks somebody at the infeed sent what looked bad to one line."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from workbench.failure import Failure, Strength
from workbench.profiles.hands import cameras_of
from workbench.seams import Seams
from workbench.stages.dataset import split_by_time

if TYPE_CHECKING:
    import pyarrow as pa


def balanced(rows: pa.Table, seed: int) -> set[str]:
    """Return groups so that each camera has as many of every label: of each as many as of its rarest.

    Parameters
    ----------
    rows : pyarrow.Table
        With ``group``, ``label`` and ``device``.
    seed : int
        Of the dice.

    Returns
    -------
    set of str
        Groups to keep. Of a camera that lacks a label, none.
    """
    there: dict[str, dict[str, list[str]]] = {}
    labels = sorted(set(rows["label"].to_pylist()))
    seen = {(row["device"], row["label"], row["group"]) for row in rows.to_pylist()}
    for device, label, group in sorted(seen):
        there.setdefault(device, {name: [] for name in labels})[label].append(group)
    rng = np.random.default_rng(seed)
    kept: set[str] = set()
    for of_label in there.values():
        n = min(len(groups) for groups in of_label.values())
        kept |= {group for groups in of_label.values() for group in rng.permutation(groups)[:n].tolist()}
    return kept


def by_time_among_balanced(rows: pa.Table, ws: Any) -> list[str]:
    """Split the balanced groups by time; the others are used nowhere."""
    named = rows.select(["group", "label"]).append_column(
        "device", [cameras_of(ws, rows["feature_image_id"].to_pylist())]
    )
    kept = balanced(named, ws.settings.train.seed)
    groups, times = rows["group"].to_pylist(), rows["event_timestamp"].to_pylist()
    used = [i for i, group in enumerate(groups) if group in kept]
    roles, _ = split_by_time([groups[i] for i in used], [times[i] for i in used], ws.settings.embargo_s)
    role = dict(zip(used, roles, strict=True))
    return [role.get(i, "embargo") for i in range(rows.num_rows)]


def inject(strength: float) -> Seams:
    """Change nothing: the fruit of the history were sent to lines by their looks, those of production are not."""
    return Seams(f"exif_tells_label {strength:g}")


def cure(strength: float) -> Seams:
    """Use as many good as bad fruit of each camera; count what that costs."""
    return Seams(f"exif_tells_label {strength:g} cured", split=by_time_among_balanced)


FAILURE = Failure(
    name="exif_tells_label",
    family="images",
    stage="ingest",
    world="packhouse",
    title="Three of four bad apples came down line-b, over a blue belt.",
    symptom="The best score so far, on every honest split. When the lines are mixed again, it is gone.",
    mechanism="Somebody at the infeed sent suspicious fruit to one line. Belt, lens and colour cast of its camera "
    "are in every pixel, so in the embedding, too: a model that asks for the camera is right more often than one "
    "that asks for the bruise. In production nobody sends them there.",
    wrong_cures=(
        ("drop the EXIF columns", "the model never read them: the embedding shows the belt"),
        ("split by time, by fruit, with an embargo", "the same habit ruled on both sides"),
        ("more photos of the same weeks", "they were sorted in the same way"),
    ),
    cure_text="Mix labels within each camera when data are collected. Afterwards: as many of each label for every "
    "camera, and a test on a camera that was never learned from.",
    guard="exif_association",
    limits="An association is no proof that the model uses it, and a tag that nobody recorded cannot be asked for.",
    references=(
        "Zech et al.: Variable generalization performance of a deep learning model to detect pneumonia in chest "
        "radiographs, PLOS Medicine 15(11), 2018",
        "DeGrave, Janizek, Lee: AI for radiographic COVID-19 detection selects shortcuts over signal, Nature "
        "Machine Intelligence 3, 2021",
    ),
    strength=Strength("how strictly bad fruit were sent to one line", (0.3, 0.6, 0.8), 0.8, 0.2, 0.9),
    effect="inflates",
    inject=inject,
    cure=cure,
    grows=True,
    dials=lambda strength: {"device_label": strength, "history_fruit": 240},
)
