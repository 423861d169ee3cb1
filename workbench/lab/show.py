"""Pictures for lessons: objects that show themselves as HTML in marimo, JupyterLab and VS Code.

No widget and no plot library: what a lesson shows must also be read aloud, printed, and
compared by a test. So each object has a `__repr__` that says the same in words.
"""

from __future__ import annotations

import base64
import html
import importlib
import inspect
import textwrap
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from workbench.manifests import read_header

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from pathlib import Path

    from workbench.profiles.workspace import Workspace

_DARK: Final = ".dark .wb,.dark-theme .wb,[data-jp-theme-light=false] .wb,.vscode-dark .wb"
STYLE: Final = (
    ".wb{--fg:#1b1f24;--muted:#59636e;--line:#d0d7de;--ground:#fff;--known:#00785a;--got:#0067a8;--claimed:#9a6200;"
    "--leak:#c24400;--guard:#8a3ea8;color:var(--fg);font:14px/1.45 system-ui,-apple-system,'Segoe UI',sans-serif;"
    "font-variant-numeric:tabular-nums;max-width:740px;margin:8px 0}"
    f"{_DARK}{{--fg:#e8eaed;--muted:#a0a9b4;--line:#3a414b;--ground:#16181c;--known:#3fc79a;--got:#6db7f2;"
    "--claimed:#f0b04a;--leak:#ff8a57;--guard:#d69bea}"
    ".wb h4{margin:0 0 8px;font-size:14px;font-weight:600;color:var(--fg)}"
    ".wb p{margin:8px 0 0;color:var(--muted);font-size:12px}"
    ".wb table{border-collapse:collapse;color:inherit;font:inherit;margin:0;border:0}"
    ".wb th,.wb td{text-align:left;padding:4px 16px 4px 0;border:0;border-bottom:1px solid var(--line);"
    "vertical-align:top;background:none;color:inherit;max-width:none}"
    ".wb th{font-weight:400;color:var(--muted);font-size:12px}"
    ".wb .n{text-align:right}.wb .part+.part{margin-top:24px}"
    ".wb code{font:12px/1.5 ui-monospace,SFMono-Regular,Menlo,monospace;background:none;color:inherit;padding:0;"
    "overflow-wrap:anywhere}"
    ".wb pre{font:12px/1.5 ui-monospace,SFMono-Regular,Menlo,monospace;margin:0;padding:12px 16px;overflow-x:auto;"
    "border:1px solid var(--line);border-radius:6px;background:none;color:inherit}"
    ".wb .sheet{display:flex;flex-wrap:wrap;gap:12px}"
    ".wb figure{margin:0;width:112px}"
    ".wb figure img{display:block;width:112px;height:112px;object-fit:cover;border-radius:6px;margin:0}"
    ".wb figcaption{font-size:12px;line-height:1.35;margin-top:4px;color:var(--muted)}"
    ".wb figcaption b{color:var(--fg);font-weight:600}"
    ".wb .leak img{outline:3px dashed var(--leak);outline-offset:2px}"
    ".wb .leak b{color:var(--leak)}"
    ".wb .known b{color:var(--known)}"
    ".wb svg{display:block;width:100%;height:auto}"
    ".wb details{border:1px solid var(--line);border-radius:6px;padding:8px 16px}"
    ".wb summary{cursor:pointer;font-weight:600}.wb details>*+*{margin-top:12px}.wb details>p{color:var(--fg);font-size:14px}"
    ".wb.note{border-left:4px solid var(--c);padding:8px 16px;border-radius:3px;"
    "background:color-mix(in srgb,var(--c) 9%,transparent)}"
)


@dataclass(frozen=True, slots=True)
class Shown:
    """Something that a lesson shows.

    Attributes
    ----------
    body : str
        HTML.
    words : str
        The same in words: for a screen reader's log, a printed page, and a test.
    label : str
        Name of the whole for assistive technology.
    css : str
        Further classes.
    """

    body: str
    words: str
    label: str = ""
    css: str = ""

    def _repr_html_(self) -> str:
        label = f' role="group" aria-label="{html.escape(self.label)}"' if self.label else ""
        return f'<div class="wb {self.css}"{label}><style>{STYLE}</style>{self.body}</div>'

    def __repr__(self) -> str:
        return self.words


