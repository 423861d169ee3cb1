"""The model: from the rows of a dataset to a fitted pipeline, and back from its file.

Bits matter here. Measured over three generations of scikit-learn, numpy and scipy, the
coefficients are equal bit for bit when features are float64, BLAS has one thread and the rows come
in one order; each of these dropped, they differ.

Models are written as skops files, which hold no code. Numbers of trees and neighbours lie in
types that skops asks about first (`HARMLESS`): none of them runs anything when it is loaded.
"""

from __future__ import annotations

import threading
from functools import cache
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from workbench.errors import DatasetError, RunError, SettingsError, UnsafeModelError
from workbench.profiles.tracking import quiet

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    import pyarrow as pa
    from numpy.typing import ArrayLike, NDArray

    from workbench.profiles.settings import TrainSettings

    Floats = NDArray[np.float64]

SPLITS: Final = ("train", "validation", "test")
SOLVER: Final = "lbfgs"
MAX_ITER: Final = 2000
EMBEDDING: Final = ("embedding",)
"""What a model of pictures reads; a model of tables reads columns by their names."""
HARMLESS: Final = (
    "numpy.dtype",
    "sklearn.ensemble._hist_gradient_boosting.predictor.TreePredictor",
    "sklearn.metrics._dist_metrics.EuclideanDistance64",
    "sklearn.neighbors._kd_tree.KDTree",
    "sklearn.tree._tree.Tree",
)
"""Arrays of numbers inside scikit-learn's estimators; loading one calls nothing of the file's choosing.
Crafted numbers could still crash a prediction, so a run's file is compared with its sha256 first."""
_FITTING: Final = threading.Lock()  # the number of BLAS threads is one setting for the whole process


def arrays(
    rows: pa.Table, settings: TrainSettings, split: str | None = None, inputs: Sequence[str] = EMBEDDING
) -> tuple[Floats, list[str]]:
    """Return features and labels in the row order that the settings ask for.

    Parameters
    ----------
    rows : pyarrow.Table
        Of a dataset.
    settings : TrainSettings
        ``canonical``: sorted by row id. ``shuffled``: a permutation drawn from the seed.
    split : str, optional
        Only its rows.
    inputs : sequence of str
        Columns that the model reads.

    Returns
    -------
    tuple of numpy.ndarray of shape (n, dim), float64, and list of str
        Features and labels.

    Raises
    ------
    DatasetError
        If an embedding is missing or has another length, or the row order is unknown.
    """
    import pyarrow.compute as pc

    if split is not None:
        rows = rows.filter(pc.equal(rows["split"], split))
    rows = rows.sort_by("row_id")
    if settings.row_order == "shuffled":
        rows = rows.take(np.random.default_rng(settings.seed).permutation(rows.num_rows))
    elif settings.row_order != "canonical":
        raise DatasetError(
            f"there is no row order {settings.row_order!r}", hint='set row_order = "canonical" or "shuffled"'
        )
    return matrix(rows, inputs), rows["label"].to_pylist()


def matrix(rows: pa.Table, inputs: Sequence[str] = EMBEDDING) -> Floats:
    """Return what a model reads: training and serving build it here, by name.

    Parameters
    ----------
    rows : pyarrow.Table
        With the columns `inputs`.
    inputs : sequence of str
        ``embedding`` (list<float32>) or names of numeric columns, in the order of the columns.

    Returns
    -------
    numpy.ndarray of shape (n, dim), float64
        In the order of the rows; NaN where a numeric column has no value.

    Raises
    ------
    DatasetError
        If a column is missing or is no number, or holds infinity.
    """
    import pyarrow as pa

    if missing := [name for name in inputs if name not in rows.column_names]:
        raise DatasetError(
            f"the rows have no column {missing[0]!r}, which the model reads",
            hint=f"they have: {', '.join(rows.column_names)}",
        )
    parts = []
    for name in inputs:
        if name == "embedding":
            parts.append(embeddings(rows))
            continue
        try:
            column = rows[name].cast(pa.float64()).to_numpy()
        except pa.ArrowInvalid as error:
            raise DatasetError(f"the column {name!r} is no number: {error}", hint="encode it first") from None
        if np.isinf(column).any():
            raise DatasetError(f"the column {name!r} holds infinity", hint="run `workbench extract` again")
        parts.append(column[:, None])
    return np.ascontiguousarray(np.hstack(parts))


