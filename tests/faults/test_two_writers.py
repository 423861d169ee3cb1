"""Two processes on one workspace: one waits, or is refused with a sentence."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest

from workbench.errors import WorkspaceBusyError
from workbench.profiles.workspace import WorldSettings, create, open_workspace

DRIVER = Path(__file__).with_name("driver.py")


@pytest.mark.slow
def test_two_runs_at_once_end_in_one_dataset(tmp_path: Path, subprocess_env: dict[str, str]) -> None:
    """Both finish, one after the other; the second finds the work done."""
    ws = create(str(tmp_path / "ws"), world=WorldSettings(size="tiny")).root
    command = [sys.executable, str(DRIVER), str(ws), "ingest", "clean", "extract", "dataset"]
    env = subprocess_env | {"WORKBENCH_WAIT_S": "240"}
    both = [
        subprocess.Popen(command, env=env, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        for _ in range(2)
    ]
    outputs = [process.communicate(timeout=300) for process in both]
    assert [process.returncode for process in both] == [0, 0], outputs
    did = [json.loads(out.splitlines()[-1]) for out, _ in outputs]
    for stage in ("ingest", "clean", "extract", "dataset"):
        assert did[0][stage]["digest"] == did[1][stage]["digest"]
        assert sum(not d[stage]["skipped"] for d in did) == 1, f"{stage} was worked twice"


def test_a_second_writer_is_refused_with_the_pid_of_the_first(
    tmp_path: Path, subprocess_env: dict[str, str]
) -> None:
    """The sentence names who holds the workspace, and nothing is changed."""
    ws = create(str(tmp_path / "ws"))
    code = (
        "import sys, time\n"
        "from workbench.profiles.workspace import open_workspace\n"
        "with open_workspace(sys.argv[1]).writing():\n"
        "    print('held', flush=True)\n"
        "    sys.stdin.read()\n"
    )
    holder = subprocess.Popen(
        [sys.executable, "-c", code, str(ws.root)],
        env=subprocess_env,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "held\n"
        with pytest.raises(WorkspaceBusyError, match=f"process {holder.pid} since"), ws.writing(wait_s=0.1):
            pytest.fail("two writers at once")
    finally:
        holder.communicate(timeout=30)
    with ws.writing(wait_s=5):
        pass


def test_the_lock_of_a_killed_process_is_free(tmp_path: Path, subprocess_env: dict[str, str]) -> None:
    """The system drops the lock with the process, however it ended."""
    ws = create(str(tmp_path / "ws"))
    code = (
        "import os, signal, sys\n"
        "from workbench.profiles.workspace import open_workspace\n"
        "with open_workspace(sys.argv[1]).writing():\n"
        "    os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    subprocess.run([sys.executable, "-c", code, str(ws.root)], env=subprocess_env, check=False, timeout=60)
    begin = time.monotonic()
    with ws.writing(wait_s=30):
        assert time.monotonic() - begin < 30
        assert json.loads((ws.root / ".lock-holder.json").read_text())["pid"] == os.getpid()


def test_a_deleted_workspace_is_reported(tmp_path: Path) -> None:
    """A kernel that still holds a workspace whose folder is gone gets a sentence, not a stack of OSErrors."""
    ws = create(str(tmp_path / "ws"))
    shutil.rmtree(ws.root)
    with pytest.raises(Exception, match="is gone"), ws.writing():
        pytest.fail("wrote to nowhere")
    with pytest.raises(Exception, match="there is no workspace"):
        open_workspace(str(tmp_path / "ws"))
