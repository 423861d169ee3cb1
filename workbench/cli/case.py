"""The verbs of `workbench case`. Everything heavy is imported inside them."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from pathlib import Path

    from workbench.cases import Case

Number = Annotated[int, typer.Argument(help="Of the case: the same number is the same case.")]
Level = Annotated[int, typer.Option(help="1: the family is suspected, every guard has spoken. 2: six looks.")]

case_app = typer.Typer(
    add_completion=False, rich_markup_mode=None, no_args_is_help=True, pretty_exceptions_enable=False
)


@case_app.callback()
def case() -> None:
    """Find out what is wrong in a pipeline, or that nothing is."""


@case_app.command("open")
def case_open(number: Number, level: Level = 1) -> None:
    """Run a case, and show what it left behind."""
    from workbench.lab.stories.spot_the_bug import desk, suspects
    from workbench.lab.verdicts import verdicts

    found = _opened(number, level)
    typer.echo(f"{desk(found)}\n")
    if found.findings:
        typer.echo(f"{verdicts('What the guards said', found.findings)}\n")
    typer.echo(suspects(found))


@case_app.command("look")
def case_look(
    guard: Annotated[str, typer.Argument(help="Which guard to ask.")], number: Number, level: Level = 2
) -> None:
    """Ask a guard; at level 2 six may be asked, and it is written down who was."""
    from workbench.manifests import write_json

    found = _opened(number, level)
    asked = [*dict.fromkeys([*_asked(number, level), guard])]
    for name in asked:
        said = found.look(name)
    write_json(_notes(number, level), {"asked": asked})
    typer.echo(f"{said.guard} {said.word}: {said.sentence}")
    if found.looks_left is not None:
        typer.echo(f"{found.looks_left} looks are left")


@case_app.command("grade")
def case_grade(
    number: Number,
    failure: Annotated[str, typer.Option(help="What is wrong; several with commas; none.")],
    family: Annotated[str, typer.Option(help="leakage, images, skew, irreproducibility or none.")],
    columns: Annotated[str, typer.Option(help="Where it shows: a,b")] = "",
    level: Level = 1,
) -> None:
    """Hand in a diagnosis, and open the answer."""
    from workbench.cases import Diagnosis

    named = tuple(name.strip() for name in failure.split(",") if name.strip())
    where = tuple(name.strip() for name in columns.split(",") if name.strip())
    typer.echo(str(_opened(number, level).grade(Diagnosis(named, family, where))))


def _opened(number: int, level: int) -> Case:
    from workbench.cases import open_case
    from workbench.cli.screen import Screen, console

    return open_case(number, level, watcher=Screen(console()))


def _notes(number: int, level: int) -> Path:
    from workbench.profiles.workspace import workspaces_root

    return workspaces_root() / "lab" / f"case-{level}-{number}.json"


def _asked(number: int, level: int) -> list[str]:
    path = _notes(number, level)
    return list(json.loads(path.read_text(encoding="utf-8"))["asked"]) if path.is_file() else []
