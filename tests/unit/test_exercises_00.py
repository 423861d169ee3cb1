"""The first lesson's exercises: solutions pass, each misconception fails and is named."""

from __future__ import annotations

import pytest

from tests.helpers.solutions.lesson_00 import MISCONCEPTIONS, SOLUTIONS
from workbench.lab.stories.quiet import EXERCISES

NAMED = [(name, words) for name, wrong in MISCONCEPTIONS.items() for words in wrong]


@pytest.mark.parametrize(("exercise", "solution"), [*zip(EXERCISES, SOLUTIONS, strict=True)])
def test_the_solution_passes(exercise, solution):
    assert exercise.function == solution.__name__
    checked = exercise(solution)
    assert checked.passed, checked.as_text()
    assert len(exercise.hints) >= 2


@pytest.mark.parametrize(("name", "words"), NAMED)
def test_a_misconception_is_caught_and_named(name, words):
    (exercise,) = [one for one in EXERCISES if one.function == name]
    failed = [line["says"] for line in exercise(MISCONCEPTIONS[name][words]).report if not line["passed"]]
    assert any(words in says for says in failed), failed


def test_every_exercise_has_misconceptions():
    assert {name for name, _ in NAMED} == {exercise.function for exercise in EXERCISES}
