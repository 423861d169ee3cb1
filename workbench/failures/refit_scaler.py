"""Refit scaler: the service standardises each batch by the batch itself, not as the training did."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from workbench.failure import Failure, Strength
from workbench.profiles.datasets import read_dataset
from workbench.profiles.gym_hands import answered_otherwise, numbers
from workbench.seams import HONEST, Seams, Step
from workbench.worlds.gym_features import COLUMNS

if TYPE_CHECKING:
    import pyarrow as pa
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]


def scale_of(x: Floats) -> tuple[Floats, Floats]:
    """Return mean and standard deviation of each column, as the model's own preparation takes them."""
    known = ~np.isnan(x)
    mean = np.where(known, x, 0).sum(axis=0) / np.maximum(known.sum(axis=0), 1)
    deviation = np.where(known, x, mean).std(axis=0)
    return mean, np.where(deviation > 0, deviation, 1.0)


def standardised_again(x: Floats, batches: int, mean: Floats, deviation: Floats) -> Floats:
    """Return what a model with a scaler of its own must be given to see each batch scaled by itself.

    Parameters
    ----------
    x : numpy.ndarray of shape (n, dim)
        Features; the column ``days_since_visit`` orders the members.
    batches : int
        Of about equal size: those who came last week first, the lapsed at the end.
    mean, deviation : numpy.ndarray of shape (dim,)
        Of the training rows.

    Returns
    -------
    numpy.ndarray of shape (n, dim)
        Row i belongs to row i.
    """
    given = np.empty_like(x)
    lapse = x[:, COLUMNS.index("days_since_visit")]
    for batch in np.array_split(np.argsort(lapse, kind="stable"), batches):
        own_mean, own_deviation = scale_of(x[batch])
        filled = np.where(np.isnan(x[batch]), own_mean, x[batch])
        given[batch] = (filled - own_mean) / own_deviation * deviation + mean
    return given


def each_batch_by_itself(batches: int) -> Step:
    """Return a step that fits the scaler anew on each batch of a morning."""

    def step(rows: pa.Table, ws: Any) -> pa.Table:
        learnt = read_dataset(ws)[1]
        train = np.column_stack([numbers(learnt, name) for name in COLUMNS])
        train = train[np.array(learnt["split"].to_pylist()) == "train"]
        x = np.column_stack([numbers(rows, name) for name in COLUMNS])
        given = standardised_again(x, min(batches, rows.num_rows), *scale_of(train))
        return answered_otherwise(rows, dict(zip(COLUMNS, given.T, strict=True)))

    return step


def inject(strength: float) -> Seams:
    """Fit the scaler again on each of `strength` batches a morning."""
    return Seams(f"refit_scaler {strength:g}", online=each_batch_by_itself(round(strength)))


def cure(strength: float) -> Seams:
    """Use the scaler that was saved with the model."""
    del strength
    return HONEST


FAILURE = Failure(
    name="refit_scaler",
    family="skew",
    stage="serve",
    world="gym",
    title="The service calls fit_transform on each batch, and one batch holds those who stopped coming.",
    symptom="In tests on random batches all is well. On the list of lapsed members the model finds nobody in "
    "danger.",
    mechanism="fit_transform on a batch subtracts the mean of that batch. Where a batch is a fair sample, that is "
    "nearly the mean of the training, and nothing happens. Where the service works through members by the "
    "time since their last visit, each batch becomes average by itself: what tells the lapsed from the "
    "others is exactly what is subtracted.",
    wrong_cures=(
        ("test with a random batch", "a random batch is the one case in which it is harmless"),
        (
            "use larger batches",
            "one batch a day is harmless until somebody asks for the lapsed members alone",
        ),
        (
            "check the score of the whole day",
            "its mean stays right: each batch is called as often as the average",
        ),
    ),
    cure_text="Save preparation and model as one pipeline; a service only ever calls transform.",
    guard="parity",
    limits="It compares what the model is given, after this step. Features that are logged before the step show "
    "nothing: log behind it, or compare the probabilities.",
    references=(
        "Sculley et al.: Hidden Technical Debt in Machine Learning Systems, NIPS 2015, "
        "https://proceedings.neurips.cc/paper/2015/hash/86df7dcfd896fcaf2674f757a2463eba-Abstract.html",
        "Breck, Cai, Nielsen, Salib, Sculley: The ML Test Score, IEEE Big Data 2017, https://storage.googleapis.com/"
        "pub-tools-public-publication-data/pdf/aad9f93b86b7addfea4c419b9100c6cdd26cacea.pdf",
    ),
    strength=Strength(
        "batches that a morning is served in, by the time since the last visit", (1, 4, 10), 10, 1, 50
    ),
    effect="damages",
    inject=inject,
    cure=cure,
    guards_too=("schema",),
    grows=True,
)
