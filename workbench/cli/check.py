"""``workbench check``: the exercises of a lesson, judged in the terminal."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final

from workbench.cli.screen import console
from workbench.errors import SettingsError
from workbench.hashing import sha256_file

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from rich.text import Text

    from workbench.lab.check import Outcome
    from workbench.lab.course import LessonCard

ALL_PASSED: Final = 0
NOT_YET: Final = 1


def check(number: str, *, workspace: str, file: Path | None, hint: bool, as_json: bool) -> int:
    """Judge a lesson's exercises and print how they went.

    Parameters
    ----------
    number : str
        Of the lesson.
    workspace : str
        Whose progress is noted.
    file : Path, optional
        The learner's; default the newer of the marimo file and its twin.
    hint : bool
        Show the next hint of each exercise that is not solved.
    as_json : bool
        For programs.

    Returns
    -------
    int
        0 if all passed, else 1. What cannot be judged raises, which gives 2.
    """
    from workbench.cli.start import notebooks_folder
    from workbench.lab.check import check_lesson, newest_file
    from workbench.lab.course import lesson_card
    from workbench.lab.lesson import lessons_root
    from workbench.lab.progress import Progress
    from workbench.profiles.workspace import resolve

    card = lesson_card(number)
    if not card.exercises():
        raise SettingsError(f"lesson {card.number} has no exercises", hint="try another lesson")
    path = file or newest_file(card, notebooks_folder())
    outcomes = check_lesson(card, path)
    progress = Progress(lessons_root(), resolve(workspace).name)
    progress.judged(card.number, outcomes, sha256_file(path))
    hints = progress.next_hints(card.number, outcomes) if hint else {}
    if as_json:
        print(json.dumps(_plain(card, path, outcomes, hints), indent=1, ensure_ascii=False))
    else:
        console().print(_text(card, path, outcomes, hints), soft_wrap=True)
    return ALL_PASSED if all(one.passed for one in outcomes) else NOT_YET


def _plain(
    card: LessonCard, path: Path, outcomes: Sequence[Outcome], hints: Mapping[str, Sequence[str]]
) -> dict[str, Any]:
    exercises = [
        {
            "function": one.exercise.function,
            "question": one.exercise.question,
            "passed": one.passed,
            "cases": [dict(line) for line in one.report],
            "hints": [*hints.get(one.exercise.function, ())],
        }
        for one in outcomes
    ]
    passed = all(one.passed for one in outcomes)
    return {"lesson": card.number, "file": str(path), "passed": passed, "exercises": exercises}


def _text(
    card: LessonCard, path: Path, outcomes: Sequence[Outcome], hints: Mapping[str, Sequence[str]]
) -> Text:
    from rich.text import Text

    text = Text.assemble("\n  ", (f"{card.number}  {card.title}", "name"), (f"  {path}\n", "quiet"))
    for one in outcomes:
        text.append_text(_exercise(one, hints.get(one.exercise.function, ())))
    n = sum(one.passed for one in outcomes)
    text.append(f"\n  {n} of {len(outcomes)} exercises passed", style="ok" if n == len(outcomes) else "name")
    if n < len(outcomes) and not hints:
        text.append(f"   for a hint: workbench check {card.number} --hint", style="quiet")
    return text


def _exercise(one: Outcome, hints: Sequence[str]) -> Text:
    from rich.text import Text

    n = sum(line["passed"] for line in one.report)
    mark, style = ("✓", "ok") if one.passed else ("✗", "bad") if one.written else ("-", "quiet")
    state = "passed" if one.passed else "not yet" if one.written else "not written yet"
    text = Text.assemble("\n  ", (mark, style), " ", (one.exercise.function, "name"), "  ", (state, style))
    text.append(f"  {n} of {len(one.report)} cases\n", style="quiet")
    text.append(f"    {one.exercise.question}\n", style="quiet")
    if one.written and not one.passed:
        text.append_text(_cases(one))
    for i, hint in enumerate(hints, 1):
        text.append_text(Text.assemble((f"    hint {i}   ", "warn"), hint, "\n"))
    return text


def _cases(one: Outcome) -> Text:
    """Return each case with what came back; what is the same for all is said once."""
    from rich.text import Text

    text, last = Text(), ""
    for line in one.report:
        head = ("    passed   ", "ok") if line["passed"] else ("    not yet  ", "bad")
        text.append_text(Text.assemble(head, line["name"], "\n"))
        if line["says"] and line["says"] != last:
            text.append(f"             {line['says']}\n", style="quiet")
        last = line["says"]
    return text
