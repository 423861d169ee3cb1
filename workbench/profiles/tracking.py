"""MLflow, kept on a short lead: one database a workspace, no global state, no telemetry.

What bit us, and what this module does about it:

- the first use of a fresh database runs 60 migrations (6 to 13 s), and several processes doing
  so at once destroy it: the database is made once as a template, under a lock, and copied;
- `mlflow.set_tracking_uri` is one setting for the whole process, and all learners of a marimo
  server share one: every call here goes through a client that knows its own database;
- `log_model` without requirements imports the model again to guess them (7 to 23 s);
- sqlite connections that stay open keep a deleted workspace alive (and undeletable on Windows).
"""

from __future__ import annotations

import contextlib
import json
import logging
import os
import shutil
import sqlite3
import threading
import warnings
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Self

from workbench.clock import utc_now
from workbench.errors import RunError
from workbench.manifests import atomic
from workbench.profiles.fingerprint import digest
from workbench.profiles.workspace import workspaces_root

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from workbench.profiles.run_records import Recipe, Result

_ENVIRONMENT: Final = {
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "DO_NOT_TRACK": "true",  # MLflow wants the word: it does not honour 1
    "MLFLOW_SQLALCHEMYSTORE_POOLCLASS": "NullPool",  # closes each connection after use
}
_LOUD: Final = ("mlflow", "alembic")
_DIGEST: Final = 32  # MLflow keeps at most 36 characters; the whole hash is a tag
_ONE_AT_A_TIME: Final = threading.RLock()  # warning filters are one list for all threads of the process


def templates_root() -> Path:
    """Return the folder of template databases: WORKBENCH_TEMPLATES, or beside the workspaces."""
    chosen = os.environ.get("WORKBENCH_TEMPLATES")
    return Path(chosen).expanduser().resolve() if chosen else workspaces_root().parent / "templates"


def ensure_template() -> Path:
    """Return an MLflow database with all its tables and nothing in them; made when it is missing.

    The first call takes 3 to 13 s, later ones nothing. Safe to call from several processes.

    Returns
    -------
    Path
        Named after MLflow's version: another version has another schema.

    Raises
    ------
    DiskError
        If the folder cannot be written.
    """
    from filelock import FileLock

    path = templates_root() / f"mlflow-{version('mlflow')}.db"
    if path.is_file():
        return path
    path.parent.mkdir(parents=True, exist_ok=True)
    with FileLock(path.with_suffix(".lock"), timeout=300):
        if not path.is_file():
            with atomic(path) as temporary, Tracker.open(temporary):
                pass  # to open it is to make it
    return path


def ensure_database(path: Path) -> None:
    """Put a copy of the template at `path` where there is no database yet.

    Parameters
    ----------
    path : Path
        The workspace's ``mlflow.db``. The caller holds the workspace's lock.
    """
    if path.is_file():
        return
    template = ensure_template()
    with atomic(path) as temporary:
        shutil.copyfile(template, temporary)


@contextlib.contextmanager
def quiet() -> Iterator[None]:
    """Run MLflow without its chatter, and turn its errors into ours.

    Yields
    ------
    None
        While deprecation warnings and log lines below WARNING are set aside.

    Raises
    ------
    RunError
        Instead of an MLflow or database error.
    """
    with _ONE_AT_A_TIME, warnings.catch_warnings():
        # How MLflow uses SQLAlchemy, pydantic and Python is not ours to mend.
        for category in (DeprecationWarning, PendingDeprecationWarning, FutureWarning):
            warnings.simplefilter("ignore", category)
        warnings.filterwarnings("ignore", ".*Any type hint is inferred as AnyType", UserWarning)  # of its own
        import mlflow  # noqa: F401  sets its loggers to INFO while it is imported

        levels = {name: logging.getLogger(name).level for name in _LOUD}
        for name in _LOUD:
            logging.getLogger(name).setLevel(logging.WARNING)
        try:
            yield
        except Exception as error:
            if type(error).__module__.partition(".")[0] in {"mlflow", "sqlalchemy", "alembic"}:
                raise _run_error(error) from error
            raise
        finally:
            for name, level in levels.items():
                logging.getLogger(name).setLevel(level)


