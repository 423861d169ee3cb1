"""The labs: small marimo files for an audience, that run as scripts too."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

from workbench.failures import load
from workbench.lab.stories import leakage_lab, pit_lab

LABS = Path(__file__).resolve().parents[2] / "notebooks" / "labs"
MAX_CELLS = 8
every_lab = pytest.mark.parametrize("source", sorted(LABS.glob("[a-z]*.py")), ids=lambda path: path.stem)


def test_there_are_labs():
    assert {"pit", "leakage", "skew", "reproduce"} == {path.stem for path in LABS.glob("*.py")}


@every_lab
def test_a_lab_is_one_short_page_with_a_sentence_about_itself(source):
    text = source.read_text(encoding="utf-8")
    assert 2 <= text.count("@app.cell") <= MAX_CELLS
    assert ast.get_docstring(ast.parse(text))
    assert 'width="full"' in text
    assert "EXERCISES" not in text


@every_lab
def test_marimo_finds_nothing_to_warn_about(source):
    argv = [sys.executable, "-m", "marimo", "check", "--strict", str(source)]
    done = subprocess.run(argv, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.slow
@pytest.mark.notebooks
@every_lab
def test_a_lab_runs_as_a_script(source, run):
    done = run([sys.executable, str(source)])
    assert done.returncode == 0, done.stdout + done.stderr
    assert "Traceback" not in done.stderr


def test_the_bars_follow_the_timeline():
    widget = pit_lab.moments()
    beside = pit_lab.prices(widget)
    told = dict.fromkeys(one["name"] for one in widget.presets)
    for name in told:
        widget.choose(name)
        told[name] = [engine for engine in pit_lab.TOLD if f"{engine}: leaks" in beside.words]
        assert told[name] == [engine for engine in pit_lab.TOLD if engine in widget.leaks]
    assert [*told.values()] == [
        ["newest value"],
        ["newest value", "as of event time"],
        ["newest value", "as of event time"],
        ["newest value", "as of event time"],
        [],
    ]
    assert "inflated by" not in beside.words
    widget.observation = 15
    assert beside.words.count("inflated by") == 2


def test_the_leakage_story_has_measured_moments_and_one_harmless_control():
    meter = leakage_lab.meter()
    beside = leakage_lab.catalogue_card(meter)
    verdicts = {}
    for preset in meter.presets:
        for name in ("failure", "strength", "cured", "seed"):
            setattr(meter, name, preset[name])
        assert meter.says == preset["says"]
        verdicts[preset["failure"]] = meter.verdict
        assert load(preset["failure"]).title in beside.words
    assert verdicts.pop("scaler_before_split") == "not shown at this size"
    assert verdicts.pop("lucky_seed") == "not shown at this size"
    assert all(said.startswith("inflated by") for said in verdicts.values())
    assert "none needed" in str(leakage_lab.family())
