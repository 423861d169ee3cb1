"""Measure the table of effects: every failure, at all its strengths, on several seasons.

Takes about 25 minutes of one core. What has been measured is kept in the table, so it can be stopped and
taken up again; ``--again`` begins from nothing.

Usage: python -m scripts.make_effects [--seeds 3] [--again] [NAME ...]
"""

from __future__ import annotations

import argparse
import os
import tempfile
from typing import TYPE_CHECKING, Any

from workbench.failures import ORDER, load
from workbench.lab.effects import FILE, folder, read, row_of
from workbench.lab.trial import try_failure
from workbench.manifests import write_parquet

if TYPE_CHECKING:
    from pathlib import Path


def main() -> int:
    """Measure what is missing.

    Returns
    -------
    int
        0.
    """
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("names", nargs="*", default=[], help="failures; all by default")
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--again", action="store_true")
    options = parser.parse_args()
    path = folder() / FILE
    rows: list[dict[str, Any]] = [] if options.again or not path.is_file() else read().to_pylist()
    known = {(row["failure"], row["strength"], row["seed"]) for row in rows}
    wanted = [
        (name, strength, seed)
        for name in options.names or ORDER
        for seed in range(options.seeds)
        for strength in load(name).strength.values
    ]
    if options.names:  # asked for by name: measured anew
        rows = [row for row in rows if row["failure"] not in options.names]
        known = {(row["failure"], row["strength"], row["seed"]) for row in rows}
    with tempfile.TemporaryDirectory() as home:
        os.environ.setdefault("WORKBENCH_HOME", home)
        for i, (name, strength, seed) in enumerate(wanted, 1):
            if (name, strength, seed) in known:
                continue
            rows.append(row_of(try_failure(name, strength, seed=seed)))
            _write(path, rows)
            print(f"{i}/{len(wanted)} {name} {strength:g} seed {seed}", flush=True)
    _write(path, [row for row in rows if row["failure"] in ORDER])
    return 0


def _write(path: Path, rows: list[dict[str, Any]]) -> None:
    import pyarrow as pa

    place = {name: i for i, name in enumerate(ORDER)}
    rows = sorted(rows, key=lambda r: (place.get(r["failure"], len(place)), r["strength"], r["seed"]))
    if rows:
        path.parent.mkdir(parents=True, exist_ok=True)
        write_parquet(path, pa.Table.from_pylist(rows))


if __name__ == "__main__":
    raise SystemExit(main())
