"""One way to do work in pieces, three engines, the same result."""

from __future__ import annotations

import hashlib
import threading
import time
from pathlib import Path

import pyarrow as pa
import pytest

from workbench.errors import SettingsError
from workbench.manifests import Part, write_part
from workbench.shards import map_shards

ENGINES = ("serial", "threads", "processes")


def write_one(job: tuple[str, int]) -> Part:
    """Write one part, unless it is there."""
    folder, number = Path(job[0]), job[1]
    texts = [hashlib.sha256(f"{number}/{i}".encode()).hexdigest() for i in range(50)]
    return write_part(folder, f"part-{number:05d}", pa.table({"text": texts}))


def test_every_engine_makes_the_same_bytes_in_the_same_order(tmp_path):
    receipts = [map_shards(write_one, [(str(tmp_path / e), i) for i in range(5)], e) for e in ENGINES]
    assert receipts[0] == receipts[1] == receipts[2]
    assert [part.name for part in receipts[0]] == [f"part-{i:05d}.parquet" for i in range(5)]


@pytest.mark.parametrize("engine", ["serial", "threads"])
def test_receipts_come_in_the_order_of_the_keys(engine):
    def slow_first(key: int) -> int:
        time.sleep(0.02 * (4 - key))
        return key * key

    assert map_shards(slow_first, range(5), engine, workers=5) == [0, 1, 4, 9, 16]


@pytest.mark.parametrize("engine", ENGINES)
def test_progress_ends_at_the_total_and_never_goes_back(engine):
    seen = []
    map_shards(abs, [-1, -2, -3], engine, progress=lambda done, total: seen.append((done, total)))
    assert seen[-1] == (3, 3)
    assert seen == sorted(seen)


@pytest.mark.parametrize("engine", ENGINES)
def test_no_keys_no_work(engine):
    assert map_shards(abs, [], engine) == []


@pytest.mark.parametrize("engine", ENGINES)
def test_an_error_passes_through(engine):
    with pytest.raises(ValueError, match="invalid literal"):
        map_shards(int, ["1", "two", "3"], engine)


def test_after_an_error_no_new_shard_begins():
    begun, gate = [], threading.Event()

    def work(key: int) -> None:
        begun.append(key)
        if key == 0:
            raise RuntimeError("stop")
        gate.wait(0.3)

    with pytest.raises(RuntimeError, match="stop"):
        map_shards(work, range(50), "threads", workers=2)
    assert len(begun) < 10


def test_threads_work_at_the_same_time():
    together = threading.Barrier(3, timeout=10)
    map_shards(lambda _: together.wait(), range(3), "threads", workers=3)


def test_an_unknown_engine_is_refused_with_the_list():
    with pytest.raises(SettingsError, match="serial, threads, processes"):
        map_shards(abs, [1], "dusk")
