"""The exercises of the sixth lesson: a threshold, an age, two tables, and a watermark."""

from __future__ import annotations

from typing import Final

from workbench.lab.lesson import Case, Exercise

__all__ = ["EXERCISES"]

_OWN: Final = [i / 100 for i in range(100)]
_CALLED: Final = Exercise(
    "share_called",
    "Read share_called(own, served): the threshold takes the top tenth of the own test set, and stays there",
    (
        Case("served as tested", (_OWN, _OWN), 0.1, "Ten of a hundred are above."),
        Case(
            "everybody looks worse",
            (_OWN, [min(1.0, score + 0.2) for score in _OWN]),
            0.3,
            "The threshold is where the test set put it. Take it anew from what is served, and it is always a tenth.",
        ),
        Case(
            "everybody looks better",
            (_OWN, [score / 2 for score in _OWN]),
            0.0,
            "Nobody reaches the threshold. In their order nothing changed: the AUC is the same.",
        ),
        Case("one is served", (_OWN, [0.95]), 1.0, "One of one is above."),
    ),
    ("It is solved: read it, then go on.",),
)

_NULL: Final = "What nobody knows is null, not 0: zero days is the best that a member can show."
_EXPIRED: Final = Exercise(
    "with_time_to_live",
    "Fill in the line: the value as training would read it, None where its age is unknown or above the limit",
    (
        Case("a fresh value", (4.0, 2.0, 7.0), 4.0, "Two days old, seven allowed."),
        Case(
            "an expired value", (4.0, 8.0, 7.0), None, "Feast answers NULL offline, and so must the service."
        ),
        Case(
            "as old as is allowed",
            (4.0, 7.0, 7.0),
            4.0,
            "Feast keeps a value whose age equals the time to live.",
        ),
        Case("a zero that is true", (0.0, 1.0, 7.0), 0.0, "0 is a value: `if value` takes it for nothing."),
        Case("no age", (4.0, None, 7.0), None, "What has no time cannot be shown to be fresh."),
        Case("nothing there", (None, 1.0, 7.0), None, _NULL),
    ),
    (
        "Ask for the age first: can it be compared at all?",
        "An expression with if and else: value if ... else None.",
        "return value if age_days is not None and age_days <= limit_days else None",
    ),
)

_A: Final[dict[str, dict[str, float | None]]] = {
    "m1": {"visits": 4.0, "fee": 30.0},
    "m2": {"visits": 9.0, "fee": 30.0},
}


def _but(**cells: float | None) -> dict[str, dict[str, float | None]]:
    return {"m1": {**_A["m1"], **cells}, "m2": {"visits": 9.0, "fee": 30.0}}


_PARITY: Final = Exercise(
    "worst_column",
    "Write worst_column(offline, online): of dicts key to column to number, the largest share of keys in which one "
    "column differs, by more than a millionth of the offline number; a key on one side only differs in all columns",
    (
        Case("equal tables", (_A, _but()), 0.0, "Nothing differs."),
        Case("one cell of two", (_A, _but(visits=400.0)), 0.5, "visits differs for m1: one of two keys."),
        Case(
            "two members have changed places",
            (_A, {"m1": {"visits": 9.0, "fee": 30.0}, "m2": {"visits": 4.0, "fee": 30.0}}),
            1.0,
            "Mean and spread of both tables are equal. Compare the cells of one key, not the columns.",
        ),
        Case(
            "the dust of floating point",
            ({"m1": {"x": 0.3}}, {"m1": {"x": 0.1 + 0.2}}),
            0.0,
            "0.1 + 0.2 is not 0.3 in binary, and nobody is harmed: allow a millionth.",
        ),
        Case(
            "null became 0",
            ({"m1": {"x": None}}, {"m1": {"x": 0.0}}),
            1.0,
            "Nothing and zero differ: None must not become 0 on the way into the comparison.",
        ),
        Case(
            "null on both sides", ({"m1": {"x": None}}, {"m1": {"x": None}}), 0.0, "Both know nothing: equal."
        ),
        Case(
            "a member was never served",
            (_A, {"m1": {"visits": 4.0, "fee": 30.0}}),
            0.5,
            "Whoever is missing on one side is a difference, and often the worst.",
        ),
    ),
    (
        "Go through all keys of both sides and all columns, and count where the two cells differ.",
        "Missing keys first; then None on one side or both; then abs(a - b) > 1e-6 * abs(a).",
        "keys = {*offline, *online}; for each column: sum(differs(key, column) for key in keys) / len(keys); then max",
    ),
)

_LATE: Final = [(1, 1, 10), (8, 10, 20), (15, 15, 30)]
_WATERMARK: Final = Exercise(
    "filled_by_increments",
    "Write filled_by_increments(rows, ends): rows (event, known, value) of one member, and the days on which the store "
    "is filled. Each run takes event times after the last run's day, up to its own, of what is known by then; the "
    "newest event taken so far is served. None where nothing was ever taken",
    (
        Case("all in time", ([(1, 1, 10), (8, 8, 20)], [2, 9]), 20, "Each run finds its own row."),
        Case("nothing yet", ([(5, 5, 10)], [2, 4]), None, "The row is of a later day than both runs."),
        Case(
            "a row comes two days late",
            (_LATE[:2], [2, 9, 16]),
            10,
            "Event 8 arrives on day 10. The run of day 9 could not see it, the run of day 16 begins after 9: "
            "no run ever takes it.",
        ),
        Case("the next week is in time again", (_LATE, [2, 9, 16]), 30, "Event 15 is known on day 15."),
        Case(
            "a correction with its old event time",
            ([(1, 1, 10), (1, 3, 99)], [2, 9]),
            10,
            "The correction lies behind the watermark, however often the job runs.",
        ),
        Case(
            "an older event that is known later",
            ([(8, 8, 20), (7, 9, 15)], [9]),
            20,
            "Newest means the event time, not the arrival.",
        ),
        Case(
            "one run takes several",
            ([(3, 3, 7), (1, 1, 5)], [4]),
            7,
            "Of those taken, the newest event is served.",
        ),
    ),
    (
        "Keep two things between runs: the day of the last run, and the newest row so far.",
        "In each run: [row for row in rows if last < row[0] <= end and row[1] <= end]. The first run has no last.",
        "taken += that list; last = end. In the end: max(taken, key=lambda row: row[:2])[2] if taken else None",
    ),
)

EXERCISES: Final[tuple[Exercise, ...]] = (_CALLED, _EXPIRED, _PARITY, _WATERMARK)
