"""Stage 5, train: fit a model on a dataset, score it honestly, and register it.

Reads   ``datasets/<dataset_id>/`` (by default the newest point-in-time one).
Writes  ``runs/<run_id>/`` (run.json, model.skops, predictions.parquet, plots), MLflow, and last
        of all the alias.
Promises
    - nothing is fitted on rows whose content or order differs from the dataset's card;
    - equal data, settings, code and environment give equal bits: float64, one BLAS thread,
      rows in the order of their ids;
    - every metric has a 95 % interval from resampling groups, and its n beside it;
    - the same recipe is not trained twice: the second call finds the first one's run.
"""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import numpy as np

from workbench.errors import DatasetError
from workbench.guards.scores import Scores, score
from workbench.profiles.datasets import read_dataset
from workbench.profiles.fingerprint import code_version, environment
from workbench.profiles.models import SPLITS, arrays, fit, predict_rows
from workbench.profiles.run_records import Recipe, Result
from workbench.profiles.runs import CHAMPION, Runs
from workbench.records import StageReport, silent
from workbench.seams import HONEST

if TYPE_CHECKING:
    from collections.abc import Mapping

    import pyarrow as pa
    from matplotlib.figure import Figure

    from workbench.profiles.run_records import RunRecord
    from workbench.profiles.workspace import Workspace
    from workbench.records import DatasetCard, Progress
    from workbench.seams import Seams


def train(
    ws: Workspace,
    *,
    dataset_id: str | None = None,
    alias: str = CHAMPION,
    seams: Seams = HONEST,
    progress: Progress = silent,
) -> StageReport:
    """Train on a dataset and let an alias point to the model.

    Parameters
    ----------
    ws : Workspace
        With a dataset.
    dataset_id : str, optional
        Default: the newest point-in-time dataset.
    alias : str
        Name of the model in the registry that is moved to this run.
    seams : Seams
        Where a failure may put a hand in; nothing is changed by default.
    progress : callable
        Called as ``progress(steps done, steps in all)``.

    Returns
    -------
    StageReport
        Rows of each split; ``where`` is ``runs/<run_id>``; the first note is the claimed score.

    Raises
    ------
    StageOrderError
        If there is no dataset.
    DatasetError
        If the rows are not those of the card, or cannot be learned from.
    RunError
        If MLflow refuses.
    """
    runs = Runs(ws)
    with ws.writing():
        card, rows = read_dataset(ws, dataset_id)
        progress(1, 4)
        recipe = Recipe(
            card, ws.settings.to_dict(), code_version(), environment(), seams.changed or card.changed
        )
        runs.mend()
        record = runs.find(recipe)
        pointed = record is not None and runs.aliases().get(alias) == record.run_id
        if record is None:
            result = _result(ws, rows, card, seams)
            progress(2, 4)
            record = runs.log(recipe, result)
        progress(3, 4)
        if not pointed:
            runs.point(alias, record)
        progress(4, 4)
    return _report(record, skipped=pointed)


def _result(ws: Workspace, rows: pa.Table, card: DatasetCard, seams: Seams) -> Result:
    settings = ws.settings.train
    features, labels = arrays(_training(ws, rows, seams), settings, inputs=card.inputs)
    if len(set(labels)) < 2:
        raise DatasetError(
            f"all training rows are {labels[0]!r}" if labels else "there are no training rows",
            hint="a model needs two classes: add photos, or choose a later --cutoff",
        )
    if seams.fit is not None:
        model = seams.fit(rows, settings, card.inputs)
    else:
        model = fit(features, labels, settings, inputs=card.inputs)
    predictions = predict_rows(model, rows, card.labels, threads=settings.threads, inputs=card.inputs)
    constant = max(sorted(set(labels)), key=labels.count)
    scores = {}
    for split in SPLITS[1:]:
        if (found := _score_split(predictions, rows, card, split, constant, settings.seed)) is not None:
            scores[split] = found
    params = {
        **asdict(settings),
        **_of_the_solver(model[-1]),
        "n_features": features.shape[1],
        "n_train": len(labels),
        "labels": ", ".join(card.labels),
        "constant": constant,
        "dataset_id": card.dataset_id,
        "feature_view": card.feature_view,
        "extraction_model": card.extraction_model,
    }
    plots = {"test.png": _plot(predictions, card)} if "test" in scores else {}
    return Result(model, params, {k: v.to_dict() for k, v in scores.items()}, predictions, plots)


