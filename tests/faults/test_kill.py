"""kill -9 in each stage, at moments drawn by lot: the next run reaches the same dataset."""

from __future__ import annotations

import json
import random
import shutil
import signal
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

from workbench.manifests import read_header, read_table
from workbench.profiles.workspace import WorldSettings, create, open_workspace
from workbench.stages import ORDER

DRIVER = Path(__file__).with_name("driver.py")
STAGES = tuple(stage for stage in ORDER if stage != "reproduce")  # it writes only to its scratch folder


def drive(ws: Path, *stages: str, kill_at: int = 0, env: dict[str, str]) -> subprocess.CompletedProcess[str]:
    """Run stages in a process of their own."""
    command = [sys.executable, str(DRIVER), str(ws), *stages]
    env = env | {"KILL_AT": str(kill_at)}
    return subprocess.run(command, env=env, capture_output=True, text=True, timeout=300, check=False)


@dataclass(frozen=True)
class Reference:
    """An undisturbed run: the workspace before each stage, and what each stage did."""

    before: dict[str, Path]
    did: dict[str, dict[str, object]]
    dataset_hash: str


def dataset_hash(ws: Path) -> str:
    """Return the content hash of the present honest dataset."""
    current = json.loads((ws / "datasets" / "current.json").read_text())["honest"]
    return json.loads((ws / "datasets" / current / "card.json").read_text())["content_hash"]


@pytest.fixture(scope="module")
def reference(tmp_path_factory: pytest.TempPathFactory, subprocess_env: dict[str, str]) -> Reference:
    """Run the stages one by one, and keep a copy of the workspace before each."""
    root = tmp_path_factory.mktemp("kill")
    ws = create(str(root / "whole"), world=WorldSettings(size="tiny")).root
    before, did = {}, {}
    for stage in STAGES:
        before[stage] = Path(shutil.copytree(ws, root / f"before-{stage}"))
        result = drive(ws, stage, env=subprocess_env)
        assert result.returncode == 0, result.stderr
        did |= json.loads(result.stdout.splitlines()[-1])
    return Reference(before, did, dataset_hash(ws))


@pytest.mark.slow
@pytest.mark.parametrize("stage", STAGES)
def test_a_killed_stage_is_taken_up_again(
    stage: str, reference: Reference, tmp_path: Path, subprocess_env: dict[str, str]
) -> None:
    """Two deaths in a row, then a whole run: the same dataset, and nothing half-written."""
    ws = Path(shutil.copytree(reference.before[stage], tmp_path / "ws"))
    n = int(reference.did[stage]["renames"])
    assert n >= 2, f"{stage} renamed {n} files: the test would kill nothing"
    dice = random.Random(stage)
    for kill_at in (dice.randint(1, n), dice.randint(1, 2)):
        killed = drive(ws, stage, kill_at=kill_at, env=subprocess_env)
        assert killed.returncode == -signal.SIGKILL, f"not killed at {kill_at} of {n}: {killed.stderr}"
    rest = STAGES[STAGES.index(stage) :]
    result = drive(ws, *rest, env=subprocess_env)
    assert result.returncode == 0, result.stderr
    assert dataset_hash(ws) == reference.dataset_hash
    assert not list(ws.rglob(".*.tmp"))
    did = json.loads(result.stdout.splitlines()[-1])
    for name in {"ingest", "clean", "extract", "dataset"} & set(rest):
        assert did[name]["digest"] == reference.did[name]["digest"], name
    assert_whole(ws)


def assert_whole(root: Path) -> None:
    """Check every manifest against its parts, and every raw row against its object."""
    ws = open_workspace(str(root))
    for kind in ("raw", "reviews", "clean", "extract"):
        assert read_table(ws.manifests / kind).num_rows == read_header(ws.manifests / kind).rows
    raw = read_table(ws.manifests / "raw", ["uri", "image_id"]).to_pylist()
    assert all((root / row["uri"]).is_file() for row in raw)
    assert len({row["image_id"] for row in raw}) == len(raw)
