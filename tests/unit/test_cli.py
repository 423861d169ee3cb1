"""The command line without a pipeline: help, usage, errors, the doctor, the import budget."""

from __future__ import annotations

import subprocess
import sys

import pytest

from workbench import errors
from workbench.cli import main
from workbench.cli.app import PANELS, STOPPED, _hoisted, app
from workbench.cli.doctor import Check, examine, plain, read_pins
from workbench.cli.screen import counted, say_error, stage_line
from workbench.records import StageReport
from workbench.stages import ORDER

BANNED = ("boto3", "duckdb", "dvc", "feast", "mlflow", "open_clip", "pandas", "pyarrow", "redis", "sklearn", "torch",
          "numpy", "PIL", "marimo", "rich.markdown", "rich.traceback", "fastapi", "plotly", "matplotlib")  # fmt: skip
VERBS = [verb for verbs in PANELS.values() for verb in verbs]


def names_of(group) -> set[str]:
    return {info.name or info.callback.__name__ for info in group.registered_commands} | {
        info.name for info in group.registered_groups
    }


def test_every_verb_stands_on_the_help_page_and_every_stage_is_a_verb(capsys):
    assert names_of(app) == set(VERBS)
    assert PANELS["The seven stages"] == ORDER
    assert main(["--help"]) == 0
    page = capsys.readouterr().out
    for title, verbs in PANELS.items():
        assert f"{title}:" in page
        assert all(f"  {verb} " in page for verb in verbs)


@pytest.mark.parametrize("words", [*([verb] for verb in VERBS), ["serve", "predict"], ["serve", "http"]])
def test_every_verb_has_help_in_whole_sentences(words, capsys):
    assert main([*words, "--help"]) == 0
    page = capsys.readouterr().out
    described = page.split("\n\n")[1].strip()
    assert described.endswith("."), described
    assert "--help" in page


def test_help_imports_nothing_heavy():
    probe = "import sys; from workbench.cli import main; main(['--help']); print(sorted(sys.modules), file=sys.stderr)"
    done = subprocess.run([sys.executable, "-c", probe], capture_output=True, text=True, check=True)
    loaded = {name.strip("'[] ") for name in done.stderr.split(",")}
    assert "workbench.cli.app" in loaded
    assert not {name for name in loaded if name in BANNED or name.partition(".")[0] in BANNED}


@pytest.mark.parametrize(
    ("given", "hoisted"),
    [
        (["status", "-w", "mine"], ["-w", "mine", "status"]),
        (["run", "--size", "tiny", "--workspace=mine"], ["--workspace=mine", "run", "--size", "tiny"]),
        (["--wait", "3", "clean"], ["--wait", "3", "clean"]),
        (["status", "-w"], ["-w", "status"]),
    ],
)
def test_workspace_and_wait_may_stand_last(given, hoisted):
    assert _hoisted(given) == hoisted


def test_an_unknown_verb_is_a_usage_error_with_a_suggestion(capsys):
    assert main(["statsu"]) == 2
    said = capsys.readouterr().err
    assert "statsu" in said
    assert "status" in said


@pytest.mark.parametrize(
    "verb", ["clean", "extract", "dataset", "train", "serve", "reproduce", "status", "reset"]
)
def test_a_verb_that_needs_a_workspace_says_so(verb, capsys):
    assert main(["-w", "nowhere", verb]) == errors.WorkspaceError.exit_code
    said = capsys.readouterr().err
    assert "there is no workspace at" in said
    assert "Hint: make one with `workbench run`" in said


@pytest.mark.parametrize(
    ("words", "code", "hint"),
    [
        (["-w", "Not A Name", "status"], 2, "small letters"),
        (["run", "--size", "huge"], 2, "tiny, lesson, large"),
        (["run", "--photos", ".", "--seed", "1"], 2, "--seed"),
        (["ingest", "--size", "tiny", "--until", "tomorrow"], 2, "2025-09-15"),
    ],
)
def test_wrong_settings_give_a_sentence_and_a_hint(words, code, hint, capsys):
    assert main(words) == code
    assert hint in capsys.readouterr().err.partition("Hint: ")[2]


