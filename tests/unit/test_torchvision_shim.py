"""The shim acts after exactly one error, and touches nothing else. Each case runs in a process of its own."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from workbench._torchvision import is_missing_operator

ROOT = Path(__file__).resolve().parents[2]
THE_ERROR = "RuntimeError('operator torchvision::nms does not exist')"


def run(code: str, *folders: Path) -> str:
    head = f"import sys; sys.path[:0] = {[str(f) for f in (*folders, ROOT)]!r}\n"
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", head + code],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def fake_torchvision(folder: Path, body: str) -> Path:
    package = folder / "torchvision"
    package.mkdir()
    (package / "__init__.py").write_text(body, encoding="utf-8")
    return folder


@pytest.mark.parametrize(
    ("error", "ours"),
    [
        (RuntimeError("operator torchvision::nms does not exist"), True),
        (RuntimeError("operator torchvision::qnms does not exist"), True),
        (RuntimeError("operator torchvision::roi_align does not exist"), False),
        (RuntimeError("operator torchaudio::nms does not exist"), False),
        (RuntimeError("torchvision::nms is already defined"), False),
        (ImportError("operator torchvision::nms does not exist"), False),
        (OSError("libcudart.so: cannot open shared object file"), False),
    ],
)
def test_only_one_error_is_ours(error: Exception, ours: bool) -> None:
    assert is_missing_operator(error) is ours


def test_a_working_torchvision_is_untouched_and_torch_not_needed(tmp_path: Path) -> None:
    fake_torchvision(tmp_path, "works = True")
    code = """
from workbench._torchvision import ensure_torchvision
print(ensure_torchvision(), ensure_torchvision(), "torch" in sys.modules)
"""
    assert run(code, tmp_path) == "untouched untouched False"


@pytest.mark.parametrize(
    "raised",
    [
        "RuntimeError('operator torchvision::roi_align does not exist')",
        "RuntimeError('something else')",
        "OSError('operator torchvision::nms does not exist')",
        "ImportError('circular')",
        "ModuleNotFoundError('No module named PIL', name='PIL')",
    ],
)
def test_any_other_error_passes_unchanged(tmp_path: Path, raised: str) -> None:
    fake_torchvision(tmp_path, f"raise {raised}")
    code = f"""
from workbench._torchvision import ensure_torchvision
try:
    ensure_torchvision()
except Exception as error:
    print(repr(error) == repr({raised}), "torch" in sys.modules)
"""
    assert run(code, tmp_path) == "True False"


def test_no_torchvision_is_a_missing_extra() -> None:
    code = """
sys.modules["torchvision"] = None
from workbench._torchvision import ensure_torchvision
try:
    ensure_torchvision()
except Exception as error:
    print(type(error).__name__, error.hint)
"""
    assert run(code).startswith("MissingExtraError pip install")


def test_the_operators_are_declared_after_the_error_and_stay(tmp_path: Path) -> None:
    body = f"""
import torch
if not hasattr(torch.ops.torchvision, "nms"):
    raise {THE_ERROR}
"""
    fake_torchvision(tmp_path, body)
    code = """
import gc
from workbench._torchvision import ensure_torchvision
print(ensure_torchvision(), ensure_torchvision())
gc.collect()
import torch
print(hasattr(torch.ops.torchvision, "nms"), hasattr(torch.ops.torchvision, "qnms"))
try:
    torch.ops.torchvision.nms(torch.zeros(1, 4), torch.zeros(1), 0.5)
except NotImplementedError:
    print("declared, not implemented")
"""
    said = run(code, tmp_path)
    assert said.splitlines() == ["declared declared", "True True", "declared, not implemented"]


def test_a_real_operator_is_not_collided_with(tmp_path: Path) -> None:
    body = """
import torch
if not hasattr(torch, "_first"):
    torch._first = torch.library.Library("torchvision", "DEF")
    torch._first.define("nms(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")
    torch._first.impl("nms", lambda dets, scores, threshold: scores + 1, "CPU")
    raise RuntimeError("operator torchvision::qnms does not exist")
"""
    fake_torchvision(tmp_path, body)
    code = """
from workbench._torchvision import ensure_torchvision
print(ensure_torchvision())
import torch
print(torch.ops.torchvision.nms(torch.zeros(1, 4), torch.ones(1), 0.5).item())
"""
    assert run(code, tmp_path).splitlines() == ["declared", "2.0"]


def test_this_installation_imports_open_clip_and_says_how() -> None:
    bare = subprocess.run(
        [sys.executable, "-c", "import torchvision"], capture_output=True, text=True, timeout=120, check=False
    )
    code = """
from workbench._torchvision import ensure_torchvision, import_open_clip
print(ensure_torchvision(), import_open_clip().__name__)
"""
    expected = "untouched" if bare.returncode == 0 else "declared"
    assert run(code) == f"{expected} open_clip"
