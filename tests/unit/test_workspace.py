"""Workspaces: made once, found again, never mixed, and nothing else is ever deleted."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from workbench.errors import SettingsError, WorkspaceError
from workbench.profiles import workspace
from workbench.profiles.workspace import TrainSettings, WorldSettings

TINY = WorldSettings(size="tiny")


# -- names -------------------------------------------------------------------------------------------------------


def test_a_bare_name_lies_below_the_folder_of_all_workspaces():
    assert workspace.resolve("alice") == workspace.workspaces_root() / "alice"
    assert workspace.workspaces_root() == Path(os.environ["WORKBENCH_HOME"])


def test_without_workbench_home_it_is_data_workspaces_here(tmp_path, monkeypatch):
    monkeypatch.delenv("WORKBENCH_HOME")
    monkeypatch.chdir(tmp_path)
    assert workspace.resolve() == tmp_path / "data" / "workspaces" / "default"


def test_a_path_is_a_path(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert workspace.resolve("./mine") == tmp_path / "mine"
    assert workspace.resolve(".") == tmp_path
    assert workspace.resolve(str(tmp_path / "With Blanks")) == tmp_path / "With Blanks"


@pytest.mark.parametrize(
    "name", ["", "..", "~", "Alice", "a b", "-a", "_a", "a\0b", "a" * 41, "ä", "a;rm", "con:", "a\n"]
)
def test_other_signs_in_a_bare_name_are_refused(name):
    with pytest.raises(SettingsError, match="is not a workspace name"):
        workspace.resolve(name)


# -- make, open, change ------------------------------------------------------------------------------------------


def test_made_and_opened_again():
    made = workspace.create("alice", world=TINY)
    assert workspace.exists("alice")
    assert workspace.open_workspace("alice") == made
    assert workspace.create("alice").settings.learner_id == made.settings.learner_id
    assert made.settings.learner_id.startswith("wb")
    assert len(made.settings.learner_id) == 10


def test_two_workspaces_have_nothing_in_common():
    alice, bob = workspace.create("alice"), workspace.create("bob")
    assert alice.settings.learner_id != bob.settings.learner_id
    assert alice.root != bob.root


def test_a_missing_one_is_an_error_with_a_hint():
    assert not workspace.exists("nobody")
    with pytest.raises(WorkspaceError, match="workbench run"):
        workspace.open_workspace("nobody")


def test_another_world_needs_another_name():
    workspace.create("alice", world=TINY)
    with pytest.raises(WorkspaceError, match="on another world"):
        workspace.create("alice", world=WorldSettings(size="tiny", seed=1))


def test_changes_are_written_and_comments_stay():
    ws = workspace.create("alice", world=TINY)
    path = ws.root / "workspace.toml"
    path.write_text("# my note\n" + path.read_text())
    changed = workspace.configure(ws, workers=3, train=TrainSettings(C=0.5))
    assert workspace.open_workspace("alice") == changed
    assert (changed.settings.workers, changed.settings.train.C) == (3, 0.5)
    assert path.read_text().startswith("# my note\n")


@pytest.mark.parametrize(
    "line",
    [
        "workers = ",
        "wurkers = 3",
        "[train]\nseeds = 3",
        'workers = "two"',
        "world = 3",
        "encoder = 1",
        "workers = true",
    ],
)
def test_a_wrong_line_is_named(line):
    ws = workspace.create("alice")
    path = ws.root / "workspace.toml"
    kept = [old for old in path.read_text().splitlines() if not old.startswith(("workers", "encoder"))]
    head, tables = "\n".join(kept).split("[world]", 1)
    text = f"{head}\n{line}\n" + ("" if line.startswith("world") else f"[world]{tables}".split("[train]")[0])
    path.write_text(text)
    with pytest.raises(SettingsError, match="workspace.toml"):
        workspace.open_workspace("alice")


def test_a_file_that_is_no_text_is_refused():
    ws = workspace.create("alice")
    (ws.root / "workspace.toml").write_bytes(b"\xff\xfe\0")
    with pytest.raises(SettingsError, match="cannot be read"):
        workspace.open_workspace("alice")


def test_a_whole_number_is_a_number():
    ws = workspace.create("alice")
    path = ws.root / "workspace.toml"
    path.write_text(path.read_text().replace("embargo_s = 3600.0", "embargo_s = 60"))
    assert workspace.open_workspace("alice").settings.embargo_s == 60


# -- other people's folders --------------------------------------------------------------------------------------


def test_a_folder_with_other_files_is_not_taken(tmp_path):
    (tmp_path / "thesis.tex").write_text("years of work")
    with pytest.raises(WorkspaceError, match="holds files"):
        workspace.create(str(tmp_path))
    assert [p.name for p in tmp_path.iterdir()] == ["thesis.tex"]


def test_a_file_is_not_a_workspace(tmp_path):
    (tmp_path / "file").write_text("text")
    with pytest.raises(WorkspaceError, match="is a file"):
        workspace.create(str(tmp_path / "file"))


def test_reset_deletes_workspaces_only(tmp_path):
    (tmp_path / "thesis.tex").write_text("years of work")
    with pytest.raises(WorkspaceError, match="there is no workspace"):
        workspace.reset(str(tmp_path))
    assert (tmp_path / "thesis.tex").exists()


def test_reset_deletes_write_protected_files_and_follows_no_link(tmp_path):
    treasure = tmp_path / "treasure"
    treasure.mkdir()
    (treasure / "gold").write_text("mine")
    ws = workspace.create(str(tmp_path / "ws"))
    (ws.root / "deep").mkdir()
    (ws.root / "deep" / "protected").write_text("kept by DVC")
    (ws.root / "deep" / "protected").chmod(0o400)
    (ws.root / "deep").chmod(0o500)
    (ws.root / "link").symlink_to(treasure)
    assert workspace.reset(str(ws.root)) == ws.root
    assert not ws.root.exists()
    assert (treasure / "gold").read_text() == "mine"


def test_a_workspace_that_is_gone_cannot_be_written():
    ws = workspace.create("alice")
    workspace.reset("alice")
    with pytest.raises(WorkspaceError, match="is gone"), ws.writing():
        pytest.fail("wrote into a deleted workspace")


# -- one writer --------------------------------------------------------------------------------------------------


def test_the_same_thread_may_enter_again_and_strays_are_swept_once(tmp_path):
    ws = workspace.create("alice")
    stray = ws.root / ".half.parquet.999999999.tmp"  # no system has so many processes
    stray.write_text("half")
    with ws.writing():
        assert not stray.exists()
        stray.write_text("being written by us")
        with ws.writing():
            assert stray.exists()


def test_patience_that_is_no_number_is_refused(monkeypatch):
    ws = workspace.create("alice")
    monkeypatch.setenv("WORKBENCH_WAIT_S", "soon")
    with pytest.raises(SettingsError, match="WORKBENCH_WAIT_S"), ws.writing():
        pytest.fail("entered")


_CREATE = """
import sys
from workbench.profiles.workspace import create
sys.stdin.read(1)
print(create(sys.argv[1]).settings.learner_id)
"""


def test_processes_that_make_one_workspace_at_once_agree(tmp_path, subprocess_env):
    """They start together; the learner id is made by one of them."""
    command = [sys.executable, "-c", _CREATE, str(tmp_path / "ws")]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True, "env": subprocess_env}
    processes = [subprocess.Popen(command, **pipes) for _ in range(4)]
    for process in processes:
        process.stdin.write("g")
        process.stdin.flush()
    ids = {process.communicate(timeout=60)[0].strip() for process in processes}
    assert ids == {workspace.open_workspace(str(tmp_path / "ws")).settings.learner_id}
