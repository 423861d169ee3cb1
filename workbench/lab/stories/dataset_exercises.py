"""The exercises of the lesson on datasets: an as-of lookup, a window, a truncation test, a join by key."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from workbench.lab.lesson import Case, Exercise

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

Row = dict[str, Any]


def _row(value: int, event: int, known: int) -> Row:
    return {"value": value, "event": event, "known": known}


_OLD, _NEW, _LATE = _row(58, 2, 3), _row(61, 9, 10), _row(74, 12, 18)

AS_OF: Final = Exercise(
    function="as_of",
    question="Write as_of(rows, moment): the value that was known at that moment",
    cases=(
        Case("what is true later is left out", ([_OLD, _row(83, 20, 20)], 15), 58, "That value is from the future: the newest of all is not the newest by then"),
        Case("what is recorded later is left out", ([_OLD, _NEW, _LATE], 15), 61, "74 was true on day 12, and nobody had written it down: ask for known-at as well"),
        Case("a row recorded at that very moment counts", ([_OLD, _LATE], 18), 74, "The comparison is 'at or before'"),
        Case("the newest event wins, not the newest record", ([_NEW, _row(55, 4, 12)], 15), 61, "A late record about an older day is not news: order by event time"),
        Case("of two records of one event the later one wins", ([_row(61, 9, 10), _row(63, 9, 13)], 15), 63, "The second is a correction, and it was known by then"),
        Case("a correction that comes too late does not", ([_row(61, 9, 10), _row(63, 9, 20)], 15), 61, "The correction was recorded after the moment"),
        Case("the order of the rows does not matter", ([_NEW, _OLD], 15), 61, "The last row in the list is not the newest one"),
        Case("where nothing was known, the answer is None", ([_LATE], 15), None, "Nothing had been recorded by then"),
    ),
    hints=(
        "Which rows may be looked at, and which of those is the newest?",
        "Keep the rows of which both times are at or before the moment.",
        "Take the one with the largest (event, known), and None where there is none.",
    ),
)  # fmt: skip

_VISITS: Final = [(1, 1), (5, 5), (8, 8), (10, 10), (12, 12)]
VISITS_IN: Final = Exercise(
    function="visits_in",
    question="Complete visits_in(visits, t, days): how many visits lie in the window, and were recorded by t",
    cases=(
        Case("visits before the window do not count", (_VISITS, 10, 3), 2, "Days 8 and 10 lie in (7, 10]"),
        Case("visits after t do not count", (_VISITS, 8, 30), 3, "The window ends at t: what comes after is the future that is to be predicted"),
        Case("the visit at t counts, the one at t - days does not", ([(3, 3), (10, 10)], 10, 7), 1, "Windows are half open, (t - days, t]: else a visit is in two windows, or in none"),
        Case("a visit that is reported later does not count yet", ([(9, 12), (10, 10)], 10, 7), 1, "It took place, and on day 10 nobody had heard of it"),
        Case("a visit reported at t counts", ([(4, 10)], 10, 7), 1, "The comparison is 'at or before'"),
        Case("a late report of an old visit stays outside", ([(1, 9)], 10, 7), 0, "The window is over event times: when it was reported says only whether you may use it"),
    ),
    hints=(
        "There are three conditions: not too old, not in the future, and heard of.",
        "Two of them are about the event, one is about known.",
        "t - days < event <= t and known <= t",
    ),
)  # fmt: skip


def _log(*rows: tuple[str, int, int]) -> list[Row]:
    return [{"item": item, "event": event, "known": known} for item, event, known in rows]


def _counted(log: Sequence[Row], keep: Callable[[Row], bool]) -> dict[str, int]:
    found: dict[str, int] = {}
    for row in log:
        if keep(row):
            found[row["item"]] = found.get(row["item"], 0) + 1
    return found


def honest(log: Sequence[Row]) -> dict[str, int]:
    """Count the visits that were true and recorded by day 10."""
    return _counted(log, lambda row: max(row["event"], row["known"]) <= 10)


def to_day_13(log: Sequence[Row]) -> dict[str, int]:
    """Count up to day 13, three days past the cutoff."""
    return _counted(log, lambda row: row["event"] <= 13)


def by_event(log: Sequence[Row]) -> dict[str, int]:
    """Count what was true by day 10, recorded or not."""
    return _counted(log, lambda row: row["event"] <= 10)


def at_least_zero(log: Sequence[Row]) -> dict[str, int]:
    """Count what was true by day 10, and 0 for everybody whom the log has ever heard of."""
    return {row["item"]: 0 for row in log} | by_event(log)


_LOG: Final = _log(("ada", 3, 3), ("ada", 12, 12), ("bo", 4, 4), ("bo", 9, 14), ("cy", 5, 10))
LEAKS: Final = Exercise(
    function="leaks",
    question="Write leaks(build, log, moment): the sorted names of those whose features come from the future",
    cases=(
        Case("honest code gives no names", (honest, _LOG, 10), [], "Nothing differs between the two runs. A row recorded on day 10 is known on day 10: keep it"),
        Case("a window past the cutoff is found", (to_day_13, _LOG, 10), ["ada", "bo"], "ada's visit of day 12 is counted, and on day 10 it had not happened"),
        Case("a late record is found", (by_event, _LOG, 10), ["bo"], "Cut by known, not by event: bo's visit of day 9 was recorded on day 14, and it stays in a log that is cut by event time"),
        Case("somebody who is there in one run only is found", (by_event, _log(("ada", 3, 3), ("di", 9, 20)), 10), ["di"], "di is missing from one of the two results. Look at the names of both"),
        Case("a zero is not the same as nobody", (at_least_zero, _log(("ada", 3, 3), ("ed", 12, 12)), 10), ["ed"], "ed has 0 visits in one result and is missing from the other: get(name, 0) makes them equal"),
        Case("another moment is another cut", (by_event, _LOG, 14), [], "On day 14 everything has been recorded: use the moment that was given"),
    ),
    hints=(
        "Run the same code twice: on the whole log, and on the log as it was at the moment.",
        "As it was: the rows with known <= moment. Compare the two results name by name, over the names of both.",
        "sorted(name for name in {*a, *b} if a.get(name) != b.get(name))",
    ),
)  # fmt: skip

_ASKED: Final = [("r1", "accept"), ("r2", "reject"), ("r3", "accept")]
GLUE: Final = Exercise(
    function="glue",
    question="Write glue(asked, returned): (id, feature, label) for each row that was asked for, in that order",
    cases=(
        Case("rows that come back in order", (_ASKED, [("r1", 0.1), ("r2", 0.9), ("r3", 0.2)]), [("r1", 0.1, "accept"), ("r2", 0.9, "reject"), ("r3", 0.2, "accept")], "Give one (id, feature, label) for each row"),
        Case("rows that come back in another order", (_ASKED, [("r3", 0.2), ("r1", 0.1), ("r2", 0.9)]), [("r1", 0.1, "accept"), ("r2", 0.9, "reject"), ("r3", 0.2, "accept")], "Glued by position, a label falls on somebody else's feature: look it up by its id"),
        Case("a row that the store has lost stays, without a feature", (_ASKED, [("r1", 0.1), ("r3", 0.2)]), [("r1", 0.1, "accept"), ("r2", None, "reject"), ("r3", 0.2, "accept")], "A join that keeps only what came back hides the loss"),
        Case("a feature of 0 is a feature", (_ASKED[:1], [("r1", 0.0)]), [("r1", 0.0, "accept")], "0 is false in Python: ask whether the id is there, not whether the feature is true"),
        Case("what was not asked for is left out", (_ASKED[:1], [("r9", 0.7), ("r1", 0.1)]), [("r1", 0.1, "accept")], "r9 was never asked about"),
    ),
    hints=(
        "Which of the two lists decides how many rows there are, and in what order?",
        "Make a dictionary from id to feature, and go through what was asked.",
        "dict(returned).get(row_id) gives None for a row that was lost",
    ),
)  # fmt: skip

EXERCISES: Final[tuple[Exercise, ...]] = (AS_OF, VISITS_IN, LEAKS, GLUE)
