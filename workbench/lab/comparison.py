"""Two models from the same photos: point in time, and its leaky twin; both through all stages."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

from workbench.errors import RunError, WorldError
from workbench.lab.meter import METRICS, Judged, Score, score_twins
from workbench.lab.pipeline import Watcher, open_world_of, run_stage
from workbench.manifests import has_manifest, read_part, read_table
from workbench.profiles.datasets import current_id, read_dataset
from workbench.profiles.runs import CHAMPION, Runs

if TYPE_CHECKING:
    from workbench.profiles.workspace import Workspace
    from workbench.records import DatasetCard

LEAKY: Final = "leaky"


@dataclass(frozen=True, slots=True)
class Twins:
    """An honest model and its leaky twin, on the meter.

    Attributes
    ----------
    honest, leaky : DatasetCard
        Their datasets.
    scores : mapping of str to tuple of Score
        Metric to (honest, leaky).
    """

    honest: DatasetCard
    leaky: DatasetCard
    scores: dict[str, tuple[Score, Score]]


def compare(ws: Workspace, *, watcher: Watcher | None = None) -> Twins:
    """Make the leaky twin of the champion, serve it in the same production, and measure both.

    Parameters
    ----------
    ws : Workspace
        With all stages run.
    watcher : Watcher, optional
        Is told about the stages of the twin.

    Returns
    -------
    Twins
        Accuracy and AUC of both.

    Raises
    ------
    WorldError
        If the world does not know the truth: own photos have none.
    """
    run_stage(ws, "dataset", leaky=True, watcher=watcher)
    run_stage(ws, "train", dataset_id=current_id(ws, LEAKY), alias=LEAKY, watcher=watcher)
    run_stage(ws, "serve", run_id=Runs(ws).resolve(LEAKY), watcher=watcher)
    honest, leaky = measured(ws, CHAMPION), measured(ws, LEAKY)
    scores = {metric: score_twins(honest, leaky, metric) for metric in METRICS}
    return Twins(Runs(ws).record(CHAMPION).dataset, Runs(ws).record(LEAKY).dataset, scores)


def measured(ws: Workspace, run: str) -> tuple[Judged, Judged]:
    """Return a run's predictions on its own test set, and in production against the truth.

    Parameters
    ----------
    ws : Workspace
        Open.
    run : str
        A run id or an alias.

    Returns
    -------
    tuple of Judged
        Own test set (judged by the labels that the dataset has), production (by the truth).

    Raises
    ------
    RunError
        If the run has not been served.
    WorldError
        If the world does not know the truth.
    """
    return own_test(ws, run), production(ws, run)


def own_test(ws: Workspace, run: str) -> Judged:
    """Return a run's predictions on its own test set."""
    record = Runs(ws).record(run)
    _, rows = read_dataset(ws, record.dataset.dataset_id)
    group_of = dict(zip(rows["row_id"].to_pylist(), rows["group"].to_pylist(), strict=True))
    said = read_part(ws.runs / record.run_id / "predictions.parquet").to_pylist()
    test = [row for row in said if row["split"] == "test"]
    positive = record.dataset.labels[-1]
    return Judged(
        tuple(group_of[row["row_id"]] for row in test),
        np.array([row["label"] == positive for row in test]),
        np.array([row["probability"] for row in test]),
    )


def production(ws: Workspace, run: str) -> Judged:
    """Return what was served for a run, beside the truth of the world.

    Parameters
    ----------
    ws : Workspace
        Open.
    run : str
        A run id or an alias.

    Returns
    -------
    Judged
        One row a fruit; in the gym one a member and morning.

    Raises
    ------
    RunError
        If the run has not been served.
    WorldError
        If the world does not know the truth.
    """
    record = Runs(ws).record(run)
    folder = ws.served / record.run_id
    if not has_manifest(folder):
        raise RunError(f"the run {record.run_id[:8]} has not been served", hint="run `workbench serve` first")
    truth = open_world_of(ws).truth()
    if truth is None:
        raise WorldError(
            "nobody knows the truth about your own photos", hint="measure on the packhouse instead"
        )
    key = "row_id" if "row_id" in truth.column_names else "item_id"
    right = dict(zip(truth[key].to_pylist(), truth["label"].to_pylist(), strict=True))
    served = read_table(folder, [*{key, "item_id"}, "probability"]).to_pylist()
    positive = record.dataset.labels[-1]
    return Judged(
        tuple(row["item_id"] for row in served),
        np.array([right[row[key]] == positive for row in served]),
        np.array([row["probability"] for row in served]),
    )
