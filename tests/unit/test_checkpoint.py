"""Checkpoint: judged by behaviour, whatever the learner's function does."""

from __future__ import annotations

import pytest

from workbench.widgets import Case, Checkpoint

CASES = [
    Case("a late row is left out", ([1, 9], 5), [1], "it was true, and nobody knew"),
    Case("nothing gives nothing", ([], 5), []),
]


def right(rows, moment):
    return [row for row in rows if row <= moment]


def wrong(rows, moment):
    return rows


def todo(rows, moment):
    raise NotImplementedError


def crash(rows, moment):
    return rows[0]


def greedy(rows, moment):
    rows.clear()
    return rows


def test_a_right_function_passes():
    check = Checkpoint("Write it", right, CASES)
    assert check.passed
    assert (
        check.as_text()
        == "[checkpoint] Write it: 2 of 2\n  passed  a late row is left out\n  passed  nothing gives nothing"
    )


@pytest.mark.parametrize(
    ("function", "says"),
    [
        (wrong, "gave [1, 9], expected [1]. it was true, and nobody knew."),
        (todo, "not written yet"),
        (greedy, "gave [], expected [1]. it was true, and nobody knew."),
    ],
)
def test_a_wrong_function_is_told_what_it_gave(function, says):
    check = Checkpoint("Write it", function, CASES)
    assert not check.passed
    assert check.report[0]["says"] == says
    assert CASES[0].arguments == ([1, 9], 5)  # each function has had its own copy


def test_an_exception_is_shown_with_its_name():
    assert Checkpoint("Write it", crash, CASES).report[1]["says"] == "IndexError: list index out of range"


def test_a_function_defined_again_is_seen():
    """In JupyterLab the checkpoint's cell does not run again."""
    there = {}
    exec("def answer(rows, moment):\n    raise NotImplementedError", there)  # noqa: S102 (as a notebook's cell)
    check = Checkpoint("Write it", there["answer"], CASES)
    assert not check.passed
    exec("def answer(rows, moment):\n    return [r for r in rows if r <= moment]", there)  # noqa: S102
    check.asked += 1
    assert check.passed


def test_hints_come_as_they_are_asked_for():
    check = Checkpoint("Write it", todo, CASES, hints=["look at the times", "compare both"])
    assert "compare" not in str(check.get_state())
    check.hints_asked = 1
    assert check.hints == ["look at the times"]
    check.hints_asked = 2
    assert check.as_text().endswith("hint: look at the times\n  hint: compare both")


def test_numbers_are_compared_as_numbers_and_a_rule_judges():
    cases = [Case("a sum", (0.1, 0.2), 0.3), Case("a rule", (1, 2), lambda got: got > 2)]
    assert Checkpoint("Add", lambda a, b: a + b, cases).passed
    report = Checkpoint("Add", lambda a, b: a - b, cases).report
    assert report[1]["says"] == "gave -1."


def test_no_case_is_no_pass():
    assert not Checkpoint("Write it", right, []).passed
