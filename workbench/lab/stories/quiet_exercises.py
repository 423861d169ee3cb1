"""The first lesson's exercises: the guard by hand, the join by hand, and a model that has learned nothing."""

from __future__ import annotations

from typing import Final

from workbench.lab.lesson import Case, Exercise

_ROW_LATE: Final = {"decided": 9, "taken": 33}
_ROW_FINE: Final = {"decided": 9, "taken": 8}
_ROW_EQUAL: Final = {"decided": 9, "taken": 9}
_LINE: Final = {"name": "line", "taken": 8, "arrived": 8}
_SECOND: Final = {"name": "second frame", "taken": 9, "arrived": 9}
_SLOW: Final = {"name": "slow frame", "taken": 10, "arrived": 30}
_BENCH: Final = {"name": "bench", "taken": 33, "arrived": 34}
_RESENT: Final = {"name": "sent late", "taken": 5, "arrived": 11}

LATE_ROWS: Final = Exercise(
    "late_rows",
    "Count the rows whose photo was taken after their decision.",
    (
        Case(
            "a photo from the line is not late", ([_ROW_FINE],), 0, "That photo was there before the decision"
        ),
        Case("a photo from the bench is", ([_ROW_LATE],), 1, "It was taken a day after the decision"),
        Case(
            "a photo taken at the very moment is not late",
            ([_ROW_EQUAL],),
            0,
            "What exists at the moment of the decision may be used: late means later, not equal",
        ),
        Case("every row counts", ([_ROW_LATE, _ROW_FINE, _ROW_LATE],), 2, "There are two late rows in it"),
    ),
    ("Which of the two times has to come first?", "A row is late where row['taken'] > row['decided']."),
)
KNOWN_THEN: Final = Exercise(
    "known_then",
    "Say whether a photo could have been looked at when the decision was due.",
    (
        Case(
            "taken and arrived before",
            (_LINE, 9),
            expected=True,
            why="Both of its times are before the decision",
        ),
        Case("taken a day later", (_BENCH, 9), expected=False, why="It did not exist yet"),
        Case(
            "taken before, arrived after",
            (_SLOW, 12),
            expected=False,
            why="It existed, and nobody had it: event time alone is not enough",
        ),
        Case(
            "arrived at the very moment",
            (_SECOND, 9),
            expected=True,
            why="At the moment counts: before means at or before",
        ),
    ),
    (
        "The first line asks about `taken`. Which other time does a photo have?",
        "Compare photo['arrived'] with the decision, in the same way.",
        "arrived = photo['arrived'] <= decision",
    ),
)
AS_OF: Final = Exercise(
    "as_of",
    "Return the name of the newest photo that was known at the decision; None where there was none.",
    (
        Case(
            "the newest of two", ([_LINE, _SECOND], 9), "second frame", "Of what was known, take the newest"
        ),
        Case(
            "the bench photo of tomorrow is left out",
            ([_LINE, _BENCH], 9),
            "line",
            "The newest value there is, is what team B joined",
        ),
        Case(
            "a photo that was on its way is left out",
            ([_LINE, _SLOW], 12),
            "line",
            "It was taken in time and arrived too late: event time alone is not enough",
        ),
        Case(
            "newest means taken last, not arrived last",
            ([_SECOND, _RESENT], 12),
            "second frame",
            "An old photo that was sent late is still an old photo",
        ),
        Case(
            "the order of the list says nothing",
            ([_SECOND, _LINE], 9),
            "second frame",
            "The list may be in any order",
        ),
        Case(
            "nothing was known",
            ([_BENCH], 9),
            None,
            "Where nothing was known there is no value, not some value",
        ),
    ),
    (
        "Two steps: keep the photos that were known then, and take the newest of those.",
        "Known then: both photo['taken'] and photo['arrived'] are at or before the decision.",
        "max(known, key=lambda photo: photo['taken'])['name'] where known is not empty, else None",
    ),
)
CONSTANT: Final = Exercise(
    "constant_accuracy",
    "Return how often a model is right that gives everybody the most frequent label.",
    (
        Case(
            "94 good fruit of 100",
            (["accept"] * 94 + ["reject"] * 6,),
            0.94,
            "It is right on all 94 good ones",
        ),
        Case(
            "half and half", (["accept", "reject"] * 5,), 0.5, "It is right on one half, whichever it names"
        ),
        Case(
            "where most are bad, it says bad",
            (["reject"] * 7 + ["accept"] * 3,),
            0.7,
            "The most frequent label is not always accept",
        ),
        Case(
            "three labels, none of them has a majority",
            (["accept", "accept", "juice", "reject", "juice", "accept", "reject"],),
            3 / 7,
            "One minus the others, or the share of two labels, is another number",
        ),
    ),
    (
        "How many times does the most frequent label occur?",
        "labels.count(label) counts one label; set(labels) holds each label once.",
        "max(labels.count(label) for label in set(labels)) / len(labels)",
    ),
)

EXERCISES: Final[tuple[Exercise, ...]] = (LATE_ROWS, KNOWN_THEN, AS_OF, CONSTANT)
