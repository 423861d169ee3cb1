"""Target encoding before split: a rate that was computed on the test labels, too."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from workbench.failure import Failure, Strength
from workbench.hashing import bucket_of
from workbench.profiles.gym_rows import by_member
from workbench.profiles.hands import put
from workbench.profiles.members import log_of, seen_members
from workbench.seams import Seams
from workbench.worlds.gym import GymWorld

if TYPE_CHECKING:
    from collections.abc import Callable

    import pyarrow as pa
    from numpy.typing import NDArray

    Ints = NDArray[np.int64]

COLUMN = "postcode_churn"


def postcodes(rows: pa.Table, ws: Any) -> Ints:
    """Return the postcode of each row's member: it never changes, and means nothing."""
    members = log_of(ws)["members"]
    of = dict(zip(members["item_id"].to_pylist(), members["postcode"].to_pylist(), strict=True))
    return np.array([of[item] for item in rows["item_id"].to_pylist()])


def leavers(rows: pa.Table) -> Ints:
    """Return 1 for each row whose member leaves, else 0."""
    return np.array([int(label == "leaves") for label in rows["label"].to_pylist()])


def encoded(rows: pa.Table, ws: Any) -> pa.Table:
    """Give each row the share of leavers in its postcode, over all rows."""
    code, leaves = np.unique(postcodes(rows, ws), return_inverse=True)[1], leavers(rows)
    return put(rows, COLUMN, (np.bincount(code, leaves) / np.bincount(code))[code])


def looked_up(rows: pa.Table, ws: Any) -> pa.Table:
    """Give each row the share that was computed for training; an unknown postcode gets that of all."""
    seen = seen_members(ws, GymWorld.history_end)
    known, leaves = postcodes(seen, ws), leavers(seen)
    share = {code: leaves[known == code].mean() for code in np.unique(known)}
    return put(rows, COLUMN, [share.get(code, leaves.mean()) for code in postcodes(rows, ws)])


def cross_fitted(rows: pa.Table, ws: Any) -> pa.Table:
    """Encode with scikit-learn from the training rows alone: each of them from four fifths of other members."""
    code, leaves = postcodes(rows, ws), leavers(rows)
    trained = np.array(rows["split"].to_pylist()) == "train"
    fold = np.array([bucket_of(member, 5) for member in rows["group"].to_pylist()])
    values = fitted(code[trained], leaves[trained])(code)
    for k in range(5):
        mine, others = trained & (fold == k), trained & (fold != k)
        values[mine] = fitted(code[others], leaves[others])(code[mine])
    return put(rows, COLUMN, values)


def served(rows: pa.Table, ws: Any) -> pa.Table:
    """Encode with what was fitted on the training rows."""
    seen = seen_members(ws, GymWorld.history_end)
    trained = np.array(by_member(seen, ws)) == "train"
    encode = fitted(postcodes(seen, ws)[trained], leavers(seen)[trained])
    return put(rows, COLUMN, encode(postcodes(rows, ws)))


def fitted(code: Ints, leaves: Ints) -> Callable[[Ints], Any]:
    """Return what encodes postcodes by the labels of some rows; rare and unknown ones get about the share of all."""
    from sklearn.preprocessing import TargetEncoder

    encoder = TargetEncoder(target_type="binary").fit(code[:, None], leaves)
    return lambda asked: encoder.transform(asked[:, None])[:, 0]


def inject(strength: float) -> Seams:
    """Encode the postcodes by the mean label of all rows, then split by member."""
    return Seams(
        f"target_encoding_before_split {strength:g}",
        rows=encoded,
        split=by_member,
        inputs=(COLUMN,),
        online=looked_up,
    )


def cure(strength: float) -> Seams:
    """Split by member, then encode from the training rows."""
    return Seams(
        f"target_encoding_before_split {strength:g} cured",
        split=by_member,
        after_split=cross_fitted,
        inputs=(COLUMN,),
        online=served,
    )


FAILURE = Failure(
    name="target_encoding_before_split",
    family="leakage",
    stage="dataset",
    world="gym",
    title="The postcode means nothing, until the share of leavers in each one is computed on all rows.",
    symptom="A column without any meaning tops the ranking.",
    mechanism="A postcode has four members. Whether one of them leaves decides its share of leavers, and the share "
    "stands beside the row that it was computed from, in the test set as well. In production the share is about "
    "members who have left, and says nothing about those who are still there. The model leans on it all the same, "
    "and a flexible one most.",
    wrong_cures=(
        ("smooth the shares", "a smoothed copy of the label is still a copy"),
        ("drop rare postcodes", "the others carry the label, too"),
        ("split by member", "both twins do: the share was computed before"),
    ),
    cure_text="Encode inside the training part, each row from other folds (scikit-learn: TargetEncoder).",
    guard="label_shuffle",
    limits="It says that the pipeline learns from labels it should not see, not where.",
    references=(
        "scikit-learn documentation: Target Encoder's Internal Cross fitting, https://scikit-learn.org/stable/"
        "auto_examples/preprocessing/plot_target_encoder_cross_val.html",
        "scikit-learn documentation: Common pitfalls and recommended practices, "
        "https://scikit-learn.org/stable/common_pitfalls.html",
        "Kapoor and Narayanan: Leakage and the reproducibility crisis in machine-learning-based science, Patterns 4(9), "
        "2023, doi:10.1016/j.patter.2023.100804",
    ),
    strength=Strength("number of postcodes", (200, 700, 1500), 700, 20, 5000),
    effect="inflates",
    dials=lambda strength: {"n_postcodes": round(strength)},
    guards_too=("solo_feature",),
    inject=inject,
    cure=cure,
    grows=True,
    family_of_model="boosting",
    other_models=("logistic",),
)