def embeddings(rows: pa.Table) -> Floats:
    """Return the column ``embedding`` as a matrix.

    Parameters
    ----------
    rows : pyarrow.Table
        With ``embedding`` list<float32>.

    Returns
    -------
    numpy.ndarray of shape (n, dim), float64
        In the order of the rows.

    Raises
    ------
    DatasetError
        If one is missing, has another length, or holds a number that is not finite.
    """
    import pyarrow.compute as pc

    lengths = set(pc.list_value_length(rows["embedding"]).to_pylist())
    if len(lengths) != 1 or None in lengths:
        raise DatasetError(
            f"embeddings have the lengths {sorted(lengths, key=str)}", hint="run `workbench extract` again"
        )
    flat = pc.list_flatten(rows["embedding"]).to_numpy().astype(np.float64)
    if not np.isfinite(flat).all():
        raise DatasetError("an embedding holds NaN or infinity", hint="run `workbench extract` again")
    return np.ascontiguousarray(flat.reshape(rows.num_rows, -1))


def fit(
    features: ArrayLike,
    labels: Sequence[str],
    settings: TrainSettings,
    *,
    inputs: Sequence[str] = EMBEDDING,
) -> Any:
    """Fit the model of the family that the settings name; a logistic regression unless asked otherwise.

    Parameters
    ----------
    features : array-like of shape (n, dim)
        Taken as float64, row by row in memory: float32 and column order give other bits.
    labels : sequence of str of length n
        Two classes or more.
    settings : TrainSettings
        Family, C, seed and number of BLAS threads. The order of the rows is the caller's.
    inputs : sequence of str
        Columns that the features came from: those of a table may have no value, and get the mean.

    Returns
    -------
    sklearn.pipeline.Pipeline
        Fitted; ``classes_`` are the labels in alphabetical order.

    Raises
    ------
    SettingsError
        If there is no such family.
    """
    from sklearn.pipeline import make_pipeline

    if settings.family not in FAMILIES:
        raise SettingsError(
            f"there is no model family {settings.family!r}", hint=f"use one of: {', '.join(FAMILIES)}"
        )
    steps = [*_preparation(settings.family, tuple(inputs)), FAMILIES[settings.family](settings)]
    with _FITTING, _blas().limit(limits=settings.threads):
        return make_pipeline(*steps).fit(np.ascontiguousarray(features, np.float64), np.asarray(labels))


@cache
def _blas() -> Any:
    """Return what limits the threads of the libraries that scikit-learn computes with; looked for once."""
    import sklearn.linear_model  # noqa: F401 (loads them)
    from threadpoolctl import ThreadpoolController

    return ThreadpoolController()


def _preparation(family: str, inputs: tuple[str, ...]) -> list[Any]:
    """Return what comes before the classifier: trees need no scale, boosting no value either."""
    from sklearn.impute import SimpleImputer
    from sklearn.preprocessing import StandardScaler

    impute = [] if inputs == EMBEDDING or family == "boosting" else [SimpleImputer(keep_empty_features=True)]
    scale = [StandardScaler()] if family in {"logistic", "nearest"} else []
    return [*impute, *scale]


def _logistic(settings: TrainSettings) -> Any:
    from sklearn.linear_model import LogisticRegression

    return LogisticRegression(C=settings.C, solver=SOLVER, max_iter=MAX_ITER, random_state=settings.seed)


def _boosting(settings: TrainSettings) -> Any:
    from sklearn.ensemble import HistGradientBoostingClassifier

    # small trees: with 5 % positives the library's own defaults learn the training rows by heart
    return HistGradientBoostingClassifier(
        max_iter=80, max_leaf_nodes=8, learning_rate=0.08, min_samples_leaf=40, random_state=settings.seed
    )


