"""Measure the table of effects: every failure, at all its strengths, on several seeds of its world.

Takes about an hour of one core. What has been measured is kept in the table, so it can be stopped and taken
up again; ``--again`` begins from nothing.

Usage: python -m scripts.make_effects [--seeds N] [--workers 2] [--again] [NAME ...]
"""

from __future__ import annotations

import argparse
import multiprocessing
import os
import tempfile
from concurrent.futures import ProcessPoolExecutor, as_completed
from pathlib import Path
from typing import TYPE_CHECKING, Any

from workbench.failures import ORDER, load
from workbench.lab.effects import FILE, SEEDS, cells, folder, read, row_of
from workbench.lab.trial import try_failure
from workbench.manifests import write_parquet

if TYPE_CHECKING:
    from collections.abc import Sequence

Cell = tuple[float, str]


def main() -> int:
    """Measure what is missing.

    Returns
    -------
    int
        1 if something could not be measured; what could be is in the table.
    """
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("names", nargs="*", default=[], help="failures; all by default")
    parser.add_argument("--seeds", type=int, help="of each world; by default as many as the table has")
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--again", action="store_true")
    options = parser.parse_args()
    path = folder() / FILE
    rows: list[dict[str, Any]] = [] if options.again or not path.is_file() else read().to_pylist()
    rows = [row for row in rows if row["failure"] in ORDER and row["failure"] not in options.names]
    wanted = _wanted(options.names or ORDER, options.seeds, rows)
    started = multiprocessing.get_context("spawn")
    with (
        tempfile.TemporaryDirectory() as home,
        ProcessPoolExecutor(options.workers, started, _begin, (home,)) as pool,
    ):
        coming = {pool.submit(measure, *task): task for task in wanted}
        failed = 0
        for i, done in enumerate(as_completed(coming), 1):
            name, seed, _ = coming[done]
            if (error := done.exception()) is not None:  # the others go on
                failed += 1
                print(f"{i}/{len(wanted)} {name} seed {seed} failed: {error!r}", flush=True)
                continue
            rows += done.result()
            _write(path, rows)
            print(f"{i}/{len(wanted)} {name} seed {seed}", flush=True)
    return 1 if failed else 0


def _wanted(
    names: Sequence[str], seeds: int | None, rows: Sequence[dict[str, Any]]
) -> list[tuple[str, int, list[Cell]]]:
    """Return what is to be measured, world by world and seed by seed: prepared worlds are used again."""
    known = {(row["failure"], row["seed"], row["strength"], row["model"]) for row in rows}
    of_world = {name: seeds or SEEDS[load(name).world] for name in names}
    by_world = sorted(names, key=lambda name: load(name).world)
    tasks = [
        (name, seed) for seed in range(max(of_world.values())) for name in by_world if seed < of_world[name]
    ]
    missing = [
        (name, seed, [cell for cell in cells(name) if (name, seed, *cell) not in known])
        for name, seed in tasks
    ]
    return [task for task in missing if task[2]]


def _begin(home: str) -> None:
    """Give each worker workspaces of its own."""
    os.environ["WORKBENCH_HOME"] = str(Path(home) / str(os.getpid()))
    os.environ["OMP_NUM_THREADS"] = "1"


def measure(name: str, seed: int, wanted: Sequence[Cell]) -> list[dict[str, Any]]:
    """Measure one failure on one seed."""
    return [row_of(try_failure(name, strength, seed=seed, model=model)) for strength, model in wanted]


def _write(path: Path, rows: Sequence[dict[str, Any]]) -> None:
    import pyarrow as pa

    place = {name: i for i, name in enumerate(ORDER)}
    ordered = sorted(rows, key=lambda r: (place[r["failure"]], r["strength"], r["model"], r["seed"]))
    if ordered:
        path.parent.mkdir(parents=True, exist_ok=True)
        names = dict.fromkeys(name for row in ordered for name in row)
        write_parquet(
            path, pa.Table.from_pylist([{name: row.get(name) for name in names} for row in ordered])
        )


if __name__ == "__main__":
    raise SystemExit(main())
