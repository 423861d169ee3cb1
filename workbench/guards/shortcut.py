"""How much of a tag is in an embedding, and what a model is worth before a camera that it never saw."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import numpy as np

from workbench.guards.columns import ranks
from workbench.guards.scores import roc_auc
from workbench.guards.vectors import unit_rows

if TYPE_CHECKING:
    import pyarrow as pa
    from numpy.typing import NDArray

    Ints = NDArray[np.int64]
    Floats = NDArray[np.float64]

FOLDS: Final = 5
_MOST: Final = 5000  # rows: more add nothing to a fact
_RARE: Final = 10  # rows a value of the tag must have to be asked for, and values at most
_GUARD: Final = "exif_association"


def shortcut_facts(
    rows: pa.Table, embedding: str, codes: tuple[Ints, Ints], group: str | None, seed: int
) -> dict[str, Any]:
    """Measure what the embedding knows of a tag, and what the label's model loses without its camera.

    Parameters
    ----------
    rows : pyarrow.Table
        One row a picture.
    embedding : str
        Column of embeddings. Rows without one are left out; of more than 5,000, so many are drawn.
    codes : tuple of two numpy.ndarray of int, shape (n,)
        Tag and label, from 0.
    group : str or None
        Column of what must not be divided between folds.
    seed : int
        Of the folds.

    Returns
    -------
    dict
        ``label_auc``: of the label, in folds that keep groups together; ``label_auc_new_device``: where each
        value of the tag in turn is never learned from, the mean over the values that have all labels;
        ``label_auc_known_device``: the same mean, with the folds of the first; ``tag_auc``: of the tag.
        Each is the mean of one-versus-rest; None where it is not defined.
    """
    rng = np.random.default_rng(seed)
    unit = unit_rows(rows[embedding], _GUARD).astype(np.float64)
    use = np.flatnonzero(unit.any(axis=1))
    use = rng.choice(use, _MOST, replace=False) if len(use) > _MOST else use
    x, tag, truth = unit[use], codes[0][use], codes[1][use]
    held = np.arange(len(use)) if group is None else alone(ranks(rows[group]))[use]
    folds = _folds(held, rng)
    said, said_new = _predict(x, truth, folds), _predict(x, truth, tag)
    frequent = np.isin(tag, np.flatnonzero(np.bincount(tag, minlength=1) >= _RARE)[:_RARE])
    tags = np.unique(tag[frequent])
    return {
        "label_auc": _auc(truth, said),
        "label_auc_known_device": _within(truth, said, tag, tags),
        "label_auc_new_device": _within(truth, said_new, tag, tags) if len(np.unique(tag)) > 1 else None,
        "tag_auc": _auc(tag[frequent], _predict(x[frequent], tag[frequent], folds[frequent])),
    }


def alone(which: Ints) -> Ints:
    """Give each row without a group a group of its own."""
    return np.where(which < 0, which.max(initial=0) + 1 + np.arange(len(which)), which)


def _folds(held: Ints, rng: np.random.Generator) -> Ints:
    names, which = np.unique(held, return_inverse=True)
    dealt: Ints = (rng.permutation(len(names)) % FOLDS)[which]
    return dealt


def _predict(x: Floats, truth: Ints, folds: Ints) -> Floats:
    """Return scores (n, n_classes) of a ridge regression on each class, from rows of the other folds.

    One linear solve a fold; on unit rows a penalty of 1 keeps 128 numbers from a few hundred rows in check.
    """
    n_classes = int(truth.max(initial=0)) + 1
    wanted = np.eye(n_classes)[truth]
    said = np.full((len(x), n_classes), np.nan)
    for fold in np.unique(folds):
        out = folds == fold
        if out.all():
            continue
        centre, mean = x[~out].mean(axis=0), wanted[~out].mean(axis=0)
        seen = x[~out] - centre
        weights = np.linalg.solve(seen.T @ seen + np.eye(x.shape[1]), seen.T @ (wanted[~out] - mean))
        said[out] = (x[out] - centre) @ weights + mean
    return said


def _auc(truth: Ints, said: Floats) -> float | None:
    """Return the mean AUC of each class against the rest; None with one class."""
    there = ~np.isnan(said).any(axis=1)
    truth, said = truth[there], said[there]
    classes = np.unique(truth)
    if len(classes) < 2:
        return None
    flat = np.ones((1, len(truth)))
    return float(np.mean([roc_auc(truth == c, said[:, c], flat)[0] for c in classes]))


def _within(truth: Ints, said: Floats, tag: Ints, tags: Ints) -> float | None:
    """Return the mean over values of the tag: a score need only order the pictures of one camera."""
    each = [_auc(truth[tag == value], said[tag == value]) for value in tags]
    defined = [auc for auc in each if auc is not None]
    return float(np.mean(defined)) if defined else None
