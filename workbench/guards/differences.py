"""What differs between two tables, two settings, two environments: named, not only counted.

A hash says *that* something changed. These functions say what: which rows, which columns, by how
much. They know nothing of workspaces and work on anybody's tables.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import pyarrow as pa

_SHOWN: Final = 5


@dataclass(frozen=True, slots=True)
class RowDifference:
    """What differs between two tables that should be the same.

    Attributes
    ----------
    added, removed : tuple of str
        Keys that only the later, or only the earlier table has.
    changed : mapping of str to tuple of str
        Column to the keys whose value differs in it.
    largest : mapping of str to float
        Column of numbers, or of lists of numbers, to the largest absolute difference.
    columns : tuple of str
        Columns that only one table has.
    """

    added: tuple[str, ...] = ()
    removed: tuple[str, ...] = ()
    changed: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    largest: Mapping[str, float] = field(default_factory=dict)
    columns: tuple[str, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.added or self.removed or self.changed or self.columns)

    @property
    def only_added(self) -> bool:
        """Whether rows came, and all that were there are as they were."""
        return bool(self.added) and not (self.removed or self.changed or self.columns)

    def sentences(self) -> tuple[str, ...]:
        """Return one sentence for each kind of difference, with the first few keys."""
        said = [
            f"{count(keys, 'row')} {what}: {some(keys)}"
            for what, keys in (("added", self.added), ("removed", self.removed))
            if keys
        ]
        for column, keys in self.changed.items():
            by = f" by up to {self.largest[column]:.3g}" if column in self.largest else ""
            said.append(f"{column} of {count(keys, 'row')} changed{by}: {some(keys)}")
        if self.columns:
            said.append(f"only one of the two has the column {', '.join(self.columns)}")
        return tuple(said)


def count(things: Sequence[str], noun: str) -> str:
    """Return ``1 row`` or ``3 rows``."""
    return f"{len(things)} {noun}" + ("" if len(things) == 1 else "s")


def some(keys: Sequence[str], shown: int = _SHOWN) -> str:
    """Return the first few keys, and how many more there are."""
    rest = len(keys) - shown
    return ", ".join(keys[:shown]) + (f" and {rest} more" if rest > 0 else "")


def diff_rows(before: pa.Table, after: pa.Table, keys: Sequence[str]) -> RowDifference:
    """Compare two tables row by row, whatever the order of their rows.

    Parameters
    ----------
    before, after : pyarrow.Table
        With the columns `keys`, whose values together name each row once.
    keys : sequence of str
        Shown as they are, joined by ``/``.

    Returns
    -------
    RowDifference
        False where nothing differs. NaN equals NaN and null equals null.
    """
    old, new = _positions(before, keys), _positions(after, keys)
    shared = sorted(old.keys() & new.keys())
    one, two = _rows(before, [old[key] for key in shared]), _rows(after, [new[key] for key in shared])
    changed: dict[str, tuple[str, ...]] = {}
    largest: dict[str, float] = {}
    for name in (n for n in before.column_names if n in after.column_names):
        differs, by = _column_difference(one[name], two[name])
        if differs.any():
            changed[name] = tuple(shared[i] for i in np.flatnonzero(differs))
            if by is not None:
                largest[name] = by
    return RowDifference(
        added=tuple(sorted(new.keys() - old.keys())),
        removed=tuple(sorted(old.keys() - new.keys())),
        changed=changed,
        largest=largest,
        columns=tuple(sorted(set(before.column_names) ^ set(after.column_names))),
    )


def _positions(table: pa.Table, keys: Sequence[str]) -> dict[str, int]:
    columns = [table[name].to_pylist() for name in keys]
    return {"/".join(map(str, row)): i for i, row in enumerate(zip(*columns, strict=True))}


def _rows(table: pa.Table, positions: Sequence[int]) -> pa.Table:
    return table.take(np.array(positions, dtype=np.int64))


def _column_difference(one: pa.ChunkedArray, two: pa.ChunkedArray) -> tuple[np.ndarray, float | None]:
    """Return which rows differ, shape (n_rows,), and for numbers by how much at most."""
    a, b = _numbers(one), _numbers(two)
    if a is None or b is None or a.shape != b.shape:
        pairs = zip(one.to_pylist(), two.to_pylist(), strict=True)
        return np.array([x != y for x, y in pairs], dtype=bool), None
    differs = (a != b) & ~(np.isnan(a) & np.isnan(b))
    by = np.abs(np.subtract(a, b, where=differs, out=np.zeros_like(a)))
    return differs.any(axis=1), float(np.nan_to_num(by, nan=np.inf).max(initial=0.0))


def _numbers(column: pa.ChunkedArray) -> np.ndarray | None:
    """Return numbers, or lists of one length, as float64 of shape (n_rows, width); else None."""
    import pyarrow.compute as pc
    import pyarrow.types as pt

    kind, width = column.type, 1
    if column.null_count or not len(column):
        return None
    if pt.is_list(kind) or pt.is_large_list(kind):
        lengths = pc.unique(pc.list_value_length(column)).to_pylist()
        if len(lengths) != 1:
            return None
        width, kind, column = lengths[0], kind.value_type, pc.list_flatten(column)
    if not (pt.is_floating(kind) or pt.is_integer(kind)) or column.null_count:
        return None
    numbers: np.ndarray = column.to_numpy().astype(np.float64).reshape(-1, width)
    return numbers


def diff_mappings(before: Mapping[str, Any], after: Mapping[str, Any]) -> dict[str, tuple[Any, Any]]:
    """Return key to (before, after) for every key whose value differs; None stands for absent."""
    keys = [*before, *(key for key in after if key not in before)]
    return {key: (before.get(key), after.get(key)) for key in keys if before.get(key) != after.get(key)}


def largest_difference(one: np.ndarray, two: np.ndarray) -> float:
    """Return the largest absolute difference; infinite where the shapes differ or a number is missing.

    Parameters
    ----------
    one, two : numpy.ndarray
        Of any shape.

    Returns
    -------
    float
        0.0 for equal bits (NaN equals NaN).
    """
    if one.shape != two.shape:
        return float("inf")
    if np.array_equal(one, two, equal_nan=True):
        return 0.0
    return float(np.nan_to_num(np.abs(one - two), nan=np.inf).max())
