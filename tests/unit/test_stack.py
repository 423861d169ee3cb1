"""Profiles and their secrets; what `up`, `down` and `env` do before and after the servers run."""

from __future__ import annotations

import json
import logging
import multiprocessing.reduction
import os
import stat
import subprocess
import sys
import traceback
from dataclasses import asdict

import pytest

from workbench.cli import main, programs
from workbench.cli import stack as local_stack
from workbench.cli.stack import Process, born, processes, write_private
from workbench.errors import MissingExtraError, SettingsError, StackError
from workbench.profiles import workspace
from workbench.profiles.buckets import authorization
from workbench.profiles.settings import Settings, dump, load
from workbench.profiles.stack import (
    S3Place,
    Secret,
    is_here,
    now_here,
    read_settings,
    settings_file,
    stack,
    stack_home,
    stack_of,
)

LINES = {
    "WB_S3_ENDPOINT": "http://127.0.0.1:9000/",
    "WB_S3_KEY": "wbkey",
    "WB_S3_SECRET": "s3-hidden-word",
    "WB_REDIS_ADDRESS": "127.0.0.1:6379",
    "WB_REDIS_PASSWORD": "redis-hidden-word",
    "WB_MLFLOW_URL": "http://127.0.0.1:5000",
}
HIDDEN = ("s3-hidden-word", "redis-hidden-word")


@pytest.fixture
def here(tmp_path, monkeypatch):
    """Stand in an empty folder, without a word of the machine's own."""
    monkeypatch.chdir(tmp_path)
    for name in [*os.environ]:
        if name.startswith("WB_"):
            monkeypatch.delenv(name)
    return tmp_path


# -- profiles ------------------------------------------------------------------------------------------


def test_embedded_has_no_server_and_reads_no_file(here, monkeypatch):
    monkeypatch.setenv("WB_S3_SECRET", "x")
    places = stack("embedded")
    assert (places.objects, places.online, places.runs) == (None, None, None)


def test_the_environment_wins_over_the_file(here):
    write_private(settings_file("local"), "".join(f"{k}={v}\n" for k, v in LINES.items()))
    assert stack("local").objects == S3Place(
        "http://127.0.0.1:9000", "raw", "wbkey", Secret("s3-hidden-word")
    )
    other = stack(
        "local", environment={"WB_S3_BUCKET": "mine", "WB_REDIS_ADDRESS": "online:7000", "PATH": "x"}
    )
    assert other.objects.bucket == "mine"
    assert (other.online.host, other.online.port) == ("online", 7000)


def test_the_files_are_two_and_one_can_be_named(here, monkeypatch):
    assert settings_file("local") == stack_home() / "stack.env"
    (here / "docker-compose.yml").touch()
    (here / "deep").mkdir()
    monkeypatch.chdir(here / "deep")
    assert settings_file("compose") == here / ".env"
    monkeypatch.setenv("WB_FILE", str(here / "mine.env"))
    assert settings_file("local") == settings_file("compose") == here / "mine.env"


def test_lines_of_others_are_not_read(tmp_path):
    path = tmp_path / ".env"
    path.write_text('# WB_A=1\nOTHER=2\nWB_B="with blank"\nexport WB_C=4\nWB_D = a=b \n')
    assert read_settings(path) == {"WB_B": "with blank", "WB_C": "4", "WB_D": "a=b"}
    assert read_settings(tmp_path / "none") == {}


@pytest.mark.parametrize("profile", ["local", "compose"])
def test_a_stack_that_nobody_started_is_named(here, profile):
    with pytest.raises(StackError, match="has no WB_S3_ENDPOINT") as caught:
        stack(profile)
    assert {"local": "workbench up", "compose": "docker compose"}[profile] in caught.value.hint


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("WB_S3_ENDPOINT", "file:///etc/passwd"),
        ("WB_MLFLOW_URL", "s3-hidden-word"),
        ("WB_REDIS_ADDRESS", "redis-hidden-word"),
    ],
)
def test_what_is_no_address_is_refused_and_not_told(here, name, value):
    with pytest.raises(SettingsError, match=f"{name} is no address") as caught:
        stack("local", environment=LINES | {name: value})
    assert value not in str(caught.value)


