"""Feature files in the layout of the extract stage, made from random numbers in milliseconds."""

from __future__ import annotations

from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa

from workbench.clock import timestamp_type
from workbench.manifests import write_json, write_parquet
from workbench.records import EncoderCard

if TYPE_CHECKING:
    from collections.abc import Sequence

    from workbench.profiles.workspace import Workspace

START = datetime(2025, 9, 1, 6, tzinfo=UTC)
END = START + timedelta(days=30)
DIM = 8


def toy_card(slug: str = "toy", fingerprint: str = "a" * 64, dim: int = DIM) -> EncoderCard:
    """Return the card of an encoder that does not exist."""
    return EncoderCard(slug, slug, fingerprint, dim, "v1", 32)


def times(when: Sequence[datetime | None]) -> pa.Array:
    """Return a column of times."""
    return pa.array(when, timestamp_type())


def toy_features(n_items: int = 12, versions: int = 4, *, dim: int = DIM, seed: int = 0) -> pa.Table:
    """Return several photos of each item, of which some arrive days after they were taken."""
    rng = np.random.default_rng(seed)
    n = n_items * versions
    taken = [START + timedelta(microseconds=int(us)) for us in rng.integers(0, 20 * 86_400_000_000, n)]
    late = [timedelta(hours=int(h)) for h in rng.choice([0, 1, 60], n)]
    return pa.table(
        {
            "item_id": [f"fruit-{i % n_items:03}" for i in range(n)],
            "image_id": [f"img-{seed}-{i:04}" for i in range(n)],
            "event_timestamp": times(taken),
            "created_timestamp": times([when + by for when, by in zip(taken, late, strict=True)]),
            "captured_at": times(taken),
            "embedding": pa.array(list(rng.random((n, dim), np.float32)), pa.list_(pa.float32())),
            "sha256": ["0" * 64] * n,
            "bucket": pa.array([0] * n, pa.int32()),
        }
    )


def toy_observations(n: int = 40, n_items: int = 14, *, seed: int = 1) -> pa.Table:
    """Return questions in no order; some items repeat, some are not in `toy_features`."""
    rng = np.random.default_rng(seed)
    return pa.table(
        {
            "row_id": [f"row-{i:04}" for i in rng.permutation(n)],
            "item_id": [f"fruit-{i:03}" for i in rng.integers(0, n_items, n)],
            "event_timestamp": times(
                [START + timedelta(microseconds=int(us)) for us in rng.integers(0, 25 * 86_400_000_000, n)]
            ),
            "label": pa.array(rng.choice(["sound", "bruised"], n)),
        }
    )


def write_features(ws: Workspace, card: EncoderCard, table: pa.Table) -> None:
    """Write what the extract stage leaves behind for one view, before `apply`."""
    folder = ws.features / card.view
    write_parquet(folder / "feast_features.parquet", table)
    write_json(folder / "view.json", {"card": asdict(card)})
