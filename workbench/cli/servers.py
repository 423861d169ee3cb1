"""Servers as children of this process: on loopback, with a token or password, gone when we are.

The port is found first and the URL is printed only after the server has answered there:
both front ends print a URL before they know whether they can have the port.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import secrets
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from workbench.errors import SettingsError, WorkbenchError
from workbench.manifests import write_json

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from pathlib import Path

LESSON: Final = "00_the_model_that_quietly_fails"
HOST: Final = "127.0.0.1"
PATIENCE_S: Final = 120.0  # a loaded laptop takes its time to import a web server
QUIET_ENV: Final = {
    "MARIMO_SKIP_UPDATE_CHECK": "1",
    "DO_NOT_TRACK": "true",
    "FEAST_USAGE": "False",
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "DVC_NO_ANALYTICS": "1",
}
JUPYTER_SETTINGS: Final = {
    "@jupyterlab/apputils-extension:notification": {"fetchNews": "false", "checkForUpdates": False},
    "@jupyterlab/apputils-extension:themes": {"adaptive-theme": True},
}


@dataclass(frozen=True, slots=True)
class Server:
    """How to start a notebook server.

    Attributes
    ----------
    argv : tuple of str
        The program.
    page : str
        What a browser opens, with its token; ``{file}`` stands for a notebook's name without suffix.
    health : str
        A URL that answers when the server is ready.
    stdin : str
        What the program reads; the token goes this way, since arguments can be seen by others.
    env : mapping of str to str
        Added to the environment.
    name : str
        For messages.
    ready : callable, optional
        Returns whether the server is ready, by its own protocol; default is to ask `health`.
    patience_s : float
        How long to wait for it.
    """

    argv: tuple[str, ...]
    page: str
    health: str
    stdin: str = ""
    env: Mapping[str, str] = field(default_factory=dict)
    name: str = "the notebook server"
    ready: Callable[[], bool] | None = None
    patience_s: float = PATIENCE_S

    @property
    def url(self) -> str:
        """The first lesson."""
        return self.page_of(LESSON)

    def page_of(self, file: str) -> str:
        """Return the URL of one notebook, token included."""
        return self.page.replace("{file}", file)


def free_port(wanted: int = 0) -> int:
    """Return a free port on loopback.

    Parameters
    ----------
    wanted : int
        This one; 0 takes any.

    Returns
    -------
    int
        The port.

    Raises
    ------
    SettingsError
        If the wanted one is taken.
    """
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, wanted))
        except OSError:
            raise SettingsError(
                f"port {wanted} is taken", hint="leave out --port to take a free one"
            ) from None
        return int(probe.getsockname()[1])


def marimo_server(folder: Path, scratch: Path, port: int) -> Server:
    """Return how to open the lessons in marimo's editor."""
    del scratch
    return _marimo("edit", folder, port, "--session-ttl", "14400")


def labs_server(labs: Path, scratch: Path, port: int) -> Server:
    """Return how to show labs to an audience: read-only, a session of its own for each page."""
    del scratch
    return _marimo("run", labs, port, "--token")  # it has none unless asked


def _marimo(verb: str, path: Path, port: int, *options: str) -> Server:
    token = secrets.token_urlsafe(16)
    argv = (sys.executable, "-m", "marimo", "-q", verb, str(path), "--headless", "--host", HOST, "--port", str(port),
            "--token-password-file", "-", "--no-sandbox", *options)  # fmt: skip
    base = f"http://{HOST}:{port}"
    file = "" if path.suffix == ".py" else "file={file}.py&"
    return Server(argv, f"{base}/?{file}access_token={token}", f"{base}/health", stdin=token)


def jupyter_server(folder: Path, scratch: Path, port: int) -> Server:
    """Return how to open the lessons' twins in JupyterLab, without its news and update checks."""
    token = secrets.token_urlsafe(16)
    _trust(sorted((folder / "jupyter").glob("*.ipynb")))
    write_json(scratch / "jupyter" / "labconfig" / "default_setting_overrides.json", JUPYTER_SETTINGS)
    argv = (sys.executable, "-m", "jupyter", "lab", "--no-browser", "--ip", HOST, "--port", str(port),
            "--ServerApp.port_retries=0", "--ServerApp.allow_root=True", f"--ServerApp.root_dir={folder}",
            "--LabApp.news_url=None", "--LabApp.extension_manager=readonly",
            "--LabApp.check_for_updates_class=jupyterlab.NeverCheckForUpdate")  # fmt: skip
    env = {"JUPYTER_TOKEN": token, "JUPYTER_CONFIG_PATH": str(scratch / "jupyter")}
    base = f"http://{HOST}:{port}"
    page = f"{base}/lab/workspaces/{{file}}/tree/jupyter/{{file}}.ipynb?token={token}"  # each lesson its own tabs
    return Server(argv, page, f"{base}/api", env=env)


