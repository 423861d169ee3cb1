"""Write the generated parts of README.md and docs/: what can be read off the code is never typed.

    .venv/bin/python -m scripts.make_docs            all of them; runs the pipeline once, at `tiny`
    .venv/bin/python -m scripts.make_docs --check    only compare, without a run; exit 1 on a difference

A generated part stands between ``<!-- generated:NAME -->`` and ``<!-- /generated:NAME -->``.
"""

from __future__ import annotations

import argparse
import os
import re
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Final

from scripts import generated

if TYPE_CHECKING:
    from collections.abc import Mapping

ROOT: Final = Path(__file__).resolve().parent.parent
FILES: Final = ("README.md", "docs/PIPELINE_GUIDE.md", "docs/FAILURES.md", "docs/GUARDS.md")
PART: Final = re.compile(r"(<!-- generated:([\w-]+) -->\n)(?:.*?\n)?(<!-- /generated:\2 -->)", re.DOTALL)


def names_in(text: str) -> list[str]:
    """Return the names of the generated parts of a text, in order."""
    return [match[2] for match in PART.finditer(text)]


def fill(text: str, parts: Mapping[str, str]) -> str:
    """Return the text with the parts that are given; others stay as they are.

    Parameters
    ----------
    text : str
        With markers.
    parts : mapping of str to str
        Name of a part to its content.

    Returns
    -------
    str
        With content between the markers.
    """

    def put(match: re.Match[str]) -> str:
        content = parts.get(match[2])
        return match[0] if content is None else match[1] + content.strip("\n") + "\n" + match[3]

    return PART.sub(put, text)


def tiny_run() -> dict[str, str]:
    """Run the pipeline at `tiny` in a temporary folder and return the parts that show its manifests."""
    from workbench.lab.pipeline import open_or_create, run_pipeline

    with tempfile.TemporaryDirectory() as folder:
        ws = open_or_create(str(Path(folder) / "tiny"), size="tiny", seed=0)
        run_pipeline(ws)
        return generated.from_run(ws)


def main(arguments: list[str] | None = None) -> int:
    """Write or compare; return the exit code."""
    parser = argparse.ArgumentParser(description="Write the generated parts of README.md and docs/.")
    parser.add_argument("--check", action="store_true", help="only compare what needs no run")
    options = parser.parse_args(arguments)
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    parts = generated.from_code() | ({} if options.check else tiny_run())
    old, n_seen = [], 0
    for name in FILES:
        path = ROOT / name
        text = path.read_text(encoding="utf-8")
        n_seen += len(names_in(text))
        new = fill(text, parts)
        if new != text:
            old.append(name)
            if not options.check:
                path.write_text(new, encoding="utf-8")
    print(f"{n_seen} generated parts, {len(old)} files {'are old' if options.check else 'written'}", *old)
    if options.check and old:
        print("run `make docs`", file=sys.stderr)
    return 1 if (options.check and old) or not n_seen else 0


if __name__ == "__main__":
    sys.exit(main())
