"""`workbench up` and `down` with real servers: all or none, nothing left behind, whoever is killed.

MLflow's server takes long to start, so that most tests run the two quick ones; the whole stack is
in test_local_stack.py.
"""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from tests.helpers.stack import is_alive
from workbench.cli import programs, stack
from workbench.cli.servers import Server, started, stop
from workbench.errors import StackError
from workbench.profiles.stack import read_settings, stack_home
from workbench.profiles.stack import stack as places_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

pytestmark = [
    pytest.mark.server,
    pytest.mark.skipif(sys.platform == "win32", reason="Valkey has no program for Windows"),
]
QUICK = ("objectstore", "onlinestore")
PROGRAM = """
import sys
from workbench.cli import programs, main
del programs.PROGRAMS["tracker"]
sys.exit(main(sys.argv[1:]))
"""


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Leave MLflow out; whatever a test starts is gone after it."""
    monkeypatch.delitem(programs.PROGRAMS, "tracker")
    yield
    stack.down(lambda text: None)


def pids() -> list[int]:
    return [process.pid for process in stack.processes()]


def scratches() -> list[Path]:
    return [Path(process.scratch) for process in stack.processes() if process.scratch]


def until(true: Callable[[], Any], patience_s: float = 30.0) -> bool:
    deadline = time.monotonic() + patience_s
    while not true() and time.monotonic() < deadline:
        time.sleep(0.05)
    return bool(true())


@pytest.fixture
def foreground(subprocess_env: dict[str, str], tmp_path: Path) -> Iterator[subprocess.Popen[str]]:
    """`workbench up` in the foreground, ready."""
    env = subprocess_env | {
        "WORKBENCH_HOME": os.environ["WORKBENCH_HOME"],
        "PYTHONPATH": str(Path(__file__).parents[2]),
    }
    process = subprocess.Popen(
        [sys.executable, "-c", PROGRAM, "up"], cwd=tmp_path, env=env, text=True,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
    )  # fmt: skip
    try:
        assert until(lambda: (stack_home() / "stack.env").is_file() or process.poll() is not None)
        assert process.poll() is None, process.stdout.read()
        yield process
    finally:
        process.kill()
        process.communicate()


def gone(pids: list[int], folders: list[Path]) -> bool:
    return until(lambda: not any(map(is_alive, pids))) and until(
        lambda: not any(f.exists() for f in folders), 5
    )


def test_up_down_and_up_again(tmp_path):
    """Ports and secrets are new, the data are there; up twice is up once; nobody else may read the file."""
    said: list[str] = []
    stack.up(said.append, detach=True)
    first, before, folders = read_settings(stack_home() / "stack.env"), pids(), scratches()
    assert stack.is_up()
    assert (stack_home() / "stack.env").stat().st_mode & 0o777 == 0o600
    assert stack_home().stat().st_mode & 0o777 == 0o700
    hidden = [first["WB_S3_SECRET"], first["WB_REDIS_PASSWORD"]]
    everything = "".join(said) + (stack_home() / "state.json").read_text()
    everything += "".join(path.read_text(errors="replace") for path in (stack_home() / "logs").iterdir())
    assert not [word for word in hidden if word in everything]
    commands = [Path(f"/proc/{pid}/cmdline") for pid in before]
    assert not [word for word in hidden for path in commands if path.is_file() and word in path.read_text()]

    stack.up(said.append, detach=True)
    assert "up already" in said[-1]
    assert pids() == before

    assert stack.down(said.append) is True
    assert gone(before, folders)
    assert not (stack_home() / "stack.env").exists()
    assert not (stack_home() / "state.json").exists()
    assert stack.down(said.append) is False

    stack.up(said.append, detach=True)
    second = read_settings(stack_home() / "stack.env")
    assert second["WB_STACK_ID"] == first["WB_STACK_ID"]
    assert not {first[n] for n in ("WB_S3_SECRET", "WB_S3_KEY", "WB_REDIS_PASSWORD")} & set(second.values())


def test_every_port_is_on_loopback(tmp_path):
    stack.up(lambda text: None, detach=True)
    found = listening(pids())
    assert len(found) > len(QUICK)
    assert {address for address, _ in found} <= {"127.0.0.1", "::1"}


def listening(owners: list[int]) -> set[tuple[str, int]]:
    """Return address and port of everything that processes listen on."""
    import psutil

    found = set()
    for pid in owners:
        for process in [psutil.Process(pid), *psutil.Process(pid).children(recursive=True)]:
            for connection in process.net_connections(kind="inet"):
                if connection.status == psutil.CONN_LISTEN:
                    found.add((connection.laddr.ip, connection.laddr.port))
    return found


def test_one_that_does_not_start_stops_the_others(monkeypatch):
    started_before: list[int] = []

    def broken(folder: Path) -> programs.Program:
        started_before.extend(pids())
        server = Server((sys.executable, "-c", "raise SystemExit('no luck today')"), "", "", name="the broken one",
                        ready=lambda: False)  # fmt: skip
        return programs.Program("tracker", server, {})

    monkeypatch.setitem(programs.PROGRAMS, "tracker", broken)
    with pytest.raises(StackError, match="the broken one ended: no luck today") as caught:
        stack.up(lambda text: None, detach=True)
    assert "tracker.log" in caught.value.hint
    assert len(started_before) == 2
    assert gone(started_before, [])
    assert stack.processes() == []
    assert not (stack_home() / "stack.env").exists()


def test_a_port_that_was_taken_meanwhile_is_changed_for_another(monkeypatch):
    """SeaweedFS ends at once then; we draw anew."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        real, drawn = programs.paired_ports, []

        def ports(n: int) -> list[int]:
            found = real(n)
            if not drawn:
                found[1] = taken.getsockname()[1]
            drawn.append(found)
            return found

        monkeypatch.setattr(programs, "paired_ports", ports)
        stack.up(lambda text: None, detach=True)
    assert len(drawn) == 2
    assert stack.is_up()


