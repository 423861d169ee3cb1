"""Duplicate rows: a message was delivered twice, and one copy is tested on."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from workbench.failure import Failure, Strength
from workbench.profiles.hands import careless_split, grouped_split, put
from workbench.seams import Seams, Step

if TYPE_CHECKING:
    import pyarrow as pa


def delivered_twice(share: float) -> Step:
    """Return a step that repeats a share of the rows under new ids."""

    def step(rows: pa.Table, ws: Any) -> pa.Table:
        import pyarrow as pa

        rng = np.random.default_rng(ws.settings.train.seed)
        again = rows.take(np.sort(rng.permutation(rows.num_rows)[: round(share * rows.num_rows)]))
        again = put(again, "row_id", [f"{row_id}-retry" for row_id in again["row_id"].to_pylist()])
        return pa.concat_tables([rows, again]).sort_by("row_id")

    return step


def at_random(rows: pa.Table, ws: Any) -> list[str]:
    """Deal rows at random."""
    return careless_split(rows, ws.settings.train.seed)


def by_group(rows: pa.Table, ws: Any) -> list[str]:
    """Deal whole groups at random."""
    return grouped_split(rows, ws.settings.train.seed)


def inject(strength: float) -> Seams:
    """Repeat a share `strength` of the rows, then split at random."""
    return Seams(f"duplicate_rows {strength:g}", rows=delivered_twice(strength), split=at_random)


def cure(strength: float) -> Seams:
    """Write each delivery under a key of its own, once; split by group."""
    return Seams(f"duplicate_rows {strength:g} cured", split=by_group)


FAILURE = Failure(
    name="duplicate_rows",
    family="leakage",
    stage="ingest",
    world="packhouse",
    title="At least once means: sometimes twice.",
    symptom="A little too good, and better with every retry of the network.",
    mechanism="A retried message becomes a second row. A random split puts one copy into training and the "
    "other into the test set.",
    wrong_cures=(
        ("drop equal rows by their id", "the retry has an id of its own"),
        ("a larger test set", "it holds the same share of copies"),
    ),
    cure_text="Idempotent keys at ingestion; look for equal rows before the split.",
    guard="row_twins",
    limits="Rows that differ in one cell, a timestamp say, are no twins to it: leave such columns out.",
    references=(
        "Kapoor and Narayanan: Leakage and the reproducibility crisis in machine-learning-based science, "
        "Patterns 4(9), 2023, doi:10.1016/j.patter.2023.100804",
        "Barz and Denzler: Do We Train on Test Data? Purging CIFAR of Near-Duplicates, J. Imaging 6(6), 41, 2020, "
        "doi:10.3390/jimaging6060041",
    ),
    strength=Strength("share of the rows that came twice", (0.25, 0.5, 1.0), 1.0),
    effect="inflates",
    inject=inject,
    cure=cure,
    guards_too=("group_overlap", "label_shuffle", "row_identity"),
    grows=True,
    dials=lambda _strength: {"frames": 1},  # one row a fruit: nothing but the copies is there twice
    family_of_model="nearest",
)
