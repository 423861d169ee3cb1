"""The one way to do a lot of work in pieces."""

from __future__ import annotations

from concurrent.futures import (
    FIRST_EXCEPTION,
    Executor,
    Future,
    ProcessPoolExecutor,
    ThreadPoolExecutor,
    wait,
)
from multiprocessing import get_context
from typing import TYPE_CHECKING, Literal, TypeVar

from workbench.errors import SettingsError
from workbench.records import silent

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from workbench.records import Progress

Key = TypeVar("Key")
Receipt = TypeVar("Receipt")
Engine = Literal["serial", "threads", "processes"]


def map_shards(
    fn: Callable[[Key], Receipt],
    keys: Sequence[Key],
    engine: Engine = "threads",
    *,
    workers: int = 2,
    progress: Progress = silent,
) -> list[Receipt]:
    """Call `fn` on every key and return the receipts in the order of the keys.

    `fn` must be idempotent: it looks whether its part exists, else writes it to a temporary
    name and renames it. Batch boundaries belong to `fn`, never to the engine; so the files
    are byte-identical whichever engine made them.

    Parameters
    ----------
    fn : callable
        Shard function. For ``processes`` it must be importable (a function of a module).
    keys : sequence
        One a shard.
    engine : {'serial', 'threads', 'processes'}
        Threads suit work that releases the GIL (decoding, torch, DuckDB); processes cost
        2 to 4 s to start but share nothing.
    workers : int
        How many at once.
    progress : callable
        Called as ``progress(done, len(keys))``.

    Returns
    -------
    list
        What `fn` returned for each key.

    Raises
    ------
    SettingsError
        If the engine is unknown. Errors of `fn` pass through; shards not yet begun are dropped.
    """
    if engine == "serial":
        return _serial(fn, keys, progress)
    with _executor(engine, workers) as pool:
        futures: list[Future[Receipt]] = [pool.submit(fn, key) for key in keys]
        pending = set(futures)
        try:
            while pending:
                done, pending = wait(pending, timeout=0.2, return_when=FIRST_EXCEPTION)
                for future in done:
                    future.result()
                progress(len(futures) - len(pending), len(futures))
        except BaseException:
            pool.shutdown(wait=True, cancel_futures=True)
            raise
        return [future.result() for future in futures]


def _serial(fn: Callable[[Key], Receipt], keys: Sequence[Key], progress: Progress) -> list[Receipt]:
    receipts = []
    for done, key in enumerate(keys, 1):
        receipts.append(fn(key))
        progress(done, len(keys))
    return receipts


def _executor(engine: str, workers: int) -> Executor:
    if engine == "threads":
        return ThreadPoolExecutor(workers)
    if engine == "processes":  # spawn: the same on Linux, macOS and Windows, and safe with threads
        return ProcessPoolExecutor(workers, mp_context=get_context("spawn"))
    raise SettingsError(f"there is no engine {engine!r}", hint="use one of: serial, threads, processes")
