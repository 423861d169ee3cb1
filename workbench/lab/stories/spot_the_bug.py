"""What the last lesson looks at: a case on the desk, what each suspect would have left behind, and the form."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from workbench.cases import BUDGET, NONE, Case, Diagnosis, Grade, open_case
from workbench.cases.case import families
from workbench.errors import SettingsError
from workbench.failures import load
from workbench.lab.lesson import Teller, lessons_root, note
from workbench.lab.show import Shown, card, grid, stack
from workbench.lab.stories.spot_exercises import EXERCISES
from workbench.lab.verdicts import leakage_command, verdicts
from workbench.widgets import Panel, SkewScope, TruthMeter

if TYPE_CHECKING:
    import pyarrow as pa

    from workbench.lab.own_files import Report
    from workbench.lab.pipeline import Watcher

__all__ = [
    "CANNOT_TELL", "EXERCISES", "FROM_THE_SCORE", "WORKED", "YOURS", "YOURS_OPEN", "asked", "desk", "diagnosis", "form", "graded",
    "meter", "opened", "own_table", "prepare", "questions", "scope", "suspects", "to_keep", "worked",
]  # fmt: skip

WORKED, YOURS, YOURS_OPEN = 17, 12, 2
"""Numbers of the cases that the lesson begins with: of one season, so that its world is prepared once."""
CANNOT_TELL: Final = "none of the three can be ruled out"
FROM_THE_SCORE: Final = {
    "leakage: it claims more than it gets": "Perhaps; but a claim above what is got may be chance, and skew does the same.",
    "skew: it is right in the lab and wrong on the line": "Perhaps; but leaked features are missing on the line, too.",
    "nothing: a small season is a noisy one": "Perhaps; the intervals are wide. That is no proof of innocence.",
    CANNOT_TELL: "Two numbers have many explanations. The rows, the served vectors and the guards have fewer.",
}
"""Choices of the guess, and what speaks for or against each."""
NO_FEATURES: Final = ("row_id", "group", "feature_timestamp", "label_source", "label_known_at", "bucket")
"""Columns of the gym's dataset that no model reads."""
NOBODY, EVERYWHERE = "(no column)", "(every feature)"


def prepare(watcher: Watcher | None = None) -> Case:
    """Make what the lesson works on, for somebody who comes late."""
    for number, level in ((WORKED, 1), (YOURS, 1), (YOURS_OPEN, 2)):
        case = open_case(number, level, watcher=watcher)
    return case


def opened(number: int, level: int = 1) -> Case:
    """Open a case with a printed line a stage."""
    return open_case(number, level, watcher=Teller(f"case {number}, level {level}: "))


def meter(case: Case) -> TruthMeter:
    """Return the meter with what the model claims and gets; what could have been had nobody knows yet."""
    from workbench.lab.truth import row_of_score

    row = row_of_score(
        case.score,
        contacted=case.decision.contacted.value,
        score_to_rate=case.decision.score_to_rate.value,
    )
    metric = {"accuracy": "accuracy", "auc": "AUC"}[case.score.metric]
    return TruthMeter([row], metric=metric, unit={"packhouse": "fruit", "gym": "members"}[case.world])


def desk(case: Case) -> Shown:
    """Show what lies on the desk: scores, the record of the run, and the first rows of both tables."""
    suspicion = f"The team suspects {case.suspicion}." if case.suspicion else "Nobody has an idea."
    dial = case.decision
    facts: dict[str, object] = {
        "claimed": f"{case.score.metric} {case.score.claimed}",
        "got": f"{case.score.metric} {case.score.got}",
        "mean probability over share": f"{dial.score_to_rate}; 1 is right",
        "acts on": f"{dial.contacted.value:.0%} of production; 10% was planned",
        **{name: _plain(value) for name, value in case.run.items()},
        "rows served": f"{case.served.num_rows:,}",
    }
    title = f"Case {case.seed}, level {case.level}: the {case.world}. {suspicion}"
    return stack(
        card(title, facts),
        _first("Dataset, first rows", case.dataset),
        _first("Served, first rows", case.served),
    )


def _plain(value: Any) -> object:
    if isinstance(value, dict):
        return ", ".join(f"{name} {n:,}" for name, n in value.items())
    return ", ".join(value) if isinstance(value, tuple) else value


def _first(title: str, rows: Any, most: int = 3) -> Shown:
    """Show columns as rows: twenty-five of them do not stand side by side."""
    some = rows.slice(0, most).to_pylist()
    lines = [(name, *(_short(row[name]) for row in some)) for name in rows.column_names]
    return grid(
        title,
        ("column", *(f"row {i + 1}" for i in range(len(some)))),
        lines,
        f"{rows.num_rows:,} rows in all",
    )


def _short(value: Any) -> str:
    if isinstance(value, float):
        return f"{value:.4g}"
    if isinstance(value, list):
        return f"{len(value)} numbers"
    return "" if value is None else str(value).replace("+00:00", "")


def suspects(case: Case) -> Shown:
    """Show each failure that it may be, the guard that would speak, and what that guard said."""
    said = {found.guard: found.word for found in case.findings}
    rows = [(name, load(name).guard, said.get(load(name).guard, "not asked")) for name in case.candidates]
    rows.sort(key=lambda row: (row[2] != "fired", row[0]))
    return grid("Who is left?", ("suspect", "the guard that finds it", "said"), rows)


