"""The lab of lesson 7: small, sound, and it runs as a script; its verdict is that of the real stage."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from workbench.guards.verdict import Outcome, Reason, judge
from workbench.lab.stories.reproduce_lab import Again, verdict_card

LAB = Path(__file__).resolve().parents[2] / "notebooks" / "labs" / "reproduce.py"
MAX_CELLS = 8


def test_it_is_small_and_marimo_finds_nothing_to_warn_about():
    assert 1 <= len(re.findall(r"^@app\.", LAB.read_text(encoding="utf-8"), re.MULTILINE)) <= MAX_CELLS
    argv = [sys.executable, "-m", "marimo", "check", "--strict", str(LAB)]
    done = subprocess.run(argv, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.slow
@pytest.mark.notebooks
def test_it_runs_as_a_script(tmp_path):
    env = os.environ | {"WORKBENCH_HOME": str(tmp_path)}
    done = subprocess.run([sys.executable, str(LAB)], env=env, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "Traceback" not in done.stderr


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
