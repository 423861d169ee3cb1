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
from itertools import count
from typing import TYPE_CHECKING

from workbench.errors import WorkbenchError
from workbench.failures import ORDER, load
from workbench.lab.proof import FIRST_SEED, N_SEEDS, Proof, exceptions, path_of_proof, proved, read, write

if TYPE_CHECKING:
    from collections.abc import Sequence


def main(arguments: list[str] | None = None) -> int:
    """Measure what is missing.

    Returns
    -------
    int
        2 if a name is wrong, else 0: whether the proof holds is for the tests to say.
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
    started = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(options.workers, started) as pool:
        while tasks := missing(proofs):  # a seed that broke is followed by another one
            coming = {pool.submit(measure, *task): task for task in tasks}
            for i, done in enumerate(as_completed(coming), 1):
                names, seed = coming[done]
                found = done.result()
                proofs |= {(one.failure, one.seed): one for one in found}
                write(proofs.values())
                broke = [f"{one.failure}: {one.broke}" for one in found if one.broke]
                print(f"{i}/{len(tasks)} seed {seed}: {len(names)} failures", *broke, sep="\n  ", flush=True)
    wrong = [f"{one.failure} on seed {one.seed}: {trouble}" for one, trouble in exceptions(proofs.values())]
    print(f"{len(proofs)} measured, {len(wrong)} exceptions", *wrong, sep="\n  ")
    return 0


def missing(proofs: dict[tuple[str, int], Proof]) -> list[tuple[list[str], int]]:
    """Return what is to be measured: the failures of a world on one seed together, since they share what is prepared."""
    tasks: dict[tuple[int, str], list[str]] = {}
    for name in ORDER:
        seeds, n = count(FIRST_SEED), 0
        while n < N_SEEDS:
            seed = next(seeds)
            if (name, seed) not in proofs:
                tasks.setdefault((seed, load(name).world), []).append(name)
            n += (name, seed) not in proofs or not proofs[name, seed].broke
    return [(names, seed) for (seed, _), names in sorted(tasks.items())]


def measure(names: Sequence[str], seed: int) -> list[Proof]:
    """Measure failures of one world on one seed; one that breaks does not stop the others.

    Parameters
    ----------
    names : sequence of str
        Of the catalogue.
    seed : int
        Of the world.

    Returns
    -------
    list of Proof
        One each.
    """
    found = []
    os.environ["OMP_NUM_THREADS"] = "1"  # as many processes as cores
    with tempfile.TemporaryDirectory() as home:
        os.environ["WORKBENCH_HOME"] = home
        for name in names:
            try:
                found.append(proved(name, seed))
            except WorkbenchError as error:
                found.append(Proof(name, seed, (), (), error.message))
    return found


if __name__ == "__main__":
    raise SystemExit(main())
