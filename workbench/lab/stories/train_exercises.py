"""The exercises of the lesson on training: the meter's arithmetic, columns that may be used, an encoding, an embargo."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from workbench.lab.lesson import Case, Exercise

if TYPE_CHECKING:
    from collections.abc import Callable


def _close(*wanted: float) -> Callable[[Any], bool]:
    """Return what judges a pair of numbers: equal but for the dust of binary fractions."""

    def judge(got: Any) -> bool:
        same = isinstance(got, (tuple, list)) and len(got) == len(wanted)
        return same and all(abs(a - b) < 1e-9 for a, b in zip(got, wanted, strict=True))

    return judge


METER: Final = Exercise(
    function="meter",
    question="Write meter(claimed, got, twin_claimed, twin_got): (excess inflation, damage)",
    cases=(
        Case("a leak that costs nothing", (0.97, 0.78, 0.76, 0.78), _close(0.21, 0.0), "The claim was a lie, and the model is as good as its honest twin"),
        Case("damage without a lie", (0.76, 0.67, 0.76, 0.78), _close(0.11, 0.11), "Damage is what the twin got less what this one got"),
        Case("drift alone", (0.80, 0.70, 0.80, 0.70), _close(0.0, 0.0), "The honest twin has the same gap: take it off, or drift looks like a leak"),
        Case("a claim that is lower than production", (0.78, 0.79, 0.75, 0.80), _close(0.04, 0.01), "The twin would have claimed 0.05 too little: the leak hides in that"),
        Case("an honest model that was unlucky", (0.70, 0.78, 0.70, 0.78), _close(0.0, 0.0), "Its own gap is luck, and the twin shares it"),
    ),
    hints=("Which part of the gap does an honest pipeline have as well?", "(claimed - got) less (twin_claimed - twin_got)", "damage = twin_got - got"),
)  # fmt: skip

_ASKED: Final = [10, 20, 30]
USABLE: Final = Exercise(
    function="usable",
    question="Complete usable(columns, asked): the columns of which every value was known when it was asked for",
    cases=(
        Case("what was known each time may be used", ({"visits": [9, 20, 30]}, _ASKED), ["visits"], "Known at the very time counts: at or before"),
        Case("what became known later in one row may not", ({"visits": [9, 20, 30], "reason": [9, 19, 31]}, _ASKED), ["visits"], "One row from the future is enough: every value must be known, not any"),
        Case("each row is compared with its own time", ({"reason": [25, 20, 30]}, _ASKED), [], "25 is before the last time asked, and after the time of its own row: compare row by row"),
        Case("a value that nobody has recorded gives nothing away", ({"reason": [None, None, 30]}, _ASKED), ["reason"], "None: there is no value, so nothing is known too early. Do not compare it"),
        Case("the order of the columns stays", ({"b": [1, 1, 1], "a": [1, 1, 1]}, _ASKED), ["b", "a"], "Keep the order that you were given"),
    ),
    hints=("The condition is about all rows of a column.", "zip the column's known-at with asked, and skip None.", "all(k is None or k <= t for k, t in zip(known, asked))"),
)  # fmt: skip

_ROWS: Final = [("a", 1), ("a", 0), ("b", 0), ("b", 0), ("a", 1), ("b", 1), ("c", 1)]
_SPLIT: Final = ["train", "train", "train", "train", "test", "test", "test"]
ENCODED: Final = Exercise(
    function="encoded",
    question="Write encoded(rows, split): for each test row, the share of 1 in its code among the training rows",
    cases=(
        Case("a code that was trained on", (_ROWS[:5], _SPLIT[:5]), [0.5], "Half of the a in training are 1. With the test row itself it would be two in three: its own label has no part in it"),
        Case("a label of the test set plays no part", (_ROWS[:6], _SPLIT[:6]), [0.5, 0.0], "The b of the test set is 1, and nobody knows that yet"),
        Case("an unknown code gets the share of all training rows", ([("a", 1), ("b", 0), ("b", 0), ("b", 0), ("c", 1)], ["train"] * 4 + ["test"]), [0.25], "c was never seen. The share of all training rows is the best guess: not 0, and not with the test row"),
        Case("test rows may stand anywhere", ([("a", 1), ("a", 1), ("a", 0)], ["test", "train", "train"]), [0.5], "Pick rows by their side, not by their place"),
        Case("a code that is all 0 in training", ([("a", 0), ("b", 1), ("a", 1)], ["train", "train", "test"]), [0.0], "0 is a share like any other: do not replace it by the share of all"),
    ),
    hints=("Which labels exist when the model is used?", "First gather the labels of the training rows by code, then go through the test rows.", "labels = by_code.get(code, every training label); sum(labels) / len(labels)"),
)  # fmt: skip

SIDES: Final = Exercise(
    function="sides",
    question="Write sides(times, border, horizon): train, embargo or test for each time",
    cases=(
        Case("the test set begins at the border", ([50, 60], 50, 30), ["test", "test"], "A row at the border belongs to the test set; nothing of the test set is thrown away"),
        Case("a row whose label is over by then is trained on", ([10, 15], 50, 30), ["train", "train"], "Its label looks at (15, 45], and that is over"),
        Case("a row whose label reaches past the border is left out", ([30, 49], 50, 30), ["embargo", "embargo"], "Its label looks at days that test rows are asked about: without an embargo the outcome is learned"),
        Case("a label that ends at the border is over", ([20], 50, 30), ["train"], "(20, 50] ends where the test set begins, and shares nothing with it"),
        Case("another horizon is another embargo", ([20, 44, 45], 50, 5), ["train", "train", "train"], "The embargo is as long as the horizon, not a fixed month"),
    ),
    hints=("When does a training row know its label?", "At time + horizon. When must that be?", "test from the border on; train where time + horizon <= border; the rest is the embargo"),
)  # fmt: skip

EXERCISES: Final[tuple[Exercise, ...]] = (METER, USABLE, ENCODED, SIDES)
