"""Rows of two tables, paired by key: who belongs to whom, who stands alone, who comes twice.

A key is paired with an equal key only. A number and its text are equal (7, 7.0 and "7": stores hand out keys
as text, pandas turns integers beside a null into floats), but no number is rounded for that: a float of
2**53 or more may stand for several integers and is paired with none. A missing key equals a missing key.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

from workbench.errors import GuardError
from workbench.guards.columns import plain

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pyarrow as pa
    from numpy.typing import NDArray

    Ints = NDArray[np.int64]

_WHOLE: Final = 2.0**53  # from here on not every integer is a float64


@dataclass(frozen=True, slots=True)
class Pairs:
    """Rows of two tables, by their positions from 0.

    Attributes
    ----------
    left, right : numpy.ndarray of int of shape (n_pairs,)
        Rows with equal keys, in the order of the left table; of a key that repeats, the first row.
    only_left, only_right : numpy.ndarray of int
        First row of each key that the other table does not have.
    repeats_left, repeats_right : numpy.ndarray of int of shape (n_repeats, 2)
        Each row whose key stands further up already, and the first row of that key.
    """

    left: Ints
    right: Ints
    only_left: Ints
    only_right: Ints
    repeats_left: Ints
    repeats_right: Ints


def pair(left: pa.Table, right: pa.Table, keys: Sequence[str], guard: str) -> Pairs:
    """Pair the rows of two tables.

    Parameters
    ----------
    left, right : pyarrow.Table
        Both with the columns `keys`; either may be empty.
    keys : sequence of str
        Columns that together name a row.
    guard : str
        Who asks.

    Returns
    -------
    Pairs
        In one pass over each key column; no row is compared with every other.

    Raises
    ------
    GuardError
        If there are no keys, or a key column's types cannot be compared.
    """
    if not keys:
        raise GuardError(f"{guard}: no key was named", hint="name the columns that say which row is which")
    codes = _codes(left, right, keys, guard)
    size = int(codes.max(initial=-1)) + 1
    a, b = codes[: left.num_rows], codes[left.num_rows :]
    first_a, first_b = _first_rows(a, size), _first_rows(b, size)
    both = (first_a >= 0) & (first_b >= 0)
    return Pairs(
        left=first_a[both],
        right=first_b[both],
        only_left=first_a[(first_a >= 0) & ~both],
        only_right=first_b[(first_b >= 0) & ~both],
        repeats_left=_repeats(a, first_a),
        repeats_right=_repeats(b, first_b),
    )


def key_texts(rows: pa.Table, positions: Ints, keys: Sequence[str]) -> list[str]:
    """Return keys as text, several columns joined by ``/``."""
    columns = [rows[name].take(positions).to_pylist() for name in keys]
    return ["/".join(map(str, values)) for values in zip(*columns, strict=True)]


def take(rows: pa.Table, positions: Ints) -> pa.Table:
    """Return rows by position; the table itself where that changes nothing."""
    if np.array_equal(positions, np.arange(rows.num_rows)):
        return rows
    return rows.take(positions)


def _codes(left: pa.Table, right: pa.Table, keys: Sequence[str], guard: str) -> Ints:
    """Give equal keys of both tables equal numbers, from 0, in the order of their first appearance."""
    import pyarrow as pa

    codes: Ints | None = None
    for key in keys:
        column = pa.concat_arrays(_alike(plain(left[key]), plain(right[key]), f"{guard}: the key {key!r}"))
        number, size = _numbered(column)
        if codes is not None:  # no overflow: both numbers are below the number of rows
            number, size = _numbered(pa.array(codes * size + number))
        codes = number
    return np.zeros(0, np.int64) if codes is None else codes


def _numbered(column: pa.Array) -> tuple[Ints, int]:
    encoded = column.dictionary_encode(null_encoding="encode")
    return encoded.indices.to_numpy(zero_copy_only=False).astype(np.int64), len(encoded.dictionary)


def _first_rows(codes: Ints, size: int) -> Ints:
    first = np.full(size, -1, np.int64)
    first[codes[::-1]] = np.arange(len(codes))[::-1]  # of equal codes the last assignment stays
    return first


def _repeats(codes: Ints, first: Ints) -> Ints:
    rows = np.flatnonzero(first[codes] != np.arange(len(codes)))
    return np.stack([rows, first[codes[rows]]], axis=1)


def _alike(a: pa.Array, b: pa.Array, what: str) -> tuple[pa.Array, pa.Array]:
    """Give two columns one type in which equal keys are equal."""
    import pyarrow as pa
    import pyarrow.types as pt

    families = {_family(a.type), _family(b.type)} - {"null"}
    if "other" in families or (len(families) > 1 and not families <= {"integer", "float", "text"}):
        raise GuardError(
            f"{what} is {a.type} on one side and {b.type} on the other",
            hint="keys are numbers, texts or times, on both sides the same: cast one of them",
        )
    zones = {array.type.tz is None for array in (a, b) if pt.is_timestamp(array.type)}
    if len(zones) > 1:
        raise GuardError(
            f"{what} has a time zone on one side only",
            hint="say which zone it is: pyarrow.compute.assume_timezone(column, 'UTC')",
        )
    if a.type == b.type:
        return a, b
    if families == {"time"}:
        kind = pa.timestamp("us", "UTC" if zones == {False} else None)
        return a.cast(kind, safe=False), b.cast(kind, safe=False)
    if pt.is_null(a.type) or pt.is_null(b.type):
        kind = b.type if pt.is_null(a.type) else a.type
        return a.cast(kind), b.cast(kind)
    if families == {"float"}:
        return a.cast(pa.float64()), b.cast(pa.float64())
    return _text(a), _text(b)


def _family(kind: pa.DataType) -> str:
    import pyarrow.types as pt

    families = {
        "null": (pt.is_null,),
        "integer": (pt.is_integer,),
        "float": (pt.is_floating,),
        "text": (pt.is_string, pt.is_large_string),
        "time": (pt.is_timestamp, pt.is_date),
        "bool": (pt.is_boolean,),
        "bytes": (pt.is_binary, pt.is_large_binary, pt.is_fixed_size_binary),
    }
    return next((name for name, tests in families.items() if any(test(kind) for test in tests)), "other")


def _text(array: pa.Array) -> pa.Array:
    """Write keys as text; whole floats as the integer that they stand for."""
    import pyarrow as pa
    import pyarrow.compute as pc
    import pyarrow.types as pt

    text = array.cast(pa.large_string())
    if not pt.is_floating(array.type):
        return text
    value = pc.fill_null(array.cast(pa.float64()), 0.5).to_numpy(zero_copy_only=False)
    large = np.abs(value) >= _WHOLE
    whole = ~large & (np.trunc(value) == value)
    as_integer = pa.array(np.where(whole, value, 0).astype(np.int64)).cast(pa.large_string())
    apart = pc.binary_join_element_wise(
        text, *(pa.scalar(word, pa.large_string()) for word in ("float", " "))
    )
    return pc.if_else(pa.array(whole), as_integer, pc.if_else(pa.array(large), apart, text))