def scope(case: Case) -> SkewScope:
    """Return the scope on what was served beside what the training path says about the same rows."""
    from workbench.lab.skew import skew_scope

    offline = case.offline()
    if offline is None:
        raise SettingsError("photos have no columns to compare", hint="ask the guard `embedding`")
    served = case.served.select([name for name in offline.column_names if name in case.served.column_names])
    return skew_scope(offline.take(_other_first(offline, served)), served, key="row_id", most=30)


def _other_first(offline: pa.Table, served: pa.Table) -> list[int]:
    """Return the order in which rows that differ come first: of the others one looks as the next."""
    right, given = offline.to_pylist(), {row["row_id"]: row for row in served.to_pylist()}
    same = [all(given[row["row_id"]][name] == row[name] for name in served.column_names) for row in right]
    return sorted(range(len(right)), key=lambda i: same[i])


def form(case: Case) -> Panel:
    """Return the form of a diagnosis: what, of which family, where it shows, and whether it is handed in."""
    columns = [NOBODY, EVERYWHERE, *case.columns]
    return Panel(
        failure=[NONE, *case.candidates],
        family=[NONE, *families()],
        first_column=columns,
        second_column=columns,
        third_column=columns,
        hand_in=False,
    )


def diagnosis(case: Case, filled: Panel) -> Diagnosis:
    """Read a form."""
    named = {filled[f"{n}_column"] for n in ("first", "second", "third")} - {NOBODY}
    if EVERYWHERE in named:
        named = named - {EVERYWHERE} | {*case.run["inputs"]}
    return Diagnosis((filled["failure"],), filled["family"], tuple(sorted(named)))


def graded(case: Case, filled: Panel) -> Shown | str:
    """Return the grade once the form was handed in."""
    if not filled["hand_in"]:
        return "Fill in the form, then tick: hand in. The answer opens with the grade."
    return _grade(case.grade(diagnosis(case, filled)))


def _grade(found: Grade) -> Shown:
    facts = {
        "it was": found.failure,
        "it shows in": ", ".join(found.columns) or "nothing",
        "diagnosis": f"{found.diagnosis:g} of 40",
        "family": f"{found.family:g} of 10",
        "evidence": f"{found.evidence:.0f} of 20",
        "why": found.why,
        "cure": found.cure or "nothing to cure",
    }
    foot = "Seventy points are all that these levels give: a cure of your own, worth thirty, is not asked for here."
    return card(f"{found.points} of 70 points", facts, foot)


def worked(case: Case, failure: str, family: str, columns: tuple[str, ...]) -> Shown:
    """Hand in a diagnosis, and show the grade."""
    return _grade(case.grade(Diagnosis((failure,), family, columns)))


def questions(case: Case) -> Panel:
    """Return one box a guard: a tick asks it."""
    return Panel(**dict.fromkeys(case.guards, False))


def asked(case: Case, ticked: Panel) -> Shown:
    """Ask the guards that are ticked, as long as the budget lasts, and show what was said so far."""
    refused = ""
    for guard in case.guards:
        if ticked[guard]:
            try:
                case.look(guard)
            except SettingsError as error:
                refused = f" {error.message}: {guard} was not asked."
    spent = f"{len(case.findings)} of {BUDGET[case.level]} looks are spent.{refused}"
    said = [verdicts("What the guards said", case.findings, spent)] if case.findings else []
    return stack(*said, suspects(case), desk(case))


def own_table(path: str = "", **roles: Any) -> tuple[Report, str]:
    """Run every leakage guard on somebody's own table, or on the dataset of the second case.

    Parameters
    ----------
    path : str
        CSV or Parquet; empty takes the case's.
    **roles : object
        Of `workbench.lab.own_data.Columns`: label, time, group, split and others.

    Returns
    -------
    tuple
        The report, and the command that gives the same.
    """
    from pathlib import Path

    from workbench.lab.own_data import Columns, look_for_leakage

    if not path:
        case = open_case(YOURS, 1)
        dataset, _ = case.save(lessons_root() / "lesson-08-case")
        roles = {
            "label": "label",
            "positive": "leaves",
            "time": "event_timestamp",
            "group": "item_id",
            "split": "split",
        }
        roles["extracted_at"] = case.run["cutoff"]
        return look_for_leakage(dataset, Columns(**roles, ignore=NO_FEATURES)), leakage_command("FILE", roles)
    return look_for_leakage(Path(path).expanduser(), Columns(**roles)), leakage_command(path, roles)


def to_keep() -> Shown:
    """Show what to keep from the lesson."""
    return note(
        "note",
        "What to keep",
        """
        - A silent guard is evidence, too. Write down who was silent before you name anybody.
        - One guard finds several failures. What tells them apart is *how* the rows differ.
        - Some suspects leave the same behind: of four ways to spoil photos before the encoder, `embedding` says
          only that they were spoilt. Then the family and the column are what can be known from the desk.
        - A finished table does not show everything. What came out of feature code shows when that code is run on a
          log that ends earlier: `truncation`. And `group_overlap` above is right that members stand on both sides;
          production asks about the same members later, so here it is no leak. A guard finds, you judge.
        - *Nothing is wrong* is a diagnosis. Here it is right in 15 cases of 100.

        Another case: change a number above, or `workbench case open 31 --level 2`. What a **case**, a **look** and
        a **suspect** are is in the [glossary](../docs/GLOSSARY.md).
        """,
    )
