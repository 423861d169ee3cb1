"""Every package that the workbench imports is declared in pyproject.toml: nothing comes in by luck."""

from __future__ import annotations

import ast
import sys
import tomllib
from importlib.metadata import packages_distributions
from typing import TYPE_CHECKING

from packaging.utils import canonicalize_name

from scripts.checks import report
from scripts.checks.pins import declared

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from scripts.checks import Look


def imported(source: str) -> Iterator[tuple[int, str]]:
    """Yield line and top-level name of each import, wherever it stands."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name.split(".")[0]) for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            yield node.lineno, node.module.split(".")[0]


def look(root: Path) -> Look:
    """Compare the imports of all modules with the declared packages."""
    project = tomllib.loads((root / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    allowed = {canonicalize_name(requirement.name) for requirement in declared(project)}
    makers = packages_distributions()
    troubles, n_seen = [], 0
    for path in sorted((root / "workbench").rglob("*.py")):
        for line, name in imported(path.read_text(encoding="utf-8")):
            if name in sys.stdlib_module_names or name == "workbench":
                continue
            n_seen += 1
            if not {canonicalize_name(maker) for maker in makers.get(name, [])} & allowed:
                troubles.append(f"{path.relative_to(root)}:{line}: {name} is not declared in pyproject.toml")
    return n_seen, troubles


if __name__ == "__main__":
    sys.exit(report("imports", look))
