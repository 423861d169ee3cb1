"""What guards said, as a lesson shows it: one row a guard, and what was not run with what it needs."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from workbench.lab.own_data import Columns, look_for_leakage
from workbench.lab.own_files import visible
from workbench.lab.show import Shown, grid

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from workbench.guards.evidence import Finding
    from workbench.lab.own_files import Report


def verdicts(title: str, findings: Iterable[Finding], foot: str = "") -> Shown:
    """Show what guards say.

    Parameters
    ----------
    title : str
        Above them.
    findings : iterable of Finding
        In the order of the rows.
    foot : str
        A sentence below.

    Returns
    -------
    Shown
        Guard, word and sentence; one that could not judge says why.
    """
    rows = [(found.guard, found.word, visible(found.sentence)) for found in findings]
    return grid(title, ("guard", "says", "because"), rows, foot)


def report(found: Report, command: str = "", *, about: str = "") -> Shown:
    """Show what the guards say about somebody's own file.

    Parameters
    ----------
    found : Report
        From `workbench.lab.own_data` or `workbench.lab.own_pictures`.
    command : str
        The same for the terminal.
    about : str
        What the file is called on the page; default its path.

    Returns
    -------
    Shown
        Verdicts, what fired first, then guards that were not run and what they need.
    """
    order = {True: 0, None: 1, False: 2}  # what fired first
    rows = [
        (one.guard, one.word, visible(one.sentence))
        for one in sorted(found.findings, key=lambda f: order[f.fired])
    ]
    rows += [(guard, "not run", f"needs {needs}") for guard, needs in found.not_run]
    said = [*found.notes, f"exit code {found.exit_code}", *([f"in a terminal: {command}"] if command else [])]
    return grid(visible(about or found.about), ("guard", "says", "because"), rows, visible("; ".join(said)))


def leakage(path: str, demonstration: Path, **columns: Any) -> Shown:
    """Run the leakage guards on a file of the learner's, or on the lesson's own where none was named.

    Parameters
    ----------
    path : str
        CSV or Parquet; empty: `demonstration`.
    demonstration : Path
        A file that the lesson has written.
    **columns : object
        What the columns mean, as in `workbench.lab.own_data.Columns`.

    Returns
    -------
    Shown
        As `report`, with the command that does the same in a terminal.
    """
    about = Path(path).name if path else f"{demonstration.name}, which this lesson has made"
    found = look_for_leakage(Path(path).expanduser() if path else demonstration, Columns(**columns))
    return report(found, leakage_command("FILE", columns), about=about)


def leakage_command(path: str, columns: Mapping[str, Any]) -> str:
    """Return what to type for the same in a terminal.

    Parameters
    ----------
    path : str
        Of the file.
    columns : mapping of str to object
        As in `workbench.lab.own_data.Columns`.

    Returns
    -------
    str
        One line.
    """
    words = {name: ",".join(value) if isinstance(value, tuple) else value for name, value in columns.items()}
    options = [f"--{name.replace('_', '-')} {value}" for name, value in words.items()]
    return " ".join(["workbench guard leakage", path, *options])
