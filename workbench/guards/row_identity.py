"""Row identity: the rows that were asked for are the rows that came back.

Catches a store or a join that loses, adds or repeats rows, and labels that no longer belong to
their key. Limits: keys must be unique on the side that asked. Threshold: none, it is exact.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any, Final

from workbench.errors import GuardError
from workbench.guards.evidence import Evidence, Finding, require_columns, worst

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pyarrow as pa

GUARD: Final = "row_identity"


def measure(asked: pa.Table, got: pa.Table, *, key: str = "row_id", columns: Sequence[str] = ()) -> Evidence:
    """Compare two tables by key.

    Parameters
    ----------
    asked, got : pyarrow.Table
        With `key` and `columns`.
    key : str
        Unique in `asked`.
    columns : sequence of str
        Values that must stay with their key, labels above all.

    Returns
    -------
    Evidence
        ``value`` counts the rows that were lost, added, repeated or changed.

    Raises
    ------
    GuardError
        If a column is missing, a table is empty, or a key repeats in `asked`.
    """
    require_columns(asked, [key, *columns], GUARD)
    require_columns(got, [key, *columns], GUARD)
    wanted, found = _by_key(asked, key, columns), Counter(got[key].to_pylist())
    if len(wanted) != asked.num_rows:
        raise GuardError(f"{GUARD}: {key!r} repeats among the rows that were asked for")
    rows: list[dict[str, Any]] = [{key: k, "what": "lost"} for k in wanted if k not in found]
    rows += [{key: k, "what": "added"} for k in found if k not in wanted]
    rows += [{key: k, "what": "repeated"} for k, n in found.items() if n > 1 and k in wanted]
    now = _by_key(got, key, columns)
    rows += [{key: k, "what": "changed"} for k, v in now.items() if k in wanted and wanted[k] != v]
    counts = Counter(row["what"] for row in rows)
    facts = {what: counts[what] for what in ("lost", "added", "repeated", "changed")}
    facts["reordered"] = int(not rows and got[key].to_pylist() != asked[key].to_pylist())
    return Evidence(GUARD, asked.num_rows, float(len(rows)), "rows", tuple(columns), worst(rows), facts)


def check(evidence: Evidence, *, ordered: bool = False) -> Finding:
    """Judge: fires on any row that was lost, added, repeated or changed; on another order if asked."""
    facts = evidence.facts
    named = ", ".join(f"{n} {what}" for what, n in facts.items() if n and (what != "reordered" or ordered))
    return Finding(GUARD, bool(named), f"of {evidence.n} rows: {named or 'all there'}", evidence)


def _by_key(table: pa.Table, key: str, columns: Sequence[str]) -> dict[Any, tuple[Any, ...]]:
    values = [table[name].to_pylist() for name in columns]
    rows = zip(*values, strict=True) if values else ((),) * table.num_rows
    return dict(zip(table[key].to_pylist(), rows, strict=True))
