"""The seven stages in a row, on one workspace."""

from __future__ import annotations

import contextlib
import importlib
import json
from dataclasses import replace
from importlib import metadata
from typing import TYPE_CHECKING, Any, Final

from workbench.errors import MissingExtraError, SettingsError
from workbench.hashing import sha256_file, sha256_texts
from workbench.lab.again import reproduce_champion
from workbench.manifests import write_json
from workbench.profiles import workspace as workspaces
from workbench.profiles.settings import PROFILES, Settings, WorldSettings
from workbench.records import silent
from workbench.stages import ORDER

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from workbench.profiles.workspace import Workspace
    from workbench.records import Progress, StageReport, World

SIMULATED: Final = ("packhouse", "gym")
SIZES: Final = ("tiny", "lesson", "large")
_MARK: Final = "pipeline.json"


class Watcher:
    """Is told what the pipeline does. This one keeps silent; the terminal's draws."""

    def begin(self, stage: str) -> Progress:
        """Hear that a stage begins.

        Parameters
        ----------
        stage : str
            One of `workbench.stages.ORDER`.

        Returns
        -------
        Progress
            Called by the stage while it works.
        """
        del stage
        return silent

    def end(self, report: StageReport | None) -> None:
        """Hear that the stage has ended.

        Parameters
        ----------
        report : StageReport or None
            What it did; None when it failed.
        """


def open_or_create(
    name: str = workspaces.DEFAULT,
    *,
    world: str | None = None,
    size: str | None = None,
    seed: int | None = None,
    photos: str | None = None,
    **changes: Any,
) -> Workspace:
    """Open a workspace, or make it; what is not given stays as it is.

    Parameters
    ----------
    name : str
        Name or path of the workspace.
    world : str, optional
        A simulated world: ``packhouse`` or ``gym``.
    size : str, optional
        Of the simulated world: ``tiny``, ``lesson`` or ``large``.
    seed : int, optional
        Of the simulated world.
    photos : str, optional
        A folder of own photos instead of the packhouse.
    **changes : Any
        Other fields of `Settings`; None means not given.

    Returns
    -------
    Workspace
        Open.

    Raises
    ------
    SettingsError
        If world, size or profile is unknown, or photos are given together with one of them.
    WorkspaceError
        If the workspace is on another world.
    """
    given = {key: value for key, value in changes.items() if value is not None}
    before = workspaces.open_workspace(name).settings.world if workspaces.exists(name) else None
    chosen = _world_settings(before or WorldSettings(), world, size=size, seed=seed, photos=photos)
    if given.get("profile") not in {None, *PROFILES}:
        raise SettingsError(
            f"there is no profile {given['profile']!r}", hint=f"use one of: {', '.join(PROFILES)}"
        )
    if photos and before is None:
        given.setdefault("encoder", _encoder_for_photos())
    return workspaces.create(name, world=chosen, **given)


def _world_settings(
    world: WorldSettings, name: str | None, *, size: str | None, seed: int | None, photos: str | None
) -> WorldSettings:
    if photos:
        if size is not None or seed is not None or name is not None:
            raise SettingsError(
                "photos have no world, no size and no seed", hint="leave out --world, --size and --seed"
            )
        from pathlib import Path

        return WorldSettings(name="folder", size="", seed=0, path=str(Path(photos).expanduser().resolve()))
    if size is not None and size not in SIZES:
        raise SettingsError(f"there is no size {size!r}", hint=f"use one of: {', '.join(SIZES)}")
    if name is not None and name not in SIMULATED:
        raise SettingsError(
            f"there is no simulated world {name!r}", hint=f"use one of: {', '.join(SIMULATED)}"
        )
    if name is not None and name != world.name:
        world = WorldSettings(name)
    if (size is not None or seed is not None) and world.name == "folder":
        world = WorldSettings()
    return replace(
        world, size=world.size if size is None else size, seed=world.seed if seed is None else seed
    )


def _encoder_for_photos() -> str:
    """Return the encoder for real photos where it is installed, else ours."""
    from importlib.util import find_spec

    return "efficientnet-lite0" if find_spec("efficientnet_lite_pytorch") else Settings("").encoder


