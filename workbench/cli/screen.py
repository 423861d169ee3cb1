"""What people see in the terminal: one line a stage, a bar while it works, errors with a hint."""

from __future__ import annotations

import os
import sys
import time
import traceback
from typing import TYPE_CHECKING, Final

from workbench.lab.pipeline import Watcher
from workbench.profiles.settings import EMBEDDED
from workbench.records import silent
from workbench.stages import ORDER

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from rich.console import Console
    from rich.progress import Progress as Bar
    from rich.table import Table
    from rich.text import Text

    from workbench.cli.doctor import Check
    from workbench.errors import WorkbenchError
    from workbench.profiles.settings import WorldSettings
    from workbench.profiles.workspace import Workspace
    from workbench.records import Progress, StageReport

RANKS: Final = (
    "total_raw",
    "total_clean",
    "total_quarantined",
    "extracted",
    "train",
    "validation",
    "test",
    "embargo",
)
MAX_COUNTS: Final = 4  # on one line; the others go below
STYLES: Final = {
    "ok": "green",
    "warn": "yellow",
    "bad": "bold red",
    "hash": "cyan",
    "quiet": "bright_black",
    "name": "bold",
}


def console(*, stderr: bool = False) -> Console:
    """Return a console with our styles; it writes plain text where the output is no terminal."""
    from rich.console import Console
    from rich.theme import Theme

    made = Console(stderr=stderr, theme=Theme(STYLES), highlight=False)
    if not made.is_terminal and "COLUMNS" not in os.environ:
        made.width = 160  # a file or a pipe has no edge to wrap at
    return made


def counted(counts: Mapping[str, int]) -> str:
    """Return counts for people: ``1,512 raw · 240 reviews``.

    Parameters
    ----------
    counts : mapping of str to int
        As in a stage report; ``total_`` and ``n_`` in front of a name are not said.

    Returns
    -------
    str
        One line; what has a usual order has it, the rest follows as it stands. Zeros are left out.
    """
    names = sorted(counts, key=lambda name: RANKS.index(name) if name in RANKS else len(RANKS))
    said = [f"{counts[name]:,} {_in_words(name)}" for name in names if counts[name]]
    return " · ".join(said) or "nothing"


def _in_words(name: str) -> str:
    short = name.removeprefix("total_").removeprefix("n_").replace("_", " ")
    return {"dimension": "numbers each"}.get(short, short)


def describe_world(world: WorldSettings) -> str:
    """Return a world in a few words."""
    if world.name == "folder":
        return f"photos in {world.path}"
    return f"{world.name}, {world.size}, seed {world.seed}"


def features_by(ws: Workspace) -> str:
    """Return what makes the features of a workspace: its encoder, or the windows of the gym."""
    return "windows over its log" if ws.settings.world.name == "gym" else ws.settings.encoder


def headline(ws: Workspace) -> Text:
    """Return the first line of a run: which workspace, which world, which encoder."""
    from rich.text import Text

    kept = "" if ws.settings.profile == EMBEDDED else f" · profile {ws.settings.profile}"
    said = f"  {describe_world(ws.settings.world)} · {features_by(ws)}{kept}\n"
    return Text.assemble(("\n  ", ""), (ws.name, "name"), (said, "quiet"))


