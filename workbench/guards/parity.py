"""Paired parity: the same key has the same features offline and online, cell by cell.

Catches  training-serving skew of every kind that changes a served number: another window, unit or type, swapped
         columns, missing values that became 0, stale or lost rows, an embedding by another model. The shape of
         each mismatch is named: see `workbench.guards.shapes`. It cannot confuse skew with drift, since both
         sides answer for the same keys.
Misses   what is wrong on both sides alike; columns that only one side has (they are listed); keys that were
         never logged. Without the observation time among the keys, an item that changed is compared with itself
         at another time.
Fires    when more than 0.1 % of the cells of any column differ, or a key is on one side only: a rule that was
         fixed before it was measured.
Rates    docs/GUARDS.md
Cost     one pass over the keys and a few over each column: a million rows of 20 columns took 3 s where they are
         equal and 9 s where every column differs, on two cores.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import numpy as np

from workbench.errors import GuardError
from workbench.guards.differences import count, some
from workbench.guards.evidence import MAX_OFFENDERS, Evidence, Finding, require_columns, worst
from workbench.guards.mismatch import Context
from workbench.guards.pairing import key_texts, pair, take
from workbench.guards.shapes import cosines, read_shape
from workbench.guards.values import differs, read

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pyarrow as pa
    from numpy.typing import NDArray

    from workbench.guards.pairing import Pairs

GUARD: Final = "parity"
THRESHOLD: Final = 0.001
_SHOWN: Final = 5  # keys in a sentence
_WIDTH: Final = 60  # letters of a cell; an embedding has thousands


def measure(  # noqa: PLR0913  (two tables, and what is known of them: all but two have defaults)
    offline: pa.Table,
    online: pa.Table,
    *,
    keys: Sequence[str] = ("item_id",),
    columns: Sequence[str] | None = None,
    rtol: float = 1e-6,
    atol: float = 1e-9,
    windows: Sequence[str] = (),
    earlier: pa.Table | None = None,
) -> Evidence:
    """Measure in how many cells two tables differ, and in what shape.

    Parameters
    ----------
    offline, online : pyarrow.Table
        What a model is trained on, and what it was served, for the same keys. In any order.
    keys : sequence of str
        Columns that name a row on both sides. Equal repeats of a row count once.
    columns : sequence of str, optional
        Columns to compare. Default: all that both sides have.
    rtol, atol : float
        Numbers differ where ``|online - offline| > atol + rtol * |offline|``. Integers, texts and times
        differ where they are not equal; null and NaN are the same; lists differ where a number does.
    windows : sequence of str
        Columns that count the same over longer and longer windows: lets it name a wrong window.
    earlier : pyarrow.Table, optional
        Offline values of earlier times, with `keys`; several rows a key: several times. Lets it name a
        stale store.

    Returns
    -------
    Evidence
        ``value``: largest share of differing cells of a column. Columns: those that differ, worst first.
        Offenders: cells with their key. Facts: ``by_column`` (share, cells, shape, detail, and for
        embeddings the cosine of differing pairs), keys on one side only, columns on one side only,
        columns of different types.

    Raises
    ------
    GuardError
        If a table is empty, a column is missing, no key is on both sides, or a key has two different rows.
    """
    keys = (keys,) if isinstance(keys, str) else tuple(keys)
    names = _names(offline, online, keys, columns)
    pairs = pair(offline, online, keys, GUARD)
    if not len(pairs.left):
        raise GuardError(f"{GUARD}: no key is on both sides", hint=_example(offline, online, keys))
    for rows, repeats in ((offline, pairs.repeats_left), (online, pairs.repeats_right)):
        _require_equal_repeats(rows, repeats, names, keys)
    one, two = take(offline.select([*keys, *names]), pairs.left), take(online.select(names), pairs.right)
    differ = {name: differs(*read(one[name], two[name]), rtol, atol) for name in names}
    before, at = _earlier(one, earlier, keys, names)
    context = Context(one, two, differ, tuple(windows), before, at, rtol, atol)
    by_column = {name: _column(name, context) for name in names}
    guilty = sorted((n for n in names if by_column[n]["cells"]), key=lambda n: -by_column[n]["share"])
    facts = {
        "by_column": by_column,
        "offline_rows": offline.num_rows,
        "online_rows": online.num_rows,
        **_lost(offline, online, pairs, keys),
        "columns_offline_only": sorted({*offline.column_names} - {*online.column_names}),
        "columns_online_only": sorted({*online.column_names} - {*offline.column_names}),
        "types_differ": {
            name: [str(one[name].type), str(two[name].type)]
            for name in names
            if one[name].type != two[name].type
        },
    }
    largest = max(of["share"] for of in by_column.values())
    offenders = worst(_offenders(context, guilty, keys))
    return Evidence(GUARD, len(pairs.left), largest, "share of cells", tuple(guilty), offenders, facts)


def check(evidence: Evidence, *, threshold: float = THRESHOLD, lost: float = 0.0) -> Finding:
    """Judge the column that differs most, and the keys that have no partner.

    Parameters
    ----------
    evidence : Evidence
        From `measure`.
    threshold : float
        Share of a column's cells above which it fires.
    lost : float
        Share of all keys above which keys on one side only make it fire; 1 where one table is a sample of the
        other.

    Returns
    -------
    Finding
        With the worst column and its shape.
    """
    facts = evidence.facts
    alone = facts["keys_offline_only"] + facts["keys_online_only"]
    said = []
    if evidence.columns:
        name = evidence.columns[0]
        seen = facts["by_column"][name]
        what = seen["shape"] + (f": {seen['detail']}" if seen["detail"] else "")
        said.append(f"{name} differs in {seen['cells']} of {evidence.n} pairs ({seen['share']:.2%}; {what})")
        if evidence.columns[1:]:
            said.append(f"also {some(evidence.columns[1:])}")
    else:
        said.append(f"{count(list(facts['by_column']), 'column')} equal in {evidence.n} pairs")
    if alone:
        said.append(
            f"keys on one side only: {facts['keys_offline_only']} offline, {facts['keys_online_only']} online"
        )
    fired = evidence.value > threshold or alone / (alone + evidence.n) > lost
    return Finding(GUARD, fired=fired, sentence="; ".join(said), evidence=evidence)


def _names(
    offline: pa.Table, online: pa.Table, keys: Sequence[str], columns: Sequence[str] | None
) -> tuple[str, ...]:
    """Return the columns to compare, each once."""
    for rows in (offline, online):
        require_columns(rows, [*keys, *(columns or ())], GUARD)
        if len({*rows.column_names}) < len(rows.column_names):
            raise GuardError(f"{GUARD}: two columns have one name", hint=", ".join(rows.column_names))
    shared = [name for name in offline.column_names if name in {*online.column_names}]
    names = tuple(dict.fromkeys(name for name in columns or shared if name not in keys))
    if not names:
        raise GuardError(
            f"{GUARD}: the two tables share no column beside the keys",
            hint=f"offline: {', '.join(offline.column_names)}; online: {', '.join(online.column_names)}",
        )
    return names


def _example(offline: pa.Table, online: pa.Table, keys: Sequence[str]) -> str:
    first = [key_texts(rows, np.zeros(1, np.int64), keys)[0] for rows in (offline, online)]
    return f"offline begins with {first[0]!r}, online with {first[1]!r}: are they written alike?"


def _require_equal_repeats(
    rows: pa.Table, repeats: NDArray[np.int64], names: Sequence[str], keys: Sequence[str]
) -> None:
    """Refuse a key with two different rows: which of them should be compared?"""
    again, first = rows.take(repeats[:, 0]), rows.take(repeats[:, 1])
    for name in names:
        unlike = np.flatnonzero(differs(*read(first[name], again[name]), 0.0, 0.0))
        if len(unlike):
            key = key_texts(again, unlike[:1], keys)[0]
            raise GuardError(
                f"{GUARD}: the key {key!r} has rows that differ in {name!r}",
                hint=f"name the column that tells them apart, for example a time: keys are {', '.join(keys)}",
            )


def _earlier(
    one: pa.Table, earlier: pa.Table | None, keys: Sequence[str], names: Sequence[str]
) -> tuple[pa.Table | None, NDArray[np.int64]]:
    """Return the earlier rows of paired keys, and the pair that each belongs to."""
    if earlier is None:
        return None, np.zeros(0, np.int64)
    require_columns(earlier, keys, GUARD)
    pairs = pair(one, earlier, keys, GUARD)
    row_of = np.full(earlier.num_rows, -1, np.int64)
    row_of[pairs.right] = pairs.left
    row_of[pairs.repeats_right[:, 0]] = row_of[pairs.repeats_right[:, 1]]
    known = np.flatnonzero(row_of >= 0)
    return earlier.select([n for n in names if n in earlier.column_names]).take(known), row_of[known]


def _column(name: str, context: Context) -> dict[str, Any]:
    """Return what is to be said of one column, as plain values."""
    rows = context.differ[name]
    cells = int(rows.sum())
    shape, detail = read_shape(name, context)
    seen: dict[str, Any] = {"share": cells / len(rows), "cells": cells, "shape": shape, "detail": detail}
    if cells:
        positions = np.flatnonzero(rows)
        x, y = read(context.offline[name].take(positions), context.online[name].take(positions))
        both = ~x.gone & ~y.gone
        if x.kind == "number" and x.array.shape[1] > 1 and both.any():
            cosine = cosines(x.array[both], y.array[both])
            seen |= {"cosine_median": float(np.median(cosine)), "cosine_least": float(cosine.min())}
    return seen


def _lost(offline: pa.Table, online: pa.Table, pairs: Pairs, keys: Sequence[str]) -> dict[str, Any]:
    return {
        "keys_offline_only": len(pairs.only_left),
        "keys_online_only": len(pairs.only_right),
        "first_keys_offline_only": key_texts(offline, pairs.only_left[:_SHOWN], keys),
        "first_keys_online_only": key_texts(online, pairs.only_right[:_SHOWN], keys),
        "repeats_offline": len(pairs.repeats_left),
        "repeats_online": len(pairs.repeats_right),
    }


def _offenders(context: Context, guilty: Sequence[str], keys: Sequence[str]) -> list[dict[str, Any]]:
    """Return cells of every guilty column; of each the same number, so that none hides the others."""
    each = max(1, MAX_OFFENDERS // max(1, len(guilty)))
    shown = []
    for name in guilty[:MAX_OFFENDERS]:
        rows = _worst_rows(name, context)[:each]
        named = zip(*(context.offline[key].take(rows).to_pylist() for key in keys), strict=True)
        cells = (context.offline[name].take(rows).to_pylist(), context.online[name].take(rows).to_pylist())
        for key, was, became in zip(named, *cells, strict=True):
            cell = {"column": name, "offline": _brief(was), "online": _brief(became)}
            shown.append(dict(zip(keys, key, strict=True)) | cell)
    return shown


def _worst_rows(name: str, context: Context) -> NDArray[np.int64]:
    """Return the rows that differ; numbers that are furthest apart, or missing on one side, first."""
    rows = np.flatnonzero(context.differ[name])
    x, y = read(context.offline[name].take(rows), context.online[name].take(rows))
    if x.kind not in {"number", "time"}:
        return rows
    with np.errstate(invalid="ignore", over="ignore"):
        apart = np.abs(y.array - x.array).max(axis=1, initial=0.0)
    apart[x.gone | y.gone | np.isnan(apart)] = np.inf
    return rows[np.argsort(-apart, kind="stable")]


def _brief(cell: object) -> str:
    text = str(cell)
    return text if len(text) <= _WIDTH else f"{text[: _WIDTH - 3]}..."
