# ruff: noqa: TID253  (Feast loads this module by its name; nothing of ours imports it)
"""Where Feast keeps its two files, and how it writes them.

The registry is written whole or not at all. Feast opens the file for writing and thereby
empties it; a process that is killed in between, or that reads at that moment, finds a registry
without views, and nobody says so.

Relative paths start at the workspace, so that one ``feature_repo/feature_store.yaml`` serves
all of them: WORKBENCH_WORKSPACE names it, as for the ``workbench`` command.
"""

from __future__ import annotations

import os
import uuid
from pathlib import Path
from typing import Any, Literal

from feast.infra.online_stores.sqlite import SqliteOnlineStore, SqliteOnlineStoreConfig
from feast.infra.registry.file import FileRegistryStore

from workbench.clock import utc_now
from workbench.errors import WorkspaceError
from workbench.manifests import atomic
from workbench.profiles.workspace import DEFAULT, resolve


def chosen_workspace(repo_path: Path) -> Path:
    """Return the workspace that the ``feast`` command is to work on.

    Parameters
    ----------
    repo_path : Path
        Feast's folder, ``feature_repo``; ``data/workspaces`` lies beside it.

    Returns
    -------
    Path
        Absolute: the path or the name in WORKBENCH_WORKSPACE, else the default workspace.

    Raises
    ------
    WorkspaceError
        If there is no workspace.
    """
    name = os.environ.get("WORKBENCH_WORKSPACE", DEFAULT)
    is_path = os.sep in name or "/" in name or name == "."
    home = repo_path.resolve().parent / "data" / "workspaces"
    root = resolve(name) if is_path or "WORKBENCH_HOME" in os.environ else resolve(str(home / name))
    if not (root / "workspace.toml").is_file():
        raise WorkspaceError(f"there is no workspace at {root}", hint="make one with `workbench run`")
    return root


class WholeFileRegistryStore(FileRegistryStore):  # type: ignore[misc]  # feast has no types
    """A file registry whose readers never see half a file.

    Parameters
    ----------
    registry_config : feast.repo_config.RegistryConfig
        Its path, when relative, starts at the workspace.
    repo_path : Path
        Feast's folder.
    """

    def __init__(self, registry_config: Any, repo_path: Path) -> None:
        path = Path(registry_config.path)
        self._filepath = path if path.is_absolute() else chosen_workspace(repo_path) / path

    def _write_registry(self, registry_proto: Any) -> None:
        registry_proto.version_id = str(uuid.uuid4())
        registry_proto.last_updated.FromDatetime(utc_now())
        with atomic(self._filepath) as temporary:
            temporary.write_bytes(registry_proto.SerializeToString())


class WorkspaceSqliteOnlineStoreConfig(SqliteOnlineStoreConfig):  # type: ignore[misc]  # feast has no types
    """The block ``online_store:``; Feast finds it by its name beside the store.

    Attributes
    ----------
    type : str
        Import path of the store.
    """

    type: Literal["workbench.profiles.feast_files.WorkspaceSqliteOnlineStore"] = (
        "workbench.profiles.feast_files.WorkspaceSqliteOnlineStore"
    )


class WorkspaceSqliteOnlineStore(SqliteOnlineStore):  # type: ignore[misc]  # feast has no types
    """Feast's sqlite store, with its file in the workspace."""

    @staticmethod
    def _get_db_path(config: Any) -> str:
        path = Path(config.online_store.path)
        return str(path if path.is_absolute() else chosen_workspace(Path(config.repo_path)) / path)
