"""Solutions of lesson 08, and what people write first."""

from __future__ import annotations


def swap_or_unit(rows):
    if all((r["served_a"], r["served_b"]) == (r["b"], r["a"]) for r in rows):
        return "swap"
    ratios = {r["served_a"] / r["a"] for r in rows}
    same_b = all(r["served_b"] == r["b"] for r in rows)
    return "unit" if same_b and len(ratios) == 1 else "other"


def twins_or_burst(rows):
    train, test = ([r for r in rows if r["split"] == side] for side in ("train", "test"))
    if {r["values"] for r in train} & {r["values"] for r in test}:
        return "twins"
    return "burst" if {r["group"] for r in train} & {r["group"] for r in test} else "none"


def stale_or_window(rows):
    if all(r["served"] == r["now"] for r in rows):
        return "fine"
    return "stale" if all(r["served"] == r["week_ago"] for r in rows) else "other"


def latest_or_back_dated(rows):
    if any(r["event"] > r["asked"] for r in rows):
        return "latest"
    return "back-dated" if any(r["known"] > r["asked"] for r in rows) else "none"


SOLUTIONS = (swap_or_unit, twins_or_burst, stale_or_window, latest_or_back_dated)


def any_row(rows):
    return "swap" if any(r["served_a"] == r["b"] for r in rows) else "unit"


def smaller_is_unit(rows):
    return "swap" if all(r["served_a"] == r["b"] for r in rows) else "unit"


def values_alone(rows):
    sides = [{r["values"] for r in rows if r["split"] == side} for side in ("train", "test")]
    return "twins" if sides[0] & sides[1] else "none"


def groups_first(rows):
    sides = [{r["group"] for r in rows if r["split"] == side} for side in ("train", "test")]
    return "burst" if sides[0] & sides[1] else "none"


def anywhere(rows):
    return "twins" if len({r["values"] for r in rows}) < len(rows) else "none"


def not_now_is_stale(rows):
    return "fine" if all(r["served"] == r["now"] for r in rows) else "stale"


def any_old_row(rows):
    old = any(r["served"] == r["week_ago"] != r["now"] for r in rows)
    return "stale" if old else "fine" if all(r["served"] == r["now"] for r in rows) else "other"


def event_alone(rows):
    return "latest" if any(r["event"] > r["asked"] for r in rows) else "none"


def known_first(rows):
    return "back-dated" if any(r["known"] > r["asked"] for r in rows) else "none"


def across_rows(rows):
    return "latest" if max(r["event"] for r in rows) > min(r["asked"] for r in rows) else "none"


MISCONCEPTIONS = (
    ("swap_or_unit", any_row, "must hold in every row"),
    ("swap_or_unit", smaller_is_unit, "no common ratio"),
    ("twins_or_burst", values_alone, "comparing values alone"),
    ("twins_or_burst", groups_first, "the row itself came twice"),
    ("twins_or_burst", anywhere, "look across the split"),
    ("stale_or_window", not_now_is_stale, "neither today's nor last week's"),
    ("stale_or_window", any_old_row, "must explain every row"),
    ("latest_or_back_dated", event_alone, "comparing event times alone"),
    ("latest_or_back_dated", known_first, "ask for the event time first"),
    ("latest_or_back_dated", across_rows, "compare within each row"),
)
