"""The first lesson's gates, its meter, and its guard on a table: every answer is computed."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Final

from workbench.errors import WorkbenchError
from workbench.lab.show import Shown, card
from workbench.lab.stories.quiet_failure import cross_validated
from workbench.profiles.datasets import read_dataset
from workbench.widgets import Predict, TruthMeter

if TYPE_CHECKING:
    from workbench.lab.comparison import Twins
    from workbench.lab.meter import Score
    from workbench.profiles.workspace import Workspace

FAMILIES: Final = ("latest_value_join", "colour_order", "raw_overwritten")
"""One measured failure of each family: leakage, skew, irreproducibility. All on photos: one axis."""


def which_model(honest: Score, leaky: Score) -> Predict:
    """Ask which model should go on the line.

    Parameters
    ----------
    honest, leaky : Score
        Of the two teams.

    Returns
    -------
    Predict
        The answer is whichever got more in production.
    """
    a, b = f"{honest.got.value:.0%}", f"{leaky.got.value:.0%}"
    options = ("Team A's", "Team B's")
    return Predict(
        "Which model do you put on the line?",
        options=options,
        answer=options[0] if honest.got.value > leaky.got.value else options[1],
        why={
            options[0]: f"On the line it graded {a} of the fruit right.",
            options[1]: f"On the line it graded {b} of the fruit right, whatever it had claimed.",
        },
    )


def how_often(leaky: Score) -> Predict:
    """Ask what team B's model gets in production."""
    return Predict(
        "How often will team B's model be right on the line, next week?",
        answer=round(leaky.got.value, 2),
        low=0.3,
        why=f"It had claimed {leaky.claimed.value:.2f}.",
    )


def would_folds_have_caught_it(ws: Workspace, twins: Twins) -> Predict:
    """Ask whether cross-validation finds the leak, and run it for the answer.

    Parameters
    ----------
    ws : Workspace
        Open.
    twins : Twins
        Both datasets.

    Returns
    -------
    Predict
        Caught means: under cross-validation team B's number is no longer above team A's.
    """
    a, b = (cross_validated(read_dataset(ws, made.dataset_id)[1]) for made in (twins.honest, twins.leaky))
    yes, no = "Yes, five folds would have shown it", "No, every fold would have looked as good"
    caught = b <= a
    return Predict(
        "A colleague says: cross-validation would have caught this. Would it?",
        options=(yes, no),
        answer=yes if caught else no,
        why={
            yes: f"We ran it, with whole fruit held out: team A {a:.2f}, team B {b:.2f}.",
            no: "Every fold comes through the same join and holds the same bench photos: resampling a flawed table gives flawed tables.",
        },
    )


def three_families() -> TruthMeter:
    """Return a meter with one measured failure of each family."""
    from workbench.failures import load
    from workbench.lab.effects import read
    from workbench.lab.truth import rows_of_effects

    rows = [
        row
        for name in FAMILIES
        for row in read().to_pylist()
        if row["failure"] == name and row["strength"] == load(name).strength.default
    ]
    return TruthMeter(rows_of_effects(rows), metric="accuracy", unit="fruit")


def audit(ws: Workspace, twins: Twins, path: str, observed: str, feature_time: str) -> Shown:
    """Run the guard of this lesson on a table; without a path on team B's.

    Parameters
    ----------
    ws : Workspace
        Open.
    twins : Twins
        Whose leaky dataset is the demonstration.
    path : str
        A CSV or Parquet file; empty: none.
    observed, feature_time : str
        Columns: the time of the row, and of its feature.

    Returns
    -------
    Shown
        What the guard says, and the command that says the same.
    """
    from workbench.guards import pit_audit
    from workbench.lab.own_files import read_rows

    about = path or "team B's table, exported"
    with tempfile.TemporaryDirectory() as folder:
        file = Path(path).expanduser() if path else _exported(ws, twins, Path(folder))
        try:
            evidence = pit_audit.measure(read_rows(file), observation=observed, event=feature_time)
            finding = pit_audit.check(evidence)
            verdict = "fired" if finding.fired else "silent"
            said = finding.sentence
        except WorkbenchError as error:  # a wrong path or column is the reader's to mend
            verdict, said = "could not judge", f"{error.message}. {error.hint}"
    command = f"workbench guard leakage FILE --label LABEL --time {observed} --known-at {feature_time}"
    facts = {
        "table": about,
        "guard": "pit_audit",
        "verdict": verdict,
        "it says": said,
        "in the terminal": command,
    }
    return card("No feature may be newer than its row", facts)


def _exported(ws: Workspace, twins: Twins, folder: Path) -> Path:
    import pyarrow.parquet as pq

    file = folder / "team-b.parquet"
    pq.write_table(read_dataset(ws, twins.leaky.dataset_id)[1], file)
    return file
