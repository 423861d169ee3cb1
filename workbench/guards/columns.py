"""Columns of anybody's table as plain arrays: ranks, labels, sides of a split, and the AUC of a score.

A missing value is a null or a NaN; the two are never told apart. Dictionaries count as their values.
"""

from __future__ import annotations

from math import sqrt
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from workbench.errors import GuardError
from workbench.guards.evidence import MAX_OFFENDERS, require_columns
from workbench.guards.scores import roc_auc

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import pyarrow as pa
    from numpy.typing import NDArray

    Bools = NDArray[np.bool_]
    Ints = NDArray[np.int64]
    Floats = NDArray[np.float64]

SIDES: Final = ("train", "test")
_TRUTH: Final = {"true": True, "1": True, "1.0": True, "false": False, "0": False, "0.0": False}


def plain(column: pa.ChunkedArray | pa.Array) -> pa.Array:
    """Return a column as one array of values: no dictionary, no NaN, no -0.0, no half floats, no string views."""
    import pyarrow as pa
    import pyarrow.compute as pc
    import pyarrow.types as pt

    array = column.combine_chunks() if isinstance(column, pa.ChunkedArray) else column
    if isinstance(array, pa.ChunkedArray):  # some versions return one where a chunk would be too long
        array = pa.concat_arrays(array.chunks)
    if pt.is_dictionary(array.type):
        array = array.dictionary_decode()
    if pt.is_run_end_encoded(array.type):
        array = pc.run_end_decode(array)
    if pt.is_string_view(array.type) or pt.is_binary_view(array.type):
        array = array.cast(pa.large_string() if pt.is_string_view(array.type) else pa.large_binary())
    if pt.is_float16(array.type):
        array = array.cast(pa.float32())
    if pt.is_floating(array.type):
        array = pc.add(array, pa.scalar(0, array.type))
        array = pc.if_else(pc.is_nan(array), pa.scalar(None, array.type), array)
    return array


def missing(array: pa.Array) -> Bools:
    """Return where a value is missing, shape (n,); `array` comes from `plain`."""
    import pyarrow.compute as pc

    return np.asarray(pc.is_null(array).to_numpy(zero_copy_only=False))


def is_list(array: pa.Array) -> bool:
    """Return whether the cells are lists of any kind."""
    import pyarrow.types as pt

    return bool(pt.is_list(array.type) or pt.is_large_list(array.type) or pt.is_fixed_size_list(array.type))


def ranks(column: pa.ChunkedArray | pa.Array) -> Ints:
    """Rank the values of a column by their order; equal values get equal numbers.

    Parameters
    ----------
    column : pyarrow.ChunkedArray or pyarrow.Array
        Numbers, texts (by their bytes), times, booleans.

    Returns
    -------
    numpy.ndarray of shape (n,)
        Dense ranks from 0; -1 where the value is missing.

    Raises
    ------
    GuardError
        If values of this type have no order: lists, structs, maps.
    """
    import pyarrow as pa
    import pyarrow.compute as pc
    import pyarrow.types as pt

    array = plain(column)
    if pt.is_null(array.type):
        return np.full(len(array), -1, np.int64)
    try:
        encoded = array.dictionary_encode()
        order = pc.sort_indices(encoded.dictionary).to_numpy()
    except (pa.ArrowNotImplementedError, pa.ArrowInvalid, pa.ArrowTypeError):
        raise GuardError(
            f"values of type {array.type} have no order", hint="name a column of numbers, texts or times"
        ) from None
    place = np.full(len(order) + 1, -1, np.int64)  # the last place belongs to the missing
    place[order] = np.arange(len(order))
    return np.asarray(place[pc.fill_null(encoded.indices, -1).to_numpy(zero_copy_only=False)])


def positives(
    rows: pa.Table, label: str, positive: object, guard: str, *, at_least: int = 1
) -> tuple[Bools, Bools]:
    """Read a label column as true and false.

    Parameters
    ----------
    rows : pyarrow.Table
        As the caller gave it.
    label : str
        Column of texts, booleans or numbers. Every other value than `positive` counts as negative.
    positive : object
        The value of the positive class; ``"1"`` also means 1 and True.
    guard : str
        Who asks.
    at_least : int
        Rows that each class must have.

    Returns
    -------
    tuple of numpy.ndarray of shape (n,)
        Whether a row is positive, and whether its label is known.

    Raises
    ------
    GuardError
        If the column is missing, no row is positive, or a class has too few rows.
    """
    require_columns(rows, [label], guard)
    array = plain(rows[label])
    known = ~missing(array)
    is_positive = _equals(array, positive) & known
    n_positive, n_negative = int(is_positive.sum()), int((known & ~is_positive).sum())
    if not n_positive:
        raise GuardError(
            f"{guard}: no row has {label!r} = {positive!r}", hint=f"there are: {_some_values(array)}"
        )
    if min(n_positive, n_negative) < at_least:
        raise GuardError(
            f"{guard}: {n_positive} rows are {positive!r} and {n_negative} are not",
            hint=f"it needs at least {at_least} of each",
        )
    return is_positive, known


