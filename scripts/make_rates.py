"""Measure how often guards fire: in all cases of `scripts.rates`, on seeds that no threshold was chosen on.

Takes about 12 minutes of one core. What has been measured is kept, so it can be stopped and taken up again;
guards that are named are measured anew, ``--again`` begins from nothing.

Usage: python -m scripts.make_rates [--seeds 30] [--again] [NAME ...]
"""

from __future__ import annotations

import argparse
import os
import sys
import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from scripts.rates import Case


def main(arguments: list[str] | None = None) -> int:
    """Measure what is missing; return the exit code."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("names", nargs="*", default=[], help="guards; all by default")
    parser.add_argument("--seeds", type=int, default=30)
    parser.add_argument("--again", action="store_true")
    options = parser.parse_args(arguments)
    os.environ.setdefault("OMP_NUM_THREADS", "1")  # before numpy is loaded
    from scripts.rates import ROOMS, cases

    if strange := sorted({*options.names} - {case.guard for case in cases()}):
        print(f"no guard is called {', '.join(strange)}", file=sys.stderr)
        return 2
    verdicts = dict.fromkeys(cases(), "") | ({} if options.again else _known(options.names))
    for room in ROOMS:
        begin = time.monotonic()
        measure(room, verdicts, options.seeds)
        print(f"{room}: {time.monotonic() - begin:.0f} s", flush=True)
    return 0


def _known(anew: Sequence[str]) -> dict[Case, str]:
    """Return what the file says of cases that there still are."""
    from scripts.rates import FIRST_SEED, cases
    from workbench.errors import ManifestError
    from workbench.lab.rates import read

    try:
        said = {(r.guard, r.case, r.kind, r.first_seed): r.verdicts for r in read()}
    except ManifestError:
        return {}
    named = {case: (case.guard, case.name, case.kind, FIRST_SEED) for case in cases()}
    return {case: said[key] for case, key in named.items() if key in said and case.guard not in anew}


def measure(room: str, verdicts: dict[Case, str], n_seeds: int) -> None:
    """Bring the cases of a room to so many seeds, and write after each.

    Parameters
    ----------
    room : str
        One of `scripts.rates.ROOMS`.
    verdicts : dict of Case to str
        Of all cases; those of the room grow.
    n_seeds : int
        How many, from `scripts.rates.FIRST_SEED`.
    """
    from scripts.rates import FIRST_SEED, cases_of, verdict
    from workbench.lab.rates import Rate, write

    for i in range(n_seeds):
        missing = [case for case in cases_of(room) if len(verdicts[case]) == i]
        for case in missing:  # one seed after the other: cases share their worlds
            verdicts[case] += verdict(case, FIRST_SEED + i)
        if missing:
            write(Rate(c.guard, c.name, c.kind, FIRST_SEED, said) for c, said in verdicts.items() if said)


if __name__ == "__main__":
    raise SystemExit(main())
