"""Positional labels after an unordered join: y[i] belongs to another row."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from workbench.failure import Failure, Strength
from workbench.profiles.hands import put
from workbench.seams import HONEST, Seams, Step

if TYPE_CHECKING:
    import pyarrow as pa


def by_position(share: float) -> Step:
    """Return a step that takes features in the store's order, and labels in the old one."""

    def step(rows: pa.Table, ws: Any) -> pa.Table:
        import pyarrow as pa

        rng = np.random.default_rng(ws.settings.train.seed)
        moved = np.sort(rng.permutation(rows.num_rows)[: round(share * rows.num_rows)])
        order = np.arange(rows.num_rows)
        order[moved] = rng.permutation(moved)
        return put(rows, "label", rows["label"].take(pa.array(order)))

    return step


def inject(strength: float) -> Seams:
    """Let a share `strength` of the labels fall on other rows."""
    return Seams(f"positional_labels_after_unordered_join {strength:g}", rows=by_position(strength))


def cure(strength: float) -> Seams:
    """Carry the label and a row id through the retrieval."""
    del strength
    return HONEST


FAILURE = Failure(
    name="positional_labels_after_unordered_join",
    stage="dataset",
    family="irreproducibility",
    world="packhouse",
    title="X comes from the feature store, y from the file; both have the same length.",
    symptom="The model learns nothing, or suspiciously little, and nobody can say why.",
    mechanism="A feature store returns the rows that were asked for in any order. df['label'] = y glues them together by position.",
    wrong_cures=(
        ("check the lengths", "they are equal"),
        ("sort both by time", "ties are sorted differently"),
    ),
    cure_text="Carry a row id and the label in the entity table, sort by the id afterwards, and compare the keys.",
    guard="row_identity",
    limits="It needs the labels by key as they were asked for.",
    references=(
        "DuckDB documentation: Order preservation, "
        "https://duckdb.org/docs/stable/sql/dialect/order_preservation",
    ),
    strength=Strength("share of the labels that moved", (0.5, 1.0), 1.0),
    effect="damages",
    grows=True,
    inject=inject,
    cure=cure,
)
