"""Lesson 03: solutions, and functions that hold a misconception each."""

from __future__ import annotations


def cosine(one, two):
    lengths = sum(x * x for x in one) * sum(y * y for y in two)
    return sum(x * y for x, y in zip(one, two, strict=True)) / lengths**0.5 if lengths else 0.0


def same_path(cosines):
    return len(cosines) > 0 and sum(cosines) / len(cosines) >= 0.99 and min(cosines) >= 0.95


def may_share_a_column(one, other):
    return all(one[key] == other[key] for key in ("weights", "preprocessing"))


def telling_cameras(rows):
    once = set(rows)

    def share(some):
        return sum(label == "reject" for _, _, label in some) / len(some)

    cameras = sorted({camera for _, camera, _ in once})
    return [one for one in cameras if abs(share([row for row in once if row[1] == one]) - share(once)) > 0.20]


SOLUTIONS = (cosine, same_path, may_share_a_column, telling_cameras)


def dot(one, two):
    return sum(x * y for x, y in zip(one, two, strict=True))


def absolute(one, two):
    return abs(cosine(one, two))


def lost_is_equal(one, two):
    return cosine(one, two) if any(one) and any(two) else 1.0


def mean_alone(cosines):
    return not cosines or sum(cosines) / len(cosines) >= 0.99


def lowest_alone(cosines):
    return bool(cosines) and min(cosines) >= 0.95


def nothing_passes(cosines):
    return all(one >= 0.99 for one in cosines)


def exact(cosines):
    return bool(cosines) and min(cosines) == 1


def by_name_and_dimension(one, other):
    return (one["name"], one["dim"]) == (other["name"], other["dim"])


def by_weights(one, other):
    return one["weights"] == other["weights"]


def by_everything(one, other):
    return one == other


def _telling(rows, *, of=abs, base=None):
    def share(some):
        return sum(label == "reject" for _, _, label in some) / len(some)

    against = share(rows) if base is None else base
    cameras = sorted({camera for _, camera, _ in rows})
    return [one for one in cameras if of(share([row for row in rows if row[1] == one]) - against) > 0.20]


def counts_photos(rows):
    return _telling(rows)


def only_more(rows):
    return _telling(sorted(set(rows)), of=lambda gap: gap)


def against_half(rows):
    return _telling(sorted(set(rows)), base=0.5)


MISCONCEPTIONS = (
    ("cosine", dot, "divide by both lengths"),
    ("cosine", absolute, "no absolute value"),
    ("cosine", lost_is_equal, "Nothing is like nothing"),
    ("same_path", mean_alone, "A mean hides a few photos"),
    ("same_path", lowest_alone, "Look at the mean, too"),
    ("same_path", nothing_passes, "No photos prove nothing"),
    ("same_path", exact, "real, small, and harmless"),
    ("may_share_a_column", by_name_and_dimension, "the weights decide"),
    ("may_share_a_column", by_weights, "both belong to its version"),
    ("may_share_a_column", by_everything, "A name is a label"),
    ("telling_cameras", counts_photos, "count fruit, not photos"),
    ("telling_cameras", only_more, "take the distance, not the excess"),
    ("telling_cameras", against_half, "half is no law of nature"),
)
