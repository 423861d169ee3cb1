"""One column that differs between two paired tables, and what a rule must show to explain it.

Three differing rows are easily explained by chance. So a rule must explain *every* differing cell, and
beside that either why the other rows of the column do not differ, or `VARIED` different values.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, NamedTuple

import numpy as np

from workbench.guards.columns import missing, plain
from workbench.guards.values import Values, differs, read

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import pyarrow as pa
    from numpy.typing import NDArray

    Bools = NDArray[np.bool_]
    Ints = NDArray[np.int64]
    Floats = NDArray[np.float64]

VARIED: Final = 5
"""That many different values are no coincidence."""
SLACK: Final = 5e-7
"""Relative: a few roundings of a float32, which stores and arithmetic may add."""
_SEEN: Final = 10_000  # rows that are enough to count different values


class Shape(NamedTuple):
    """The shape of a mismatch.

    Attributes
    ----------
    name : str
        See `workbench.guards.shapes`.
    detail : str
        For people: ``x 100``, ``holds visits_90d``, ``null became 0``.
    """

    name: str
    detail: str = ""


@dataclass(frozen=True, slots=True)
class Context:
    """Two tables whose rows are paired, and what else is known.

    Attributes
    ----------
    offline, online : pyarrow.Table
        Of equal length; row i belongs to row i.
    differ : mapping of str to numpy.ndarray of bool
        Compared column to the rows that differ.
    windows : sequence of str
        Columns that count the same thing over longer and longer windows.
    earlier : pyarrow.Table, optional
        Offline values of earlier times.
    earlier_rows : numpy.ndarray of int
        For each row of `earlier` the row that it belongs to.
    rtol, atol : float
        As in `workbench.guards.values.differs`.
    """

    offline: pa.Table
    online: pa.Table
    differ: Mapping[str, Bools]
    windows: Sequence[str] = ()
    earlier: pa.Table | None = None
    earlier_rows: Ints = field(default_factory=lambda: np.zeros(0, np.int64))
    rtol: float = 1e-6
    atol: float = 1e-9

    def unlike(self, online: str, offline: str, rows: Ints | None = None) -> Bools:
        """Return where an online column differs from an offline column, of all rows or some."""
        sides = self.offline[offline], self.online[online]
        if rows is not None:
            sides = sides[0].take(rows), sides[1].take(rows)
        return differs(*read(*sides), self.rtol, self.atol)


@dataclass(frozen=True, slots=True)
class Mismatch:
    """One column that differs.

    Attributes
    ----------
    name : str
        Of the column.
    x, y : Values
        Offline and online, all rows.
    rows : numpy.ndarray of bool of shape (n,)
        Rows that differ.
    moved : numpy.ndarray of bool of shape (n,)
        Those of them that have a value on both sides.
    both : numpy.ndarray of bool of shape (n,)
        All rows with a value on both sides.
    note : str or None
        What became of missing values; None where nulls became more than one thing.
    """

    name: str
    x: Values
    y: Values
    rows: Bools
    moved: Bools
    both: Bools
    note: str | None

    @property
    def slack(self) -> float:
        """How far a number may lie from what a rule expects, relative: integers and times not at all."""
        return SLACK if self.x.exact is None or self.y.exact is None else 1e-15

    def fits(self, expected: Floats) -> Bools:
        """Return which rows are as expected, shape (n,)."""
        with np.errstate(invalid="ignore", over="ignore"):
            near = np.isclose(self.y.array, expected, rtol=self.slack, atol=1e-9, equal_nan=True)
        return np.asarray(near.all(axis=1))

    def explained_by(self, expected: Floats) -> bool:
        """Return whether a rule explains what differs, and not by chance.

        Parameters
        ----------
        expected : numpy.ndarray of shape (n, width)
            What the rule makes of `x`.

        Returns
        -------
        bool
            See the head of this module.
        """
        good = self.fits(expected)
        if not good[self.moved].all():
            return False
        if n_distinct(self.x.array[self.moved]) >= VARIED:
            return True
        return bool(good[self.both].all()) and n_distinct(expected[self.both]) > 1

    def named(self, name: str, detail: str) -> Shape:
        """Return the shape, with what became of missing values beside it."""
        return Shape(name, "; ".join(filter(None, [detail, self.note])))


def look_at(name: str, context: Context) -> Mismatch:
    """Return the mismatch of one column."""
    rows = context.differ[name]
    x, y = read(context.offline[name], context.online[name])
    filled, n_lost = rows & x.gone, int((rows & y.gone).sum())
    notes: list[str] | None = [f"{n_lost} values became null"] if n_lost else []
    if filled.any():
        values = distinct(context.online[name], filled)
        notes = [f"null became {show(values[0])}", *(notes or [])] if len(values) == 1 else None
    note = None if notes is None else "; ".join(notes)
    return Mismatch(name, x, y, rows, rows & ~x.gone & ~y.gone, ~x.gone & ~y.gone, note)


def distinct(column: pa.ChunkedArray, rows: Bools) -> list[object]:
    """Return up to `VARIED` + 1 different values among some rows, nulls left out."""
    found = plain(column.take(np.flatnonzero(rows)))
    found = found.filter(~missing(found))
    try:
        return list(found.unique()[: VARIED + 1].to_pylist())
    except NotImplementedError:  # lists and structs
        return _distinct_vectors(found)


def _distinct_vectors(found: pa.Array) -> list[object]:
    values, _ = read(found, found)
    if values.kind != "number":
        return list({str(thing): thing for thing in found[:_SEEN].to_pylist()}.values())[: VARIED + 1]
    new = np.ones(len(found), np.bool_)
    seen: list[Floats] = []
    while new.any() and len(seen) <= VARIED:
        seen.append(values.array[new.argmax()])
        new &= (values.array != seen[-1]).any(axis=1)
    return [vector.tolist() for vector in seen]


def n_distinct(numbers: Floats) -> int:
    """Count different numbers among the first rows."""
    return len(np.unique(numbers[:_SEEN]))


def show(value: object) -> str:
    """Return a value as short text."""
    if isinstance(value, list) and value and len(set(value)) == 1:
        return f"{len(value)} times {show(value[0] + 0)}"  # + 0: not -0.0
    text = f"{value:.6g}" if isinstance(value, float) else repr(value)
    return text if len(text) <= 40 else f"{text[:37]}..."