def _training(ws: Workspace, rows: pa.Table, seams: Seams) -> pa.Table:
    import pyarrow.compute as pc

    return seams.training(rows.filter(pc.equal(rows["split"], "train")), ws)


def _of_the_solver(classifier: Any) -> dict[str, Any]:
    asked = {name: getattr(classifier, name) for name in ("solver", "max_iter") if hasattr(classifier, name)}
    needed = getattr(classifier, "n_iter_", None)
    return asked if needed is None else {**asked, "n_iter": int(np.max(needed))}


def _score_split(
    predictions: pa.Table, rows: pa.Table, card: DatasetCard, split: str, constant: str, seed: int
) -> Scores | None:
    import pyarrow.compute as pc

    chosen = predictions.filter(pc.equal(predictions["split"], split))
    if not chosen.num_rows:
        return None
    group_of = dict(zip(rows["row_id"].to_pylist(), rows["group"].to_pylist(), strict=True))
    return score(
        chosen["label"].to_pylist(),
        np.stack(chosen["probabilities"].to_numpy()),
        [group_of[row_id] for row_id in chosen["row_id"].to_pylist()],
        labels=card.labels,
        constant=constant,
        seed=seed,
    )


def _plot(predictions: pa.Table, card: DatasetCard) -> Figure:
    """Draw the test split: what was said about each class, and whether the probabilities hold."""
    import pyarrow.compute as pc
    from matplotlib.figure import Figure

    test = predictions.filter(pc.equal(predictions["split"], "test"))
    said, truth = test["probability"].to_numpy(), np.array(test["label"].to_pylist())
    figure = Figure(figsize=(8, 3.4), layout="constrained")
    left, right = figure.subplots(1, 2)
    left.hist([said[truth == label] for label in card.labels], bins=20, range=(0, 1), label=list(card.labels))
    left.set(xlabel=f"probability of {card.labels[-1]}", ylabel="rows of the test split")
    left.legend(loc="upper center")  # "best" is searched for, and warns on a slow machine
    positive = truth == card.labels[-1]
    bins = np.array_split(np.argsort(said, kind="stable"), min(8, len(said)))
    right.plot([0, 1], [0, 1], color="0.7")
    right.plot([said[b].mean() for b in bins], [positive[b].mean() for b in bins], "o-")
    right.set(xlabel="mean probability", ylabel="share that was so", xlim=(0, 1), ylim=(0, 1))
    return figure


def _report(record: RunRecord, *, skipped: bool) -> StageReport:
    counts = {f"n_{split}": record.dataset.split_counts.get(split, 0) for split in SPLITS}
    return StageReport(
        "train", counts, record.recipe, skipped=skipped, where=f"runs/{record.run_id}", notes=_notes(record)
    )


def _notes(record: RunRecord) -> tuple[str, ...]:
    test: Mapping[str, Any] | None = record.metrics.get("test")
    if test is None:
        return ("there is no test split: nothing is claimed",)
    found = test["metrics"]
    headline = "roc_auc" if "roc_auc" in found else "accuracy"
    value, low, high = (found[headline][key] for key in ("value", "low", "high"))
    name = {"roc_auc": "ROC AUC", "accuracy": "accuracy"}[headline]
    claimed = f"claimed: test {name} {value:.3f} [{low:.3f}, {high:.3f}] on {test['n']} rows of {test['n_groups']} groups"
    constant = f"accuracy {found['accuracy']['value']:.3f}; always {record.params['constant']!r} gives {found['constant_accuracy']['value']:.3f}"
    leaky: tuple[str, ...] = ()
    if not record.dataset.point_in_time:
        leaky = ("the dataset is NOT point-in-time correct: the score is inflated",)
    elif record.changed:
        leaky = (f"changed on purpose: {record.changed}",)
    return (claimed, constant, *leaky)
