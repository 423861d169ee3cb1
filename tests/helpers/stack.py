"""Real servers for tests: SeaweedFS, Valkey and Debian's redis-server, on loopback, stopped for sure."""

from __future__ import annotations

import contextlib
import os
import secrets
import shutil
from typing import TYPE_CHECKING

import pytest

from workbench.cli.programs import objectstore, onlinestore, pong, redis_settings
from workbench.cli.servers import HOST, Server, free_port, started, stop
from workbench.profiles.buckets import Bucket
from workbench.profiles.stack import RedisPlace, S3Place, Secret, stack

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@contextlib.contextmanager
def seaweed(folder: Path) -> Iterator[S3Place]:
    """Keep SeaweedFS running, with the bucket made as `workbench up` makes it."""
    program = objectstore(folder / "data")
    process = started(program.server, folder, folder / "weed.log")
    try:
        settings = program.settings | {
            "WB_REDIS_ADDRESS": "127.0.0.1:1",
            "WB_MLFLOW_URL": "http://127.0.0.1:1",
        }
        place = stack("local", environment=settings).objects
        assert place is not None
        Bucket(place).prepare()
        yield place
    finally:
        stop(process)
        shutil.rmtree(program.scratch, ignore_errors=True)


@contextlib.contextmanager
def valkey(folder: Path) -> Iterator[RedisPlace]:
    """Keep Valkey running."""
    program = onlinestore(folder / "data")
    process = started(program.server, folder, folder / "valkey.log")
    try:
        host, _, port = program.settings["WB_REDIS_ADDRESS"].partition(":")
        yield RedisPlace(host, int(port), Secret(program.settings["WB_REDIS_PASSWORD"]))
    finally:
        stop(process)


@contextlib.contextmanager
def redis_server(folder: Path) -> Iterator[RedisPlace]:
    """Keep Debian's redis-server running; skip where it is not installed."""
    found = shutil.which("redis-server")
    if found is None:
        pytest.skip("redis-server is not installed (apt-get install redis-server)")
    folder.mkdir(parents=True, exist_ok=True)
    place = RedisPlace(HOST, free_port(), Secret(secrets.token_urlsafe(12)))
    server = Server(
        (found, "-"),
        "",
        "",
        stdin=redis_settings(place, folder),
        name="redis-server",
        ready=lambda: pong(place),
    )
    process = started(server, folder, folder / "redis.log")
    try:
        yield place
    finally:
        stop(process)


def environment_of(
    objects: S3Place | None = None, online: RedisPlace | None = None, runs: str = "http://127.0.0.1:1"
) -> dict[str, str]:
    """Return the ``WB_...`` variables of places; what is not given leads nowhere."""
    objects = objects or S3Place("http://127.0.0.1:1", "raw", "nobody", Secret("nothing"))
    online = online or RedisPlace(HOST, 1, Secret("nothing"))
    return {
        "WB_S3_ENDPOINT": objects.endpoint,
        "WB_S3_BUCKET": objects.bucket,
        "WB_S3_KEY": objects.key_id,
        "WB_S3_SECRET": objects.secret.reveal(),
        "WB_REDIS_ADDRESS": online.where,
        "WB_REDIS_PASSWORD": online.password.reveal(),
        "WB_MLFLOW_URL": runs,
    }


def is_alive(pid: int) -> bool:
    """Return whether a process is there, and no zombie."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    with contextlib.suppress(OSError), open(f"/proc/{pid}/stat", encoding="ascii", errors="replace") as stat:  # noqa: PTH123
        return stat.read().rpartition(")")[2].split()[0] not in "ZX"
    return True
