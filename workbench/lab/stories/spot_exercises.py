"""Four guards that tell look-alikes apart, each by what the failure leaves behind."""

from __future__ import annotations

from typing import Any, Final

from workbench.lab.lesson import Case, Exercise


def _pair(a: float, b: float, served_a: float, served_b: float) -> dict[str, float]:
    return {"a": a, "b": b, "served_a": served_a, "served_b": served_b}


def _row(values: tuple[float, ...], group: str, split: str) -> dict[str, Any]:
    return {"values": values, "group": group, "split": split}


def _count(served: float, now: float, week_ago: float) -> dict[str, float]:
    return {"served": served, "now": now, "week_ago": week_ago}


def _times(asked: float, event: float, known: float) -> dict[str, float]:
    return {"asked": asked, "event": event, "known": known}


_SWAPPED: Final = Exercise(
    "swap_or_unit",
    "Two served columns differ from training. Say swap, unit or other.",
    (
        Case(
            "exchanged",
            ([_pair(3, 40, 40, 3), _pair(1, 9, 9, 1)],),
            "swap",
            "Each holds the value of the other",
        ),
        Case(
            "hours for days",
            ([_pair(2, 5, 48, 5), _pair(7, 1, 168, 1)],),
            "unit",
            "One column is the old one times a constant, the other did not change",
        ),
        Case(
            "one row is a coincidence",
            ([_pair(3, 40, 40, 3), _pair(1, 9, 24, 9)],),
            "other",
            "Only the first row looks swapped: a shape must hold in every row",
        ),
        Case(
            "another window",
            ([_pair(12, 5, 3, 5), _pair(8, 1, 1, 1)],),
            "other",
            "3 of 12 and 1 of 8 are no common ratio: a shorter window is no unit",
        ),
    ),
    ("A swap must hold in all rows.", "For a unit, compare the ratios of all rows."),
)

_COPIES: Final = Exercise(
    "twins_or_burst",
    "Test rows resemble training rows. Say twins (delivered twice), burst (frames of one thing) or none.",
    (
        Case(
            "delivered twice",
            ([_row((1, 2), "p", "train"), _row((1, 2), "p", "test")],),
            "twins",
            "The values are equal: the row itself came twice. A shared group alone would be a burst",
        ),
        Case(
            "two frames",
            ([_row((1.0, 2.0), "p", "train"), _row((1.1, 2.0), "p", "test")],),
            "burst",
            "Frames differ in every value and share the group: comparing values alone finds nothing",
        ),
        Case(
            "honest",
            ([_row((1, 2), "p", "train"), _row((3, 4), "q", "test")],),
            "none",
            "Nothing is shared",
        ),
        Case(
            "both on one side",
            ([_row((1, 2), "p", "train"), _row((1, 2), "p", "train"), _row((3, 4), "q", "test")],),
            "none",
            "Copies within the training set bridge nothing: look across the split",
        ),
    ),
    (
        "Make two sets of values, train and test, and two sets of groups.",
        "Ask for equal values first: twins share their group as well.",
    ),
)

_STALE: Final = Exercise(
    "stale_or_window",
    "A served count differs from the right one. Say stale (it is last week's), other, or fine.",
    (
        Case("right", ([_count(5, 5, 4), _count(2, 2, 6)],), "fine", "Every served value is the present one"),
        Case(
            "the job died",
            ([_count(4, 5, 4), _count(6, 2, 6), _count(3, 3, 3)],),
            "stale",
            "All served values are last week's; where nothing changed both are equal, and that speaks against nothing",
        ),
        Case(
            "a shorter window",
            ([_count(1, 5, 4), _count(1, 2, 6)],),
            "other",
            "They are neither today's nor last week's: fresh, and counted otherwise",
        ),
        Case(
            "half of the store",
            ([_count(4, 5, 4), _count(1, 2, 6)],),
            "other",
            "One row fits last week and one fits nothing: stale must explain every row",
        ),
    ),
    ("Look for fine first: all served equal now.", "`all(...)` over rows decides; one row never does."),
)

_FUTURE: Final = Exercise(
    "latest_or_back_dated",
    "A feature knows too much. Say latest (it happened later), back-dated (it was recorded later) or none.",
    (
        Case(
            "as of",
            ([_times(10, 8, 9), _times(10, 10, 10)],),
            "none",
            "What happened and was known by then is fair",
        ),
        Case(
            "the newest value",
            ([_times(10, 8, 9), _times(10, 14, 15)],),
            "latest",
            "One value happened after it was asked for",
        ),
        Case(
            "booked afterwards",
            ([_times(10, 8, 12), _times(10, 9, 9)],),
            "back-dated",
            "It carries an early date and was recorded later: comparing event times alone finds nothing",
        ),
        Case(
            "later in both times",
            ([_times(10, 12, 12)],),
            "latest",
            "What happened later was recorded later, too: ask for the event time first",
        ),
        Case(
            "another row's time",
            ([_times(20, 15, 16), _times(10, 9, 9)],),
            "none",
            "15 is after 10, but it belongs to the row that asks at 20: compare within each row",
        ),
    ),
    (
        "Two questions: is any `event` after its own `asked`? Is any `known`?",
        "The order of the questions decides.",
    ),
)

EXERCISES: Final[tuple[Exercise, ...]] = (_SWAPPED, _COPIES, _STALE, _FUTURE)
