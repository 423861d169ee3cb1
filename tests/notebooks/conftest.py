"""One home for all lessons and labs of a worker, as a learner has one; and what each of them took."""

from __future__ import annotations

import os
import subprocess
import time
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


@pytest.fixture(scope="session")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a WORKBENCH_HOME; what the first lesson prepares in it, the others find."""
    return tmp_path_factory.mktemp("lessons")


@pytest.fixture
def run(
    home: Path, record_property: Callable[[str, object], None]
) -> Callable[..., subprocess.CompletedProcess[str]]:
    """Run a program in that home, and note the seconds for the report at the end."""

    def call(argv: list[str], cwd: Path | None = None) -> subprocess.CompletedProcess[str]:
        begin = time.monotonic()
        env = os.environ | {"WORKBENCH_HOME": str(home)}
        done = subprocess.run(argv, env=env, cwd=cwd, capture_output=True, text=True, check=False)
        record_property("seconds", time.monotonic() - begin)
        return done

    return call
