"""What a run says about its code and its environment."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from workbench.hashing import sha256_file
from workbench.profiles import fingerprint
from workbench.profiles.fingerprint import code_version, digest, environment
from workbench.profiles.run_records import FIT_CODE

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def package(tmp_path: Path) -> Path:
    """Return a small package in a git repository of its own, committed."""
    folder = tmp_path / "repository" / "tool"
    folder.mkdir(parents=True)
    (folder / "__init__.py").write_text("A = 1\n")
    (folder / "part.py").write_text("B = 2\n")
    git(folder, "init", "-q")
    git(folder, "add", ".")
    git(folder, "-c", "user.name=t", "-c", "user.email=t@t", "commit", "-q", "-m", "first")
    return folder


def git(folder: Path, *words: str) -> None:
    subprocess.run(["git", "-C", str(folder), *words], check=True, capture_output=True)


def test_the_environment_survives_json_and_names_what_shapes_a_result() -> None:
    env = environment()
    assert json.loads(json.dumps(env)) == env
    assert {"numpy", "scikit-learn", "scipy", "pyarrow", "pillow"} <= env["packages"].keys()
    assert env["python"] == ".".join(map(str, sys.version_info[:3]))
    for library in env["blas"]:
        assert set(library) == {"internal_api", "version", "architecture", "threading_layer"}
    assert digest(env) == digest(json.loads(json.dumps(env)))


@pytest.mark.parametrize("change", ["python", "machine", "packages", "blas"])
def test_another_version_is_another_digest(change: str) -> None:
    env = environment()
    other = env | {change: {"numpy": "0.1"} if change == "packages" else "other"}
    assert digest(other) != digest(env)


@pytest.mark.parametrize("change", ["platform", "cpu_count", "all_packages_sha256"])
def test_what_does_not_shape_a_result_is_not_in_the_digest(change: str) -> None:
    env = environment()
    assert digest(env | {change: "other"}) == digest(env)


def test_a_new_version_of_a_package_is_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    before = environment()
    real = fingerprint._installed()
    monkeypatch.setattr(fingerprint, "_installed", lambda: real | {"scikit-learn": "99.0"})
    after = environment()
    assert after["packages"]["scikit-learn"] == "99.0"
    assert digest(after) != digest(before)
    assert after["all_packages_sha256"] != before["all_packages_sha256"]


def test_a_clean_tree_has_a_commit_and_no_diff(package: Path) -> None:
    code = code_version(package)
    assert len(code["commit"]) == 40
    assert code["dirty"] is False
    assert code["diff_sha256"] is None
    assert code["files"] == {name: sha256_file(package / name) for name in ("__init__.py", "part.py")}


def test_a_changed_line_is_a_dirty_tree_and_another_code(package: Path) -> None:
    before = code_version(package)
    (package / "part.py").write_text("B = 3\n")
    after = code_version(package)
    assert after["commit"] == before["commit"]  # what MLflow alone would record
    assert after["dirty"] is True
    assert len(after["diff_sha256"]) == 64
    assert after["sha256"] != before["sha256"]


def test_a_new_file_is_dirty_too(package: Path) -> None:
    before = code_version(package)
    (package / "new.py").write_text("C = 1\n")
    after = code_version(package)
    assert after["dirty"] is True
    assert after["diff_sha256"] is None  # git diff does not show it: the hashes of the files do
    assert after["sha256"] != before["sha256"]


def test_a_package_inside_somebody_elses_repository_has_no_commit(package: Path) -> None:
    """A virtual environment lies in the learner's project; that project's commit is not ours."""
    installed = package / "site-packages" / "workbench"
    installed.mkdir(parents=True)
    (installed / "__init__.py").write_text("")
    code = code_version(installed)
    assert code["commit"] is None
    assert code["dirty"] is None
    assert list(code["files"]) == ["__init__.py"]


def test_without_git_there_are_still_hashes(package: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    code = code_version(package)
    assert code["commit"] is None
    assert len(code["files"]) == 2


def test_the_files_that_decide_a_fit_exist() -> None:
    """A renamed file would leave the recipe; then a change in it would not ask for a new fit."""
    assert set(FIT_CODE) <= code_version()["files"].keys()
