"""The exercises of lesson 02: the solution passes, each misconception fails with its reason, the shipped ones are open."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

from tests.helpers.solutions import lesson_02 as solutions
from workbench.lab.stories.clean import EXERCISES

LESSON = Path(__file__).resolve().parents[2] / "notebooks" / "02_clean.py"
BY_NAME = {exercise.function: exercise for exercise in EXERCISES}


def shipped() -> dict[str, ast.FunctionDef]:
    tree = ast.parse(LESSON.read_text(encoding="utf-8"))
    return {
        node.name: node for node in tree.body if isinstance(node, ast.FunctionDef) and node.name in BY_NAME
    }


def made(node: ast.FunctionDef):
    scope: dict = {}
    node.decorator_list = []
    exec(compile(ast.Module([node], []), str(LESSON), "exec"), scope)  # noqa: S102 (it is our own lesson)
    return scope[node.name]


def test_there_are_four_in_the_order_of_the_lesson():
    assert [exercise.function for exercise in EXERCISES] == [f.__name__ for f in solutions.SOLUTIONS]
    assert list(shipped()) == [*BY_NAME]


@pytest.mark.parametrize("solution", solutions.SOLUTIONS, ids=lambda f: f.__name__)
def test_the_solution_passes_every_case(solution):
    check = BY_NAME[solution.__name__](solution)
    assert check.passed, check.as_text()


@pytest.mark.parametrize(
    ("name", "wrong", "says"), solutions.MISCONCEPTIONS, ids=lambda x: getattr(x, "__name__", None)
)
def test_a_misconception_fails_and_is_named(name, wrong, says):
    check = BY_NAME[name](wrong)
    said = [line["says"] for line in check.report if not line["passed"]]
    assert any(re.search(says, text) for text in said), said


def test_the_first_is_shipped_solved_and_the_others_are_open():
    first, *others = [BY_NAME[name](made(node)) for name, node in shipped().items()]
    assert first.passed
    for check in others:
        assert not any(line["passed"] for line in check.report)
        assert {line["says"] for line in check.report} == {"not written yet"}
