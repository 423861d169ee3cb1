"""The catalogue at the terminal: list it, explain one failure, try one on the bench."""

from __future__ import annotations

import json
from itertools import groupby
from typing import TYPE_CHECKING

import typer
from rich.table import Table
from rich.text import Text

from workbench.cli.screen import Screen, console
from workbench.failure import EFFECTS, FAMILIES
from workbench.failures import catalogue, load
from workbench.lab.effects import METRIC

if TYPE_CHECKING:
    from collections.abc import Iterable

    from workbench.guards.evidence import Finding
    from workbench.lab.meter import Estimate, Score
    from workbench.lab.trial import Trial

_MARKS = {True: ("fired", "bold red"), False: ("silent", "green"), None: ("could not judge", "yellow")}


def list_failures(*, as_json: bool = False) -> None:
    """Print the catalogue by family."""
    entries = sorted(catalogue(), key=lambda failure: FAMILIES.index(failure.family))
    if as_json:
        rows = [
            {"name": f.name, "family": f.family, "stage": f.stage, "guard": f.guard, "title": f.title}
            for f in entries
        ]
        typer.echo(json.dumps(rows, indent=2))
        return
    out = console()
    for family, members in groupby(entries, key=lambda failure: failure.family):
        table = Table(box=None, padding=(0, 2, 0, 2), show_header=False)
        table.add_column(no_wrap=True)
        table.add_column()
        for failure in members:
            table.add_row(failure.name, Text(failure.title, style="dim"))
        out.print(f"\n[bold]{family}[/]")
        out.print(table)
    out.print("\n  workbench failures show NAME    workbench lab run NAME\n")


def show_failure(name: str) -> None:
    """Print one entry in its fixed fields."""
    from workbench.lab.rates import in_one_line

    failure, out = load(name), console()
    strength = failure.strength
    values = ", ".join(f"{value:g}" for value in strength.values)
    fields = {
        "family": f"{failure.family}, made in {failure.stage}, shown in the {failure.world}",
        "symptom": failure.symptom,
        "why it is bad": f"It {failure.effect}: {EFFECTS[failure.effect]}.",
        "mechanism": failure.mechanism,
        "wrong cures": "\n".join(f"{cure}: {why}" for cure, why in failure.wrong_cures),
        "cure": failure.cure_text,
        "guard": failure.guard or "none: it harms nobody",
        "its limits": failure.limits,
        "its rates": in_one_line(failure.guard) or "none",
        "strength": f"{strength.means}: {strength.low:g} to {strength.high:g}; measured at {values}",
        "read": "\n".join(failure.references),
    }
    out.print(f"\n[bold]{failure.name}[/]\n{failure.title}\n")
    table = Table(box=None, padding=(0, 2, 1, 0), show_header=False)
    table.add_column(style="dim", no_wrap=True)
    table.add_column()
    for field, text in fields.items():
        table.add_row(field, Text(text))
    out.print(table)


def try_it(
    name: str, strength: float | None, *, size: str, seed: int, model: str | None, as_json: bool
) -> None:
    """Inject a failure, cure it, and print both on the meter, with what each guard says."""
    from workbench.lab.trial import try_failure

    out = console()
    watcher = None if as_json else Screen(out)
    trial = try_failure(name, strength, size=size, seed=seed, model=model, watcher=watcher)
    if as_json:
        typer.echo(json.dumps(trial.to_dict(), indent=2, default=str))
        return
    out.print(
        f"\n[bold]{trial.failure.name}[/], {trial.failure.strength.means}: {trial.strength:g}\n{trial.failure.title}\n"
    )
    out.print(_meter(trial))
    out.print(_words(trial.scores[METRIC[trial.failure.world]]))
    out.print(_of_probabilities(trial))
    out.print(_guards(trial))
    out.print(f"\n  [dim]cure[/]  {trial.failure.cure_text}\n")


def _meter(trial: Trial) -> Table:
    table = Table(box=None, padding=(0, 1, 0, 0))
    for title in ("", "claimed", "got", "could have had", "excess inflation", "damage"):
        table.add_column(title, justify="left" if not title else "right")
    telling = METRIC[trial.failure.world]
    for metric, score in sorted(trial.scores.items(), key=lambda item: item[0] != telling):
        table.add_row(
            metric,
            *(
                _number(value)
                for value in (
                    score.claimed,
                    score.got,
                    score.could_have_had,
                    score.excess_inflation,
                    score.damage,
                )
            ),
        )
        cured = trial.cured_scores[metric]
        table.add_row(
            Text(f"{metric}, cured", style="dim"), _number(cured.claimed), _number(cured.got), "", "", ""
        )
    one, two = trial.decision, trial.cured_decision
    table.add_row("acted on", "0.10", _number(one.contacted), _number(two.contacted), "", "")
    table.add_row("p / rate", "1", _number(one.score_to_rate), _number(two.score_to_rate), "", "")
    table.add_row("off by", "0", _number(one.calibration_error), _number(two.calibration_error), "", "")
    return table


def _number(estimate: Estimate | None) -> str:
    return "" if estimate is None else str(estimate)


def _words(score: Score) -> str:
    n = f"claimed on {score.claimed.n}, got on {score.got.n} things that were sampled as one"
    return f"\n  verdict on the claim: [bold]{score.verdict}[/] ({n}; 95 % intervals)"


def _of_probabilities(trial: Trial) -> str:
    """Say by rule alone whether probabilities are off: a claim can hold while they do not."""
    one, two = trial.decision.score_to_rate, trial.cured_decision.score_to_rate
    apart = one.low > two.high or one.high < two.low
    word = (
        f"{one.value:.2f} times the rate, cured {two.value:.2f}"
        if apart
        else "no difference shown at this size"
    )
    return f"  probabilities: [bold]{word}[/] (off by: calibration error)\n"


def _guards(trial: Trial) -> Table:
    table = Table(box=None, padding=(0, 2))
    for title in ("guard", "injected", "", "cured"):
        table.add_column(title, no_wrap=title != "")
    cured = {finding.guard: finding for finding in trial.cured_said}
    for finding in _worst_first(trial.said):
        table.add_row(
            finding.guard, _mark(finding), Text(finding.sentence, style="dim"), _mark(cured[finding.guard])
        )
    return table


def _worst_first(found: Iterable[Finding]) -> list[Finding]:
    return sorted(found, key=lambda finding: {True: 0, None: 1, False: 2}[finding.fired])


def _mark(finding: Finding) -> Text:
    word, style = _MARKS[finding.fired]
    return Text(word, style=style)
