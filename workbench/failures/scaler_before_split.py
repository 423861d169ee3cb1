"""Scaler before split (a control): the best known leak of all, and it hardly moves a digit."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from workbench.failure import Failure, Strength
from workbench.profiles.models import arrays, fit
from workbench.seams import HONEST, Seams

if TYPE_CHECKING:
    import pyarrow as pa


def scaled_by_all(rows: pa.Table, settings: Any, inputs: tuple[str, ...]) -> Any:
    """Fit means and standard deviations on every row, the classifier on the training rows."""
    from sklearn.base import clone
    from sklearn.pipeline import make_pipeline

    everything = fit(*arrays(rows, settings, inputs=inputs), settings, inputs=inputs)
    features, labels = arrays(rows, settings, "train", inputs)
    steps = [step for _, step in everything.steps[:-1]]
    classifier = clone(everything[-1]).fit(everything[:-1].transform(features), labels)
    return make_pipeline(*steps, classifier)


def inject(strength: float) -> Seams:
    """Scale before the split."""
    return Seams(f"scaler_before_split {strength:g}", fit=scaled_by_all)


def cure(strength: float) -> Seams:
    """Scale inside the pipeline, on training rows."""
    del strength
    return HONEST


FAILURE = Failure(
    name="scaler_before_split",
    family="control",
    stage="train",
    world="gym",
    title="The scaler was fitted before the split, as every textbook warns.",
    symptom="A reviewer finds it, and asks for all numbers again. They are the same.",
    mechanism="A mean and a standard deviation of thousands of rows hardly change when a quarter more is added, and no "
    "label plays a part in them. Both twins scale the features by nearly the same numbers.",
    wrong_cures=(
        ("stop the release", "the order is wrong, the score is not: mend it with the next change"),
        (
            "look here first when a score is too good",
            "selection, encoding and oversampling before the split are the ones that move it",
        ),
    ),
    cure_text="Put the scaler into the pipeline: it costs nothing, and on a few dozen rows it may matter.",
    guard="",
    limits="fitted_memory is right about the fact, and says nothing about its effect.",
    references=(
        "scikit-learn documentation: Common pitfalls and recommended practices, "
        "https://scikit-learn.org/stable/common_pitfalls.html",
    ),
    strength=Strength("injected or not", (1.0,), 1.0, 1.0, 1.0),
    effect="none",
    inject=inject,
    cure=cure,
    guards_too=("fitted_memory",),
)
