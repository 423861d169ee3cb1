"""Lesson 05: solutions, and for each exercise what people write instead."""

from __future__ import annotations


def meter(claimed, got, twin_claimed, twin_got):
    """Return excess inflation and damage."""
    return (claimed - got) - (twin_claimed - twin_got), twin_got - got


def meter_without_twin(claimed, got, twin_claimed, twin_got):
    """Take the whole gap for inflation."""
    del twin_claimed
    return claimed - got, twin_got - got


def meter_damage_is_the_gap(claimed, got, twin_claimed, twin_got):
    """Take the gap for the damage as well."""
    return (claimed - got) - (twin_claimed - twin_got), claimed - got


def meter_against_the_twins_claim(claimed, got, twin_claimed, twin_got):
    """Compare the two claims alone."""
    return claimed - twin_claimed, twin_got - got


def usable(columns, asked):
    """Return the columns of which every value was known when asked for."""
    return [
        name
        for name, known in columns.items()
        if all(k is None or k <= t for k, t in zip(known, asked, strict=True))
    ]


def usable_once(columns, asked):
    """Be content with one row."""
    return [
        name
        for name, known in columns.items()
        if any(k is None or k <= t for k, t in zip(known, asked, strict=True))
    ]


def usable_by_the_end(columns, asked):
    """Compare with the last time that is asked for."""
    return [name for name, known in columns.items() if all(k is None or k <= max(asked) for k in known)]


def usable_strictly(columns, asked):
    """Leave out what was known at the very time."""
    return [
        name
        for name, known in columns.items()
        if all(k is None or k < t for k, t in zip(known, asked, strict=True))
    ]


def usable_if_filled(columns, asked):
    """Refuse a column with gaps."""
    return [
        name
        for name, known in columns.items()
        if all(k is not None and k <= t for k, t in zip(known, asked, strict=True))
    ]


def usable_sorted(columns, asked):
    """Sort the names."""
    return sorted(usable(columns, asked))


def encoded(rows, split):
    """Return the share of each test row's code among the training rows."""
    trained = [row for row, side in zip(rows, split, strict=True) if side == "train"]
    found = []
    for (code, _), side in zip(rows, split, strict=True):
        if side == "test":
            labels = [label for other, label in trained if other == code] or [label for _, label in trained]
            found.append(sum(labels) / len(labels))
    return found


def encoded_on_all_rows(rows, split):
    """Use the labels of the test rows, too."""
    found = []
    for (code, _), side in zip(rows, split, strict=True):
        if side == "test":
            labels = [label for other, label in rows if other == code]
            found.append(sum(labels) / len(labels))
    return found


def encoded_unknown_is_zero(rows, split):
    """Give an unknown code 0."""
    trained = [row for row, side in zip(rows, split, strict=True) if side == "train"]
    found = []
    for (code, _), side in zip(rows, split, strict=True):
        if side == "test":
            labels = [label for other, label in trained if other == code] or [0]
            found.append(sum(labels) / len(labels))
    return found


def encoded_zero_is_unknown(rows, split):
    """Take a share of 0 for no share."""
    trained = [label for (_, label), side in zip(rows, split, strict=True) if side == "train"]
    return [share or sum(trained) / len(trained) for share in encoded(rows, split)]


def encoded_by_place(rows, split):
    """Take the first rows for the training rows."""
    n = split.count("train")
    return encoded(rows, ["train"] * n + ["test"] * (len(rows) - n))


def sides(times, border, horizon):
    """Return train, embargo or test."""
    return ["test" if t >= border else "train" if t + horizon <= border else "embargo" for t in times]


def sides_without_embargo(times, border, horizon):
    """Split at one date."""
    del horizon
    return ["test" if t >= border else "train" for t in times]


def sides_embargo_in_the_test_set(times, border, horizon):
    """Take the embargo out of the test set."""
    return ["test" if t >= border + horizon else "embargo" if t >= border else "train" for t in times]


def sides_strictly(times, border, horizon):
    """Leave out a label that ends at the border."""
    return ["test" if t >= border else "train" if t + horizon < border else "embargo" for t in times]


def sides_a_month(times, border, horizon):
    """Leave a month, whatever the horizon."""
    del horizon
    return sides(times, border, 30)


SOLUTIONS = (meter, usable, encoded, sides)

MISCONCEPTIONS = (
    ("meter", meter_without_twin, "take it off"),
    ("meter", meter_damage_is_the_gap, "as good as its honest twin"),
    ("meter", meter_against_the_twins_claim, "Damage is what the twin got"),
    ("usable", usable_once, "every value must be known"),
    ("usable", usable_by_the_end, "row by row"),
    ("usable", usable_strictly, "at or before"),
    ("usable", usable_if_filled, "nothing is known too early"),
    ("usable", usable_sorted, "Keep the order"),
    ("encoded", encoded_on_all_rows, "its own label has no part"),
    ("encoded", encoded_unknown_is_zero, "never seen"),
    ("encoded", encoded_zero_is_unknown, "a share like any other"),
    ("encoded", encoded_by_place, "not by their place"),
    ("sides", sides_without_embargo, "the outcome is learned"),
    ("sides", sides_embargo_in_the_test_set, "nothing of the test set is thrown away"),
    ("sides", sides_strictly, "shares nothing with it"),
    ("sides", sides_a_month, "as long as the horizon"),
)
