"""The steps of a story, and the decision dial that follows them."""

from __future__ import annotations

import pytest

from workbench.errors import SettingsError
from workbench.lab.skew_show import STORY, decision_dial
from workbench.widgets import Steps

TOLD = [{"name": "honest", "says": "Both sides agree."}, {"name": "unit", "says": "Hours for days."}]


def test_the_present_step_is_marked_and_stays_among_them():
    steps = Steps(TOLD, title="Skew")
    assert steps.as_text().splitlines() == [
        "[steps] Skew",
        "> 1 honest: Both sides agree.",
        "  2 unit: Hours for days.",
    ]
    steps.at = 9
    assert steps.at == 1
    assert "> 2 unit" in steps.as_text()
    with pytest.raises(SettingsError, match="at least one step"):
        Steps([])


def test_the_dial_says_both_numbers_and_stays_on_its_axis():
    honest = {"auc": 0.75, "called": 0.08, "score_to_rate": 1.1}
    shown = decision_dial(honest, {"auc": 0.4, "called": 0.93, "score_to_rate": 9.0})
    assert str(shown).splitlines()[1:] == [
        "  AUC: 0.40, honest 0.75",
        "  members called: 93%, honest 8%",
        "  predicted / real: 9.00, honest 1.10",
    ]
    assert 'width="0.0"' in shown.body
    assert shown.body.count('rect width="100.0"') == 2


def test_the_story_begins_honestly_and_takes_five_minutes():
    assert STORY[0].service == ""
    assert len(STORY) <= 6
