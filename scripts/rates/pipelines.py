"""Guards of pipelines: label_shuffle, fitted_memory."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import numpy as np

from scripts.rates import Case
from scripts.rates.worlds import MANY, SOME, column, dice, honest, leaves, numbers, rate_of
from workbench.guards import fitted_memory, label_shuffle

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from workbench.guards.evidence import Finding

    Bools = NDArray[np.bool_]
    Floats = NDArray[np.float64]
    Pipeline = Callable[[Floats, Bools, Bools, np.random.Generator], tuple[Bools, Floats]]

# -- label_shuffle -----------------------------------------------------------------------------------------------


def _shuffled(seed: int, pipeline: Pipeline, x: Floats | None = None, n_members: int = SOME) -> Finding:
    """Run a pipeline on shuffled labels of a gym; it gets features, labels, who is tested, and dice."""
    rows = honest(seed, n_members)
    raw = np.nan_to_num(numbers(rows)) if x is None else x
    tested = dice(seed, 1).random(len(raw)) < 0.3
    seen = label_shuffle.measure(
        lambda labels: pipeline(raw, labels, tested, dice(seed, 2)), leaves(rows)[: len(raw)], seed=seed
    )
    return label_shuffle.check(seen)


def _logistic(x: Floats, y: Bools, tested: Bools, _: object) -> tuple[Bools, Floats]:
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    model = make_pipeline(StandardScaler(), LogisticRegression(max_iter=500)).fit(x[~tested], y[~tested])
    return y[tested], model.predict_proba(x[tested])[:, 1]


def _forest(x: Floats, y: Bools, tested: Bools, _: object) -> tuple[Bools, Floats]:
    from sklearn.ensemble import RandomForestClassifier

    model = RandomForestClassifier(30, random_state=0).fit(x[~tested], y[~tested])
    return y[tested], model.predict_proba(x[tested])[:, 1]


def _scaled_first(x: Floats, y: Bools, tested: Bools, rng: np.random.Generator) -> tuple[Bools, Floats]:
    from sklearn.preprocessing import StandardScaler

    return _logistic(StandardScaler().fit_transform(x), y, tested, rng)


def _encoded_first(seed: int) -> Finding:
    """Encode the postcode by the mean label of all rows, then split."""
    postcode = column(honest(seed, SOME), "postcode")

    def pipeline(x: Floats, y: Bools, tested: Bools, rng: np.random.Generator) -> tuple[Bools, Floats]:
        return _logistic(np.column_stack([x, rate_of(postcode, y)]), y, tested, rng)

    return _shuffled(seed, pipeline)


def _selected_first(seed: int) -> Finding:
    """Choose 25 of 1,500 columns of noise on all of 1,200 rows, then split."""
    from sklearn.feature_selection import SelectKBest

    def pipeline(x: Floats, y: Bools, tested: Bools, rng: np.random.Generator) -> tuple[Bools, Floats]:
        return _logistic(SelectKBest(k=25).fit_transform(x, y), y, tested, rng)

    return _shuffled(seed, pipeline, dice(seed, 3).normal(size=(1200, 1500)))


def _oversampled_first(x: Floats, y: Bools, tested: Bools, rng: np.random.Generator) -> tuple[Bools, Floats]:
    """Repeat the positives until there are as many as negatives, then split anew."""
    more = rng.choice(np.flatnonzero(y), int((~y).sum() - y.sum()))
    rows = np.concatenate([np.arange(len(y)), more])
    return _forest(x[rows], y[rows], rng.random(len(rows)) < tested.mean(), rng)


def _delivered_twice(x: Floats, y: Bools, tested: Bools, rng: np.random.Generator) -> tuple[Bools, Floats]:
    """Append a quarter of the rows again, then split anew."""
    rows = np.concatenate([np.arange(len(y)), rng.choice(len(y), len(y) // 4, replace=False)])
    return _forest(x[rows], y[rows], rng.random(len(rows)) < tested.mean(), rng)


def _knowing(seed: int) -> Finding:
    """Give the model a column that knows the true label."""
    rows = honest(seed, SOME)
    knows = np.column_stack([np.nan_to_num(numbers(rows)), leaves(rows)])
    return _shuffled(seed, _logistic, knows)


SHUFFLE: Final = (
    Case("label_shuffle", "logistic regression, honest", "clean", lambda seed: _shuffled(seed, _logistic)),
    Case("label_shuffle", "random forest, honest", "clean", lambda seed: _shuffled(seed, _forest)),
    Case(
        "label_shuffle",
        "scaler fitted before the split",
        "clean",
        lambda seed: _shuffled(seed, _scaled_first),
    ),
    Case("label_shuffle", "target encoding before the split", "flaw", _encoded_first),
    Case("label_shuffle", "selection of columns before the split", "flaw", _selected_first),
    Case(
        "label_shuffle",
        "oversampling before the split",
        "flaw",
        lambda seed: _shuffled(seed, _oversampled_first),
    ),
    Case(
        "label_shuffle",
        "a quarter delivered twice, then split",
        "flaw",
        lambda seed: _shuffled(seed, _delivered_twice, n_members=MANY),
    ),
    Case("label_shuffle", "a column that knows the label", "blind", _knowing),
)

# -- fitted_memory -----------------------------------------------------------------------------------------------


def _remembered(seed: int, make: Callable[[Floats, Bools], Any], *, missing: bool = False) -> Finding:
    """Fit steps on the rows of a gym; `make` gets all rows and who is tested."""
    x = numbers(honest(seed, SOME))
    tested = dice(seed, 1).random(len(x)) < 0.3
    x = x if missing else np.nan_to_num(x)
    return fitted_memory.check(fitted_memory.measure(make(x, tested), int((~tested).sum()), missing=missing))


def _piped(*steps: Any) -> Any:
    from sklearn.pipeline import make_pipeline

    return make_pipeline(*steps)


def _scaler(x: Floats, tested: Bools, rows: slice | None = None) -> Any:
    from sklearn.preprocessing import StandardScaler

    return _piped(StandardScaler()).fit(x[~tested] if rows is None else x[rows])


def _components(x: Floats, tested: Bools) -> Any:
    from sklearn.decomposition import PCA
    from sklearn.preprocessing import StandardScaler

    scaler = StandardScaler().fit(x[~tested])
    return _piped(scaler, PCA(5).fit(scaler.transform(x)))


def _filled_first(x: Floats, tested: Bools) -> Any:
    """Fit the imputer on all rows, and the scaler on the train rows as it should be."""
    from sklearn.impute import SimpleImputer
    from sklearn.preprocessing import StandardScaler

    imputer = SimpleImputer().fit(x)
    return _piped(imputer, StandardScaler().fit(imputer.transform(x[~tested])))


def _one_column_of_holes(seed: int) -> Finding:
    """Scale one column with missing cells, and do not say that there are any."""
    x = numbers(honest(seed, SOME), ("days_since_visit",))
    tested = dice(seed, 1).random(len(x)) < 0.3
    return fitted_memory.check(fitted_memory.measure(_scaler(x, tested), int((~tested).sum())))


MEMORY: Final = (
    Case("fitted_memory", "scaler of the train rows", "clean", lambda seed: _remembered(seed, _scaler)),
    Case(
        "fitted_memory",
        "the same with missing cells, said",
        "clean",
        lambda seed: _remembered(seed, _scaler, missing=True),
    ),
    Case(
        "fitted_memory",
        "scaler fitted before the split",
        "flaw",
        lambda seed: _remembered(seed, lambda x, tested: _scaler(x, tested, slice(None))),
    ),
    Case(
        "fitted_memory",
        "scaler fitted again on a batch of 200",
        "flaw",
        lambda seed: _remembered(seed, lambda x, tested: _scaler(x, tested, slice(-200, None))),
    ),
    Case("fitted_memory", "PCA fitted before the split", "flaw", lambda seed: _remembered(seed, _components)),
    Case(
        "fitted_memory",
        "imputer fitted before the split",
        "blind",
        lambda seed: _remembered(seed, _filled_first, missing=True),
    ),
    Case("fitted_memory", "one column with missing cells, not said", "misused", _one_column_of_holes),
)

CASES: Final = (*SHUFFLE, *MEMORY)
