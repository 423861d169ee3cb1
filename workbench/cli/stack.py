"""``workbench up`` and ``down``: the local stack, started together and stopped together.

::

    data/workspaces/.stack/       0700, beside the workspaces
      stack.env                   0600: addresses and secrets of this start, gone with ``down``
      state.json                  which process is which; no secrets
      logs/                       what each server says
      data/                       stays; delete the folder to begin anew

In the foreground the servers are children of ``workbench up`` and end with it, also when it is
killed (Linux). With ``--detach`` they stay until ``workbench down``.
"""

from __future__ import annotations

import contextlib
import json
import os
import secrets
import shutil
import signal
import subprocess
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from workbench.cli.programs import PROGRAMS, Program, require_programs
from workbench.cli.servers import ended_by_signals, started, stop
from workbench.errors import StackError, WorkbenchError
from workbench.manifests import write_json, write_text
from workbench.profiles.buckets import Bucket
from workbench.profiles.stack import stack, stack_home

if TYPE_CHECKING:
    from collections.abc import Callable

TRIES: Final = 3
PATIENCE_S: Final = 15.0
_TAKEN: Final = ("Port allocation failed", "ddress already in use", "ddress in use")

Say = Any  # called as say(text)


@dataclass(frozen=True, slots=True)
class Process:
    """A process that we started.

    Attributes
    ----------
    name : str
        ``objectstore``, ``onlinestore``, ``tracker``, or ``workbench`` for the one in the foreground.
    pid : int
        Its number, which the system gives to another one later.
    born : str
        When it was started, in the system's own count: tells it from that other one.
    url : str
        Where it answers; without a secret.
    scratch : str
        A folder that goes with it.
    """

    name: str
    pid: int
    born: str
    url: str = ""
    scratch: str = ""

    @property
    def lives(self) -> bool:
        """Whether it is still this process, and not a dead one that nobody has taken note of."""
        return bool(self.born) and born(self.pid) == self.born


def born(pid: int) -> str:
    """Return when a process was started, in the system's own count; empty when it is dead.

    Parameters
    ----------
    pid : int
        Its number.

    Returns
    -------
    str
        To be compared, not to be read.
    """
    path = Path(f"/proc/{pid}/stat")
    if Path("/proc/self/stat").is_file():
        try:
            words = path.read_text(encoding="ascii", errors="replace").rpartition(")")[2].split()
        except OSError:
            return ""
        return "" if words[0] in "ZX" else words[19]
    done = subprocess.run(
        ["ps", "-o", "stat=,lstart=", "-p", str(pid)], capture_output=True, text=True, check=False
    )
    state, _, since = done.stdout.strip().partition(" ")
    return "" if state.startswith("Z") else since.strip()


def processes() -> list[Process]:
    """Return what the state file says, living or dead."""
    path = stack_home() / "state.json"
    try:
        raw = json.loads(path.read_text(encoding="utf-8"))
        return [Process(**entry) for entry in raw["processes"]]
    except (OSError, ValueError, TypeError, KeyError):  # none, or half of one
        return []


def is_up() -> bool:
    """Return whether all three servers of the state file live."""
    living = {process.name for process in processes() if process.lives}
    return set(PROGRAMS) <= living


def up(say: Say, *, detach: bool = False, wait: Callable[[], None] | None = None) -> None:
    """Start the stack; in the foreground, keep it until somebody stops it.

    Parameters
    ----------
    say : callable
        Is told what happens, a line at a time.
    detach : bool
        Leave the servers running and return.
    wait : callable, optional
        What to do in the foreground; default is to wait for a signal or for a server to end.

    Raises
    ------
    MissingExtraError
        If a program is not installed.
    StackError
        If a server does not start, or ends. The others are stopped then.
    """
    require_programs()
    with _one_at_a_time():
        if is_up():
            say("the stack is up already; `workbench up --status` says where")
            return
        if _clear():
            say("cleared away what a killed stack had left")
    with ended_by_signals(), contextlib.ExitStack() as running:
        with _one_at_a_time():
            children = _start_all(say, running, stays=detach)
            say(
                f"\n  use      workbench --profile local run\n  stop     {'workbench down' if detach else 'Ctrl-C'}\n"
            )
        if detach:
            running.pop_all()
            for child in children:
                child.returncode = 0  # no longer ours to wait for: `down` ends it
            return
        (wait or (lambda: _wait_for(children)))()


def down(say: Say) -> bool:
    """Stop the stack, however it was started; its data stay.

    Parameters
    ----------
    say : callable
        Is told what happens.

    Returns
    -------
    bool
        Whether there was something to stop.
    """
    living = [process for process in processes() if process.lives]
    for process in living:
        if process.name == "workbench" and process.pid != os.getpid():  # it stops the others
            with contextlib.suppress(ProcessLookupError):
                os.kill(process.pid, signal.SIGTERM)
            _until_dead(living)
    with _one_at_a_time():
        _clear()
    for process in living:
        say(f"  {process.name:<12} stopped")
    if not living:
        say("  nothing is up")
    return bool(living)


def status() -> list[tuple[str, bool, str]]:
    """Return name, whether it is well, and where it answers, of each server."""
    known = {process.name: process for process in processes()}
    rows = []
    for name in PROGRAMS:
        process = known.get(name)
        if process is None or not process.lives:
            rows.append((name, False, "is not up" if process is None else f"process {process.pid} is dead"))
        else:
            rows.append((name, True, process.url))
    return rows


