"""The door to runs and models: what was trained, on what, by which code, and where it is.

A run lives twice. ``runs/<run_id>/`` is its record, whole and plain::

    run.json              card of the dataset, settings, parameters, metrics, code, environment
    model.skops           the model; holds no code
    predictions.parquet   row_id, split, label, predicted, probability, probabilities
    plots/*.png

and MLflow has it for browsing, comparing and for the names of models (``champion``). The record
alone is enough to reproduce the run; MLflow alone decides where an alias points.

The order of writing makes a kill harmless: MLflow run (RUNNING), its artifacts, model version,
the record (one rename), FINISHED, and last of all the alias.
"""

from __future__ import annotations

import contextlib
import json
import re
import shutil
from typing import TYPE_CHECKING, Any, Final

from workbench.clock import iso, utc_now
from workbench.errors import RunError, WorkbenchError
from workbench.hashing import sha256_bytes, sha256_file
from workbench.manifests import write_json, write_parquet
from workbench.profiles.models import load_skops
from workbench.profiles.registry import registry_of
from workbench.profiles.run_records import RunRecord
from workbench.profiles.tracker import Tracker

if TYPE_CHECKING:
    from pathlib import Path

    from workbench.profiles.run_records import Recipe, Result
    from workbench.profiles.workspace import Workspace

CHAMPION: Final = "champion"
MODEL_FILE: Final = "model.skops"
_RUN_ID: Final = re.compile(r"[0-9a-f]{32}")
_PREFIX: Final = re.compile(r"[0-9a-f]{6,31}")
_UNFINISHED: Final = "unfinished-runs"  # in the cache: nobody who lists runs/ sees half of one


