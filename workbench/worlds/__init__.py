"""Worlds: where captures, tables, labels and their times come from."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from workbench.errors import SettingsError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from workbench.records import World
    from workbench.worlds.gym import GymWorld


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
        ``packhouse``, ``gym``, or ``folder`` for your own photos.
    size : str
        Of a simulated world: ``tiny``, ``lesson`` or ``large``.
    seed : int
        Of a simulated world.
    path : str or Path
        Of the folder of photos.
    dials : mapping, optional
        Changes to a simulated world, by the names of `workbench.worlds.season.Dials` or
        `workbench.worlds.gym_dials.GymDials`.

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
    if name == "gym":
        return open_gym(size, seed, **(dials or {}))
    raise SettingsError(f"there is no world {name!r}", hint="choose packhouse, gym or folder")


def open_gym(size: str = "lesson", seed: int = 0, **dials: Any) -> GymWorld:
    """Open the gym: the world of tables.

    Parameters
    ----------
    size : str
        ``tiny``, ``lesson`` or ``large``.
    seed : int
        Another seed is another gym.
    **dials : object
        Any of `workbench.worlds.gym_dials.GymDials`.

    Returns
    -------
    GymWorld
        Nothing is simulated before the first question.

    Raises
    ------
    SettingsError
        If the size or a dial is unknown, or a value is out of range.
    """
    from workbench.worlds.gym import GymWorld

    return GymWorld(size, seed, **dials)
