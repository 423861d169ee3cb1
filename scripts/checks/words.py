"""No tracked file names a machine's own paths or package registries."""

from __future__ import annotations

import re
import subprocess
import sys
from typing import TYPE_CHECKING, Final

from scripts.checks import report

if TYPE_CHECKING:
    from pathlib import Path

    from scripts.checks import Look

# The brackets keep this file from finding itself.
FORBIDDEN: Final = {
    "a path of one machine": re.compile(
        r"(?<![\w.:/}-])/(?:[w]ork|[o]pt|[r]oot|[h]ome/\w+|[U]sers/\w+)/[\w.]"
    ),
    "a package registry": re.compile(
        r"extra-index-[u]rl|[f]ind-links|[f]ile:///(?!etc/passwd)|/[s]imple/?\b(?=\s|$|[\"'])"
    ),
}
ALLOWED: Final = re.compile(r"\.(?:png|jpg|gz|safetensors|parquet|ico|woff2)$")


def tracked(root: Path) -> list[str]:
    """Return the paths of all tracked files, relative to `root`."""
    done = subprocess.run(["git", "ls-files", "-z"], cwd=root, check=True, capture_output=True)
    return [name for name in done.stdout.decode().split("\0") if name]


def find(text: str) -> list[tuple[int, str]]:
    """Return line numbers (from 1) and what is wrong there."""
    found = []
    for number, line in enumerate(text.splitlines(), 1):
        found += [(number, why) for why, pattern in FORBIDDEN.items() if pattern.search(line)]
    return found


def look(root: Path) -> Look:
    """Search every tracked text file."""
    troubles, n_seen = [], 0
    for name in tracked(root):
        path = root / name
        if ALLOWED.search(name) or not path.is_file():
            continue
        n_seen += 1
        text = path.read_text(encoding="utf-8", errors="replace")
        troubles += [f"{name}:{number}: {why}" for number, why in find(text)]
    return n_seen, troubles


if __name__ == "__main__":
    sys.exit(report("text files", look))
