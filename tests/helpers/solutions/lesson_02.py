"""Solutions of lesson 02, and what people write first."""

from __future__ import annotations

from typing import Any


def settled(photos: list[dict[str, Any]]) -> dict[str, Any]:
    return {
        "clean": [p["name"] for p in photos if p["reason"] is None],
        "quarantined": {p["name"]: p["reason"] for p in photos if p["reason"] is not None},
    }


def bits_apart(one: str, two: str) -> int:
    return (int(one, 16) ^ int(two, 16)).bit_count()


def groups(fruit: list[str], near: list[tuple[int, int]]) -> list[str]:
    group = list(fruit)
    for one, two in near:
        keep, drop = sorted((group[one], group[two]), key=group.index)
        group = [keep if name == drop else name for name in group]
    return group


def bridges(rows: list[dict[str, Any]]) -> list[str]:
    sides = [{row["fruit"] for row in rows if row["split"] == side} for side in ("train", "test")]
    return sorted(sides[0] & sides[1])


SOLUTIONS = (settled, bits_apart, groups, bridges)


def drops_the_damaged(photos):
    return {"clean": [p["name"] for p in photos if p["reason"] is None], "quarantined": {}}


def by_reason(photos):
    bad = {p["reason"]: p["name"] for p in photos if p["reason"] is not None}
    return {
        "clean": [p["name"] for p in photos if p["reason"] is None],
        "quarantined": {n: r for r, n in bad.items()},
    }


def stops_at_the_first(photos):
    clean = []
    for p in photos:
        if p["reason"] is not None:
            return {"clean": clean, "quarantined": {p["name"]: p["reason"]}}
        clean.append(p["name"])
    return {"clean": clean, "quarantined": {}}


def digits(one, two):
    return sum(a != b for a, b in zip(one, two, strict=True))


def difference(one, two):
    return abs(int(one, 16) - int(two, 16))


def ids_alone(fruit, near):
    return list(fruit)


def pairs_alone(fruit, near):
    group = list(fruit)
    for one, two in near:
        group[two] = group[one]
    return group


def one_pass(fruit, near):
    group = list(fruit)
    for one, two in near:
        old, new = group[two], group[one]
        for i in range(two, len(group)):
            if group[i] == old:
                group[i] = new
    return group


def one_big_group(fruit, near):
    return [fruit[0]] * len(fruit)


def by_id(rows):
    sides = [{row["id"] for row in rows if row["split"] == side} for side in ("train", "test")]
    return sorted({row["fruit"] for row in rows if row["id"] in sides[0] & sides[1]})


def by_source(rows):
    sides = [{row["source"] for row in rows if row["split"] == side} for side in ("train", "test")]
    return sorted({row["fruit"] for row in rows if row["source"] in sides[0] & sides[1]})


def with_embargo(rows):
    train = {row["fruit"] for row in rows if row["split"] == "train"}
    return sorted(train & {row["fruit"] for row in rows if row["split"] != "train"})


def every_variant(rows):
    return sorted({row["fruit"] for row in rows if row["id"] != row["source"]} | set(bridges(rows)))


MISCONCEPTIONS = (
    ("settled", drops_the_damaged, "without a word"),
    ("settled", by_reason, "it is the photo that is set aside"),
    ("settled", stops_at_the_first, "no cause to stop"),
    ("bits_apart", digits, "counting the digits"),
    ("bits_apart", difference, "a hash is no quantity"),
    ("groups", ids_alone, "Ids do not tell"),
    ("groups", pairs_alone, "all frames of both fruit"),
    ("groups", one_pass, "whole groups"),
    ("groups", one_big_group, "nothing to test on"),
    ("bridges", by_id, "comparing ids finds nothing"),
    ("bridges", by_source, "comparing sources finds nothing"),
    ("bridges", with_embargo, "they bridge nothing"),
    ("bridges", every_variant, "copies on one side are no leak"),
)
