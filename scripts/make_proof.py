"""Measure the proof of the catalogue: every failure and its cure, on ten fresh seeds, under every guard.

Takes about 35 minutes of one core. What has been measured is kept, so it can be stopped and taken up again;
failures that are named are measured anew, ``--again`` begins from nothing.

Usage: python -m scripts.make_proof [--workers 2] [--again] [NAME ...]
"""

from __future__ import annotations

import argparse
import multiprocessing
import os
import sys
import tempfile
from concurrent.futures import ProcessPoolExecutor, as_completed
from typing import TYPE_CHECKING

from workbench.errors import WorkbenchError
from workbench.failures import ORDER, load
from workbench.lab.proof import FIRST_SEED, N_SEEDS, Proof, path_of_proof, proved, read, write

if TYPE_CHECKING:
    from collections.abc import Sequence


def main(arguments: list[str] | None = None) -> int:
    """Measure what is missing.

    Returns
    -------
    int
        1 if the proof does not hold, or something could not be measured; 2 if a name is wrong.
    """
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("names", nargs="*", default=[], help="failures; all by default")
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--again", action="store_true")
    options = parser.parse_args(arguments)
    if strange := sorted({*options.names} - {*ORDER}):
        print(f"no failure is called {', '.join(strange)}", file=sys.stderr)
        return 2
    known = () if options.again or not path_of_proof().is_file() else read()
    proofs = {(p.failure, p.seed): p for p in known if p.failure in ORDER and p.failure not in options.names}
    tasks = missing(proofs)
    n_failed = 0
    started = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(options.workers, started) as pool:
        coming = {pool.submit(measure, *task): task for task in tasks}
        for i, done in enumerate(as_completed(coming), 1):
            names, seed = coming[done]
            found, failed = done.result()
            n_failed += len(failed)
            proofs |= {(p.failure, p.seed): p for p in found}
            write(proofs.values())
            print(
                f"{i}/{len(tasks)} seed {seed}: {len(found)} of {len(names)}", *failed, sep="\n  ", flush=True
            )
    broken = [f"{p.failure} on seed {p.seed}: {', '.join(p.troubles)}" for p in proofs.values() if p.troubles]
    print(f"{len(proofs)} of {len(ORDER) * N_SEEDS} measured, {len(broken)} do not hold", *broken, sep="\n  ")
    return int(bool(n_failed or broken))


def missing(proofs: dict[tuple[str, int], Proof]) -> list[tuple[list[str], int]]:
    """Return what is to be measured: the failures of a world on one seed together, since they share what is prepared."""
    tasks = []
    for seed in range(FIRST_SEED, FIRST_SEED + N_SEEDS):
        for world in ("packhouse", "gym"):
            names = [name for name in ORDER if load(name).world == world and (name, seed) not in proofs]
            tasks += [(names, seed)] if names else []
    return tasks


def measure(names: Sequence[str], seed: int) -> tuple[list[Proof], list[str]]:
    """Measure failures of one world on one seed; one that breaks does not stop the others.

    Parameters
    ----------
    names : sequence of str
        Of the catalogue.
    seed : int
        Of the world.

    Returns
    -------
    tuple of list of Proof and list of str
        What was measured, and what broke.
    """
    found, failed = [], []
    os.environ["OMP_NUM_THREADS"] = "1"  # as many processes as cores
    with tempfile.TemporaryDirectory() as home:
        os.environ["WORKBENCH_HOME"] = home
        for name in names:
            try:
                found.append(proved(name, seed))
            except WorkbenchError as error:
                failed.append(f"{name}: {error}")
    return found, failed


if __name__ == "__main__":
    raise SystemExit(main())
