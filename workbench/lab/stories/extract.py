"""What the third lesson looks at: one photo on many paths, a whole day of them, and a camera that tells the label."""

from __future__ import annotations

from statistics import fmean
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from workbench.guards import embedding
from workbench.lab.picture_skew import RIGHT, Looker, paths, some_photos
from workbench.lab.show import Frame, Shown, card, contact_sheet, grid, stack
from workbench.lab.stories.extract_cameras import camera_sheet, camera_verdict, cameras, own_files
from workbench.lab.stories.extract_exercises import EXERCISES
from workbench.lab.verdicts import verdicts
from workbench.manifests import read_table

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pyarrow as pa

    from workbench.lab.pipeline import Watcher
    from workbench.profiles.workspace import Workspace

__all__ = [
    "EXERCISES", "FAILURES", "camera_sheet", "camera_verdict", "cameras", "effects", "every_path", "new_view", "own_files", "prepare",
    "same_photo", "two_embeddings",
]  # fmt: skip

FAILURES: Final = (
    "resize_filter",
    "jpeg_recompressed",
    "orientation_ignored",
    "colour_order",
    "normalisation_skipped",
    "embedding_swapped_under_same_name",
    "exif_tells_label",
)
"""In the order of the lesson's table."""


def prepare(watcher: Watcher | None = None) -> Workspace:
    """Make what the lesson works on, for somebody who comes late."""
    from workbench.lab.lesson import prepared

    cameras(watcher)
    return prepared(watcher=watcher)


def same_photo(ws: Workspace, look: Looker) -> str:
    """Return the id of the lesson's photo: the first one to choose from that the champion rejects."""
    photos: list[str] = [row["image_id"] for row in some_photos(ws)]
    scores = look.scores(look.all_on(photos, RIGHT))
    return next((photo for photo, score in zip(photos, scores, strict=True) if score >= 0.5), photos[0])


def two_embeddings(ws: Workspace, look: Looker, photo: str) -> tuple[Shown, float]:
    """Show one photo and two embeddings of it, and return their cosine.

    Parameters
    ----------
    ws : Workspace
        With a trained run.
    look : Looker
        On it.
    photo : str
        Which one.

    Returns
    -------
    tuple of Shown and float
        Nothing in the table says which of the two is wrong.
    """
    other = paths(ws)[-1]
    one, two = (look.all_on([photo], way)[0] for way in (RIGHT, other))
    columns = ("", "numbers", "type", "first three", "smallest", "largest", "length")
    rows = [
        (
            name,
            len(v),
            str(v.dtype),
            ", ".join(f"{x:+.2f}" for x in v[:3]),
            *(f"{x:+.2f}" for x in (v.min(), v.max())),
            f"{np.linalg.norm(v):.2f}",
        )
        for name, v in (("offline", one), ("online", two))
    ]
    sheet = contact_sheet(
        ws, [Frame(photo, "one photo", "not one pixel differs")], "The same photo, two embeddings"
    )
    return stack(sheet, grid("What the model reads", columns, rows)), float(one @ two)


def every_path(ws: Workspace, look: Looker) -> Shown:
    """Show every path on the photos of production: how far embeddings move, decisions that change, what is right.

    Parameters
    ----------
    ws : Workspace
        Served.
    look : Looker
        On it.

    Returns
    -------
    Shown
        One row a path, the right one first; the last column is the guard's own word.
    """
    photos, bad = _production(ws)
    right = look.all_on(photos, RIGHT)
    was = look.scores(right) >= 0.5
    rows = []
    for way in paths(ws):
        given = look.all_on(photos, way)
        now = look.scores(given) >= 0.5
        found = embedding.check(embedding.measure(_table(photos, right), _table(photos, given)))
        assert found.evidence is not None  # noqa: S101  (it could judge)
        mean, lowest = found.evidence.value, found.evidence.facts["lowest"]
        numbers = (f"{mean:.3f}", f"{lowest:.3f}", int((was != now).sum()), float((now == bad).mean()))
        rows.append((way.name, *numbers, found.word))
    columns = (
        "the service",
        "mean cosine",
        "lowest",
        "decisions that change",
        "graded right",
        "embedding guard",
    )
    foot = (
        f"{len(photos)} fruit of the week after the cutoff, judged by what was found when they were cut open."
    )
    return grid("The same photos on every path", columns, rows, foot)


def _production(ws: Workspace) -> tuple[list[str], np.ndarray[Any, Any]]:
    """Return the photos that were served, and whether each fruit is really bad."""
    from workbench.lab.pipeline import open_world_of
    from workbench.profiles.runs import CHAMPION, Runs

    record = Runs(ws).record(CHAMPION)
    served = read_table(ws.served / record.run_id, ["item_id", "feature_image_id"]).sort_by("item_id")
    truth = open_world_of(ws).truth()
    assert truth is not None  # noqa: S101  (a simulated world knows it)
    label = dict(zip(truth["item_id"].to_pylist(), truth["label"].to_pylist(), strict=True))
    bad = [label[item] == record.dataset.labels[-1] for item in served["item_id"].to_pylist()]
    return served["feature_image_id"].to_pylist(), np.array(bad)


def _table(photos: Sequence[str], vectors: np.ndarray[Any, Any], **more: Sequence[str]) -> pa.Table:
    import pyarrow as pa

    return pa.table({"image_id": photos, "embedding": pa.array([*vectors], pa.list_(pa.float32())), **more})


def effects(names: Sequence[str] = FAILURES) -> Shown:
    """Show failures in the table of effects: full seasons, each failure at its default strength.

    Parameters
    ----------
    names : sequence of str
        Of the catalogue.

    Returns
    -------
    Shown
        Means over the seasons, and the range of what was lost.
    """
    from workbench.failures import load
    from workbench.lab.effects import read

    measured = read().to_pylist()
    rows = []
    for name in names:
        asked = (name, load(name).strength.default, load(name).family_of_model)
        mine = [row for row in measured if (row["failure"], row["strength"], row["model"]) == asked]
        means = [fmean(row[key] for row in mine) for key in ("claimed", "got", "could_have_had", "damage")]
        lost = [row["damage"] for row in mine]
        rows.append((name, *means, f"{min(lost):+.2f} to {max(lost):+.2f}"))
    columns = ("failure", "claims", "gets", "could have had", "lost", "lost, by season")
    foot = f"Accuracy, mean of {len(mine)} full seasons; {mine[0]['n_got']} fruit in production each."
    return grid("Measured beforehand, on full seasons", columns, rows, foot)


def new_view(look: Looker, ws: Workspace) -> Shown:
    """Show what is in the name of a view, and what the guard says where two encoders share a column."""
    from workbench.encoder import encoder_card

    photos, _ = _production(ws)
    ways = (RIGHT, paths(ws)[-1])
    cards = [encoder_card(way.spec or ws.settings.encoder) for way in ways]
    one, two = (
        _table(photos, look.all_on(photos, way), made_by=[of.fingerprint] * len(photos))
        for way, of in zip(ways, cards, strict=True)
    )
    facts = {of.spec: f"{of.view} (fingerprint {of.fingerprint[:12]}, {of.dim} numbers)" for of in cards}
    finding = embedding.check(embedding.measure(one, two, fingerprint="made_by"))
    return stack(
        card("Encoder, and the view that holds its embeddings", facts),
        verdicts("With the fingerprint as a column", [finding]),
    )
