"""Lesson 07: what is right, and what is thought to be."""

from __future__ import annotations

import hashlib
import json
import random


def _sha(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def deal(lists):
    return [["test" if int(_sha(name), 16) % 4 == 0 else "train" for name in ids] for ids in lists]


def deal_by_seed(lists):
    found = []
    for ids in lists:
        dice = random.Random(0)
        found.append(["test" if dice.random() < 0.25 else "train" for _ in ids])
    return found


def deal_by_position(lists):
    return [["test" if i >= len(ids) * 3 // 4 else "train" for i in range(len(ids))] for ids in lists]


def deal_all_to_one_side(lists):
    return [["train" for _ in ids] for ids in lists]


def deal_by_share(lists):
    found = []
    for ids in lists:
        tested = {*sorted(ids, key=_sha)[: max(1, len(ids) // 4)]}
        found.append(["test" if name in tested else "train" for name in ids])
    return found


def ages(photos):
    return [(decided - taken) / 24 for taken, decided in photos]


def ages_in_hours(photos):
    return [decided - taken for taken, decided in photos]


def ages_with_one_now(photos):
    now = max((decided for _, decided in photos), default=0)
    return [(now - taken) / 24 for taken, _ in photos]


def ages_in_whole_weeks(photos):
    return [(decided - taken) // 168 for taken, decided in photos]


def two_digests(tables):
    def one(rows):
        ranked = sorted(rows, key=lambda row: row["id"])
        return _sha(repr([sorted(row.items()) for row in ranked])), _sha(repr([row["id"] for row in rows]))

    return [one(rows) for rows in tables]


def two_digests_of_the_first_rows(tables):
    return two_digests([rows[:10_000] for rows in tables])


def two_digests_in_order(tables):
    return [(_sha(repr(rows)), _sha(repr([row["id"] for row in rows]))) for rows in tables]


def two_digests_of_texts(tables):
    return two_digests([[{key: str(value) for key, value in row.items()} for row in rows] for rows in tables])


def two_digests_of_sums(tables):
    found = two_digests(tables)
    sums = [
        _sha(json.dumps([type(rows[0]["x"]).__name__, sum(float(row["x"]) for row in rows)]))
        for rows in tables
    ]
    return [(content, order) for content, (_, order) in zip(sums, found, strict=True)]


def two_digests_of_addresses(tables):
    return [(str(id(rows)), order) for rows, (_, order) in zip(tables, two_digests(tables), strict=True)]


def verdict_of(causes, moved):
    if not causes and moved == 0:
        return "IDENTICAL"
    return "EQUIVALENT" if set(causes) <= {"machine"} and moved <= 1e-6 else "DIFFERENT"


def verdict_of_result(causes, moved):
    del causes
    return "IDENTICAL" if moved == 0 else "EQUIVALENT" if moved <= 1e-6 else "DIFFERENT"


def verdict_of_causes(causes, moved):
    del moved
    return "IDENTICAL" if not causes else "EQUIVALENT" if set(causes) == {"machine"} else "DIFFERENT"


def verdict_of_bits(causes, moved):
    return "IDENTICAL" if not causes and moved == 0 else "DIFFERENT"


def verdict_of_any_machine(causes, moved):
    if "machine" in causes and moved <= 1e-6:
        return "EQUIVALENT"
    return verdict_of(causes, moved)


SOLUTIONS = (deal, ages, two_digests, verdict_of)

MISCONCEPTIONS = (
    ("deal", deal_by_seed, "A position, a shuffle"),
    ("deal", deal_by_position, "A position, a shuffle"),
    ("deal", deal_all_to_one_side, "stable, and useless"),
    ("deal", deal_by_share, "a share of the rows"),
    ("ages", ages_in_hours, "Hours are not days"),
    ("ages", ages_with_one_now, "not that of the decision"),
    ("ages", ages_in_whole_weeks, "Hours are not days"),
    ("two_digests", two_digests_of_the_first_rows, "A digest of the first rows"),
    ("two_digests", two_digests_in_order, "Content is what is there"),
    ("two_digests", two_digests_of_texts, "str() hides that"),
    ("two_digests", two_digests_of_sums, "hash whole rows"),
    ("two_digests", two_digests_of_addresses, "an address, a time"),
    ("verdict_of", verdict_of_result, "look for causes first"),
    ("verdict_of", verdict_of_causes, "A difference without a cause"),
    ("verdict_of", verdict_of_bits, "that is no fault"),
    ("verdict_of", verdict_of_any_machine, "Only a machine alone"),
)
