"""Review made feature: a column that exists only because somebody looked again."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from workbench.failure import Failure, Strength
from workbench.profiles.hands import put
from workbench.seams import HONEST, Seams, Step

if TYPE_CHECKING:
    import pyarrow as pa

COLUMN = "reviewed_as_reject"


def reviewed(share: float) -> Step:
    """Return a step that adds what the bench said later: +1 reject, -1 accept, 0 not on the bench."""

    def step(rows: pa.Table, ws: Any) -> pa.Table:
        from workbench.manifests import read_table

        reviews = read_table(ws.manifests / "reviews").to_pylist()
        said = {row["item_id"]: 1.0 if row["reviewed_label"] == "reject" else -1.0 for row in reviews}
        kept = set(
            np.random.default_rng(ws.settings.train.seed).permutation(sorted(said))[
                : round(share * len(said))
            ]
        )
        return put(
            rows, COLUMN, [said[item] if item in kept else 0.0 for item in rows["item_id"].to_pylist()]
        )

    return step


def absent(rows: pa.Table, ws: Any) -> pa.Table:
    """In production nobody has reviewed anything yet."""
    del ws
    return put(rows, COLUMN, [0.0] * rows.num_rows)


def inject(strength: float) -> Seams:
    """Join the review of a share `strength` of the reviewed items as a feature."""
    return Seams(
        f"review_made_feature {strength:g}", rows=reviewed(strength), inputs=(COLUMN,), online=absent
    )


def cure(strength: float) -> Seams:
    """Leave the review where it belongs: it is a label with a known-at, not a feature."""
    del strength
    return HONEST


FAILURE = Failure(
    name="review_made_feature",
    family="leakage",
    stage="dataset",
    world="packhouse",
    title="A column that somebody filled in after the decision is used to make the decision.",
    symptom="One column carries most of the weight; in production it is always empty.",
    mechanism="Only suspicious fruit are reviewed, so the column tells the label, and tells it two days late.",
    wrong_cures=(
        ("fill the gaps with a default", "the default is what production will always see"),
        ("regularise harder", "the column is a good predictor offline, so it survives"),
    ),
    cure_text="Allow a feature only with an event time and a known-at, and join it as of the observation.",
    guard="solo_feature",
    limits="It sees a column that tells nearly all by itself; one that tells a little looks like a good feature.",
    references=(
        "Kaufman, Rosset, Perlich, Stitelman: Leakage in data mining: formulation, detection, and avoidance, "
        "TKDD 6(4), 2012, doi:10.1145/2382577.2382579",
        "Feast issue #6615: created_timestamp is no cutoff by default, https://github.com/feast-dev/feast/issues/6615",
    ),
    strength=Strength("share of the reviews that are joined", (0.25, 0.5, 1.0), 1.0),
    effect="inflates",
    inject=inject,
    cure=cure,
    guards_too=("parity",),
    grows=True,
)
