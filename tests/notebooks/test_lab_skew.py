"""The lab of training-serving skew: one screen, few cells, and it runs."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

LAB = Path(__file__).resolve().parents[2] / "notebooks" / "labs" / "skew.py"


def test_it_is_one_screen_of_few_cells():
    source = LAB.read_text(encoding="utf-8")
    assert 0 < source.count("@app.cell") <= 8
    assert 'width="full"' in source
    assert (LAB.parent / "projector.css").is_file()


def test_marimo_finds_nothing_to_warn_about():
    argv = [sys.executable, "-m", "marimo", "check", "--strict", str(LAB)]
    done = subprocess.run(argv, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.slow
@pytest.mark.notebooks
def test_it_runs_as_a_script(tmp_path):
    env = os.environ | {"WORKBENCH_HOME": str(tmp_path)}
    done = subprocess.run([sys.executable, str(LAB)], env=env, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.count("asked on both sides: ") == 4
    assert "Traceback" not in done.stderr
