"""Small damages, each done for real in a workspace that may be damaged, and what weaker checks say of it."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from workbench.hashing import content_hash, order_hash, sha256_file, sha256_texts
from workbench.manifests import Header, read_header, read_table, write_header, write_part
from workbench.profiles.datasets import KEYS
from workbench.profiles.hands import put
from workbench.profiles.models import arrays, fit, matrix
from workbench.profiles.objects import objects_of
from workbench.profiles.runs import MODEL_FILE, Runs
from workbench.profiles.workspace import Workspace

if TYPE_CHECKING:
    from pathlib import Path

    import pyarrow as pa

Check = Callable[[Workspace, str], str]
"""Called as ``check(ws, run_id)``; what it returns is compared before and after."""


@dataclass(frozen=True, slots=True)
class Tamper:
    """One change of something that a model was made from.

    Attributes
    ----------
    id : str
        Names it.
    node : str
        What is changed.
    text : str
        On a button.
    told : str
        What was done, in a sentence.
    do : callable
        Called as ``do(ws, run_id)``.
    checks : mapping of str to callable
        What people compare, the weak ones first, and last what does notice.
    """

    id: str
    node: str
    text: str
    told: str
    do: Callable[[Workspace, str], None]
    checks: Mapping[str, Check]

    def to_dict(self) -> dict[str, str]:
        """Return what the widget takes."""
        return {"id": self.id, "node": self.node, "text": self.text, "told": self.told}


def noticed(tamper: Tamper, ws: Workspace, run_id: str) -> list[tuple[str, bool]]:
    """Do it, and say which checks give the same before and after.

    Parameters
    ----------
    tamper : Tamper
        What to do.
    ws : Workspace
        It is damaged.
    run_id : str
        The run that is looked at.

    Returns
    -------
    list of (str, bool)
        Name of the check, and whether it says that nothing has changed.
    """
    before = {name: check(ws, run_id) for name, check in tamper.checks.items()}
    tamper.do(ws, run_id)
    return [(name, check(ws, run_id) == before[name]) for name, check in tamper.checks.items()]


# -- what is done ---------------------------------------------------------------------------------------------------


def rewrite(folder: Path, change: Callable[[pa.Table], pa.Table]) -> None:
    """Change the rows of a manifest and write its header anew, as a careful tool would: it is whole again.

    Parameters
    ----------
    folder : Path
        The manifest.
    change : callable
        Takes its rows, returns others.
    """
    header = read_header(folder)
    rows = change(read_table(folder))
    parts = [part.name.removesuffix(".parquet") for part in header.parts]
    edges = np.cumsum([0, *(part.rows for part in header.parts)])
    written = [
        write_part(folder, name, rows.slice(at, header.parts[i].rows))
        for i, (name, at) in enumerate(zip(parts, edges, strict=False))
    ]
    write_header(folder, Header(header.kind, header.counts, header.columns, tuple(written), header.extra))


def improve_a_photo(ws: Workspace, run_id: str) -> None:
    """Stretch the contrast of a photo and save it under its old name."""
    from workbench.failures.raw_overwritten import improved, victims

    del run_id
    store = objects_of(ws)
    key = victims(ws, 1.0)[0]
    store.store.put(key, improved(store.get(key)))  # around the door: put_new refuses other bytes


def labels_become_reviews(ws: Workspace, run_id: str) -> None:
    """Overwrite the operator's label with what the bench said days later."""
    del run_id
    reviews = read_table(ws.manifests / "reviews").to_pylist()
    said = {row["item_id"]: row["reviewed_label"] for row in reviews}

    def change(rows: pa.Table) -> pa.Table:
        both = zip(rows["item_id"].to_pylist(), rows["label_at_ingestion"].to_pylist(), strict=True)
        return put(rows, "label_at_ingestion", [said.get(item, label) for item, label in both])

    rewrite(ws.manifests / "raw", change)


def let_a_copy_in(ws: Workspace, run_id: str) -> None:
    """Set one exact duplicate, which was set aside, to clean."""
    del run_id

    def change(rows: pa.Table) -> pa.Table:
        at = rows["reason"].to_pylist().index("exact_duplicate")
        status = rows["status"].to_pylist()
        status[at] = "clean"
        return put(rows, "status", status)

    rewrite(ws.manifests / "clean", change)


def swap_two_embeddings(ws: Workspace, run_id: str) -> None:
    """Give two photos each other's embedding."""
    del run_id

    def change(rows: pa.Table) -> pa.Table:
        order = np.arange(rows.num_rows)
        order[[0, -1]] = order[[-1, 0]]
        return rows.set_column(
            rows.column_names.index("embedding"),
            rows.schema.field("embedding"),
            rows["embedding"].take(order),
        )

    rewrite(ws.manifests / "extract", change)


def reorder_the_rows(ws: Workspace, run_id: str) -> None:
    """Write the rows of the dataset in the opposite order."""
    rewrite(_folder(ws, run_id), lambda rows: rows.take(np.arange(rows.num_rows)[::-1]))


