"""Small checkers of our own: each prints how many things it looked at, and exits with 1 on trouble."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

ROOT = Path(__file__).resolve().parent.parent.parent

Look = tuple[int, list[str]]
"""How many things were looked at, and the troubles that were found."""


def report(what: str, look: Callable[[Path], Look], root: Path = ROOT) -> int:
    """Run one checker, print what it found, and return its exit code.

    Parameters
    ----------
    what : str
        What is counted, in the plural.
    look : callable
        Takes the root of the repository, returns a `Look`.
    root : Path
        Of the repository.

    Returns
    -------
    int
        0 if all is well; 1 on trouble, and also when there was nothing to look at.
    """
    n_seen, troubles = look(root)
    if not n_seen:
        troubles = [*troubles, f"no {what} at all: the checker looks in the wrong place"]
    for trouble in troubles:
        print(trouble, file=sys.stderr)
    print(f"{n_seen} {what} looked at, {len(troubles)} in trouble")
    return 1 if troubles else 0
