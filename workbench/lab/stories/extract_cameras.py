"""A packhouse in which the camera tells the label, and the learner's own files: for the third lesson."""

from __future__ import annotations

import pathlib
from typing import TYPE_CHECKING, Final

from workbench.guards import embedding, exif_association
from workbench.lab.bench import prepare as prepare_world
from workbench.lab.show import Frame, Shown, contact_sheet, grid, stack
from workbench.lab.verdicts import verdicts
from workbench.manifests import read_table

if TYPE_CHECKING:
    import pyarrow as pa

    from workbench.lab.pipeline import Watcher
    from workbench.profiles.workspace import Workspace

SORTED: Final = {"device_label": 0.8}
"""Dial of a world in which somebody at the infeed sends suspicious fruit to one line."""


def cameras(watcher: Watcher | None = None) -> Workspace:
    """Return a packhouse of its own, in which the camera goes together with the label."""
    return prepare_world("packhouse", size="tiny", dials=SORTED, watcher=watcher)


def _line_photos(ws: Workspace, *, history: bool = True) -> pa.Table:
    """Return photos of the line with camera, label, fruit and embedding; those of the history, or the later ones."""
    import pyarrow.compute as pc

    from workbench.clock import parse_utc
    from workbench.manifests import read_header

    made = read_table(ws.manifests / "extract", ["image_id", "embedding"])
    names = ["image_id", "item_id", "device", "label_at_ingestion", "captured_at", "station"]
    rows = read_table(ws.manifests / "clean", names)
    at = pc.index_in(rows["image_id"], made["image_id"].combine_chunks())
    rows = rows.append_column("embedding", made["embedding"].take(at)).filter(pc.is_valid(at))
    cutoff = parse_utc(read_header(ws.manifests / "raw").extra["history_end"])
    earlier = pc.less_equal(rows["captured_at"], cutoff)
    rows = rows.filter(pc.and_(pc.equal(rows["station"], "line"), earlier if history else pc.invert(earlier)))
    return rows.rename_columns(
        ["label" if n == "label_at_ingestion" else n for n in rows.column_names]
    ).sort_by("image_id")


def camera_sheet(ws: Workspace, n: int = 6) -> Shown:
    """Show some rejected and some accepted fruit of the sorted world, with their cameras."""
    frames: dict[str, dict[str, Frame]] = {"reject": {}, "accept": {}}
    for row in _line_photos(ws).sort_by("item_id").to_pylist():
        mine = frames[row["label"]]
        if len(mine) < n:
            mine.setdefault(row["item_id"], Frame(row["image_id"], row["label"], row["device"]))
    both = [*frames["reject"].values(), *frames["accept"].values()]
    return contact_sheet(ws, both, f"The first {n} fruit of each label")


def camera_verdict(ws: Workspace) -> Shown:
    """Show what the guard says, and how much of a score is left within one camera."""
    from threadpoolctl import threadpool_limits

    with threadpool_limits(1):
        measured = exif_association.measure(_line_photos(ws), embedding="embedding", group="item_id")
    facts = measured.facts
    aucs = {
        "the camera, from the embedding": facts["tag_auc"],
        "the label, all cameras together": facts["label_auc"],
        "the label, within one camera": facts["label_auc_known_device"],
    }
    foot = f"AUC of a linear model in folds that keep fruit together; {facts['rows']} photos of {measured.n} fruit."
    shown = grid("What the embedding tells", ("asked for", "AUC"), [*aucs.items()], foot)
    return stack(verdicts("Camera and label", [exif_association.check(measured)]), shown)


def own_files(photos: str, reference: str, served: str, *, demo: Workspace) -> Shown:
    """Run both guards of the lesson on files of the learner.

    Parameters
    ----------
    photos : str
        CSV or Parquet with ``device`` and ``label``, and perhaps ``item_id``; empty: the lesson's own.
    reference, served : str
        Two Parquet files with ``image_id`` and ``embedding``; empty: the lesson's own.
    demo : Workspace
        From `cameras`, whose photos are written to files where none are given.

    Returns
    -------
    Shown
        Two findings.
    """
    from workbench.lab.lesson import lessons_root
    from workbench.lab.own_files import read_rows
    from workbench.manifests import write_parquet

    folder = lessons_root() / "lesson-03-files"
    if not photos:
        photos = str(folder / "photos.parquet")
        write_parquet(pathlib.Path(photos), _line_photos(demo).drop_columns(["embedding"]))
    if not (reference and served):
        reference, served = (str(folder / f"{side}.parquet") for side in ("reference", "served"))
        rows = _line_photos(demo, history=False)
        for path in (reference, served):
            write_parquet(pathlib.Path(path), rows.select(["image_id", "embedding"]))
    rows, one, two = (read_rows(pathlib.Path(path)) for path in (photos, reference, served))
    group = "item_id" if "item_id" in rows.column_names else None
    findings = [
        exif_association.check(exif_association.measure(rows, group=group)),
        embedding.check(embedding.measure(one, two)),
    ]
    return verdicts("Your files, or the lesson's own", findings)
