"""The writer lock of a workspace: one process, one thread at a time."""

from __future__ import annotations

import contextlib
import json
import os
from typing import TYPE_CHECKING

from workbench.clock import iso, utc_now
from workbench.errors import SettingsError, WorkspaceBusyError
from workbench.manifests import disk_error, sweep

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from filelock import BaseFileLock

LOCK, HOLDER = ".lock", ".lock-holder.json"
SELF_CLEANING = frozenset({"raw", ".dvc", ".git", "mlruns"})
"""Written by others, with temporary names of their own; raw may hold 100,000 files."""


@contextlib.contextmanager
def writer_lock(root: Path, wait_s: float | None = None) -> Iterator[None]:
    """Hold the writer lock of a workspace; the same thread may enter again.

    Feast's file registry loses updates and MLflow's first start dies under two writers, so
    every stage writes inside this. The system frees the lock when a process dies.

    Parameters
    ----------
    root : Path
        The workspace's folder.
    wait_s : float, optional
        How long to wait for another writer, in seconds; default 10, or WORKBENCH_WAIT_S.

    Yields
    ------
    None
        While the lock is held. On the first entry, temporary files of killed runs are gone.

    Raises
    ------
    WorkspaceBusyError
        If another writer did not finish in time.
    DiskError
        If the disk is full or read-only: sqlite, DuckDB and Arrow each have their own words for it.
    """
    try:
        with _acquired(root, wait_s) as lock, _signed(root, first=lock.lock_counter == 1):
            yield
    except Exception as error:
        if ours := disk_error(error, root):
            raise ours from error
        raise


def _patience() -> float:
    text = os.environ.get("WORKBENCH_WAIT_S", "10")
    try:
        return float(text)
    except ValueError:
        raise SettingsError(
            f"WORKBENCH_WAIT_S is {text!r}", hint="give a number of seconds, for example 60"
        ) from None


@contextlib.contextmanager
def _acquired(root: Path, wait_s: float | None) -> Iterator[BaseFileLock]:
    from filelock import FileLock, Timeout

    wait_s = _patience() if wait_s is None else wait_s
    lock = FileLock(root / LOCK, is_singleton=True)
    try:
        lock.acquire(timeout=wait_s)
    except Timeout:
        raise WorkspaceBusyError(
            f"the workspace {root.name} is being written by {_holder(root / HOLDER)}",
            hint="wait for it to finish, stop it, or work in a copy: workbench --workspace NAME ...",
        ) from None
    try:
        yield lock
    finally:
        lock.release()


@contextlib.contextmanager
def _signed(root: Path, *, first: bool) -> Iterator[None]:
    """Say who holds the lock, for the message that a second writer gets."""
    if not first:
        yield
        return
    (root / HOLDER).write_text(json.dumps({"pid": os.getpid(), "since": iso(utc_now())}), encoding="utf-8")
    sweep(root, skip=SELF_CLEANING)
    try:
        yield
    finally:
        with contextlib.suppress(OSError):
            (root / HOLDER).unlink(missing_ok=True)


def _holder(path: Path) -> str:
    try:
        raw = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return "another process"
    return f"process {raw.get('pid')} since {raw.get('since')}"
