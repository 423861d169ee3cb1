"""The exercises of all lessons: solutions pass, each misconception fails and is told why, shipped ones are open."""

from __future__ import annotations

import ast
import importlib
from pathlib import Path

import pytest

from workbench.lab.course import COURSE

NOTEBOOKS = Path(__file__).resolve().parents[2] / "notebooks"
SOLVED = {
    card.number: importlib.import_module(f"tests.helpers.solutions.lesson_{card.number}") for card in COURSE
}
EXERCISES = {(card.number, one.function): one for card in COURSE for one in card.exercises()}
EXERCISES_OF = {card.number: card.exercises() for card in COURSE}
SOLUTIONS = [(number, function) for number, solved in SOLVED.items() for function in solved.SOLUTIONS]
MISCONCEPTIONS = [
    pytest.param(number, name, wrong, why, id=f"{number}-{i}-{name}")
    for number, solved in SOLVED.items()
    for i, (name, wrong, why) in enumerate(solved.MISCONCEPTIONS)
]
FEWEST_CASES = {"04": 4, "05": 4}
FEWEST_MISCONCEPTIONS = {"01": 3, "04": 3, "05": 3, "07": 3}
every_lesson = pytest.mark.parametrize("card", COURSE, ids=lambda card: card.number)


def shipped(card) -> dict:
    """Return the exercises' functions as the lesson ships them: without its other names, in its order."""
    path = NOTEBOOKS / f"{card.file}.py"
    names = {exercise.function for exercise in card.exercises()}
    found = {}
    for node in ast.parse(path.read_text(encoding="utf-8")).body:
        if isinstance(node, ast.FunctionDef) and node.name in names:
            node.decorator_list, space = [], {}
            exec(compile(ast.Module([node], []), str(path), "exec"), space)  # noqa: S102 (our own file)
            found[node.name] = space[node.name]
    return found


@every_lesson
def test_there_are_four_in_the_order_of_the_lesson(card):
    names = [exercise.function for exercise in card.exercises()]
    assert len(names) >= 4
    assert names == [function.__name__ for function in SOLVED[card.number].SOLUTIONS] == [*shipped(card)]


@pytest.mark.parametrize(("number", "solution"), SOLUTIONS, ids=lambda one: getattr(one, "__name__", one))
def test_the_solution_passes_every_case(number, solution):
    exercise = EXERCISES[number, solution.__name__]
    found = exercise(solution)
    assert found.passed, found.as_text()
    assert len(exercise.cases) >= FEWEST_CASES.get(number, 3)
    assert len(exercise.hints) >= (
        1 if exercise is EXERCISES_OF[number][0] else 2
    )  # the first is shipped solved


@pytest.mark.parametrize(("number", "name", "wrong", "why"), MISCONCEPTIONS)
def test_a_misconception_fails_and_is_named(number, name, wrong, why):
    found = EXERCISES[number, name](wrong)
    assert not found.passed
    assert any(why in line["says"] for line in found.report if not line["passed"]), found.as_text()


@pytest.mark.parametrize(("number", "name"), EXERCISES)
def test_every_exercise_has_misconceptions(number, name):
    assert sum(of == name for of, *_ in SOLVED[number].MISCONCEPTIONS) >= FEWEST_MISCONCEPTIONS.get(number, 2)


@every_lesson
def test_the_first_is_shipped_solved_and_the_others_are_open(card):
    functions = shipped(card)
    first, *others = [(one, one(functions[one.function])) for one in card.exercises()]
    assert first[1].passed
    for exercise, found in others:
        assert not found.passed
        assert {line["says"] for line in found.report if not line["passed"]} == {"not written yet"}
        if exercise.function != "put_once":  # of which one line is missing, for one of two branches
            assert not any(line["passed"] for line in found.report), found.as_text()
