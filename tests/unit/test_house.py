"""The guards of conftest.py work: no network, no leaks, no skips on CI."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import textwrap
import time
import warnings
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

ROOT = Path(__file__).resolve().parents[2]


def test_time_zone_is_utc():
    assert time.strftime("%Z") == "UTC"


def test_home_is_not_the_persons():
    assert "workbench-tests-" in str(Path.home())
    assert "workbench-tests-" in os.environ["WORKBENCH_HOME"]


@pytest.mark.parametrize("host", ["example.org", "192.0.2.1", "2001:db8::1"])
def test_no_test_leaves_loopback(host):
    with pytest.raises(RuntimeError, match="wanted to reach"):
        socket.create_connection((host, 80), timeout=1)


def test_loopback_is_open():
    with socket.create_server(("127.0.0.1", 0)) as server:
        socket.create_connection(server.getsockname(), timeout=5).close()


@given(st.integers())
def test_hypothesis_lives_with_our_fixtures(number):
    assert number == int(str(number))


def test_a_warning_is_an_error():
    with pytest.raises(UserWarning, match="careful"):
        warnings.warn("careful", UserWarning, stacklevel=1)


@pytest.mark.parametrize(
    ("ci", "outcomes"), [("true", "1 failed, 1 skipped"), ("", "2 skipped")], ids=["on CI", "at home"]
)
def test_a_skip_fails_on_ci(tmp_path, ci, outcomes):
    (tmp_path / "conftest.py").write_text((ROOT / "tests/conftest.py").read_text(encoding="utf-8"))
    (tmp_path / "test_skips.py").write_text(
        textwrap.dedent("""
            import pytest
            def test_one():
                pytest.skip("needs an NVIDIA card")
            def test_two():
                pytest.skip("I do not feel like it")
        """)
    )
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", str(tmp_path)],
        cwd=tmp_path,
        env=os.environ | {"CI": ci, "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert outcomes in done.stdout.splitlines()[-1]
    assert (done.returncode != 0) == bool(ci)
