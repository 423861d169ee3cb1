"""A workspace is a git and DVC repository: clean after a run, readable as of a run, whole in a clone."""

from __future__ import annotations

import contextlib
import hashlib
import json
import logging
import os
import shutil
import stat
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from workbench.errors import WorkspaceError
from workbench.profiles import dvc_files, workspace
from workbench.profiles.dvc_files import PIPELINE
from workbench.profiles.history import History
from workbench.stages import ORDER

if TYPE_CHECKING:
    from pathlib import Path

pytest.importorskip("dvc")


def _fill(ws: workspace.Workspace, version: str = "one", run: str = "run1") -> None:
    """Leave files where the seven stages would."""
    for i in range(20):
        data = f"{i}".encode() * 50
        name = hashlib.sha256(data).hexdigest()
        path = ws.root / "raw" / "sha256" / name[:2] / f"{name}.jpg"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
    for out in (
        "manifests/raw",
        "manifests/reviews",
        "manifests/clean",
        "manifests/extract",
        "features/v",
        "datasets/d",
    ):
        path = ws.root / out / "manifest.json"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"{out} {version}")
    for path in (
        ws.runs / run / "run.json",
        ws.served / run / "manifest.json",
        ws.root / "verdicts" / f"{run}.json",
    ):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps({"run": run, "version": version}))


def _dvc(root: Path, *args: str) -> str:
    command = [sys.executable, "-m", "dvc", *args]
    env = {**os.environ, "DVC_NO_ANALYTICS": "1"}
    return subprocess.run(command, cwd=root, env=env, capture_output=True, text=True, check=True).stdout


def _clone(ws: workspace.Workspace, to: Path) -> workspace.Workspace:
    subprocess.run(["git", "clone", "--quiet", str(ws.root), str(to)], check=True, capture_output=True)
    return workspace.open_workspace(str(to))


@pytest.fixture
def ws(tmp_path: Path) -> workspace.Workspace:
    return workspace.create(str(tmp_path / "ws"))


@pytest.fixture
def filled(ws: workspace.Workspace) -> workspace.Workspace:
    _fill(ws)
    return ws


def test_pipeline_names_the_stages_in_order() -> None:
    assert tuple(PIPELINE) == ORDER
    outs = [out for tracked in PIPELINE.values() for out in tracked.outs]
    assert len(outs) == len(set(outs))


def test_params_are_settings(ws: workspace.Workspace) -> None:
    for tracked in PIPELINE.values():
        for key in tracked.params:
            assert hasattr(ws.settings, key)


def test_dvc_itself_sees_nothing_to_do(filled: workspace.Workspace) -> None:
    rev = History(filled).commit("all stages")

    assert rev is not None
    assert len(rev) == 40
    assert History(filled).status() == {}
    assert "up to date" in _dvc(filled.root, "status")
    repro = _dvc(filled.root, "repro")
    assert [f"Stage '{stage}' didn't change, skipping" in repro for stage in ORDER] == [True] * 7


def test_second_commit_changes_nothing(filled: workspace.Workspace) -> None:
    history = History(filled)
    assert history.commit("one") == history.commit("two")


def test_a_run_that_dvc_repro_made_is_not_recorded_yet(filled: workspace.Workspace) -> None:
    history = History(filled)
    history.commit("one")
    assert history.is_recorded()
    _fill(filled, "one", "run2")
    assert not history.is_recorded()
    history.commit("two")
    assert history.is_recorded()
    assert history.rev_of("run2") is not None


def test_a_change_is_seen_in_the_stage_that_made_it(filled: workspace.Workspace) -> None:
    History(filled).commit("one")
    (filled.manifests / "clean" / "manifest.json").write_text("edited")
    assert set(History(filled).status()) == {"clean", "extract", "dataset"}


def test_a_stage_that_did_not_run_again_stays_outdated(filled: workspace.Workspace) -> None:
    History(filled).commit("one")
    (filled.manifests / "raw" / "manifest.json").write_text("more captures")
    History(filled).commit("ingest alone", stages=("ingest",))
    assert set(History(filled).status()) == {"clean", "reproduce"}


def test_the_log_of_requests_is_no_version(filled: workspace.Workspace) -> None:
    History(filled).commit("one")
    log = filled.served / "log" / "part-0.parquet"
    log.parent.mkdir()
    log.write_bytes(b"a request")
    assert History(filled).status() == {}


def test_unfinished_workspace_is_committed_as_far_as_it_is(ws: workspace.Workspace) -> None:
    assert History(ws).commit("nothing yet") is not None
    (ws.root / "raw").mkdir()
    for name in ("raw", "reviews"):
        (ws.manifests / name).mkdir(parents=True)
        (ws.manifests / name / "manifest.json").write_text("{}")
    History(ws).commit("ingest")
    lock = (ws.root / "dvc.lock").read_text()
    assert "ingest:" in lock
    assert "clean:" not in lock


