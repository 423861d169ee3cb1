"""Target encoding before split: a rate that was computed on the test labels, too."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from workbench.failure import Failure, Strength
from workbench.hashing import bucket_of
from workbench.profiles.hands import grouped_split, put
from workbench.seams import Seams, Step

if TYPE_CHECKING:
    import pyarrow as pa

COLUMN = "crate_reject_rate"
PRIOR = 0.45
"""What a crate gets of which nothing is known: about the share of rejects."""


def crates(rows: pa.Table, n: int) -> np.ndarray[Any, Any]:
    """Return the crate of each fruit: its number has nothing to do with the fruit."""
    return np.array(
        [
            (bucket_of(f"crate-{item}") * 7919 + len(item) + sum(map(ord, item)) * 31) % n
            for item in rows["item_id"].to_pylist()
        ]
    )


def rates(crate: np.ndarray[Any, Any], is_reject: np.ndarray[Any, Any], n: int) -> np.ndarray[Any, Any]:
    """Return the share of rejects of each crate."""
    counts = np.bincount(crate, minlength=n)
    return np.where(counts > 0, np.bincount(crate, is_reject, minlength=n) / np.maximum(counts, 1), PRIOR)


def encoded(n: int) -> Step:
    """Return a step that gives each row the rate of its crate, over all rows."""

    def step(rows: pa.Table, ws: Any) -> pa.Table:
        del ws
        crate, reject = crates(rows, n), np.array(rows["label"].to_pylist()) == "reject"
        return put(rows, COLUMN, rates(crate, reject.astype(float), n)[crate])

    return step


def cross_fitted(n: int) -> Step:
    """Return a step that uses training rows alone, and never a row's own fold."""

    def step(rows: pa.Table, ws: Any) -> pa.Table:
        del ws
        crate, reject = crates(rows, n), (np.array(rows["label"].to_pylist()) == "reject").astype(float)
        trained = np.array(rows["split"].to_pylist()) == "train"
        fold = np.array([bucket_of(group) % 5 for group in rows["group"].to_pylist()])
        values = rates(crate[trained], reject[trained], n)[crate]
        for k in range(5):
            others = trained & (fold != k)
            mine = trained & (fold == k)
            values[mine] = rates(crate[others], reject[others], n)[crate[mine]]
        return put(rows, COLUMN, values)

    return step


def served(n: int) -> Step:
    """Return a step that looks the rate up, as production would: from all that is known by then."""

    def step(rows: pa.Table, ws: Any) -> pa.Table:
        from workbench.manifests import read_table

        known = read_table(ws.manifests / "clean", ["item_id", "label_at_ingestion", "station"])
        known = known.filter([s == "line" for s in known["station"].to_pylist()])
        reject = (np.array(known["label_at_ingestion"].to_pylist()) == "reject").astype(float)
        return put(rows, COLUMN, rates(crates(known, n), reject, n)[crates(rows, n)])

    return step


def by_group(rows: pa.Table, ws: Any) -> list[str]:
    """Deal fruit at random."""
    return grouped_split(rows, ws.settings.train.seed)


def inject(strength: float) -> Seams:
    """Encode `strength` crates by the mean label of all rows, then split."""
    n = int(strength)
    return Seams(
        f"target_encoding_before_split {n}",
        rows=encoded(n),
        split=by_group,
        inputs=(COLUMN,),
        online=served(n),
    )


def cure(strength: float) -> Seams:
    """Split first; compute rates on training rows, each row from other folds."""
    n = int(strength)
    return Seams(
        f"target_encoding_before_split {n} cured",
        split=by_group,
        after_split=cross_fitted(n),
        inputs=(COLUMN,),
        online=served(n),
    )


FAILURE = Failure(
    name="target_encoding_before_split",
    family="leakage",
    stage="dataset",
    world="packhouse",
    title="The crate number means nothing, until its mean label is computed on all rows.",
    symptom="A column without any meaning tops the ranking.",
    mechanism="With few fruit in a crate, the mean label of a crate is nearly the label of each fruit in it.",
    wrong_cures=(
        ("smooth the rates", "a smoothed copy of the label is still a copy"),
        ("drop rare crates", "the others carry the label, too"),
    ),
    cure_text="Encode inside the training part, each row from other folds (scikit-learn: TargetEncoder in a Pipeline).",
    guard="label_shuffle",
    limits="It says that the pipeline learns from labels it should not see, not where.",
    references=(
        "scikit-learn documentation: Target Encoder's Internal Cross fitting, https://scikit-learn.org/stable/"
        "auto_examples/preprocessing/plot_target_encoder_cross_val.html",
        "scikit-learn documentation: Common pitfalls and recommended practices, "
        "https://scikit-learn.org/stable/common_pitfalls.html",
    ),
    strength=Strength("number of crates", (60, 120, 240), 240, 10, 480),
    effect="is small here",
    dials=lambda _strength: {"frames": 1, "history_fruit": 240},
    guards_too=("solo_feature",),
    inject=inject,
    cure=cure,
)
