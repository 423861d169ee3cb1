"""What the pipeline guide tells a reader to type does what it says."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
GUIDE = (ROOT / "docs" / "PIPELINE_GUIDE.md").read_text(encoding="utf-8")


def block_with(words: str) -> str:
    """Return the one shell block of the guide that holds these words."""
    (found,) = [b for b in re.findall(r"^```sh\n(.*?)^```", GUIDE, re.MULTILINE | re.DOTALL) if words in b]
    return found


def run(script: str, folder: Path, environment: dict[str, str]) -> str:
    """Run a block as a reader would, with `workbench` on the path."""
    path = f"{Path(sys.executable).parent}{os.pathsep}{environment['PATH']}"
    done = subprocess.run(
        ["sh", "-euc", script],
        cwd=folder,
        env=environment | {"PATH": path},
        capture_output=True,
        text=True,
        timeout=280,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.mark.slow
def test_everything_but_raw_can_be_made_again(fresh_copy, tmp_path, subprocess_env):
    ws = fresh_copy("data/workspaces/default")
    dataset = next(ws.datasets.glob("dataset_v*_pit_*"))
    card = (dataset / "card.json").read_text()
    run(block_with("rm -r manifests/clean"), tmp_path, subprocess_env)
    assert (dataset / "card.json").read_text() == card


@pytest.mark.slow
def test_a_clone_reproduces(fresh_copy, tmp_path, subprocess_env):
    ws = fresh_copy("data/workspaces/default")
    (record,) = ws.runs.iterdir()
    script = block_with("git clone").replace("RUN", record.name[:8])
    assert "IDENTICAL" in run(script, tmp_path, subprocess_env)
