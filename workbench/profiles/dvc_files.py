"""What a workspace tells git and DVC: which stage makes what, and what each of them keeps.

Git keeps what is small: settings, run records, verdicts. DVC keeps what is large, as outputs
of the stages in ``dvc.yaml``; there are no ``.dvc`` files, since no path may have two owners.
"""

from __future__ import annotations

import json
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from pathlib import Path

REMOTE: Final = "workspace"
STALE_S: Final = 10.0
"""Age in seconds from which git's lock file is a dead process's: our calls take milliseconds."""
IGNORED_BY_GIT: Final = """\
# kept by DVC, as outputs of dvc.yaml
/raw/
/manifests/
/features/
/datasets/
/served/
# can be made again
/cache/
/feast/
/mlruns/
/mlflow.db*
/.scratch/
/.lock*
.*.tmp
"""
IGNORED_BY_DVC: Final = """\
# grows with every request; not a version of anything
served/log/
.*.tmp
"""
IN_GIT: Final = (
    ".dvc/.gitignore",
    ".dvc/config",
    ".dvcignore",
    ".gitattributes",
    ".gitignore",
    "dvc.lock",
    "dvc.yaml",
    "runs",
    "verdicts",
    "workspace.toml",
)
"""What git is asked to add: nothing else in the folder is touched."""


@dataclass(frozen=True, slots=True)
class Tracked:
    """One stage as ``dvc.yaml`` describes it: paths in the workspace, keys of workspace.toml.

    Attributes
    ----------
    deps : tuple of str
        What the stage reads.
    params : tuple of str
        Settings that it depends on.
    outs : tuple of str
        What it leaves behind.
    """

    deps: tuple[str, ...]
    params: tuple[str, ...]
    outs: tuple[str, ...]


PIPELINE: Final[Mapping[str, Tracked]] = {
    "ingest": Tracked((), ("world",), ("raw", "manifests/raw", "manifests/reviews")),
    "clean": Tracked(("raw", "manifests/raw"), (), ("manifests/clean",)),
    "extract": Tracked(("raw", "manifests/clean"), ("encoder",), ("manifests/extract", "features")),
    "dataset": Tracked(
        ("features", "manifests/clean", "manifests/reviews"),
        ("dataset_version", "embargo_s", "encoder"),
        ("datasets",),
    ),
    "train": Tracked(("datasets",), ("train",), ("runs",)),
    "serve": Tracked(("features", "runs"), (), ("served",)),
    "reproduce": Tracked(
        ("raw", "manifests/raw", "manifests/reviews", "datasets", "runs"), ("train",), ("verdicts",)
    ),
}
"""The seven stages: each meets the others through files alone."""


def outputs_in_dvc() -> tuple[str, ...]:
    """Return the outputs of all stages that DVC keeps; the others are in git."""
    return tuple(out for tracked in PIPELINE.values() for out in tracked.outs if out not in IN_GIT)


def without(path: str) -> Mapping[str, Tracked]:
    """Return the pipeline as it is where a path does not lie in the workspace.

    Parameters
    ----------
    path : str
        For example ``raw``, whose objects may be in a bucket.

    Returns
    -------
    mapping of str to Tracked
        The same stages.
    """

    def rest(paths: tuple[str, ...]) -> tuple[str, ...]:
        return tuple(one for one in paths if one != path)

    return {name: Tracked(rest(one.deps), one.params, rest(one.outs)) for name, one in PIPELINE.items()}


def pipeline_yaml(pipeline: Mapping[str, Tracked] = PIPELINE) -> str:
    """Return the text of ``dvc.yaml``.

    Parameters
    ----------
    pipeline : mapping of str to Tracked
        The stages.

    Returns
    -------
    str
        YAML.
    """
    head = "# made by the workbench: seven stages that meet through files alone\nstages:\n"
    return head + "".join(line + "\n" for name, one in pipeline.items() for line in _stage_lines(name, one))


def _stage_lines(stage: str, tracked: Tracked) -> Iterator[str]:
    yield f"  {stage}:"
    yield f"    cmd: workbench --workspace . {stage}"
    if tracked.deps:
        yield "    deps:"
        yield from (f"    - {path}" for path in tracked.deps)
    if tracked.params:
        yield "    params:"
        yield "    - workspace.toml:"
        yield from (f"      - {key}" for key in tracked.params)
    yield "    outs:"
    for path in tracked.outs:
        yield f"    - {path}:"
        yield "        persist: true"  # a stage adds to what is there: DVC must not clear it away first
        if path in IN_GIT:
            yield "        cache: false"


def config(root: Path, *, git: bool) -> str:
    """Return the text of ``.dvc/config``, which travels with a clone.

    Parameters
    ----------
    root : Path
        Of the workspace; its cache is the remote of every clone, by its absolute path.
    git : bool
        Whether the workspace is a git repository.

    Returns
    -------
    str
        In DVC's format. Files are copied into the cache, not linked: an object that is
        overwritten in place must not take its own history with it.
    """
    cache = (root / ".dvc" / "cache").as_posix()
    return (
        "[core]\n    analytics = false\n    check_update = false\n    autostage = false\n"
        f"    no_scm = {str(not git).lower()}\n    remote = {REMOTE}\n"
        '[cache]\n    dir = cache\n    type = "reflink,copy"\n'
        f'[\'remote "{REMOTE}"\']\n    url = "{cache}"\n'
    )


def local_config(root: Path) -> str:
    """Return the text of ``.dvc/config.local``.

    Parameters
    ----------
    root : Path
        Of the workspace. DVC's state lies in it; by default it lies in /var/tmp and outlives a reset.

    Returns
    -------
    str
        In DVC's format.
    """
    return f'[core]\n    site_cache_dir = "{(root / ".dvc" / "tmp" / "site").as_posix()}"\n'


def mend(root: Path) -> list[str]:
    """Clear away what a killed git or DVC left behind. The caller holds the workspace's lock.

    Parameters
    ----------
    root : Path
        Of the workspace.

    Returns
    -------
    list of str
        What was deleted. A half-written ``dvc.lock`` is written anew by the next commit.
    """
    index, held, pipeline = root / ".git" / "index.lock", root / ".dvc" / "tmp" / "rwlock", root / "dvc.lock"
    broken = [index] if index.is_file() and time.time() - index.stat().st_mtime > STALE_S else []
    broken += [
        path for path, parse in ((held, json.loads), (pipeline, _parse_lock)) if not _is_readable(path, parse)
    ]
    for path in broken:
        path.unlink()
    return [path.relative_to(root).as_posix() for path in broken]


def _parse_lock(text: str) -> object:
    from dvc.schema import COMPILED_LOCKFILE_SCHEMA
    from dvc.utils.serialize import parse_yaml

    # DVC opens the file for writing before it writes: killed in between, it is empty, which is good YAML
    return COMPILED_LOCKFILE_SCHEMA(parse_yaml(text, "dvc.lock"))


def _is_readable(path: Path, parse: Callable[[str], object]) -> bool:
    if not path.is_file():
        return True
    try:
        return bool(parse(path.read_text(encoding="utf-8")) is not None)
    except Exception:  # noqa: BLE001  JSON's, YAML's and DVC's errors have no common base
        return False
