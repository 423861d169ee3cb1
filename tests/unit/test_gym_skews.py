"""What the skews of the gym do to served rows, against scikit-learn and against plain arithmetic."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest
from sklearn.impute import SimpleImputer
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from workbench.failures.missing_becomes_zero import served, served_with_zero
from workbench.failures.refit_scaler import scale_of, standardised_again
from workbench.failures.swapped_columns import swapped
from workbench.failures.unit_mismatch import in_hours
from workbench.profiles.gym_hands import answered_otherwise, numbers
from workbench.worlds.gym_features import COLUMNS

LAPSE = COLUMNS.index("days_since_visit")


def features(n: int, seed: int) -> np.ndarray:
    """Return features with gaps, one constant column, and one that is not known at all."""
    rng = np.random.default_rng(seed)
    x = rng.gamma(2, 10, (n, len(COLUMNS)))
    x[rng.random(n) < 0.2, LAPSE] = np.nan
    x[:, 0] = 1.0
    return x


def preparation() -> object:
    """Return what a logistic regression has before it."""
    return make_pipeline(SimpleImputer(keep_empty_features=True), StandardScaler())


@pytest.mark.parametrize("batches", [1, 4])
def test_the_model_sees_what_a_refitted_preparation_gives(batches):
    train, x = features(300, 1), features(60, 2)
    train[:, 0] = np.arange(300) % 2  # constant in the batch alone
    saved = preparation().fit(train)
    given = standardised_again(x, batches, *scale_of(train))
    order = np.argsort(x[:, LAPSE], kind="stable")
    assert np.isnan(x[order[-1], LAPSE]), "the lapsed are the last batch"
    for batch in np.array_split(order, batches):
        refitted = preparation().fit_transform(x[batch])
        np.testing.assert_allclose(saved.transform(given[batch]), refitted, atol=1e-9)


def test_a_batch_in_which_nothing_is_known():
    x = features(20, 3)
    x[:, LAPSE] = np.nan
    given = standardised_again(x, 2, *scale_of(features(50, 4)))
    assert np.isfinite(given).all()


ROWS = pa.table(
    {
        "item_id": ["a", "b", "c", "d"],
        "visits_7d": [1.0, 2.0, 0.0, 3.0],
        "visits_90d": [10.0, 20.0, 5.0, 30.0],
        "days_since_visit": [1.0, 20.0, None, 14.0],
    }
)


def test_a_share_of_the_answers():
    found = answered_otherwise(ROWS, {"visits_7d": np.full(4, np.nan)}, 0.5)
    assert found["visits_7d"].to_pylist() == [None, None, 0.0, 3.0]
    assert found.drop_columns(["visits_7d"]).equals(ROWS.drop_columns(["visits_7d"]))
    assert found.column_names == ROWS.column_names


def test_hours_and_places():
    assert in_hours(1.0)(ROWS, None)["days_since_visit"].to_pylist() == [24.0, 480.0, None, 336.0]
    moved = swapped(0.5)(ROWS, None)
    assert moved["visits_7d"].to_pylist() == [10.0, 20.0, 0.0, 3.0]
    assert moved["visits_90d"].to_pylist() == [1.0, 2.0, 5.0, 30.0]


def test_unknown_is_null_or_zero():
    assert served(14)(ROWS, None)["days_since_visit"].to_pylist() == [1.0, None, None, 14.0]
    assert served_with_zero(14)(ROWS, None)["days_since_visit"].to_pylist() == [1.0, 0.0, 0.0, 14.0]
    assert np.isnan(numbers(ROWS, "days_since_visit")[2])