class Screen(Watcher):
    """Draw a pipeline: a bar for the stage at work, a line for each one that is done.

    Parameters
    ----------
    out : rich.console.Console
        Where to draw.
    """

    def __init__(self, out: Console) -> None:
        self.out = out
        self.bar: Bar | None = None
        self.began_s = 0.0

    def begin(self, stage: str) -> Progress:
        """Show a bar for a stage and return the function that moves it."""
        from rich.progress import (
            BarColumn,
            MofNCompleteColumn,
            Progress,
            SpinnerColumn,
            TextColumn,
            TimeElapsedColumn,
        )

        self.began_s = time.monotonic()
        if not self.out.is_terminal:  # a log wants one line a stage and no bars
            return silent
        self.bar = Progress(
            SpinnerColumn(style="ok"),
            TextColumn("[name]{task.description:<10}[/]"),
            BarColumn(bar_width=32, complete_style="ok", pulse_style="quiet"),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
            console=self.out,
            transient=True,
        )
        task = self.bar.add_task(stage, total=None)
        self.bar.start()
        bar = self.bar
        return lambda done, total: bar.update(task, completed=done, total=total)

    def end(self, report: StageReport | None) -> None:
        """Take the bar away; leave one line about what was made, if it was."""
        if self.bar is not None:
            self.bar.stop()
            self.bar = None
        if report is not None:
            self.out.print(stage_line(report, time.monotonic() - self.began_s), soft_wrap=True)
            for note in report.notes:
                self.out.print(f"{'':<35}{note}", soft_wrap=True, markup=False)


def stage_line(report: StageReport, took_s: float) -> Text:
    """Return the line that a finished stage leaves on the screen.

    Parameters
    ----------
    report : StageReport
        What it did.
    took_s : float
        Seconds.

    Returns
    -------
    rich.text.Text
        Tick, number, name, digest, counts, time.
    """
    from rich.text import Text

    number = ORDER.index(report.stage) + 1 if report.stage in ORDER else 0
    took = "as it was" if report.skipped else f"{took_s:.1f} s"
    counts = list(report.counts.items())
    first = len(counts) if len(counts) <= MAX_COUNTS else MAX_COUNTS - 1
    line = Text("  ")
    line.append("= " if report.skipped else "✓ ", style="quiet" if report.skipped else "ok")
    line.append(f"{number} ", style="quiet")
    line.append(f"{report.stage:<10}", style="name")
    line.append(f"{report.digest[:8]:<10}", style="hash")
    line.append(f"{took:>9}  ", style="quiet")
    line.append(counted(dict(counts[:first])))
    if counts[first:]:
        line.append(f"\n{'':<35}{counted(dict(counts[first:]))}", style="quiet")
    return line


def checks_table(checks: Iterable[Check]) -> Table:
    """Return what the doctor saw as a table: a tick or a cross, and a hint where it helps."""
    from rich.table import Table
    from rich.text import Text

    table = Table.grid(padding=(0, 2))
    for check in checks:
        mark = Text("✓", "ok") if check.ok else Text("✗", "bad") if check.needed else Text("-", "warn")
        said = Text(check.said)
        if not check.ok and check.hint:
            said.append(f"\nHint: {check.hint}", "quiet")
        table.add_row("", mark, Text(check.name, "name"), said)
    return table


def say_error(error: WorkbenchError) -> int:
    """Print one of our errors with its hint to stderr.

    Parameters
    ----------
    error : WorkbenchError
        As raised.

    Returns
    -------
    int
        The exit code of its class.
    """
    from rich.text import Text

    err = console(stderr=True)
    err.print(Text.assemble(("error  ", "bad"), error.message), soft_wrap=True)
    if error.hint:
        err.print(Text.assemble(("Hint: ", "ok"), error.hint), soft_wrap=True)
    return error.exit_code


def say_stopped() -> int:
    """Say that Ctrl-C was heard, and return 130."""
    print("\nstopped; nothing is lost, run it again", file=sys.stderr)
    return 130


def say_unexpected(error: BaseException) -> int:
    """Print the traceback of an error that we did not foresee, and where to report it.

    Parameters
    ----------
    error : BaseException
        Not one of ours.

    Returns
    -------
    int
        1.
    """
    traceback.print_exception(error)
    print(
        "\nThis is a fault of the workbench, not yours. Please report the lines above together with",
        file=sys.stderr,
    )
    print("the output of `workbench doctor` as an issue where you got it (`git remote -v`).", file=sys.stderr)
    return 1
