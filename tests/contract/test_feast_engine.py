"""Feast on the timeline answers as Feast does: by event time alone, or by both where it is told."""

from __future__ import annotations

from pathlib import Path

import pytest

from workbench.lab.feast_engine import FeastEngine
from workbench.lab.timeline import Joins, timeline
from workbench.widgets.pit_timeline import Value

pytestmark = pytest.mark.slow
VALUES = [Value("a", 58, 2.5, 3), Value("b", 61, 9, 10.5), Value("c", 74, 12.5, 18), Value("d", 83, 23, 24)]


def test_feast_leaks_by_default_and_not_when_it_is_told():
    joins, plain, told = Joins(), FeastEngine(), FeastEngine(known_at=True)
    moved = [*VALUES[:2], Value("c", 74, 8, 26), VALUES[3]]
    for values, moment in [(VALUES, 1), (VALUES, 15), (VALUES, 20), (moved, 10), (moved, 27)]:
        assert plain(values, moment, None) == joins.as_of_event_time(values, moment, None)
        assert told(values, moment, None) == joins.as_of_both_times(values, moment, None)
    assert plain([], 5, None) is None
    home = Path(plain._home)
    assert home.is_dir()
    del plain
    assert not home.exists()


def test_it_stands_in_its_row_beside_ours():
    widget = timeline(VALUES, 15, more={"Feast as it comes": FeastEngine()})
    assert widget.leaks == ["newest value", "as of event time", "Feast as it comes"]
