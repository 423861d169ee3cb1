"""The exercises of the third lesson: two vectors, two paths, two encoders, and a camera."""

from __future__ import annotations

from typing import Any, Final

from workbench.lab.lesson import Case, Exercise

__all__ = ["EXERCISES"]


def _yes(name: str, arguments: tuple[Any, ...], why: str) -> Case:
    return Case(name, arguments, expected=True, why=why)


def _no(name: str, arguments: tuple[Any, ...], why: str) -> Case:
    return Case(name, arguments, expected=False, why=why)


_NOT_A_DOT: Final = "A dot product grows with the lengths. The cosine does not: divide by both lengths."
_COSINE: Final = Exercise(
    "cosine",
    "Read cosine(one, two): how alike two vectors point, from -1 to 1, and 0 where one has no length",
    (
        Case("a vector and itself", ([3.0, 4.0], [3.0, 4.0]), 1.0, _NOT_A_DOT),
        Case("the same direction, twice as long", ([1.0, 2.0], [2.0, 4.0]), 1.0, _NOT_A_DOT),
        Case("at a right angle", ([1.0, 0.0], [0.0, 2.0]), 0.0, "These two share nothing."),
        Case(
            "the other way round",
            ([1.0, 1.0], [-2.0, -2.0]),
            -1.0,
            "A sign is part of the answer: no absolute value.",
        ),
        Case(
            "an embedding that was lost on the way",
            ([0.0, 0.0], [1.0, 2.0]),
            0.0,
            "Nothing is like nothing: a vector of zeros has no direction, and must not pass as equal.",
        ),
    ),
    ("It is solved: read it, then go on.",),
)

_MEAN_ALONE: Final = "A mean hides a few photos that are quite wrong, such as those that were stored turned. Look at the lowest, too."
_SAME_PATH: Final = Exercise(
    "same_path",
    "Fill in the line: a path passes where the mean cosine is at least .99 and the lowest at least .95",
    (
        _yes("fifty equal embeddings", ([1.0] * 50,), "These are equal."),
        _yes(
            "another resize filter", ([0.997] * 49 + [0.991],), "This one is real, small, and harmless here."
        ),
        _no("three of fifty photos lie on their side", ([1.0] * 47 + [0.75] * 3,), _MEAN_ALONE),
        _no("one of a thousand", ([1.0] * 999 + [0.8],), _MEAN_ALONE),
        _no(
            "every photo a little off",
            ([0.97] * 50,),
            "None is below .95 alone; together they say that the path is another one. Look at the mean, too.",
        ),
        _no("no photos at all", ([],), "No photos prove nothing: a probe that was never fed must not pass."),
    ),
    (
        "Two questions, both must be answered with yes.",
        "sum(cosines) / len(cosines) is the mean; min(cosines) is the lowest. A list may be empty.",
        "return len(cosines) > 0 and sum(cosines) / len(cosines) >= 0.99 and min(cosines) >= 0.95",
    ),
)


def _card(**other: Any) -> dict[str, Any]:
    return {
        "name": "clip",
        "dim": 128,
        "weights": "fda31f",
        "preprocessing": "bicubic-64",
        "batch_size": 32,
    } | other


_SAME_COLUMN: Final = Exercise(
    "may_share_a_column",
    "Write may_share_a_column(one, other): whether embeddings of two encoders, each a dict with name, dim, weights, "
    "preprocessing and batch_size, may stand in one column",
    (
        _yes("the same encoder", (_card(), _card()), "Nothing differs."),
        _no(
            "retrained under the same name",
            (_card(), _card(weights="0b77c1")),
            "Name and dimension are equal, and the two spaces are not: the weights decide.",
        ),
        _no(
            "the same weights behind another resize",
            (_card(), _card(preprocessing="nearest-64")),
            "An embedding is made by preprocessing and weights: both belong to its version.",
        ),
        _no("another length", (_card(), _card(dim=512, weights="9a")), "These do not even fit."),
        _yes(
            "renamed, and nothing else",
            (_card(), _card(name="clip_2026")),
            "A name is a label: the same weights behind the same preprocessing give the same vectors.",
        ),
        _yes(
            "larger batches",
            (_card(), _card(batch_size=64)),
            "How many photos go through together is no part of what they become.",
        ),
    ),
    (
        "What is an embedding made by? Compare that, and nothing else.",
        "Two entries of the dict decide. The name is not one of them, and neither is the dimension alone.",
        'return all(one[key] == other[key] for key in ("weights", "preprocessing"))',
    ),
)


def _rows(**cameras: tuple[int, int]) -> list[tuple[str, str, str]]:
    """Return (fruit, camera, label), one photo a fruit: of each camera so many rejects and accepts."""
    made = []
    for camera, counts in cameras.items():
        for label, n in zip(("reject", "accept"), counts, strict=True):
            made += [(f"{camera}-{label}-{i}", camera, label) for i in range(n)]
    return made


_BURST: Final = [("bad-fruit", "a", "reject")] * 40
_ABOUT_ALL: Final = "Compare with the share of all fruit, whatever that is: half is no law of nature."
_TELLING: Final = Exercise(
    "telling_cameras",
    "Write telling_cameras(rows): from (fruit, camera, label) of each photo, the sorted list of cameras whose share of "
    "rejected fruit is more than .20 away from the share among all fruit. Each fruit counts once a camera",
    (
        Case(
            "fair cameras", (_rows(a=(10, 10), b=(11, 9), c=(9, 11)),), [], "No camera is far from the rest."
        ),
        Case(
            "bad fruit are sent to b",
            (_rows(a=(10, 10), b=(18, 2), c=(10, 10)),),
            ["b"],
            "38 of 60 are bad; b has 18 of 20.",
        ),
        Case(
            "good fruit are sent to a",
            (_rows(a=(2, 18), b=(12, 8), c=(13, 7)),),
            ["a"],
            "Fewer than usual tells as much as more than usual: take the distance, not the excess.",
        ),
        Case("all have few bad fruit", (_rows(a=(2, 18), b=(3, 17)),), [], _ABOUT_ALL),
        Case("all have many", (_rows(a=(18, 2), b=(17, 3)),), [], _ABOUT_ALL),
        Case(
            "one bad fruit in a burst of forty",
            (_rows(a=(9, 10), b=(10, 10)) + _BURST,),
            [],
            "Forty frames of one fruit are one fruit: count fruit, not photos.",
        ),
    ),
    (
        "First make each (fruit, camera, label) count once. What type forgets repeats?",
        "Over set(rows): the share of 'reject' in all, and in those of one camera.",
        "once = set(rows); share = lambda some: sum(label == 'reject' for _, _, label in some) / len(some); "
        "compare share of each camera's part with share(once)",
    ),
)

EXERCISES: Final[tuple[Exercise, ...]] = (_COSINE, _SAME_PATH, _SAME_COLUMN, _TELLING)
