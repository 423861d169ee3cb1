"""What is told to MLflow about a run: parameters, metrics, the dataset, the model and its name."""

from __future__ import annotations

import contextlib
import json
from typing import TYPE_CHECKING, Any, Final, Self

from workbench.clock import utc_now
from workbench.profiles.fingerprint import digest
from workbench.profiles.models import HARMLESS
from workbench.profiles.tracking import connected

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from workbench.profiles.run_records import Recipe, Result

_DIGEST: Final = 32  # MLflow keeps at most 36 characters; the whole hash is a tag


class Tracker:
    """One MLflow database or server, opened for writing.

    Parameters
    ----------
    client : mlflow.MlflowClient
        Made by `open`.
    """

    def __init__(self, client: Any) -> None:
        self._client = client

    @classmethod
    @contextlib.contextmanager
    def open(cls, where: Path | str) -> Iterator[Self]:
        """Open a database or server; inside the block MLflow is quiet and its errors are ours.

        Parameters
        ----------
        where : Path or str
            The sqlite file, or the URL of the server.

        Yields
        ------
        Tracker
            Nothing global is set: it knows its own database.

        Raises
        ------
        RunError
            If MLflow or the database refuses.
        StackError
            If the server does not answer.
        """
        with connected(where) as client:
            yield cls(client)

    def begin(self, experiment: str, artifacts: Path | None, recipe: Recipe) -> str:
        """Begin a run, in an experiment that is made when it is missing.

        Parameters
        ----------
        experiment : str
            Its name.
        artifacts : Path or None
            Where a new experiment keeps its files; None leaves that to the server.
        recipe : Recipe
            Becomes tags.

        Returns
        -------
        str
            The run id.
        """
        found = self._client.get_experiment_by_name(experiment)
        if found is None:
            location = None if artifacts is None else artifacts.as_uri()
            number = self._client.create_experiment(experiment, artifact_location=location)
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
        mlflow.sklearn.save_model(
            model,
            str(folder),
            serialization_format="skops",
            skops_trusted_types=list(HARMLESS),
            pip_requirements=needed,
        )

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
        "changed_on_purpose": recipe.changed or "nothing",
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
