"""A fitted step that saw other rows than the train set is found, wherever it sits in the model."""

from __future__ import annotations

import json

import numpy as np
import pytest

from workbench.errors import GuardError
from workbench.guards import fitted_memory

X = np.random.default_rng(0).normal(size=(120, 4))
Y = X[:, 0] > 0


def pipeline():
    from sklearn.compose import ColumnTransformer
    from sklearn.decomposition import PCA
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import FeatureUnion, Pipeline
    from sklearn.preprocessing import MinMaxScaler, StandardScaler

    first = ColumnTransformer(
        [("scale", StandardScaler(), [0, 1]), ("as it is", "passthrough", [2])], remainder="drop"
    )
    both = FeatureUnion([("squash", MinMaxScaler()), ("turn", PCA(2))])
    return Pipeline([("columns", first), ("nothing", None), ("union", both), ("model", LogisticRegression())])


def test_every_step_of_a_nested_model_is_asked():
    model = pipeline().fit(X[:80], Y[:80])
    finding = fitted_memory.check(fitted_memory.measure(model, 80))
    assert finding.fired is False
    assert finding.evidence.facts["rows_seen"] == {
        "columns/scale": 80.0,
        "union/squash": 80.0,
        "union/turn": 80.0,
    }
    json.dumps(finding.to_dict())


@pytest.mark.parametrize("n", [120, 40])
def test_a_scaler_fitted_on_other_rows_is_named(n):
    model = pipeline().fit(X[:80], Y[:80])
    model["columns"].named_transformers_["scale"].fit(X[:n, :2])
    finding = fitted_memory.check(fitted_memory.measure(model, 80))
    assert finding.fired
    assert finding.evidence.columns == ("columns/scale",)
    assert finding.evidence.offenders.to_pylist()[0]["rows_seen"] == n
    assert "'columns/scale' was fitted on" in finding.sentence


def test_a_search_is_looked_into():
    from sklearn.model_selection import GridSearchCV

    search = GridSearchCV(pipeline(), {"model__C": [0.1, 1]}, cv=2).fit(X[:80], Y[:80])
    assert fitted_memory.measure(search, 80).n == 3
    assert fitted_memory.check(fitted_memory.measure(search, 100)).fired


def test_missing_cells_make_a_column_smaller_and_are_no_fault():
    from sklearn.preprocessing import StandardScaler

    holes = np.where(np.random.default_rng(1).random((120, 2)) < 0.3, np.nan, X[:, :2])
    some, all_alike = np.c_[holes, X[:, 2]], holes[:, :1]
    assert fitted_memory.measure(StandardScaler().fit(some[:80]), 80).value == 0
    assert fitted_memory.measure(StandardScaler().fit(some), 80).value == 1
    assert (
        fitted_memory.measure(StandardScaler().fit(all_alike[:80]), 80).value == 1
    )  # 56 rows, or 80 with holes?
    assert fitted_memory.measure(StandardScaler().fit(all_alike[:80]), 80, missing=True).value == 0
    assert fitted_memory.measure(StandardScaler().fit(X), 80, missing=True).value == 1


def test_a_bare_scaler_is_a_model_too():
    from sklearn.preprocessing import StandardScaler

    assert fitted_memory.measure(StandardScaler().fit(X), 120).facts["rows_seen"] == {"StandardScaler": 120.0}


def test_a_model_that_remembers_nothing_is_refused():
    from sklearn.linear_model import LogisticRegression

    for model in (LogisticRegression().fit(X, Y), pipeline()):
        with pytest.raises(GuardError, match="remembers how many rows it saw"):
            fitted_memory.measure(model, 120)
    with pytest.raises(GuardError, match="0 train rows"):
        fitted_memory.measure(pipeline().fit(X, Y), 0)