def wait_for_compose(say: Say, patience_s: float = 120.0) -> None:
    """Wait until the containers answer, and make the bucket: what ``up`` is in the profile compose.

    Parameters
    ----------
    say : callable
        Is told what happens.
    patience_s : float
        How long to wait for each.

    Raises
    ------
    StackError
        If one does not answer in time, or refuses us.
    """
    from workbench.cli.programs import pong
    from workbench.cli.servers import answers

    places = stack("compose")
    objects, online, runs = places.objects, places.online, places.runs
    if objects is None or online is None or runs is None:
        raise StackError("the profile compose is not complete", hint="run `workbench env`")
    asked = {
        "objectstore": lambda: Bucket(objects).call("GET").status in {200, 404},
        "onlinestore": lambda: pong(online),
        "tracker": lambda: answers(f"{runs.url}/health"),
    }
    for name, ready in asked.items():
        _wait_until(ready, name, patience_s)
        say(f"  {name:<12} answers")
    made = Bucket(objects).prepare()
    say(f"  bucket {objects.bucket!r} {'made' if made else 'is there'}: versions, lock, write once")


def _wait_until(ready: Callable[[], bool], name: str, patience_s: float) -> None:
    deadline = time.monotonic() + patience_s
    last: StackError | None = None
    while time.monotonic() < deadline:
        try:
            if ready():
                return
        except StackError as error:
            last = error
        time.sleep(0.5)
    raise last or StackError(f"{name} does not answer", hint="look at `docker compose logs`")


# -- inside ------------------------------------------------------------------------------------------


@contextlib.contextmanager
def _one_at_a_time() -> Any:
    from filelock import FileLock

    home = stack_home()
    home.mkdir(parents=True, exist_ok=True)
    home.chmod(0o700)
    with FileLock(home / ".lock", timeout=180):
        yield


def _start_all(say: Say, running: contextlib.ExitStack, *, stays: bool) -> list[subprocess.Popen[str]]:
    """Start one after the other; what is started is stopped when one fails."""
    home = stack_home()
    values = {"WB_STACK_ID": _stack_id()}
    known = [] if stays else [Process("workbench", os.getpid(), born(os.getpid()))]
    children = []
    running.callback(_forget)
    for name in PROGRAMS:
        say(f"  {name:<12} starting")
        begin = time.monotonic()
        program, child = _start(name, stays=stays)
        if program.scratch:
            running.callback(shutil.rmtree, program.scratch, ignore_errors=True)
        running.callback(stop, child)
        children.append(child)
        known.append(
            Process(name, child.pid, born(child.pid), program.server.url, str(program.scratch or ""))
        )
        if program.prepare:
            program.prepare()
        values |= program.settings
        write_json(home / "state.json", {"processes": [asdict(process) for process in known]})
        say(f"  {name:<12} {program.server.url}  ({time.monotonic() - begin:.1f} s)")
    write_private(home / "stack.env", "".join(f"{key}={value}\n" for key, value in values.items()))
    return children


def _start(name: str, *, stays: bool) -> tuple[Program, subprocess.Popen[str]]:
    """Start one server; on other ports, where somebody took its own meanwhile."""
    home = stack_home()
    log = home / "logs" / f"{name}.log"
    for left in reversed(range(TRIES)):
        program: Program = PROGRAMS[name](home / "data" / name)
        try:
            return program, started(program.server, home, log, stays=stays)
        except BaseException as error:
            if program.scratch:
                shutil.rmtree(program.scratch, ignore_errors=True)
            if not isinstance(error, WorkbenchError):
                raise
            if left and any(word in log.read_text(encoding="utf-8", errors="replace") for word in _TAKEN):
                continue
            raise StackError(error.message, hint=f"read {log}; the others are stopped") from None
    raise AssertionError  # the last try returns or raises


def write_private(path: Path, text: str) -> None:
    """Write a file that nobody else may read, not even for a moment.

    Parameters
    ----------
    path : Path
        Written whole, or not at all.
    text : str
        What.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    beside = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    beside.unlink(missing_ok=True)
    with os.fdopen(
        os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8"
    ) as stream:
        stream.write(text)
    beside.replace(path)


def _stack_id() -> str:
    """Return the name of the data: who deletes the folder gets another one."""
    path = stack_home() / "data" / "id"
    if not path.is_file():
        write_text(path, secrets.token_hex(6))
    return path.read_text(encoding="utf-8").strip()


def _wait_for(children: list[subprocess.Popen[str]]) -> None:
    while True:
        for child, name in zip(children, PROGRAMS, strict=True):
            if child.poll() is not None:
                raise StackError(
                    f"the {name} ended with code {child.returncode}; the others are stopped",
                    hint=f"read {stack_home() / 'logs' / f'{name}.log'}",
                )
        time.sleep(0.3)


def _clear() -> bool:
    """Stop what is left of a stack and forget it; return whether there was anything."""
    found = processes()
    living = [process for process in found if process.lives and process.name != "workbench"]
    for number in (signal.SIGTERM, getattr(signal, "SIGKILL", signal.SIGTERM)):
        for process in living:
            if process.lives:
                with contextlib.suppress(ProcessLookupError, PermissionError):
                    os.killpg(process.pid, number)
        _until_dead(living)
    for process in found:
        if process.scratch:
            shutil.rmtree(process.scratch, ignore_errors=True)
    _forget()
    return bool(found)


def _until_dead(those: list[Process]) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while any(process.lives for process in those) and time.monotonic() < deadline:
        time.sleep(0.05)


def _forget() -> None:
    for name in ("state.json", "stack.env"):
        (stack_home() / name).unlink(missing_ok=True)
