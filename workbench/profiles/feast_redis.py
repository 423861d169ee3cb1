# ruff: noqa: TID253  (Feast loads this module by its name; ours only once Feast is there)
"""Feast's Redis store, with an address and a password that come from the profile and stay out of its settings.

Feast wants both in one string of its configuration, where a repr or an error shows them (and where
a password of digits becomes a number). Here the configuration names the profile alone.

It is Feast's store in all else, also where it differs from sqlite: an older window is not taken
back, a correction under the same event time is never taken in, and a miss is PRESENT with None.
"""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Any, Literal

import redis
from feast.infra.online_stores.redis import RedisOnlineStore, RedisOnlineStoreConfig
from pydantic import StrictStr  # noqa: TC002  (pydantic reads it while running)
from redis.backoff import ExponentialBackoff
from redis.retry import Retry

from workbench.errors import SettingsError, StackError, StackRefusedError
from workbench.profiles.stack import stack

if TYPE_CHECKING:
    from collections.abc import Iterator

    from workbench.profiles.stack import RedisPlace


class StackRedisOnlineStoreConfig(RedisOnlineStoreConfig):  # type: ignore[misc]  # feast has no types
    """The block ``online_store:``; Feast finds it by its name beside the store.

    Attributes
    ----------
    type : str
        Import path of the store.
    profile : str
        ``local`` or ``compose``.
    """

    type: Literal["workbench.profiles.feast_redis.StackRedisOnlineStore"] = (
        "workbench.profiles.feast_redis.StackRedisOnlineStore"
    )
    profile: StrictStr = "local"


class StackRedisOnlineStore(RedisOnlineStore):  # type: ignore[misc]  # feast has no types
    """Feast's Redis store on the server of a profile; `told` makes its errors ours."""

    _client: Any = None
    _place: RedisPlace | None = None

    def _get_client(self, online_store_config: StackRedisOnlineStoreConfig) -> Any:
        place = stack(online_store_config.profile).online
        if place is None:
            raise SettingsError(f"the profile {online_store_config.profile} has no Redis")
        if self._client is None or place != self._place:  # a new start has another port and password
            self._client = connect(place)
            self._place = place
        return self._client

    async def _get_client_async(self, online_store_config: StackRedisOnlineStoreConfig) -> Any:
        del online_store_config
        raise SettingsError("this online store is not asked asynchronously")  # Feast would ask localhost:6379


@contextlib.contextmanager
def told(profile: str) -> Iterator[None]:
    """Turn what redis-py raises inside the block into our errors.

    Parameters
    ----------
    profile : str
        Whose server is asked.

    Yields
    ------
    None
        While Feast works.

    Raises
    ------
    StackError
        Refused, or not there.
    """
    try:
        yield
    except redis.RedisError as error:
        raise redis_error(stack(profile).online, error) from None


def connect(place: RedisPlace) -> Any:
    """Return a client of redis-py that gives up after seconds.

    Parameters
    ----------
    place : RedisPlace
        Where.

    Returns
    -------
    redis.Redis
        Not connected yet.
    """
    return redis.Redis(
        host=place.host,
        port=place.port,
        password=place.password.reveal() or None,
        socket_connect_timeout=5,
        socket_timeout=20,
        retry=Retry(ExponentialBackoff(cap=0.2, base=0.05), 2),  # its own default waits for seconds
    )


def redis_error(place: RedisPlace | None, error: Exception) -> StackError:
    """Return our error for one of redis-py.

    Parameters
    ----------
    place : RedisPlace or None
        Who was asked.
    error : redis.RedisError
        What it raised.

    Returns
    -------
    StackError
        Refused, or not there.
    """
    where = place.where if place else "its address"
    refusals = (redis.AuthenticationError, redis.exceptions.NoPermissionError)
    if isinstance(error, refusals) or "NOAUTH" in str(error) or "WRONGPASS" in str(error):
        return StackRefusedError(
            f"the online store at {where} refuses the password",
            hint="compare WB_REDIS_PASSWORD with the one that the server was started with",
        )
    return StackError(
        f"no online store answers at {where} ({type(error).__name__})",
        hint="look at `workbench up --status`; start it with `workbench up` or `docker compose up`",
    )
