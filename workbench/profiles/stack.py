"""The three profiles: where raw objects, online features and runs are kept.

::

    profile    objects             online features     runs             started by
    embedded   the workspace       sqlite there        sqlite there     nobody: no server, the default
    local      SeaweedFS (S3)      Valkey              MLflow server    ``workbench up``
    compose    ``objectstore``     ``onlinestore``     ``tracker``      ``docker compose up``

A workspace remembers its profile in workspace.toml; never an address or a secret. Those are read
each time they are needed, from the environment (``WB_...``) and from one file of such lines:
``.stack/stack.env`` beside the workspaces, written by ``workbench up``, or ``.env`` beside
docker-compose.yml, written by ``workbench env``. WB_FILE names another one. The environment wins.
"""

from __future__ import annotations

import json
import os
import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, NoReturn

from workbench.errors import SettingsError, StackError
from workbench.manifests import write_json
from workbench.profiles.settings import EMBEDDED, PROFILES
from workbench.profiles.workspace import workspaces_root

if TYPE_CHECKING:
    from collections.abc import Mapping

    from workbench.profiles.workspace import Workspace

_LINE: Final = re.compile(r"\s*(?:export\s+)?(WB_[A-Z0-9_]+)\s*=\s*(.*?)\s*")
_ADDRESS: Final = re.compile(r"\[?([\w.:-]+?)\]?:(\d{1,5})")
_URL: Final = re.compile(r"https?://[\w.:\[\]-]+/?")
HOW_TO_START: Final = {
    "local": "start it with `workbench up`, in this folder or with the same WORKBENCH_HOME",
    "compose": "run `workbench env`, then `docker compose --profile seaweed up -d`",
}


class Secret:
    """A key or password that no repr, log, record or traceback shows.

    Parameters
    ----------
    value : str
        What it is.
    """

    __slots__ = ("_value",)

    def __init__(self, value: str) -> None:
        self._value = value

    def reveal(self) -> str:
        """Return the value, for the one call that needs it."""
        return self._value

    def __repr__(self) -> str:
        return "Secret(***)"

    __str__ = __repr__

    def __format__(self, spec: str) -> str:
        return repr(self)

    def __bool__(self) -> bool:
        return bool(self._value)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Secret) and other.reveal() == self._value

    def __hash__(self) -> int:
        return hash(("Secret", self._value))

    def __copy__(self) -> Secret:
        return self

    def __deepcopy__(self, memo: object) -> Secret:
        return self  # `dataclasses.asdict` copies; it still shows nothing

    def __reduce__(self) -> NoReturn:
        raise TypeError("a secret is not written to a file or sent to another process")


@dataclass(frozen=True, slots=True)
class S3Place:
    """A bucket.

    Attributes
    ----------
    endpoint : str
        URL of the server.
    bucket : str
        Its name.
    key_id : str
        Who we are.
    secret : Secret
        And how the server knows.
    region : str
        Part of every signature.
    """

    endpoint: str
    bucket: str
    key_id: str
    secret: Secret
    region: str = "us-east-1"


@dataclass(frozen=True, slots=True)
class RedisPlace:
    """A server that speaks the Redis protocol.

    Attributes
    ----------
    host : str
        Where.
    port : int
        Where.
    password : Secret
        Of the default user; empty for a server without one.
    """

    host: str
    port: int
    password: Secret

    @property
    def where(self) -> str:
        """For messages."""
        return f"{self.host}:{self.port}"


@dataclass(frozen=True, slots=True)
class MlflowPlace:
    """An MLflow server.

    Attributes
    ----------
    url : str
        Without a slash at its end. MLflow's own server asks for no password: it must stay on loopback.
    """

    url: str


@dataclass(frozen=True, slots=True)
class Stack:
    """One profile: a place for each door, or None where the door is in the workspace.

    Attributes
    ----------
    profile : str
        ``embedded``, ``local`` or ``compose``.
    objects : S3Place or None
        Raw objects.
    online : RedisPlace or None
        Online features.
    runs : MlflowPlace or None
        Runs, and names of models.
    stack_id : str
        Of the data behind the servers: another one has nothing of ours.
    """

    profile: str = EMBEDDED
    objects: S3Place | None = None
    online: RedisPlace | None = None
    runs: MlflowPlace | None = None
    stack_id: str = ""


def stack_of(ws: Workspace) -> Stack:
    """Return where a workspace keeps things (see `stack`)."""
    return stack(ws.settings.profile)


