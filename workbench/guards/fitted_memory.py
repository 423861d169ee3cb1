"""A step of the model was fitted on other rows than the train set: the test rows too, or one serving batch.

A fitted scaler remembers how many rows it saw. That number must be the size of the train set.

Catches  a scaler fitted before the split or again on a batch, likewise a PCA or a neighbour search.
Misses   steps that do not remember (encoders, selectors, imputers, trees), the right number of the wrong
         rows, and models inside an ensemble over folds, which rightly see fewer rows. A scaler that met
         missing cells leaves them out of its count: say `missing`, or one column with holes looks like a fault.
         Found to be nearly harmless for a scaler (AUC moved by less than 0.0001): a reason to look, no alarm.
Fires    at any step: the numbers are exact.
Rates    docs/GUARDS.md
Cost     none.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import numpy as np

from workbench.errors import GuardError
from workbench.guards.evidence import Evidence, Finding, worst

if TYPE_CHECKING:
    from collections.abc import Iterator

GUARD: Final = "fitted_memory"
THRESHOLD: Final = 0
MEMORIES: Final = ("n_samples_seen_", "n_samples_fit_", "n_samples_")
"""What scikit-learn's scalers and incremental models, neighbour searches, and PCA call it."""
_INNER: Final = ("best_estimator_", "estimator_", "regressor_")


def measure(model: Any, n_train: int, *, missing: bool = False) -> Evidence:
    """Measure how many rows each step of a fitted model has seen.

    Parameters
    ----------
    model : scikit-learn estimator
        Fitted. Pipelines, column transformers, unions and searches are walked through.
    n_train : int
        Rows of the train set.
    missing : bool
        Whether the train set has missing cells: scikit-learn's StandardScaler does not count them, so
        that too few rows are then no fault. Counts that differ from column to column say so by themselves.

    Returns
    -------
    Evidence
        ``value``: steps that saw another number of rows. Offenders: ``step``, ``kind``,
        ``rows_seen`` and ``rows_train`` of those steps. ``facts["rows_seen"]`` has all steps.

    Raises
    ------
    GuardError
        If there are no train rows, or no step remembers how many rows it saw.
    """
    if n_train < 1:
        raise GuardError(
            f"{GUARD}: {n_train} train rows prove nothing", hint="pass the size of the train set"
        )
    seen: dict[str, float] = {}
    wrong: list[dict[str, Any]] = []
    for path, step in _steps(model, ""):
        counts = next(
            (getattr(step, name) for name in MEMORIES if getattr(step, name, None) is not None), None
        )
        if counts is None:
            continue
        most = float(np.max(counts))
        seen[path] = most
        holes = missing or np.ndim(counts) > 0
        if most > n_train or (most < n_train and not holes):
            wrong.append(
                {"step": path, "kind": type(step).__name__, "rows_seen": most, "rows_train": n_train}
            )
    if not seen:
        raise GuardError(
            f"{GUARD}: no step of {type(model).__name__} remembers how many rows it saw",
            hint="pass a fitted model with a scaler, a PCA or a neighbour search in it",
        )
    wrong.sort(key=lambda one: -abs(one["rows_seen"] - n_train))
    steps = tuple(one["step"] for one in wrong)
    facts = {"rows_seen": seen, "rows_train": n_train}
    return Evidence(GUARD, len(seen), float(len(wrong)), "steps", steps, worst(wrong), facts)


def check(evidence: Evidence, *, threshold: float = THRESHOLD) -> Finding:
    """Judge the number of steps.

    Parameters
    ----------
    evidence : Evidence
        From `measure`.
    threshold : float
        Steps above which it fires.

    Returns
    -------
    Finding
        With the worst step.
    """
    seen, n_train = evidence.facts["rows_seen"], evidence.facts["rows_train"]
    if evidence.value > threshold:
        step = evidence.columns[0]
        sentence = f"the step {step!r} was fitted on {seen[step]:.0f} rows, the train set has {n_train}"
    else:
        sentence = f"{evidence.n} steps that remember their rows saw the {n_train} of the train set"
    return Finding(GUARD, fired=evidence.value > threshold, sentence=sentence, evidence=evidence)


def _steps(model: Any, path: str) -> Iterator[tuple[str, Any]]:
    """Yield each fitted step with its path, outermost first."""
    if model is None or isinstance(model, str):  # "passthrough", "drop"
        return
    yield path or type(model).__name__, model
    for name, inner in _inside(model):
        yield from _steps(inner, f"{path}/{name}" if path else name)


def _inside(model: Any) -> list[tuple[str, Any]]:
    """Return the steps of a model that were fitted on all its rows."""
    named = getattr(model, "transformers_", None) or getattr(model, "transformer_list", None)
    named = named or getattr(model, "steps", None) or []
    inner = [(name, getattr(model, name)) for name in _INNER if getattr(model, name, None) is not None]
    return [*((one[0], one[1]) for one in named), *inner]
