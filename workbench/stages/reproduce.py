"""Stage 7, reproduce: make a run again from its id alone, and say what became of it.

Reads   ``runs/<run_id>/``, the dataset, the raw data, the history.
Writes  ``verdicts/<run_id>.json``.
Promises
    - the dataset is restored where it is gone, and made again from raw in a folder of its own;
    - causes are looked for first and without regard to the result: rows, raw objects, order,
      settings, code, versions, machine;
    - the model is fitted again, and coefficients and predictions are compared bit by bit;
    - the verdict is IDENTICAL, EQUIVALENT or DIFFERENT because of what, with rows, files and
      versions by name.

Captures that arrived after the cutoff are no cause: point in time means that an old dataset
can be made again from newer raw data.
"""

from __future__ import annotations

import contextlib
import shutil
from collections.abc import Callable
from dataclasses import fields, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from workbench.errors import SettingsError, WorkbenchError
from workbench.guards.differences import largest_difference
from workbench.guards.verdict import Findings, Outcome, Verdict, judge
from workbench.manifests import link_or_copy, read_part, read_table, write_json, write_text
from workbench.profiles.fingerprint import code_version, environment
from workbench.profiles.history import History
from workbench.profiles.models import arrays, fit, predict_rows
from workbench.profiles.objects import copy_raw
from workbench.profiles.recipes import SETTINGS, compare_code, compare_environment, compare_settings
from workbench.profiles.recorded import Past, compare_dataset, compare_raw, compare_rebuilt
from workbench.profiles.runs import Runs
from workbench.profiles.settings import Settings, TrainSettings, WorldSettings, dump
from workbench.profiles.stack import stack_of
from workbench.profiles.workspace import Workspace
from workbench.records import DatasetCard, silent

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    import pyarrow as pa

    from workbench.profiles.run_records import RunRecord
    from workbench.records import Progress

Rebuild = Callable[[Workspace, DatasetCard], Path]
"""Called as ``rebuild(scratch, card)`` on a workspace that holds raw data and nothing else: runs
clean, extract and dataset there as the card says, and returns the dataset's folder."""
_LEARNED: Final = ("statistics_", "mean_", "scale_", "coef_", "intercept_")
_NEEDED: Final = ("raw", "manifests", "datasets")


def reproduce(
    ws: Workspace,
    run_id: str,
    *,
    rebuild: Rebuild | None = None,
    overrides: Mapping[str, Any] | None = None,
    progress: Progress = silent,
) -> Verdict:
    """Make a run again and compare.

    Parameters
    ----------
    ws : Workspace
        The one that the run was made in, or a clone of it.
    run_id : str
        A run id, the first digits of one, or an alias.
    rebuild : callable, optional
        Makes the dataset again from raw: stages do not import each other. Without it only the
        stored dataset is compared, and the verdict says so.
    overrides : mapping, optional
        Settings to be changed first, to see the change noticed: ``{"seed": 7}``.
    progress : callable
        Called as ``progress(steps done, steps in all)``.

    Returns
    -------
    Verdict
        IDENTICAL, EQUIVALENT or DIFFERENT, with reasons.

    Raises
    ------
    RunError
        If there is no such run, or its files were changed.
    ReproduceError
        If there is nothing left to compare with.
    """
    if not all((ws.root / name).exists() for name in _NEEDED):
        History(ws).pull()
    runs, found = Runs(ws), Findings()
    record = runs.record(run_id)
    runs.check_files(record)
    now = _with_overrides(ws.settings, overrides or {})
    with ws.writing(), _scratch(ws, record.run_id) as scratch:  # nothing may change under our eyes
        past = Past(ws, record, scratch)
        grown = compare_raw(past, found)
        progress(1, 4)
        rows = compare_dataset(past, found)
        progress(2, 4)
        if rebuild is None:
            since = ", nor that what arrived since did not change it" if grown else ""
            found.notes.append(f"the dataset was not made again from raw: not shown that it can be{since}")
        else:
            _rebuild(past, rows, rebuild, found)
        progress(3, 4)
        compare_settings(record.settings, now.to_dict(), found)
        compare_code(record.code, code_version(), found)
        compare_environment(record.environment, environment(), found)
        result = _fit_again(runs, record, rows, now.train)
        verdict = judge(record.run_id, found.reasons, result, found.notes)
        if not overrides:
            write_json(ws.root / "verdicts" / f"{record.run_id}.json", verdict.to_dict())
        progress(4, 4)
    return verdict


