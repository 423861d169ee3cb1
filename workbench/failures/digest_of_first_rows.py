"""Digest of first rows: MLflow's dataset digest hashes the first 10,000 numbers, and a backfill changed the rest."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import numpy as np

from workbench.errors import DatasetError
from workbench.failure import Failure, Strength
from workbench.profiles.hands import embedded_otherwise, put
from workbench.profiles.models import matrix
from workbench.profiles.tracking import HASHED, array_digest
from workbench.seams import HONEST, Seams, Step

if TYPE_CHECKING:
    import pyarrow as pa

OLDER: Final = "tiny_v0"
"""The encoder that the backfill still had: same shape, other numbers."""


def backfilled(rows: pa.Table, ws: Any, share: float) -> pa.Table:
    """Return the rows with new embeddings for a share of those past the hashed ones, the last ones first."""
    import pyarrow as pa

    features = matrix(rows)
    hashed = -(-HASHED // features.shape[1])  # a row that is hashed in part is left alone, too
    n = round(share * max(0, rows.num_rows - hashed))
    late = rows.slice(rows.num_rows - n)
    ids = late["feature_image_id"].to_pylist()
    if not ids:
        return rows
    vectors = embedded_otherwise(ws, ids, "backfilled", spec=OLDER)
    return pa.concat_tables([rows.slice(0, rows.num_rows - n), put(late, "embedding", vectors)])


def checked_by_digest(share: float) -> Step:
    """Return a step between dataset and fit: a backfill, and a check that compares MLflow's digests."""

    def step(rows: pa.Table, ws: Any) -> pa.Table:
        rows = rows.sort_by("row_id")
        changed = backfilled(rows, ws, share)
        was, now = (array_digest(matrix(table), np.array(table["label"])) for table in (rows, changed))
        if was != now:
            raise DatasetError(f"the digest was {was}, is {now}", hint="make the dataset again")
        return changed

    return step


def inject(strength: float) -> Seams:
    """Change a share `strength` of the rows that the digest does not see, after it was taken."""
    return Seams(f"digest_of_first_rows {strength:g}", training=checked_by_digest(strength))


def cure(strength: float) -> Seams:
    """Hash every cell: `read_dataset` compares the content hash of the card before anything is fitted."""
    del strength
    return HONEST


FAILURE = Failure(
    name="digest_of_first_rows",
    family="irreproducibility",
    stage="train",
    world="packhouse",
    title="Two datasets, one digest.",
    symptom="The run page shows the same dataset digest as last week. The model is another one.",
    mechanism="MLflow hashes the first 10,000 numbers of an array: with 128 numbers a row that is 78 rows. Of a "
    "DataFrame it takes 10,000 rows, and leaves out columns of lists and times: no embedding is looked at. A "
    "backfill by an older encoder changed later rows, and the digest stayed.",
    wrong_cures=(
        ("compare the number of rows", "it is part of the digest, and it is equal"),
        ("sort the rows first", "then other rows are the first ones, and the rest is as unseen"),
        ("log the digest with every run", "it was logged, twice, and it was the same"),
    ),
    cure_text="Hash all cells, with names and types, and hand MLflow that as the digest. Compare it on reading.",
    guard="content",
    limits="It compares two tables that are both there. A digest alone can only say that something changed.",
    references=(
        "MLflow 3.17, mlflow/data/digest_utils.py: MAX_ROWS = 10000",
        "mlflow/mlflow#22275: Dataset digest collision in digest_utils.py",
    ),
    strength=Strength("share of the rows that the digest does not see", (0.25, 0.5, 1.0), 1.0, 0.1),
    effect="changes",
    inject=inject,
    cure=cure,
    grows=True,
)
