"""The guards on your own data, at the terminal: a table, the worst rows, small pictures, and an exit code."""

from __future__ import annotations

import json
import math
from typing import TYPE_CHECKING, Any, Final

import typer
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from workbench.cli.half_blocks import PAIRS, can_draw, pairs_of
from workbench.cli.screen import console, say_error
from workbench.errors import WorkbenchError
from workbench.lab.own_files import COULD_NOT_JUDGE, Report, visible

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    import pyarrow as pa
    from rich.console import Console

    from workbench.guards.evidence import Finding

SHOWN: Final = 5  # rows below each guard that fired
_CELL: Final = 48  # letters
_HEAD: Final = 12  # of a column: longer names are folded
_INDENT: Final = (0, 0, 0, 2)
_MARKS: Final = {True: ("fired", "bad"), False: ("silent", "ok"), None: ("could not judge", "warn")}
_NEXT: Final = {
    "solo_feature": "a strong honest feature fires too: ask when each column becomes known",
    "cutoff_tells_label": "a trend or a season of the label fires too: read the periods",
}


def show(look: Callable[[], Report], *, as_json: bool, page: Path | None = None) -> int:
    """Let guards look, print what they say, and return the exit code.

    Parameters
    ----------
    look : callable
        Returns the report.
    as_json : bool
        One JSON object on stdout instead of tables.
    page : Path, optional
        Where to write it as an HTML page too.

    Returns
    -------
    int
        0 clean, 1 found, 2 could not judge; bad input, or a page that cannot be written, is 2.
    """
    from workbench.lab.own_page import check_target, write_page

    try:
        if page:
            check_target(page)
        report = look()
        if page:
            write_page(report, page)
    except WorkbenchError as error:
        if as_json:
            said = {"exit_code": COULD_NOT_JUDGE, "error": error.message, "hint": error.hint}
            typer.echo(json.dumps(said, indent=2))
        else:
            say_error(WorkbenchError(visible(error.message), hint=visible(error.hint)))
        return COULD_NOT_JUDGE
    if as_json:
        typer.echo(json.dumps(_plain(report.to_dict()), indent=2, allow_nan=False))
    else:
        draw(report, console(), page)
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


def draw(report: Report, out: Console, page: Path | None = None) -> None:
    """Draw a report for people.

    Parameters
    ----------
    report : Report
        What the guards said.
    out : rich.console.Console
        Where to; small pictures are drawn where it has colours and room.
    page : Path, optional
        Where the same is written as HTML.
    """
    out.print(Text(f"\n{visible(report.about)}", "name"))
    for note in report.notes:
        out.print(Padding(Text(visible(note), "quiet"), _INDENT))
    table = Table(box=None, padding=(0, 2), show_header=False)
    table.add_column(no_wrap=True)
    table.add_column(no_wrap=True)
    table.add_column(overflow="fold")
    for finding in report.findings:
        table.add_row(finding.guard, Text(*_MARKS[finding.fired]), Text(visible(finding.sentence)))
    for guard, needs in report.not_run:
        table.add_row(Text(guard, "quiet"), Text("not run", "quiet"), Text(f"needs {needs}", "quiet"))
    out.print()
    out.print(table)
    for finding in report.findings:
        if finding.fired is not False:
            _draw_rows(finding, report, out)
    where = f"\n  the same with more rows: {visible(str(page))}" if page else ""
    out.print(Text(f"{where}\n  exit code {report.exit_code} (0 clean, 1 found, 2 could not judge)\n"))


def _draw_rows(finding: Finding, report: Report, out: Console) -> None:
    """Draw the worst rows: as pictures where that can be, else as a table."""
    if finding.evidence is None or not (rows := finding.evidence.offenders):
        return
    aside = finding.evidence.facts.get("view") or _NEXT.get(finding.guard, "")
    head = Text.assemble((finding.guard, "name"), (f"  {visible(str(aside))}", "quiet"))
    out.print()
    out.print(Padding(head, _INDENT))
    names = [
        name for name in rows.column_names if f"{name.removesuffix('_row')}_uri" not in rows.column_names
    ]
    worst = rows.select(names).slice(0, SHOWN)
    drawn = pairs_of(worst, report.pictures, out) if report.pictures and can_draw(out) else None
    out.print(Padding(drawn or _table(worst), _INDENT))
    more = rows.num_rows - (PAIRS if drawn else SHOWN)
    if more > 0:
        out.print(Text(f"  ... {more} more with --json or --report", "quiet"))


def _table(rows: pa.Table) -> Table:
    table = Table(box=None, padding=(0, 2, 0, 0), header_style="quiet")
    for name in rows.column_names:
        table.add_column(Text(visible(name)), overflow="fold", min_width=min(len(name), _HEAD))
    for row in rows.to_pylist():
        table.add_row(*(Text(cell(value)) for value in row.values()))
    return table


def cell(value: Any) -> str:
    """Return a value as a short text of one line in which nothing is hidden."""
    if value is None or (isinstance(value, float) and math.isnan(value)):
        return ""
    text = f"{value:.4g}" if isinstance(value, float) else visible(str(value)).replace("\n", "\\n")
    return text if len(text) <= _CELL else f"{text[: _CELL - 3]}..."
