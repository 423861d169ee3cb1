"""Run stages of a workspace in this process, and die at a chosen moment.

``python driver.py WORKSPACE stage [stage ...]`` runs them and prints, for each, how many files
it renamed into place. With ``KILL_AT=n`` the process sends itself SIGKILL at the n-th rename:
before it when n is odd, after it when n is even. So every moment between two whole files can
be hit, and the same one again.
"""

from __future__ import annotations

import json
import os
import signal
import sys
from pathlib import Path

kill_at = int(os.environ.get("KILL_AT", "0"))
real_replace = os.replace
renamed: list[str] = []


def replace(source: str, target: str) -> None:
    """Rename, count, and perhaps die."""
    renamed.append(str(target))
    if len(renamed) == kill_at and kill_at % 2:
        os.kill(os.getpid(), signal.SIGKILL)
    real_replace(source, target)
    if len(renamed) == kill_at:
        os.kill(os.getpid(), signal.SIGKILL)


def main() -> None:
    """Run the stages that are named on the command line."""
    from workbench.lab.pipeline import open_world_of
    from workbench.profiles.workspace import open_workspace
    from workbench.stages.clean import clean
    from workbench.stages.dataset import dataset
    from workbench.stages.extract import extract
    from workbench.stages.ingest import ingest
    from workbench.stages.serve import serve
    from workbench.stages.train import train

    ws = open_workspace(str(Path(sys.argv[1])))
    stages = {"clean": clean, "extract": extract, "dataset": dataset, "train": train, "serve": serve}
    os.replace = replace
    done = {}
    for name in sys.argv[2:]:
        before = len(renamed)
        report = ingest(ws, open_world_of(ws)) if name == "ingest" else stages[name](ws)
        done[name] = {"renames": len(renamed) - before, "digest": report.digest, "skipped": report.skipped}
    sys.stdout.write(json.dumps(done) + "\n")


if __name__ == "__main__":
    main()
