"""Each of our own checkers finds a violation that is planted."""

from __future__ import annotations

import subprocess

import pytest

from scripts import check
from scripts.checks import ROOT, declared, order, pins, report, words

GOOD = """\
[project]
name = "toy"
dependencies = [
  "numpy>=1.26,<3",  # 1.26: first with 3.12
]
[project.optional-dependencies]
dev = [
  "pytest>=9",  # strict mode
]
all = ["toy[dev]"]
"""
PINS = "# a comment\nnumpy==2.4.6\npytest==9.2.0 ; python_version < '4'\n"


@pytest.mark.parametrize("checker", [declared, order, pins, words])
def test_our_own_repository_is_looked_at(checker):
    n_seen, _ = checker.look(ROOT)
    assert n_seen > 0


def test_report_counts_and_says_one_on_trouble(capsys):
    assert report("things", lambda _: (3, [])) == 0
    assert report("things", lambda _: (3, ["a.py:1: no"])) == 1
    out, err = capsys.readouterr()
    assert "3 things looked at, 1 in trouble" in out
    assert "a.py:1: no" in err


def test_a_checker_that_sees_nothing_fails(capsys):
    assert report("things", lambda _: (0, [])) == 1
    assert "wrong place" in capsys.readouterr().err


# -- words -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "line",
    [
        "cd {0}work/main",
        "wheels = '{0}opt/wheels'",
        "see {0}root/.cache",
        "open('{0}home/alice/x')",
        "{0}Users/bob/x",
        "pip install --extra-index-{1} x",
        "find-{2} = here",
        "uv = 'file:{0}{0}{0}x'",
    ],
)
def test_paths_and_registries_are_found(line):
    assert words.find(f"fine\n{line.format('/', 'url', 'links')}\n")[0][0] == 2


@pytest.mark.parametrize(
    "line",
    [
        "https://example.org/work/x",
        "./work/x",
        "a/root/b",
        "{home}/work/y",
        "docs/home/alice",
        "workbench/optics",
        "/opt",
    ],
)
def test_innocent_words_are_not(line):
    assert not words.find(line)


def test_only_tracked_text_is_read(tmp_path):
    subprocess.run(["git", "init", "-q", str(tmp_path)], check=True)
    for name in ("bad.txt", "untracked.txt", "picture.png"):
        (tmp_path / name).write_text("/" + "opt/wheels")
    subprocess.run(["git", "add", "bad.txt", "picture.png"], cwd=tmp_path, check=True)
    n_seen, troubles = words.look(tmp_path)
    assert n_seen == 1
    assert troubles == ["bad.txt:1: a path of one machine"]


# -- pins --------------------------------------------------------------------------------------------------------


@pytest.fixture
def toy(tmp_path):
    (tmp_path / "pyproject.toml").write_text(GOOD)
    (tmp_path / "constraints.txt").write_text(PINS)
    return tmp_path


def test_good_pins(toy):
    assert pins.look(toy) == (2, [])


@pytest.mark.parametrize(
    ("name", "old", "new", "trouble"),
    [
        ("constraints.txt", "numpy==2.4.6\n", "", "numpy has no pin"),
        ("constraints.txt", "2.4.6", "3.0", "does not admit its pin 3.0"),
        ("constraints.txt", "==2.4.6", ">=2.4.6", "not a plain pin"),
        ("constraints.txt", "numpy==2.4.6", "numpy @ https://example.org/n.whl", "not a pin"),
        ("constraints.txt", "numpy==2.4.6", "--index-url x", "not a pin"),
        ("constraints.txt", "numpy==2.4.6", "numpy==2.4.6,>1", "not a pin"),
        ("pyproject.toml", "  # strict mode", "", "pytest: the bound in pyproject.toml has no reason"),
        (
            "pyproject.toml",
            "# 1.26: first with 3.12",
            "#",
            "numpy: the bound in pyproject.toml has no reason",
        ),
    ],
)
def test_planted_pins(toy, name, old, new, trouble):
    text = (toy / name).read_text()
    assert old in text
    (toy / name).write_text(text.replace(old, new))
    assert any(trouble in line for line in pins.look(toy)[1])


# -- order -------------------------------------------------------------------------------------------------------


def room(root, order_line: str, *files: str) -> None:
    for name, line in (("workbench/stages", order_line), ("workbench/failures", "ORDER = ()")):
        (root / name).mkdir(parents=True)
        (root / name / "__init__.py").write_text(f"{line}\n")
    for name in files:
        (root / "workbench/stages" / f"{name}.py").write_text("")


def test_good_order(tmp_path):
    room(tmp_path, 'ORDER: Final = ("ingest", "clean")', "clean", "ingest", "_private")
    assert order.look(tmp_path) == (2, [])


@pytest.mark.parametrize(
    ("line", "trouble"),
    [
        ('ORDER = ("ingest",)', "clean.py is not in ORDER"),
        ('ORDER = ("ingest", "clean", "serve")', "there is no serve.py"),
        ('ORDER = ("ingest", "clean", "clean")', "clean stands twice"),
        ("x = 1", "ingest.py is not in ORDER"),
    ],
)
def test_planted_order(tmp_path, line, trouble):
    room(tmp_path, line, "ingest", "clean")
    assert any(trouble in found for found in order.look(tmp_path)[1])


# -- the runner --------------------------------------------------------------------------------------------------


def test_the_runner_shows_the_output_of_what_fails_only(monkeypatch, capsys):
    python = check.sys.executable
    commands = {"good": [python, "-c", "print('quiet')"], "bad": [python, "-c", "raise SystemExit('loud')"]}
    monkeypatch.setattr(check, "CHECKS", commands)
    assert check.main([]) == 1
    out, err = capsys.readouterr()
    assert "loud" in out
    assert "quiet" not in out
    assert "1 of 2 failed: bad" in err
    assert check.main(["good"]) == 0
    assert check.main(["nothing"]) == 2


# -- declared ----------------------------------------------------------------------------------------------------


def test_an_import_that_came_in_by_luck_is_found(toy):
    (toy / "workbench").mkdir()
    (toy / "workbench/a.py").write_text("import os\nimport numpy as np\nfrom workbench import b\n")
    assert declared.look(toy) == (1, [])
    (toy / "workbench/a.py").write_text("def f():\n    from yaml.nodes import Node\n    import numpy\n")
    assert declared.look(toy) == (2, ["workbench/a.py:2: yaml is not declared in pyproject.toml"])
