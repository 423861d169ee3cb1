"""Four exercises of the second lesson: nothing is lost, near is counted in bits, groups are transitive, a guard."""

from __future__ import annotations

from typing import Any, Final

from workbench.lab.lesson import Case, Exercise


def _photo(name: str, reason: str | None = None) -> dict[str, Any]:
    return {"name": name, "reason": reason}


def _row(name: str, fruit: str, split: str, source: str | None = None) -> dict[str, Any]:
    return {"id": name, "source": source or name, "fruit": fruit, "split": split}


_SETTLED: Final = Exercise(
    "settled",
    "Give every photo a status, so that clean and quarantined add up to what came in.",
    (
        Case(
            "two are fine, one is not",
            ([_photo("a"), _photo("b", "truncated"), _photo("c")],),
            {"clean": ["a", "c"], "quarantined": {"b": "truncated"}},
            "A damaged photo is set aside with its reason; leaving it out loses it without a word",
        ),
        Case(
            "none is fine",
            ([_photo("a", "empty"), _photo("b", "empty")],),
            {"clean": [], "quarantined": {"a": "empty", "b": "empty"}},
            "Two photos may have the same reason: it is the photo that is set aside, not the reason",
        ),
        Case(
            "the bad one comes first",
            ([_photo("a", "empty"), _photo("b")],),
            {"clean": ["b"], "quarantined": {"a": "empty"}},
            "One damaged file is no cause to stop: the others are still looked at",
        ),
        Case("nothing came", ([],), {"clean": [], "quarantined": {}}, "An empty delivery has a result, too"),
    ),
    ("Go through the photos once.", "`reason` is None where a photo is fine."),
)

_BITS: Final = Exercise(
    "bits_apart",
    "Count the bits in which two perceptual hashes differ.",
    (
        Case("the same", ("f0e1d2c3b4a59687", "f0e1d2c3b4a59687"), 0, "Equal hashes have distance 0"),
        Case(
            "one digit, four bits",
            ("0000000000000000", "000000000000000f"),
            4,
            "One hex digit holds four bits: counting the digits that differ is not counting bits",
        ),
        Case(
            "a high bit",
            ("8000000000000000", "0000000000000000"),
            1,
            "The difference of the two numbers is huge here, and one bit differs: a hash is no quantity",
        ),
        Case("all", ("ffffffffffffffff", "0000000000000000"), 64, "A hash of 16 hex digits has 64 bits"),
        Case(
            "both carry",
            ("0000000000000010", "000000000000000f"),
            5,
            "16 and 15 are neighbours as numbers; as patterns 10000 and 01111 differ in five bits",
        ),
    ),
    (
        "`int(one, 16)` reads a hex text as a number.",
        "`a ^ b` has a 1 wherever two numbers differ.",
        "`number.bit_count()` counts its ones.",
    ),
)

_GROUPS: Final = Exercise(
    "groups",
    "Give each photo the name of its group: photos of one fruit and near-duplicates must stay together.",
    (
        Case(
            "the frames of a fruit",
            (["p", "p", "q"], []),
            ["p", "p", "q"],
            "Without near-duplicates the fruit is the group",
        ),
        Case(
            "a photo that was uploaded under another id",
            (["p", "q"], [(0, 1)]),
            ["p", "p"],
            "Ids do not tell near-duplicates apart: a pair that looks alike is one group, whatever it is called",
        ),
        Case(
            "near is passed on",
            (["p", "q", "r"], [(0, 1), (1, 2)]),
            ["p", "p", "p"],
            "0 is near 1 and 1 is near 2: split between 0 and 2, and 1 has a copy on the other side",
        ),
        Case(
            "the fruit comes along",
            (["p", "p", "q", "q"], [(1, 2)]),
            ["p", "p", "p", "p"],
            "One near pair joins all frames of both fruit, not only the two of the pair",
        ),
        Case(
            "in the wrong order",
            (["p", "q", "r", "s"], [(2, 3), (0, 3), (1, 2)]),
            ["p", "p", "p", "p"],
            "One pass over the pairs is not enough, or it must move whole groups: a later pair joins earlier ones",
        ),
        Case(
            "two groups stay two",
            (["p", "q", "r", "s"], [(0, 1), (2, 3)]),
            ["p", "p", "r", "r"],
            "What nothing links stays apart: one big group leaves nothing to test on",
        ),
    ),
    (
        "Begin with `group = list(fruit)`: each photo is in the group of its fruit.",
        "For each near pair, let all photos of one group take the name of the other.",
        "Of two names keep that of the photo that stands first: `group.index(name)` says where.",
    ),
)

_BRIDGES: Final = Exercise(
    "bridges",
    "Write the guard: name the fruit that the test set shares with the training set.",
    (
        Case(
            "an honest split",
            ([_row("a", "p", "train"), _row("b", "q", "test")],),
            [],
            "Nothing is shared: a guard that fires here will be switched off",
        ),
        Case(
            "a variant of a training photo",
            ([_row("a", "p", "train"), _row("a-1", "p", "test", "a")],),
            ["p"],
            "The variant has an id of its own, so comparing ids finds nothing",
        ),
        Case(
            "another frame of the burst",
            ([_row("a", "p", "train"), _row("b", "p", "test")],),
            ["p"],
            "The two frames are two sources of one fruit: comparing sources finds nothing",
        ),
        Case(
            "in the embargo",
            ([_row("a", "p", "train"), _row("b", "p", "embargo"), _row("c", "q", "test")],),
            [],
            "Rows of the embargo are neither learned from nor tested on: they bridge nothing",
        ),
        Case(
            "variants in training alone",
            ([_row("a", "p", "train"), _row("a-1", "p", "train", "a"), _row("b", "q", "test")],),
            [],
            "Augmenting the training rows after the split is right: copies on one side are no leak",
        ),
        Case(
            "several, in any order",
            (
                [
                    _row("d", "q", "test"),
                    _row("a", "q", "train"),
                    _row("b", "p", "test"),
                    _row("c", "p", "train"),
                    _row("c-1", "p", "train", "c"),
                ],
            ),
            ["p", "q"],
            "Each fruit is named once, in alphabetical order",
        ),
    ),
    (
        "Two sets: the fruit of the rows with split train, and those with split test.",
        "`&` keeps what is in both; `sorted` makes a list of it.",
    ),
)

EXERCISES: Final[tuple[Exercise, ...]] = (_SETTLED, _BITS, _GROUPS, _BRIDGES)
