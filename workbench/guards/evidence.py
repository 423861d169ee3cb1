"""What a guard saw, and what it says about it.

A guard measures first and judges afterwards. `Evidence` holds facts, with the rows and columns
to look at; `Finding` holds the opinion. A widget draws the evidence, a test uses the finding.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from workbench.errors import GuardError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    import pyarrow as pa

MAX_OFFENDERS: Final = 100


@dataclass(frozen=True, slots=True)
class Evidence:
    """What a guard measured: no opinion yet.

    Attributes
    ----------
    guard : str
        Name of the guard: its module.
    n : int
        How many things were looked at: rows, pairs, columns. Never zero.
    value : float
        The statistic that `check` compares with its threshold.
    unit : str
        What the value is: ``share of test rows``, ``AUC``, ``z``.
    columns : tuple of str
        Columns to look at, worst first.
    offenders : pyarrow.Table or None
        Rows to look at, worst first, at most `MAX_OFFENDERS`; None where there are none.
    facts : mapping of str to Any
        Everything else, as plain values for JSON.
    """

    guard: str
    n: int
    value: float
    unit: str
    columns: tuple[str, ...] = ()
    offenders: pa.Table | None = None
    facts: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Finding:
    """What a guard says.

    Attributes
    ----------
    guard : str
        Name of the guard.
    fired : bool or None
        True: trouble. False: silent. None: it could not judge, and the sentence says why.
    sentence : str
        One sentence for people, with the number.
    evidence : Evidence or None
        What it is based on; None when it could not judge.
    """

    guard: str
    fired: bool | None
    sentence: str
    evidence: Evidence | None = None

    @property
    def word(self) -> str:
        """``fired``, ``silent`` or ``could not judge``."""
        return {True: "fired", False: "silent", None: "could not judge"}[self.fired]

    def to_dict(self) -> dict[str, Any]:
        """Return the finding as plain values for JSON; offenders as a list of rows."""
        seen: dict[str, Any] = {"guard": self.guard, "word": self.word, "sentence": self.sentence}
        if self.evidence is not None:
            rows = self.evidence.offenders
            seen |= {
                "n": self.evidence.n,
                "value": self.evidence.value,
                "unit": self.evidence.unit,
                "columns": list(self.evidence.columns),
                "offenders": [] if rows is None else rows.to_pylist(),
                "facts": dict(self.evidence.facts),
            }
        return seen


def require_columns(rows: pa.Table, names: Iterable[str], guard: str) -> None:
    """Refuse a table without rows, or without a column that the guard reads.

    Parameters
    ----------
    rows : pyarrow.Table
        As the caller gave it.
    names : iterable of str
        Columns that must be there.
    guard : str
        Who asks.

    Raises
    ------
    GuardError
        With the columns that there are.
    """
    missing = [name for name in names if name not in rows.column_names]
    if missing:
        raise GuardError(
            f"{guard}: there is no column {missing[0]!r}", hint=f"there are: {', '.join(rows.column_names)}"
        )
    if not rows.num_rows:
        raise GuardError(f"{guard}: there are no rows to look at", hint="an empty table proves nothing")


def worst(rows: Sequence[Mapping[str, Any]]) -> pa.Table | None:
    """Return the first rows as a table of offenders, or None where there are none."""
    import pyarrow as pa

    return pa.Table.from_pylist([dict(row) for row in rows[:MAX_OFFENDERS]]) if rows else None
