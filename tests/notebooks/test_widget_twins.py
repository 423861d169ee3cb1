"""A widget in a twin: stored as words, the same in each run, and nbval compares them."""

from __future__ import annotations

import copy
import os
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_notebook

from scripts.make_twins import KERNEL, executed, troubles, written
from workbench.widgets import Predict

HERE = Path(__file__).parent
CELLS = [
    "from workbench.lab import lesson\nfrom workbench.lab.timeline import timeline",
    "moments = lesson.live(timeline([{'id': 'a', 'value': 58, 'event': 2, 'known': 9}], 5.0))\nmoments",
    "lesson.Predict('How often?', answer=0.59)",
    "lesson.View(lambda widget: widget.leaks, moments)",
]
pytestmark = [pytest.mark.slow, pytest.mark.notebooks]


@pytest.fixture(scope="module")
def twin():
    notebook = new_notebook(cells=[new_code_cell(text, id=f"cell-{i:02d}") for i, text in enumerate(CELLS)])
    notebook.metadata = {"kernelspec": KERNEL}
    return executed(copy.deepcopy(notebook))


def test_what_is_stored_are_words_and_not_a_model_that_is_gone(twin):
    shown = [output["data"] for cell in twin.cells for output in cell.outputs]
    assert [[*data] for data in shown] == [["text/plain"]] * 3
    assert "not recorded yet" in shown[0]["text/plain"]
    assert shown[1]["text/plain"] == Predict("How often?", answer=0.59).as_text()
    assert shown[2]["text/plain"] == "['newest value', 'as of event time']"
    assert troubles(twin) == []


def test_nbval_compares_the_words(twin, tmp_path):
    def nbval(notebook) -> str:
        nbformat.write(notebook, tmp_path / "twin.ipynb")
        argv = [sys.executable, "-m", "pytest", "-q", "-c", str(HERE / "nbval.ini"), "--rootdir", str(tmp_path),
                "--nbval", "--nbval-sanitize-with", str(HERE / "sanitize.cfg"), str(tmp_path / "twin.ipynb")]  # fmt: skip
        done = subprocess.run(argv, env=os.environ, cwd=tmp_path, capture_output=True, text=True, check=False)
        return done.stdout.splitlines()[-1]

    assert "4 passed" in nbval(twin)
    wrong = nbformat.reads(written(twin).replace("not recorded yet", "known by then"), as_version=4)
    assert "1 failed, 3 passed" in nbval(wrong)
