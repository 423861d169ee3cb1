"""What guards said, as a lesson shows it: one row a guard, and what was not run with what it needs."""

from __future__ import annotations

from typing import TYPE_CHECKING

from workbench.lab.own_files import visible
from workbench.lab.show import Shown, grid

if TYPE_CHECKING:
    from collections.abc import Iterable

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
        Verdicts, then guards that were not run and what they need.
    """
    rows = [(one.guard, one.word, visible(one.sentence)) for one in found.findings]
    rows += [(guard, "not run", f"needs {needs}") for guard, needs in found.not_run]
    said = [*found.notes, f"exit code {found.exit_code}", *([f"in a terminal: {command}"] if command else [])]
    return grid(visible(about or found.about), ("guard", "says", "because"), rows, visible("; ".join(said)))
