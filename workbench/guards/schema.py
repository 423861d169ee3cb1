"""A table that breaks its schema: a missing column, another type, a value that cannot be.

Catches  what changes a type, a name or the order of columns, a unit (out of range), the spelling of a category, a
         time without a zone, nulls where there were none, defaults such as -1 in a column without negatives.
Misses   wrong values that are plausible. A learned schema knows what it has seen: learn it from the training rows,
         all of them, and read it before you trust it. Texts of many different values have no check, and times
         have no range, since time goes on.
Fires    at any broken rule. Learned ranges are widened by half of the span on either side: our choice, which
         stops a change of unit to larger numbers, not to smaller ones. A single honest record may break a range:
         one visitor more eager than all before made it fire in 1 of 30 gyms of half a year later.
Rates    docs/GUARDS.md
Cost     pandera checks a million rows of 20 columns in seconds, also where every cell is wrong.
"""

from __future__ import annotations

import warnings
from copy import deepcopy
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from workbench.errors import GuardError
from workbench.guards.columns import missing, plain
from workbench.guards.differences import some
from workbench.guards.evidence import MAX_OFFENDERS, Evidence, Finding, require_columns, worst

if TYPE_CHECKING:
    import pandas as pd
    import pandera.pandas as pandera
    import pyarrow as pa

GUARD: Final = "schema"
THRESHOLD: Final = 0
WIDEN: Final = 0.5
MAX_CATEGORIES: Final = 50


def learn(
    rows: pa.Table, *, widen: float = WIDEN, max_categories: int = MAX_CATEGORIES
) -> pandera.DataFrameSchema:
    """Learn a schema from a table that is known to be good.

    Parameters
    ----------
    rows : pyarrow.Table
        The training rows.
    widen : float
        How far a range reaches beyond what was seen, on either side, in units of its span. A column without
        negatives (without positives) keeps zero as its end.
    max_categories : int
        A text column is a set of categories if it has no more different values than this, and each of them five
        times on average.

    Returns
    -------
    pandera.DataFrameSchema
        Strict and ordered: names, order, types, nullability, categories, ranges. Missing means null or NaN.

    Raises
    ------
    GuardError
        If there are no rows or no columns.
    """
    import pandera.pandas as pandera

    require_columns(rows, [], GUARD)
    if not rows.column_names:
        raise GuardError(f"{GUARD}: the table has no columns", hint="learn from the training rows")
    frame = _frame(rows, arrow=True)
    columns = {}
    for name in rows.column_names:
        array, kind = plain(rows[name]), frame[name].dtype
        checks = _checks(array, widen, max_categories)
        column = pandera.Column(kind, checks, nullable=bool(missing(array).any()))
        if str(column.dtype) != str(
            kind
        ):  # pandera takes wide decimals and large lists within lists for bytes
            same = pandera.Check(lambda of, kind=kind: of.dtype == kind, error=f"dtype('{kind}')")
            column = pandera.Column(None, [same, *checks], nullable=column.nullable)
        if str(array.type) == "null":  # never seen a value: any type will do
            column = pandera.Column(None, nullable=True)
        columns[name] = column
    return pandera.DataFrameSchema(columns, strict=True, ordered=True)