@dataclass(frozen=True, slots=True)
class Frame:
    """One picture of a contact sheet.

    Attributes
    ----------
    image_id : str
        In the raw manifest.
    head, text : str
        Caption: what it is, and a second line.
    mark : {'', 'leak', 'known'}
        A leaked picture is dashed.
    """

    image_id: str
    head: str
    text: str = ""
    mark: str = ""


def contact_sheet(ws: Workspace, frames: Sequence[Frame], title: str = "") -> Shown:
    """Show pictures from the raw store side by side.

    Parameters
    ----------
    ws : Workspace
        With a raw manifest.
    frames : sequence of Frame
        What to show, in order.
    title : str
        Above them.

    Returns
    -------
    Shown
        The stored bytes themselves, as data URIs.
    """
    from workbench.manifests import read_table
    from workbench.profiles.objects import objects_of

    table = read_table(ws.manifests / "raw", ["image_id", "uri"])
    uri_of = dict(zip(table["image_id"].to_pylist(), table["uri"].to_pylist(), strict=True))
    store = objects_of(ws)
    return sheet([(frame, store.get(uri_of[frame.image_id])) for frame in frames], title)


def sheet(pictures: Sequence[tuple[Frame, bytes]], title: str = "") -> Shown:
    """Show pictures side by side that are in no store.

    Parameters
    ----------
    pictures : sequence of (Frame, bytes)
        Caption, and the bytes of a JPEG: the reader's browser decodes them.
    title : str
        Above them.

    Returns
    -------
    Shown
        The bytes themselves, as data URIs.
    """
    figures = [_figure(frame, data) for frame, data in pictures]
    frames = [frame for frame, _ in pictures]
    words = "\n".join(f"[picture] {f.head}{': ' if f.text else ''}{f.text}" for f in frames)
    head = f"<h4>{html.escape(title)}</h4>" if title else ""
    return Shown(f'{head}<div class="sheet">{"".join(figures)}</div>', f"{title}\n{words}".strip(), title)


def _figure(frame: Frame, data: bytes) -> str:
    head, text = html.escape(frame.head), html.escape(frame.text)
    source = f"data:image/jpeg;base64,{base64.b64encode(data).decode()}"
    alt = html.escape(f"{frame.head}, {frame.text}" if frame.text else frame.head, quote=True)
    caption = f"<figcaption><b>{head}</b><br>{text}</figcaption>"
    return f'<figure class="{frame.mark}"><img src="{source}" alt="{alt}" width="112" height="112">{caption}</figure>'


def card(title: str, facts: Mapping[str, object], foot: str = "") -> Shown:
    """Show names and values, such as one row of a manifest.

    Parameters
    ----------
    title : str
        Above them.
    facts : mapping
        Name to value.
    foot : str
        A sentence below.

    Returns
    -------
    Shown
        A table of two columns.
    """
    rows = "".join(
        f"<tr><th scope=row>{html.escape(name)}</th><td><code>{html.escape(str(value))}</code></td></tr>"
        for name, value in facts.items()
    )
    body = f"<h4>{html.escape(title)}</h4><table>{rows}</table>" + (
        f"<p>{html.escape(foot)}</p>" if foot else ""
    )
    width = max(map(len, facts), default=0)
    words = [
        title,
        *(f"  {name:<{width}}  {value}" for name, value in facts.items()),
        *([foot] if foot else []),
    ]
    return Shown(body, "\n".join(words), title)


