"""A workspace: one folder that holds everything that one learner makes.

::

    data/workspaces/<name>/
      workspace.toml        who, which world, which settings; everything else derives from it
      raw/sha256/ab/ab12... immutable raw objects, named by their content
      manifests/{raw,reviews,clean,extract}/
      features/<view>/feast_features.parquet
      datasets/<dataset_id>/{manifest.json,part-0000.parquet,card.json}
      runs/<run_id>/        the record of a run: run.json, model.skops, predictions.parquet
      served/               predictions and the log of every feature fetch
      cache/embeddings/     by (image sha256, model fingerprint, preprocessing version)
      feast/                registry.db, online.db
      mlflow.db, mlruns/

It is a small git and DVC repository of its own (see `workbench.profiles.history`).
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import secrets
import shutil
from dataclasses import asdict, dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from workbench.clock import iso, utc_now
from workbench.errors import SettingsError, WorkspaceBusyError, WorkspaceError
from workbench.manifests import disk_error, sweep, write_text

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

_NAME: Final = re.compile(r"[a-z0-9][a-z0-9_-]{0,39}")
_TOML: Final = "workspace.toml"
DEFAULT: Final = "default"


@dataclass(frozen=True, slots=True)
class WorldSettings:
    """Which world the captures come from.

    Attributes
    ----------
    name : str
        ``packhouse`` or ``folder``.
    size : str
        ``tiny``, ``lesson`` or ``large`` (packhouse only).
    seed : int
        Of the simulated world.
    path : str
        Absolute path of the photos (folder only).
    """

    name: str = "packhouse"
    size: str = "lesson"
    seed: int = 0
    path: str = ""


@dataclass(frozen=True, slots=True)
class TrainSettings:
    """What the fit depends on, besides its data.

    Attributes
    ----------
    seed : int
        Of the solver and of the bootstrap behind the intervals.
    C : float
        Inverse strength of regularisation of the logistic regression.
    threads : int
        BLAS threads; one gives the same bits on every core count.
    row_order : str
        ``canonical`` (sorted by row id) or ``shuffled`` (by the seed: to see what it does).
    """

    seed: int = 0
    C: float = 1.0
    threads: int = 1
    row_order: str = "canonical"


@dataclass(frozen=True, slots=True)
class Settings:
    """Everything in workspace.toml.

    Attributes
    ----------
    learner_id : str
        ``wb`` and eight hex digits: Feast project, experiment and model names derive from it.
        Fixed length, since Redis keys end in it and one project must not be a suffix of another.
    world : WorldSettings
        Which world.
    encoder : str
        `EncoderCard.spec`.
    offline_store : str
        ``asof`` (our plug-in) or ``duckdb`` (Feast's own).
    engine : str
        Of `workbench.shards.map_shards`.
    workers : int
        How many shards at once.
    dataset_version : str
        Semantic version of the next dataset.
    embargo_s : float
        Seconds between the splits in which no row is used.
    train : TrainSettings
        Of the model.
    """

    learner_id: str
    world: WorldSettings = field(default_factory=WorldSettings)
    encoder: str = "tiny_v1"
    offline_store: str = "asof"
    engine: str = "threads"
    workers: int = 2
    dataset_version: str = "1.0.0"
    embargo_s: float = 3600.0
    train: TrainSettings = field(default_factory=TrainSettings)


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

    @cached_property
    def _lock_path(self) -> Path:
        return self.root / ".lock"

    @contextlib.contextmanager
    def writing(self, *, wait_s: float | None = None) -> Iterator[None]:
        """Hold the writer lock: one process, one thread at a time.

        The same thread may enter again. Feast's file registry loses updates and MLflow's first
        start dies under two writers, so every stage writes inside this.

        Parameters
        ----------
        wait_s : float, optional
            How long to wait for another writer, in seconds; default 10, or the environment
            variable WORKBENCH_WAIT_S.

        Yields
        ------
        None
            While the lock is held.

        Raises
        ------
        WorkspaceBusyError
            If another writer did not finish in time. Nothing was changed.
        WorkspaceError
            If the workspace has been deleted.
        """
        from filelock import FileLock, Timeout

        if not (self.root / _TOML).is_file():
            raise WorkspaceError(f"the workspace {self.root} is gone", hint="make it again with `workbench run`")
        if wait_s is None:
            wait_s = float(os.environ.get("WORKBENCH_WAIT_S", "10"))
        lock = FileLock(self._lock_path, timeout=wait_s, is_singleton=True)
        holder = self.root / ".lock-holder.json"
        try:
            lock.acquire()
        except Timeout:
            raise WorkspaceBusyError(
                f"the workspace {self.name} is being written by {_holder(holder)}",
                hint="wait for it to finish, stop it, or work in a copy: workbench --workspace NAME ...",
            ) from None
        except OSError as error:
            if ours := disk_error(error, self.root):
                raise ours from error
            raise
        try:
            if lock.lock_counter == 1:
                holder.write_text(json.dumps({"pid": os.getpid(), "since": iso(utc_now())}), encoding="utf-8")
                sweep(self.root)
            yield
        except Exception as error:  # sqlite, DuckDB and Arrow each have their own words for a full disk
            if ours := disk_error(error, self.root):
                raise ours from error
            raise
        finally:
            if lock.lock_counter == 1:
                with contextlib.suppress(OSError):
                    holder.unlink(missing_ok=True)
            lock.release()


def _holder(path: Path) -> str:
    try:
        raw = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return "another process"
    return f"process {raw.get('pid')} since {raw.get('since')}"


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
    if (root / _TOML).is_file():
        ws = open_workspace(name)
        world = changes.get("world", ws.settings.world)
        if world != ws.settings.world:
            raise WorkspaceError(
                f"the workspace {ws.name} is on another world ({_describe(ws.settings.world)})",
                hint=f"use another name, or begin anew with `workbench --workspace {ws.name} reset`",
            )
        return configure(ws, **changes) if replace(ws.settings, **changes) != ws.settings else ws
    if root.exists() and any(root.iterdir()):
        raise WorkspaceError(f"{root} holds files but no {_TOML}", hint="give an empty or a new folder")
    root.mkdir(parents=True, exist_ok=True)
    settings = replace(Settings(learner_id=f"wb{secrets.token_hex(4)}"), **changes)
    write_text(root / _TOML, _dump(settings))
    return Workspace(root, settings)


def _describe(world: WorldSettings) -> str:
    return f"folder {world.path}" if world.name == "folder" else f"{world.name}, {world.size}, seed {world.seed}"


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
    return Workspace(root, _load(path))


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
        write_text(ws.root / _TOML, _dump(settings, (ws.root / _TOML).read_text(encoding="utf-8")))
    return Workspace(ws.root, settings)


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
            if path.name not in {".lock", _TOML}:
                _delete(path)
    _delete(ws.root)
    return ws.root


def _delete(path: Path) -> None:
    def make_writable(function: Any, name: str, error: BaseException) -> None:
        os.chmod(name, 0o700)  # noqa: PTH101  DVC write-protects its files; Windows cannot delete those
        function(name)

    if path.is_dir() and not path.is_symlink():
        import sys

        if sys.version_info >= (3, 12):
            shutil.rmtree(path, onexc=make_writable)
        else:
            shutil.rmtree(path, onerror=lambda f, n, e: make_writable(f, n, e[1]))
    else:
        path.unlink(missing_ok=True)


def _dump(settings: Settings, old: str = "# made by the workbench; edit it freely\n") -> str:
    import tomlkit

    document = tomlkit.parse(old)
    _merge(document, asdict(settings))
    return tomlkit.dumps(document)


def _merge(target: Any, values: Mapping[str, Any]) -> None:
    for key, value in values.items():
        if isinstance(value, dict):
            if key not in target:
                import tomlkit

                target[key] = tomlkit.table()
            _merge(target[key], value)
        elif target.get(key) != value:
            target[key] = value


def _load(path: Path) -> Settings:
    import tomllib

    try:
        raw = tomllib.loads(path.read_text(encoding="utf-8"))
        return Settings(
            **{
                **raw,
                "world": WorldSettings(**raw.get("world", {})),
                "train": TrainSettings(**raw.get("train", {})),
            }
        )
    except (tomllib.TOMLDecodeError, TypeError) as error:
        raise SettingsError(f"{path} cannot be read: {error}", hint="mend the line, or delete the key") from None
