"""The one way to import open_clip: torchvision first, mended where its operators cannot load.

On Linux a CPU-only torch beside the torchvision of the public index does not import:
torchvision's compiled library wants CUDA, its operators are therefore missing, and two
registrations ask for them by name (``torchvision::nms`` and ``torchvision::qnms``).
Preprocessing needs none of them. After exactly that error, and no other, the two names are
declared without an implementation and the import is tried again. Where the operators exist
nothing is touched: a stub beside a real operator would collide with it.

The declaration is upheld by the handle `_HANDLES`; when a handle is collected its operators go.
"""

from __future__ import annotations

import importlib
import sys
from typing import TYPE_CHECKING, Any, Final

from workbench.errors import MissingExtraError

if TYPE_CHECKING:
    from types import ModuleType

_HANDLES: Final[list[Any]] = []
_OPERATORS: Final = ("nms", "qnms")
_SIGNATURE: Final = "(Tensor dets, Tensor scores, float iou_threshold) -> Tensor"


def is_missing_operator(error: BaseException) -> bool:
    """Return whether this is torchvision's complaint about an operator that was never loaded."""
    text = str(error)
    return (
        isinstance(error, RuntimeError)
        and any(f"operator torchvision::{name} " in text for name in _OPERATORS)
        and "does not exist" in text
    )


def ensure_torchvision() -> str:
    """Import torchvision; declare its two missing operators if that is what stops it.

    Returns
    -------
    str
        ``untouched``, or ``declared`` when the operators had to be declared.

    Raises
    ------
    MissingExtraError
        If torch or torchvision is not installed.
    """
    try:
        importlib.import_module("torchvision")
    except ModuleNotFoundError as error:
        raise _missing(error) from None
    except RuntimeError as error:
        if not is_missing_operator(error):
            raise
        _declare()
        importlib.import_module("torchvision")
    return "declared" if _HANDLES else "untouched"


def _declare() -> None:
    import torch

    for name in [m for m in sys.modules if m == "torchvision" or m.startswith("torchvision.")]:
        del sys.modules[name]  # the failed import leaves half of the package behind
    handle = torch.library.Library("torchvision", "FRAGMENT")  # kept in _HANDLES
    for name in _OPERATORS:
        if not hasattr(torch.ops.torchvision, name):
            handle.define(name + _SIGNATURE)
    _HANDLES.append(handle)


def import_open_clip() -> ModuleType:
    """Import open_clip behind `ensure_torchvision`. It takes seconds the first time.

    Returns
    -------
    module
        open_clip.

    Raises
    ------
    MissingExtraError
        If it, torch or torchvision is not installed.
    """
    ensure_torchvision()
    try:
        return importlib.import_module("open_clip")
    except ModuleNotFoundError as error:
        raise _missing(error) from None


def _missing(error: ModuleNotFoundError) -> MissingExtraError | ModuleNotFoundError:
    if error.name not in {"torch", "torchvision", "open_clip"}:
        return error
    return MissingExtraError(
        f"the encoder needs the package {error.name}, which is not installed",
        hint="pip install -c constraints.txt -e .[clip]",
    )
