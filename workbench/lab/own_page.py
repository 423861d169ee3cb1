"""What the guards said, as one page: no script, no file beside it, nothing from the network.

Names of files, columns and labels are whatever their owner wrote. All of them are escaped, what cannot be seen is
written as its code, and a policy on the page lets no script run and nothing be fetched.
"""

from __future__ import annotations

import html
import importlib
import inspect
import math
import os
from typing import TYPE_CHECKING, Any, Final

from workbench.errors import DiskError, SettingsError
from workbench.lab.own_files import COULD_NOT_JUDGE, FOUND, visible
from workbench.lab.own_thumbs import SIDE, Thumbs, data_uri, picture_columns

if TYPE_CHECKING:
    from pathlib import Path

    import pyarrow as pa

    from workbench.guards.evidence import Finding
    from workbench.lab.own_files import Report

ROWS: Final = 25
"""Rows of each guard on the page."""
_CELL: Final = 200  # letters
_POLICY: Final = (
    "default-src 'none'; img-src data:; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'"
)
_STYLE: Final = """
:root{color-scheme:light dark;--fg:#1b1f24;--muted:#59636e;--line:#d0d7de;--ground:#fff;--card:#f6f8fa;
--fired:#b3261e;--silent:#00785a;--unknown:#9a6200}
@media (prefers-color-scheme:dark){:root{--fg:#e8eaed;--muted:#a0a9b4;--line:#3a414b;--ground:#16181c;--card:#1e2126;
--fired:#ff8a7a;--silent:#3fc79a;--unknown:#f0b04a}}
*{box-sizing:border-box}
body{margin:0 auto;max-width:1080px;padding:32px 24px 64px;background:var(--ground);color:var(--fg);
font:15px/1.5 system-ui,-apple-system,"Segoe UI",sans-serif;font-variant-numeric:tabular-nums}
h1{font-size:26px;line-height:1.25;margin:0 0 4px;overflow-wrap:anywhere}
h2{font-size:18px;margin:0 0 4px;display:flex;flex-wrap:wrap;gap:4px 12px;align-items:baseline}
p{margin:0 0 8px;overflow-wrap:anywhere}
.lead{color:var(--muted)}
.verdict{font-size:18px;font-weight:600;margin:16px 0}
.fired{color:var(--fired)}.silent{color:var(--silent)}.unknown{color:var(--unknown)}.quiet{color:var(--muted)}
.word{font-weight:600;white-space:nowrap;font-size:14px}
.wide{overflow-x:auto}
table{border-collapse:collapse;min-width:100%}
.rows{min-width:0}
.rows td,.rows th{padding-right:24px}
th,td{text-align:left;vertical-align:top;padding:6px 16px 6px 0;border-bottom:1px solid var(--line)}
th{font-weight:400;color:var(--muted);font-size:13px}
td{overflow-wrap:break-word;max-width:30em}
td.n,th.n{text-align:right;white-space:nowrap}
.name{font-family:ui-monospace,SFMono-Regular,Menlo,monospace;font-size:13px;white-space:nowrap}
section{margin-top:32px;padding:20px 24px;background:var(--card);border:1px solid var(--line);border-radius:8px}
.pictures{display:flex;flex-wrap:wrap;gap:24px;margin:12px 0 16px}
.pair{margin:0;max-width:304px}
.pair div{display:flex;gap:8px}
.pair figure{margin:0;width:148px}
.pair img,.none{display:block;width:148px;height:148px;object-fit:contain;background:var(--ground);
border:1px solid var(--line);border-radius:6px}
.none{display:grid;place-items:center;color:var(--muted);font-size:13px}
figcaption{font-size:13px;line-height:1.35;margin-top:4px;color:var(--muted);overflow-wrap:anywhere}
figcaption b{color:var(--fg);font-weight:600}
details{margin-top:12px;color:var(--muted);font-size:13px}
summary{cursor:pointer}
pre{font:12px/1.5 ui-monospace,SFMono-Regular,Menlo,monospace;white-space:pre-wrap;margin:8px 0 0}
@media print{section{break-inside:avoid;background:none}}
"""


def check_target(target: Path) -> None:
    """Refuse a place where a page should not go, before anything is measured.

    Parameters
    ----------
    target : Path
        Of the page.

    Raises
    ------
    SettingsError
        If it does not end in ``.html``, or its folder is not there.
    """
    if target.suffix.lower() not in {".html", ".htm"} or target.is_dir():
        raise SettingsError(f"--report {target} is no HTML file", hint="let its name end in .html")
    if not target.parent.is_dir():
        raise SettingsError(f"{target.parent} is not there", hint="make the folder of the report first")


def write_page(report: Report, target: Path) -> None:
    """Write the page of a report; a page that is there is replaced at once.

    Parameters
    ----------
    report : Report
        What the guards said.
    target : Path
        As it passed `check_target`.

    Raises
    ------
    DiskError
        If it cannot be written.
    """
    part = target.with_name(f".{target.name}.{os.getpid()}.part")
    try:
        part.write_text(page(report), encoding="utf-8")
        part.replace(target)
    except OSError as error:
        part.unlink(missing_ok=True)
        raise DiskError(
            f"{target} cannot be written: {error.strerror}", hint="give another --report"
        ) from error


