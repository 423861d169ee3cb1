"""Measure the point-in-time join beside its peers: CPU, time and peak memory, in turns, answers compared.

    python -m benchmarks.pit_join                 the small cells (a few minutes)
    python -m benchmarks.pit_join --all           up to 1e7 rows of history (an hour, 16 GB)
    python -m benchmarks.pit_join --cells 1e5x1e5 those whose name begins so

Each contestant works in a process of its own that imports and sets up first; then it answers a few times. Contestants
take turns, so a busy moment of the machine meets all of them. What is reported are medians, and ratios to stock Feast
on DuckDB and to a hand-written ASOF JOIN, all from one run.
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np

ROOT: Final = Path(__file__).resolve().parent.parent
OUT: Final = ROOT / "docs" / "figures" / "bench_pit_join.json"
ROUNDS: Final = 3
DAYS: Final = 365
MAX_S: Final = 300.0
"""A contestant that took longer in one cell is not asked about larger ones."""


@dataclass(frozen=True, slots=True)
class Cell:
    """One size of the question.

    Attributes
    ----------
    rows : int
        Of the history.
    observations : int
        That are asked about.
    versions : int
        Rows a key.
    dims : int
        Of the embedding; 0: none.
    known_at : bool
        Whether a row counts only once it was recorded.
    ttl_days : int
        0: any age counts.
    """

    rows: int
    observations: int
    versions: int = 10
    dims: int = 0
    known_at: bool = False
    ttl_days: int = 0

    @property
    def name(self) -> str:
        """As the table shows it."""
        extra = (f"{self.dims} dims" if self.dims else "", "known-at" if self.known_at else "",
                 f"ttl {self.ttl_days} d" if self.ttl_days else "")  # fmt: skip
        said = ", ".join(part for part in (f"{self.versions} a key", *extra) if part)
        return f"1e{round(np.log10(self.rows))}x1e{round(np.log10(self.observations))}, {said}"


SMALL: Final = (
    Cell(10_000, 10_000),
    Cell(100_000, 10_000),
    Cell(100_000, 100_000),
    Cell(100_000, 100_000, ttl_days=30),
    Cell(100_000, 100_000, known_at=True),
    Cell(100_000, 10_000, versions=1),
    Cell(100_000, 10_000, versions=200),
    Cell(10_000, 10_000, dims=64),
    Cell(100_000, 10_000, dims=64),
    Cell(10_000, 10_000, dims=512),
)
LARGE: Final = (
    Cell(1_000_000, 100_000),
    Cell(1_000_000, 100_000, versions=200),
    Cell(1_000_000, 100_000, versions=200, known_at=True),
    Cell(1_000_000, 100_000, dims=64),
    Cell(10_000_000, 1_000_000),
    Cell(10_000_000, 1_000_000, dims=64),
)


def make(cell: Cell, folder: Path) -> None:
    """Write both files of a cell.

    Parameters
    ----------
    cell : Cell
        Its size.
    folder : Path
        Where. Times are whole seconds of one year; one row in fifty is a correction, recorded weeks later with the
        event time of another row.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    rng = np.random.default_rng(0)
    keys = np.array([f"e{i:08d}" for i in range(max(1, cell.rows // cell.versions))])
    key = np.repeat(np.arange(len(keys)), cell.versions)[: cell.rows]
    event = rng.integers(0, DAYS * 86_400, len(key))
    corrected = rng.random(len(key)) < 0.02
    event[1:][corrected[1:]] = event[:-1][corrected[1:]]  # of the row before, mostly of the same key
    late = rng.integers(0, 3_600, len(key)) + corrected * rng.integers(86_400, 28 * 86_400, len(key))
    begin = 1_735_689_600  # 2025-01-01
    order = rng.permutation(len(key))

    def when(seconds: Any) -> Any:
        return pa.array((begin + seconds) * 1_000_000, pa.timestamp("us", "UTC"))

    columns: dict[str, Any] = {
        "entity": pa.array(keys[key[order]]),
        "event_timestamp": when(event[order]),
        "created_timestamp": when(event[order] + late[order]),
        "f0": pa.array(order),
    }
    schema = pa.table(columns).schema
    if cell.dims:
        schema = schema.append(pa.field("embedding", pa.list_(pa.float32())))
    with pq.ParquetWriter(folder / "history.parquet", schema) as writer:
        for start in range(0, len(key), 100_000):  # embeddings of 1e7 rows do not fit in memory at once
            part = {name: column.slice(start, 100_000) for name, column in columns.items()}
            if cell.dims:
                n = len(part["f0"])
                flat = pa.array(rng.standard_normal(n * cell.dims, np.float32))
                part["embedding"] = pa.ListArray.from_arrays(
                    pa.array(np.arange(n + 1, dtype=np.int32) * cell.dims), flat
                )
            writer.write_table(pa.table(part, schema))
    asked = pa.table(
        {
            "row_id": np.arange(cell.observations),
            "entity": keys[rng.integers(0, len(keys), cell.observations)],
            "event_timestamp": when(rng.integers(0, DAYS * 86_400, cell.observations)),
        }
    )
    pq.write_table(asked, folder / "observations.parquet")


def answer(name: str, cell: Cell, folder: Path) -> int:
    """Be one contestant: set up, then answer at each line of standard input, and print what it took."""
    import hashlib
    import resource

    from benchmarks.contestants import CONTESTANTS, Question

    ask = CONTESTANTS[name](Question(folder, cell.dims, cell.known_at, cell.ttl_days))
    if ask is None:
        print(json.dumps(None), flush=True)
        return 0
    print(json.dumps({"ready": True}), flush=True)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    for _ in sys.stdin:
        wall, cpu = time.perf_counter(), time.process_time()
        rows, values = ask()
        took = {"wall_s": time.perf_counter() - wall, "cpu_s": time.process_time() - cpu}
        digest = hashlib.sha256(rows.to_numpy().tobytes() + values.fill_null(-1).to_numpy().tobytes())
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
        print(
            json.dumps(took | {"peak_mb": peak / 1024, "rows": len(rows), "sha256": digest.hexdigest()}),
            flush=True,
        )
    return 0


class Contestant:
    """An engine at work in a process of its own.

    Parameters
    ----------
    name : str
        Of `benchmarks.contestants.CONTESTANTS`.
    cell : Cell
        What it will be asked.
    where : str
        Folder with the files.
    """

    def __init__(self, name: str, cell: Cell, where: str) -> None:
        self.name, self.times = name, list[dict[str, Any]]()
        argv = [sys.executable, "-m", "benchmarks.pit_join", "--be", name, "--cell", json.dumps(asdict(cell)),
                "--in", where]  # fmt: skip
        log = Path(where) / f"{name.replace(' ', '_').replace(',', '')}.log"
        with log.open("w", encoding="utf-8") as stream:
            self._process = subprocess.Popen(
                argv, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=stream, text=True
            )
        first = self._line()
        self.error = "has no answer to this" if first is None else first.get("error", "")

    def ask(self) -> None:
        """Let it answer once more, unless something went wrong before."""
        if self.error or self._process.stdin is None:
            return
        self._process.stdin.write("go\n")
        self._process.stdin.flush()
        said = self._line()
        self.error = said.get("error", "")
        self.times.append(said)

    def stop(self) -> None:
        """End its process."""
        self._process.kill()
        self._process.wait()

    def found(self) -> dict[str, Any]:
        """Return medians of CPU and time in seconds, greatest over least, peak MB, and the answer's sha256."""
        if self.error:
            return {"error": self.error}
        medians = {key: statistics.median(one[key] for one in self.times) for key in ("wall_s", "cpu_s")}
        cpu = [one["cpu_s"] for one in self.times]
        last = {key: self.times[-1][key] for key in ("peak_mb", "rows", "sha256")}
        return medians | {"spread": max(cpu) / min(cpu)} | last

    def _line(self) -> Any:
        """Return the next line that is JSON; libraries may print others."""
        for line in self._process.stdout or ():
            try:
                return json.loads(line)
            except ValueError:
                continue
        return {"error": f"it ended with code {self._process.wait()}"}


def measure(cell: Cell, names: list[str]) -> dict[str, dict[str, Any]]:
    """Let the contestants take turns on a cell.

    Parameters
    ----------
    cell : Cell
        Its size.
    names : list of str
        Contestants.

    Returns
    -------
    dict of str to dict
        As `Contestant.found`.
    """
    with tempfile.TemporaryDirectory() as where:
        make(cell, Path(where))
        contestants = [Contestant(name, cell, where) for name in names]
        for _ in range(ROUNDS):
            for contestant in contestants:
                contestant.ask()
        for contestant in contestants:
            contestant.stop()
    return {contestant.name: contestant.found() for contestant in contestants}


def main() -> int:
    """Measure, print a table, and write the figures."""
    from benchmarks.contestants import CONTESTANTS
    from benchmarks.machine import describe

    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--all", action="store_true")
    parser.add_argument("--cells", default="")
    parser.add_argument("--out", type=Path, default=OUT)
    parser.add_argument("--be", help=argparse.SUPPRESS)
    parser.add_argument("--cell", help=argparse.SUPPRESS)
    parser.add_argument("--in", dest="folder", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.be:
        return answer(options.be, Cell(**json.loads(options.cell)), Path(options.folder))
    cells = [
        cell for cell in (*SMALL, *(LARGE if options.all else ())) if cell.name.startswith(options.cells)
    ]
    slow: set[str] = set()
    figures: dict[str, Any] = {"machine": describe(), "rounds": ROUNDS, "cells": []}
    for cell in cells:
        found = measure(cell, [name for name in CONTESTANTS if name not in slow])
        slow |= {name for name, one in found.items() if one.get("wall_s", 0) > MAX_S}
        figures["cells"].append({"cell": asdict(cell), "name": cell.name, "found": found})
        print(f"\n{cell.name}", *_lines(found), sep="\n", flush=True)
        options.out.parent.mkdir(parents=True, exist_ok=True)
        options.out.write_text(json.dumps(figures, indent=1) + "\n", encoding="utf-8")
    return 0


def _lines(found: dict[str, dict[str, Any]]) -> list[str]:
    base, plain = (found.get(name, {}).get("cpu_s") for name in ("Feast, duckdb", "DuckDB ASOF"))
    truth = found.get("DuckDB window", {}).get("sha256")
    lines = []
    for name, one in found.items():
        if "error" in one:
            lines.append(f"  {name:<22} {one['error']}")
            continue
        ratios = [f"{one['cpu_s'] / by:6.2f}" if by else "      " for by in (base, plain)]
        same = "" if one["sha256"] == truth else "   OTHER ANSWER"
        lines.append(
            f"  {name:<22} cpu {one['cpu_s']:8.3f} s  of Feast {ratios[0]}  of ASOF {ratios[1]}"
            f"  peak {one['peak_mb']:7.0f} MB{same}"
        )
    return lines


if __name__ == "__main__":
    raise SystemExit(main())
