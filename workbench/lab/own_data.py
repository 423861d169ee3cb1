"""The guards on anybody's tables: read a file, run each guard for which the columns were named.

A guard that was not run is listed with the option that it needs; one that could not judge says why. Neither
counts as silent.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, Any, Final

from workbench.clock import parse_utc
from workbench.errors import GuardError
from workbench.guards.columns import SIDES, plain
from workbench.lab.own_files import Report, judged, read_rows, require_named

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    import pyarrow as pa

    from workbench.guards.evidence import Finding

DAY_S: Final = 86_400.0
_BESIDE: Final = 4  # columns whose values stand beside the number of a row


@dataclass(frozen=True, slots=True)
class Columns:
    """What the columns of a table mean.

    Attributes
    ----------
    label : str
        The label.
    positive : str, optional
        Its positive class; default: the rarer of two values.
    time : str, optional
        Observation time.
    known_at : str, optional
        When the features of a row were recorded.
    group : str, optional
        Entity or group whose rows belong together.
    split : str, optional
        Side of each row.
    sides : tuple of two str
        Values of `split` for what was learned from and what judges.
    horizon_days : float
        Length of the label window.
    extracted_at : str, optional
        When the table was made, ISO 8601.
    ignore : tuple of str
        Columns that are no features: ids, row numbers, times of load.
    """

    label: str
    positive: str | None = None
    time: str | None = None
    known_at: str | None = None
    group: str | None = None
    split: str | None = None
    sides: tuple[str, str] = SIDES
    horizon_days: float = 30.0
    extracted_at: str | None = None
    ignore: tuple[str, ...] = ()

    @property
    def named(self) -> list[str]:
        """Every column that was named."""
        roles = (self.label, self.time, self.known_at, self.group, self.split, *self.ignore)
        return [name for name in roles if name]


def two_sides(text: str) -> tuple[str, str]:
    """Read ``train,test`` as the two values of a split; anything else is refused where the rows are read."""
    learned, _, judges = text.partition(",")
    return learned.strip(), judges.strip()


def positive_of(rows: pa.Table, label: str, positive: str | None) -> str:
    """Return the positive class of a label: as given, or the rarer of two.

    Parameters
    ----------
    rows : pyarrow.Table
        With the label.
    label : str
        Its column.
    positive : str or None
        As the caller named it.

    Returns
    -------
    str
        A value of the label.

    Raises
    ------
    GuardError
        If it was not named, and there are not two values.
    """
    import pyarrow as pa
    import pyarrow.compute as pc

    if positive is not None:
        return positive
    try:
        counts = pc.value_counts(plain(rows[label]).drop_null()).to_pylist()
    except pa.ArrowNotImplementedError:
        counts = []
    if len(counts) != 2:
        shown = ", ".join(str(count["values"]) for count in counts[:8])
        raise GuardError(
            f"the label {label!r} has {len(counts)} values ({shown}), not two",
            hint="name the positive class with --positive, or another column with --label",
        )
    return str(min(counts, key=lambda count: (count["counts"], str(count["values"])))["values"])


def look_for_leakage(path: Path, columns: Columns) -> Report:
    """Run every leakage guard for which the columns were named.

    Parameters
    ----------
    path : Path
        A CSV or Parquet file, one row an observation.
    columns : Columns
        What its columns mean.

    Returns
    -------
    Report
        With what was not run, and the option that it needs.

    Raises
    ------
    GuardError
        If the file or a named column cannot be used.
    """
    rows = read_rows(path)
    require_named(rows, columns.named, path.name)
    if columns.extracted_at:
        parse_utc(columns.extracted_at)  # what is no time is refused before anything is measured
    positive = positive_of(rows, columns.label, columns.positive)
    given = {"--time": columns.time, "--known-at": columns.known_at, "--group": columns.group}
    given |= {"--split": columns.split, "--extracted-at": columns.extracted_at}
    findings, not_run = [], []
    for guard, needs in _NEEDS.items():
        lacking = [option for option in needs if not given[option]]
        if lacking:
            not_run.append((guard, ", ".join(lacking)))
        else:
            findings.append(judged(guard, partial(_LOOKS[guard], rows, columns, positive)))
    notes = (
        f"{rows.num_rows} rows; {columns.label} = {positive!r} against the rest",
        f"read as features: {_counted(feature_columns(rows, columns))}",
    )
    return Report(str(path), tuple(findings), tuple(not_run), notes)


def feature_columns(rows: pa.Table, columns: Columns) -> list[str]:
    """Return the columns that were given no other role."""
    return [name for name in rows.column_names if name not in columns.named]


def _counted(names: Sequence[str]) -> str:
    return f"{len(names)} columns ({', '.join(names[:6])}{', ...' if len(names) > 6 else ''})"


def compare(offline: Path, online: Path, *, keys: Sequence[str], columns: Sequence[str] = ()) -> Report:
    """Compare what a model was trained on with what it was served, key by key.

    Parameters
    ----------
    offline, online : Path
        Two CSV or Parquet files.
    keys : sequence of str
        Columns that name a row on both sides.
    columns : sequence of str
        Columns to compare; default: all that both have.

    Returns
    -------
    Report
        One finding.

    Raises
    ------
    GuardError
        If a file or a named column cannot be used.
    """
    from workbench.guards import parity

    one, two = read_rows(offline), read_rows(online)
    for rows, path in ((one, offline), (two, online)):
        require_named(rows, [*keys, *columns], path.name)
    finding = judged(
        parity.GUARD, lambda: parity.check(parity.measure(one, two, keys=keys, columns=columns or None))
    )
    return Report(f"{offline} against {online}", (finding,), notes=_one_sided(finding))


def _one_sided(finding: Finding) -> tuple[str, ...]:
    """Say which columns nobody compared: a silence about them is worth nothing."""
    facts: Mapping[str, Any] = finding.evidence.facts if finding.evidence else {}
    said = {side: facts.get(f"columns_{side}_only", ()) for side in ("offline", "online")}
    return tuple(f"only {side}, not compared: {', '.join(names)}" for side, names in said.items() if names)


def _solo(rows: pa.Table, columns: Columns, positive: str) -> Finding:
    from workbench.guards import solo_feature as guard

    names = feature_columns(rows, columns)
    asked: dict[str, Any] = {"label": columns.label, "positive": positive, "group": columns.group}
    return guard.check(guard.measure(rows, columns=names, **asked))


def _cutoff(rows: pa.Table, columns: Columns, positive: str) -> Finding:
    from workbench.guards import cutoff_tells_label as guard

    asked: dict[str, Any] = {"label": columns.label, "positive": positive, "group": columns.group}
    return guard.check(guard.measure(rows, time=columns.time or "", **asked))


def _twins(rows: pa.Table, columns: Columns, positive: str) -> Finding:
    """Compare features and label; a text or an integer that never repeats is an id and would hide every twin."""
    from workbench.guards import row_twins as guard

    del positive
    names = [name for name in feature_columns(rows, columns) if not _is_id(rows[name])]
    found = guard.check(
        guard.measure(rows, columns=[*names, columns.label], split=columns.split or "", sides=columns.sides)
    )
    return _with_values(found, rows, [columns.label, *names])


def _with_values(found: Finding, rows: pa.Table, names: Sequence[str]) -> Finding:
    """Write beside the number of a row what stands in it: a number alone is nothing to look at."""
    if found.evidence is None or found.evidence.offenders is None:
        return found
    shown = found.evidence.offenders
    there = rows.take(shown["row"])
    for name in [name for name in names if name not in shown.column_names][:_BESIDE]:
        shown = shown.append_column(name, there[name])
    return replace(found, evidence=replace(found.evidence, offenders=shown))


def _is_id(column: pa.ChunkedArray) -> bool:
    import pyarrow.types as pt

    values = plain(column)
    countable = pt.is_integer(values.type) or pt.is_string(values.type) or pt.is_large_string(values.type)
    return countable and len(values) > 1 and len(values.unique()) == len(values)


def _groups(rows: pa.Table, columns: Columns, positive: str) -> Finding:
    from workbench.guards import group_overlap as guard

    del positive
    asked: dict[str, Any] = {"group": columns.group or "", "split": columns.split or ""}
    return guard.check(guard.measure(rows, sides=columns.sides, **asked))


def _windows(rows: pa.Table, columns: Columns, positive: str) -> Finding:
    from workbench.guards import window_overlap as guard

    del positive
    asked: dict[str, Any] = {
        "time": columns.time or "",
        "entity": columns.group,
        "split": columns.split or "",
    }
    horizon_s = columns.horizon_days * DAY_S
    return guard.check(guard.measure(rows, horizon_s=horizon_s, sides=columns.sides, **asked))


def _maturity(rows: pa.Table, columns: Columns, positive: str) -> Finding:
    from workbench.guards import label_maturity as guard

    del positive
    at = parse_utc(columns.extracted_at or "")
    asked: dict[str, Any] = {"time": columns.time or "", "label": columns.label}
    return guard.check(guard.measure(rows, horizon_s=columns.horizon_days * DAY_S, extracted_at=at, **asked))


def _known_later(rows: pa.Table, columns: Columns, positive: str) -> Finding:
    from workbench.guards import pit_audit as guard

    del positive
    return guard.check(guard.measure(rows, observation=columns.time or "", event=columns.known_at or ""))


_LOOKS: Final[Mapping[str, Callable[[pa.Table, Columns, str], Finding]]] = {
    "solo_feature": _solo,
    "cutoff_tells_label": _cutoff,
    "row_twins": _twins,
    "group_overlap": _groups,
    "window_overlap": _windows,
    "label_maturity": _maturity,
    "pit_audit": _known_later,
}
_NEEDS: Final[Mapping[str, tuple[str, ...]]] = {
    "solo_feature": (),
    "cutoff_tells_label": ("--time",),
    "row_twins": ("--split",),
    "group_overlap": ("--group", "--split"),
    "window_overlap": ("--time", "--group", "--split"),
    "label_maturity": ("--time", "--extracted-at"),
    "pit_audit": ("--time", "--known-at"),
}
