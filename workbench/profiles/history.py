"""The door to data versions: a workspace is a small git and DVC repository of its own.

Git keeps what is small: settings, run records, verdicts, and DVC's pipeline with its lock
file. DVC keeps what is large: raw objects, manifests, features and datasets, as outputs of
the stages in ``dvc.yaml``. The remote of a clone is the cache of the workspace that it was
cloned from (both have the same layout), so nothing needs to be pushed::

    git clone data/workspaces/default copy
    workbench --workspace ./copy reproduce RUN

Each run that is committed is tagged ``run-<run_id>``, so a run id is enough to find back the
data that it was made from.
"""

from __future__ import annotations

import contextlib
import logging
import os
import shutil
import subprocess
import warnings
from typing import TYPE_CHECKING, Any, Final

from workbench.errors import MissingExtraError, WorkspaceError
from workbench.manifests import disk_error, write_text
from workbench.profiles import dvc_files
from workbench.profiles.dvc_files import PIPELINE, without
from workbench.profiles.settings import EMBEDDED

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from workbench.profiles.workspace import Workspace

_AS_NOBODY: Final = (
    "user.name=workbench",
    "user.email=workbench@localhost",
    "init.defaultBranch=main",
    "core.autocrlf=false",
    "core.hooksPath=",
    "commit.gpgSign=false",
    "tag.gpgSign=false",
    "gc.auto=0",
)
_NO_SETTINGS: Final = {
    "GIT_CONFIG_GLOBAL": os.devnull,
    "GIT_CONFIG_NOSYSTEM": "1",
    "GIT_TERMINAL_PROMPT": "0",
    "LC_ALL": "C",
}