def test_there_are_three_profiles(here):
    with pytest.raises(SettingsError, match="no profile 'cloud'"):
        stack("cloud")
    with pytest.raises(SettingsError, match="no profile 'cloud'"):
        workspace.in_profile(workspace.create("a"), "cloud")
    assert main(["--profile", "cloud", "run"]) == SettingsError.exit_code
    (workspace.resolve("a") / "workspace.toml").write_text('learner_id = "wb00000000"\nprofile = "cloud"\n')
    with pytest.raises(SettingsError, match="no profile 'cloud'"):
        workspace.open_workspace("a")


def test_an_embedded_workspace_does_not_know_that_there_are_profiles(here):
    ws = workspace.create("a")
    before = (ws.root / "workspace.toml").read_bytes()
    assert b"profile" not in before
    assert "profile" not in ws.settings.to_dict()
    local = workspace.in_profile(ws, "local")
    assert 'profile = "local"' in (ws.root / "workspace.toml").read_text()
    assert workspace.open_workspace("a").settings == local.settings
    workspace.in_profile(local, "embedded")
    assert (ws.root / "workspace.toml").read_bytes() == before


def test_the_profile_stands_before_the_tables(tmp_path):
    text = dump(Settings("wb00000000", profile="local"), dump(Settings("wb00000000")))
    (tmp_path / "workspace.toml").write_text(text)
    assert load(tmp_path / "workspace.toml").profile == "local"


def test_what_lies_elsewhere_is_not_here(here, monkeypatch):
    """After a switch, and after the servers' data were thrown away, the stages put things there again."""
    ws = workspace.create("a")
    assert is_here(ws, "objects")
    now_here(ws, "objects")
    assert not ws.cache.exists(), "a purely embedded workspace needs no note"
    for name, value in (LINES | {"WB_STACK_ID": "one"}).items():
        monkeypatch.setenv(name, value)
    ws = workspace.in_profile(ws, "local")
    assert not is_here(ws, "objects")
    now_here(ws, "objects")
    assert is_here(ws, "objects")
    assert not is_here(ws, "features")
    monkeypatch.setenv("WB_STACK_ID", "two")
    assert not is_here(ws, "objects")
    assert not is_here(workspace.in_profile(ws, "embedded"), "objects")


# -- secrets ---------------------------------------------------------------------------------------------


def test_a_secret_shows_nowhere(here, monkeypatch, caplog, capsys):
    for name, value in LINES.items():
        monkeypatch.setenv(name, value)
    ws = workspace.create("a", profile="local")
    places = stack_of(ws)
    shown = [repr(places), str(places), f"{places.objects.secret:>40}", str(asdict(places)), repr(ws)]
    logging.getLogger("x").warning("%s %r", places, places.online)
    print(places)  # noqa: T201
    shown.append("".join(traceback.format_exception(StackError(f"no server at {places}"))))
    shown += [caplog.text, capsys.readouterr().out, json.dumps(ws.settings.to_dict()), dump(ws.settings)]
    assert not [text for text in shown for hidden in HIDDEN if hidden in text]
    assert places.online.password.reveal() == "redis-hidden-word"


def test_a_secret_is_not_written_or_sent(here):
    secret = Secret("s3-hidden-word")
    for write in (json.dumps, multiprocessing.reduction.ForkingPickler.dumps):
        with pytest.raises(TypeError) as caught:
            write(secret)
        assert "hidden" not in str(caught.value)
    assert secret == Secret("s3-hidden-word") != Secret("other")
    assert not Secret("")


# -- the signature, against AWS's own example ------------------------------------------------------------


