"""Columns of perceptual hashes and of embeddings as matrices. A missing value is a row of zeros."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from workbench.errors import GuardError
from workbench.guards.columns import plain

if TYPE_CHECKING:
    import pyarrow as pa
    from numpy.typing import NDArray

    Floats = NDArray[np.float32]


def hash_signs(column: pa.ChunkedArray, guard: str) -> Floats:
    """Return the bits of 64-bit hashes as -1 and 1.

    Parameters
    ----------
    column : pyarrow.ChunkedArray of text
        16 hex digits each; nulls and empty texts are missing.
    guard : str
        Who asks.

    Returns
    -------
    numpy.ndarray of float32, shape (n, 64)
        Zeros where the hash is missing.

    Raises
    ------
    GuardError
        If a value is no hash.
    """
    import pyarrow as pa
    import pyarrow.compute as pc
    import pyarrow.types as pt

    array = plain(column)
    signs = np.zeros((len(array), 64), np.float32)
    if pt.is_null(array.type):
        return signs
    if not (pt.is_string(array.type) or pt.is_large_string(array.type)):
        raise GuardError(f"{guard}: hashes of type {array.type} cannot be read", hint="16 hex digits as text")
    array = pc.fill_null(array.cast(pa.large_string()), "")
    there = np.asarray(pc.not_equal(array, "").to_numpy(zero_copy_only=False), np.bool_)
    texts = array.filter(pa.array(there))
    wrong = texts.filter(pc.invert(pc.match_substring_regex(texts, "^[0-9a-fA-F]{16}$")))
    if len(wrong):
        raise GuardError(
            f"{guard}: {wrong[0].as_py()[:40]!r} is no perceptual hash", hint="it has 16 hex digits"
        )
    raw = np.frombuffer(bytes.fromhex("".join(texts.to_pylist())), np.uint8)
    signs[there] = np.unpackbits(raw.reshape(-1, 8), axis=1).astype(np.float32) * 2 - 1
    return signs


def matrix(column: pa.ChunkedArray, guard: str) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """Return lists of numbers of one length as a matrix.

    Parameters
    ----------
    column : pyarrow.ChunkedArray of list
        Lists of any size and kind of number; null where it is missing.
    guard : str
        Who asks.

    Returns
    -------
    tuple of numpy.ndarray
        float64 of shape (n, dim), NaN where the list is missing; and which rows are there, (n,).

    Raises
    ------
    GuardError
        If the column holds no lists of numbers, or lists of different lengths.
    """
    import pyarrow as pa
    import pyarrow.compute as pc
    import pyarrow.types as pt

    kind = column.type
    if not (pt.is_list(kind) or pt.is_large_list(kind) or pt.is_fixed_size_list(kind)):
        raise GuardError(
            f"{guard}: embeddings of type {kind} cannot be read", hint="lists of numbers are needed"
        )
    array = plain(column)
    there = np.asarray(pc.is_valid(array).to_numpy(zero_copy_only=False), np.bool_)
    present = array.filter(pa.array(there))
    lengths = pc.unique(pc.list_value_length(present)).to_pylist()
    if len(lengths) != 1 or lengths == [0]:
        raise GuardError(
            f"{guard}: embeddings of lengths {sorted(lengths)[:5]}", hint="all must come from one encoder"
        )
    try:
        flat = pc.list_flatten(present).cast(pa.float64(), safe=False)
    except (pa.ArrowNotImplementedError, pa.ArrowInvalid):
        raise GuardError(
            f"{guard}: lists of {kind.value_type} are no embeddings", hint="use numbers"
        ) from None
    wide = np.full((len(array), lengths[0]), np.nan)
    wide[there] = flat.to_numpy(zero_copy_only=False).reshape(-1, lengths[0])
    return wide, there


def unit_rows(column: pa.ChunkedArray, guard: str) -> Floats:
    """Return embeddings as rows of length 1; zeros where one is missing, not finite or all zero.

    Parameters
    ----------
    column : pyarrow.ChunkedArray of list
        As in `matrix`.
    guard : str
        Who asks.

    Returns
    -------
    numpy.ndarray of float32, shape (n, dim)
        A product of two rows is their cosine.
    """
    wide, _ = matrix(column, guard)
    wide[~np.isfinite(wide).all(axis=1)] = 0
    wide /= np.maximum(np.abs(wide).max(axis=1, keepdims=True), np.finfo(float).tiny)  # squares may overflow
    length = np.sqrt((wide * wide).sum(axis=1, keepdims=True))
    unit: Floats = (wide / np.where(length > 0, length, 1)).astype(np.float32)
    return unit