def grid(title: str, columns: Sequence[str], rows: Iterable[Sequence[object]], foot: str = "") -> Shown:
    """Show a table; numbers stand on the right.

    Parameters
    ----------
    title : str
        Above it.
    columns : sequence of str
        Heads.
    rows : iterable of sequence
        Values; floats are shown with two digits.
    foot : str
        A sentence below.

    Returns
    -------
    Shown
        The table.
    """
    cells = [[(_said(value), isinstance(value, (int, float))) for value in row] for row in rows]
    right = [any(row[i][1] for row in cells) for i in range(len(columns))]

    def tr(tag: str, texts: Iterable[str]) -> str:
        marked = zip(texts, right, strict=True)
        return (
            "<tr>"
            + "".join(f"<{tag}{' class=n' if r else ''}>{html.escape(t)}</{tag}>" for t, r in marked)
            + "</tr>"
        )

    body = f"<h4>{html.escape(title)}</h4><table>{tr('th', columns)}"
    body += "".join(tr("td", (text for text, _ in row)) for row in cells) + "</table>"
    body += f"<p>{html.escape(foot)}</p>" if foot else ""
    lines = [[*columns], *([text for text, _ in row] for row in cells)]
    widths = [max(len(line[i]) for line in lines) for i in range(len(columns))]
    drawn = [
        "  ".join(
            text.rjust(w) if r else text.ljust(w) for text, w, r in zip(line, widths, right, strict=True)
        )
        for line in lines
    ]
    return Shown(
        body, "\n".join([title, *(line.rstrip() for line in drawn), *([foot] if foot else [])]), title
    )


def _said(value: object) -> str:
    if isinstance(value, bool) or value is None:
        return "" if value is None else str(value)
    if isinstance(value, float):
        return f"{value:.2f}"
    return f"{value:,}" if isinstance(value, int) else str(value)


def stack(*parts: Shown) -> Shown:
    """Show several things, one below the other.

    Parameters
    ----------
    *parts : Shown
        From top to bottom.

    Returns
    -------
    Shown
        All of them; the first one gives the name.
    """
    body = "".join(f'<div class="part">{part.body}</div>' for part in parts)
    return Shown(body, "\n\n".join(part.words for part in parts), parts[0].label)


def manifest(folder: Path, title: str, foot: str = "") -> Shown:
    """Show what the header of a manifest says, without its hashes.

    Hashes of files depend on the JPEG library of the machine, and a lesson's page does not.

    Parameters
    ----------
    folder : Path
        With a finished manifest.
    title : str
        Above it.
    foot : str
        A sentence below.

    Returns
    -------
    Shown
        Counts, parts, columns, and what it was made from.
    """
    header = read_header(folder)
    reasons = header.extra.get("reasons", {})
    facts: dict[str, object] = {name.replace("_", " "): f"{n:,}" for name, n in header.counts.items()}
    if reasons:
        facts["reasons"] = ", ".join(f"{n} {name.replace('_', ' ')}" for name, n in reasons.items())
    facts["parts"] = ", ".join(f"{part.name} ({part.rows:,} rows, sha256)" for part in header.parts)
    facts["columns"] = ", ".join(header.columns)
    facts["parents"] = (
        ", ".join(f"{name} (by its digest)" for name in header.extra.get("parents", {})) or "none"
    )
    return card(title, facts, foot)


def code(where: str) -> Shown:
    """Show the source of a function: the very one that runs.

    Parameters
    ----------
    where : str
        ``workbench.stages.dataset:observations``.

    Returns
    -------
    Shown
        Its source, without the docstring.
    """
    module, _, name = where.partition(":")
    target: Any = getattr(importlib.import_module(module), name)
    if not callable(target):
        text = textwrap.dedent(str(target)).strip()
    else:
        text = _without_docstring(textwrap.dedent(inspect.getsource(target)), target.__doc__).strip()
    foot = f"{module.replace('.', '/')}.py"
    return Shown(f"<pre>{html.escape(text)}</pre><p>{foot}</p>", f"{text}\n({foot})", f"source of {name}")


def _without_docstring(source: str, docstring: str | None) -> str:
    import ast

    if not docstring:
        return source
    body = ast.parse(source).body[0].body[0]  # type: ignore[attr-defined]
    lines = source.splitlines()
    return "\n".join(lines[: body.lineno - 1] + lines[body.end_lineno :])
