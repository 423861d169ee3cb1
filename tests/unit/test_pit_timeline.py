"""The timeline: verdicts by rule, engines that may fail, and the real joins behind it."""

from __future__ import annotations

from datetime import timedelta

import pytest

from workbench import pit
from workbench.errors import SettingsError
from workbench.lab.timeline import DAY_0, RULE, Joins, asked_at, history_of, timeline
from workbench.widgets import PitTimeline
from workbench.widgets.pit_timeline import Value, judged

VALUES = [Value("a", 58, 3, 3.5), Value("b", 61, 9, 10), Value("c", 74, 13, 18), Value("d", 83, 22, 22.5)]


@pytest.mark.parametrize(
    ("observation", "ttl", "verdict"),
    [
        (12, None, "future"),
        (13, None, "late"),
        (17.5, None, "late"),
        (18, None, "known"),
        (18, 5, "known"),
        (18.5, 5, "old"),
    ],
)
def test_a_pick_is_judged_by_its_two_times(observation, ttl, verdict):
    assert judged(VALUES[2], observation, ttl) == verdict
    assert judged(None, observation, ttl) == "nothing"


def test_the_real_joins_disagree_and_the_words_say_so():
    widget = timeline(VALUES, 15, subject="resting pulse")
    assert [*widget.picked.values()] == ["d", "c", "b", "b"]
    assert widget.leaks == ["newest value", "as of event time"]
    assert widget.as_text().splitlines()[0] == "[timeline] resting pulse as of day 15"
    assert widget.as_text().splitlines()[-4:] == [
        "  newest value      83  from the future",
        "  as of event time  74  not recorded yet",
        "  as of both times  61  known by then",
        "  by brute force    61  known by then",
    ]


def test_every_move_is_answered_anew():
    widget = timeline(VALUES, 15)
    widget.observation = 20
    assert widget.leaks == ["newest value"]
    widget.ttl = 3.0
    assert widget.picked["as of both times"] is None
    assert widget.results[2]["verdict"] == "nothing"
    late = [row | ({"known": 24.0} if row["id"] == "c" else {}) for row in widget.values]
    widget.values = late
    widget.ttl = None
    assert widget.leaks == ["newest value", "as of event time"]


@pytest.mark.parametrize("observation", [1, 9.5, 15, 20, 29])
def test_newest_is_what_the_pipelines_leak_gives(observation):
    """`pit.latest`, asked at the end of the history."""
    end = DAY_0 + timedelta(days=22.5)
    found = pit.latest(asked_at(observation), history_of(VALUES), RULE, now=end)["value"][0].as_py()
    picked = Joins().newest(VALUES, observation, None)
    assert found == next(value.value for value in VALUES if value.id == picked)


def test_an_engine_of_ones_own_stands_below_ours():
    widget = timeline(VALUES, 15, more={"mine": lambda values, at, ttl: values[0].id})
    assert list(widget.picked)[-1] == "mine"
    assert widget.results[-1]["verdict"] == "known"


def test_an_engine_that_fails_says_so_in_its_row():
    def broken(values, at, ttl):
        raise ValueError("no such column")

    widget = PitTimeline(VALUES, observation=5, engines={"broken": broken})
    assert widget.results[0]["verdict"] == "error"
    assert "ValueError: no such column" in widget.as_text()
    assert widget.leaks == []


@pytest.mark.parametrize(
    ("values", "engines", "says"),
    [
        (VALUES, {}, "at least one engine"),
        ([VALUES[0], VALUES[0]], {"x": lambda *_: None}, "same id"),
        ([{"id": "a", "value": 1, "event": 2}], {"x": lambda *_: None}, "give id, value, event and known"),
    ],
)
def test_what_cannot_be_drawn_is_refused(values, engines, says):
    with pytest.raises(SettingsError, match=says):
        PitTimeline(values, observation=5, engines=engines)


PRESETS = [
    {"name": "before", "observation": 15, "says": "The late value is not recorded yet."},
    {"name": "after", "observation": 20, "ttl": 3.0, "values": VALUES[:2]},
]


def test_a_preset_sets_what_it_names_and_the_rest_as_at_the_start():
    asked = []
    widget = PitTimeline(
        VALUES, observation=5, engines={"x": lambda *question: asked.append(question)}, presets=PRESETS
    )
    widget.values = []
    widget.choose("before")
    assert (widget.observation, widget.ttl, len(widget.values)) == (15, None, 4)
    assert "  The late value is not recorded yet." in widget.as_text().splitlines()
    n = len(asked)
    widget.choose("after")
    assert (widget.observation, widget.ttl, len(widget.values), widget.says) == (20, 3.0, 2, "")
    assert len(asked) == n + 1  # once, though three things have changed


@pytest.mark.parametrize(
    ("presets", "says"),
    [
        ([{"observation": 3}], "needs a name of its own"),
        ([{"name": "a"}, {"name": "a"}], "needs a name of its own"),
        ([{"name": "a", "observaton": 3}], "has no 'observaton'"),
    ],
)
def test_a_preset_that_would_do_nothing_is_refused(presets, says):
    with pytest.raises(SettingsError, match=says):
        PitTimeline(VALUES, observation=5, engines={"x": lambda *_: None}, presets=presets)


def test_a_preset_that_is_not_there_is_refused():
    with pytest.raises(SettingsError, match="no preset 'late'"):
        PitTimeline(VALUES, observation=5, engines={"x": lambda *_: None}, presets=PRESETS).choose("late")
