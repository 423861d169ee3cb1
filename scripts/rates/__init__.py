"""What guards are measured on: cases in which they should fire, and cases in which they should not.

One file for each group of guards, one `Case` for each thing that can be asked of a guard. A case is a function
from a seed to a finding: it makes a world, does something to it or nothing, and lets the guard look.
`scripts.make_rates` counts. The seeds begin at `FIRST_SEED`, where no threshold was ever chosen.
"""

from __future__ import annotations

import importlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from workbench.errors import GuardError

if TYPE_CHECKING:
    from collections.abc import Callable

    from workbench.guards.evidence import Finding

ROOMS: Final = (
    "truncation",
    "times",
    "columns",
    "pipelines",
    "splits",
    "parity",
    "serving",
    "copies",
    "pictures",
    "runs",
)
FIRST_SEED: Final = 1000


@dataclass(frozen=True, slots=True)
class Case:
    """One thing that is asked of a guard.

    Attributes
    ----------
    guard : str
        Its module in `workbench.guards`.
    name : str
        What was done to the world.
    kind : str
        One of `workbench.lab.rates.KINDS`.
    look : callable
        From a seed to what the guard says.
    """

    guard: str
    name: str
    kind: str
    look: Callable[[int], Finding]


def cases_of(room: str) -> tuple[Case, ...]:
    """Return the cases of one of `ROOMS`, guards together."""
    found: tuple[Case, ...] = importlib.import_module(f"scripts.rates.{room}").CASES
    return found


def cases() -> list[Case]:
    """Return all cases, in their order."""
    return [case for room in ROOMS for case in cases_of(room)]


def verdict(case: Case, seed: int) -> str:
    """Return ``1`` where the guard fired, ``0`` where it was silent, ``?`` where it could not judge."""
    try:
        fired = case.look(seed).fired
    except GuardError:
        return "?"
    return "?" if fired is None else str(int(fired))