class History:
    """The versions of one workspace.

    Parameters
    ----------
    ws : Workspace
        Open.
    """

    def __init__(self, ws: Workspace) -> None:
        self.ws = ws
        self.root = ws.root
        in_folder = ws.settings.profile == EMBEDDED
        self._pipeline = PIPELINE if in_folder else without("raw")  # a bucket has its own versions

    @property
    def has_git(self) -> bool:
        """Whether versions can be named and gone back to."""
        return (self.root / ".git").exists() and shutil.which("git") is not None

    def ensure(self) -> None:
        """Make the git and DVC repository where it is not there yet; no output, no network.

        Raises
        ------
        MissingExtraError
            If DVC is not installed.
        """
        if shutil.which("git") and not (self.root / ".git").exists():
            self._git("init", "--quiet")
        if not (self.root / ".dvc" / "config").is_file():
            with _dvc() as repo_class:
                repo_class.init(str(self.root), no_scm=not self.has_git, force=True).close()
        self._write_settings()
        self.write_pipeline()

    def _write_settings(self) -> None:
        _write_if_changed(self.root / ".gitignore", dvc_files.IGNORED_BY_GIT)
        _write_if_changed(self.root / ".gitattributes", "* -text\n")  # bytes are hashed: no line-end games
        _write_if_changed(self.root / ".dvcignore", dvc_files.IGNORED_BY_DVC)
        _write_if_changed(self.root / ".dvc" / "config.local", dvc_files.local_config(self.root))
        if not self._is_clone():  # a clone keeps the remote that it came with
            config = dvc_files.config(self.root, git=(self.root / ".git").exists())
            _write_if_changed(self.root / ".dvc" / "config", config)

    def _is_clone(self) -> bool:
        return self.has_git and self._git("remote", check=False) != ""

    def write_pipeline(self) -> None:
        """Write ``dvc.yaml``: the seven stages, so that ``dvc status`` and ``dvc repro`` work."""
        _write_if_changed(self.root / "dvc.yaml", dvc_files.pipeline_yaml(self._pipeline))

    def commit(self, message: str, *, stages: Sequence[str] | None = None) -> str | None:
        """Record what the stages left behind.

        Idempotent. Runs that are new get the tag ``run-<run_id>``. Inside ``dvc repro`` it
        does nothing, since DVC records the stage itself.

        Parameters
        ----------
        message : str
            One line.
        stages : sequence of str, optional
            Which stages are up to date now; by default all whose outputs are there. A stage
            that has not run on what its parents left must not be named: ``dvc repro`` would
            then skip it.

        Returns
        -------
        str or None
            The git revision, 40 hex digits; None where there is no git.
        """
        if "DVC_STAGE" in os.environ:
            return None
        with self.ws.writing():
            self.ensure()
            dvc_files.mend(self.root)
            self._commit_outputs([s for s in PIPELINE if s in (stages or PIPELINE) and self._is_complete(s)])
            return self._commit_to_git(message) if self.has_git else None

    def _is_complete(self, stage: str) -> bool:
        tracked = self._pipeline[stage]
        return all((self.root / path).exists() for path in (*tracked.deps, *tracked.outs))

    def _commit_outputs(self, stages: Sequence[str]) -> None:
        with self._repo() as repo:
            for stage in stages:
                repo.commit(f"{self.root / 'dvc.yaml'}:{stage}", force=True)

    def _commit_to_git(self, message: str) -> str:
        self._git("add", "--", *(path for path in dvc_files.IN_GIT if (self.root / path).exists()))
        if self._git("status", "--porcelain", "--untracked-files=no"):
            self._git("commit", "--quiet", "--all", "--message", message)
        rev = self._git("rev-parse", "HEAD")
        known = set(self._git("tag", "--list", "run-*").split())
        for run in sorted(self.ws.runs.glob("*/run.json")):
            if f"run-{run.parent.name}" not in known:
                self._git("tag", f"run-{run.parent.name}", rev)
        return rev

    def is_recorded(self) -> bool:
        """Say whether git knows everything that it should keep (milliseconds; DVC is not asked).

        Returns
        -------
        bool
            False after ``dvc repro``, which makes runs but no commit. True where there is no git.
        """
        if not self.has_git:
            return True
        paths = [path for path in dvc_files.IN_GIT if (self.root / path).exists()]
        return not self._git("status", "--porcelain", "--", *paths)

    def rev_of(self, run_id: str) -> str | None:
        """Return the revision at which a run was recorded, or None where nobody knows."""
        if not self.has_git:
            return None
        return self._git("rev-parse", "--verify", "--quiet", f"run-{run_id}^{{commit}}", check=False) or None

    def status(self) -> dict[str, Any]:
        """Return what has changed since the last commit, by stage; empty when nothing has."""
        self.ensure()
        with self._repo() as repo:
            return {where.rpartition(":")[2]: changes for where, changes in repo.status().items()}

    def restore(self, rel_path: str, rev: str, into: Path) -> Path:
        """Write a file or folder as it was at a revision, beside the workspace's own.

        Parameters
        ----------
        rel_path : str
            In the workspace: ``manifests/raw``.
        rev : str
            A git revision, or a tag such as ``run-<run_id>``.
        into : Path
            The file or folder to be made; it must not be there.

        Returns
        -------
        Path
            `into`.

        Raises
        ------
        WorkspaceError
            If there is no git, or the revision or path is not in the history.
        """
        if not self.has_git:
            raise WorkspaceError(
                f"the workspace {self.ws.name} keeps no versions, since git is not installed",
                hint="install git; from the next commit on there is a history",
            )
        self.ensure()
        with self._repo(rev) as repo:
            from dvc.fs import DVCFileSystem

            fs = DVCFileSystem(repo=repo)
            if not fs.exists(rel_path):
                raise WorkspaceError(
                    f"{rel_path} is not in the history at {rev}", hint="see `git log` in the workspace"
                )
            into.parent.mkdir(parents=True, exist_ok=True)
            fs.get(rel_path, str(into), recursive=fs.isdir(rel_path))
        return into

    def pull(self, paths: Sequence[str] | None = None) -> int:
        """Fetch what the lock file names and this folder lacks.

        Files that are there and differ are left alone.

        Parameters
        ----------
        paths : sequence of str, optional
            Outputs, for example ``datasets``; all by default.

        Returns
        -------
        int
            How many files were fetched.

        Raises
        ------
        WorkspaceError
            If the remote does not have them.
        """
        self.ensure()
        wanted = [path for path in dvc_files.outputs_in_dvc() if not paths or path in paths]
        missing = [
            self.root / path for path in wanted if not (self.root / path).exists() and self._is_locked(path)
        ]
        if missing:
            with self.ws.writing(), self._repo() as repo:
                repo.pull(targets=[str(path) for path in missing])
        return sum(file.is_file() for path in missing for file in path.rglob("*"))

    def _is_locked(self, path: str) -> bool:
        lock = self.root / "dvc.lock"
        return lock.is_file() and f"- path: {path}\n" in lock.read_text(encoding="utf-8")

    @contextlib.contextmanager
    def _repo(self, rev: str | None = None) -> Iterator[Any]:
        with _dvc() as repo_class:
            from dvc.exceptions import DvcException
            from dvc.scm import SCMError

            try:
                with contextlib.closing(repo_class(str(self.root), rev=rev)) as repo:
                    yield repo
            except (DvcException, SCMError) as error:
                raise WorkspaceError(
                    f"DVC in {self.root}: {error}", hint="look at it with `dvc status` there"
                ) from error
            except OSError as error:
                raise disk_error(error, self.root) or error from error

    def _git(self, *args: str, check: bool = True) -> str:
        """Run git as nobody in particular: no global settings, hooks, signatures or prompts."""
        options = [word for setting in _AS_NOBODY for word in ("-c", setting)]
        environment = {k: v for k, v in os.environ.items() if not k.startswith("GIT_")} | _NO_SETTINGS
        done = subprocess.run(
            ["git", *options, *args],
            cwd=self.root,
            env=environment,
            capture_output=True,
            text=True,
            check=False,
        )
        if check and done.returncode:
            raise WorkspaceError(
                f"git {args[0]} failed in {self.root}: {done.stderr.strip()}",
                hint="look at it with `git status` there",
            )
        return done.stdout.strip()


def _write_if_changed(path: Path, text: str) -> None:
    if not path.is_file() or path.read_text(encoding="utf-8") != text:
        write_text(path, text)


@contextlib.contextmanager
def _dvc() -> Iterator[Any]:
    """Give `dvc.repo.Repo`, quiet: its progress bars and notes follow the level of its logger."""
    os.environ.setdefault("DVC_NO_ANALYTICS", "1")
    try:
        from dvc.repo import Repo
    except ImportError:
        raise MissingExtraError(
            "DVC is not installed", hint="pip install 'silent-failures-workbench[pipeline]'"
        ) from None
    logger = logging.getLogger("dvc")
    level = logger.level
    logger.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)  # DVC 3.67 with pygtrie 2.6
            yield Repo
    finally:
        logger.setLevel(level)
