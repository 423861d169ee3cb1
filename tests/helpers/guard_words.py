"""Run `workbench guard` as a program would, and read what it says."""

from __future__ import annotations

import json

import pytest

from workbench.cli.app import run_app


def guard(capsys, *words, code):
    """Run a verb with --json; return what it says."""
    assert run_app(["guard", *map(str, words), "--json"]) == code
    out = capsys.readouterr()
    assert out.err == ""
    return json.loads(out.out, parse_constant=pytest.fail)


def words_of(said):
    """Return what each guard says; the last one of a name."""
    return {finding["guard"]: finding["word"] for finding in said["findings"]}
