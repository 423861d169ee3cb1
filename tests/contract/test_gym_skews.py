"""Parity names the shape of each skew of the gym, on one honest run whose answers are skewed afterwards."""

from __future__ import annotations

import os
import re
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from workbench.failures import load
from workbench.lab import watch_tables
from workbench.lab.bench import prepare, run_with

if TYPE_CHECKING:
    from workbench.lab.bench import Outcome

pytestmark = pytest.mark.slow
SHAPES = {
    ("window_mismatch", 7): "visits_30d differs .*window: holds visits_7d",
    ("window_mismatch", 14): "visits_30d differs .*window: behaves like a shorter window",
    ("window_mismatch", 60): "visits_30d differs .*window: behaves like a longer window",
    ("unit_mismatch", 1): "days_since_visit differs .*unit: x 24",
    ("unit_mismatch", 0.1): "days_since_visit differs .*unit: x 24",
    ("missing_becomes_zero", 14): "days_since_visit differs .*default: null became 0",
    ("stale_store", 7): "tenure_days differs .*stale: holds the values of an earlier time",
    ("stale_store", 56): "tenure_days differs .*stale: holds the values of an earlier time",
    ("swapped_columns", 1): "visits_7d differs .*swap: holds visits_90d",
    ("swapped_columns", 0.25): "visits_7d differs .*swap: holds visits_90d",
    ("refit_scaler", 1): "differs in .*other",
    ("timezone_shift", 8): "evening_share differs",
}


@pytest.fixture(scope="module")
def honest(tmp_path_factory: pytest.TempPathFactory) -> Outcome:
    """Return a run of the tiny gym."""
    before = os.environ["WORKBENCH_HOME"]
    os.environ["WORKBENCH_HOME"] = str(tmp_path_factory.mktemp("bench"))
    made = run_with(prepare("gym", size="tiny"))
    os.environ["WORKBENCH_HOME"] = before
    return made


@pytest.mark.parametrize(("name", "strength"), SHAPES)
def test_the_sentence_names_the_shape(name: str, strength: float, honest: Outcome) -> None:
    skewed = replace(honest, seams=load(name).inject(strength))
    finding = watch_tables.TABLE_GUARDS["parity"](skewed)
    assert finding.fired
    assert re.search(SHAPES[name, strength], finding.sentence), finding.sentence


@pytest.mark.parametrize("name", ["missing_becomes_zero", "window_mismatch"])
def test_the_cure_is_silent_and_asks_for_no_earlier_time(
    name: str, honest: Outcome, monkeypatch: pytest.MonkeyPatch
) -> None:
    def asked(*_: object) -> None:
        pytest.fail("nothing differs: nothing can be stale")

    monkeypatch.setattr(watch_tables, "_earlier", asked)
    cured = replace(honest, seams=load(name).cure(14))
    assert watch_tables.TABLE_GUARDS["parity"](cured).word == "silent"


def test_a_store_of_a_week_ago_is_as_fresh_as_the_job_promises(honest: Outcome) -> None:
    words = {}
    for days in (7, 14):
        skewed = replace(honest, seams=load("stale_store").inject(days))
        words[days] = watch_tables.TABLE_GUARDS["freshness"](skewed).fired
    assert words == {7: False, 14: True}
