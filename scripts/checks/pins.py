"""Every dependency of pyproject.toml has a reason beside it and a fitting pin in constraints.txt."""

from __future__ import annotations

import re
import sys
import tomllib
from typing import TYPE_CHECKING

from packaging.requirements import InvalidRequirement, Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version

from scripts.checks import report

if TYPE_CHECKING:
    from pathlib import Path

    from scripts.checks import Look


def read_pins(text: str) -> tuple[dict[str, list[Version]], list[str]]:
    """Return the pinned versions by canonical name, and the lines that are no pins."""
    pins: dict[str, list[Version]] = {}
    troubles = []
    for line in text.splitlines():
        if line.startswith("#") or not line.strip():
            continue
        try:
            requirement = Requirement(line)
            (only,) = requirement.specifier
        except (InvalidRequirement, ValueError):
            troubles.append(f"constraints.txt: not a pin: {line}")
            continue
        if only.operator != "==" or requirement.url or requirement.extras:
            troubles.append(f"constraints.txt: not a plain pin: {line}")
        pins.setdefault(canonicalize_name(requirement.name), []).append(Version(only.version))
    return pins, troubles


def declared(project: dict[str, object]) -> list[Requirement]:
    """Return all requirements of a [project] table, with its extras, without those on itself."""
    extras = project["optional-dependencies"]
    assert isinstance(extras, dict)  # noqa: S101 (for mypy)
    lines = [*project["dependencies"], *(line for extra in extras.values() for line in extra)]  # type: ignore[misc]
    return [Requirement(line) for line in lines if not str(line).startswith(f"{project['name']}[")]


def look(root: Path) -> Look:
    """Compare pyproject.toml with constraints.txt."""
    text = (root / "pyproject.toml").read_text(encoding="utf-8")
    pins, troubles = read_pins((root / "constraints.txt").read_text(encoding="utf-8"))
    wanted = declared(tomllib.loads(text)["project"])
    for requirement in wanted:
        found = pins.get(canonicalize_name(requirement.name), [])
        if not found:
            troubles.append(f"{requirement.name} has no pin: run `make pin`")
        troubles += [
            f"{requirement} does not admit its pin {v}" for v in found if v not in requirement.specifier
        ]
        if not re.search(
            rf'^\s*"{re.escape(str(requirement.name))}\b[^"]*",?[ ]*#[ ]*\w', text, re.MULTILINE
        ):
            troubles.append(f"{requirement.name}: the bound in pyproject.toml has no reason beside it")
    return len(wanted), troubles


if __name__ == "__main__":
    sys.exit(report("dependencies", look))
