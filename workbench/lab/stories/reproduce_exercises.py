"""The exercises of lesson 7, with the misconceptions that their cases catch."""

from __future__ import annotations

from typing import Any, Final

from workbench.lab.lesson import Case, Exercise

_IDS: Final = [f"fruit-{i:03d}" for i in range(40)]
_NEW: Final = [f"fruit-{i:03d}" for i in range(40, 90)]
_TABLE: Final = [{"id": 1, "x": 0.5}, {"id": 2, "x": 0.25}]
_LONG: Final = [{"id": i, "x": float(i)} for i in range(12_000)]
_LATE: Final = [*_LONG[:-1], {"id": 11_999, "x": 0.0}]


def _deals_by_id(splits: Any) -> bool:
    """Take what the first, the reversed and the longer list got, and compare them fruit by fruit."""
    first, reverse, longer = splits
    return bool([*reversed(reverse)] == [*first] == [*longer][: len(first)])


def _some_of_each(splits: Any) -> bool:
    return bool(2 <= [*splits[0]].count("test") <= 20)


EXERCISES: Final = (
    Exercise(
        "deal",
        "Split by a rule: for each list of ids return 'train' or 'test' for each id, so that an id is always on the same side. "
        "This one is written; press Check, then replace the rule by your own.",
        (
            Case("a fruit stays on its side when the rows come in another order, and when new ones arrive",
                 ([_IDS, _IDS[::-1], [*_IDS, *_NEW]],), _deals_by_id,
                 "A position, a shuffle, seeded or not, and a share of the rows all depend on which rows came, and in which order"),
            Case("about a quarter is tested on", ([_IDS, _IDS, _IDS],), _some_of_each,
                 "A rule that puts all on one side is stable, and useless"),
            Case("one id alone gets its side, too", ([["fruit-007"], ["fruit-007"], ["fruit-007", "fruit-008"]],), _deals_by_id,
                 "The side of a fruit depends on the other rows of the list"),
        ),
        ("sha256 of an id is the same everywhere; hash() of a text is another number in every process.",),
    ),
    Exercise(
        "ages",
        "Age of each photo in days at the moment of its own decision. photos is a list of (taken, decided), both in hours. "
        "One line is missing; no clock is needed.",
        (
            Case("a day is 24 hours", ([(0, 24), (12, 60)],), [1.0, 2.0], "Hours are not days"),
            Case("each photo has a moment of its own", ([(0, 24), (0, 48)],), [1.0, 2.0],
                 "One 'now' for all rows is the moment of the job, not that of the decision"),
            Case("no photo, no age", ([],), []),
        ),
        (
            "Which of the two times stands in the place of now()?",
            "return [(decided - taken) / 24 for taken, decided in photos]",
        ),
    ),
    Exercise(
        "two_digests",
        "For each table in a list return (content, order), two texts. A table is a list of rows with a unique 'id'. content must not depend "
        "on the order of the rows; order must.",
        (
            Case("equal tables have equal digests", ([_TABLE, [dict(row) for row in _TABLE]],), lambda d: d[0] == d[1],
                 "Something that is not in the table went in: an address, a time, hash()"),
            Case("another order: the same content, another order digest", ([_TABLE, _TABLE[::-1]],),
                 lambda d: d[0][0] == d[1][0] and d[0][1] != d[1][1],
                 "Content is what is there; order is a digest of its own, since a seeded split deals positions"),
            Case("row 12,000 changed, and nothing else", ([_LONG, _LATE],), lambda d: d[0][0] != d[1][0],
                 "A digest of the first rows is a digest of the first rows"),
            Case("1 and '1' are not the same", ([[{"id": 1, "x": 1}], [{"id": 1, "x": "1"}]],), lambda d: d[0][0] != d[1][0],
                 "A number that became a text is another table: str() hides that, repr() does not"),
            Case("two values that changed places are seen", ([_TABLE, [{"id": 1, "x": 0.25}, {"id": 2, "x": 0.5}]],), lambda d: d[0][0] != d[1][0],
                 "A sum, a mean, or a set of the values is what it was: hash whole rows"),
        ),
        (
            "Begin with the content of one table: sort its rows by id, write them as one text, hash that.",
            "text = repr([sorted(row.items()) for row in sorted(rows, key=lambda row: row['id'])])",
            "For the order, hash the ids alone, as they come.",
        ),
    ),
    Exercise(
        "verdict_of",
        "Give the verdict on a run that was made again. causes lists what differs: 'data rows', 'row order', 'seed', 'machine' ...; "
        "moved is the largest difference of a prediction. Return IDENTICAL, EQUIVALENT or DIFFERENT; up to 1e-6 is close.",
        (
            Case("nothing differs, and every bit is equal", ([], 0.0), "IDENTICAL"),
            Case("another machine, and the last digits moved", (["machine"], 1e-9), "EQUIVALENT",
                 "Sums in another order differ in the last digits on another CPU: that is no fault, and not IDENTICAL either"),
            Case("a row differs, and the predictions happen to be equal", (["data rows"], 0.0), "DIFFERENT",
                 "The cause is there, whether or not it showed this time: look for causes first, at the result after that"),
            Case("nothing that is recorded differs, yet a prediction moved by a percent", ([], 0.01), "DIFFERENT",
                 "A difference without a cause is the worst of all: something is not recorded"),
            Case("another machine and another seed, and it is close", (["machine", "seed"], 1e-9), "DIFFERENT",
                 "Only a machine alone may be forgiven"),
        ),
        (
            "Three questions, in this order: nothing at all? only the machine, and close? else?",
            "if not causes and moved == 0: return 'IDENTICAL'",
            "if set(causes) <= {'machine'} and moved <= 1e-6: return 'EQUIVALENT'",
        ),
    ),
)  # fmt: skip
