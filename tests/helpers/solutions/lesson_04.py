"""Lesson 04: solutions, and for each exercise what people write instead."""

from __future__ import annotations


def as_of(rows, moment):
    """Return the value that was known at a moment."""
    usable = [row for row in rows if max(row["event"], row["known"]) <= moment]
    newest = max(usable, key=lambda row: (row["event"], row["known"]), default=None)
    return None if newest is None else newest["value"]


def as_of_newest(rows, moment):
    """Take the newest value there is."""
    del moment
    return max(rows, key=lambda row: row["event"])["value"]


def as_of_event_time(rows, moment):
    """Ask whether it was true, and not whether anybody knew."""
    usable = [row for row in rows if row["event"] <= moment]
    return max(usable, key=lambda row: row["event"])["value"] if usable else None


def as_of_strictly_before(rows, moment):
    """Leave out what was recorded at the very moment."""
    return as_of([row for row in rows if row["known"] < moment], moment)


def as_of_newest_record(rows, moment):
    """Order by the time of recording."""
    usable = [row for row in rows if max(row["event"], row["known"]) <= moment]
    return max(usable, key=lambda row: row["known"])["value"] if usable else None


def as_of_last_row(rows, moment):
    """Trust the order of the rows."""
    usable = [row for row in rows if max(row["event"], row["known"]) <= moment]
    return usable[-1]["value"] if usable else None


def visits_in(visits, t, days):
    """Count the visits of the last days before t that were recorded by t."""
    return sum(1 for event, known in visits if t - days < event <= t and known <= t)


def visits_since(visits, t, days):
    """Forget the end of the window."""
    return sum(1 for event, known in visits if event > t - days)


def visits_closed(visits, t, days):
    """Close the window on both sides."""
    return sum(1 for event, known in visits if t - days <= event <= t and known <= t)


def visits_recorded_or_not(visits, t, days):
    """Count what took place, recorded or not."""
    return sum(1 for event, known in visits if t - days < event <= t)


def visits_by_record(visits, t, days):
    """Lay the window over the times of recording."""
    return sum(1 for event, known in visits if t - days < known <= t)


def leaks(build, log, moment):
    """Return the sorted names whose features change when the log ends at the moment."""
    whole, cut = build(log), build([row for row in log if row["known"] <= moment])
    return sorted(name for name in {*whole, *cut} if whole.get(name) != cut.get(name))


def leaks_cut_by_event(build, log, moment):
    """Cut the log by event time."""
    whole, cut = build(log), build([row for row in log if row["event"] <= moment])
    return sorted(name for name in {*whole, *cut} if whole.get(name) != cut.get(name))


def leaks_of_both(build, log, moment):
    """Compare the names that both results have."""
    whole, cut = build(log), build([row for row in log if row["known"] <= moment])
    return sorted(name for name in whole if name in cut and whole[name] != cut[name])


def leaks_with_zero(build, log, moment):
    """Take 0 for who is missing."""
    whole, cut = build(log), build([row for row in log if row["known"] <= moment])
    return sorted(name for name in {*whole, *cut} if whole.get(name, 0) != cut.get(name, 0))


def leaks_strictly_before(build, log, moment):
    """Cut off what was recorded at the very moment."""
    whole, cut = build(log), build([row for row in log if row["known"] < moment])
    return sorted(name for name in {*whole, *cut} if whole.get(name) != cut.get(name))


def glue(asked, returned):
    """Return (id, feature, label) for each row that was asked for."""
    feature = dict(returned)
    return [(row_id, feature.get(row_id), label) for row_id, label in asked]


def glue_by_position(asked, returned):
    """Put both lists side by side."""
    return [(row_id, value, label) for (row_id, label), (_, value) in zip(asked, returned, strict=False)]


def glue_what_came_back(asked, returned):
    """Join what is in both."""
    feature = dict(returned)
    return [(row_id, feature[row_id], label) for row_id, label in asked if row_id in feature]


def glue_what_is_true(asked, returned):
    """Take a feature of 0 for none."""
    feature = dict(returned)
    return [(row_id, feature.get(row_id) or None, label) for row_id, label in asked]


def glue_in_the_stores_order(asked, returned):
    """Go through what came back."""
    label = dict(asked)
    return [(row_id, value, label.get(row_id)) for row_id, value in returned]


SOLUTIONS = (as_of, visits_in, leaks, glue)

MISCONCEPTIONS = (
    ("as_of", as_of_newest, "newest of all is not the newest by then"),
    ("as_of", as_of_event_time, "nobody had written it down"),
    ("as_of", as_of_strictly_before, "at or before"),
    ("as_of", as_of_newest_record, "order by event time"),
    ("as_of", as_of_last_row, "last row in the list"),
    ("visits_in", visits_since, "the future that is to be predicted"),
    ("visits_in", visits_closed, "half open"),
    ("visits_in", visits_recorded_or_not, "nobody had heard of it"),
    ("visits_in", visits_by_record, "over event times"),
    ("leaks", leaks_cut_by_event, "Cut by known, not by event"),
    ("leaks", leaks_of_both, "names of both"),
    ("leaks", leaks_with_zero, "makes them equal"),
    ("leaks", leaks_strictly_before, "keep it"),
    ("glue", glue_by_position, "somebody else's feature"),
    ("glue", glue_what_came_back, "hides the loss"),
    ("glue", glue_what_is_true, "0 is false in Python"),
    ("glue", glue_in_the_stores_order, "look it up by its id"),
)
