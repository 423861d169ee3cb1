"""A full disk and a read-only one: a sentence, nothing half-written, and the next run goes on."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from workbench.profiles.workspace import WorldSettings, create

DRIVER = Path(__file__).with_name("driver.py")


def in_own_mounts(script: str, env: dict[str, str]) -> subprocess.CompletedProcess[str]:
    """Run a shell script in a mount namespace of its own: what it mounts is gone with it."""
    command = ["unshare", "--map-root-user", "--mount", "sh", "-euc", script]
    return subprocess.run(command, env=env, capture_output=True, text=True, timeout=300, check=False)


@pytest.fixture(scope="module", autouse=True)
def _can_mount() -> None:
    if shutil.which("unshare") is None or in_own_mounts("mount -t tmpfs tmpfs /mnt", {}).returncode:
        pytest.skip("needs Linux user namespaces, to mount a small disk")


@pytest.mark.slow
@pytest.mark.parametrize("size_kb", [200, 700, 1500])
def test_a_full_disk_is_one_sentence_and_loses_nothing(
    size_kb: int, tmp_path: Path, subprocess_env: dict[str, str]
) -> None:
    """Fill it at three sizes, so at three moments; then go on with the same files on a larger disk."""
    ws = create(str(tmp_path / "ws"), world=WorldSettings(size="tiny")).root
    small, kept = tmp_path / "small", tmp_path / "kept"
    small.mkdir()
    driver = f"{sys.executable} {DRIVER}"
    result = in_own_mounts(
        f"mount -t tmpfs -o size={size_kb}k tmpfs {small}\n"
        f"cp -r {ws} {small}/ws\n"
        f"{driver} {small}/ws ingest clean extract dataset && code=0 || code=$?\n"
        f"cp -r {small}/ws {kept}\n"
        "exit $code",
        subprocess_env,
    )
    assert result.returncode != 0
    assert "DiskError" in result.stderr, result.stderr[-2000:]
    assert "disk is full" in result.stderr
    assert not [path for path in kept.rglob("*.parquet") if path.read_bytes()[-4:] != b"PAR1"]
    command = [sys.executable, str(DRIVER), str(kept), "ingest", "clean", "extract", "dataset"]
    again = subprocess.run(
        command, env=subprocess_env, capture_output=True, text=True, timeout=300, check=False
    )
    assert again.returncode == 0, again.stderr
    assert json.loads(again.stdout.splitlines()[-1])["dataset"]["digest"]


def test_a_read_only_disk_is_one_sentence(tmp_path: Path, subprocess_env: dict[str, str]) -> None:
    """No traceback of a library, but which folder and what to do."""
    ws = create(str(tmp_path / "ws"), world=WorldSettings(size="tiny")).root
    result = in_own_mounts(
        f"mount --bind {ws} {ws}\nmount -o remount,bind,ro {ws}\n{sys.executable} {DRIVER} {ws} ingest",
        subprocess_env,
    )
    assert result.returncode != 0
    assert "DiskError" in result.stderr, result.stderr[-2000:]
    assert str(ws) in result.stderr
