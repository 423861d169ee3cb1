"""The guards on your own data, at the terminal: a table, the worst rows, and an exit code."""

from __future__ import annotations

import json
import math
from typing import TYPE_CHECKING, Any, Final

import typer
from rich.markup import escape
from rich.table import Table
from rich.text import Text

from workbench.cli.screen import console, say_error
from workbench.errors import WorkbenchError
from workbench.lab.own_files import COULD_NOT_JUDGE, Report

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from workbench.guards.evidence import Finding

SHOWN: Final = 5  # rows below each guard that fired
_CELL: Final = 48  # letters
_MARKS: Final = {True: ("fired", "bad"), False: ("silent", "ok"), None: ("could not judge", "warn")}
_NEXT: Final = {
    "solo_feature": "a strong honest feature fires too: ask when each column becomes known",
    "cutoff_tells_label": "a trend or a season of the label fires too: read the periods",
}


def show(look: Callable[[], Report], *, as_json: bool) -> int:
    """Let guards look, print what they say, and return the exit code.

    Parameters
    ----------
    look : callable
        Returns the report.
    as_json : bool
        One JSON object on stdout instead of tables.

    Returns
    -------
    int
        0 clean, 1 found, 2 could not judge; bad input is 2.
    """
    try:
        report = look()
    except WorkbenchError as error:
        if as_json:
            said = {"exit_code": COULD_NOT_JUDGE, "error": error.message, "hint": error.hint}
            typer.echo(json.dumps(said, indent=2))
        else:
            say_error(error)
        return COULD_NOT_JUDGE
    if as_json:
        typer.echo(json.dumps(_plain(report.to_dict()), indent=2, allow_nan=False))
    else:
        _draw(report)
    return report.exit_code


def feast_report(repo: Path, *, ask_online: bool = False) -> Report:
    """Return what the audit of a Feast repository says."""
    from workbench.profiles.feast_audit import CHECKS, audit

    found = audit(repo, ask_online=ask_online)
    lacking = [(name, needs) for name, needs in CHECKS.items() if name not in {f.guard for f in found}]
    return Report(str(repo), tuple(found), tuple(lacking))


def _plain(value: Any) -> Any:
    """Return what JSON can hold: no NaN, no times, no bytes."""
    if isinstance(value, dict):
        return {str(key): _plain(one) for key, one in value.items()}
    if isinstance(value, (list, tuple, set)):
        return [_plain(one) for one in value]
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    return value if value is None or isinstance(value, (bool, int, str)) else str(value)


def _draw(report: Report) -> None:
    out = console()
    out.print(f"\n[name]{escape(report.about)}[/]")
    for note in report.notes:
        out.print(Text(f"  {note}", "quiet"))
    table = Table(box=None, padding=(0, 2), show_header=False)
    table.add_column(no_wrap=True)
    table.add_column(no_wrap=True)
    table.add_column()
    for finding in report.findings:
        table.add_row(finding.guard, Text(*_MARKS[finding.fired]), Text(finding.sentence))
    for guard, needs in report.not_run:
        table.add_row(Text(guard, "quiet"), Text("not run", "quiet"), Text(f"needs {needs}", "quiet"))
    out.print()
    out.print(table)
    for finding in report.findings:
        if finding.fired is not False and (rows := _worst(finding)) is not None:
            out.print(
                Text.assemble("\n  ", (finding.guard, "name"), (f"  {_NEXT.get(finding.guard, '')}", "quiet"))
            )
            out.print(rows)
    out.print(f"\n  exit code {report.exit_code} (0 clean, 1 found, 2 could not judge)\n")


def _worst(finding: Finding) -> Table | None:
    rows = finding.evidence.offenders if finding.evidence else None
    if rows is None or not rows.num_rows:
        return None
    table = Table(box=None, padding=(0, 2), header_style="quiet")
    for name in rows.column_names:
        table.add_column(Text(name), overflow="fold")
    for row in rows.slice(0, SHOWN).to_pylist():
        table.add_row(*(Text(_cell(value)) for value in row.values()))
    if rows.num_rows > SHOWN:
        table.add_row(Text("...", "quiet"))
    return table


def _cell(value: Any) -> str:
    text = "" if value is None else f"{value:.4g}" if isinstance(value, float) else str(value)
    return text if len(text) <= _CELL else f"{text[: _CELL - 3]}..."
