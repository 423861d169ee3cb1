"""Row order: a seeded split on positions, over rows in the order of the day."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from workbench.failure import Failure, Strength
from workbench.seams import HONEST, Seams

if TYPE_CHECKING:
    import pyarrow as pa


def as_it_comes(rows: pa.Table, ws: Any) -> pa.Table:
    """Return the rows in the order of the day, as a set, a folder listing or a store returns them."""
    del ws
    return rows.take(np.random.default_rng().permutation(rows.num_rows))


def seeded_by_position(rows: pa.Table, ws: Any) -> list[str]:
    """Deal positions at random: seeded, and still not reproducible."""
    dice = np.random.default_rng(ws.settings.train.seed).permutation(rows.num_rows)
    return ["test" if rank < rows.num_rows // 4 else "train" for rank in dice]


def inject(strength: float) -> Seams:
    """Let the order of the rows decide the split."""
    return Seams(f"row_order {strength:g}", rows=as_it_comes, split=seeded_by_position)


def cure(strength: float) -> Seams:
    """Sort by key; split by time or by a hash of the key."""
    del strength
    return HONEST


FAILURE = Failure(
    name="row_order",
    stage="dataset",
    title="The seed is set, the hash of the rows is equal, and the score is another one.",
    symptom="Two datasets with equal content give two models.",
    mechanism="A seeded split deals positions. The store returns the rows in another order each time, so other rows get the same position.",
    wrong_cures=(
        ("set the seed again", "it was set"),
        ("compare content hashes", "they are equal: a content hash does not see the order"),
    ),
    cure_text="Sort by key before anything depends on the position; keep an order hash beside the content hash.",
    guards_too=("group_overlap", "label_shuffle", "row_twins"),
    family="irreproducibility",
    world="packhouse",
    references=(
        "Breck, Cai, Nielsen, Salib, Sculley: The ML Test Score, IEEE Big Data 2017, https://storage.googleapis.com/"
        "pub-tools-public-publication-data/pdf/aad9f93b86b7addfea4c419b9100c6cdd26cacea.pdf",
    ),
    guard="double_run",
    limits="Two runs on one machine: what differs only on another machine, it does not see.",
    strength=Strength("injected or not", (1.0,), 1.0, 1.0, 1.0),
    effect="changes",
    inject=inject,
    cure=cure,
)