def measure(rows: pa.Table, schema: pandera.DataFrameSchema) -> Evidence:
    """Measure which rules of a schema a table breaks.

    Parameters
    ----------
    rows : pyarrow.Table
        Rows to look at.
    schema : pandera.DataFrameSchema
        From `learn`, or anybody's: one without Arrow types is given ordinary pandas columns.

    Returns
    -------
    Evidence
        ``value``: how many rules are broken. Offenders: the first cells that break each, with their row,
        counted from 0. Facts: ``broken``, a list of rules with their column and number of rows.

    Raises
    ------
    GuardError
        If there are no rows.
    """
    from pandera.errors import SchemaErrors

    require_columns(rows, [], GUARD)
    short = deepcopy(schema)
    for part in (short, *short.columns.values()):
        for check in part.checks:
            check.n_failure_cases = MAX_OFFENDERS  # else pandera makes a row for each cell, in minutes
    frame = _frame(rows, arrow=_speaks_arrow(schema))
    broken = _allow_nulls(short, frame)
    with warnings.catch_warnings():  # pandera concatenates frames in a way that pandas will give up
        warnings.simplefilter("ignore", FutureWarning)
        try:
            short.validate(frame, lazy=True)
        except SchemaErrors as found:
            broken += [_rule(error) for error in found.schema_errors]
    broken.sort(key=lambda rule: -(rule["rows"] or rows.num_rows))
    columns = tuple(dict.fromkeys(rule["column"] for rule in broken if rule["column"]))
    each = max(1, MAX_OFFENDERS // max(1, len(broken)))
    cells = [cell for rule in broken for cell in rule.pop("cells")[:each]]
    facts = {"broken": broken, "rows": rows.num_rows}
    n = len(schema.columns) or len(rows.column_names)
    return Evidence(GUARD, n, float(len(broken)), "broken rules", columns, worst(cells), facts)


def check(evidence: Evidence, *, threshold: int = THRESHOLD) -> Finding:
    """Judge the number of broken rules.

    Parameters
    ----------
    evidence : Evidence
        From `measure`.
    threshold : int
        Number above which it fires.

    Returns
    -------
    Finding
        With the rules.
    """
    said = [
        f"{rule['column'] or 'the table'}: {rule['rule']}"
        + (f" ({rule['rows']} rows)" if rule["rows"] else "")
        for rule in evidence.facts["broken"]
    ]
    rows = evidence.facts["rows"]
    sentence = f"{len(said)} rules are broken: {some(said)}" if said else f"{rows} rows keep every rule"
    return Finding(GUARD, fired=evidence.value > threshold, sentence=sentence, evidence=evidence)


def _checks(array: pa.Array, widen: float, max_categories: int) -> list[pandera.Check]:
    """Return what is to be asked of the values of a column, beside their type."""
    import pandera.pandas as pandera
    import pyarrow.compute as pc
    import pyarrow.types as pt

    kind = array.type
    if pt.is_string(kind) or pt.is_large_string(kind):
        values = array.drop_null().unique().to_pylist()
        n = len(array) - array.null_count
        return [pandera.Check.isin(sorted(values))] if 0 < len(values) <= min(max_categories, n / 5) else []
    if not (pt.is_integer(kind) or pt.is_floating(kind)):
        return []
    ends = pc.min_max(array).as_py()
    low, high = ends["min"], ends["max"]
    if low is None or low == high or not np.isfinite([low, high]).all():
        return []  # nothing, or one value, or no end: that is no range
    reach = widen * (high - low)
    low, high = (
        min(low, max(low - reach, 0)) if low >= 0 else low - reach,
        (max(high, min(high + reach, 0)) if high <= 0 else high + reach),
    )
    return [pandera.Check.in_range(float(low), float(high))]


def _frame(rows: pa.Table, *, arrow: bool) -> pd.DataFrame:
    """Return the rows for pandera; with Arrow types, integers beside a null stay integers."""
    import pandas as pd
    import pyarrow as pa

    if len({*rows.column_names}) < len(rows.column_names):
        raise GuardError(f"{GUARD}: two columns have one name", hint=", ".join(rows.column_names))
    columns = [_canonical(plain(rows[name])) for name in rows.column_names]
    table = pa.Table.from_arrays(columns, names=rows.column_names) if arrow else rows
    frame: pd.DataFrame = table.to_pandas(types_mapper=pd.ArrowDtype if arrow else None)
    return frame


def _canonical(array: pa.Array) -> pa.Array:
    """Undo what depends on the writer of a file: small offsets, units of time, names of list items."""
    import pyarrow as pa
    import pyarrow.types as pt

    kind = array.type
    if pt.is_string(kind):
        return array.cast(pa.large_string())
    if pt.is_timestamp(kind):
        return array.cast(pa.timestamp("us", "UTC" if kind.tz else None), safe=False)
    if pt.is_list(kind) or pt.is_large_list(kind) or pt.is_fixed_size_list(kind):
        return array.cast(pa.list_(kind.value_type))
    return array


def _speaks_arrow(schema: pandera.DataFrameSchema) -> bool:
    import pandas as pd

    kinds = [getattr(column.dtype, "type", None) for column in schema.columns.values()]
    return any(isinstance(kind, pd.ArrowDtype) for kind in kinds)


def _allow_nulls(schema: pandera.DataFrameSchema, frame: pd.DataFrame) -> list[dict[str, Any]]:
    """Look for forbidden nulls ourselves, and tell the schema to let them pass: pandera makes a row for each."""
    broken = []
    for name, column in schema.columns.items():
        is_plain = column.default is None and not (column.regex or column.parsers)
        if column.nullable or not is_plain or name not in frame:
            continue
        column.nullable = True
        rows = np.flatnonzero(frame[name].isna())
        if len(rows):
            broken.append(
                _broken(name, "not_nullable", len(rows), [(row, "null") for row in rows[:MAX_OFFENDERS]])
            )
    return broken


def _rule(error: Any) -> dict[str, Any]:
    """Return one rule that pandera found broken."""
    import pandas as pd

    cases, check = error.failure_cases, error.check
    rule = check if isinstance(check, str) else check.error or check.name or str(check)
    names_column = error.reason_code.name in {
        "COLUMN_NOT_IN_DATAFRAME",
        "COLUMN_NOT_IN_SCHEMA",
        "COLUMN_NOT_ORDERED",
    }
    column = str(cases if names_column else error.schema.name or "")
    by_cell = isinstance(cases, pd.DataFrame) and "index" in cases
    if not by_cell or error.reason_code.name == "WRONG_DATATYPE":  # of some types pandera shows every cell
        return _broken(column, rule, None, [])
    output = error.check_output
    failed = int((~output.astype(bool)).sum()) if isinstance(output, pd.Series) else cases["index"].nunique()
    cells = zip(cases["index"], cases["failure_case"], strict=True)
    return _broken(column, rule, failed, list(cells)[:MAX_OFFENDERS])


def _broken(column: str, rule: str, rows: int | None, cells: list[tuple[Any, Any]]) -> dict[str, Any]:
    """Return one broken rule as plain values; `rows` is None where a rule is about the whole column."""
    shown = [
        {"row": None if row is None else int(row), "column": column, "rule": rule, "value": str(value)}
        for row, value in cells
    ]
    return {"column": column, "rule": rule, "rows": rows, "cells": shown}
