"""A lesson's exercises, judged outside the notebook: by the same cases, and only the learner's functions run.

A function is taken by its name out of the marimo file or its JupyterLab twin; nothing else in that
file is executed. It runs in a process of its own, which is ended after `LIMIT_S` seconds a function.
"""

from __future__ import annotations

import ast
import contextlib
import json
import queue
import subprocess
import sys
import textwrap
import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from workbench.errors import SettingsError, WorkbenchError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

    from workbench.lab.course import LessonCard
    from workbench.lab.lesson import Exercise

LIMIT_S: Final = 10.0
"""What one function may take for all its cases."""
_PATIENCE_S: Final = 120.0  # a loaded machine takes its time to start Python


@dataclass(frozen=True, slots=True)
class Outcome:
    """How one exercise went.

    Attributes
    ----------
    exercise : Exercise
        Which.
    report : tuple of mapping
        name, passed and says of each case.
    """

    exercise: Exercise
    report: tuple[Mapping[str, Any], ...]

    @property
    def passed(self) -> bool:
        """Whether all cases passed."""
        return bool(self.report) and all(line["passed"] for line in self.report)

    @property
    def written(self) -> bool:
        """Whether there is anything to judge yet."""
        return any(line["says"] != "not written yet" for line in self.report)


def newest_file(card: LessonCard, notebooks: Path) -> Path:
    """Return where the learner worked last: the marimo file, or its twin where that is newer.

    Parameters
    ----------
    card : LessonCard
        Of the lesson.
    notebooks : Path
        The folder of the lessons.

    Returns
    -------
    Path
        It exists.

    Raises
    ------
    SettingsError
        If there is neither.
    """
    both = [notebooks / f"{card.file}.py", notebooks / "jupyter" / f"{card.file}.ipynb"]
    there = [path for path in both if path.is_file()]
    if not there:
        raise SettingsError(
            f"there is no {both[0]}", hint="get the lesson back with `git checkout notebooks`"
        )
    return max(there, key=lambda path: path.stat().st_mtime_ns)  # of two equals the first: marimo's


def check_lesson(card: LessonCard, path: Path) -> list[Outcome]:
    """Judge all exercises of a lesson.

    Parameters
    ----------
    card : LessonCard
        Of the lesson.
    path : Path
        The learner's file: marimo's, or a Jupyter notebook.

    Returns
    -------
    list of Outcome
        In the order of the lesson.

    Raises
    ------
    SettingsError
        If the file cannot be read, or one of the functions is missing or is no Python.
    WorkbenchError
        If the judge does not start.
    """
    exercises = card.exercises()
    cells = [*_cells(path)]
    sources = [_function(exercise.function, cells, path) for exercise in exercises]
    reports = dict(_judged(card, sources, exercises))
    return [Outcome(exercise, tuple(reports[i])) for i, exercise in enumerate(exercises)]


# -- where a function stands -------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Cell:
    """A piece of a notebook: its text, from which line, and of which kind."""

    text: str
    line: int
    where: str


def _cells(path: Path) -> Iterator[_Cell]:
    """Yield the pieces of a file that Python must be able to read on their own."""
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsError(f"{path} cannot be read: {error}", hint="give another one with --file") from error
    if path.suffix != ".ipynb":
        yield _Cell(text, 1, f"{path.name}, line")
        yield from _unparsable(text)
        return
    try:
        cells = json.loads(text)["cells"]
        code = [
            ("".join(cell["source"]), i) for i, cell in enumerate(cells, 1) if cell["cell_type"] == "code"
        ]
    except (ValueError, KeyError, TypeError) as error:
        raise SettingsError(f"{path} is no notebook", hint="open it in JupyterLab and save it") from error
    for source, i in code:
        yield _Cell(source, 1, f"{path.name}, cell {i}, line")


def _unparsable(text: str) -> Iterator[_Cell]:
    """Yield what marimo keeps of a cell that Python cannot read: ``app._unparsable_cell(...)``."""
    with contextlib.suppress(SyntaxError):
        for node in ast.walk(ast.parse(text)):
            if isinstance(node, ast.Call) and getattr(node.func, "attr", "") == "_unparsable_cell":
                for given in node.args:
                    if isinstance(given, ast.Constant) and isinstance(given.value, str):
                        yield _Cell(textwrap.dedent(given.value), node.lineno, "the cell, its line")


def _function(name: str, cells: Sequence[_Cell], path: Path) -> str:
    """Return the source of the last function of that name, without marimo's decorator."""
    found, broken = "", ""
    for cell in cells:
        try:
            tree = ast.parse(cell.text)
        except SyntaxError as error:
            if f"def {name}" in cell.text:
                broken = f"{error.msg} ({cell.where} {error.lineno})"
            continue
        for node in ast.walk(tree):
            if isinstance(node, ast.FunctionDef) and node.name == name:
                segment = ast.get_source_segment(cell.text, node, padded=True) or ""
                found, broken = textwrap.dedent(segment), ""
    if broken:
        raise SettingsError(f"{name} is no Python yet: {broken}", hint="mend that line, save, and ask again")
    if not found:
        raise SettingsError(
            f"there is no function {name} in {path}",
            hint="keep the name that the lesson gave it, and save the notebook",
        )
    return found


# -- the judge ---------------------------------------------------------------------------------------------------


def _judged(
    card: LessonCard, sources: Sequence[str], exercises: Sequence[Exercise]
) -> Iterator[tuple[int, list[dict[str, Any]]]]:
    """Yield a report for each function; after one that did not end, go on in a new process."""
    waiting = [*enumerate(sources)]
    while waiting:
        for index, lines in _in_one_process(card, waiting):
            yield index, lines
            waiting = [one for one in waiting if one[0] != index]
        if waiting:
            index, _ = waiting.pop(0)
            says = f"did not end within {LIMIT_S:g} s, or ended the process"
            yield (
                index,
                [{"name": case.name, "passed": False, "says": says} for case in exercises[index].cases],
            )


def _in_one_process(
    card: LessonCard, functions: Sequence[tuple[int, str]]
) -> Iterator[tuple[int, list[dict[str, Any]]]]:
    argv = [sys.executable, "-P", "-m", "workbench.lab.judge"]
    judge = subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, encoding="utf-8",
                             stderr=subprocess.DEVNULL)  # fmt: skip
    said: queue.Queue[str] = queue.Queue()
    reader = threading.Thread(target=_listen, args=(judge, said), daemon=True)
    reader.start()
    try:
        if judge.stdin is not None:
            with contextlib.suppress(BrokenPipeError), judge.stdin as stdin:
                json.dump({"story": f"workbench.lab.stories.{card.story}", "functions": functions}, stdin)
        if not _next(said, _PATIENCE_S):
            raise WorkbenchError("the judge did not start", hint="look with `workbench doctor`")
        for _ in functions:
            line = _next(said, LIMIT_S)
            if not line:
                return
            answer = json.loads(line)
            yield answer["index"], answer["report"]
    finally:
        judge.kill()
        judge.wait()
        reader.join()
        if judge.stdout is not None:
            judge.stdout.close()


def _listen(judge: subprocess.Popen[str], said: queue.Queue[str]) -> None:
    for line in judge.stdout or ():
        said.put(line)
    said.put("")


def _next(said: queue.Queue[str], patience_s: float) -> str:
    """Return the next line; nothing where none came in time."""
    try:
        return said.get(timeout=patience_s)
    except queue.Empty:
        return ""
