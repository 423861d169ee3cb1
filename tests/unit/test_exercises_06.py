"""Lesson 06's exercises: the solution passes, each misconception is told why it fails, and nothing is given away."""

from __future__ import annotations

import pytest

from tests.helpers.solutions.serve import MISCONCEPTIONS, SOLUTIONS
from workbench.failures import load
from workbench.lab.course import lesson_card
from workbench.lab.effects import read
from workbench.lab.stories.serve import SWITCH

EXERCISES = lesson_card("06").exercises()


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


@pytest.fixture(scope="module")
def means():
    """Return the means over seasons of each failure at its default strength, and of its own model."""
    found = {}
    for name in SWITCH:
        failure = load(name)
        asked = (name, failure.strength.default, failure.family_of_model)
        mine = [row for row in read().to_pylist() if (row["failure"], row["strength"], row["model"]) == asked]
        names = ("damage", "contacted", "cured_contacted", "score_to_rate")
        found[name] = {key: sum(row[key] for row in mine) / len(mine) for key in names}
    return found


def test_three_skews_hide_from_the_auc_and_not_from_the_dial(means):
    for name in ("window_mismatch", "unit_mismatch", "swapped_columns"):
        assert 0.015 <= means[name]["damage"] <= 0.04, "the AUC loses two to four points"
    times = {name: of["contacted"] / of["cured_contacted"] for name, of in means.items()}
    assert 1.8 < times["window_mismatch"] < 2.4, "twice as many calls as planned"
    assert 4 < times["unit_mismatch"] < 5.5, "five times as many"
    assert times["swapped_columns"] < 0.25, "or nearly none"


def test_two_skews_hide_from_the_dial_and_not_from_the_auc(means):
    for name, points in (("stale_store", 0.11), ("refit_scaler", 0.17)):
        assert means[name]["damage"] == pytest.approx(points, abs=0.005)
        assert 0.6 < means[name]["contacted"] / means[name]["cured_contacted"] < 1
        assert 0.85 < means[name]["score_to_rate"] < 1.05


def test_ranges_find_three_of_the_eight_and_parity_all():
    assert [name for name in SWITCH if "schema" in load(name).guards_too] == [
        "unit_mismatch", "stale_store", "refit_scaler"
    ]  # fmt: skip
    assert all("parity" in (load(name).guard, *load(name).guards_too) for name in SWITCH)
