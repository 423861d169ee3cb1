"""What a learner has opened and solved: a small JSON file beside the workspaces, one for each of them."""

from __future__ import annotations

import contextlib
import json
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final

from workbench.clock import utc_now
from workbench.manifests import write_json

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

    from workbench.lab.check import Outcome

FOLDER: Final = ".progress"
_WAIT_S: Final = 10.0


class Progress:
    """The progress of one workspace.

    Parameters
    ----------
    root : Path
        The folder of the workspaces.
    name : str
        Of the workspace.

    Notes
    -----
    It survives `workbench reset`: what somebody has learned is not data. Written under a temporary name and
    renamed; two programs that write take turns. A file that cannot be read counts as empty.
    """

    def __init__(self, root: Path, name: str) -> None:
        self.path = root / FOLDER / f"{name}.json"

    def read(self) -> dict[str, dict[str, Any]]:
        """Return what is known of each lesson, by its number.

        Returns
        -------
        dict
            ``opened`` (ISO time), ``solved`` (names of functions), ``of`` (how many there are), ``judged``
            (hash of the file that was judged), ``hints`` (function to how many were shown).
        """
        try:
            found = json.loads(self.path.read_text(encoding="utf-8"))["lessons"]
        except (OSError, ValueError, KeyError, TypeError):
            return {}
        return {str(k): v for k, v in found.items() if isinstance(v, dict)} if isinstance(found, dict) else {}

    @contextlib.contextmanager
    def _changing(self, number: str) -> Iterator[dict[str, Any]]:
        from filelock import FileLock

        self.path.parent.mkdir(parents=True, exist_ok=True)
        with FileLock(f"{self.path}.lock", timeout=_WAIT_S):
            lessons = self.read()
            yield lessons.setdefault(number, {})
            write_json(self.path, {"version": 1, "lessons": lessons})

    def opened(self, number: str) -> None:
        """Remember that a lesson was opened, and when."""
        with self._changing(number) as lesson:
            lesson["opened"] = utc_now().isoformat(timespec="seconds")

    def judged(self, number: str, outcomes: Sequence[Outcome], digest: str) -> None:
        """Remember how the exercises went.

        Parameters
        ----------
        number : str
            Of the lesson.
        outcomes : sequence of Outcome
            All of them.
        digest : str
            Hash of the file that was judged.
        """
        with self._changing(number) as lesson:
            lesson["solved"] = [one.exercise.function for one in outcomes if one.passed]
            lesson["of"], lesson["judged"] = len(outcomes), digest

    def next_hints(self, number: str, outcomes: Sequence[Outcome]) -> dict[str, Sequence[str]]:
        """Show one hint more for each exercise that is not solved yet.

        Parameters
        ----------
        number : str
            Of the lesson.
        outcomes : sequence of Outcome
            All of them.

        Returns
        -------
        dict of str to sequence of str
            Function to its hints so far; a solved one has none, and begins anew.
        """
        with self._changing(number) as lesson:
            before: Mapping[str, int] = lesson.get("hints", {})
            now = {
                one.exercise.function: min(before.get(one.exercise.function, 0) + 1, len(one.exercise.hints))
                for one in outcomes
                if not one.passed
            }
            lesson["hints"] = now
        return {
            one.exercise.function: one.exercise.hints[: now[one.exercise.function]]
            for one in outcomes
            if not one.passed
        }


def when(iso: str, now: datetime | None = None) -> str:
    """Return a time in words: ``today``, ``yesterday``, ``5 days ago``; nothing where it is none."""
    try:
        then = datetime.fromisoformat(iso).astimezone()
    except ValueError:
        return ""
    days = ((now or utc_now()).astimezone().date() - then.date()).days
    return {0: "today", 1: "yesterday"}.get(days, f"{days} days ago" if days > 1 else "today")
