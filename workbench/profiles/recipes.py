"""A recipe now, against the recipe of a run: settings, code, versions, machine."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from workbench.guards.differences import count, diff_mappings, some

if TYPE_CHECKING:
    from collections.abc import Mapping

    from workbench.guards.verdict import Cause, Findings

NOT_SHAPING: Final = (
    "__init__.py",
    "__main__.py",
    "cli/",
    "errors.py",
    "failure.py",
    "failures/",
    "guards/",
    "lab/",
    "profiles/__init__.py",
    "seams.py",
    "profiles/dvc_files.py",
    "profiles/fingerprint.py",
    "profiles/hands.py",
    "profiles/history.py",
    "profiles/http_api.py",
    "profiles/lock.py",
    "profiles/recipes.py",
    "profiles/recorded.py",
    "profiles/run_records.py",
    "profiles/runs.py",
    "profiles/scorer.py",
    "profiles/tracker.py",
    "profiles/tracking.py",
    "profiles/workspace.py",
    "stages/__init__.py",
    "stages/ingest.py",
    "stages/reproduce.py",
    "stages/serve.py",
    "widgets/",
    "worlds/__init__.py",
    "worlds/blemishes.py",
    "worlds/camera_file.py",
    "worlds/catalogue.py",
    "worlds/damage.py",
    "worlds/drawing.py",
    "worlds/folder.py",
    "worlds/fruit.py",
    "worlds/gym.py",
    "worlds/gym_dials.py",
    "worlds/gym_season.py",
    "worlds/listing.py",
    "worlds/optics.py",
    "worlds/packhouse.py",
    "worlds/photos.py",
    "worlds/season.py",
)
"""Code that does not lie between raw data and a model. A file that is not named here counts: of the worlds
those that read the gym's log."""

_CAUSE: Final[Mapping[str, Cause]] = {"seed": "seed", "threads": "threads", "row_order": "row order"}
SETTINGS: Final = ("encoder", "embargo_s", "dataset_version")
"""Settings of a run besides those of the fit."""
_NEW: Final = {"family": "logistic"}
"""Settings that runs of 0.1 did not record, with what they meant."""
_MACHINE: Final = ("system", "machine")


def compare_settings(then: Mapping[str, Any], now: Mapping[str, Any], found: Findings) -> None:
    """Compare the settings that decide what a run gives.

    Parameters
    ----------
    then, now : mapping
        All of workspace.toml.
    found : Findings
        Filled with seed, threads, row order and other settings.
    """
    one = {**_NEW, **then["train"], **{key: then[key] for key in SETTINGS}}
    two = {**_NEW, **now["train"], **{key: now[key] for key in SETTINGS}}
    for key, (before, after) in diff_mappings(one, two).items():
        found.add(_CAUSE.get(key, "settings"), f"{key} was {before}, is {after}")


def compare_code(then: Mapping[str, Any], now: Mapping[str, Any], found: Findings) -> None:
    """Compare the files between raw data and a model.

    Parameters
    ----------
    then, now : mapping
        As `fingerprint.code_version` gives them.
    found : Findings
        Filled with the files that differ.
    """
    changed = sorted(diff_mappings(then["files"], now["files"]))
    shaping = [name for name in changed if not name.startswith(NOT_SHAPING)]
    if shaping:
        found.add("code", f"{count(shaping, 'file')} of the pipeline changed", tuple(shaping))
    if others := [name for name in changed if name not in shaping]:
        found.notes.append(f"{count(others, 'file')} outside the pipeline changed: {some(others)}")


def compare_environment(then: Mapping[str, Any], now: Mapping[str, Any], found: Findings) -> None:
    """Compare versions, and apart from them the machine.

    Parameters
    ----------
    then, now : mapping
        As `fingerprint.environment` gives them.
    found : Findings
        Filled with packages whose version differs, and with another CPU or system.
    """
    one, two = _versions(then), _versions(now)
    changed = tuple(
        f"{name} {a or 'absent'} -> {b or 'absent'}" for name, (a, b) in diff_mappings(one, two).items()
    )
    if changed:
        found.add("environment", f"{count(changed, 'version')} changed", changed)
    one, two = _machine(then), _machine(now)
    changed = tuple(f"{name} {a} -> {b}" for name, (a, b) in diff_mappings(one, two).items())
    if changed:
        found.add("machine", "the same versions on another machine", changed)


def _versions(env: Mapping[str, Any]) -> dict[str, str]:
    blas = [f"{lib['internal_api']} {lib['version']} {lib['threading_layer']}" for lib in env["blas"]]
    head = {"python": env["python"], "implementation": env["implementation"]}
    return head | dict(env["packages"]) | {"BLAS": ", ".join(sorted(set(blas)))}


def _machine(env: Mapping[str, Any]) -> dict[str, str]:
    kernels = sorted({lib["architecture"] for lib in env["blas"]})
    return {key: env[key] for key in _MACHINE} | {"BLAS kernel": ", ".join(kernels)}
