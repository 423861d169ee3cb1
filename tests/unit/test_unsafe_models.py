"""A model file is data: what it holds is looked at, and none of its code runs."""

from __future__ import annotations

import pickle  # noqa: TID251 (to make one, never to load it)
from pathlib import Path

import numpy as np
import pytest
import skops.io
from sklearn.linear_model import LogisticRegression
from sklearn.preprocessing import FunctionTransformer

from workbench.errors import RunError, UnsafeModelError
from workbench.profiles.models import load_skops


class Trap:
    """Writes a file when it is unpickled."""

    def __init__(self, path: str) -> None:
        self.path = path

    def __reduce__(self) -> tuple[object, tuple[object, ...]]:
        return (Path(self.path).write_text, ("sprung",))


def test_scikit_learns_own_estimators_are_loaded():
    model = LogisticRegression().fit([[0.0], [1.0]], ["accept", "reject"])
    again = load_skops(skops.io.dumps(model))
    assert np.array_equal(again.coef_, model.coef_)


def test_a_model_with_foreign_code_is_refused():
    with pytest.raises(UnsafeModelError, match="types that are not loaded.*unlink"):
        load_skops(skops.io.dumps(FunctionTransformer(func=Path.unlink)))


def test_a_pickle_is_not_even_opened(tmp_path):
    trap = tmp_path / "trap"
    with pytest.raises(RunError, match="cannot be read"):
        load_skops(pickle.dumps(Trap(str(trap))))
    assert not trap.exists()


def test_no_module_of_ours_unpickles():
    root = Path(__file__).resolve().parents[2] / "workbench"
    files = sorted(root.rglob("*.py"))
    assert len(files) > 30
    for word in (
        "import pickle",
        "joblib.load",
        "torch.load",
        "cloudpickle",
        "read_pickle",
        "allow_pickle=True",
    ):
        found = [path.name for path in files if word in path.read_text(encoding="utf-8")]
        assert not found or word == "torch.load", f"{word} in {found}"
        for name in found:  # tensors only
            text = next(root.rglob(name)).read_text(encoding="utf-8")
            assert text.count("weights_only=True") >= text.count("torch.load(")
