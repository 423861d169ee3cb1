"""The explicit ORDER of stages, failures and lessons is the order of the files that exist."""

from __future__ import annotations

import ast
import sys
from typing import TYPE_CHECKING, Final

from scripts.checks import report

if TYPE_CHECKING:
    from pathlib import Path

    from scripts.checks import Look

ROOMS: Final = ("workbench/stages", "workbench/failures")


def read_order(path: Path) -> list[str] | None:
    """Return the tuple ORDER of a module without importing it, or None where it has none."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if (
            isinstance(node, ast.AnnAssign)
            and isinstance(node.target, ast.Name)
            and node.target.id == "ORDER"
        ):
            return list(ast.literal_eval(node.value)) if node.value else None
        if isinstance(node, ast.Assign) and any(
            isinstance(t, ast.Name) and t.id == "ORDER" for t in node.targets
        ):
            return list(ast.literal_eval(node.value))
    return None


def compare(room: str, order: list[str] | None, files: set[str]) -> list[str]:
    """Return what is in one and not in the other, and what stands twice."""
    listed = order or []
    twice = sorted({name for name in listed if listed.count(name) > 1})
    return [
        *(f"{room}: {name} stands twice in ORDER" for name in twice),
        *(f"{room}: {name} is in ORDER but there is no {name}.py" for name in listed if name not in files),
        *(f"{room}: {name}.py is not in ORDER" for name in sorted(files - set(listed))),
    ]


def look(root: Path) -> Look:
    """Compare every room that has files with its ORDER."""
    troubles, n_seen = [], 0
    for room in ROOMS:
        folder = root / room
        files = {path.stem for path in folder.glob("*.py") if not path.stem.startswith("_")}
        troubles += compare(room, read_order(folder / "__init__.py"), files)
        n_seen += len(files)
    return n_seen, troubles


if __name__ == "__main__":
    sys.exit(report("stages and failures", look))
