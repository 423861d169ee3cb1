"""All checks that need no test run: one line each, and the output of those that fail.

.venv/bin/python -m scripts.check           all of them
.venv/bin/python -m scripts.check types     only those with this word in their name
"""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path
from typing import Final

ROOT = Path(__file__).resolve().parent.parent
BIN = Path(sys.executable).parent

CHECKS: Final[dict[str, list[str]]] = {
    "lint": [f"{BIN}/ruff", "check", "--quiet", "."],
    "format": [f"{BIN}/ruff", "format", "--check", "--quiet", "."],
    "types": [f"{BIN}/mypy", "--no-error-summary"],
    "floors": [f"{BIN}/lint-imports", "--no-logo"],
    "docstrings": [
        f"{BIN}/numpydoc",
        "lint",
        *sorted(p.relative_to(ROOT).as_posix() for p in ROOT.glob("workbench/**/*.py")),
    ],
    "docs": [sys.executable, "-m", "scripts.make_docs", "--check"],
    "declared": [sys.executable, "-m", "scripts.checks.declared"],
    "pins": [sys.executable, "-m", "scripts.checks.pins"],
    "order": [sys.executable, "-m", "scripts.checks.order"],
    "words": [sys.executable, "-m", "scripts.checks.words"],
}


def run(name: str, command: list[str]) -> bool:
    """Run one check and print its line; return whether all was well."""
    begin = time.monotonic()
    done = subprocess.run(command, cwd=ROOT, check=False, capture_output=True, text=True)
    well = done.returncode == 0
    print(f"check: {'ok    ' if well else 'FAILED'} {name:<11} {time.monotonic() - begin:5.1f} s", flush=True)
    if not well:
        print(done.stdout + done.stderr, flush=True)
    return well


def main(only: list[str]) -> int:
    """Run the checks; return the exit code."""
    chosen = {name: command for name, command in CHECKS.items() if not only or any(o in name for o in only)}
    if not chosen:
        print(f"there is no check named {only}; there are {', '.join(CHECKS)}", file=sys.stderr)
        return 2
    failed = [name for name, command in chosen.items() if not run(name, command)]
    if failed:
        print(f"check: {len(failed)} of {len(chosen)} failed: {', '.join(failed)}", file=sys.stderr)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
