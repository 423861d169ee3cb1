"""Worlds: where captures, labels and their times come from."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from workbench.errors import SettingsError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from workbench.records import World


def open_world(
    name: str,
    *,
    size: str = "lesson",
    seed: int = 0,
    path: str | Path = "",
    dials: Mapping[str, float] | None = None,
) -> World:
    """Open a world by its name.

    Parameters
    ----------
    name : str
        ``packhouse``, or ``folder`` for your own photos.
    size : str
        Of the packhouse: ``tiny``, ``lesson`` or ``large``.
    seed : int
        Of the packhouse.
    path : str or Path
        Of the folder of photos.
    dials : mapping, optional
        Changes to the packhouse, by the names of `workbench.worlds.season.Dials`.

    Returns
    -------
    World
        Ready to yield captures.

    Raises
    ------
    SettingsError
        If there is no such world, or the folder was not named.
    """
    if name == "packhouse":
        from workbench.worlds.packhouse import PackhouseWorld

        return PackhouseWorld(size, seed, **(dials or {}))
    if name == "folder":
        if not str(path):
            raise SettingsError("the folder world needs a folder", hint="give its path")
        from workbench.worlds.folder import FolderWorld

        return FolderWorld(Path(path))
    raise SettingsError(f"there is no world {name!r}", hint="choose packhouse or folder")
