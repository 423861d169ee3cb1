"""How much one column alone tells about a label, judged on rows that were not learned from.

A decision tree of depth 4, in three folds. The rows are drawn so that they are independent of each other:
one of each group and class, a group never on both sides.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

from workbench.errors import GuardError
from workbench.guards.columns import auc_and_z, positives, ranks
from workbench.guards.evidence import require_columns

if TYPE_CHECKING:
    import pyarrow as pa
    from numpy.typing import NDArray

    Bools = NDArray[np.bool_]
    Ints = NDArray[np.int64]

ROWS_PER_CLASS: Final = 10_000
MIN_PER_CLASS: Final = 10
FOLDS: Final = 3
DEPTH: Final = 4
LEAF: Final = 20


@dataclass(frozen=True, slots=True)
class Sample:
    """Rows to learn from and to judge.

    Attributes
    ----------
    rows : numpy.ndarray of int of shape (n,)
        Positions in the table, ascending.
    is_positive : numpy.ndarray of bool of shape (n,)
        Their labels.
    fold : numpy.ndarray of int of shape (n,)
        From 0 to `FOLDS` - 1.
    n_labelled : int
        Rows of the table that have a label.
    """

    rows: Ints
    is_positive: Bools
    fold: Ints
    n_labelled: int


def draw(rows: pa.Table, label: str, positive: object, group: str | None, guard: str, seed: int) -> Sample:
    """Draw labelled rows and deal them into folds.

    At most `ROWS_PER_CLASS` rows of each class are drawn: the AUC does not depend on the shares of
    the classes.

    Parameters
    ----------
    rows : pyarrow.Table
        As the caller gave it.
    label : str
        Column of the label.
    positive : object
        Value of the positive class.
    group : str or None
        Column of rows that belong together; a row without a group is on its own. None: each row is.
    guard : str
        Who asks.
    seed : int
        Of the draw.

    Returns
    -------
    Sample
        One row of each group and class.

    Raises
    ------
    GuardError
        If a column is missing, or a class has fewer than `MIN_PER_CLASS` rows or groups.
    """
    require_columns(rows, [label, *([group] if group else [])], guard)
    is_positive, known = positives(rows, label, positive, guard, at_least=MIN_PER_CLASS)
    own = -1 - np.arange(rows.num_rows)
    who = own if group is None else ranks(rows[group])
    who = np.where(who < 0, own, who)
    rng = np.random.default_rng(seed)
    drawn = []
    for members in (np.flatnonzero(known & is_positive), np.flatnonzero(known & ~is_positive)):
        shuffled = rng.permutation(members)
        if group is not None:
            first = np.unique(who[shuffled], return_index=True)[1]
            shuffled = shuffled[np.sort(first)]
        if len(shuffled) < MIN_PER_CLASS:
            raise GuardError(
                f"{guard}: a class of {label!r} has rows of {len(shuffled)} groups",
                hint=f"it needs at least {MIN_PER_CLASS}",
            )
        drawn.append(shuffled[:ROWS_PER_CLASS])
    chosen = np.sort(np.concatenate(drawn))
    y = is_positive[chosen]
    return Sample(chosen, y, deal(y, who[chosen], rng), int(known.sum()))


def deal(y: Bools, who: Ints, rng: np.random.Generator) -> Ints:
    """Give each row one of `FOLDS` numbers: a group stays together, each class is in each fold.

    Parameters
    ----------
    y : numpy.ndarray of bool of shape (n,)
        The label.
    who : numpy.ndarray of int of shape (n,)
        Number of the group.
    rng : numpy.random.Generator
        Shuffles the groups.

    Returns
    -------
    numpy.ndarray of int of shape (n,)
        Each class is in each fold where at least three groups have it.
    """
    group = np.unique(who, return_inverse=True)[1]
    n_groups = int(group.max()) + 1
    some_positive = np.bincount(group[y], minlength=n_groups) > 0
    some_negative = np.bincount(group[~y], minlength=n_groups) > 0
    shuffled = rng.permutation(n_groups)
    # Positive groups, then mixed ones, then negative: the groups that have a class are neighbours, dealt in turn.
    kind = some_negative.astype(np.int64) - some_positive
    fold = np.empty(n_groups, np.int64)
    fold[shuffled[np.argsort(kind[shuffled], kind="stable")]] = np.arange(n_groups) % FOLDS
    return fold[group]


def tree_auc(x: Ints, sample: Sample) -> tuple[float, float]:
    """Return AUC and z of a tree on one column, each row judged by a tree that has not seen its group.

    Parameters
    ----------
    x : numpy.ndarray of shape (n,)
        Ranks of the values of the sample: a tree asks for order alone, and ranks have no infinity and
        survive float32.
    sample : Sample
        From `draw`.

    Returns
    -------
    tuple of float
        AUC over all folds, and its z against 0.5.
    """
    from sklearn.tree import DecisionTreeClassifier

    y = sample.is_positive
    score = np.zeros(len(y))
    leaf = min(LEAF, int(min(y.sum(), (~y).sum())) // FOLDS)
    for fold in range(FOLDS):
        learn, judge = sample.fold != fold, sample.fold == fold
        tree = DecisionTreeClassifier(max_depth=DEPTH, min_samples_leaf=leaf, random_state=0)
        tree.fit(x[learn, None], y[learn])
        lift = tree.predict_proba(x[judge, None])[:, 1] - y[learn].mean()  # folds differ in their base rates
        score[judge] = lift.round(9)
    return auc_and_z(y, score)
