"""A test row is the copy of a train row: at-least-once delivery, oversampling, or a file loaded twice.

Catches  rows whose cells are all equal, lists such as embeddings included.
Misses   copies that differ in one of the columns: leave ids, load times and row numbers out of `columns`,
         or nothing has a twin. Copies with rounding, JPEG or other noise: see `near_duplicates`.
         Rows of which all cells are missing prove nothing and are left out.
Fires    above 0.001. Where columns are few and coarse, strangers are equal too, so their share is
         estimated: the columns are dealt into two halves, and rows that agree in one half and not in the
         other are strangers for certain; how often would such also agree in the other? Where twins are not
         ten times as common as that, the guard cannot judge. A single column, or one beside constants, is
         taken for an identity where more than half of its values are different.
Rates    docs/GUARDS.md
Cost     one grouping of all rows, three where there are twins: seconds for a million rows of 20 columns.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import numpy as np

from workbench.errors import GuardError
from workbench.guards.columns import SIDES, is_list, missing, offending, plain, sides_of
from workbench.guards.evidence import Evidence, Finding, require_columns

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pyarrow as pa
    from numpy.typing import NDArray

    Bools = NDArray[np.bool_]
    Ints = NDArray[np.int64]

GUARD: Final = "row_twins"
THRESHOLD: Final = 0.001
TIMES_CHANCE: Final = 10
_TWINS: Final = """
SELECT min(row) FILTER (is_train) AS train_row, count(*) FILTER (is_train) AS copies,
       list(row ORDER BY row) FILTER (NOT is_train) AS test_rows
FROM cells WHERE NOT empty GROUP BY {columns}
HAVING bool_or(is_train) AND NOT bool_and(is_train)
"""
_PAIRS: Final = """
SELECT coalesce(sum(n_train * n_test), 0)::DOUBLE, count(*)::DOUBLE, coalesce(sum(n_train + n_test), 0)::DOUBLE
FROM (SELECT count(*) FILTER (is_train) AS n_train, count(*) FILTER (NOT is_train) AS n_test
      FROM cells WHERE NOT empty GROUP BY {columns})
