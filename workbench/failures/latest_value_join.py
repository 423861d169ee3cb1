"""Latest value joined: each row gets the newest features of its item, whenever they became known."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from workbench.failure import Failure, Strength
from workbench.profiles.hands import put
from workbench.seams import HONEST, Join, Seams

if TYPE_CHECKING:
    import pyarrow as pa


def joined(share: float) -> Join:
    """Return a join that takes the newest value for a share of the items, and the right one for the others."""

    def join(door: Any, rows: pa.Table, view: str, ws: Any) -> pa.Table:
        import pyarrow as pa
        import pyarrow.compute as pc

        from workbench.manifests import read_table

        known = read_table(ws.manifests / "extract", ["created_timestamp"])["created_timestamp"]
        right, newest = door.as_of(rows, view), door.latest(rows, view, now=pc.max(known).as_py())
        items = sorted(set(rows["item_id"].to_pylist()))
        careless = set(
            np.random.default_rng(ws.settings.train.seed).permutation(items)[: round(share * len(items))]
        )
        mask = pa.array([item in careless for item in rows["item_id"].to_pylist()])
        for name in right.column_names[rows.num_columns :]:
            both = [(newest if leaks else right)[name][i].as_py() for i, leaks in enumerate(mask.to_pylist())]
            right = put(right, name, pa.array(both, right.schema.field(name).type))
        return right

    return join


def inject(strength: float) -> Seams:
    """Join the newest value for a share `strength` of the items."""
    return Seams(f"latest_value_join {strength:g}", join=joined(strength))


def cure(strength: float) -> Seams:
    """Join as of each row's own time."""
    del strength
    return HONEST


FAILURE = Failure(
    name="latest_value_join",
    family="leakage",
    stage="dataset",
    world="packhouse",
    title="The feature table is joined as it is today, not as it was when the decision was due.",
    symptom="The offline score is the best the team ever had. Nothing in the code looks wrong.",
    mechanism="Fruit that look bad are photographed again on a bench, days later, when bruises have turned "
    "brown. The newest photo of a fruit therefore tells whether somebody suspected it, and shows what nobody "
    "could see on the line. In production there is no newer photo yet.",
    wrong_cures=(
        ("cross-validate", "each fold is joined in the same way, so each fold knows the future"),
        ("split by time", "the join reaches past any split: the feature is newer than its own row"),
        ("drop the bench photos", "that helps until the next table is updated in place"),
    ),
    cure_text="Join as of each observation: event time and known-at not after it.",
    guard="pit_audit",
    limits="Needs the time of the feature beside its value. A table that was overwritten in place keeps the "
    "old time; see bench_photo_replaces_line_photo.",
    references=(
        "Kaufman, Rosset, Perlich, Stitelman: Leakage in data mining: formulation, detection, and avoidance, "
        "TKDD 6(4), 2012, doi:10.1145/2382577.2382579",
        "Feast documentation: Point-in-time joins, "
        "https://docs.feast.dev/v0.67-branch/getting-started/concepts/point-in-time-joins",
    ),
    strength=Strength("share of the items joined with their newest value", (0.25, 0.5, 1.0), 1.0),
    effect="inflates",
    inject=inject,
    cure=cure,
    guards_too=("embedding", "exif_association"),
    grows=True,
)