def test_a_port_that_stays_taken_is_an_error(monkeypatch):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        monkeypatch.setattr(programs, "free_port", lambda: taken.getsockname()[1])
        with pytest.raises(StackError, match="the online store ended"):
            stack.up(lambda text: None, detach=True)
    assert stack.processes() == []


def test_after_a_server_was_killed_up_starts_all_anew(tmp_path):
    stack.up(lambda text: None, detach=True)
    before = pids()
    os.kill(before[0], signal.SIGKILL)
    assert until(lambda: not stack.is_up())
    assert [well for _, well, _ in stack.status()] == [False, True]
    said: list[str] = []
    stack.up(said.append, detach=True)
    assert "cleared away" in said[0]
    assert stack.is_up()
    assert gone(before, [])
    assert not set(pids()) & set(before)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_the_foreground_takes_its_servers_along(foreground, number):
    """Ctrl-C, a kind kill, and one that nobody can hear: then the system ends the children (Linux)."""
    if number == signal.SIGKILL and not sys.platform.startswith("linux"):
        pytest.skip("needs Linux's PR_SET_PDEATHSIG")
    children, folders = pids()[1:], scratches()
    assert len(children) == 2
    foreground.send_signal(number)
    text = foreground.communicate(timeout=60)[0]
    assert gone(children, folders if number != signal.SIGKILL else [])
    if number != signal.SIGKILL:
        assert foreground.returncode == 0
        assert "stopped; the data stay" in text
        assert stack.processes() == []


def test_down_ends_the_foreground(foreground):
    before = pids()
    assert stack.down(lambda text: None) is True
    assert foreground.wait(30) == 0
    assert gone(before, [])


def test_the_foreground_ends_when_a_server_does(foreground):
    _, objectstore, onlinestore = pids()
    os.kill(onlinestore, signal.SIGKILL)
    text = foreground.communicate(timeout=60)[0]
    assert foreground.returncode == StackError.exit_code
    assert "the onlinestore ended with code -9; the others are stopped" in text
    assert gone([objectstore], [])


def test_old_secrets_are_refused_after_a_new_start():
    from workbench.errors import StackRefusedError
    from workbench.profiles.buckets import Bucket

    stack.up(lambda text: None, detach=True)
    (stack_home() / "old.env").write_text(json.dumps(read_settings(stack_home() / "stack.env")))
    old = json.loads((stack_home() / "old.env").read_text())
    stack.down(lambda text: None)
    stack.up(lambda text: None, detach=True)
    now = read_settings(stack_home() / "stack.env") | {"WB_MLFLOW_URL": "http://127.0.0.1:1"}
    keys = {name: old[name] for name in ("WB_S3_KEY", "WB_S3_SECRET")}
    assert Bucket(places_of("local", environment=now).objects).call("GET").status == 200
    with pytest.raises(StackRefusedError):
        Bucket(places_of("local", environment=now | keys).objects).call("GET")


def test_the_leader_takes_grandchildren_along(tmp_path):
    """MLflow's command forgets its web server when it is ended."""
    note = tmp_path / "pid"
    code = f"import os, subprocess, sys; p = subprocess.Popen(['sleep', '600']); open({str(note)!r}, 'w').write(str(p.pid)); p.wait()"
    leader = Path(programs.__file__).with_name("leader.py")
    server = Server(
        (sys.executable, str(leader), sys.executable, "-c", code),
        "",
        "",
        ready=lambda: note.is_file() and note.read_text(),
    )
    process = started(server, tmp_path, tmp_path / "log")
    grandchild = int(note.read_text())
    os.kill(process.pid, signal.SIGTERM)  # the leader alone, as when we die
    assert process.wait(20) == 143
    assert gone([grandchild], [])
    stop(process)
