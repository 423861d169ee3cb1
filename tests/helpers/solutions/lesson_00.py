"""Reference solutions of lesson 00, and misconceptions that the cases must catch: never in the package."""

from __future__ import annotations


def late_rows(rows):
    return sum(row["taken"] > row["decided"] for row in rows)


def known_then(photo, decision):
    return photo["taken"] <= decision and photo["arrived"] <= decision


def as_of(photos, decision):
    known = [one for one in photos if one["taken"] <= decision and one["arrived"] <= decision]
    return max(known, key=lambda photo: photo["taken"])["name"] if known else None


def constant_accuracy(labels):
    return max(labels.count(label) for label in set(labels)) / len(labels)


def _newest(photos, key="taken"):
    return max(photos, key=lambda photo: photo[key])["name"] if photos else None


SOLUTIONS = (late_rows, known_then, as_of, constant_accuracy)

MISCONCEPTIONS = (
    (
        "late_rows",
        lambda rows: sum(row["taken"] >= row["decided"] for row in rows),
        "late means later, not equal",
    ),
    ("late_rows", lambda rows: int(any(row["taken"] > row["decided"] for row in rows)), "two late rows"),
    ("known_then", lambda photo, decision: photo["taken"] <= decision, "event time alone is not enough"),
    (
        "known_then",
        lambda photo, decision: photo["taken"] < decision and photo["arrived"] < decision,
        "at or before",
    ),
    ("as_of", lambda photos, decision: _newest(photos), "what team B joined"),
    (
        "as_of",
        lambda photos, decision: _newest([photo for photo in photos if photo["taken"] <= decision]),
        "event time alone is not enough",
    ),
    (
        "as_of",
        lambda photos, decision: _newest(
            [photo for photo in photos if known_then(photo, decision)], key="arrived"
        ),
        "still an old photo",
    ),
    (
        "as_of",
        lambda photos, decision: (
            [photo["name"] for photo in photos if known_then(photo, decision)] or [None]
        )[-1],
        "may be in any order",
    ),
    ("constant_accuracy", lambda labels: labels.count("accept") / len(labels), "not always accept"),
    (
        "constant_accuracy",
        lambda labels: 1 - min(labels.count(label) for label in set(labels)) / len(labels),
        "is another number",
    ),
)