def _run_error(error: Exception) -> RunError:
    first = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
    hint = "run the stage again; if it stays, move mlflow.db away: the runs/ folder keeps every record"
    if "out-of-date database schema" in str(error):
        hint = "another MLflow version made it: install that one, or move mlflow.db away and train again"
    elif "database or disk is full" in str(error):
        hint = "free some space and run the stage again"
    return RunError(f"the run tracker failed: {first}", hint=hint)


def ask(path: Path, sql: str, *values: str) -> list[tuple[Any, ...]]:
    """Read from an MLflow database without MLflow: importing it takes seconds.

    Parameters
    ----------
    path : Path
        The sqlite file; opened read-only.
    sql : str
        A query on MLflow's tables. Their layout is pinned with MLflow's version.
    *values : str
        For its question marks.

    Returns
    -------
    list of tuple
        The rows; empty when there is no database.

    Raises
    ------
    RunError
        If the file is no MLflow database.
    """
    if not path.is_file():
        return []
    try:
        with contextlib.closing(sqlite3.connect(f"{path.as_uri()}?mode=ro", uri=True, timeout=10)) as con:
            return con.execute(sql, values).fetchall()
    except sqlite3.Error as error:
        raise _run_error(error) from error


class Tracker:
    """One MLflow database, opened for writing.

    Parameters
    ----------
    client : mlflow.MlflowClient
        Made by `open`.
    """

    def __init__(self, client: Any) -> None:
        self._client = client

    @classmethod
    @contextlib.contextmanager
    def open(cls, path: Path) -> Iterator[Self]:
        """Open a database; inside the block MLflow is quiet and its errors are ours.

        Parameters
        ----------
        path : Path
            The sqlite file.

        Yields
        ------
        Tracker
            Nothing global is set: it knows its own database.

        Raises
        ------
        RunError
            If MLflow or the database refuses.
        """
        for name, value in _ENVIRONMENT.items():
            os.environ.setdefault(name, value)
        ask(path, "SELECT version_num FROM alembic_version")  # MLflow tries a damaged file for 100 s
        with quiet():
            from mlflow import MlflowClient

            # SQLAlchemy decodes a URL; MLflow makes the parent folder of what is encoded
            encoded = path.as_posix().replace("%", "%25").replace("?", "%3F").replace("#", "%23")
            uri = f"sqlite:///{encoded}"
            yield cls(MlflowClient(tracking_uri=uri, registry_uri=uri))

    def begin(self, experiment: str, artifacts: Path, recipe: Recipe) -> str:
        """Begin a run, in an experiment that is made when it is missing.

        Parameters
        ----------
        experiment : str
            Its name.
        artifacts : Path
            Where a new experiment keeps its files.
        recipe : Recipe
            Becomes tags.

        Returns
        -------
        str
            The run id.
        """
        found = self._client.get_experiment_by_name(experiment)
        if found is None:
            number = self._client.create_experiment(experiment, artifact_location=artifacts.as_uri())
        else:
            number = found.experiment_id
        return str(self._client.create_run(number, tags=_tags(recipe)).info.run_id)

    def end(self, run_id: str, *, finished: bool) -> None:
        """Mark a run FINISHED or FAILED."""
        self._client.set_terminated(run_id, "FINISHED" if finished else "FAILED")

    def log(self, run_id: str, recipe: Recipe, result: Result, plots: Path) -> None:
        """Log parameters, metrics with their intervals, plots and the dataset.

        Parameters
        ----------
        run_id : str
            Of a run that has begun.
        recipe : Recipe
            Names the dataset.
        result : Result
            Parameters and metrics.
        plots : Path
            A folder of pictures.
        """
        from mlflow.entities import Dataset, DatasetInput, InputTag, Metric, Param

        now_ms = int(utc_now().timestamp() * 1000)
        self._client.log_batch(
            run_id,
            metrics=[Metric(name, value, now_ms, 0) for name, value in _flat(result.metrics)],
            params=[Param(name, str(value)) for name, value in result.params.items()],
        )
        card = recipe.card
        data = Dataset(
            name=card.dataset_id,
            digest=card.content_hash[:_DIGEST],
            source_type="local",
            source=json.dumps({"uri": f"datasets/{card.dataset_id}"}),
            profile=json.dumps(dict(card.split_counts)),
        )
        self._client.log_inputs(run_id, [DatasetInput(data, [InputTag("mlflow.data.context", "training")])])
        self._client.log_artifacts(run_id, str(plots), "plots")

    def attach(self, run_id: str, path: Path) -> None:
        """Copy a file to the artifacts of a run."""
        self._client.log_artifact(run_id, str(path))

    def pack(self, model: Any, folder: Path, packages: Mapping[str, str]) -> None:
        """Write a model in MLflow's layout, so that MLflow's own tools can serve it too.

        Parameters
        ----------
        model : Any
            A fitted scikit-learn estimator.
        folder : Path
            Made by this; the model itself becomes ``model.skops``.
        packages : mapping of str to str
            Versions to ask for: without them MLflow imports the model in a process of its own.
        """
        import mlflow.sklearn

        needed = [f"{name}=={packages[name]}" for name in ("numpy", "scikit-learn", "scipy", "skops")]
        mlflow.sklearn.save_model(model, str(folder), serialization_format="skops", pip_requirements=needed)

    def register(self, run_id: str, name: str, packed: Path) -> str:
        """Register a packed model as a new version.

        The source is a path, not ``models:/m-...``: MLflow looks the latter up in the process-wide
        database, whichever client asks.

        Parameters
        ----------
        run_id : str
            Of the run that made it.
        name : str
            Of the registered model, which is made when it is missing.
        packed : Path
            As `pack` wrote it.

        Returns
        -------
        str
            Number of the version.
        """
        from mlflow.entities import LoggedModelOutput

        client = self._client
        experiment = client.get_run(run_id).info.experiment_id
        logged = client.create_logged_model(experiment, name="classifier", source_run_id=run_id)
        client.log_model_artifacts(logged.model_id, str(packed))
        client.finalize_logged_model(logged.model_id, "READY")
        client.log_outputs(run_id, [LoggedModelOutput(logged.model_id, 0)])
        if not client.search_registered_models(f"name = '{name}'"):
            client.create_registered_model(name)
        made = client.create_model_version(
            name, logged.artifact_location, run_id=run_id, model_id=logged.model_id
        )
        return str(made.version)

    def point(self, name: str, alias: str, version: str) -> None:
        """Let an alias of a registered model point to a version."""
        self._client.set_registered_model_alias(name, alias, version)


def _tags(recipe: Recipe) -> dict[str, str]:
    code, card = recipe.code, recipe.card
    return {
        "dataset_id": card.dataset_id,
        "dataset_content_hash": card.content_hash,
        "dataset_cutoff": card.cutoff_timestamp,
        "dataset_point_in_time": str(card.point_in_time),
        "code_sha256": code["sha256"],
        "code_commit": code["commit"] or "not in git",
        "code_diff_sha256": code["diff_sha256"] or "none",
        "environment_sha256": digest(recipe.environment),
        "environment": json.dumps(recipe.environment, sort_keys=True),
        "recipe_sha256": recipe.digest,
    }


def _flat(metrics: Mapping[str, Mapping[str, Any]]) -> Iterator[tuple[str, float]]:
    for split, scores in metrics.items():
        yield f"{split}/n", scores["n"]
        yield f"{split}/n_groups", scores["n_groups"]
        for name, estimate in scores["metrics"].items():
            yield f"{split}/{name}", estimate["value"]
            yield f"{split}/{name}_low", estimate["low"]
            yield f"{split}/{name}_high", estimate["high"]
