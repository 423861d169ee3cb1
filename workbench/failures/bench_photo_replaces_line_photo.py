"""Bench photo replaces line photo: the feature row is updated in place, and keeps its old time."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from workbench.failure import Failure, Strength
from workbench.profiles.hands import put
from workbench.seams import HONEST, Join, Seams

if TYPE_CHECKING:
    import pyarrow as pa


def overwritten(share: float) -> Join:
    """Return a join on a table in which bench photos were written over line photos."""

    def join(door: Any, rows: pa.Table, view: str, ws: Any) -> pa.Table:
        import pyarrow as pa
        import pyarrow.compute as pc

        from workbench.manifests import read_table

        known = read_table(ws.manifests / "extract", ["created_timestamp"])["created_timestamp"]
        right, newest = door.as_of(rows, view), door.latest(rows, view, now=pc.max(known).as_py())
        items = sorted(set(rows["item_id"].to_pylist()))
        hit = set(
            np.random.default_rng(ws.settings.train.seed).permutation(items)[: round(share * len(items))]
        )
        table = [
            (newest if item in hit else right)["embedding"][i].as_py()
            for i, item in enumerate(rows["item_id"].to_pylist())
        ]
        return put(right, "embedding", pa.array(table, pa.list_(pa.float32())))

    return join


def inject(strength: float) -> Seams:
    """Overwrite the features of a share `strength` of the items, and leave their times alone."""
    return Seams(f"bench_photo_replaces_line_photo {strength:g}", join=overwritten(strength))


def cure(strength: float) -> Seams:
    """Keep every version, each with its own event time and known-at."""
    del strength
    return HONEST


FAILURE = Failure(
    name="bench_photo_replaces_line_photo",
    family="images",
    stage="extract",
    world="packhouse",
    title="The re-shoot is stored under the old key, and the row keeps the old time.",
    symptom="The point-in-time join is in place, every timestamp is right, and the score is too good.",
    mechanism="An UPDATE in place leaves one version of each feature. Its time says when the row was made, "
    "its numbers say what the bench saw days later. No join on times can tell.",
    wrong_cures=(
        ("a point-in-time join", "it compares times, and the times are the old ones"),
        ("a nightly copy of the table", "the day between two copies is enough to overwrite the evidence"),
    ),
    cure_text="Never update: write raw objects once, name them by content, append a version with its own times.",
    guard="embedding",
    limits="It embeds a sample of raw photos again: if the raw photo itself was overwritten, both agree. Then "
    "the sha256 taken at ingestion speaks.",
    references=(
        "Kaufman, Rosset, Perlich, Stitelman: Leakage in data mining: formulation, detection, and avoidance, "
        "TKDD 6(4), 2012, doi:10.1145/2382577.2382579",
    ),
    strength=Strength("share of the items whose row was overwritten", (0.25, 0.5, 1.0), 1.0),
    effect="inflates",
    inject=inject,
    cure=cure,
    grows=True,
)
