"""Lesson 03's exercises: the solution passes, each misconception is told why it fails, and nothing is given away."""

from __future__ import annotations

import pytest

from tests.helpers.solutions.extract import MISCONCEPTIONS, SOLUTIONS
from workbench.lab.course import lesson_card
from workbench.lab.effects import read

EXERCISES = lesson_card("03").exercises()


def unsolved(*_: object) -> None:
    raise NotImplementedError


def test_there_are_four_and_each_is_solved_by_its_solution():
    assert [exercise.function for exercise in EXERCISES] == [function.__name__ for function in SOLUTIONS]
    for exercise, solution in zip(EXERCISES, SOLUTIONS, strict=True):
        assert exercise(solution).passed, exercise(solution).as_text()
        assert "not written yet" in exercise(unsolved).as_text()


@pytest.mark.parametrize(
    ("i", "function", "why"), MISCONCEPTIONS, ids=lambda value: getattr(value, "__name__", None)
)
def test_a_misconception_is_named(i, function, why):
    checked = EXERCISES[i](function)
    assert not checked.passed
    assert any(why in line["says"] for line in checked.report), checked.as_text()


def test_every_exercise_has_a_misconception_of_its_own():
    assert {i for i, _, _ in MISCONCEPTIONS} == {*range(len(EXERCISES))}


def test_what_the_prose_says_of_full_seasons_is_in_the_table_of_effects():
    rows = [row for row in read().to_pylist() if row["seed"] < 3]
    of = {name: [row for row in rows if row["failure"] == name] for name in {row["failure"] for row in rows}}
    assert all(abs(row["damage"]) < 0.025 for row in of["resize_filter"]), "between -.02 and +.02: noise"
    large = (
        "colour_order",
        "orientation_ignored",
        "normalisation_skipped",
        "embedding_swapped_under_same_name",
    )
    for name in large:
        lost = [row["damage"] for row in of[name] if row["strength"] == 1]
        assert sum(lost) / len(lost) > 0.235, "a quarter of the fruit and more"
    for name in ("resize_filter", *large):
        assert all(row["claimed"] == row["cured_claimed"] for row in of[name]), "the claim does not move"
    camera = [row for row in of["exif_tells_label"] if row["strength"] == 0.8]
    excess = sum(row["excess_inflation"] for row in camera) / len(camera)
    damage = sum(row["damage"] for row in camera) / len(camera)
    assert 0.08 < excess < 0.16, "by about a tenth"
    assert damage < 0.06, "its loss is small"