def open_world_of(ws: Workspace) -> World:
    """Return the world that a workspace's captures come from.

    Parameters
    ----------
    ws : Workspace
        Open.

    Returns
    -------
    World
        As its settings say.
    """
    from workbench.worlds import open_world

    world = ws.settings.world
    return open_world(world.name, size=world.size, seed=world.seed, path=world.path, dials=world.dials)


def run_stage(
    ws: Workspace, stage: str, *, world: World | None = None, watcher: Watcher | None = None, **how: Any
) -> StageReport:
    """Run one stage.

    Parameters
    ----------
    ws : Workspace
        Open.
    stage : str
        One of `workbench.stages.ORDER`.
    world : World, optional
        For *ingest*; default the one in the settings.
    watcher : Watcher, optional
        Is told about it.
    **how : Any
        Options of the stage.

    Returns
    -------
    StageReport
        What it did.
    """
    if stage == "reproduce":
        function: Callable[..., StageReport] = reproduce_champion
    else:
        function = getattr(importlib.import_module(f"workbench.stages.{stage}"), stage)
    inputs = [world or open_world_of(ws)] if stage == "ingest" else []
    watcher = watcher or Watcher()
    report: StageReport | None = None
    progress = watcher.begin(stage)
    try:
        report = function(ws, *inputs, progress=progress, **how)
    finally:
        watcher.end(report)
    return report


def record(ws: Workspace, message: str, stages: Sequence[str] = ORDER) -> None:
    """Write what the stages left behind into the workspace's history, where DVC is installed.

    Parameters
    ----------
    ws : Workspace
        Open.
    message : str
        One line.
    stages : sequence of str
        Those that are up to date now.
    """
    from workbench.profiles.history import History

    with contextlib.suppress(MissingExtraError):
        History(ws).commit(message, stages=stages)


def run_pipeline(
    ws: Workspace,
    *,
    world: World | None = None,
    until: str | None = None,
    watcher: Watcher | None = None,
) -> list[StageReport]:
    """Run the stages in order; what is there already is not made again.

    Parameters
    ----------
    ws : Workspace
        Open.
    world : World, optional
        Instead of the one in the settings.
    until : str, optional
        The last stage to run; default all seven.
    watcher : Watcher, optional
        Is told about each stage.

    Returns
    -------
    list of StageReport
        One a stage.

    Raises
    ------
    SettingsError
        If there is no stage of the name `until`.
    """
    if until is not None and until not in ORDER:
        raise SettingsError(f"there is no stage {until!r}", hint=f"use one of: {', '.join(ORDER)}")
    stages = ORDER[: ORDER.index(until) + 1] if until else ORDER
    reports: list[StageReport] = []
    for stage in stages:
        if stage == "reproduce" and not all(report.skipped for report in reports):
            record(ws, "workbench run", stages=stages[:-1])  # the run to be made again has a version now
        reports.append(run_stage(ws, stage, world=world, watcher=watcher))
    if not all(report.skipped for report in reports):
        record(ws, "workbench run", stages=stages)
    if stages == ORDER:
        write_json(ws.cache / _MARK, {"state": _state(ws)})
    return reports


def is_finished(ws: Workspace) -> bool:
    """Return whether all seven stages have run, and nothing that they left has changed since.

    Parameters
    ----------
    ws : Workspace
        Open. Only headers and records are read, which takes milliseconds.

    Returns
    -------
    bool
        False also where a setting, the world, or the version of the workbench has changed.
    """
    path = ws.cache / _MARK
    if not path.is_file():
        return False
    return bool(json.loads(path.read_text(encoding="utf-8"))["state"] == _state(ws))


def _state(ws: Workspace) -> str:
    """Hash the settings, every header and every record."""
    patterns = ("workspace.toml", "manifests/*/manifest.json", "features/*/view.json", "datasets/*/manifest.json",
                "runs/*/run.json", "served/*/manifest.json", "mlflow.db", "feast/*.db", "cache/places.json")  # fmt: skip
    paths = sorted(path for pattern in patterns for path in ws.root.glob(pattern))
    small = [sha256_file(path) if path.suffix != ".db" else "is there" for path in paths]
    names = [ws.relative(path) for path in paths]
    return sha256_texts(
        [metadata.version("silent-failures-workbench"), open_world_of(ws).fingerprint, *names, *small]
    )
