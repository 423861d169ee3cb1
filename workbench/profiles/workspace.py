"""A workspace: one folder that holds everything that one learner makes.

::

    data/workspaces/<name>/
      workspace.toml        who, which world, which settings; everything else derives from it
      raw/sha256/ab/ab12... immutable raw objects, named by their content
      manifests/{raw,reviews,clean,extract}/
      features/<view>/feast_features.parquet
      datasets/<dataset_id>/{manifest.json,part-0000.parquet,card.json}
      runs/<run_id>/        the record of a run: run.json, model.skops, predictions.parquet
      verdicts/             what *reproduce* said of each run
      served/               predictions and the log of every feature fetch
      cache/embeddings/     by (image sha256, model fingerprint, preprocessing version)
      feast/                registry.db, online.db
      mlflow.db, mlruns/
      dvc.yaml, dvc.lock    the seven stages for DVC; with .git, the history of all this

It is a small git and DVC repository of its own (see `workbench.profiles.history`).
"""

from __future__ import annotations

import os
import re
import secrets
import shutil
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from workbench.errors import SettingsError, WorkspaceError
from workbench.manifests import disk_error, write_text
from workbench.profiles.lock import HOLDER, LOCK, writer_lock
from workbench.profiles.settings import EMBEDDED, PROFILES, Settings, TrainSettings, WorldSettings, dump, load

if TYPE_CHECKING:
    from contextlib import AbstractContextManager

__all__ = [
    "DEFAULT",
    "Settings",
    "TrainSettings",
    "Workspace",
    "WorldSettings",
    "configure",
    "create",
    "embedded",
    "exists",
    "in_profile",
    "open_workspace",
    "reset",
    "resolve",
    "workspaces_root",
]

_NAME: Final = re.compile(r"[a-z0-9][a-z0-9_-]{0,39}")
_TOML: Final = "workspace.toml"
DEFAULT: Final = "default"


@dataclass(frozen=True)
class Workspace:
    """A workspace that exists on disk.

    Attributes
    ----------
    root : Path
        Absolute.
    settings : Settings
        As read from workspace.toml.
    """

    root: Path
    settings: Settings

    @property
    def name(self) -> str:
        """Name of the folder."""
        return self.root.name

    @property
    def manifests(self) -> Path:
        """Folder of the manifests, one subfolder a kind."""
        return self.root / "manifests"

    @property
    def features(self) -> Path:
        """Folder of the feature files, one subfolder a view."""
        return self.root / "features"

    @property
    def datasets(self) -> Path:
        """Folder of the datasets, one subfolder a dataset id."""
        return self.root / "datasets"

    @property
    def runs(self) -> Path:
        """Folder of the run records, one subfolder a run id."""
        return self.root / "runs"

    @property
    def served(self) -> Path:
        """Folder of what was served."""
        return self.root / "served"

    @property
    def cache(self) -> Path:
        """Folder of what can be made again at any time."""
        return self.root / "cache"

    @property
    def feast(self) -> Path:
        """Folder of Feast's registry and online store."""
        return self.root / "feast"

    @property
    def mlflow_db(self) -> Path:
        """MLflow's database file."""
        return self.root / "mlflow.db"

    def relative(self, path: Path) -> str:
        """Return `path` relative to the workspace, with forward slashes."""
        return path.relative_to(self.root).as_posix()

    def writing(self, *, wait_s: float | None = None) -> AbstractContextManager[None]:
        """Hold the writer lock of this workspace (see `workbench.profiles.lock.writer_lock`).

        Parameters
        ----------
        wait_s : float, optional
            How long to wait for another writer, in seconds; default 10, or the environment
            variable WORKBENCH_WAIT_S.

        Returns
        -------
        context manager
            Holds the lock while entered; the same thread may enter again.

        Raises
        ------
        WorkspaceBusyError
            If another writer did not finish in time. Nothing was changed.
        WorkspaceError
            If the workspace has been deleted.
        DiskError
            If the disk is full or read-only, whichever library found it out.
        """
        if not (self.root / _TOML).is_file():
            raise WorkspaceError(
                f"the workspace {self.root} is gone", hint="make it again with `workbench run`"
            )
        return writer_lock(self.root, wait_s)


def workspaces_root() -> Path:
    """Return the folder of all workspaces: WORKBENCH_HOME, or data/workspaces under the current folder."""
    home = os.environ.get("WORKBENCH_HOME")
    return Path(home).expanduser().resolve() if home else Path.cwd() / "data" / "workspaces"


def resolve(name: str = DEFAULT) -> Path:
    """Return the folder of a workspace.

    Parameters
    ----------
    name : str
        A bare name below `workspaces_root`, or a path (anything with a separator, or ``.``).

    Returns
    -------
    Path
        Absolute; it need not exist.

    Raises
    ------
    SettingsError
        If a bare name has other signs than small letters, digits, ``-`` and ``_``.
    """
    if name == "." or "/" in name or os.sep in name:
        return Path(name).expanduser().resolve()
    if not _NAME.fullmatch(name):
        raise SettingsError(
            f"{name!r} is not a workspace name",
            hint="use small letters, digits, - and _, at most 40; or give a path such as ./mine",
        )
    return workspaces_root() / name


