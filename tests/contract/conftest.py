"""Real servers, one of each kind for all tests of a worker."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

    from workbench.profiles.stack import RedisPlace, S3Place


@pytest.fixture(scope="session")
def bucket_place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[S3Place]:
    """SeaweedFS; each test has a prefix or a bucket of its own."""
    from tests.helpers.stack import seaweed

    with seaweed(tmp_path_factory.mktemp("seaweed")) as place:
        yield place


@pytest.fixture(scope="session")
def valkey_place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RedisPlace]:
    """Valkey; each workspace is a project of its own."""
    from tests.helpers.stack import valkey

    with valkey(tmp_path_factory.mktemp("valkey")) as place:
        yield place


@pytest.fixture(scope="session")
def redis_place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RedisPlace]:
    """Debian's redis-server."""
    from tests.helpers.stack import redis_server

    with redis_server(tmp_path_factory.mktemp("redis")) as place:
        yield place
