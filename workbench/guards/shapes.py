"""Why do two columns differ? The shape of a mismatch tells, where every differing cell agrees on it.

Rules in this order; the first that explains every differing cell is the answer::

    swap      the cells are those of another column
    unit      a constant ratio: x 100, / 30.4
    cast      cut to whole numbers, rounded, half precision, true or false
    default   one constant stands where the values were, or where nothing was; null counts as a constant
    stale     the cells of an earlier time              only with `Context.earlier`
    offset    a constant difference: the hours of a time zone
    unit      a straight line: degrees
    window    those of a shorter or longer window       only with `Context.windows`
    other     none of these

Unit, cast and offset may stand beside a default of the missing values; the detail says so. How often mismatches are
named as they were made stands in docs/GUARDS.md. These mismatches are ours: a bug that nobody thought of may well
be ``other``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

from workbench.guards import arithmetic
from workbench.guards.mismatch import (
    SLACK,
    VARIED,
    Context,
    Mismatch,
    Shape,
    distinct,
    look_at,
    show,
)
from workbench.guards.values import differs, read

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

SHAPES: Final = ("equal", "swap", "unit", "cast", "default", "stale", "offset", "window", "other")
FEW: Final = 3
"""Fewer differing rows than this have no shape."""
COINS: Final = 11
"""That many coins fall on one side with p = 2 ** -10."""
_GLANCE: Final = 64  # rows that rule out a swap before all are compared


def read_shape(name: str, context: Context) -> Shape:
    """Read the shape of one column's mismatch.

    Parameters
    ----------
    name : str
        A compared column.
    context : Context
        The tables.

    Returns
    -------
    Shape
        ``equal`` where nothing differs, ``other`` where fewer than three rows do.
    """
    n = int(context.differ[name].sum())
    if n < FEW:
        return Shape("other", "too few rows to read a shape from") if n else Shape("equal")
    column = look_at(name, context)
    return (
        _swap(column, context)
        or _calculated(column, (arithmetic.unit, arithmetic.cast))
        or _default(column, context)
        or _stale(column, context)  # an age grows by the days that the store stood still: that is no offset
        or _calculated(column, (arithmetic.offset, arithmetic.line))
        or _window(column, context)
        or Shape("other", _remark(column))
    )


def cosines(x: Floats, y: Floats) -> Floats:
    """Return the cosine of each pair of rows, shape (n,); 0 where one has no length."""
    with np.errstate(invalid="ignore", divide="ignore", over="ignore"):
        lengths = np.linalg.norm(x, axis=1) * np.linalg.norm(y, axis=1)
        cosine = np.einsum("ij,ij->i", x, y) / lengths
    return np.asarray(np.nan_to_num(cosine, nan=0.0, posinf=0.0, neginf=0.0))


def _calculated(column: Mismatch, rules: tuple[arithmetic.Rule, ...]) -> Shape | None:
    if column.x.kind not in {"number", "time"} or column.note is None or column.moved.sum() < FEW:
        return None
    if column.x.kind == "time":  # there is no twice a date
        rules = tuple(rule for rule in rules if rule is arithmetic.offset)
    elif column.fits(column.x.array)[column.moved].all():  # roundings fit every rule
        return None
    return next((shape for rule in rules if (shape := rule(column))), None)


def _swap(column: Mismatch, context: Context) -> Shape | None:
    """Find the column that this one holds: in varied rows, or in all of them."""
    name, rows = column.name, np.flatnonzero(column.rows)
    found = []
    for other in context.differ:
        if other == name or context.unlike(name, other, rows[:_GLANCE]).any():
            continue
        unlike = context.unlike(name, other)
        if unlike[rows].any():
            continue
        back = context.differ[other]
        mutual = bool(back.any()) and not context.unlike(other, name)[back].any()
        n_values = len(distinct(context.online[name], column.rows))
        if n_values >= VARIED or ((n_values > 1 or mutual) and not unlike.any()):
            found.append((not mutual, other))
    if not found:
        return None
    other = min(found)[1]
    is_window = {name, other} <= set(context.windows) and not context.differ[other].any()
    return Shape("window" if is_window else "swap", f"holds {other}")


def _default(column: Mismatch, context: Context) -> Shape | None:
    """Find the one value that stands in every differing cell."""
    is_null = bool((column.rows & column.y.gone).any())
    values = distinct(context.online[column.name], column.rows)
    if len(values) + is_null != 1:
        return None
    what = "null" if is_null else show(values[0])
    if not column.moved.any() and not is_null:
        return Shape("default", f"null became {what}")
    present = distinct(context.online[column.name], ~column.y.gone)
    everywhere = not present if is_null else len(present) == 1
    were = len(distinct(context.offline[column.name], column.rows))
    if not is_null and were < VARIED and not (were > 1 and everywhere):
        return None
    return Shape("default", f"{'every value' if everywhere else f'{column.rows.sum()} cells'} became {what}")


def _stale(column: Mismatch, context: Context) -> Shape | None:
    """Find each differing cell among its key's earlier cells; a key without any may have become null."""
    if context.earlier is None or column.name not in context.earlier.column_names:
        return None
    at = context.earlier_rows
    sides = read(context.earlier[column.name], context.online[column.name].take(at))
    was = np.zeros(len(column.rows), np.bool_)
    was[at[~differs(*sides, context.rtol, context.atol)]] = True
    known = np.zeros(len(column.rows), np.bool_)
    known[at] = True
    explained = was | (~known & column.y.gone)
    if not explained[column.rows].all() or not (known & column.rows).any():
        return None
    once = known.sum() == len(at)  # of several earlier cells one may fit by chance
    if len(distinct(context.online[column.name], column.rows)) < VARIED and not (once and was[known].all()):
        return None
    return Shape("stale", "holds the values of an earlier time")