def exists(name: str = DEFAULT) -> bool:
    """Return whether the workspace is there."""
    return (resolve(name) / _TOML).is_file()


def create(name: str = DEFAULT, **changes: Any) -> Workspace:
    """Make a workspace, or open it when it is there and nothing is to change.

    Parameters
    ----------
    name : str
        As in `resolve`.
    **changes : Any
        Fields of `Settings` that differ from the defaults, for example
        ``world=WorldSettings(size="tiny")``.

    Returns
    -------
    Workspace
        Open.

    Raises
    ------
    WorkspaceError
        If the folder holds other files, or a workspace on another world.
    """
    root = resolve(name)
    if not (root / _TOML).is_file():
        _refuse_strangers(root)
        try:
            root.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise disk_error(error, root.parent) or error from error
        with writer_lock(root):  # two processes may be making it at the same time
            if not (root / _TOML).is_file():
                settings = replace(Settings(learner_id=f"wb{secrets.token_hex(4)}"), **changes)
                write_text(root / _TOML, dump(settings))
                return Workspace(root, settings)
    ws = open_workspace(name)
    if changes.get("world", ws.settings.world) != ws.settings.world:
        raise WorkspaceError(
            f"the workspace {ws.name} is on another world ({_describe(ws.settings.world)})",
            hint=f"use another name, or begin anew with `workbench --workspace {ws.name} reset`",
        )
    return configure(ws, **changes) if replace(ws.settings, **changes) != ws.settings else ws


def _refuse_strangers(root: Path) -> None:
    if root.exists() and not root.is_dir():
        raise WorkspaceError(f"{root} is a file", hint="give the name of a new folder")
    names = {path.name for path in root.iterdir()} if root.exists() else set()
    if _TOML not in names and any(not name.startswith((LOCK, f".{_TOML}.")) for name in names):
        raise WorkspaceError(f"{root} holds files but no {_TOML}", hint="give an empty or a new folder")


def _describe(world: WorldSettings) -> str:
    return (
        f"folder {world.path}" if world.name == "folder" else f"{world.name}, {world.size}, seed {world.seed}"
    )


def open_workspace(name: str = DEFAULT) -> Workspace:
    """Open a workspace that exists.

    Parameters
    ----------
    name : str
        As in `resolve`.

    Returns
    -------
    Workspace
        Open.

    Raises
    ------
    WorkspaceError
        If there is none.
    SettingsError
        If its workspace.toml cannot be read.
    """
    root = resolve(name)
    path = root / _TOML
    if not path.is_file():
        raise WorkspaceError(f"there is no workspace at {root}", hint="make one with `workbench run`")
    return Workspace(root, load(path))


def configure(ws: Workspace, **changes: Any) -> Workspace:
    """Change settings and write them; comments in workspace.toml stay.

    Parameters
    ----------
    ws : Workspace
        Open.
    **changes : Any
        Fields of `Settings`.

    Returns
    -------
    Workspace
        With the new settings.
    """
    settings = replace(ws.settings, **changes)
    with ws.writing():
        write_text(ws.root / _TOML, dump(settings, (ws.root / _TOML).read_text(encoding="utf-8")))
    return Workspace(ws.root, settings)


def in_profile(ws: Workspace, profile: str | None) -> Workspace:
    """Return the workspace in a profile, which it remembers; None and the present one change nothing.

    Parameters
    ----------
    ws : Workspace
        Open.
    profile : str, optional
        ``embedded``, ``local`` or ``compose``.

    Returns
    -------
    Workspace
        In that profile. What it holds is not moved: the next run of each stage does that.

    Raises
    ------
    SettingsError
        If there is no such profile.
    """
    if profile is None or profile == ws.settings.profile:
        return ws
    if profile not in PROFILES:
        raise SettingsError(f"there is no profile {profile!r}", hint=f"use one of: {', '.join(PROFILES)}")
    return configure(ws, profile=profile)


def embedded(ws: Workspace, root: Path) -> Workspace:
    """Return a workspace for stores of its own at another place, which never touch a server.

    Parameters
    ----------
    ws : Workspace
        Whose settings.
    root : Path
        Where; nothing is made.

    Returns
    -------
    Workspace
        In the embedded profile.
    """
    return Workspace(root, replace(ws.settings, profile=EMBEDDED))


def reset(name: str = DEFAULT) -> Path:
    """Delete a workspace with everything in it.

    Parameters
    ----------
    name : str
        As in `resolve`.

    Returns
    -------
    Path
        The folder that is gone.

    Raises
    ------
    WorkspaceError
        If it is not a workspace: nothing else is ever deleted.
    """
    ws = open_workspace(name)
    with ws.writing():
        for path in ws.root.iterdir():
            if path.name not in {LOCK, HOLDER, _TOML}:
                _delete(path)
    _delete(ws.root)
    return ws.root


def _delete(path: Path) -> None:
    if path.is_symlink() or path.is_file():
        path.unlink()
        return
    for entry in path.rglob("*"):  # DVC write-protects its files; Windows cannot delete those
        if not entry.is_symlink():
            entry.chmod(0o700)
    shutil.rmtree(path)
