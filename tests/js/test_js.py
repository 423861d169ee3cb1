"""The widgets' JavaScript under `node --test`: pure functions, whole modules, and what Python says the same way."""

from __future__ import annotations

import json
import os
import random
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from workbench.lab import timeline
from workbench.lab.effects import read
from workbench.lab.truth import rows_of_effects
from workbench.widgets import ORDER, Predict, TruthMeter
from workbench.widgets.base import esm
from workbench.widgets.pit_timeline import WORDS, Value, judged
from workbench.widgets.truth_meter import verdict

HERE = Path(__file__).parent
ROOM = HERE.parents[1] / "workbench" / "widgets"
ENGINES = timeline.Joins().engines
GAPS = [(0.8, 0.59, 0.01, ""), (3.0, 5.0, 1.0, "fruit"), (0.59, 0.5904, 0.01, ""), (0.2, 0.1, 0.05, "points")]


def joins(n: int) -> list[dict]:
    """Return random small histories with what the real joins answer."""
    rng = random.Random(20250901)
    found = []
    for i in range(n):
        events = [rng.randrange(20) for _ in range(rng.randrange(5))]
        values = [Value(f"v{j}", 50.0 + j, event, event + rng.randrange(6)) for j, event in enumerate(events)]
        at, ttl = float(rng.randrange(20)), rng.choice([None, 2.0, 7.0])
        engines = (
            ENGINES if i % 4 == 0 else {"by brute force": ENGINES["by brute force"]}
        )  # DuckDB takes longer
        picked = {name: engine(values, at, ttl) for name, engine in engines.items()}
        of = {value.id: value for value in values}
        verdicts = {name: judged(of.get(pick), at, ttl) for name, pick in picked.items()}
        plain = [{name: getattr(value, name) for name in Value.__slots__} for value in values]
        found.append({"values": plain, "at": at, "ttl": ttl, "picked": picked, "verdicts": verdicts})
    return found


def gap_words(guess: float, answer: float, step: float, unit: str) -> str:
    """Return what Python says about a gap, without what it puts around it."""
    widget = Predict("?", answer=answer, low=0, high=10, step=step, unit=unit)
    widget.guess, widget.opened = guess, True
    return re.search(r"answer \S+(?: \w+)?, (?:the guess was )?(.*)", widget.as_text()).group(1)


@pytest.fixture(scope="module")
def environment(tmp_path_factory):
    """Return where node finds the modules as browsers get them, and Python's answers."""
    folder = tmp_path_factory.mktemp("js")
    modules = folder / "modules"
    modules.mkdir()
    for name in ORDER:
        (modules / f"{name}.mjs").write_text(esm(name), encoding="utf-8")
    meter = TruthMeter(rows_of_effects(read().to_pylist()))
    cases = {
        "verdicts": [{"row": row, "words": verdict(row)} for row in meter.rows],
        "joins": joins(240),
        "words": WORDS,
        "gaps": [
            dict(zip(("guess", "answer", "step", "unit", "words"), (*gap, gap_words(*gap)), strict=True))
            for gap in GAPS
        ],
    }
    (folder / "cases.json").write_text(json.dumps(cases), encoding="utf-8")
    return os.environ | {"WIDGET_MODULES": str(modules), "WIDGET_CASES": str(folder / "cases.json")}


def run(environment, *paths) -> subprocess.CompletedProcess[str]:
    if shutil.which("node") is None:
        pytest.skip("node is not installed: apt install nodejs")
    argv = ["node", "--test", *map(str, paths)]
    return subprocess.run(argv, env=environment, capture_output=True, text=True, check=False, timeout=240)


def counted(done: subprocess.CompletedProcess[str], what: str) -> int:
    return int(re.search(rf"^\S {what} (\d+)", done.stdout, re.MULTILINE).group(1))


def test_every_javascript_test_passes_and_none_is_skipped(environment):
    done = run(
        environment, *sorted(HERE.glob("*.test.js"))
    )  # a folder means one thing to node 20, another to 22
    assert done.returncode == 0, done.stdout + done.stderr
    assert counted(done, "pass") >= 40
    assert counted(done, "skipped") == 0


def test_a_broken_widget_is_found(environment, tmp_path):
    """Plant a name that the shared module has: as one module it cannot be read."""
    (tmp_path / "broken.mjs").write_text(esm("panel") + "\nconst clamp = 1;\n", encoding="utf-8")
    done = run(environment | {"WIDGET_MODULES": str(tmp_path)}, HERE / "modules.test.js")
    assert done.returncode != 0
    assert "clamp" in done.stdout


@pytest.mark.parametrize("name", ORDER)
def test_each_widget_with_functions_has_its_test(name):
    """A view only shows a text: it has no function of its own."""
    sources = "".join(path.read_text(encoding="utf-8") for path in (ROOM / name).glob("*.js"))
    exported = re.findall(r"^export (?:const|function) (\w+)", sources, re.MULTILINE)
    assert bool(exported) == (HERE / f"{name}.test.js").is_file()
