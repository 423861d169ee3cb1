"""The process that runs a learner's functions: one request comes in, one line goes out for each function.

It is a program of its own (``python -m workbench.lab.judge``), so that a function that never ends can be
ended, and one that ends the process ends only this one. What a function prints is thrown away.
"""

from __future__ import annotations
import __future__

import contextlib
import importlib
import json
import os
import sys
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from workbench.lab.lesson import Exercise

MEMORY_BYTES: Final = 4 * 1024**3  # of addresses: a list that never stops growing is stopped here
ALONE: Final = "The check runs this function alone: what it needs, it must import or define inside."


def report(exercise: Exercise, source: str) -> list[dict[str, Any]]:
    """Judge one function.

    Parameters
    ----------
    exercise : Exercise
        Its cases.
    source : str
        The function, and nothing else.

    Returns
    -------
    list of dict
        As on the page: name, passed, says; one a case.
    """
    from workbench.widgets.checkpoint import judged

    function = _defined(source, exercise.function)
    lines = [judged(function, case) for case in exercise.cases]
    for line in lines:
        if line["says"].startswith("NameError"):
            line["says"] += f". {ALONE}"
    return lines


def _defined(source: str, name: str) -> Callable[..., Any]:
    """Return the function; where it cannot even be defined, one that says why."""
    space: dict[str, Any] = {"__name__": "exercise"}
    flags = __future__.annotations.compiler_flag  # an annotation may name what stands outside
    try:
        exec(compile(source, f"<{name}>", "exec", flags=flags, dont_inherit=True), space)  # noqa: S102 (the learner's own)
    except Exception as error:  # noqa: BLE001 (anything may stand in its defaults)
        found = error

        def broken(*_: object) -> None:
            raise found

        return broken
    function: Callable[..., Any] = space[name]
    return function


def _limit_memory() -> None:
    with contextlib.suppress(ImportError, ValueError, OSError):  # Windows has no limits, macOS not this one
        import resource

        resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES, MEMORY_BYTES))


def main() -> int:
    """Read the request from stdin, judge, write lines of JSON to what was stdout."""
    asked = json.load(sys.stdin)
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    quiet = os.open(os.devnull, os.O_WRONLY)
    os.dup2(quiet, 1)
    exercises: Sequence[Exercise] = importlib.import_module(asked["story"]).EXERCISES
    _limit_memory()
    print(json.dumps({"ready": True}), file=answers, flush=True)
    for index, source in asked["functions"]:
        try:
            lines = report(exercises[index], source)
        except (SystemExit, KeyboardInterrupt) as error:
            lines = [{"name": "the function", "passed": False, "says": f"{type(error).__name__}: {error}"}]
        print(json.dumps({"index": index, "report": lines}), file=answers, flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
