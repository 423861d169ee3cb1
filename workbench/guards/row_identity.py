"""Row identity: the rows that were asked for are the rows that came back, and labels are still with their keys.

Catches  a store or a join that loses, adds or repeats rows; labels that were put beside features by position
         after something had changed the order.
Misses   wrong values in columns that are not named. Rows that came back in another order are counted; they are
         trouble only for code that goes by position.
Fires    at any row that was lost, added, repeated or changed: exact. In another order only where asked to.
Rates    docs/GUARDS.md
Cost     one pass over the keys; a million rows take a second or two.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import numpy as np

from workbench.errors import GuardError
from workbench.guards.evidence import MAX_OFFENDERS, Evidence, Finding, require_columns, worst
from workbench.guards.pairing import key_texts, pair
from workbench.guards.values import differs, read

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pyarrow as pa
    from numpy.typing import NDArray

    Ints = NDArray[np.int64]

GUARD: Final = "row_identity"
THRESHOLD: Final = 0
_WHATS: Final = ("lost", "changed", "added", "repeated")


def measure(asked: pa.Table, got: pa.Table, *, key: str = "row_id", columns: Sequence[str] = ()) -> Evidence:
    """Compare the rows that came back with those that were asked for.

    Parameters
    ----------
    asked, got : pyarrow.Table
        Both with `key` and `columns`. `got` may be empty: then every row is lost.
    key : str
        Column that names each row of `asked` once.
    columns : sequence of str
        Values that must stay with their key, labels above all. Missing equals missing, and equal numbers of
        different types are equal.

    Returns
    -------
    Evidence
        ``value``: how many rows were lost, added, repeated or changed. Facts: these four, and
        ``reordered``, how many shared rows are out of place; ``changed_by_column``. Offenders: key,
        what, and for changed cells the column and both values.

    Raises
    ------
    GuardError
        If a column is missing, nothing was asked for, or a key repeats in `asked`.
    """
    require_columns(asked, [key, *columns], GUARD)
    if got.num_rows or key not in got.column_names:
        require_columns(got, [key, *columns], GUARD)
    pairs = pair(asked, got, [key], GUARD)
    if len(pairs.repeats_left):
        name = key_texts(asked, pairs.repeats_left[:1, 0], [key])[0]
        raise GuardError(
            f"{GUARD}: the key {name!r} was asked for more than once", hint=f"{key!r} must name each row once"
        )
    asked_row = np.full(got.num_rows, -1, np.int64)
    asked_row[pairs.right] = pairs.left
    asked_row[pairs.repeats_right[:, 0]] = asked_row[pairs.repeats_right[:, 1]]
    known = np.flatnonzero(asked_row >= 0)
    repeats = pairs.repeats_right[asked_row[pairs.repeats_right[:, 0]] >= 0, 0]
    unlike = {
        name: known[differs(*read(asked[name].take(asked_row[known]), got[name].take(known)), 0.0, 0.0)]
        for name in columns
    }
    order = asked_row[np.sort(pairs.right)]
    rows_of = {
        "lost": pairs.only_left,
        "changed": np.unique(np.concatenate([np.zeros(0, np.int64), *unlike.values()])),
        "added": np.flatnonzero(asked_row < 0),
        "repeated": repeats,
    }
    facts: dict[str, Any] = {what: len(rows) for what, rows in rows_of.items()}
    facts["reordered"] = int((order != np.sort(order)).sum())
    facts["changed_by_column"] = {name: len(rows) for name, rows in unlike.items()}
    value = float(sum(facts[what] for what in _WHATS))
    guilty = sorted((name for name in unlike if len(unlike[name])), key=lambda name: -len(unlike[name]))
    offenders = _named(asked, key, "lost", rows_of["lost"])
    offenders += _changed(asked, got, key, asked_row, {name: unlike[name] for name in guilty})
    offenders += _named(got, key, "added", rows_of["added"]) + _named(got, key, "repeated", repeats)
    return Evidence(GUARD, asked.num_rows, value, "rows", tuple(guilty), worst(offenders), facts)


def check(evidence: Evidence, *, threshold: int = THRESHOLD, ordered: bool = False) -> Finding:
    """Judge the rows that are not what was asked for.

    Parameters
    ----------
    evidence : Evidence
        From `measure`.
    threshold : int
        Number of rows above which it fires.
    ordered : bool
        Whether rows in another order make it fire too.

    Returns
    -------
    Finding
        With the number of each kind.
    """
    facts = evidence.facts
    said = [f"{facts[what]} {what}" for what in _WHATS if facts[what]]
    if facts["reordered"]:
        said.append(f"{facts['reordered']} in another place")
    fired = evidence.value > threshold or (ordered and facts["reordered"] > 0)
    sentence = f"of {evidence.n} rows asked for: {', '.join(said) or 'all there'}"
    return Finding(GUARD, fired=fired, sentence=sentence, evidence=evidence)


def _named(rows: pa.Table, key: str, what: str, positions: Ints) -> list[dict[str, Any]]:
    """Return some rows as offenders; a quarter of the place for each kind, so that none hides the others."""
    keys = key_texts(rows, positions[: MAX_OFFENDERS // len(_WHATS)], [key])
    return [{key: name, "what": what, "column": None, "asked": None, "got": None} for name in keys]


def _changed(
    asked: pa.Table, got: pa.Table, key: str, asked_row: Ints, unlike: dict[str, Ints]
) -> list[dict[str, Any]]:
    each = max(1, MAX_OFFENDERS // len(_WHATS) // max(1, len(unlike)))
    shown = []
    for name, positions in unlike.items():
        rows = positions[:each]
        cells = asked[name].take(asked_row[rows]).to_pylist(), got[name].take(rows).to_pylist()
        for one, was, became in zip(key_texts(got, rows, [key]), *cells, strict=True):
            cell = {"column": name, "asked": str(was)[:60], "got": str(became)[:60]}
            shown.append({key: one, "what": "changed"} | cell)
    return shown
