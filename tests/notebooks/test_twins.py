"""Lessons and their JupyterLab twins: the same story, it runs, and it shows what it should."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output

from scripts.make_twins import TWINS, differences, exported, lessons, troubles, written
from workbench.clock import utc_now

ROOT = Path(__file__).resolve().parents[2]
HERE = Path(__file__).parent
MAX_CELLS, MAX_LINES, MAX_DEF_LINES = 25, 20, 10
FORBIDDEN = re.compile(
    r"\bmo\.(ui|callout|hstack|vstack|accordion|tabs|stat|sql|as_html|status)\b|ipywidgets|\.show\(\)"
)
"""What draws nothing in JupyterLab, or silently takes `display` away from what comes after it."""

every_lesson = pytest.mark.parametrize(
    "source",
    lessons(),
    ids=lambda path: path.stem,
)
"""In one home: what one lesson prepares, the others find."""


def in_full(source: Path) -> bool:
    """Return whether it is this lesson's day: each kernel imports for ten seconds, so one lesson a day runs four times."""
    return lessons().index(source) == utc_now().toordinal() % len(lessons())


def twin(source: Path):
    return nbformat.read(TWINS / f"{source.stem}.ipynb", as_version=4)


def test_every_twin_has_its_lesson_and_every_lesson_its_twin():
    assert {path.stem for path in TWINS.glob("*.ipynb")} == {path.stem for path in lessons()}


@every_lesson
def test_the_twin_is_of_this_very_lesson(source):
    """Compare the sources cell by cell; `make_twins --check` compares the outputs, too."""
    now, stored = exported(source), twin(source)
    assert [cell.source for cell in stored.cells] == [cell.source for cell in now.cells], "run `make twins`"
    assert stored.metadata.workbench.generated == f"do not edit: edit ../{source.name}, then `make twins`"
    assert [cell.id for cell in stored.cells] == [f"cell-{i:02d}" for i in range(len(stored.cells))]


@every_lesson
def test_the_stored_twin_shows_what_it_should(source):
    assert troubles(twin(source)) == []


@every_lesson
def test_a_lesson_is_short_and_speaks_the_common_vocabulary(source):
    notebook = twin(source)
    code = [cell.source for cell in notebook.cells if cell.cell_type == "code"]
    assert len(notebook.cells) <= MAX_CELLS
    assert max(len(text.splitlines()) for text in code) <= MAX_LINES
    assert not FORBIDDEN.search(source.read_text(encoding="utf-8"))
    said = "\n".join(cell.source for cell in notebook.cells)
    assert re.findall(r"\b(?:simply|just|obviously)\b", said, re.IGNORECASE) == []
    for text in code:
        for node in ast.walk(ast.parse(text)):
            if isinstance(node, ast.FunctionDef):
                assert node.end_lineno - node.lineno < MAX_DEF_LINES


@every_lesson
def test_marimo_finds_nothing_to_warn_about(source):
    argv = [sys.executable, "-m", "marimo", "check", "--strict", str(source)]
    done = subprocess.run(argv, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.slow
@pytest.mark.notebooks
@every_lesson
def test_every_cell_of_the_twin_gives_what_is_stored(source, tmp_path, run):
    """Run nbval, strict; on the lesson's day again in the same home, and the lesson as a script.

    `marimo check` and `marimo export` both pass a notebook whose cell raises: only running tells.
    """
    argv = [sys.executable, "-m", "pytest", "-q", "-c", str(HERE / "nbval.ini"), "--rootdir", str(tmp_path),
            "--nbval", "--nbval-sanitize-with", str(HERE / "sanitize.cfg"), "--nbval-cell-timeout", "240",
            str(TWINS / f"{source.stem}.ipynb")]  # fmt: skip
    for again in (False, True) if in_full(source) else (False,):
        done = run(argv, tmp_path)
        assert done.returncode == 0, f"again={again}\n{done.stdout}{done.stderr}"
        n_code = sum(cell.cell_type == "code" for cell in twin(source).cells)
        assert f"{n_code} passed" in done.stdout
    if in_full(source):
        done = run([sys.executable, str(source)])
        assert done.returncode == 0, done.stdout + done.stderr
        assert "Traceback" not in done.stderr


# -- the checker itself, with planted faults ---------------------------------------------------------------------


def shown(source: str, **data: str):
    output = new_output("execute_result", data=data or {"text/plain": "42"}, execution_count=1)
    return new_code_cell(source, id="cell-00", outputs=[output])


def test_a_sound_notebook_passes():
    assert troubles(new_notebook(cells=[new_markdown_cell("# hi"), shown("6 * 7")])) == []
    assert troubles(new_notebook(cells=[shown("6 * 7"), new_code_cell("x = 1", id="cell-01")])) == []


@pytest.mark.parametrize(
    ("cell", "says"),
    [
        (new_code_cell("chart", id="cell-00"), "ends in an expression and shows nothing"),
        (shown("chart", **{"text/html": "  "}), "shows nothing"),
        (shown("chart", **{"text/plain": "None"}), "shows nothing"),
        (new_code_cell("x = 1", id="cell-00"), "the notebook shows nothing at all"),
        (
            new_code_cell("x", id="cell-00", outputs=[new_output("error", ename="NameError", evalue="x")]),
            "NameError: x",
        ),
        (
            new_code_cell(
                "x = 1", id="cell-00", outputs=[new_output("stream", name="stderr", text="warned")]
            ),
            "writes to stderr: warned",
        ),
    ],
)
def test_a_planted_fault_is_found(cell, says):
    assert any(says in sentence for sentence in troubles(new_notebook(cells=[cell])))


def test_an_empty_notebook_is_found():
    assert troubles(new_notebook(cells=[new_markdown_cell("# hi")])) == ["the notebook shows nothing at all"]


def test_differences_see_a_number_and_overlook_the_bytes_of_a_picture():
    one = written(
        new_notebook(cells=[shown("x", **{"text/html": "<img src='data:image/jpeg;base64,AAAA'> 0.83"})])
    )
    assert differences(one, one.replace("AAAA", "BBBB")) == []
    assert differences(one, one.replace("0.83", "0.84"))
    assert differences("", one)