def _with_overrides(settings: Settings, overrides: Mapping[str, Any]) -> Settings:
    """Return the settings with a few changed; text is read as the type of the field."""
    train = {field.name for field in fields(TrainSettings)}
    for key, value in overrides.items():
        name = key.removeprefix("train.")
        target: Any = settings.train if name in train else settings
        if name not in train and name not in SETTINGS:
            known = ", ".join(sorted({*train, *SETTINGS}))
            raise SettingsError(f"there is no setting {key!r} of a run", hint=f"use one of: {known}")
        try:
            changed = replace(target, **{name: type(getattr(target, name))(value)})
        except ValueError:
            raise SettingsError(f"{key}={value!r} is no {type(getattr(target, name)).__name__}") from None
        settings = replace(settings, train=changed) if name in train else changed
    return settings


@contextlib.contextmanager
def _scratch(ws: Workspace, run_id: str) -> Iterator[Path]:
    folder = ws.root / ".scratch" / f"reproduce-{run_id}"
    shutil.rmtree(folder, ignore_errors=True)  # of a run that was killed
    folder.mkdir(parents=True)
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _rebuild(past: Past, rows: pa.Table, rebuild: Rebuild, found: Findings) -> None:
    scratch = _workspace_of_raw(past)
    try:
        folder = rebuild(scratch, past.record.dataset)
        rebuilt = read_table(folder)
    except WorkbenchError as error:
        found.add("data rows", "the dataset cannot be made again from raw", (error.message,))
        return
    compare_rebuilt(past, rows, rebuilt, found)


def _workspace_of_raw(past: Past) -> Workspace:
    """Make a workspace that holds the raw data of another one, and the settings of the run; no server is asked."""
    root = past.scratch / "workspace"
    stored = {key: value for key, value in past.record.settings.items() if key != "profile"}
    world, train = WorldSettings(**stored.pop("world")), TrainSettings(**stored.pop("train"))
    settings = Settings(**stored, world=world, train=train)
    write_text(root / "workspace.toml", dump(settings))
    if stack_of(past.ws).objects is None:
        shutil.copytree(past.ws.root / "raw", root / "raw", copy_function=link_or_copy)
    else:
        copy_raw(past.ws, read_table(past.ws.manifests / "raw", ["uri"])["uri"].to_pylist(), root)
    for kind in ("raw", "reviews"):  # tables have no reviews
        if (past.ws.manifests / kind).is_dir():
            shutil.copytree(past.ws.manifests / kind, root / "manifests" / kind)
    return Workspace(root, settings)


def _fit_again(runs: Runs, record: RunRecord, rows: pa.Table, settings: TrainSettings) -> Outcome:
    """Fit on the rows as found, with the settings as they are now, and compare."""
    inputs, labels = record.dataset.inputs, record.dataset.labels
    model = fit(*arrays(rows, settings, "train", inputs), settings, inputs=inputs)
    after = predict_rows(model, rows, labels, threads=settings.threads, inputs=inputs)
    before = read_part(runs.ws.runs / record.run_id / "predictions.parquet")
    learned = largest_difference(_parameters(runs.load_model(record.run_id)), _parameters(model))
    return _compare_predictions(before, after, learned)


def _parameters(model: Any) -> np.ndarray:
    """Return the numbers that were learned, in one row; of trees only the predictions can be compared."""
    learned = [getattr(step, name) for step in model for name in _LEARNED if hasattr(step, name)]
    return np.concatenate([np.ravel(part) for part in learned]) if learned else np.zeros(1)


def _compare_predictions(before: pa.Table, after: pa.Table, coefficients: float) -> Outcome:
    """Compare row by row; rows that only one of them has are counted."""
    old, new = ({row["row_id"]: row for row in table.to_pylist()} for table in (before, after))
    shared = sorted(old.keys() & new.keys())
    one, two = (np.array([rows[k]["probability"] for k in shared], np.float64) for rows in (old, new))
    return Outcome(
        coefficients=coefficients,
        probabilities=largest_difference(one, two),
        labels_changed=sum(old[k]["predicted"] != new[k]["predicted"] for k in shared),
        rows_compared=len(shared),
        rows_unmatched=len(old.keys() ^ new.keys()),
    )