def _equals(array: pa.Array, value: object) -> Bools:
    """Return where an array has a value, across the types that a label and an option may have."""
    import pyarrow as pa
    import pyarrow.compute as pc
    import pyarrow.types as pt

    try:
        if pt.is_boolean(array.type):
            same = pc.equal(array, _TRUTH.get(str(value).lower()))
        elif pt.is_integer(array.type) or pt.is_floating(array.type) or pt.is_decimal(array.type):
            number = float(value) if isinstance(value, bool) else float(str(value))
            same = pc.equal(array.cast(pa.float64()), number)
        else:
            same = pc.equal(array.cast(pa.large_string()), str(value))
    except (
        ValueError,
        pa.ArrowNotImplementedError,
    ):  # a text that is no number; ArrowInvalid is a ValueError
        return np.zeros(len(array), np.bool_)
    return np.asarray(pc.fill_null(same, False).to_numpy(zero_copy_only=False), np.bool_)  # noqa: FBT003


def _some_values(array: pa.Array, most: int = 8) -> str:
    import pyarrow as pa

    try:
        values = array.drop_null().unique()
    except pa.ArrowNotImplementedError:
        return f"values of type {array.type}"
    more = ", ..." if len(values) > most else ""
    return (
        ", ".join(repr(value) for value in values[:most].to_pylist()) + more if len(values) else "no values"
    )


def sides_of(rows: pa.Table, split: str, sides: tuple[str, str], guard: str) -> tuple[Bools, Bools]:
    """Return which rows a model learned from, and which judge it.

    Parameters
    ----------
    rows : pyarrow.Table
        As the caller gave it.
    split : str
        Column that names the side of each row; numbers and booleans count as their texts.
    sides : tuple of two str
        Its values for the two sides; other values stay out.
    guard : str
        Who asks.

    Returns
    -------
    tuple of numpy.ndarray of shape (n,)
        Rows of the first side, rows of the second.

    Raises
    ------
    GuardError
        If the column is missing, or a side has no rows.
    """
    require_columns(rows, [split], guard)
    array = plain(rows[split])
    masks = [_equals(array, side) for side in sides]
    for side, mask in zip(sides, masks, strict=True):
        if not mask.any():
            raise GuardError(
                f"{guard}: no row has {split!r} = {side!r}", hint=f"there are: {_some_values(array)}"
            )
    if np.array_equal(masks[0], masks[1]):
        raise GuardError(f"{guard}: both sides are {sides[0]!r}", hint="name two sides")
    return masks[0], masks[1]


def offending(
    rows: pa.Table, positions: Ints, columns: Sequence[str], more: Mapping[str, Any]
) -> pa.Table | None:
    """Return rows to look at, worst first.

    Parameters
    ----------
    rows : pyarrow.Table
        As the caller gave it.
    positions : numpy.ndarray of int
        Rows to show, counted from 0, worst first; the first `MAX_OFFENDERS` are kept.
    columns : sequence of str
        Their columns to show, after ``row`` (the position) and ``row_id`` where there is one.
    more : mapping of str to array
        Further columns, one value a position.

    Returns
    -------
    pyarrow.Table or None
        None where there are no positions.
    """
    import pyarrow as pa

    if not len(positions):
        return None
    first = positions[:MAX_OFFENDERS]
    names = dict.fromkeys([*(["row_id"] if "row_id" in rows.column_names else []), *columns])
    shown = {"row": pa.array(first)} | {name: plain(rows[name]).take(pa.array(first)) for name in names}
    return pa.table(shown | {name: values[:MAX_OFFENDERS] for name, values in more.items()})


def auc_and_z(positive: Bools, score: Floats) -> tuple[float, float]:
    """Return the AUC of a score, and how many standard errors it lies from chance.

    Parameters
    ----------
    positive : numpy.ndarray of bool of shape (n,)
        Of both classes.
    score : numpy.ndarray of shape (n,)
        Higher means more positive.

    Returns
    -------
    tuple of float
        AUC and z = (AUC - 1/2) / sd, with the sd of the Mann-Whitney statistic corrected for ties:
        sd^2 = (n + 1 - sum(t^3 - t) / (n (n - 1))) / (12 n1 n0), where t are the sizes of the ties.
    """
    n, n_positive = len(positive), int(positive.sum())
    auc = float(roc_auc(positive, score, np.ones((1, n)))[0])
    tied = np.unique(score, return_counts=True)[1].astype(np.float64)
    spread = n + 1 - float((tied**3 - tied).sum()) / (n * (n - 1))
    if spread < 1e-9:  # every score is the same
        return auc, 0.0
    return auc, (auc - 0.5) / sqrt(spread / (12 * n_positive * (n - n_positive)))
