"""Cells of two columns, paired: where do they differ?"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from workbench.guards.columns import is_list, missing, plain

if TYPE_CHECKING:
    import pyarrow as pa
    from numpy.typing import NDArray

    Bools = NDArray[np.bool_]


def differs(a: pa.Array, b: pa.Array, tolerance: float = 0.0) -> Bools:
    """Return where two columns differ; missing equals missing.

    Parameters
    ----------
    a, b : pyarrow.Array
        Of equal length, from `workbench.guards.columns.plain`. Numbers of different types are compared
        as numbers.
    tolerance : float
        Largest difference of two numbers, alone or in lists, that counts as none.

    Returns
    -------
    numpy.ndarray of bool of shape (n,)
        True where the cells differ.
    """
    import pyarrow as pa

    gone = missing(a), missing(b)
    unlike = np.asarray(gone[0] != gone[1])
    both = np.flatnonzero(~gone[0] & ~gone[1])
    if len(both):
        unlike[both] = _unlike(a.take(pa.array(both)), b.take(pa.array(both)), tolerance)
    return unlike


def _unlike(a: pa.Array, b: pa.Array, tolerance: float) -> Bools:
    """Compare cells of which none is missing."""
    import pyarrow as pa
    import pyarrow.compute as pc

    if is_list(a) and is_list(b):
        return _unlike_lists(a, b, tolerance)
    if _is_number(a) and _is_number(b) and (tolerance or a.type != b.type):
        x, y = (side.cast(pa.float64(), safe=False).to_numpy(zero_copy_only=False) for side in (a, b))
        with np.errstate(invalid="ignore"):  # infinity minus infinity
            return np.asarray((x != y) & ~(np.abs(x - y) <= tolerance))
    try:
        return np.asarray(pc.not_equal(a, b.cast(a.type)).to_numpy(zero_copy_only=False))
    except (
        pa.ArrowInvalid,
        pa.ArrowNotImplementedError,
        pa.ArrowTypeError,
    ):  # structs, or a text beside a number
        return np.array([x != y for x, y in zip(a.to_pylist(), b.to_pylist(), strict=True)])


def _unlike_lists(a: pa.Array, b: pa.Array, tolerance: float) -> Bools:
    import pyarrow as pa
    import pyarrow.compute as pc

    lengths = [pc.list_value_length(side).to_numpy(zero_copy_only=False) for side in (a, b)]
    unlike = np.asarray(lengths[0] != lengths[1])
    same = np.flatnonzero(~unlike)
    values = [plain(pc.list_flatten(side.take(pa.array(same)))) for side in (a, b)]
    row = np.repeat(same, lengths[0][same])
    unlike[row[differs(values[0], values[1], tolerance)]] = True
    return unlike


def _is_number(array: pa.Array) -> bool:
    import pyarrow.types as pt

    return bool(pt.is_integer(array.type) or pt.is_floating(array.type) or pt.is_decimal(array.type))
