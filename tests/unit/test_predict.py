"""Predict: the guess comes first, and a run without a reader goes through."""

from __future__ import annotations

import pytest

from workbench.errors import SettingsError
from workbench.widgets import Predict


def test_the_page_does_not_hold_the_answer_before_the_guess():
    widget = Predict("How often?", answer=0.59, why="the bench is not there")
    assert "0.59" not in str(widget.get_state())
    assert widget.as_text() == "[predict] How often?\n  between 0.5 and 1\n  no guess yet"
    widget.guess = 0.8
    assert widget.answer is None  # not locked in yet
    widget.opened = True
    assert (widget.answer, widget.gap) == (0.59, 0.21)
    assert "guess 0.80\n  answer 0.59, the guess was 0.21 too high\n  the bench" in widget.as_text()


def test_the_answer_may_come_later_and_waits_for_the_guess():
    widget = Predict("How many?", low=0, high=20, step=1, unit="fruit")
    widget.reveal(5)
    assert widget.answer is None
    widget.guess, widget.opened = 3, True
    assert widget.as_text().splitlines()[-1] == "  answer 5 fruit, the guess was 2 fruit too low"
    other = Predict("How many?", low=0, high=20, step=1)
    other.guess, other.opened = 5, True
    assert (other.answer, other.gap) == (None, None)
    other.reveal(5)
    assert other.as_text().endswith("answer 5, as guessed")


def test_nobody_has_to_guess():
    widget = Predict("How often?", answer=0.59)
    widget.opened = True
    assert (widget.answer, widget.gap, widget.guess) == (0.59, None, None)


def test_a_choice_has_an_answer_and_a_why_for_each():
    why = {"Yes": "every fold comes through the same join", "No": "folds of a flawed table are flawed"}
    widget = Predict("Would it?", options=["Yes", "No"], answer="No", why=why)
    assert "flawed" not in str(widget.get_state())
    widget.guess, widget.opened = "Yes", True
    assert widget.answer == "No"
    assert widget.why == why
    assert widget.gap is None
    assert "guess Yes\n  answer No\n  every fold" in widget.as_text()


def test_an_answer_that_is_no_option_is_refused():
    with pytest.raises(SettingsError, match="'Maybe' is not among the options"):
        Predict("Would it?", options=["Yes", "No"], answer="Maybe")
