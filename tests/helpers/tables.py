"""Feature files of a gym, and questions about it, made from random numbers in milliseconds."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa

from tests.helpers.features import times
from workbench.manifests import write_parquet
from workbench.worlds.gym_features import STORED

if TYPE_CHECKING:
    from pathlib import Path

    from workbench.profiles.workspace import Workspace

START = datetime(2025, 3, 1, tzinfo=UTC)
END = START + timedelta(days=60)
"""After everything in `toy_table`, also after the latest arrival."""


def toy_table(n: int = 240, n_members: int = 12, *, seed: int = 0) -> pa.Table:
    """Return snapshots of members: some late, some at the same event time, some numbers unknown.

    No two rows share member, event time and known-at: of such rows any one may answer.
    """
    rng = np.random.default_rng(seed)
    days, late = rng.integers(0, 30, n), rng.choice([0, 0, 1, 5], n)
    taken = [START + timedelta(days=int(day), microseconds=int(day)) for day in days]
    known = [when + timedelta(days=int(by)) for when, by in zip(taken, late, strict=True)]
    numbers = rng.integers(0, 40, (n, len(STORED))) + rng.random((n, len(STORED)))
    unknown = rng.random((n, len(STORED))) < 0.15
    unknown[days == 0] = True  # somebody is known, and nothing about them
    table = pa.table(
        {
            "item_id": [f"member-{i:03}" for i in rng.integers(0, n_members, n)],
            "event_timestamp": times(taken),
            "created_timestamp": times(known),
            "captured_at": times(taken),
            **{name: pa.array(numbers[:, i], mask=unknown[:, i]) for i, name in enumerate(STORED)},
        }
    )
    seen = zip(*(table[name].to_pylist() for name in table.column_names[:3]), strict=True)
    return table.take(sorted({row: i for i, row in enumerate(seen)}.values()))


def toy_questions(n: int = 60, n_members: int = 14, *, seed: int = 1) -> pa.Table:
    """Return questions in no order; members repeat, some are unknown, some are asked about too early."""
    rng = np.random.default_rng(seed)
    return pa.table(
        {
            "row_id": [f"row-{i:04}" for i in rng.permutation(n)],
            "item_id": [f"member-{i:03}" for i in rng.integers(0, n_members, n)],
            "event_timestamp": times([START + timedelta(days=int(day)) for day in rng.integers(-3, 40, n)]),
            "label": pa.array(rng.choice(["stays", "leaves"], n)),
        }
    )


def write_table(ws: Workspace, table: pa.Table) -> Path:
    """Write what the extract stage leaves behind for a gym, before `apply`."""
    path = ws.features / "member__v1" / "feast_features.parquet"
    write_parquet(path, table)
    return path