def test_the_signature_is_the_one_of_the_manual():
    """Amazon S3 API reference, "Authenticating Requests: Using the Authorization Header", GET Bucket Lifecycle."""
    place = S3Place(
        "https://x",
        "examplebucket",
        "AKIAIOSFODNN7EXAMPLE",
        Secret("wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"),
    )
    nothing = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
    headers = {
        "host": "examplebucket.s3.amazonaws.com",
        "x-amz-content-sha256": nothing,
        "x-amz-date": "20130524T000000Z",
    }
    said = authorization(place, "GET", "/", "lifecycle=", headers)
    assert said.endswith("Signature=fea454ca298b7da1c68078a5d1bdbfbbe0d65c699e0f91ac7a200a0136783543")
    assert "SignedHeaders=host;x-amz-content-sha256;x-amz-date" in said


# -- up and down, without servers ------------------------------------------------------------------------


def test_windows_is_told_what_to_do(monkeypatch):
    monkeypatch.setattr(programs.sys, "platform", "win32")
    with pytest.raises(MissingExtraError, match="does not run on Windows") as caught:
        local_stack.up(print)
    assert "docker compose" in caught.value.hint


@pytest.mark.parametrize(("program", "word"), [("weed", "SeaweedFS"), ("valkey", "Valkey")])
def test_a_missing_program_is_named(monkeypatch, program, word, here):
    monkeypatch.setattr(programs.shutil, "which", lambda name: None)
    monkeypatch.setattr(programs.sys, "executable", str(here / "python"))
    monkeypatch.setattr(programs, "find_spec", lambda name: None)
    with pytest.raises(MissingExtraError, match=f"{word} .* is not installed") as caught:
        getattr(programs, program)()
    assert "stack" in caught.value.hint


def test_ports_come_in_pairs_and_are_free():
    ports = programs.paired_ports(5)
    assert len(set(ports)) == 5
    assert all(programs.is_free(port) and programs.is_free(port + programs.SECOND_PORT) for port in ports)


def test_a_process_is_known_by_when_it_was_started():
    child = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    since = born(child.pid)
    assert Process("x", child.pid, since).lives
    assert not Process("x", child.pid, "another start").lives, "its number was given to somebody else"
    child.communicate(b"\n")
    assert not Process("x", child.pid, since).lives
    assert born(child.pid) == ""


@pytest.mark.parametrize("text", ["", "{", "[]", '{"processes": [{"pid": 1}]}', '{"processes": 3}'])
def test_a_state_file_that_is_none(here, text):
    stack_home().mkdir(parents=True)
    (stack_home() / "state.json").write_text(text)
    assert processes() == []
    assert main(["up", "--status"]) == 1
    assert main(["down"]) == 0


def test_a_stale_state_file_ends_nobody(here):
    """The number of a dead server belongs to somebody else now: us."""
    stale = [asdict(Process("objectstore", os.getpid(), "long ago", "http://127.0.0.1:1"))]
    stack_home().mkdir(parents=True)
    (stack_home() / "state.json").write_text(json.dumps({"processes": stale}))
    assert main(["up", "--status"]) == 1
    said = []
    assert local_stack.down(said.append) is False
    assert said == ["  nothing is up"]
    assert processes() == []


def test_status_and_down_without_a_stack(here, capsys):
    assert main(["up", "--status"]) == 1
    assert capsys.readouterr().out.count("is not up") == 3
    assert main(["--profile", "embedded", "up"]) == SettingsError.exit_code


# -- env -------------------------------------------------------------------------------------------------


def test_env_writes_secrets_once_for_us_alone(here, capsys):
    assert main(["env"]) == 0
    path = here / ".env"
    first = path.read_text()
    assert stat.S_IMODE(path.stat().st_mode) == 0o600 or os.name == "nt"
    values = read_settings(path)
    hidden = [values[n] for n in ("WB_S3_SECRET", "WB_REDIS_PASSWORD", "WB_MARIMO_TOKEN")]
    assert all(len(word) >= 32 for word in hidden)
    assert not [word for word in hidden if word in capsys.readouterr().out]
    assert main(["env"]) == SettingsError.exit_code
    assert path.read_text() == first
    assert main(["env", "--force"]) == 0
    assert read_settings(path)["WB_S3_SECRET"] != hidden[0]
    places = stack("compose", environment={})
    assert places.objects.endpoint == "http://127.0.0.1:9000"