def page(report: Report) -> str:
    """Return a report as a whole HTML page.

    Parameters
    ----------
    report : Report
        With the folder of its pictures, if there are any.

    Returns
    -------
    str
        HTML with its style and its pictures inside.
    """
    title = f"workbench guard: {report.about}"
    said = [_summary(report)]
    thumbs = Thumbs(report.pictures) if report.pictures else None
    said += [_section(finding, thumbs) for finding in report.findings if finding.fired is not False]
    notes = "".join(f'<p class="lead">{_text(note)}</p>' for note in report.notes)
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
        f'<meta http-equiv="Content-Security-Policy" content="{_POLICY}">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{_text(title)}</title><style>{_STYLE}</style></head><body>"
        f'<h1>{_text(report.about)}</h1><p class="lead">What <code>workbench guard</code> said of it</p>{notes}'
        f"{_verdict(report)}{''.join(said)}</body></html>\n"
    )


def _verdict(report: Report) -> str:
    n, fired = len(report.findings), sum(finding.fired is True for finding in report.findings)
    unknown = sum(finding.fired is None for finding in report.findings)
    tone = {FOUND: "fired", COULD_NOT_JUDGE: "unknown"}.get(report.exit_code, "silent")
    words = (
        f"{fired} of {n} checks found something" if fired else f"{n - unknown} of {n} checks found nothing"
    )
    words += f", {unknown} could not judge" if unknown else ""
    skipped = len(report.not_run)
    words += f", {skipped} {'was' if skipped == 1 else 'were'} not run" if skipped else ""
    return f'<p class="verdict {tone}">{words} <span class="quiet">(exit code {report.exit_code})</span></p>'


def _summary(report: Report) -> str:
    rows = [
        f'<tr><td class="name">{_text(one.guard)}</td><td>{_word(one)}</td><td>{_text(one.sentence)}</td></tr>'
        for one in report.findings
    ]
    rows += [
        f'<tr class="quiet"><td class="name">{_text(guard)}</td><td class="word">not run</td>'
        f"<td>needs {_text(needs)}</td></tr>"
        for guard, needs in report.not_run
    ]
    head = "<tr><th scope=col>guard</th><th scope=col>says</th><th scope=col>why</th></tr>"
    return f'<div class="wide"><table>{head}{"".join(rows)}</table></div>'


def _word(finding: Finding) -> str:
    tone, mark = {True: ("fired", "●"), False: ("silent", "✓"), None: ("unknown", "?")}[finding.fired]
    return f'<span class="word {tone}">{mark} {finding.word}</span>'


def _section(finding: Finding, thumbs: Thumbs | None) -> str:
    rows = finding.evidence.offenders if finding.evidence else None
    shown = ""
    if rows is not None and rows.num_rows:
        first = rows.slice(0, ROWS)
        shown = (_pictures(first, thumbs) if thumbs else "") + _table(first)
        if rows.num_rows > ROWS:
            shown += f'<p class="lead">the worst {ROWS} of {rows.num_rows} that were kept</p>'
    head = f"<h2>{_text(finding.guard)} {_word(finding)}</h2><p>{_text(finding.sentence)}</p>"
    return f"<section>{head}{shown}{_about(finding.guard)}</section>"


def _about(guard: str) -> str:
    """Return what a guard says of itself: what it catches, what it misses, when it fires."""
    if not guard.isidentifier():
        return ""
    try:
        text = inspect.getdoc(importlib.import_module(f"workbench.guards.{guard}"))
    except ModuleNotFoundError:  # a check of a repository, not a guard
        return ""
    return f"<details><summary>What this guard sees, and what it does not</summary><pre>{_text(text or '')}</pre></details>"


def _pictures(rows: pa.Table, thumbs: Thumbs) -> str:
    columns = picture_columns(rows)
    if not columns:
        return ""
    pairs = []
    for row in rows.to_pylist():
        figures = "".join(_figure(column, row[column], thumbs) for column in columns)
        facts = ", ".join(
            f"{name} {_cell(row[name])}" for name in ("distance", "why") if row.get(name) is not None
        )
        pairs.append(f'<div class="pair"><div>{figures}</div><figcaption>{_text(facts)}</figcaption></div>')
    return f'<div class="pictures">{"".join(pairs)}</div>'


def _figure(column: str, name: object, thumbs: Thumbs) -> str:
    side = column.removesuffix("_uri") if column != "uri" else ""
    image = thumbs.small(name, SIDE)
    alt = _text(f"{side} {name}".strip())
    drawn = f'<img src="{data_uri(image)}" alt="{alt}">' if image else '<span class="none">no picture</span>'
    return f"<figure>{drawn}<figcaption><b>{_text(side)}</b> {_text(_cell(name))}</figcaption></figure>"


def _table(rows: pa.Table) -> str:
    lines = rows.to_pylist()
    right = {
        n for n in rows.column_names if all(isinstance(line[n], (int, float, type(None))) for line in lines)
    }
    css = {name: ' class="n"' if name in right else "" for name in rows.column_names}
    head = "".join(f"<th scope=col{css[name]}>{_text(name)}</th>" for name in rows.column_names)
    body = "".join(
        "<tr>"
        + "".join(f"<td{css[name]}>{_text(_cell(value))}</td>" for name, value in line.items())
        + "</tr>"
        for line in lines
    )
    return f'<div class="wide"><table class="rows"><tr>{head}</tr>{body}</table></div>'


def _cell(value: Any) -> str:
    if value is None or (isinstance(value, float) and math.isnan(value)):
        return ""
    text = f"{value:.4g}" if isinstance(value, float) else str(value)
    return text if len(text) <= _CELL else f"{text[: _CELL - 3]}..."


def _text(said: object) -> str:
    """Return any text as HTML that shows it and does nothing."""
    return html.escape(visible(str(said)), quote=True)
