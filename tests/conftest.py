"""What every test stands on: UTC, folders of its own, no network, and one tiny pipeline for all.

Under CI=true a skipped test is a failure, unless its reason is one that no machine of ours can mend.
"""

from __future__ import annotations

import atexit
import ipaddress
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, settings

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from workbench.profiles.workspace import Workspace
    from workbench.records import World

ROOT = Path(__file__).resolve().parent.parent
ON_CI = os.environ.get("CI", "").lower() in {"1", "true"}
SKIPS_ALLOWED_ON_CI = (
    "needs an NVIDIA card",
    "needs the network",
    "needs Linux user namespaces",
    "only on macOS",
    "only on Windows",
)

_HOME = Path(tempfile.mkdtemp(prefix="workbench-tests-"))
os.environ.update(
    {
        "TZ": "UTC",
        "HOME": str(_HOME),
        "USERPROFILE": str(_HOME),
        "WORKBENCH_HOME": str(_HOME / "workspaces"),
        "GIT_CONFIG_GLOBAL": os.devnull,
        "GIT_CONFIG_NOSYSTEM": "1",
        "MLFLOW_DISABLE_TELEMETRY": "true",
        "DO_NOT_TRACK": "true",
        "DVC_NO_ANALYTICS": "1",
        "HF_HUB_DISABLE_TELEMETRY": "1",
        "HF_HUB_OFFLINE": "1",
        "MARIMO_SKIP_UPDATE_CHECK": "1",
        "NO_COLOR": "1",
        "OPEN": "0",
    }
)
if hasattr(time, "tzset"):
    time.tzset()
# Feast's metric files stay open until the interpreter ends: let pytest have the last line.
atexit.register(warnings.simplefilter, "ignore", ResourceWarning)

_QUIET = [HealthCheck.too_slow, HealthCheck.data_too_large]
settings.register_profile("dev", deadline=None, max_examples=50, suppress_health_check=_QUIET)
settings.register_profile("ci", settings.get_profile("dev"), derandomize=True, print_blob=True, database=None)
settings.load_profile("ci" if ON_CI else "dev")


# -- skips, warnings, folders ------------------------------------------------------------------------------------


def pytest_unconfigure(config: pytest.Config) -> None:
    """Remove the home folder of this run."""
    shutil.rmtree(_HOME, ignore_errors=True)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo[None]) -> Any:
    """Turn a skip into a failure on CI."""
    report = yield
    if ON_CI and report.skipped and not hasattr(report, "wasxfail"):
        reason = str(report.longrepr[2] if isinstance(report.longrepr, tuple) else report.longrepr)
        if not any(allowed in reason for allowed in SKIPS_ALLOWED_ON_CI):
            report.outcome = "failed"
            report.longrepr = f"{item.nodeid} may not be skipped on CI: {reason}"
    return report


BUDGET_S = 60
"""What a lesson may take on two quiet cores; a report, since the machines are noisy."""


def pytest_terminal_summary(terminalreporter: Any) -> None:
    """Print what each lesson and lab took, longest first."""
    took = {
        report.nodeid.partition("[")[2].rstrip("]") + (" as a script" if "script" in report.nodeid else " under nbval"):
            max(seconds)
        for report in terminalreporter.getreports("passed")
        if (seconds := [value for name, value in report.user_properties if name == "seconds"])
    }  # fmt: skip
    if took:
        terminalreporter.section(f"seconds of lessons and labs (budget {BUDGET_S}, imports included)")
        for name, seconds in sorted(took.items(), key=lambda one: -one[1]):
            terminalreporter.line(f"{seconds:6.1f}  {name}")


@pytest.fixture(autouse=True)
def _nothing_leaks() -> Iterator[None]:
    """Give the test a folder of workspaces of its own; put environment and current folder back."""
    before, folder = dict(os.environ), Path.cwd()
    os.environ["WORKBENCH_HOME"] = str(_HOME / "workspaces" / os.urandom(4).hex())
    yield
    os.environ.clear()
    os.environ.update(before)
    os.chdir(folder)


# -- no network --------------------------------------------------------------------------------------------------


class NetworkUsedError(RuntimeError):
    """A test wanted to leave loopback."""


class _Guard:
    allowed = False


def _is_local(host: object) -> bool:
    if host in {None, "", "localhost", b"localhost", socket.gethostname()}:
        return True
    try:
        address = ipaddress.ip_address(host.decode() if isinstance(host, bytes) else str(host).split("%")[0])
    except ValueError:
        return False
    return address.is_loopback or address.is_unspecified


def _guarded(name: str, owner: Any, host_of: Callable[..., object]) -> None:
    real = getattr(owner, name)

    def call(*args: Any, **kwargs: Any) -> Any:
        host = host_of(*args, **kwargs)
        if not _Guard.allowed and not _is_local(host):
            raise NetworkUsedError(f"this test wanted to reach {host!r}; mark it `network` if it must")
        return real(*args, **kwargs)

    setattr(owner, name, call)


def _host_of_connect(sock: socket.socket, address: Any) -> object:
    return address[0] if sock.family in {socket.AF_INET, socket.AF_INET6} else None


_guarded("connect", socket.socket, _host_of_connect)
_guarded("connect_ex", socket.socket, _host_of_connect)
_guarded("getaddrinfo", socket, lambda host, *_, **__: host)
_guarded("gethostbyname", socket, lambda host, *_, **__: host)


@pytest.fixture(autouse=True)
def _loopback_only(request: pytest.FixtureRequest) -> Iterator[None]:
    _Guard.allowed = request.node.get_closest_marker("network") is not None
    yield
    _Guard.allowed = False


# -- what many tests share ---------------------------------------------------------------------------------------


@pytest.fixture(scope="session")
def subprocess_env() -> dict[str, str]:
    """Return the environment for a program that a test starts: ours, one thread, a fixed width."""
    return os.environ | {"OMP_NUM_THREADS": "1", "COLUMNS": "110"}


@pytest.fixture
def cli(tmp_path: Path, subprocess_env: dict[str, str]) -> Callable[..., subprocess.CompletedProcess[str]]:
    """Run ``workbench ...`` in a process of its own, in `tmp_path`; options are its environment."""

    def call(*args: str, timeout_s: float = 240, **environment: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "workbench", *args],
            cwd=tmp_path,
            env=subprocess_env | environment,
            capture_output=True,
            text=True,
            timeout=timeout_s,
            check=False,
        )

    return call


@pytest.fixture(scope="session")
def tiny_world() -> World:
    """Return the packhouse at its smallest, seed 0."""
    from workbench.worlds.packhouse import PackhouseWorld

    return PackhouseWorld(size="tiny", seed=0)


@pytest.fixture(scope="session")
def tiny_pipeline(tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    """Return a workspace with all seven stages run at `tiny`. Read from it only; to change it, `fresh_copy`."""
    from workbench.lab.pipeline import open_or_create, run_pipeline

    ws = open_or_create(str(tmp_path_factory.mktemp("tiny") / "tiny"), size="tiny", seed=0)
    run_pipeline(ws)
    return ws


@pytest.fixture
def fresh_copy(tiny_pipeline: Workspace, tmp_path: Path) -> Callable[[], Workspace]:
    """Copy the tiny workspace to a folder that the test may destroy."""
    from workbench.profiles.workspace import open_workspace

    def copy(name: str = "copy") -> Workspace:
        target = tmp_path / name
        shutil.copytree(tiny_pipeline.root, target, symlinks=True)
        return open_workspace(str(target))

    return copy
