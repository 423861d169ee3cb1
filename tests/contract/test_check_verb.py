"""`workbench check` on real files: what passes, what does not yet, what cannot be judged, what never ends."""

from __future__ import annotations

import importlib
import inspect
import json
import textwrap

import pytest
from nbformat import v4, write

from workbench.cli import main
from workbench.errors import SettingsError
from workbench.lab import check
from workbench.lab.course import COURSE, lesson_card
from workbench.lab.progress import Progress, when
from workbench.profiles.workspace import workspaces_root

CARD = lesson_card("00")
SOLVED = inspect.getsource(importlib.import_module("tests.helpers.solutions.lesson_00"))
WRAPPED = """
import marimo

app = marimo.App()

@app.cell
def _():
    raise RuntimeError("nothing else of this file is run")

"""


def source_of(name: str) -> str:
    return inspect.getsource(getattr(importlib.import_module("tests.helpers.solutions.lesson_00"), name))


def marimo_file(folder, **other: str):
    """Write a marimo file with the solutions, some of them replaced."""
    parts = []
    for exercise in CARD.exercises():
        body = other.get(exercise.function, source_of(exercise.function))
        parts.append(f"@app.function\n{textwrap.dedent(body)}" if body else "")
    path = folder / "lesson.py"
    path.write_text(WRAPPED + "\n\n".join(parts))
    return path


@pytest.fixture
def asked(capsys):
    """Ask for JSON; return exit code and answer."""

    def ask(path, *options: str):
        code = main(["check", "00", "--file", str(path), "--json", *options])
        return code, json.loads(capsys.readouterr().out)

    return ask


def test_solutions_pass_and_progress_is_kept(tmp_path, asked):
    code, answer = asked(marimo_file(tmp_path))
    assert code == 0
    assert answer["passed"]
    assert [one["function"] for one in answer["exercises"]] == [e.function for e in CARD.exercises()]
    kept = Progress(workspaces_root(), "default").read()["00"]
    assert (len(kept["solved"]), kept["of"]) == (4, 4)


def test_a_function_in_a_cell_of_its_own_is_found(tmp_path, asked):
    """Marimo writes it that way where the function uses a name of another cell."""
    path = marimo_file(tmp_path, late_rows="")
    nested = textwrap.indent(source_of("late_rows"), "    ")
    path.write_text(path.read_text() + f"\n\n@app.cell\ndef _(other):\n{nested}    return (late_rows,)\n")
    assert asked(path)[0] == 0


def test_not_yet_says_what_came_back_and_gives_the_next_hint(tmp_path, asked, capsys):
    wrong = "def as_of(photos, decision):\n    return max(photos, key=lambda photo: photo['taken'])['name']\n"
    path = marimo_file(
        tmp_path,
        as_of=wrong,
        constant_accuracy="def constant_accuracy(labels):\n    raise NotImplementedError\n",
    )
    code, answer = asked(path)
    assert code == 1
    found = {one["function"]: one for one in answer["exercises"]}
    says = " ".join(case["says"] for case in found["as_of"]["cases"])
    assert "gave 'bench', expected 'line'" in says
    assert "what team B joined" in says
    assert {case["says"] for case in found["constant_accuracy"]["cases"]} == {"not written yet"}
    shown = [asked(path, "--hint")[1]["exercises"][2]["hints"] for _ in range(5)]
    assert [len(hints) for hints in shown] == [1, 2, 3, 3, 3]
    assert main(["check", "00", "--file", str(path)]) == 1
    text = capsys.readouterr().out
    assert "2 of 4 exercises passed" in text
    assert "not written yet" in text


def test_what_never_ends_or_ends_the_process_is_ended_and_the_rest_is_judged(tmp_path, asked, monkeypatch):
    monkeypatch.setattr(check, "LIMIT_S", 2.0)
    path = marimo_file(
        tmp_path,
        late_rows="def late_rows(rows):\n    while True:\n        pass\n",
        known_then="def known_then(photo, decision):\n    import os\n    os._exit(0)\n",
        as_of="def as_of(photos, decision):\n    raise SystemExit('bye')\n",
    )
    code, answer = asked(path)
    assert code == 1
    first, second, third, last = answer["exercises"]
    assert "did not end within 2 s" in first["cases"][0]["says"]
    assert "ended the process" in second["cases"][0]["says"]
    assert "SystemExit: bye" in third["cases"][0]["says"]
    assert last["passed"]


