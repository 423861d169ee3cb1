"""A dataset in the layout of the dataset stage, made from random numbers in milliseconds."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa

from workbench.hashing import bucket_of, content_hash, order_hash
from workbench.manifests import Header, columns_of, write_header, write_json, write_part
from workbench.records import DatasetCard

if TYPE_CHECKING:
    from collections.abc import Sequence

    from workbench.profiles.workspace import Workspace

START = datetime(2025, 9, 1, tzinfo=UTC)
CUTOFF = "2025-09-15T00:00:00Z"
KEYS = ("row_id",)
VIEW = "embedding__toy_v1"


def toy_rows(
    n: int = 240,
    dim: int = 8,
    labels: Sequence[str] = ("sound", "bruised"),
    *,
    seed: int = 0,
    signal: float = 1.0,
) -> pa.Table:
    """Return rows in pairs (two frames of one fruit), of which the first `len(labels)` numbers tell the label."""
    rng = np.random.default_rng(seed)
    group = np.arange(n) // 2
    kind = rng.integers(0, len(labels), n // 2 + 1)[group]
    matrix = rng.normal(size=(n, dim)).astype(np.float32)
    matrix[np.arange(n), kind] += np.float32(2 * signal)
    matrix += (
        rng.normal(size=(n // 2 + 1, dim)).astype(np.float32)[group] / 2
    )  # rows of one group resemble each other
    times = [START + timedelta(hours=int(i)) for i in range(n)]
    share = np.arange(n) / n
    split = np.select([share < 0.58, share < 0.6, share < 0.75], ["train", "embargo", "validation"], "test")
    when = pa.timestamp("us", tz="UTC")
    items = [f"fruit-{g:05d}" for g in group]
    rows = pa.table(
        {
            "row_id": [f"img-{i:016x}" for i in range(n)],
            "item_id": items,
            "group": items,
            "event_timestamp": pa.array(times, when),
            "label": [labels[k] for k in kind],
            "label_source": ["ingestion"] * n,
            "label_known_at": pa.array(times, when),
            "bucket": pa.array([bucket_of(item) for item in items], pa.int32()),
            "split": split.tolist(),
            "feature_image_id": [f"img-{i:016x}" for i in range(n)],
            "feature_timestamp": pa.array(times, when),
            "embedding": pa.array(list(matrix), pa.list_(pa.float32())),
        }
    )
    return rows.sort_by("row_id")


def write_dataset(
    ws: Workspace,
    rows: pa.Table,
    *,
    labels: Sequence[str] = ("sound", "bruised"),
    dataset_id: str = "dataset_v1.0.0_pit_20250915T000000Z",
    point_in_time: bool = True,
) -> DatasetCard:
    """Write rows as a dataset of the workspace, and make it the current one of its kind."""

    def tally(column: str) -> dict[str, int]:
        return {pair["values"]: pair["counts"] for pair in rows[column].value_counts().to_pylist()}

    card = DatasetCard(
        dataset_id=dataset_id,
        content_hash=content_hash(rows, KEYS),
        order_hash=order_hash(rows, KEYS),
        cutoff_timestamp=CUTOFF,
        point_in_time=point_in_time,
        split_counts=tally("split"),
        label_counts=tally("label"),
        labels=tuple(labels),
        extraction_model="toy",
        extraction_fingerprint="f" * 64,
        preprocessing_version="v1",
        cleaning_version="1",
        feature_view=VIEW,
        embargo_s=3600.0,
        parents={},
        seed=0,
    )
    folder = ws.datasets / dataset_id
    part = write_part(folder, "part-0000", rows)
    write_json(folder / "card.json", card.to_dict())
    write_header(
        folder, Header("dataset", dict(card.split_counts), columns_of(rows), (part,), {"source": {}})
    )
    kind = "honest" if point_in_time else "leaky"
    write_json(ws.datasets / "current.json", {kind: dataset_id})
    return card
