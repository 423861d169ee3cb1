"""Importing is cheap: the heavy libraries come in with the call that needs them."""

from __future__ import annotations

import importlib
import pkgutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

import workbench

ROOT = Path(__file__).resolve().parents[2]
LINT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["ruff"]["lint"]
BANNED = LINT["flake8-tidy-imports"]["banned-module-level-imports"]
MODULES = sorted(m.name for m in pkgutil.walk_packages(workbench.__path__, "workbench."))


def is_light(module: str) -> bool:
    """Return whether a module promises to import nothing heavy; those that do not, say so in line 1."""
    source = ROOT / f"{module.replace('.', '/')}.py"
    return not (
        source.is_file() and "ruff: noqa: TID253" in source.read_text(encoding="utf-8").splitlines()[0]
    )


INHERITS = ("workbench.profiles.feast_code",)
"""Feast loads it by its name; its base class is in a module that imports Feast."""
LIGHT = [m for m in MODULES if is_light(m) and m not in {"workbench.__main__", *INHERITS}]


def loaded_by(statement: str) -> set[str]:
    """Return the top-level packages in sys.modules after a statement, in a new interpreter."""
    code = f"{statement}\nimport sys\nprint(*sorted({{m.split('.')[0] for m in sys.modules}}))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return set(done.stdout.split())


def test_the_lists_are_not_empty():
    assert len(BANNED) > 10
    assert len(MODULES) > 20


@pytest.mark.parametrize("module", ["workbench", "workbench.cli"])
def test_nothing_heavy_comes_with(module):
    assert not loaded_by(f"import {module}") & {*BANNED, "numpy", "marimo", "anywidget"}


def test_nothing_heavy_comes_with_all_modules_together():
    """One interpreter for all of them: numpy is allowed here."""
    statement = "import " + ", ".join(LIGHT)
    assert not loaded_by(statement) & set(BANNED)


def test_the_probe_sees_what_is_loaded():
    """Else the tests above could not fail."""
    assert "duckdb" in loaded_by("import duckdb")


@pytest.mark.parametrize("module", LIGHT)
def test_every_module_can_be_imported(module):
    assert importlib.import_module(module).__doc__
