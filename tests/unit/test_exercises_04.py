"""The exercises of lesson 04: solutions pass, each misconception fails with its reason, shipped ones are open."""

from __future__ import annotations

import ast
import importlib
from pathlib import Path

import pytest

from workbench.lab.course import lesson_card

NUMBER = "04"
SOLVED = {"as_of"}
CARD = lesson_card(NUMBER)
SOLUTIONS = importlib.import_module(f"tests.helpers.solutions.lesson_{NUMBER}")
LESSON = Path(__file__).resolve().parents[2] / "notebooks" / f"{CARD.file}.py"
every_exercise = pytest.mark.parametrize("exercise", CARD.exercises(), ids=lambda one: one.function)


def shipped(name: str):
    """Return a function as the lesson ships it: without the lesson's other names."""
    tree = ast.parse(LESSON.read_text(encoding="utf-8"))
    found = next(node for node in tree.body if isinstance(node, ast.FunctionDef) and node.name == name)
    found.decorator_list = []
    space: dict[str, object] = {}
    exec(compile(ast.Module([found], []), str(LESSON), "exec"), space)  # noqa: S102 (our own file)
    return space[name]


@every_exercise
def test_the_solution_passes_every_case(exercise):
    found = exercise(getattr(SOLUTIONS, exercise.function))
    assert found.passed, found.as_text()
    assert len(exercise.cases) >= 4
    assert len(exercise.hints) >= 2


@pytest.mark.parametrize(
    ("wrong", "says"), SOLUTIONS.MISCONCEPTIONS.items(), ids=lambda one: getattr(one, "__name__", "")
)
def test_a_misconception_fails_and_is_named(wrong, says):
    exercise = next(
        one for one in CARD.exercises() if wrong.__name__.startswith(one.function.removesuffix("_in"))
    )
    found = exercise(wrong)
    assert not found.passed
    assert any(says in line["says"] for line in found.report), found.as_text()


@every_exercise
def test_every_misconception_has_a_catch(exercise):
    stem = exercise.function.removesuffix("_in")
    assert sum(wrong.__name__.startswith(stem) for wrong in SOLUTIONS.MISCONCEPTIONS) >= 3


@every_exercise
def test_what_is_shipped_is_open_but_for_the_worked_example(exercise):
    found = exercise(shipped(exercise.function))
    assert found.passed == (exercise.function in SOLVED)
    if not found.passed:
        assert {line["says"] for line in found.report} == {"not written yet"}