def test_what_it_prints_is_thrown_away_and_what_it_lacks_is_named(tmp_path, asked):
    path = marimo_file(
        tmp_path,
        late_rows="def late_rows(rows):\n    print('{}')\n    return sum(r['taken'] > r['decided'] for r in rows)\n",
        as_of="def as_of(photos, decision):\n    return known_then(photos[0], decision)\n",
        constant_accuracy="def constant_accuracy(labels, by=numpy):\n    return 1\n",
    )
    first, _, third, last = asked(path)[1]["exercises"]
    assert first["passed"]
    assert "known_then" in third["cases"][0]["says"]
    assert "runs this function alone" in third["cases"][0]["says"]
    assert "NameError" in last["cases"][0]["says"]


def notebook(path, *cells: str) -> None:
    write(v4.new_notebook(cells=[v4.new_code_cell(cell) for cell in cells]), path)


def test_a_jupyter_notebook_counts_its_last_definition_and_overlooks_other_cells(tmp_path, asked):
    path = tmp_path / "lesson.ipynb"
    notebook(path, "def late_rows(rows):\n    return 0", "%pip list\nthis is no Python", SOLVED)
    assert asked(path)[0] == 0


@pytest.mark.parametrize(
    ("cells", "said"),
    [
        (["x = 1"], "there is no function late_rows"),
        (["def late_rows(rows):\n    return ("], "late_rows is no Python yet"),
        (["def late_rows(rows):\n    return ("], "cell 1, line 2"),
    ],
)
def test_what_cannot_be_judged_is_an_error_with_a_hint(tmp_path, capsys, cells, said):
    notebook(tmp_path / "lesson.ipynb", *cells)
    assert main(["check", "00", "--file", str(tmp_path / "lesson.ipynb")]) == SettingsError.exit_code == 2
    err = capsys.readouterr().err
    assert said in err
    assert "Hint: " in err


@pytest.mark.parametrize(
    ("name", "text", "said"),
    [
        ("a.ipynb", "{}", "is no notebook"),
        (
            "a.py",
            "app._unparsable_cell('''\ndef late_rows(rows):\n  return (\n''')",
            "late_rows is no Python yet",
        ),
        ("a.py", "def late_rows(rows:\n", "late_rows is no Python yet"),
        ("none.py", None, "cannot be read"),
    ],
)
def test_files_that_are_broken(tmp_path, capsys, name, text, said):
    if text is not None:
        (tmp_path / name).write_text(text)
    assert main(["check", "00", "--file", str(tmp_path / name)]) == 2
    assert said in capsys.readouterr().err


def test_the_file_that_was_saved_last_is_judged(tmp_path):
    import os

    one, two = tmp_path / f"{CARD.file}.py", tmp_path / "jupyter" / f"{CARD.file}.ipynb"
    two.parent.mkdir()
    for path, at in ((one, 100), (two, 200)):
        path.write_text("")
        os.utime(path, (at, at))
    assert check.newest_file(CARD, tmp_path) == two
    os.utime(one, (300, 300))
    assert check.newest_file(CARD, tmp_path) == one
    two.unlink()
    one.unlink()
    with pytest.raises(SettingsError, match="there is no"):
        check.newest_file(CARD, tmp_path)


@pytest.mark.parametrize("card", COURSE, ids=lambda card: card.number)
def test_every_lesson_can_be_judged_as_it_is_shipped(card):
    from workbench.cli.start import notebooks_folder

    for path in (
        notebooks_folder() / f"{card.file}.py",
        notebooks_folder() / "jupyter" / f"{card.file}.ipynb",
    ):
        outcomes = check.check_lesson(card, path)
        assert len(outcomes) >= 4
        assert outcomes[0].passed  # the worked example
        assert not any(one.passed for one in outcomes[1:])


def test_progress_that_cannot_be_read_is_empty_and_is_written_anew(tmp_path):
    progress = Progress(tmp_path, "mine")
    progress.path.parent.mkdir()
    for text in ("", "[]", '{"lessons": 3}', '{"lessons": {"00": 4}}'):
        progress.path.write_text(text)
        assert progress.read() == {}
    progress.opened("00")
    assert when(progress.read()["00"]["opened"]) == "today"
    assert when("no time") == ""
