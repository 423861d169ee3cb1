"""Small tools that failures of the gym share: observations at other times, and random splits."""

from __future__ import annotations

from typing import TYPE_CHECKING

from workbench.profiles.hands import careless_split, grouped_split
from workbench.profiles.members import HORIZON, dressed, log_of
from workbench.worlds.gym import GymWorld
from workbench.worlds.gym_observations import observations

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    import pyarrow as pa

    from workbench.profiles.workspace import Workspace
    from workbench.seams import Step


def observed_at(times: Sequence[datetime]) -> Step:
    """Return a step that observes the members at other times, as known at the end of the history.

    Parameters
    ----------
    times : sequence of datetime
        Aware, none after `workbench.worlds.gym.GymWorld.history_end`. A label whose horizon was not over
        by then is what was known of it.

    Returns
    -------
    Step
        Returns rows as `workbench.profiles.members.seen_members` does.
    """

    def step(rows: pa.Table, ws: Workspace) -> pa.Table:
        del rows
        return dressed(observations(log_of(ws), times, horizon=HORIZON, known_by=GymWorld.history_end))

    return step


def at_random(rows: pa.Table, ws: Workspace) -> list[str]:
    """Deal rows at random, whoever they are about."""
    return careless_split(rows, ws.settings.train.seed)


def by_member(rows: pa.Table, ws: Workspace) -> list[str]:
    """Deal whole members at random."""
    return grouped_split(rows, ws.settings.train.seed)
