"""A bench for failures: worlds that are prepared once, and pipelines that are run on them again and again.

Everything up to *extract* is the same for a failure and for its cure, so it is made once for each
world, size, seed and setting of the dials, and kept under ``lab/`` beside the workspaces.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

from workbench.hashing import sha256_texts
from workbench.lab.comparison import measured
from workbench.lab.pipeline import run_stage
from workbench.profiles import workspace as workspaces
from workbench.profiles.runs import Runs
from workbench.profiles.settings import WorldSettings
from workbench.seams import HONEST

if TYPE_CHECKING:
    from collections.abc import Mapping

    from workbench.lab.meter import Judged
    from workbench.lab.pipeline import Watcher
    from workbench.profiles.run_records import RunRecord
    from workbench.profiles.settings import TrainSettings
    from workbench.profiles.workspace import Workspace
    from workbench.seams import Seams

PREPARED: Final = ("ingest", "clean", "extract")


@dataclass(frozen=True, slots=True)
class Outcome:
    """One pipeline, trained and served.

    Attributes
    ----------
    ws : Workspace
        Where; its settings are those of the training.
    seams : Seams
        What was changed.
    record : RunRecord
        Of the run.
    test, production : Judged
        Its own test set; what it was served with, against the truth.
    """

    ws: Workspace
    seams: Seams
    record: RunRecord
    test: Judged
    production: Judged


def prepare(
    world: str = "packhouse",
    *,
    size: str = "lesson",
    seed: int = 0,
    dials: Mapping[str, float] | None = None,
    watcher: Watcher | None = None,
) -> Workspace:
    """Return a workspace with everything up to *extract*, made now or before.

    Parameters
    ----------
    world : str
        Name of the world.
    size : str
        ``tiny``, ``lesson`` or ``large``.
    seed : int
        Of the world.
    dials : mapping, optional
        Changes to the world.
    watcher : Watcher, optional
        Is told about the stages.

    Returns
    -------
    Workspace
        Open; a second call takes milliseconds.
    """
    dials = _changes(world, size, dials or {})
    mark = f"-{sha256_texts([json.dumps(dials, sort_keys=True)])[:8]}" if dials else ""
    root = workspaces.workspaces_root() / "lab" / f"{world}-{size}-{seed}{mark}"
    ws = workspaces.create(str(root), world=WorldSettings(world, size, seed, "", dials))
    for stage in PREPARED:
        run_stage(ws, stage, watcher=watcher)
    return ws


def _changes(world: str, size: str, dials: Mapping[str, float]) -> dict[str, float]:
    """Return the dials that are not where they stand anyway, so that such a world is not made twice."""
    from workbench.worlds import gym_dials, season

    plain = (gym_dials if world == "gym" else season).dials_for(size)
    return {name: value for name, value in dials.items() if getattr(plain, name, None) != value}


def run_with(
    ws: Workspace,
    seams: Seams = HONEST,
    *,
    training: TrainSettings | None = None,
    watcher: Watcher | None = None,
) -> Outcome:
    """Run dataset, train and serve with somebody's hands in them.

    Parameters
    ----------
    ws : Workspace
        From `prepare`.
    seams : Seams
        What is changed.
    training : TrainSettings, optional
        Family of the model, C, seed.
    watcher : Watcher, optional
        Is told about the stages.

    Returns
    -------
    Outcome
        With the run's own test set, and production.
    """
    if training is not None:  # of this run alone: workspace.toml stays as it is
        ws = replace(ws, settings=replace(ws.settings, train=training))
    made = run_stage(ws, "dataset", seams=seams, watcher=watcher)
    alias = seams.changed or "champion"
    alias = "-".join(alias.replace(".", "_").split())
    dataset_id = made.where.rpartition("/")[2]
    trained = run_stage(ws, "train", dataset_id=dataset_id, alias=alias, seams=seams, watcher=watcher)
    run_id = trained.where.rpartition("/")[2]
    run_stage(ws, "serve", run_id=run_id, seams=seams, watcher=watcher)
    test, production = measured(ws, run_id)
    return Outcome(ws, seams, Runs(ws).record(run_id), test, production)
