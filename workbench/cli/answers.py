"""What the verbs `serve predict`, `serve http` and `reproduce` print."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Final

from workbench.cli.screen import Screen, console
from workbench.errors import SettingsError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rich.text import Text

    from workbench.guards.verdict import Verdict
    from workbench.profiles.workspace import Workspace

STYLE_OF: Final = {"IDENTICAL": "ok", "EQUIVALENT": "warn", "DIFFERENT": "bad"}


def show_verdict(ws: Workspace, run_id: str | None, changes: Sequence[str]) -> int:
    """Make a run again, print the verdict, and return its exit code.

    Parameters
    ----------
    ws : Workspace
        Open.
    run_id : str or None
        A run id, its first digits, or an alias; None is the champion.
    changes : sequence of str
        ``key=value`` each.

    Returns
    -------
    int
        0 IDENTICAL, 4 EQUIVALENT, 5 DIFFERENT.

    Raises
    ------
    SettingsError
        If a change has no ``=``.
    """
    from workbench.lab.again import reproduce_run
    from workbench.lab.pipeline import record
    from workbench.profiles.runs import CHAMPION

    overrides = dict(_pair(change) for change in changes)
    out = console()
    screen = Screen(out)
    progress = screen.begin("reproduce")
    try:
        verdict = reproduce_run(ws, run_id or CHAMPION, overrides=overrides, progress=progress)
    finally:
        screen.end(None)
    if not overrides:
        record(ws, f"workbench reproduce {verdict.run_id[:8]}", stages=("reproduce",))
    out.print(verdict_text(verdict), soft_wrap=True)
    return verdict.exit_code


def _pair(change: str) -> tuple[str, str]:
    key, sign, value = change.partition("=")
    if not sign:
        raise SettingsError(f"--set {change!r} has no value", hint="write it as --set seed=7")
    return key.strip(), value.strip()


def verdict_text(verdict: Verdict) -> Text:
    """Return a verdict for the terminal: the word, the outcome, and each reason with its details."""
    from rich.text import Text

    text = Text.assemble(
        "\n  ", (verdict.word, STYLE_OF[verdict.word]), ("  run ", "quiet"), (verdict.run_id[:8], "hash")
    )
    if verdict.reasons:
        text.append(f"  because of {', '.join(verdict.causes)}")
    text.append(f"\n  {verdict.outcome}\n")
    for reason in verdict.reasons:
        text.append(f"\n  {reason.cause:<12}", style="name")
        text.append(reason.sentence)
        for detail in reason.details:
            text.append(f"\n{'':<14}{detail}", style="quiet")
    for note in verdict.notes:
        text.append(f"\n  {'note':<12}{note}", style="quiet")
    return text


def show_predictions(ws: Workspace, item_ids: Sequence[str], *, run_id: str | None, as_json: bool) -> None:
    """Print the champion's answer for each id, with where it comes from.

    Parameters
    ----------
    ws : Workspace
        With a champion.
    item_ids : sequence of str
        As in the raw manifest.
    run_id : str or None
        A run id or an alias; None is the champion.
    as_json : bool
        One JSON object a line instead of a card each.
    """
    from rich.table import Table

    from workbench.stages.serve import predict

    out = console()
    for prediction in predict(ws, item_ids, run_id=run_id):
        if as_json:
            print(json.dumps(prediction.to_dict(), sort_keys=True))
            continue
        table = Table.grid(padding=(0, 2))
        table.add_row("", "[name]answer[/]", f"[name]{prediction.label}[/]  p = {prediction.probability:.3f}")
        table.add_row("", "[quiet]item[/]", prediction.item_id)
        table.add_row("", "[quiet]features are[/]", f"{_age(prediction.feature_age_s)} old")
        for name, value in prediction.provenance.items():
            table.add_row("", f"[quiet]{name}[/]", value)
        out.print(table)


def _age(seconds: float) -> str:
    days, rest = divmod(int(seconds), 86_400)
    return f"{days} d {rest // 3600} h" if days else f"{rest // 3600} h {rest % 3600 // 60} min"


def serve_http(ws: Workspace, *, port: int, run_id: str | None) -> None:
    """Answer over HTTP until Ctrl-C; say how to ask once the port is ours.

    Parameters
    ----------
    ws : Workspace
        With a model.
    port : int
        On loopback; 0 takes a free one.
    run_id : str or None
        A run id or an alias; None is the champion.
    """
    from workbench.stages.serve import run_http

    def ready(url: str, token: str) -> None:
        print(
            f"\n  api      {url}  ({url}/openapi.json describes it)\n  token    {token}\n  stop     Ctrl-C",
            flush=True,
        )
        print(f"\n  curl -H 'Authorization: Bearer {token}' {url}/predict/fruit-000000\n", flush=True)

    run_http(ws, port, run_id=run_id, ready=ready)
