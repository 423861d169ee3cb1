"""What the guards say about a learner's own file, as a lesson shows it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from workbench.lab.own_data import Columns, look_for_leakage
from workbench.lab.own_files import visible
from workbench.lab.show import Shown, grid, stack

if TYPE_CHECKING:
    from workbench.lab.own_files import Report


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
        One row a guard, and the command that does the same in a terminal.
    """
    about = Path(path).name if path else f"{demonstration.name}, which this lesson has made"
    report = look_for_leakage(Path(path) if path else demonstration, Columns(**columns))
    return stack(of_report(report, about), _command(columns))


def of_report(report: Report, about: str) -> Shown:
    """Show a report as a table.

    Parameters
    ----------
    report : Report
        What the guards said.
    about : str
        Name of the file, without its folder.

    Returns
    -------
    Shown
        What fired first, what was not run last, with the option that it needs.
    """
    order = {True: 0, None: 1, False: 2}
    found = sorted(report.findings, key=lambda one: order[one.fired])
    rows = [(one.guard, one.word, visible(one.sentence)) for one in found]
    rows += [(guard, "not run", f"needs {needs}") for guard, needs in report.not_run]
    return grid(visible(about), ("guard", "verdict", "because"), rows, "; ".join(report.notes))


def _command(columns: dict[str, Any]) -> Shown:
    import html

    flags = {"label": "--label", "time": "--time", "known_at": "--known-at", "group": "--group"}
    flags |= {"split": "--split", "horizon_days": "--horizon-days", "ignore": "--ignore"}
    given = [f"{flags[name]} {_word(value)}" for name, value in columns.items() if name in flags]
    text = f"workbench guard leakage FILE {' '.join(given)}"
    return Shown(f"<h4>The same in a terminal</h4><pre>{html.escape(text)}</pre>", text)


def _word(value: object) -> str:
    return (
        ",".join(value)
        if isinstance(value, tuple)
        else f"{value:g}"
        if isinstance(value, float)
        else str(value)
    )