class Runs:
    """The runs and models of one workspace.

    Parameters
    ----------
    ws : Workspace
        Open. Methods that write want the caller to hold ``ws.writing()``.
    """

    def __init__(self, ws: Workspace) -> None:
        self.ws = ws
        self.experiment = f"{ws.settings.learner_id}-runs"
        self.model_name = f"{ws.settings.learner_id}-classifier"
        self._registry = registry_of(ws)

    # -- reading ---------------------------------------------------------------------------------

    def ids(self) -> list[str]:
        """Return the ids of all finished runs, oldest first."""
        found = [self.record(name) for name in self._names()]
        return [record.run_id for record in sorted(found, key=lambda r: (r.created_at, r.run_id))]

    def _names(self) -> list[str]:
        names = (path.parent.name for path in self.ws.runs.glob("*/run.json"))
        return [name for name in names if _RUN_ID.fullmatch(name)]

    def aliases(self) -> dict[str, str]:
        """Return alias to run id, for every alias in the registry."""
        return self._registry.aliases(self.model_name)

    def resolve(self, ref: str = CHAMPION) -> str:
        """Return the run id behind a reference.

        Parameters
        ----------
        ref : str
            A run id, the first 6 or more digits of one, or an alias.

        Returns
        -------
        str
            32 hex digits; its record is there.

        Raises
        ------
        RunError
            If there is no such run, or more than one begins like this.
        """
        known = self._names()
        named = self.aliases()
        if ref in named:
            meant = [name for name in known if name == named[ref]]
        elif _RUN_ID.fullmatch(ref) or _PREFIX.fullmatch(ref):
            meant = [name for name in known if name.startswith(ref)]
        else:
            meant = []
        if len(meant) == 1:
            return meant[0]
        if meant:
            raise RunError(f"{len(meant)} runs begin with {ref}", hint="give more of its digits")
        names = ", ".join(f"{alias} = {run[:8]}" for alias, run in named.items())
        raise RunError(
            f"there is no run {ref!r} in the workspace {self.ws.name}",
            hint=f"give a run id; names are {names}" if names else "make one with `workbench train`",
        )

    def record(self, ref: str = CHAMPION) -> RunRecord:
        """Read run.json.

        Parameters
        ----------
        ref : str
            As in `resolve`.

        Returns
        -------
        RunRecord
            The record.

        Raises
        ------
        RunError
            If there is no such run, or its record is damaged.
        """
        path = self.ws.runs / (ref if _RUN_ID.fullmatch(ref) else self.resolve(ref)) / "run.json"
        if not path.is_file():
            self.resolve(ref)
        try:
            return RunRecord.from_dict(json.loads(path.read_text(encoding="utf-8")))
        except (ValueError, TypeError, KeyError) as error:
            raise RunError(
                f"{path} is not the record of a run ({error})", hint="restore it with DVC, or train again"
            ) from None

    def check_files(self, record: RunRecord) -> None:
        """Compare the files of a run with the sha256 that were taken when it was made.

        Parameters
        ----------
        record : RunRecord
            Of the run.

        Raises
        ------
        RunError
            If a file is missing or has other bytes.
        """
        for name, sha in record.files.items():
            path = self.ws.runs / record.run_id / name
            if not path.is_file() or sha256_file(path) != sha:
                state = "has other bytes than when it was trained" if path.is_file() else "is missing"
                raise RunError(f"{path} {state}", hint="restore it with DVC, or train again")

    def load_model(self, ref: str = CHAMPION) -> Any:
        """Load a model without running anything that its file may hold.

        Parameters
        ----------
        ref : str
            As in `resolve`.

        Returns
        -------
        sklearn.pipeline.Pipeline
            As it was fitted, bit for bit.

        Raises
        ------
        UnsafeModelError
            If the file holds types that skops does not know to be harmless.
        RunError
            If the file is missing, damaged, or not the one that was recorded.
        """
        record = self.record(ref)
        path = self.ws.runs / record.run_id / MODEL_FILE
        data = path.read_bytes() if path.is_file() else b""
        if sha256_bytes(data) != record.files[MODEL_FILE]:  # of the very bytes that are loaded below
            raise RunError(
                f"{path} is not the file that was recorded at training",
                hint="somebody changed it: restore it with DVC, or train again",
            )
        return load_skops(data)

    def find(self, recipe: Recipe) -> RunRecord | None:
        """Return the newest whole run of this very recipe that is in the registry, or None."""
        for run_id in reversed(self.ids()):
            record = self.record(run_id)
            if record.recipe == recipe.digest and self._is_registered(record) and self._is_whole(record):
                return record
        return None

    def _is_registered(self, record: RunRecord) -> bool:
        return self._registry.version_of(self.model_name, record.run_id) == record.model_version

    def _is_whole(self, record: RunRecord) -> bool:
        try:
            self.check_files(record)
        except RunError:
            return False
        return True

    # -- writing ---------------------------------------------------------------------------------

    def mend(self) -> int:
        """Close what a killed process left open; return how many runs that were.

        A run whose record is whole is FINISHED, any other is FAILED. Half-written folders go.
        """
        shutil.rmtree(self.ws.cache / _UNFINISHED, ignore_errors=True)
        left_open = self._registry.running(self.experiment)
        if left_open:
            with Tracker.open(self._registry.where) as tracker:
                for run_id in left_open:
                    tracker.end(run_id, finished=(self.ws.runs / run_id / "run.json").is_file())
        return len(left_open)

    def log(self, recipe: Recipe, result: Result) -> RunRecord:
        """Write one run, to MLflow and as a record; no alias points to it yet.

        Parameters
        ----------
        recipe : Recipe
            What decided the fit.
        result : Result
            What it gave.

        Returns
        -------
        RunRecord
            As written to run.json.

        Raises
        ------
        RunError
            If MLflow refuses. The run is then marked FAILED.
        StackError
            If its server does not answer.
        """
        self._registry.ensure()
        with Tracker.open(self._registry.where) as tracker:
            run_id = tracker.begin(self.experiment, self._registry.artifacts, recipe)
            folder = self.ws.cache / _UNFINISHED / run_id
            try:
                record = self._write(tracker, folder, run_id, recipe, result)
                self.ws.runs.mkdir(exist_ok=True)
                folder.rename(self.ws.runs / run_id)
            except BaseException:
                shutil.rmtree(folder, ignore_errors=True)
                with contextlib.suppress(WorkbenchError):  # the first error is the one to tell
                    tracker.end(run_id, finished=False)
                raise
            tracker.end(run_id, finished=True)
        return record

    def _write(
        self, tracker: Tracker, folder: Path, run_id: str, recipe: Recipe, result: Result
    ) -> RunRecord:
        (folder / "plots").mkdir(parents=True)
        packed = folder / "mlflow"
        tracker.pack(result.model, packed, recipe.environment["packages"])
        shutil.copyfile(packed / MODEL_FILE, folder / MODEL_FILE)
        write_parquet(folder / "predictions.parquet", result.predictions)
        for name, figure in result.plots.items():
            figure.savefig(folder / "plots" / name, dpi=100)
        tracker.log(run_id, recipe, result, folder / "plots")
        model_version = tracker.register(run_id, self.model_name, packed)
        shutil.rmtree(packed)
        record = RunRecord(
            run_id=run_id,
            created_at=iso(utc_now()),
            recipe=recipe.digest,
            model_name=self.model_name,
            model_version=model_version,
            dataset=recipe.card,
            settings=dict(recipe.settings),
            params=dict(result.params),
            metrics=dict(result.metrics),
            code=dict(recipe.code),
            environment=dict(recipe.environment),
            files=_hashes(folder),
            changed=recipe.changed,
        )
        write_json(folder / "run.json", record.to_dict())
        tracker.attach(run_id, folder / "run.json")
        return record

    def point(self, alias: str, record: RunRecord) -> None:
        """Let an alias point to a run's model: the last step, and one transaction.

        Parameters
        ----------
        alias : str
            For example ``champion``.
        record : RunRecord
            Of a run in the registry.

        Raises
        ------
        RunError
            If MLflow refuses the alias.
        """
        with Tracker.open(self._registry.where) as tracker:
            tracker.point(self.model_name, alias, record.model_version)


def _hashes(folder: Path) -> dict[str, str]:
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    return {path.relative_to(folder).as_posix(): sha256_file(path) for path in files}