def stack(profile: str, environment: Mapping[str, str] | None = None) -> Stack:
    """Return the places of a profile.

    Parameters
    ----------
    profile : str
        ``embedded``, ``local`` or ``compose``.
    environment : mapping, optional
        Instead of the process's own.

    Returns
    -------
    Stack
        Read anew: ports and secrets of ``workbench up`` change with each start.

    Raises
    ------
    SettingsError
        If there is no such profile, or a value is no address.
    StackError
        If nobody said where the servers are.
    """
    if profile not in PROFILES:
        raise SettingsError(f"there is no profile {profile!r}", hint=f"use one of: {', '.join(PROFILES)}")
    if profile == EMBEDDED:
        return Stack()
    values = _values(profile, os.environ if environment is None else environment)
    return Stack(
        profile,
        S3Place(
            _matched("WB_S3_ENDPOINT", values, _URL).rstrip("/"),
            values.get("WB_S3_BUCKET", "raw"),
            values["WB_S3_KEY"],
            Secret(values["WB_S3_SECRET"]),
            values.get("WB_S3_REGION", "us-east-1"),
        ),
        _redis(values),
        MlflowPlace(_matched("WB_MLFLOW_URL", values, _URL).rstrip("/")),
        values.get("WB_STACK_ID", ""),
    )


def stack_home() -> Path:
    """Return the folder of the local stack: beside the workspaces, where no workspace can be."""
    return workspaces_root() / ".stack"


def settings_file(profile: str) -> Path:
    """Return the file of ``WB_...`` lines of a profile; it need not exist.

    Parameters
    ----------
    profile : str
        ``local`` or ``compose``.

    Returns
    -------
    Path
        WB_FILE, or ``.stack/stack.env`` beside the workspaces, or ``.env`` beside the next
        docker-compose.yml above the current folder.
    """
    if named := os.environ.get("WB_FILE"):
        return Path(named).expanduser().resolve()
    if profile == "local":
        return stack_home() / "stack.env"
    here = Path.cwd()
    beside = (folder for folder in (here, *here.parents) if (folder / "docker-compose.yml").is_file())
    return next(beside, here) / ".env"


def read_settings(path: Path) -> dict[str, str]:
    """Read ``WB_NAME=value`` lines; other lines are not ours.

    Parameters
    ----------
    path : Path
        The file; it may be absent.

    Returns
    -------
    dict of str to str
        Name to value, without quotation marks.
    """
    if not path.is_file():
        return {}
    found = (_LINE.fullmatch(line) for line in path.read_text(encoding="utf-8").splitlines())
    return {match[1]: match[2].strip("\"'") for match in found if match}


def _values(profile: str, environment: Mapping[str, str]) -> dict[str, str]:
    path = settings_file(profile)
    values = read_settings(path) | {k: v for k, v in environment.items() if k.startswith("WB_") and v}
    needed = ("WB_S3_ENDPOINT", "WB_S3_KEY", "WB_S3_SECRET", "WB_REDIS_ADDRESS", "WB_MLFLOW_URL")
    if missing := [name for name in needed if not values.get(name)]:
        raise StackError(
            f"the profile {profile} has no {missing[0]}: it is neither set nor in {path}",
            hint=HOW_TO_START[profile],
        )
    return values


def _matched(name: str, values: Mapping[str, str], pattern: re.Pattern[str]) -> str:
    if not pattern.fullmatch(values[name]):  # the value is not told: people mix up their lines
        raise SettingsError(f"{name} is no address", hint="write it like http://127.0.0.1:9000")
    return values[name]


def _redis(values: Mapping[str, str]) -> RedisPlace:
    match = _ADDRESS.fullmatch(values["WB_REDIS_ADDRESS"])
    if not match:
        raise SettingsError("WB_REDIS_ADDRESS is no address", hint="write it like 127.0.0.1:6379")
    return RedisPlace(match[1], int(match[2]), Secret(values.get("WB_REDIS_PASSWORD", "")))


# -- what a workspace has put where -----------------------------------------------------------------


def is_here(ws: Workspace, what: str) -> bool:
    """Return whether something of a workspace lies where its profile says.

    Parameters
    ----------
    ws : Workspace
        Open.
    what : str
        ``objects`` or ``features``.

    Returns
    -------
    bool
        False after the profile was changed, or the servers' data were thrown away: the stage
        that puts it there has to do so again.
    """
    return bool(_placed(ws).get(what, EMBEDDED) == _identity(ws))


def now_here(ws: Workspace, what: str) -> None:
    """Remember that something lies where the profile says; a purely embedded workspace needs no note."""
    placed = _placed(ws)
    if placed.get(what, EMBEDDED) != _identity(ws):
        write_json(ws.cache / "places.json", placed | {what: _identity(ws)})


def _identity(ws: Workspace) -> str:
    places = stack_of(ws)
    return EMBEDDED if places.profile == EMBEDDED else f"{places.profile} {places.stack_id}".strip()


def _placed(ws: Workspace) -> dict[str, Any]:
    path = ws.cache / "places.json"
    if not path.is_file():
        return {}
    placed: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return placed
