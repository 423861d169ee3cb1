"""Two versions of a table that should be one: the same rows, and in the same order?

Catches  rows that were lost, added or changed, by 1e-12 even; another type; a null that became NaN. A file's hash
         cannot tell: the same rows have another one with every writer, codec and row group.
Misses   nothing in the table: the hash takes in every cell. It says what differs for cells; inside lists and
         structs it says which rows.
Fires    where the content hash differs. Where only the order of rows does, it fires with a sentence of its own: a
         split by position, or a seeded sample, is then another one.
Rates    docs/GUARDS.md
Cost     a sort and a hash of all cells on either side: a million rows of 20 columns took 13 to 21 s on two cores.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import numpy as np

from workbench.errors import DatasetError, GuardError
from workbench.guards.differences import some
from workbench.guards.evidence import MAX_OFFENDERS, Evidence, Finding, require_columns, worst
from workbench.guards.pairing import key_texts, pair, take
from workbench.guards.values import Values, differs, read
from workbench.hashing import content_hash, order_hash

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import pyarrow as pa
    from numpy.typing import NDArray

    Bools = NDArray[np.bool_]
    Ints = NDArray[np.int64]

GUARD: Final = "content"
THRESHOLD: Final = 0.0
_SHOWN: Final = 5  # keys and columns in a sentence


def measure(before: pa.Table, after: pa.Table, *, keys: Sequence[str] = ("row_id",)) -> Evidence:
    """Compare two versions of a table.

    Parameters
    ----------
    before, after : pyarrow.Table
        `after` may be empty: then every row is lost.
    keys : sequence of str
        Columns that together name each row once, on either side.

    Returns
    -------
    Evidence
        ``value``: share of all rows that were lost, added or changed. Facts: both hashes of content and of
        order, the number and first keys of lost, added and changed rows, ``changed_by_column``, the largest
        difference of numbers, columns on one side only, and columns whose type or kind of null differs.
        Offenders: key, what, and for changed cells the column and both values.

    Raises
    ------
    GuardError
        If a column is missing, there was nothing before, a key repeats, or a column cannot be hashed.
    """
    keys = (keys,) if isinstance(keys, str) else tuple(keys)
    require_columns(before, keys, GUARD)
    if after.num_rows or not {*keys} <= {*after.column_names}:
        require_columns(after, keys, GUARD)
    facts: dict[str, Any] = {}
    for side, rows in (("before", before), ("after", after)):
        facts |= _hashes(rows, keys, side)
    facts |= {"content_equal": facts["content_before"] == facts["content_after"]}
    facts |= {"order_equal": facts["order_before"] == facts["order_after"]}
    if facts["content_equal"]:
        return Evidence(GUARD, before.num_rows, 0.0, "share of rows", facts=facts)
    return _compared(before, after, keys, facts)


def check(evidence: Evidence, *, threshold: float = THRESHOLD, ordered: bool = True) -> Finding:
    """Judge whether the content, or the order of rows, is another one.

    Parameters
    ----------
    evidence : Evidence
        From `measure`.
    threshold : float
        Share of rows above which it fires; at 0 any difference of the hashes does, types included.
    ordered : bool
        Whether another order alone makes it fire.

    Returns
    -------
    Finding
        With what differs.
    """
    facts = evidence.facts
    if facts["content_equal"]:
        moved = not facts["order_equal"]
        sentence = f"{evidence.n} rows are the same" + (", in another order" if moved else "")
        return Finding(GUARD, fired=moved and ordered, sentence=sentence, evidence=evidence)
    fired = evidence.value > threshold or threshold == 0
    return Finding(GUARD, fired=fired, sentence="; ".join(_sentences(facts)), evidence=evidence)


def _sentences(facts: Mapping[str, Any]) -> list[str]:
    said = []
    for what in ("lost", "added", "changed"):
        first = facts[f"first_{what}"]
        if facts[what]:
            said.append(
                f"{facts[what]} rows {what}: {', '.join(first)}{', ...' * (facts[what] > len(first))}"
            )
    for name, n in list(facts["changed_by_column"].items())[:_SHOWN]:
        by = facts["largest"].get(name)
        said.append(f"{name} of {n} rows" + ("" if by is None else f" by up to {by:.3g}"))
    said += [f"only one side has {some(facts['columns_one_side'])}"] if facts["columns_one_side"] else []
    said += [f"the type of {name} is {of[0]}, then {of[1]}" for name, of in facts["types_differ"].items()]
    said += [f"null and NaN changed places in {name}" for name in facts["nulls_differ"]]
    return said or ["something inside lists or structs differs"]


def _hashes(rows: pa.Table, keys: Sequence[str], side: str) -> dict[str, str]:
    import pyarrow as pa

    if len({*rows.column_names}) < len(rows.column_names):
        raise GuardError(f"{GUARD}: two columns {side} have one name", hint=", ".join(rows.column_names))
    try:
        return {f"content_{side}": content_hash(rows, keys), f"order_{side}": order_hash(rows, keys)}
    except DatasetError as error:
        raise GuardError(f"{GUARD}: {side}: {error.message}", hint=error.hint) from error
    except pa.ArrowException as error:
        raise GuardError(
            f"{GUARD}: {side}: the rows cannot be hashed: {error}", hint="cast that column"
        ) from error


def _compared(before: pa.Table, after: pa.Table, keys: tuple[str, ...], facts: dict[str, Any]) -> Evidence:
    """Say what differs between two tables whose hashes do."""
    pairs = pair(before, after, keys, GUARD)
    names = [n for n in before.column_names if n in {*after.column_names} and n not in keys]
    one, two = take(before, pairs.left), take(after, pairs.right)
    sides = {name: read(one[name], two[name]) for name in names}
    unlike = {name: differs(*sides[name], 0.0, 0.0) for name in names}
    changed = np.flatnonzero(_any(unlike, len(pairs.left)))
    guilty = sorted((name for name in names if unlike[name].any()), key=lambda name: -int(unlike[name].sum()))
    kinds = {"lost": (before, pairs.only_left), "added": (after, pairs.only_right), "changed": (one, changed)}
    for what, (rows, positions) in kinds.items():
        facts |= {what: len(positions), f"first_{what}": key_texts(rows, positions[:_SHOWN], keys)}
    largest = {name: by for name in guilty if (by := _largest(*sides[name], unlike[name])) is not None}
    facts |= {
        "changed_by_column": {name: int(unlike[name].sum()) for name in guilty},
        "largest": largest,
        "columns_one_side": sorted({*before.column_names} ^ {*after.column_names}),
        "types_differ": {
            n: [str(one[n].type), str(two[n].type)] for n in (*keys, *names) if _retyped(one, two, n)
        },
        "nulls_differ": [name for name in names if _nulls_differ(one[name], two[name], unlike[name])],
    }
    each = max(1, MAX_OFFENDERS // (2 + max(1, len(guilty))))
    shown = [
        {"key": key, "what": what, "column": None, "before": None, "after": None}
        for what in ("lost", "added")
        for key in key_texts(kinds[what][0], kinds[what][1][:each], keys)
    ]
    for name in guilty[:MAX_OFFENDERS]:
        rows = np.flatnonzero(unlike[name])[:each]
        cells = one[name].take(rows).to_pylist(), two[name].take(rows).to_pylist()
        for key, was, became in zip(key_texts(one, rows, keys), *cells, strict=True):
            cell = {"column": name, "before": str(was)[:60], "after": str(became)[:60]}
            shown.append({"key": key, "what": "changed"} | cell)
    n = before.num_rows + len(pairs.only_right)
    share = (len(pairs.only_left) + len(pairs.only_right) + len(changed)) / n
    return Evidence(GUARD, n, share, "share of rows", tuple(guilty), worst(shown), facts)


def _any(unlike: dict[str, Bools], n: int) -> Bools:
    changed = np.zeros(n, np.bool_)
    for rows in unlike.values():
        changed |= rows
    return changed


def _largest(x: Values, y: Values, unlike: Bools) -> float | None:
    """Return the largest difference of two columns of numbers; None where there is none to name."""
    rows = unlike & ~x.gone & ~y.gone
    if x.kind != "number" or not rows.any():
        return None
    with np.errstate(invalid="ignore", over="ignore"):
        by = np.abs(y.array[rows] - x.array[rows])
    # large integers may differ by less than a float can tell
    return float(by.max()) if by.any() and np.isfinite(by).all() else None


def _retyped(one: pa.Table, two: pa.Table, name: str) -> bool:
    """Tell types apart as the hash does: a column without rows hashes its name and its type."""
    return content_hash(one.select([name]).slice(0, 0), ()) != content_hash(
        two.select([name]).slice(0, 0), ()
    )


def _nulls_differ(a: pa.ChunkedArray, b: pa.ChunkedArray, unlike: Bools) -> bool:
    """Return whether a null stands for a NaN somewhere: to people both are missing, to the hash they are not."""
    null_a, null_b = (side.is_null().to_numpy() for side in (a, b))
    return bool(((null_a != null_b) & ~unlike).any())