def _trust(twins: Sequence[Path]) -> None:
    """Sign our own twins for this user: without that JupyterLab shows no drawing until a cell has run."""
    argv = [sys.executable, "-m", "jupyter", "trust", *map(str, twins)]
    subprocess.run(argv, capture_output=True, check=False)  # unsigned they still open, and run


@contextlib.contextmanager
def running(server: Server, cwd: Path, log: Path) -> Iterator[subprocess.Popen[str]]:
    """Keep a server running inside the block; it is ready when the block begins.

    Parameters
    ----------
    server : Server
        What to start.
    cwd : Path
        Where.
    log : Path
        What it says goes here.

    Yields
    ------
    subprocess.Popen
        The server.

    Raises
    ------
    WorkbenchError
        If it does not answer in time.
    """
    with ended_by_signals():
        process = started(server, cwd, log)
        try:
            yield process
        finally:
            stop(process)


def started(server: Server, cwd: Path, log: Path, *, stays: bool = False) -> subprocess.Popen[str]:
    """Start a server and wait until it is ready; whoever calls this stops it.

    Parameters
    ----------
    server : Server
        What to start.
    cwd : Path
        Where.
    log : Path
        What it says goes here.
    stays : bool
        It goes on when this process has ended; else, on Linux, it ends with it.

    Returns
    -------
    subprocess.Popen
        The server.

    Raises
    ------
    WorkbenchError
        If it does not answer in time. It is stopped then.
    """
    from workbench.lab.lesson import lessons_root

    # where a kernel looks by itself, and where `workbench goto` writes
    env = {**os.environ, **QUIET_ENV, "WORKBENCH_HOME": str(lessons_root()), **server.env}
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("w", encoding="utf-8") as stream:
        process = subprocess.Popen(
            server.argv, cwd=cwd, env=env, stdin=subprocess.PIPE, stdout=stream, stderr=stream, text=True,
            **_child_options(stays=stays),
        )  # fmt: skip
    try:
        if process.stdin is not None:
            with contextlib.suppress(BrokenPipeError):  # it has ended already; its log says why
                process.stdin.write(server.stdin)
                process.stdin.close()
        _wait_until_ready(server, process, log)
    except BaseException:
        stop(process)
        raise
    return process


def _child_options(*, stays: bool = False) -> dict[str, Any]:
    """Keep Ctrl-C for us (marimo asks back), and on Linux end the child even if we are killed."""
    if sys.platform == "win32":
        return {"creationflags": subprocess.CREATE_NEW_PROCESS_GROUP}
    options: dict[str, Any] = {"start_new_session": True}
    if sys.platform.startswith("linux") and not stays:
        libc, parent = ctypes.CDLL(None), os.getpid()

        def die_with_parent() -> None:
            libc.prctl(1, signal.SIGTERM)  # PR_SET_PDEATHSIG
            if os.getppid() != parent:  # it died before we could ask
                os._exit(1)

        options["preexec_fn"] = die_with_parent
    return options


@contextlib.contextmanager
def ended_by_signals() -> Iterator[None]:
    """Treat SIGTERM and SIGHUP like Ctrl-C, so that the child is stopped on the way out."""

    def interrupt(number: int, frame: object) -> None:
        del number, frame
        raise KeyboardInterrupt

    names = [name for name in ("SIGTERM", "SIGHUP") if hasattr(signal, name)]
    before = {name: signal.signal(getattr(signal, name), interrupt) for name in names}
    try:
        yield
    finally:
        for name, handler in before.items():
            signal.signal(getattr(signal, name), handler)


def _wait_until_ready(server: Server, process: subprocess.Popen[str], log: Path) -> None:
    deadline = time.monotonic() + server.patience_s
    while time.monotonic() < deadline:
        if process.poll() is not None:
            last = log.read_text(encoding="utf-8").strip().splitlines()[-1:]
            raise WorkbenchError(f"{server.name} ended: {' '.join(last)}", hint=f"read {log}")
        if server.ready() if server.ready is not None else answers(server.health):
            return
        time.sleep(0.1)
    raise WorkbenchError(f"{server.name} did not answer in {server.patience_s:.0f} s", hint=f"read {log}")


def answers(url: str) -> bool:
    """Return whether something answers HTTP at a URL, if only to refuse us."""
    direct = urllib.request.build_opener(urllib.request.ProxyHandler({}))  # no proxy stands before loopback
    try:
        with direct.open(url, timeout=2):
            return True
    except urllib.error.HTTPError:
        return True  # it refuses us without the token: it is up
    except OSError:
        return False


def stop(process: subprocess.Popen[str]) -> None:
    """End the server and what it started: first kindly, then not.

    Parameters
    ----------
    process : subprocess.Popen
        As `started` made it.
    """
    for number, patience_s in ((signal.SIGTERM, 5.0), (getattr(signal, "SIGKILL", signal.SIGTERM), 5.0)):
        with contextlib.suppress(ProcessLookupError, PermissionError):
            if sys.platform == "win32":
                process.terminate()
            else:
                os.killpg(process.pid, number)
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(patience_s)
            return