def _forest(settings: TrainSettings) -> Any:
    from sklearn.ensemble import RandomForestClassifier

    return RandomForestClassifier(60, min_samples_leaf=2, max_features=0.4, random_state=settings.seed)


def _nearest(settings: TrainSettings) -> Any:
    from sklearn.neighbors import KNeighborsClassifier

    del settings  # no dice
    return KNeighborsClassifier(1)


FAMILIES: Final[Mapping[str, Callable[[TrainSettings], Any]]] = {
    "logistic": _logistic,
    "boosting": _boosting,
    "forest": _forest,
    "nearest": _nearest,
}
"""Name of a model family to what makes its classifier."""


def probabilities(model: Any, features: ArrayLike, labels: Sequence[str], *, threads: int = 1) -> Floats:
    """Return the probability of each label.

    Parameters
    ----------
    model : sklearn.pipeline.Pipeline
        As `fit` gave it.
    features : array-like of shape (n, dim)
        Embeddings.
    labels : sequence of str
        The order of the columns that is wanted: the model has its classes in alphabetical order.
    threads : int
        BLAS threads.

    Returns
    -------
    numpy.ndarray of shape (n, n_labels), float64
        A label that the model never saw has probability 0.
    """
    with _FITTING, _blas().limit(limits=threads):
        found = model.predict_proba(np.ascontiguousarray(features, np.float64))
    columns = dict(zip(model.classes_.tolist(), found.T, strict=True))
    return np.stack([columns.get(label, np.zeros(len(found))) for label in labels], axis=1)


def predict_rows(
    model: Any,
    rows: pa.Table,
    labels: Sequence[str],
    *,
    threads: int = 1,
    inputs: Sequence[str] = EMBEDDING,
) -> pa.Table:
    """Predict every row of a dataset that is in a split.

    Parameters
    ----------
    model : sklearn.pipeline.Pipeline
        As `fit` gave it.
    rows : pyarrow.Table
        Of a dataset.
    labels : sequence of str
        The classes; the last one is the positive class.
    threads : int
        BLAS threads.
    inputs : sequence of str
        Columns that the model reads.

    Returns
    -------
    pyarrow.Table
        Sorted by ``row_id``: row_id, split, label, predicted, probability (of the positive class)
        and probabilities (list<double>, in the order of `labels`).
    """
    import pyarrow as pa
    import pyarrow.compute as pc

    rows = rows.filter(pc.is_in(rows["split"], pa.array(SPLITS))).sort_by("row_id")
    found = probabilities(model, matrix(rows, inputs), labels, threads=threads)
    return pa.table(
        {
            "row_id": rows["row_id"],
            "split": rows["split"],
            "label": rows["label"],
            "predicted": np.array(labels)[found.argmax(axis=1)],
            "probability": found[:, -1],
            "probabilities": pa.array(list(found), pa.list_(pa.float64())),
        }
    )


def load_skops(data: bytes) -> Any:
    """Load a model from the bytes of a skops file, trusting nothing but what skops knows.

    Parameters
    ----------
    data : bytes
        The file.

    Returns
    -------
    Any
        The estimator.

    Raises
    ------
    UnsafeModelError
        If it holds foreign types. None of their code has run.
    RunError
        If it is no skops file.
    """
    with quiet():
        import skops.io
        from skops.io.exceptions import UntrustedTypesFoundException
    try:
        return skops.io.loads(data, trusted=list(HARMLESS))
    except UntrustedTypesFoundException as error:
        raise UnsafeModelError(
            f"the model file holds types that are not loaded: {error}",
            hint="only models of scikit-learn's own estimators are served; train it again here",
        ) from None
    except Exception as error:  # a zip, JSON or numpy error, by where the damage is
        raise RunError(
            f"the model file cannot be read ({type(error).__name__}: {error})", hint="train it again"
        ) from error
