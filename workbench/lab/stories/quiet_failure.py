"""What the first lesson looks at: one fruit, its rows, and where a dataset's features come from."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final

from workbench.lab.show import Frame, Shown, contact_sheet, grid, manifest, stack
from workbench.manifests import read_header, read_table
from workbench.profiles.datasets import read_dataset
from workbench.profiles.runs import CHAMPION, Runs

if TYPE_CHECKING:
    from collections.abc import Iterable

    import pyarrow as pa

    from workbench.lab.comparison import Twins
    from workbench.lab.pipeline import Watcher
    from workbench.profiles.workspace import Workspace
    from workbench.records import DatasetCard

    Row = dict[str, Any]

HOUR: Final = timedelta(hours=1)
_ALL_COUNTED: Final = (
    "Every file is in it: clean and quarantined add up to raw, and each quarantined one has a reason."
)


def prepare(watcher: Watcher | None = None) -> Workspace:
    """Make what the lesson works on, for somebody who comes late."""
    from workbench.lab.lesson import prepared

    return prepared(watcher=watcher)


def stages(ws: Workspace) -> Shown:
    """Show what each stage has left behind.

    Parameters
    ----------
    ws : Workspace
        With all stages run.

    Returns
    -------
    Shown
        One row a stage, and one manifest. No times, no random ids: the same on every run.
    """
    raw, clean, extract = (read_header(ws.manifests / kind) for kind in ("raw", "clean", "extract"))
    record = Runs(ws).record(CHAMPION)
    splits = record.dataset.split_counts
    served = read_header(ws.served / record.run_id)
    quarantined = clean.counts["total_quarantined"]
    rows = [
        ("ingest", f"{raw.rows} photos, stored once, named by their content"),
        ("clean", f"{clean.counts['total_clean']} usable, {quarantined} quarantined with a reason"),
        (
            "extract",
            f"{extract.rows} embeddings of {extract.counts['dimension']} numbers, in the feature store",
        ),
        (
            "dataset",
            f"{splits['train']} rows to train on, {splits['test']} to test on, split by time and fruit",
        ),
        ("train", "a logistic regression, with the record of everything that it depended on"),
        ("serve", f"{served.rows} predictions for the week after, through the online store"),
        ("reproduce", f"made again from the raw photos: {_verdict(ws, record.run_id)}"),
    ]
    numbered = [(f"{i} {name}", text) for i, (name, text) in enumerate(rows, 1)]
    table = grid("Seven stages, and what each one left on disk", ("stage", "left behind"), numbered)
    return stack(table, manifest(ws.manifests / "clean", "One of them: the manifest of clean", _ALL_COUNTED))


def _verdict(ws: Workspace, run_id: str) -> str:
    return str(_read_verdict(ws, run_id)["word"])


def _read_verdict(ws: Workspace, run_id: str) -> Row:
    path = ws.root / "verdicts" / f"{run_id}.json"
    loaded: Row = json.loads(path.read_text(encoding="utf-8"))
    return loaded


def two_looks(ws: Workspace) -> list[Row]:
    """Return the captures of one fruit that looked well on the line and was rejected on the bench.

    Parameters
    ----------
    ws : Workspace
        With a clean manifest.

    Returns
    -------
    list of dict
        Rows of the clean manifest in the order of capture: the burst, then the bench, each with
        ``reviewed_label``. The fruit is the first one, by id, that the operator accepted and the
        bench rejected; where there is none, the first on which they differ, else the first reject.
    """
    reviewed = {
        row["item_id"]: row["reviewed_label"] for row in read_table(ws.manifests / "reviews").to_pylist()
    }
    rows = [row for row in read_table(ws.manifests / "clean").to_pylist() if row["status"] == "clean"]
    by_item: dict[str, list[Row]] = {}
    for row in sorted(rows, key=lambda row: (row["item_id"], row["captured_at"], row["image_id"])):
        by_item.setdefault(row["item_id"], []).append(row | {"reviewed_label": reviewed.get(row["item_id"])})
    seen = {
        item: looks for item, looks in by_item.items() if {"line", "bench"} <= {r["station"] for r in looks}
    }
    bad = read_header(ws.manifests / "raw").extra["labels"][-1]
    glance = {item: looks[0]["label_at_ingestion"] for item, looks in seen.items()}
    return seen[
        min(seen, key=lambda item: (glance[item] == reviewed.get(item), reviewed.get(item) != bad, item))
    ]


def fruit_sheet(ws: Workspace, looks: Iterable[Row]) -> Shown:
    """Show the captures of one fruit with their times and labels."""
    looks = list(looks)
    first = looks[0]["captured_at"]
    frames = []
    for row in looks:
        later = row["captured_at"] - first
        on_line = row["station"] == "line"
        head = f"line, frame {row['frame'] + 1}" if on_line else f"bench, {later // HOUR} h later"
        text = f"operator: {row['label_at_ingestion']}" if on_line else f"review: {row['reviewed_label']}"
        frames.append(Frame(row["image_id"], head, text, "" if on_line else "leak"))
    return contact_sheet(ws, frames, f"One fruit, {len(looks)} looks: {looks[0]['item_id']}")


def two_times(looks: Iterable[Row]) -> Shown:
    """Show for each capture of a fruit when it was taken and when the packhouse had it."""
    when = "%a %d %b, %H:%M:%S"
    rows = [
        (
            f"{row['station']}, frame {row['frame'] + 1}",
            f"{row['captured_at']:{when}}",
            f"{row['ingestion_timestamp']:{when}}",
        )
        for row in looks
    ]
    return grid("Each photo has two times (UTC)", ("photo", "taken: event time", "arrived: known-at"), rows)


def feature_sheet(ws: Workspace, dataset: DatasetCard, title: str, per_label: int = 3) -> Shown:
    """Show the photos behind the features of a few training rows, by label.

    Parameters
    ----------
    ws : Workspace
        Open.
    dataset : DatasetCard
        Its card.
    title : str
        Above the pictures.
    per_label : int
        How many fruit of each label: the first ones by id.

    Returns
    -------
    Shown
        A dashed outline marks a photo that was taken after the decision.
    """
    _, rows = read_dataset(ws, dataset.dataset_id)
    frames: list[Frame] = []
    taken: dict[str, set[str]] = {label: set() for label in dataset.labels}
    for row in sorted(rows.to_pylist(), key=lambda row: (row["item_id"], row["row_id"])):
        items = taken[row["label"]]
        if row["split"] == "train" and len(items) < per_label and row["item_id"] not in items:
            items.add(row["item_id"])
            late = row["feature_timestamp"] > row["event_timestamp"]
            said = "photo from after the decision" if late else "photo from the line"
            frames.append(Frame(row["feature_image_id"], row["label"], said, "leak" if late else ""))
    return contact_sheet(ws, sorted(frames, key=lambda f: dataset.labels.index(f.head)), title)


def one_fruit(ws: Workspace) -> Shown:
    """Show one fruit that looked well on the line: its photos, and the two times of each."""
    looks = two_looks(ws)
    return stack(fruit_sheet(ws, looks), two_times(looks))


def what_they_learned_from(ws: Workspace, twins: Twins) -> Shown:
    """Show the photos behind both teams' rows, and count those from after the decision.

    Parameters
    ----------
    ws : Workspace
        Open.
    twins : Twins
        Both datasets.

    Returns
    -------
    Shown
        Two contact sheets and a table.
    """
    counts = [
        (team, label, n, late)
        for team, made in (("A", twins.honest), ("B", twins.leaky))
        for label, n, late in from_the_future(read_dataset(ws, made.dataset_id)[1])
    ]
    return stack(
        feature_sheet(
            ws, twins.leaky, "Team B learned from these. On the line, none of the dashed ones exists."
        ),
        feature_sheet(ws, twins.honest, "Team A learned from these."),
        grid(
            "Rows whose photo is newer than their decision",
            ("team", "label", "rows", "from the future"),
            counts,
        ),
    )


def from_the_future(rows: pa.Table) -> list[tuple[str, int, int]]:
    """Count rows whose features are of a later time than the row itself.

    Parameters
    ----------
    rows : pyarrow.Table
        Of a dataset: ``label``, ``event_timestamp``, ``feature_timestamp``.

    Returns
    -------
    list of (str, int, int)
        Label, rows, rows with features from the future; labels in alphabetical order.
    """
    late: dict[str, list[bool]] = {}
    for row in rows.select(["label", "event_timestamp", "feature_timestamp"]).to_pylist():
        late.setdefault(row["label"], []).append(row["feature_timestamp"] > row["event_timestamp"])
    return [(label, len(flags), sum(flags)) for label, flags in sorted(late.items())]


def cross_validated(rows: pa.Table) -> float:
    """Return the accuracy of five-fold cross-validation on a training set, whole groups held out.

    Parameters
    ----------
    rows : pyarrow.Table
        Of a dataset.

    Returns
    -------
    float
        Share of rows graded right, 0 to 1.
    """
    import pyarrow.compute as pc
    from sklearn.linear_model import LogisticRegression
    from sklearn.model_selection import GroupKFold, cross_val_score
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    from workbench.profiles.models import embeddings

    rows = rows.filter(pc.equal(rows["split"], "train")).sort_by("row_id")
    model = make_pipeline(StandardScaler(), LogisticRegression(max_iter=2000))
    scores = cross_val_score(
        model, embeddings(rows), rows["label"].to_pylist(), groups=rows["group"].to_pylist(), cv=GroupKFold(5)
    )
    return float(scores.mean())