def test_time_travel_between_two_versions(filled: workspace.Workspace, tmp_path: Path) -> None:
    history = History(filled)
    first = history.commit("one")
    _fill(filled, "two", "run2")
    second = history.commit("two")

    assert history.rev_of("run1") == first
    assert history.rev_of("run2") == second
    assert history.rev_of("run3") is None
    old = history.restore("manifests/raw", "run-run1", tmp_path / "old")
    assert (old / "manifest.json").read_text() == "manifests/raw one"
    new = history.restore("manifests/raw/manifest.json", "run-run2", tmp_path / "new.json")
    assert new.read_text() == "manifests/raw two"
    assert (filled.manifests / "raw" / "manifest.json").read_text() == "manifests/raw two"
    with pytest.raises(WorkspaceError, match="not in the history"):
        history.restore("manifests/nothing", "run-run1", tmp_path / "x")
    with pytest.raises(WorkspaceError, match="no-such-rev"):
        history.restore("manifests/raw", "no-such-rev", tmp_path / "y")


def test_clone_reads_runs_from_git_and_the_rest_from_the_first_one(
    filled: workspace.Workspace, tmp_path: Path
) -> None:
    History(filled).commit("one")
    copy = _clone(filled, tmp_path / "copy")
    assert json.loads((copy.runs / "run1" / "run.json").read_text())["version"] == "one"
    assert not (copy.root / "raw").exists()

    assert History(copy).pull(["datasets"]) == 1
    assert not (copy.root / "raw").exists()
    assert History(copy).pull() > 20
    assert History(copy).status() == {}
    assert History(copy).pull() == 0
    assert (
        f'url = "{(filled.root / ".dvc" / "cache").as_posix()}"'
        in (copy.root / ".dvc" / "config").read_text()
    )
    History(copy).commit("in the copy")
    assert History(copy).status() == {}


def test_dvc_pull_works_in_a_clone(filled: workspace.Workspace, tmp_path: Path) -> None:
    History(filled).commit("one")
    copy = _clone(filled, tmp_path / "copy")
    _dvc(copy.root, "pull", "--quiet")
    assert len([p for p in (copy.root / "raw").rglob("*") if p.is_file()]) == 20


def test_clone_whose_origin_is_gone_says_so(filled: workspace.Workspace, tmp_path: Path) -> None:
    History(filled).commit("one")
    copy = _clone(filled, tmp_path / "copy")
    workspace.reset(str(filled.root))
    with pytest.raises(WorkspaceError):
        History(copy).pull()


def test_history_survives_bytes_changed_in_place(filled: workspace.Workspace, tmp_path: Path) -> None:
    History(filled).commit("one")
    victim = next(p for p in (filled.root / "raw").rglob("*") if p.is_file())
    before = victim.read_bytes()
    victim.chmod(0o600)
    victim.write_bytes(b"tampered")

    assert "ingest" in History(filled).status()
    back = History(filled).restore(filled.relative(victim), "HEAD", tmp_path / "back")
    assert back.read_bytes() == before


