"""Write constraints.txt anew: the newest release of everything that pyproject.toml allows, on every platform.

.venv/bin/python scripts/pin.py             keep what still fits, add what is missing
.venv/bin/python scripts/pin.py --upgrade   take the newest of everything
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
HEADER = """\
# Every package with its version, for all platforms and Pythons that pyproject.toml allows.
# Made by `make pin`: uv pip compile --universal, over pyproject.toml with all its extras. Do not edit.
# Read by pip (`pip install -c constraints.txt -e .[all]`) and by uv alike.
"""


def compile_pins(old: str, *options: str) -> str:
    """Return the pins as text.

    Parameters
    ----------
    old : str
        The pins so far: uv keeps those that still fit.
    *options : str
        More options for `uv pip compile`.

    Returns
    -------
    str
        The lines of constraints.txt under its header, sorted by name.

    Raises
    ------
    subprocess.CalledProcessError
        If nothing fits; uv has said why.
    """
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / "constraints.txt"
        out.write_text(old, encoding="utf-8")
        command = [
            *(sys.executable, "-m", "uv", "pip", "compile", "pyproject.toml", "--all-extras", "--universal"),
            *("--python-version", "3.11", "--no-header", "--no-annotate", "--no-emit-index-url", "--quiet"),
            *("--output-file", str(out), *options),
        ]
        subprocess.run(command, check=True, cwd=ROOT, env=os.environ | {"UV_NO_PROGRESS": "1"})
        return out.read_text(encoding="utf-8")


def main() -> None:
    """Rewrite constraints.txt and say how many pins it holds."""
    path = ROOT / "constraints.txt"
    pins = compile_pins(path.read_text(encoding="utf-8"), *sys.argv[1:])
    path.write_text(HEADER + pins, encoding="utf-8")
    print(f"constraints.txt: {len(pins.splitlines())} pins")


if __name__ == "__main__":
    main()
