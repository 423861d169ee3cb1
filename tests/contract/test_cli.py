"""The verbs on a real workspace, each in a process of its own."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from typing import TYPE_CHECKING

import pytest

from workbench import errors
from workbench.manifests import read_header, read_table
from workbench.profiles.runs import Runs
from workbench.profiles.workspace import open_workspace
from workbench.stages import ORDER

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """Return a home with the workspace `default`, made by `workbench run`, and what that printed."""
    home = tmp_path_factory.mktemp("cli")
    return home, call(home, "run", "--size", "tiny")


def call(home: Path, *words: str, code: int = 0, **environment: str) -> subprocess.CompletedProcess[str]:
    env = os.environ | {"WORKBENCH_HOME": str(home), "COLUMNS": "160"} | environment
    argv = [sys.executable, "-m", "workbench", *words]
    done = subprocess.run(argv, env=env, cwd=home, capture_output=True, text=True, timeout=280, check=False)
    assert done.returncode == code, done.stdout + done.stderr
    return done


def digest(stdout: str, stage: str) -> str:
    return re.search(rf"\d {stage} +([0-9a-f]{{8}})", stdout).group(1)


def test_run_leaves_one_line_a_stage_and_nothing_on_stderr(made):
    home, done = made
    lines = [line for line in done.stdout.splitlines() if re.match(r"  [✓=] \d ", line)]
    assert [line.split()[2] for line in lines] == list(ORDER)
    assert "IDENTICAL" in done.stdout
    assert str(home / "default") in done.stdout
    assert done.stderr == ""


def test_a_second_run_makes_nothing_anew(made):
    home, first = made
    before = {p: p.stat().st_mtime_ns for p in (home / "default").glob("*/*/manifest.json")}
    again = call(home, "run")
    assert again.stdout.count("as it was") == len(ORDER)
    assert before == {p: p.stat().st_mtime_ns for p in before}
    assert all(digest(first.stdout, stage) == digest(again.stdout, stage) for stage in ORDER)
    assert again.stderr == ""


def test_status_draws_the_lineage_with_the_hashes_of_the_headers(made):
    home, _ = made
    drawn = call(home, "status").stdout
    ws = open_workspace(str(home / "default"))
    order = [drawn.index(read_header(ws.manifests / kind).digest[:8]) for kind in ("raw", "clean", "extract")]
    assert order == sorted(order)
    record = Runs(ws).record()
    assert f"{record.run_id[:8]}" in drawn
    assert record.dataset.content_hash[:8] in drawn
    assert "★ champion" in drawn
    reasons = read_header(ws.manifests / "clean").extra["reasons"]
    assert all(f"{n} {reason.replace('_', ' ')}" in drawn for reason, n in reasons.items())
    assert "stale" not in drawn


def test_predict_answers_with_provenance_and_refuses_an_unknown_id(made):
    home, _ = made
    ws = open_workspace(str(home / "default"))
    served = read_table(ws.served / Runs(ws).resolve()).to_pylist()[:2]
    ids = [row["item_id"] for row in served]
    answers = [
        json.loads(line) for line in call(home, "serve", "predict", *ids, "--json").stdout.splitlines()
    ]
    assert [a["item_id"] for a in answers] == ids
    # two rows and forty go through BLAS in another order: the last bit may differ
    assert [a["probability"] for a in answers] == pytest.approx([r["probability"] for r in served], abs=1e-12)
    assert answers[0]["provenance"]["run_id"] == Runs(ws).resolve()
    card = call(home, "serve", "predict", ids[0]).stdout
    assert served[0]["label"] in card
    assert Runs(ws).resolve() in card
    refused = call(home, "serve", "predict", "fruit-999999", code=errors.EntityNotFoundError.exit_code)
    assert "fruit-999999" in refused.stderr
    assert "Hint:" in refused.stderr


def test_the_leaky_twin_stands_beside_the_honest_one(made):
    home, _ = made
    call(home, "dataset", "--leaky")
    ws = open_workspace(str(home / "default"))
    leaky = json.loads((ws.datasets / "current.json").read_text())["leaky"]
    call(home, "train", "--dataset", leaky, "--alias", "leaky")
    call(home, "serve", "--run", "leaky")
    drawn = call(home, "status").stdout
    assert "latest value: leaky" in drawn
    assert "★ leaky" in drawn
    assert Runs(ws).aliases().keys() == {"champion", "leaky"}
    assert Runs(ws).record("champion").dataset.point_in_time


def test_reproduce_says_identical_and_notices_a_seed(made):
    home, _ = made
    run_id = Runs(open_workspace(str(home / "default"))).resolve()
    same = call(home, "reproduce", run_id[:8])
    assert "IDENTICAL" in same.stdout
    other = call(home, "reproduce", run_id, "--set", "seed=7", code=5)
    assert "DIFFERENT" in other.stdout
    assert "seed was 0, is 7" in other.stdout
    wrong = call(home, "reproduce", run_id, "--set", "seed", code=2)
    assert "--set seed=7" in wrong.stderr
    unknown = call(home, "reproduce", "abcdef12", code=errors.RunError.exit_code)
    assert "abcdef12" in unknown.stderr


def test_a_stage_without_its_input_names_the_verb_that_makes_it(made, tmp_path):
    call(tmp_path, "ingest", "--size", "tiny")
    refused = call(tmp_path, "extract", code=errors.StageOrderError.exit_code)
    assert "Hint: run `workbench clean` first" in refused.stderr


def test_two_workspaces_never_see_each_other_and_a_reset_takes_one(made):
    home, _ = made
    call(home, "-w", "other", "ingest", "--size", "tiny", "--seed", "5")
    one, two = call(home, "status").stdout, call(home, "status", "-w", "other").stdout
    assert "dataset" in one
    assert "dataset" not in two
    assert not set(re.findall(r"\b[0-9a-f]{8}\b", one)) & set(re.findall(r"\b[0-9a-f]{8}\b", two))
    learners = {open_workspace(str(home / name)).settings.learner_id for name in ("default", "other")}
    assert len(learners) == 2
    call(home, "reset", "-w", "other", "--yes")
    assert not (home / "other").exists()
    assert (home / "default").is_dir()


def test_reset_asks_first_and_deletes_nothing_that_is_not_a_workspace(made, tmp_path):
    home, _ = made
    call(home, "reset", code=130)  # no answer on stdin
    assert (home / "default").is_dir()
    (tmp_path / "photos").mkdir()
    call(tmp_path, "-w", "./photos", "reset", "--yes", code=errors.WorkspaceError.exit_code)
    assert (tmp_path / "photos").is_dir()


def test_another_world_is_refused_in_a_workspace_that_has_one(made):
    home, _ = made
    refused = call(home, "run", "--seed", "9", code=errors.WorkspaceError.exit_code)
    assert "seed 0" in refused.stderr
    assert "Hint:" in refused.stderr


def test_ctrl_c_in_a_stage_loses_nothing(tmp_path):
    env = os.environ | {"WORKBENCH_HOME": str(tmp_path)}
    argv = [sys.executable, "-m", "workbench", "ingest", "--size", "lesson"]
    process = subprocess.Popen(argv, env=env, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    deadline = time.monotonic() + 120
    while not list((tmp_path / "default" / "raw").rglob("*.jpg")) and time.monotonic() < deadline:
        time.sleep(0.05)
    process.send_signal(signal.SIGINT)
    _, said = process.communicate(timeout=60)
    assert process.returncode == 130
    assert said.strip() == "stopped; nothing is lost, run it again"
    assert "new" in call(tmp_path, "ingest").stdout


def test_http_answers_with_the_token_alone_and_stops_with_us(made):
    home, _ = made
    env = os.environ | {"WORKBENCH_HOME": str(home), "PYTHONUNBUFFERED": "1"}
    process = subprocess.Popen(
        [sys.executable, "-m", "workbench", "serve", "http"], env=env, stdout=subprocess.PIPE, text=True
    )
    try:
        said = ""
        while "curl" not in said:
            line = process.stdout.readline()
            assert line, "the server ended"
            said += line
        url = re.search(r"api +(http://127\.0\.0\.1:\d+)", said).group(1)
        token = re.search(r"token +(\S+)", said).group(1)
        request = urllib.request.Request(
            f"{url}/predict/fruit-000000", headers={"Authorization": f"Bearer {token}"}
        )
        with urllib.request.urlopen(request, timeout=30) as answer:
            assert json.load(answer)["item_id"] == "fruit-000000"
        with pytest.raises(urllib.error.HTTPError, match="401"):
            urllib.request.urlopen(f"{url}/predict/fruit-000000", timeout=30)
    finally:
        process.send_signal(signal.SIGINT)
        assert process.wait(30) in {0, 130}
        process.stdout.close()
