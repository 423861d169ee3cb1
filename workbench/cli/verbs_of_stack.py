"""What the verbs ``up`` and ``env`` say and write."""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING, Final

from workbench.cli.stack import status, up, wait_for_compose, write_private
from workbench.errors import SettingsError
from workbench.profiles.settings import EMBEDDED, PROFILES
from workbench.profiles.stack import settings_file

if TYPE_CHECKING:
    from pathlib import Path

ENV: Final = """\
# Made by `workbench env` for docker-compose.yml. It holds secrets: git ignores it, and nobody else may read it.
# Ports are on 127.0.0.1 alone; change one where it is taken.
WB_S3_PORT=9000
WB_REDIS_PORT=6379
WB_MLFLOW_PORT=5000
WB_MARIMO_PORT=2718
WB_S3_ENDPOINT=http://127.0.0.1:9000
WB_S3_BUCKET=raw
WB_S3_KEY=wb{key}
WB_S3_SECRET={s3}
WB_REDIS_ADDRESS=127.0.0.1:6379
WB_REDIS_PASSWORD={redis}
WB_MLFLOW_URL=http://127.0.0.1:5000
WB_MARIMO_TOKEN={marimo}
WB_STACK_ID={stack}
"""


def _say(text: str) -> None:
    print(text, flush=True)


def start_stack(profile: str | None, *, detach: bool) -> int:
    """Start the local stack, or wait for the containers.

    Parameters
    ----------
    profile : str, optional
        ``local`` is the default; ``compose`` waits for the containers and makes the bucket.
    detach : bool
        Leave the servers running.

    Returns
    -------
    int
        0.

    Raises
    ------
    SettingsError
        If the profile has no servers.
    """
    if profile not in {None, *PROFILES} or profile == EMBEDDED:
        raise SettingsError(
            f"the profile {profile} has no servers to start",
            hint="use --profile local (the default) or compose",
        )
    if profile == "compose":
        wait_for_compose(_say)
        return 0
    try:
        up(_say, detach=detach)
    except KeyboardInterrupt:
        _say("\n  stopped; the data stay")
    return 0


def show_status() -> int:
    """Print what is up, without a secret; return 1 where it is not all."""
    rows = status()
    for name, well, said in rows:
        _say(f"  {'up  ' if well else 'down'}  {name:<12} {said}")
    return int(not all(well for _, well, _ in rows))


def write_env(*, force: bool = False) -> Path:
    """Write .env beside docker-compose.yml; its values are not printed.

    Parameters
    ----------
    force : bool
        Overwrite one that is there.

    Returns
    -------
    Path
        The file, which only its owner may read.

    Raises
    ------
    SettingsError
        If it is there.
    """
    path = settings_file("compose")
    if path.exists() and not force:
        raise SettingsError(
            f"{path} is there already",
            hint="--force writes new secrets; servers that know the old ones refuse them",
        )
    text = ENV.format(
        key=secrets.token_hex(6),
        s3=secrets.token_hex(24),
        redis=secrets.token_hex(24),
        marimo=secrets.token_hex(16),
        stack=secrets.token_hex(6),
    )
    write_private(path, text)
    _say(f"  wrote    {path}\n  next     docker compose --profile seaweed up -d")
    return path
