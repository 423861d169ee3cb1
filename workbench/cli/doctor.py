"""``workbench doctor``: is this machine ready? It needs the standard library alone."""

from __future__ import annotations

import os
import platform
import re
import shutil
import socket
import sys
import tempfile
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING, Final

from workbench.profiles.workspace import workspaces_root

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

PROJECT: Final = "silent-failures-workbench"
OLDEST, TOO_NEW = (3, 11), (3, 14)
SPACE_BYTES: Final = 2 * 1024**3
INSTALL: Final = "pip install -c constraints.txt -e '.[all]'"
CHROMIUM: Final = ("chromium", "chromium-browser", "google-chrome", "msedge")
EXTRAS: Final = ("pipeline", "clip", "photos", "notebooks")
"""What ``[all]`` holds; ``dev`` is for those who change the workbench."""


@dataclass(frozen=True, slots=True)
class Check:
    """One thing that was looked at.

    Attributes
    ----------
    name : str
        What.
    ok : bool
        Whether it is as it should be.
    said : str
        What was seen.
    hint : str
        What to do where it is not.
    needed : bool
        False: the workbench runs without it.
    """

    name: str
    ok: bool
    said: str
    hint: str = ""
    needed: bool = True


def examine() -> list[Check]:
    """Look at everything.

    Returns
    -------
    list of Check
        In the order in which trouble is best mended.
    """
    return [
        _python(),
        *_packages(),
        _folder(),
        _space(),
        _loopback(),
        _model(),
        _template(),
        _program("git", ("git",), "without it workspaces have no history", "install git"),
        _program("browser", CHROMIUM, "only the browser tests need it", "apt-get install chromium"),
    ]


def plain(checks: Iterable[Check]) -> str:
    """Return the checks as lines of plain text.

    Parameters
    ----------
    checks : iterable of Check
        As `examine` made them.

    Returns
    -------
    str
        One line a check, its hint below it.
    """
    lines = []
    for check in checks:
        mark = "ok  " if check.ok else "FAIL" if check.needed else "miss"
        lines.append(f"{mark}  {check.name:<10} {check.said}")
        if not check.ok and check.hint:
            lines.append(f"      {'':<10} Hint: {check.hint}")
    return "\n".join(lines)


def _python() -> Check:
    here = sys.version_info[:2]
    said = f"{platform.python_version()} on {platform.system()} {platform.machine()}, {os.cpu_count()} cores"
    return Check("python", OLDEST <= here < TOO_NEW, said, "use Python 3.11, 3.12 or 3.13")


def _packages() -> list[Check]:
    """Compare what is installed with what the project asks for, and with constraints.txt."""
    try:
        asked = metadata.requires(PROJECT) or []
    except metadata.PackageNotFoundError:
        return [Check("packages", False, f"{PROJECT} is not installed", INSTALL)]
    wanted = {_canonical(name) for line in asked if (name := _name_if_wanted(line))}
    missing = sorted(name for name in wanted if _version(name) is None)
    pins = read_pins(_root() / "constraints.txt")
    other = sorted(
        f"{name} {_version(name)} (pinned {pins[name]})"
        for name in wanted & set(pins)
        if _version(name) not in {None, pins[name]}
    )
    said = f"{len(wanted) - len(missing)} of {len(wanted)} installed"
    checks = [Check("packages", not missing, said + _listed("missing", missing), INSTALL)]
    if pins:
        said = "as in constraints.txt" if not other else _listed("differs", other).lstrip(": ")
        checks.append(Check("versions", not other, said, INSTALL, needed=False))
    return checks


def _name_if_wanted(line: str) -> str:
    """Return the package of a requirement line, or nothing where it is of another extra."""
    extra = re.search(r"extra\s*==\s*['\"]([\w-]+)['\"]", line)
    if extra and extra.group(1) not in EXTRAS:
        return ""
    name = re.match(r"[A-Za-z0-9._-]+", line)
    return name.group(0) if name and not line.startswith(PROJECT) else ""


def _canonical(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def _version(name: str) -> str | None:
    try:
        return metadata.version(name).partition("+")[0]  # 2.13.0+cpu is 2.13.0
    except metadata.PackageNotFoundError:
        return None


def _listed(word: str, names: Sequence[str]) -> str:
    return f"; {word}: {', '.join(names[:6])}{' ...' if len(names) > 6 else ''}" if names else ""


def read_pins(path: Path) -> dict[str, str]:
    """Read ``name==version`` lines.

    Parameters
    ----------
    path : Path
        constraints.txt; it may be absent.

    Returns
    -------
    dict of str to str
        Canonical name to version; names that are pinned differently by platform are left out.
    """
    pins: dict[str, set[str]] = {}
    for line in path.read_text(encoding="utf-8").splitlines() if path.is_file() else []:
        if pin := re.match(r"([A-Za-z0-9._-]+)(?:\[.*\])?==([^\s;]+)", line):
            pins.setdefault(_canonical(pin.group(1)), set()).add(pin.group(2).partition("+")[0])
    return {name: versions.pop() for name, versions in pins.items() if len(versions) == 1}


def _root() -> Path:
    return Path(__file__).resolve().parents[2]


def _existing(path: Path) -> Path:
    return next(folder for folder in (path, *path.parents) if folder.is_dir())


def _folder() -> Check:
    root = workspaces_root()
    try:
        with tempfile.TemporaryFile(dir=_existing(root)):
            return Check("folder", True, f"workspaces go to {root}")
    except OSError as error:
        return Check(
            "folder",
            False,
            f"cannot write to {root}: {error.strerror}",
            "set WORKBENCH_HOME to a folder of yours",
        )


def _space() -> Check:
    free = shutil.disk_usage(_existing(workspaces_root())).free
    return Check("disk", free >= SPACE_BYTES, f"{free / 1024**3:.1f} GiB free", "make room: 2 GiB are plenty")


def _loopback() -> Check:
    with socket.socket() as probe:
        try:
            probe.bind(("127.0.0.1", 0))
        except OSError as error:
            return Check("loopback", False, f"no port on 127.0.0.1: {error.strerror}", "look at the firewall")
        return Check("loopback", True, "a port on 127.0.0.1 is free")


def _model() -> Check:
    from workbench.encoder import encoder_card
    from workbench.errors import WorkbenchError

    try:
        card = encoder_card("tiny_v1")
    except (WorkbenchError, ImportError) as error:
        return Check(
            "encoder",
            False,
            str(error).splitlines()[0],
            "restore data/models with `git checkout data/models`",
        )
    return Check("encoder", True, f"tiny_v1, {card.dim} numbers an image, {card.fingerprint[:8]}")


def _template() -> Check:
    """Look for the database that each new workspace copies."""
    from workbench.profiles.tracking import templates_root

    made = sorted(path.stem for path in templates_root().glob("mlflow-*.db"))
    said = ", ".join(made) or "not made yet: the first train makes it, in 3 to 13 s"
    return Check("template", bool(made), said, needed=False)


def _program(name: str, candidates: Sequence[str], without: str, hint: str) -> Check:
    found = next((path for candidate in candidates if (path := shutil.which(candidate))), None)
    return Check(name, found is not None, found or f"not found; {without}", hint, needed=False)