def test_without_git_there_are_versions_but_no_way_back(
    filled: workspace.Workspace, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    real = shutil.which
    monkeypatch.setattr(shutil, "which", lambda name, *a, **k: None if name == "git" else real(name, *a, **k))
    history = History(filled)
    assert history.commit("one") is None
    assert not (filled.root / ".git").exists()
    assert history.status() == {}
    assert history.rev_of("run1") is None
    with pytest.raises(WorkspaceError, match="git is not installed"):
        history.restore("manifests/raw", "HEAD", tmp_path / "x")

    monkeypatch.undo()  # git is installed later: from now on there is a history
    assert history.commit("two") is not None
    assert history.status() == {}


def test_the_users_git_settings_are_neither_read_nor_written(
    filled: workspace.Workspace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = tmp_path / "home"
    hooks = home / "hooks"
    hooks.mkdir(parents=True)
    hook = hooks / "pre-commit"
    hook.write_text("#!/bin/sh\nexit 1\n")
    hook.chmod(0o755)
    settings = f"[user]\nname = Somebody\nemail = somebody@example.org\n[commit]\ngpgsign = true\n[core]\nhooksPath = {hooks}\n"
    (home / ".gitconfig").write_text(settings)
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.setenv("GIT_AUTHOR_NAME", "Somebody")
    monkeypatch.setenv("GIT_INDEX_FILE", str(tmp_path / "index-of-another-repository"))

    assert History(filled).commit("one") is not None
    assert (home / ".gitconfig").read_text() == settings
    monkeypatch.delenv("GIT_INDEX_FILE")
    log = subprocess.run(
        ["git", "log", "--format=%an %ae"], cwd=filled.root, capture_output=True, text=True, check=True
    )
    assert "Somebody" not in log.stdout


def test_outer_repository_stays_clean(tmp_path: Path) -> None:
    outer = tmp_path / "project"
    outer.mkdir()
    subprocess.run(["git", "init", "--quiet", str(outer)], check=True)
    (outer / ".gitignore").write_text("data/workspaces/\n")
    inner = workspace.create(str(outer / "data" / "workspaces" / "alice"))
    _fill(inner)
    History(inner).commit("one")
    seen = subprocess.run(
        ["git", "status", "--porcelain"], cwd=outer, capture_output=True, text=True, check=True
    ).stdout
    assert seen.split() == ["??", ".gitignore"]


def test_nothing_is_printed_sent_or_left_outside(
    filled: workspace.Workspace,
    capfd: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:
    import dvc.analytics

    monkeypatch.setattr(
        dvc.analytics, "collect_and_send_report", lambda *a, **k: pytest.fail("analytics were sent")
    )
    level = logging.getLogger("dvc").level
    History(filled).commit("one")
    History(_clone(filled, tmp_path / "copy")).pull()

    out, err = capfd.readouterr()
    assert (out, err) == ("", "")
    assert logging.getLogger("dvc").level == level
    config = (filled.root / ".dvc" / "config").read_text()
    assert "analytics = false" in config
    assert (filled.root / ".dvc" / "tmp" / "site").is_dir()


def test_commit_inside_dvc_repro_leaves_it_to_dvc(
    filled: workspace.Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DVC_STAGE", "clean")
    assert History(filled).commit("one") is None
    assert not (filled.root / "dvc.lock").exists()


@pytest.mark.parametrize("left", ["", "schema: '2.0'\nstages:\n  - : [", "stages: {}\n"])
def test_what_a_killed_process_left_is_cleared_away(filled: workspace.Workspace, left: str) -> None:
    History(filled).commit("one")
    for path, text in (
        (filled.root / ".git" / "index.lock", ""),
        (filled.root / ".dvc" / "tmp" / "rwlock", '{"write": '),
        (filled.root / "dvc.lock", left),
    ):
        path.write_text(text)
        os.utime(path, (0, 0))
    (filled.manifests / "raw" / "manifest.json").write_text("more")
    assert History(filled).commit("two") is not None
    assert History(filled).status() == {}
    assert dvc_files.mend(filled.root) == []


def test_a_lock_file_of_git_at_work_is_left_alone(filled: workspace.Workspace) -> None:
    History(filled).commit("one")
    (filled.root / ".git" / "index.lock").write_text("")
    (filled.manifests / "raw" / "manifest.json").write_text("more")
    with pytest.raises(WorkspaceError, match="index.lock"):
        History(filled).commit("two")


@pytest.mark.parametrize("moment_s", [0.4, 0.9, 1.6])
def test_killed_at_any_moment_the_next_commit_is_whole(filled: workspace.Workspace, moment_s: float) -> None:
    code = (
        "import sys; from workbench.profiles.history import History; "
        "from workbench.profiles.workspace import open_workspace; print('begin', flush=True); "
        "History(open_workspace(sys.argv[1])).commit('killed')"
    )
    command = [sys.executable, "-c", code, str(filled.root)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as process:
        assert process.stdout is not None
        process.stdout.readline()
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(moment_s)
        process.kill()
    index = filled.root / ".git" / "index.lock"
    if index.exists():
        os.utime(index, (0, 0))
    assert History(filled).commit("again") is not None
    assert History(filled).status() == {}


def test_reset_deletes_write_protected_files(filled: workspace.Workspace) -> None:
    History(filled).commit("one")
    cached = [p for p in (filled.root / ".dvc" / "cache").rglob("*") if p.is_file()]
    assert cached
    assert not any(stat.S_IMODE(p.stat().st_mode) & stat.S_IWUSR for p in cached)
    workspace.reset(str(filled.root))
    assert not filled.root.exists()


def test_a_folder_with_odd_signs(tmp_path: Path) -> None:
    ws = workspace.create(str(tmp_path / "photos of Jürgen, #1"))
    _fill(ws)
    History(ws).commit("one")
    copy = _clone(ws, tmp_path / "copy")
    assert History(copy).pull() > 20
    assert (ws.root / ".dvc" / "tmp" / "site").is_dir()


def test_two_workspaces_share_nothing(tmp_path: Path) -> None:
    one, two = (workspace.create(str(tmp_path / name)) for name in ("one", "two"))
    _fill(one)
    History(one).commit("one")
    History(two).commit("two")
    assert not (two.root / "dvc.lock").exists()
    assert not list((two.root / ".dvc" / "cache").rglob("*.dir"))