def round_late_rows(ws: Workspace, run_id: str) -> None:
    """Store the embeddings of the rows that MLflow's digest does not see as 16-bit numbers, and read them back."""
    from workbench.profiles.tracking import HASHED

    def change(rows: pa.Table) -> pa.Table:
        features = np.array(matrix(rows), np.float32)
        late = -(-HASHED // features.shape[1])
        features[late:] = features[late:].astype(np.float16).astype(np.float32)
        return put(rows, "embedding", _lists(features, rows))

    rewrite(_folder(ws, run_id), change)


def _lists(features: Any, rows: pa.Table) -> Any:
    import pyarrow as pa

    return pa.array(features.tolist(), rows.schema.field("embedding").type)


def replace_the_model(ws: Workspace, run_id: str) -> None:
    """Put a model that was fitted with ten times weaker regularisation in the place of the recorded one."""
    import skops.io

    record = Runs(ws).record(run_id)
    settings = replace(ws.settings.train, C=10.0)
    inputs = record.dataset.inputs
    model = fit(*arrays(read_table(_folder(ws, run_id)), settings, "train", inputs), settings, inputs=inputs)
    skops.io.dump(model, ws.runs / run_id / MODEL_FILE)


def _folder(ws: Workspace, run_id: str) -> Path:
    return ws.datasets / Runs(ws).record(run_id).dataset.dataset_id


# -- what people compare --------------------------------------------------------------------------------------------


def _names(ws: Workspace, run_id: str) -> str:
    del run_id
    return sha256_texts(objects_of(ws).keys())


def _bytes(ws: Workspace, run_id: str) -> str:
    del run_id
    return sha256_texts(sha256_file(ws.root / key) for key in objects_of(ws).keys("raw/"))


def _shape(kind: str) -> Check:
    def check(ws: Workspace, run_id: str) -> str:
        header = read_header(ws.manifests / kind if kind else _folder(ws, run_id))
        return json.dumps([header.rows, dict(header.columns)])

    return check


def _digest(kind: str) -> Check:
    return lambda ws, run_id: read_header(ws.manifests / kind).digest + run_id


def _moments(ws: Workspace, run_id: str) -> str:
    """Mean and spread of each number of the embeddings, to ten digits: what a drift monitor keeps."""
    del run_id
    features = np.array(
        read_table(ws.manifests / "extract", ["embedding"])["embedding"].to_pylist(), np.float64
    )
    return json.dumps(np.round([features.mean(axis=0), features.std(axis=0)], 10).tolist())


def _content(ws: Workspace, run_id: str) -> str:
    return content_hash(read_table(_folder(ws, run_id)), KEYS)


def _order(ws: Workspace, run_id: str) -> str:
    return order_hash(read_table(_folder(ws, run_id)), KEYS)


def _mlflow(ws: Workspace, run_id: str) -> str:
    from workbench.profiles.tracking import array_digest

    rows = read_table(_folder(ws, run_id))
    return array_digest(matrix(rows), np.array(rows["label"].to_pylist()))


def _alias(ws: Workspace, run_id: str) -> str:
    return json.dumps([Runs(ws).aliases(), run_id])


def _run_files(ws: Workspace, run_id: str) -> str:
    return sha256_texts(sorted(path.name for path in (ws.runs / run_id).iterdir()))


def _model_bytes(ws: Workspace, run_id: str) -> str:
    return sha256_file(ws.runs / run_id / MODEL_FILE)


TAMPERS: Final[Mapping[str, Tamper]] = {
    tamper.id: tamper
    for tamper in (
        Tamper(
            "photo", "photos", "improve one",
            "The contrast of one photo was stretched, and it was saved under its old name.",
            improve_a_photo,
            {"number and names of files": _names, "sha256 of each file": _bytes},
        ),
        Tamper(
            "labels", "raw", "labels become reviews",
            "The operator's labels were overwritten with what the bench said days later.",
            labels_become_reviews,
            {"sha256 of each photo": _bytes, "rows and columns": _shape("raw"), "digest of the manifest": _digest("raw")},
        ),
        Tamper(
            "copy", "clean", "let a duplicate in",
            "An exact duplicate that had been set aside was marked as clean.",
            let_a_copy_in,
            {"rows and columns": _shape("clean"), "digest of the manifest": _digest("clean")},
        ),
        Tamper(
            "swap", "features", "swap two",
            "Two photos got each other's embedding.",
            swap_two_embeddings,
            {"rows and columns": _shape("extract"), "mean and spread of each number": _moments, "digest of the manifest": _digest("extract")},
        ),
        Tamper(
            "late", "dataset", "round late rows",
            "The embeddings behind the first 10,000 numbers went through a 16-bit format.",
            round_late_rows,
            {"rows and columns": _shape(""), "MLflow's digest": _mlflow, "content hash": _content},
        ),
        Tamper(
            "order", "dataset", "reorder rows",
            "The rows of the dataset were written in the opposite order.",
            reorder_the_rows,
            {"content hash": _content, "order hash": _order},
        ),
        Tamper(
            "model", "model", "replace the file",
            "A model with ten times weaker regularisation was saved under the champion's file name.",
            replace_the_model,
            {"alias champion": _alias, "names of files": _run_files, "sha256 of the model": _model_bytes},
        ),
    )
}  # fmt: skip
"""All of them, from the photos to the model."""
