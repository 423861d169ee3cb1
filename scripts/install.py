"""Set up `.venv`: torch by pip, everything else by uv, or by pip where uv cannot be had.

Needs the standard library alone. A second call finds its stamp and returns at once. On Linux without
an NVIDIA card the CPU wheels of torch and torchvision come from PyTorch's own index when it answers
within three seconds: they are a tenth of the size. The two must come from the same place.

    python3 scripts/install.py --extras all          what a learner needs
    python3 scripts/install.py --extras all,dev      what the tests need, too
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
import threading
import time
import urllib.request
import venv
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
OLDEST, TOO_NEW = (3, 11), (3, 14)
CPU_INDEX = os.environ.get("WORKBENCH_TORCH_INDEX", "https://download.pytorch.org/whl/cpu")
PATIENCE_S = 3.0
TORCH = ("torch", "torchvision")


class InstallError(Exception):
    """A sentence for the person at the keyboard."""


def say(text: str) -> None:
    """Print one line, at once."""
    print(f"setup: {text}", flush=True)


def suits(version: tuple[int, int]) -> bool:
    """Return whether this Python can run the workbench."""
    return OLDEST <= version < TOO_NEW


def other_python() -> str:
    """Return the path of a suitable Python on this machine.

    Raises
    ------
    InstallError
        If there is none.
    """
    for minor in range(TOO_NEW[1] - 1, OLDEST[1] - 1, -1):
        found = shutil.which(f"python3.{minor}")
        if (
            found
            and subprocess.run([found, "-c", "import venv"], check=False, capture_output=True).returncode == 0
        ):
            return found
    have = ".".join(map(str, sys.version_info[:2]))
    raise InstallError(
        f"this is Python {have}; the workbench needs 3.{OLDEST[1]} to 3.{TOO_NEW[1] - 1}. "
        "Install one of these, or name it: make PYTHON=/path/to/python3.12 start"
    )


def read_project(root: Path = ROOT) -> dict[str, Any]:
    """Return the [project] table of pyproject.toml."""
    import tomllib  # not at the top: an older Python must get as far as the sentence above

    table: dict[str, Any] = tomllib.loads((root / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    return table


def closure(extras: set[str], project: dict[str, Any]) -> set[str]:
    """Return the extras with those that they name in turn.

    Parameters
    ----------
    extras : set of str
        As asked for.
    project : dict
        The [project] table.

    Returns
    -------
    set of str
        For example all -> all, pipeline, clip, photos, notebooks.

    Raises
    ------
    InstallError
        If there is no such extra.
    """
    known = project["optional-dependencies"]
    todo, done = set(extras), set()
    while todo:
        extra = todo.pop()
        if extra not in known:
            raise InstallError(f"there is no extra {extra!r}; there are {', '.join(sorted(known))}")
        done.add(extra)
        for line in known[extra]:
            match = re.fullmatch(rf"{re.escape(project['name'])}\[(.+)\]", line)
            todo |= set(match[1].split(",")) - done if match else set()
    return done


def stamp_of(root: Path, extras: set[str]) -> dict[str, Any]:
    """Return what the environment depends on: the [project] table, the pins and the extras."""
    project = read_project(root)
    text = json.dumps(project, sort_keys=True) + (root / "constraints.txt").read_text(encoding="utf-8")
    return {"hash": hashlib.sha256(text.encode()).hexdigest(), "extras": sorted(closure(extras, project))}


def is_current(path: Path, wanted: dict[str, Any]) -> bool:
    """Return whether the stamp at `path` covers what is wanted."""
    try:
        have = json.loads(path.read_text(encoding="utf-8"))
        return bool(have["hash"] == wanted["hash"] and set(have["extras"]) >= set(wanted["extras"]))
    except (OSError, ValueError, KeyError, TypeError):
        return False


def python_of(folder: Path) -> Path:
    """Return the interpreter of a virtual environment."""
    return folder / ("Scripts/python.exe" if os.name == "nt" else "bin/python")


def make_venv(folder: Path) -> Path:
    """Make the virtual environment where there is none that works.

    Parameters
    ----------
    folder : Path
        Usually `.venv`.

    Returns
    -------
    Path
        Its interpreter.

    Raises
    ------
    InstallError
        If this Python cannot make one.
    """
    python = python_of(folder)
    probe = [str(python), "-c", "import sys, pip; print(*sys.version_info[:2])"]
    if python.exists():
        answer = subprocess.run(probe, check=False, capture_output=True, text=True).stdout.split()
        if answer and suits((int(answer[0]), int(answer[1]))):
            return python
        say(f"{folder.name} does not work any more; making it anew")
    try:
        venv.create(folder, with_pip=True, clear=True, symlinks=os.name != "nt")
    except subprocess.CalledProcessError:
        raise InstallError(
            "this Python has no pip to give; on Debian or Ubuntu: apt install python3-venv"
        ) from None
    return python


def has_nvidia() -> bool:
    """Return whether this machine has an NVIDIA card with its driver."""
    return Path("/proc/driver/nvidia").exists() or shutil.which("nvidia-smi") is not None


def answers(index: str, patience_s: float = PATIENCE_S) -> bool:
    """Return whether a package index answers within `patience_s` seconds, name lookup included."""
    result: list[bool] = []

    def ask() -> None:
        try:
            with urllib.request.urlopen(f"{index}/torch/", timeout=patience_s) as reply:  # noqa: S310 (our own URL)
                result.append(reply.status == 200)
        except (OSError, ValueError):
            result.append(False)

    thread = threading.Thread(target=ask, daemon=True)
    thread.start()
    thread.join(patience_s)
    return bool(result and result[0])


def torch_sources(platform: str = sys.platform, index: str = CPU_INDEX) -> list[list[str]]:
    """Return the pip options for torch to try, in order; an empty list of options is what pip finds."""
    if platform.startswith("linux") and not has_nvidia() and answers(index):
        return [["--index-url", index], []]
    return [[]]


def pins(root: Path, names: tuple[str, ...]) -> list[str]:
    """Return ``name==version`` of some packages, as constraints.txt has them."""
    lines = (root / "constraints.txt").read_text(encoding="utf-8").splitlines()
    return [line.split(";")[0].strip() for line in lines if line.split("==")[0] in names]


def run(command: list[str]) -> bool:
    """Run a program and return whether it ended well."""
    return subprocess.run(command, check=False, cwd=ROOT).returncode == 0


def install(python: Path, extras: set[str]) -> str:
    """Install torch by pip, then the rest; return what was used for the rest.

    Parameters
    ----------
    python : Path
        Interpreter of the virtual environment.
    extras : set of str
        As asked for.

    Returns
    -------
    str
        ``uv`` or ``pip``.

    Raises
    ------
    InstallError
        If pip failed; it has said why.
    """
    pip = [str(python), "-m", "pip", "install", "--disable-pip-version-check", "-q"]
    if "clip" in closure(extras, read_project()):
        wheels = pins(ROOT, TORCH)
        for options in torch_sources():
            say(f"{' '.join(wheels)} {'(CPU wheels of PyTorch)' if options else ''}".rstrip())
            if run([*pip, "--no-deps", *options, *wheels]):
                break
        else:
            raise InstallError("torch cannot be had; look above for what pip said")
    target = f".[{','.join(sorted(extras))}]"
    say(f"the rest, {target}: a minute or two")
    if run([*pip, *pins(ROOT, ("uv",))]):
        quiet = [] if sys.stderr.isatty() else ["-q"]
        uv = [str(python), "-m", "uv", "pip", "install", *quiet, "--python", str(python)]
        if run([*uv, "-c", "constraints.txt", "-e", target]):
            return "uv"
    say("uv cannot be had here; plain pip takes about five times as long")
    if not run([*pip, "-c", "constraints.txt", "-e", target]):
        raise InstallError("the packages cannot be installed; look above for what pip said")
    return "pip"


def main(arguments: list[str] | None = None) -> int:
    """Set up the environment; return the exit code."""
    parser = argparse.ArgumentParser(description="Set up the workbench's virtual environment.")
    parser.add_argument("--extras", default="all", help="comma-separated, for example all,dev")
    parser.add_argument("--venv", default=str(ROOT / ".venv"), help="folder of the virtual environment")
    options = parser.parse_args(arguments)
    begin = time.monotonic()
    try:
        if not suits(sys.version_info[:2]):
            return subprocess.call([other_python(), *sys.argv])
        extras = {extra.strip() for extra in options.extras.split(",")}
        folder = Path(options.venv)
        stamp, wanted = folder / "workbench-stamp.json", stamp_of(ROOT, extras)
        if python_of(folder).exists() and is_current(stamp, wanted):
            return 0
        python = make_venv(folder)
        used = install(python, extras)
        stamp.write_text(json.dumps(wanted), encoding="utf-8")
    except InstallError as error:
        print(f"setup: {error}", file=sys.stderr)
        return 1
    say(f"ready in {time.monotonic() - begin:.0f} s ({used})")
    return 0


if __name__ == "__main__":
    sys.exit(main())
