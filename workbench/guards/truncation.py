"""Cut the log at a moment: features as of that moment must not change.

The learner's own feature code runs twice, on the whole log and on what was known at the moment. It is asked
for features as of that moment both times, so any cell that differs was made from the future. Nothing is
known about the code, which may be SQL, pandas or a feature store.

Catches  the newest value instead of the value then, windows past the cutoff, back-dated rows, a
         column exported today, a population chosen by what came later.
Misses   leaks after the features: target encoding, selection, the split. Tables without known-at are
         not cut, and what hides in them is not seen. Moments other than `at`: try several. A leak that
         touches one row in a thousand touches none at most moments: members who had left and were not
         yet recorded were found at one moment of 300 members in 2 of 30 gyms, of 1,200 in 12 of 30.
Fires    at any difference above `tolerance`: exact. Code that gives other features each time is found
         out by a third run and cannot be judged.
Rates    docs/GUARDS.md
Cost     two runs of the feature code, three where something differs.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import numpy as np

from workbench import clock
from workbench.errors import GuardError
from workbench.guards.cells import differs
from workbench.guards.columns import plain, ranks
from workbench.guards.evidence import Evidence, Finding, require_columns, worst
from workbench.guards.times import microseconds, read_times, require_one_clock

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from datetime import datetime

    import pyarrow as pa
    from numpy.typing import NDArray

    Bools = NDArray[np.bool_]
    Ints = NDArray[np.int64]
    Log = Mapping[str, pa.Table]

GUARD: Final = "truncation"
THRESHOLD: Final = 0.0
_PER_COLUMN: Final = 20


def measure(
    build: Callable[[Log], pa.Table],
    log: Log,
    at: datetime,
    *,
    key: str | Sequence[str] = "item_id",
    known_at: str = "created_timestamp",
    tolerance: float = 0.0,
) -> Evidence:
    """Run feature code on the whole log and on the log cut at a moment, and compare.

    Parameters
    ----------
    build : callable
        Takes the log, returns the features as of `at`: one row a key, no labels (they come from the
        future, and rightly so), no rows about later moments.
    log : mapping of str to pyarrow.Table
        Tables by name.
    at : datetime
        The moment; aware.
    key : str or sequence of str
        Columns of the result that together name a row.
    known_at : str
        Column of the log's tables: when a row was recorded. Rows without one are cut off; tables
        without the column stay whole.
    tolerance : float
        Largest difference of two numbers that counts as none.

    Returns
    -------
    Evidence
        ``value``: share of the rows that differ, or are there only once. Offenders: key, ``column``
        (null: the whole row), ``whole`` and ``cut`` as texts.

    Raises
    ------
    GuardError
        If the cut removes nothing, the code gives no rows, repeats a key, or gives other features when it
        runs a second time.
    """
    keys = [key] if isinstance(key, str) else list(key)
    short, cut_off, uncut = cut(log, at, known_at)
    whole = _built(build, log, keys)
    found = _compare(whole, _built(build, short, keys), keys, tolerance)
    if not found["n"]:
        raise GuardError(
            f"{GUARD}: the feature code gives no rows as of {clock.iso(at)}", hint="choose a later moment"
        )
    if found["rows_differ"]:
        again = _compare(whole, _built(build, log, keys), keys, tolerance)
        if again["rows_differ"]:
            raise GuardError(
                f"{GUARD}: the feature code gives {again['rows_differ']} other rows when it runs again on the same log",
                hint="make it deterministic first: sort, and seed what is random",
            )
    facts = {"at": clock.iso(at), "rows_cut_off": cut_off, "tables_left_whole": uncut}
    facts |= {
        name: found[name] for name in ("rows_differ", "rows_only_whole", "rows_only_cut", "cells_differ")
    }
    columns = tuple(found["cells_differ"])
    share = found["rows_differ"] / found["n"]
    return Evidence(GUARD, found["n"], share, "share of rows", columns, worst(found["offenders"]), facts)


def check(evidence: Evidence, *, threshold: float = THRESHOLD) -> Finding:
    """Judge the share of rows that differ.

    Parameters
    ----------
    evidence : Evidence
        From `measure`.
    threshold : float
        Share above which it fires.

    Returns
    -------
    Finding
        With the columns that differ.
    """
    facts = evidence.facts
    what = f"{facts['rows_differ']} of {evidence.n} rows ({evidence.value:.1%}) change"
    sentence = f"{what} when the log ends at {facts['at']}"
    if evidence.columns:
        sentence += f"; columns: {', '.join(evidence.columns)}"
    if n := facts["rows_only_whole"] + facts["rows_only_cut"]:
        sentence += f"; {n} rows are there in one run only"
    return Finding(GUARD, fired=evidence.value > threshold, sentence=sentence, evidence=evidence)


def cut(log: Log, at: datetime, known_at: str) -> tuple[dict[str, pa.Table], dict[str, int], list[str]]:
    """Return what was known at a moment.

    Parameters
    ----------
    log : mapping of str to pyarrow.Table
        Tables by name.
    at : datetime
        The moment; rows known exactly then stay.
    known_at : str
        Column that says when a row was recorded.

    Returns
    -------
    tuple of dict, dict and list
        The tables; how many rows each lost; names of the tables without the column.

    Raises
    ------
    GuardError
        If no table has the column, or no row is lost: then nothing would be tested.
    """
    import pyarrow as pa

    short, lost, uncut = {}, {}, []
    limit = microseconds(at)
    for name, table in log.items():
        if known_at not in table.column_names or not table.num_rows:
            short[name] = table
            uncut += [name] if known_at not in table.column_names else []
            continue
        recorded = read_times(table, known_at, GUARD)
        require_one_clock(GUARD, {f"{name}.{known_at}": recorded}, moment=True)
        try:
            short[name] = table.filter(pa.array(recorded.known & (recorded.us <= limit)))
        except pa.ArrowNotImplementedError as error:  # string views
            raise GuardError(f"{GUARD}: the table {name!r} cannot be cut", hint=str(error)) from error
        lost[name] = table.num_rows - short[name].num_rows
    if len(uncut) == len(log):
        raise GuardError(
            f"{GUARD}: no table of the log has {known_at!r}", hint=f"there are: {', '.join(log)}"
        )
    if not any(lost.values()):
        raise GuardError(
            f"{GUARD}: the log has nothing after {clock.iso(at)}", hint="choose an earlier moment"
        )
    return short, lost, uncut


def _built(build: Callable[[Log], pa.Table], log: Log, keys: Sequence[str]) -> pa.Table:
    import pyarrow as pa

    made = build(log)
    if not isinstance(made, pa.Table):
        raise GuardError(
            f"{GUARD}: the feature code returns {type(made).__name__}",
            hint="return a pyarrow.Table, for example by Table.from_pandas(frame, preserve_index=False)",
        )
    if made.num_rows:
        require_columns(made, keys, GUARD)
    return made


def _compare(whole: pa.Table, short: pa.Table, keys: Sequence[str], tolerance: float) -> dict[str, Any]:
    """Pair the rows of two tables by key and compare all other columns."""
    left, right = _numbered(whole, short, keys)
    _, here, there = np.intersect1d(left, right, assume_unique=True, return_indices=True)
    only_whole = np.setdiff1d(np.arange(len(left)), here)
    only_cut = np.setdiff1d(np.arange(len(right)), there)
    offenders = [*_alone(whole, keys, only_whole, "whole"), *_alone(short, keys, only_cut, "cut")]
    differ = np.zeros(len(here), np.bool_)
    by_column: dict[str, tuple[int, list[dict[str, Any]]]] = {}
    for name in dict.fromkeys([*whole.column_names, *short.column_names]):
        if name in keys:
            continue
        a, b = _cells(whole, name, here), _cells(short, name, there)
        if (unlike := differs(a, b, tolerance)).any():
            differ |= unlike
            by_column[name] = int(unlike.sum()), _shown(whole.select(keys).take(here), name, (a, b), unlike)
    most_first = sorted(by_column.items(), key=lambda one: -one[1][0])
    for _, (_, shown) in most_first:
        offenders += shown
    n_alone = len(only_whole) + len(only_cut)
    return {
        "n": len(here) + n_alone,
        "rows_differ": int(differ.sum()) + n_alone,
        "rows_only_whole": len(only_whole),
        "rows_only_cut": len(only_cut),
        "cells_differ": {name: n for name, (n, _) in most_first},
        "offenders": offenders,
    }


def _alone(table: pa.Table, keys: Sequence[str], rows: Ints, side: str) -> list[dict[str, Any]]:
    """Return a few rows that one run has and the other has not."""
    if not len(rows):
        return []
    cells = {"column": None, "whole": None, "cut": None, side: "there"}
    few = table.select(keys).take(rows[:_PER_COLUMN]).to_pylist()
    return [{name: str(value) for name, value in row.items()} | cells for row in few]


def _cells(table: pa.Table, name: str, rows: Ints) -> pa.Array:
    import pyarrow as pa

    return plain(table[name].take(rows)) if name in table.column_names else pa.nulls(len(rows))


def _shown(
    names: pa.Table, column: str, cells: tuple[pa.Array, pa.Array], unlike: Bools
) -> list[dict[str, Any]]:
    places = np.flatnonzero(unlike)[:_PER_COLUMN]
    whole, short = (side.take(places).to_pylist() for side in cells)
    return [
        {name: str(value) for name, value in row.items()}
        | {"column": column, "whole": None if a is None else str(a), "cut": None if b is None else str(b)}
        for row, a, b in zip(names.take(places).to_pylist(), whole, short, strict=True)
    ]


def _numbered(whole: pa.Table, short: pa.Table, keys: Sequence[str]) -> tuple[Ints, Ints]:
    """Give equal keys of two tables the same number."""
    import pyarrow as pa

    number = np.zeros(whole.num_rows + short.num_rows, np.int64)
    for name in keys:
        parts = [plain(table[name]) for table in (whole, short) if table.num_rows]
        if not parts:
            break
        value = ranks(pa.chunked_array([part.cast(parts[0].type) for part in parts]))
        number = np.unique(number * (value.max() + 2) + value + 1, return_inverse=True)[1]
    for made in (number[: whole.num_rows], number[whole.num_rows :]):
        if repeats := len(made) - len(np.unique(made)):
            raise GuardError(
                f"{GUARD}: {repeats} rows of the features repeat the key {tuple(keys)}",
                hint="name columns that together identify a row",
            )
    return number[: whole.num_rows], number[whole.num_rows :]