"""


def measure(
    rows: pa.Table, *, columns: Sequence[str], split: str = "split", sides: tuple[str, str] = SIDES
) -> Evidence:
    """Measure how many test rows have an equal train row.

    Parameters
    ----------
    rows : pyarrow.Table
        One row an observation.
    columns : sequence of str
        Columns that must be equal: the features, and the label where it shall count. Missing equals
        missing.
    split : str
        Column that names the side of each row.
    sides : tuple of two str
        Which side was learned from, and which judges.

    Returns
    -------
    Evidence
        ``value``: share of the test rows. ``facts["chance_share"]``: the share that
        strangers would have, None where nothing has a twin. Offenders: test rows with the
        first ``train_row`` that is equal, and the number of ``copies`` in the train set.

    Raises
    ------
    GuardError
        If a column is missing or of a type that cannot be compared, a side is empty, or no column is named.
    """
    if not columns:
        raise GuardError(
            f"{GUARD}: no columns to compare", hint="name the features, without ids and times of load"
        )
    require_columns(rows, [*columns, split], GUARD)
    train, test = sides_of(rows, split, sides, GUARD)
    looked_at = np.flatnonzero(train | test)
    cells = [_as_list(plain(rows[name]).take(looked_at)) for name in dict.fromkeys(columns)]
    twins, chance = _compare(cells, train[looked_at])
    n, row = int(test.sum()), looked_at[twins["row"]]
    facts = {"test_rows_with_twin": len(row), "chance_share": chance, "columns_compared": list(columns)}
    more = {"train_row": looked_at[twins["train_row"]], "copies": twins["copies"]}
    offenders = offending(rows, row, [], more)
    return Evidence(GUARD, n, len(row) / n, "share of test rows", tuple(columns), offenders, facts)


def check(evidence: Evidence, *, threshold: float = THRESHOLD) -> Finding:
    """Judge the share of test rows with a twin.

    Parameters
    ----------
    evidence : Evidence
        From `measure`.
    threshold : float
        Share above which it fires.

    Returns
    -------
    Finding
        ``fired`` is None where columns are so coarse that strangers are equal.
    """
    found, chance = evidence.facts["test_rows_with_twin"], evidence.facts["chance_share"] or 0.0
    sentence = f"{found} of {evidence.n} test rows ({evidence.value:.2%}) are equal to a train row"
    fired: bool | None = evidence.value > threshold
    if fired and evidence.value < TIMES_CHANCE * chance:
        fired = None
        sentence += (
            f", but {chance:.2%} would be by chance: these columns are too coarse to tell copies apart"
        )
    return Finding(GUARD, fired=fired, sentence=sentence, evidence=evidence)


def _compare(cells: Sequence[pa.Array], train: Bools) -> tuple[dict[str, Ints], float | None]:
    """Find the twins, and estimate the share of test rows that would have one among strangers."""
    import duckdb
    import pyarrow as pa

    names = [f"c{i}" for i in range(len(cells))]
    empty = np.logical_and.reduce([missing(column) for column in cells])
    more = {"is_train": train, "empty": empty, "row": np.arange(len(train))}
    table = pa.table(dict(zip(names, cells, strict=True)) | more)
    try:
        with duckdb.connect() as con:
            con.execute("SET TimeZone = 'UTC'")
            con.register("cells", table)
            twins = _unfold(con.sql(_TWINS.format(columns=", ".join(names))).to_arrow_table())
            if not len(twins["row"]):
                return twins, None
            strangers = _stranger_pairs(con, _halves(con, names, cells), float(twins["copies"].sum()))
            return twins, min(1.0, strangers / int((~train).sum()))
    except (duckdb.Error, pa.ArrowInvalid, pa.ArrowNotImplementedError) as error:
        raise GuardError(
            f"{GUARD}: the columns cannot be compared: {error}",
            hint=f"their types are {', '.join(str(column.type) for column in cells)}",
        ) from error


def _as_list(array: pa.Array) -> pa.Array:
    """Turn lists of a fixed size into plain ones: DuckDB cuts and counts those alone."""
    import pyarrow as pa
    import pyarrow.types as pt

    return array.cast(pa.list_(array.type.value_type)) if pt.is_fixed_size_list(array.type) else array


def _unfold(found: pa.Table) -> dict[str, Ints]:
    """Return one entry a test row, in their order, from one row a group of twins."""
    tests = found["test_rows"].combine_chunks()
    each = np.repeat(np.arange(len(tests)), np.diff(tests.offsets.to_numpy()))
    row = tests.flatten().to_numpy()
    order = np.argsort(row, kind="stable")
    first, copies = (found[name].to_numpy()[each][order] for name in ("train_row", "copies"))
    return {"row": row[order], "train_row": first, "copies": copies}


def _halves(con: Any, names: Sequence[str], cells: Sequence[pa.Array]) -> tuple[list[str], list[str]]:
    """Deal the columns into two halves that tell rows apart about equally well; a list is cut in two."""
    parts = []
    for name, column in zip(names, cells, strict=True):
        middle = f"len({name}) // 2"
        parts += [f"{name}[1:{middle}]", f"{name}[{middle} + 1:]"] if is_list(column) else [name]
    counted = ", ".join(f"approx_count_distinct({part})" for part in parts)
    counts = con.execute(f"SELECT {counted} FROM cells").fetchone()  # noqa: S608  our own names
    order = [part for _, part in sorted(zip(counts, parts, strict=True), key=lambda one: -one[0])]
    return order[::2], order[1::2]


def _stranger_pairs(con: Any, halves: tuple[list[str], list[str]], pairs: float) -> float:
    """Estimate how many of the pairs that agree in all columns are strangers.

    With `one` and `other` the pairs that agree in each half: one - pairs are strangers for certain,
    and a stranger agrees in the other half with q = (other - pairs) / (everything - one).
    """
    one, n_values, n_rows = con.execute(_PAIRS.format(columns=", ".join(halves[0]))).fetchone()
    everything = con.execute(_PAIRS.format(columns="is_train IS NULL")).fetchone()[0]
    other = (
        con.execute(_PAIRS.format(columns=", ".join(halves[1]))).fetchone()[0] if halves[1] else everything
    )
    if everything in {one, other}:  # a half is constant
        return 0.0 if n_values > n_rows / 2 else pairs
    q = (other - pairs) / (everything - one)
    return float((one - pairs) * q / (1 - q)) if q < 1 else pairs