def _window(column: Mismatch, context: Context) -> Shape | None:
    """Do all differing cells lie on one side, and no further out than the neighbouring window?"""
    names, rows = list(context.windows), np.flatnonzero(column.moved)
    is_count = column.x.kind == "number" and column.note is not None and len(rows) >= COINS
    if column.name not in names or not is_count:
        return None
    x, y = column.x.array[rows, 0], column.y.array[rows, 0]
    shorter = bool((y < x).all())
    if not (shorter or (y > x).all()) or (y < 0).any():
        return None
    what = f"behaves like a {'shorter' if shorter else 'longer'} window"
    place = names.index(column.name) + (-1 if shorter else 1)
    if not 0 <= place < len(names):
        return column.named("window", what)
    edge, _ = read(context.offline[names[place]].take(rows), context.offline[column.name].take(rows))
    if edge.kind != "number":
        return None
    bound = np.where(edge.gone, y, edge.array[:, 0])
    inside = (bound <= y) & (bound <= x) if shorter else (bound >= y) & (bound >= x)
    return column.named("window", f"{what}, towards {names[place]}") if inside.all() else None


def _remark(column: Mismatch) -> str:
    """Say what little can be said of a mismatch without a shape."""
    import pyarrow.compute as pc

    if not column.moved.any():
        return column.note or ""
    rows = np.flatnonzero(column.moved)
    if column.x.kind == "text":
        plainer = [
            pc.utf8_lower(pc.utf8_trim_whitespace(side.array.take(rows))) for side in (column.x, column.y)
        ]
        same = pc.all(pc.equal(*plainer)).as_py()
        return "only capitals, or blanks at the ends, differ" if same else ""
    if column.x.kind != "number":
        return ""
    x, y = column.x.array[rows], column.y.array[rows]
    if column.fits(column.x.array)[rows].all():
        return f"roundings: no more than {SLACK:g} of the number"
    if x.shape[1] < 2:
        return ""
    cosine = float(np.median(cosines(x, y)))
    return f"median cosine {cosine:.3f}" if cosine < 1 - SLACK else "only the lengths of the vectors differ"
