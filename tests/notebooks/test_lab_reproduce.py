"""The lab of lesson 7: its verdict is that of the real stage."""

from __future__ import annotations

import pytest

from workbench.guards.verdict import Outcome, Reason, judge
from workbench.lab.stories.reproduce_lab import Again, verdict_card


@pytest.mark.parametrize(
    ("causes", "moved", "word"),
    [([], 0.0, "IDENTICAL"), (["machine"], 1e-9, "EQUIVALENT"), (["data rows"], 0.0, "DIFFERENT")],
)
def test_the_card_says_the_word_the_cause_and_the_outcome(causes, moved, word):
    verdict = judge(
        "run", [Reason(cause, f"the {cause} differs") for cause in causes], Outcome(0.0, moved, 0, 7)
    )
    card = verdict_card(verdict)
    assert str(card).startswith(word)
    assert all(f"the {cause} differs" in str(card) for cause in causes)
    assert ("dashed" in card.body) == (word == "DIFFERENT")


def test_a_state_is_judged_once_and_not_while_it_is_being_changed():
    class Fake:
        def __init__(self) -> None:
            self.tampered, self.done, self.asked = "", "", 0

        def again(self):
            self.asked += 1
            return judge("run", [], Outcome(0.0, 0.0, 0, 7))

    fake = Fake()
    again = Again(fake)
    assert str(again(fake)).startswith("IDENTICAL")
    fake.tampered = "photo"
    assert str(again(fake)) == "at work"
    fake.tampered = ""
    again(fake)
    assert fake.asked == 1
