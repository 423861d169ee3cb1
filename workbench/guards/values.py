"""Two columns of different origin, in one form in which their cells can be compared and computed with.

Stores change types without changing values: integers come back as floats, booleans as 0 and 1, numbers as
text. What has equal values is equal here; `parity` reports the types beside it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Literal

import numpy as np

from workbench.guards import cells
from workbench.guards.columns import missing, plain

if TYPE_CHECKING:
    import pyarrow as pa
    from numpy.typing import NDArray

    Bools = NDArray[np.bool_]
    Floats = NDArray[np.float64]

Kind = Literal["number", "time", "text", "thing"]
_BLOCK: Final = 4_000_000  # cells compared at once: 32 MB for each of a few temporaries


@dataclass(frozen=True, slots=True)
class Values:
    """One side of a pair of columns.

    Attributes
    ----------
    kind : str
        ``number`` (also booleans, and lists of numbers), ``time``, ``text``, ``thing`` (all else).
    array : numpy.ndarray of shape (n, width), or pyarrow.Array
        Numbers, and times in microseconds, in arrays of float; width 1 for plain columns, 0 under
        missing values. Texts and things as they are.
    gone : numpy.ndarray of bool of shape (n,)
        Where the value is missing: null or NaN.
    exact : numpy.ndarray of shape (n,) or None
        Integers and times as integers: a float holds them up to 2**53 only.
    """

    kind: Kind
    array: Any
    gone: Bools
    exact: Any = None


def read(one: pa.ChunkedArray | pa.Array, two: pa.ChunkedArray | pa.Array) -> tuple[Values, Values]:
    """Read two columns, so that both are of one kind.

    Parameters
    ----------
    one, two : pyarrow.ChunkedArray or pyarrow.Array
        Of any type and of any length.

    Returns
    -------
    tuple of Values
        Both ``thing`` where the types have nothing in common, or where lists differ in width.
    """
    import pyarrow.types as pt

    a, b = plain(one), plain(two)
    a, b = (a.cast(b.type) if pt.is_null(a.type) else a), (b.cast(a.type) if pt.is_null(b.type) else b)
    for reader in (_numbers, _times, _vectors):
        sides = reader(a), reader(b)
        if sides[0] and sides[1] and sides[0].array.shape[1] == sides[1].array.shape[1]:
            return sides[0], sides[1]
    if _is_text(a) and _is_text(b):
        return Values("text", a, missing(a)), Values("text", b, missing(b))
    parsed = _parsed(a, b)
    return parsed or (Values("thing", a, missing(a)), Values("thing", b, missing(b)))


def differs(one: Values, two: Values, rtol: float, atol: float) -> Bools:
    """Return where two columns differ, shape (n,).

    Parameters
    ----------
    one, two : Values
        From one call of `read`, of equal length.
    rtol, atol : float
        Numbers are equal where ``|two - one| <= atol + rtol * |one|``. Two integers are equal only
        where they are the same, and two times only to the microsecond.

    Returns
    -------
    numpy.ndarray of bool
        Missing equals missing and nothing else.
    """
    if one.kind in {"text", "thing"}:
        return cells.differs(one.array, two.array)
    if one.exact is not None and two.exact is not None:
        unlike = np.asarray(one.exact != two.exact)
    else:
        unlike = ~close(two.array, one.array, rtol, atol)
    return np.asarray(np.where(one.gone | two.gone, one.gone != two.gone, unlike))


def close(numbers: Floats, reference: Floats, rtol: float, atol: float) -> Bools:
    """Return in which rows all numbers are close to the reference; both of shape (n, width)."""
    block = max(1, _BLOCK // max(1, numbers.shape[1]))
    near = np.empty(len(numbers), np.bool_)
    with np.errstate(invalid="ignore", over="ignore"):  # infinity minus infinity
        for i in range(0, len(numbers), block):
            part = slice(i, i + block)
            near[part] = np.isclose(numbers[part], reference[part], rtol=rtol, atol=atol, equal_nan=True).all(
                axis=1
            )
    return near


def _numbers(array: pa.Array) -> Values | None:
    """Read integers, floats, decimals and booleans."""
    import pyarrow as pa
    import pyarrow.compute as pc
    import pyarrow.types as pt

    kind = array.type
    if pt.is_boolean(kind):
        array = array.cast(pa.int8())
    elif not (pt.is_integer(kind) or pt.is_floating(kind) or pt.is_decimal(kind)):
        return None
    numbers = pc.fill_null(array.cast(pa.float64(), safe=False), 0).to_numpy(zero_copy_only=False)
    exact = None
    if pt.is_integer(array.type) and not pt.is_uint64(array.type):
        exact = pc.fill_null(array, 0).to_numpy(zero_copy_only=False)
    elif pt.is_uint64(
        array.type
    ):  # numpy compares it with int64 exactly, but only from 2.0 on: one type for all
        exact = pc.fill_null(array, 0).to_numpy(zero_copy_only=False)
        exact = exact.astype(np.int64) if exact.max(initial=0) < 2**63 else exact.astype(object)
    return Values("number", numbers.reshape(-1, 1), missing(array), exact)


def _times(array: pa.Array) -> Values | None:
    """Read timestamps and dates; one without a zone is taken as UTC."""
    import pyarrow as pa
    import pyarrow.compute as pc
    import pyarrow.types as pt

    if not (pt.is_timestamp(array.type) or pt.is_date(array.type)):
        return None
    zone = array.type.tz if pt.is_timestamp(array.type) else None
    exact = array.cast(pa.timestamp("us", zone), safe=False).cast(pa.int64())
    us = pc.fill_null(exact, 0).to_numpy(zero_copy_only=False)
    return Values("time", us.astype(np.float64).reshape(-1, 1), missing(array), us)


def _vectors(array: pa.Array) -> Values | None:
    """Read lists of numbers that all have one length, as embeddings have."""
    import pyarrow.compute as pc
    import pyarrow.types as pt

    kind = array.type
    is_list = pt.is_list(kind) or pt.is_large_list(kind) or pt.is_fixed_size_list(kind)
    if not is_list or not (pt.is_floating(kind.value_type) or pt.is_integer(kind.value_type)):
        return None
    lengths = pc.unique(pc.list_value_length(array).drop_null()).to_pylist()
    if len(lengths) != 1 or not lengths[0]:
        return None
    gone = missing(array)
    flat = pc.list_flatten(array).to_numpy(zero_copy_only=False)
    flat = flat if flat.dtype == np.float32 else flat.astype(np.float64)  # half the memory for embeddings
    vectors = np.zeros((len(array), lengths[0]), flat.dtype)
    vectors[~gone] = flat.reshape(-1, lengths[0])
    return Values("number", vectors, gone)


def _parsed(a: pa.Array, b: pa.Array) -> tuple[Values, Values] | None:
    """Read numbers beside texts that are all numbers."""
    import pyarrow as pa

    if _is_text(a) == _is_text(b):
        return None
    try:
        a, b = (plain(side.cast(pa.float64())) if _is_text(side) else side for side in (a, b))
    except pa.ArrowInvalid:  # a word among them
        return None
    sides = _numbers(a), _numbers(b)
    return (sides[0], sides[1]) if sides[0] and sides[1] else None


def _is_text(array: pa.Array) -> bool:
    import pyarrow.types as pt

    return bool(pt.is_string(array.type) or pt.is_large_string(array.type))