@pytest.mark.parametrize("cls", errors._walk(errors.WorkbenchError), ids=lambda cls: cls.__name__)
def test_every_error_of_ours_is_printed_with_its_hint_and_ends_in_its_code(cls, capsys):
    assert say_error(cls("the [disk] is full", hint="free [some] space")) == cls.exit_code
    said = capsys.readouterr().err
    assert "the [disk] is full" in said  # brackets are text, not markup
    assert "Hint: free [some] space" in said
    assert "Traceback" not in said


def test_an_unforeseen_error_keeps_its_traceback_and_says_where_to_report(monkeypatch, capsys):
    def broken(*args, **kwargs):
        raise ZeroDivisionError("a fault of ours")

    monkeypatch.setattr("workbench.cli.doctor.examine", broken)
    assert main(["doctor"]) == 1
    said = capsys.readouterr().err
    assert "ZeroDivisionError: a fault of ours" in said
    assert "workbench doctor" in said.partition("report")[2]


def test_ctrl_c_ends_in_one_line(monkeypatch, capsys):
    def interrupted(*args, **kwargs):
        raise KeyboardInterrupt

    monkeypatch.setattr("workbench.cli.doctor.examine", interrupted)
    assert main(["doctor"]) == STOPPED
    assert capsys.readouterr().err.strip() == "stopped; nothing is lost, run it again"


def test_counts_are_said_in_a_fixed_order_and_zeros_are_left_out():
    assert counted({"reviews": 29, "total_raw": 1512, "new": 0}) == "1,512 raw · 29 reviews"
    assert counted({"test": 2, "train": 5, "validation": 3}) == "5 train · 3 validation · 2 test"
    assert counted({}) == "nothing"


def test_a_stage_leaves_one_line_and_many_counts_go_below():
    counts = {"total_raw": 9, "total_clean": 4, "total_quarantined": 5, "empty": 2, "truncated": 3}
    first, second = stage_line(StageReport("clean", counts, "abcdef0123"), 1.25).plain.splitlines()
    assert first.split() == [
        "✓",
        "2",
        "clean",
        "abcdef01",
        "1.2",
        "s",
        "9",
        "raw",
        "·",
        "4",
        "clean",
        "·",
        "5",
        "quarantined",
    ]
    assert second.strip() == "2 empty · 3 truncated"
    again = stage_line(StageReport("clean", {"total_raw": 9}, "abcdef0123", skipped=True), 0.1).plain
    assert "as it was" in again


def test_the_doctor_is_well_here_and_looks_at_what_matters():
    checks = {check.name: check for check in examine()}
    assert {"python", "packages", "folder", "disk", "loopback", "encoder", "git"} <= set(checks)
    for check in checks.values():
        assert check.ok or not check.needed, check
        assert check.ok or check.hint or check.name == "template", check


def test_the_doctor_speaks_without_our_packages(monkeypatch, capsys):
    monkeypatch.setitem(sys.modules, "workbench.cli.app", None)  # as if typer were missing
    assert main(["doctor"]) == 0
    assert "python" in capsys.readouterr().out
    assert main(["status"]) == errors.MissingExtraError.exit_code
    assert "pip install" in capsys.readouterr().err


def test_the_doctor_finds_trouble(monkeypatch, tmp_path):
    (tmp_path / "file").write_text("")
    monkeypatch.setattr("workbench.cli.doctor.SPACE_BYTES", 1 << 62)
    monkeypatch.setattr("workbench.cli.doctor.OLDEST", (4, 0))
    failing = {check.name for check in examine() if not check.ok and check.needed}
    assert {"python", "disk"} <= failing


def test_plain_lines_carry_the_hint_of_what_failed():
    lines = plain(
        [Check("disk", False, "0.1 GiB free", "make room"), Check("git", False, "not found", needed=False)]
    )
    assert lines.splitlines() == [
        "FAIL  disk       0.1 GiB free",
        f"      {'':<10} Hint: make room",
        "miss  git        not found",
    ]


def test_pins_that_differ_by_platform_are_left_to_the_installer(tmp_path):
    path = tmp_path / "constraints.txt"
    path.write_text(
        "# made\nA_b==1.0\nnumpy==1.26 ; python_version < '3.12'\nnumpy==2.4 ; python_version >= '3.12'\n"
    )
    assert read_pins(path) == {"a-b": "1.0"}
    assert read_pins(tmp_path / "none") == {}
