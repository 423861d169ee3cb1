"""scripts/install.py: when it does nothing, where torch comes from, and what it says."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from scripts import install

PROJECT = {
    "name": "toy",
    "dependencies": ["numpy"],
    "optional-dependencies": {"clip": ["torch"], "dev": ["pytest"], "more": ["x"], "all": ["toy[clip,more]"]},
}


class _Index(BaseHTTPRequestHandler):
    """A package index: /ok answers, /missing has nothing, /slow never answers."""

    gate = threading.Event()

    def do_GET(self) -> None:
        if self.path.startswith("/slow/"):
            self.gate.wait(30)
        self.send_response(200 if self.path == "/ok/torch/" else 404)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_args: object) -> None:
        """Keep silent."""


@pytest.fixture(scope="module")
def index():
    _Index.gate.clear()
    with ThreadingHTTPServer(("127.0.0.1", 0), _Index) as server:
        server.daemon_threads = True
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        _Index.gate.set()
        server.shutdown()


@pytest.fixture(autouse=True)
def _no_proxy(monkeypatch):
    for name in ("http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)


# -- where torch comes from --------------------------------------------------------------------------------------


def test_an_index_that_answers(index):
    assert install.answers(f"{index}/ok")


def test_an_index_without_torch_does_not_count(index):
    assert not install.answers(f"{index}/missing")


def test_an_index_that_keeps_silent_costs_no_more_than_our_patience(index):
    begin = time.monotonic()
    assert not install.answers(f"{index}/slow", patience_s=0.5)
    assert time.monotonic() - begin < 2


def test_a_closed_port_and_nonsense_do_not_count():
    assert not install.answers("http://127.0.0.1:9")
    assert not install.answers("nonsense")


def test_we_wait_three_seconds():
    assert install.PATIENCE_S == 3.0


@pytest.mark.parametrize(
    ("platform", "nvidia", "path", "first"),
    [
        ("linux", False, "ok", "cpu"),
        ("linux", False, "missing", "pip"),
        ("linux", True, "ok", "pip"),
        ("darwin", False, "ok", "pip"),
        ("win32", False, "ok", "pip"),
    ],
)
def test_which_torch(monkeypatch, index, platform, nvidia, path, first):
    monkeypatch.setattr(install, "has_nvidia", lambda: nvidia)
    sources = install.torch_sources(platform, f"{index}/{path}")
    assert sources[0] == (["--index-url", f"{index}/{path}"] if first == "cpu" else [])
    assert sources[-1] == []  # what pip finds is always the last resort


# -- what is run -------------------------------------------------------------------------------------------------


class _Runs:
    """Record commands instead of running them; those that hold a word of `broken` fail."""

    def __init__(self, broken: tuple[str, ...] = ()) -> None:
        self.commands: list[list[str]] = []
        self.broken = broken

    def __call__(self, command: list[str]) -> bool:
        self.commands.append(command)
        return not any(word in command for word in self.broken)


@pytest.fixture
def runs(monkeypatch):
    def use(*broken: str, sources: list[list[str]] | None = None) -> _Runs:
        recorder = _Runs(broken)
        monkeypatch.setattr(install, "run", recorder)
        monkeypatch.setattr(install, "torch_sources", lambda: sources or [[]])
        return recorder

    return use


def test_torch_first_by_pip_then_the_rest_by_uv(runs):
    recorder = runs()
    assert install.install(install.Path("python"), {"all"}) == "uv"
    torch, uv, rest = recorder.commands
    assert [word.split("==")[0] for word in torch[-2:]] == ["torch", "torchvision"]
    assert "--no-deps" in torch
    assert uv[-1].startswith("uv==")
    assert rest[1:5] == ["-m", "uv", "pip", "install"]
    assert rest[-4:] == ["-c", "constraints.txt", "-e", ".[all]"]


def test_torch_and_torchvision_come_from_the_same_place(runs):
    recorder = runs("cpu-index", sources=[["--index-url", "cpu-index"], []])
    install.install(install.Path("python"), {"all"})
    assert [("cpu-index" in command) for command in recorder.commands[:2]] == [True, False]
    assert all({w.split("==")[0] for w in c[-2:]} == {"torch", "torchvision"} for c in recorder.commands[:2])


def test_pip_where_uv_cannot_be_had(runs):
    recorder = runs(*install.pins(install.ROOT, ("uv",)))
    assert install.install(install.Path("python"), {"dev", "all"}) == "pip"
    assert recorder.commands[-1][2:4] == ["pip", "install"]
    assert recorder.commands[-1][-1] == ".[all,dev]"


def test_without_clip_no_torch(runs):
    recorder = runs()
    install.install(install.Path("python"), {"pipeline"})
    assert not any("torch" in word for command in recorder.commands for word in command)


def test_a_failure_is_a_sentence(runs):
    runs("-m")
    with pytest.raises(install.InstallError, match="torch cannot be had"):
        install.install(install.Path("python"), {"all"})


# -- the stamp ---------------------------------------------------------------------------------------------------


def test_extras_name_others():
    assert install.closure({"all"}, PROJECT) == {"all", "clip", "more"}
    with pytest.raises(install.InstallError, match="there are all, clip, dev, more"):
        install.closure({"dew"}, PROJECT)


@pytest.fixture
def root(tmp_path):
    (tmp_path / "constraints.txt").write_text("numpy==2.0\n")
    (tmp_path / "pyproject.toml").write_text(
        '[project]\nname = "toy"\n[project.optional-dependencies]\nclip = ["torch"]\ndev = []\nall = ["toy[clip]"]\n'
        "[tool.ruff]\nline-length = 110\n"
    )
    return tmp_path


def test_the_stamp_covers_what_it_covers(root):
    path = root / "stamp"
    path.write_text(json.dumps(install.stamp_of(root, {"all", "dev"})))
    assert install.is_current(path, install.stamp_of(root, {"all"}))
    assert install.is_current(path, install.stamp_of(root, {"clip"}))
    path.write_text(json.dumps(install.stamp_of(root, {"all"})))
    assert not install.is_current(path, install.stamp_of(root, {"all", "dev"}))


@pytest.mark.parametrize(
    ("name", "old", "new", "current"),
    [
        ("constraints.txt", "2.0", "2.1", False),
        ("pyproject.toml", '["torch"]', '["torch>2"]', False),
        ("pyproject.toml", "110", "100", True),  # the tools' settings install nothing
    ],
)
def test_what_makes_the_stamp_old(root, name, old, new, current):
    path = root / "stamp"
    path.write_text(json.dumps(install.stamp_of(root, {"all"})))
    (root / name).write_text((root / name).read_text().replace(old, new))
    assert install.is_current(path, install.stamp_of(root, {"all"})) == current


@pytest.mark.parametrize("text", [None, "", "[]", "{}", '{"hash": 1}'])
def test_a_broken_stamp_is_no_stamp(root, text):
    if text is not None:
        (root / "stamp").write_text(text)
    assert not install.is_current(root / "stamp", install.stamp_of(root, {"all"}))


def test_a_second_call_does_nothing_and_is_quick(tmp_path):
    folder = tmp_path / "venv"
    python = install.python_of(folder)
    python.parent.mkdir(parents=True)
    python.write_text("")
    wanted = install.stamp_of(install.ROOT, {"all"})
    (folder / "workbench-stamp.json").write_text(json.dumps(wanted))
    begin = time.monotonic()
    done = subprocess.run(
        [sys.executable, "scripts/install.py", "--venv", str(folder)],
        cwd=install.ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout + done.stderr == ""
    assert time.monotonic() - begin < 5  # .15 s on a quiet machine


# -- the right Python --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("version", "fits"), [((3, 10), False), ((3, 11), True), ((3, 13), True), ((3, 14), False)]
)
def test_which_python_suits(version, fits):
    assert install.suits(version) == fits


def test_the_range_is_that_of_pyproject():
    oldest, too_new = (".".join(map(str, v)) for v in (install.OLDEST, install.TOO_NEW))
    assert install.read_project()["requires-python"] == f">={oldest},<{too_new}"


def test_no_suitable_python_is_a_sentence(monkeypatch):
    monkeypatch.setattr(install.shutil, "which", lambda _name: None)
    with pytest.raises(install.InstallError, match=r"needs 3\.11 to 3\.13.*make PYTHON="):
        install.other_python()


def test_an_unknown_extra_ends_with_one_line(tmp_path):
    done = subprocess.run(
        [sys.executable, "scripts/install.py", "--venv", str(tmp_path / "v"), "--extras", "al"],
        cwd=install.ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith("setup: there is no extra 'al'")
    assert len(done.stderr.splitlines()) == 1


def test_a_venv_is_made_and_found_again_and_mended(tmp_path, monkeypatch, capsys):
    """Without pip, for speed: the probe then says it does not work, and it is made anew."""
    made = []

    def create(folder: object, **options: object) -> None:
        made.append(options)
        install.python_of(folder).parent.mkdir(parents=True, exist_ok=True)
        install.python_of(folder).unlink(missing_ok=True)
        install.python_of(folder).symlink_to(sys.executable)

    monkeypatch.setattr(install.venv, "create", create)
    folder = tmp_path / "venv"
    assert install.make_venv(folder) == install.python_of(folder)
    install.make_venv(folder)
    assert len(made) == 1
    install.python_of(folder).unlink()
    install.python_of(folder).write_text("#!/bin/sh\nexit 1\n")
    install.python_of(folder).chmod(0o755)
    install.make_venv(folder)
    assert len(made) == 2
    assert "making it anew" in capsys.readouterr().out
