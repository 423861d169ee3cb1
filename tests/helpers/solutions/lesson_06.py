"""Lesson 06: solutions, and functions that hold a misconception each."""

from __future__ import annotations


def share_called(own, served):
    threshold = sorted(own)[len(own) - len(own) // 10 - 1]
    return sum(score > threshold for score in served) / len(served)


def with_time_to_live(value, age_days, limit_days):
    return value if age_days is not None and age_days <= limit_days else None


def _differs(a, b):
    if a is None or b is None:
        return a is not b
    return abs(a - b) > 1e-6 * abs(a)


def worst_column(offline, online, *, differs=_differs, both=False):
    keys = {*offline} & {*online} if both else {*offline, *online}
    columns = {column for side in (offline, online) for row in side.values() for column in row}

    def apart(key, column):
        if key not in offline or key not in online:
            return True
        return differs(offline[key][column], online[key][column])

    return max(sum(apart(key, column) for key in keys) / len(keys) for column in columns)


def filled_by_increments(rows, ends, *, newest=lambda row: row[:2]):
    taken, last = [], float("-inf")
    for end in ends:
        taken += [row for row in rows if last < row[0] <= end and row[1] <= end]
        last = end
    return max(taken, key=newest)[2] if taken else None


SOLUTIONS = (share_called, with_time_to_live, worst_column, filled_by_increments)


def threshold_of_the_served(own, served):
    del own
    return share_called(served, served)


def a_tenth(own, served):
    del own, served
    return 0.1


def false_is_nothing(value, age_days, limit_days):
    return value if value and age_days is not None and age_days <= limit_days else None


def expired_is_zero(value, age_days, limit_days):
    return (value or 0.0) if age_days is not None and age_days <= limit_days else 0.0


def present_is_enough(value, age_days, limit_days):
    del age_days, limit_days
    return value


def strictly_younger(value, age_days, limit_days):
    return value if age_days is not None and age_days < limit_days else None


def unknown_age_is_fresh(value, age_days, limit_days):
    return value if (age_days or 0) <= limit_days else None


def means(offline, online):
    def mean(side, column):
        return sum(row[column] or 0.0 for row in side.values()) / len(side)

    columns = next(iter(offline.values()))
    return float(any(_differs(mean(offline, column), mean(online, column)) for column in columns))


def exactly(offline, online):
    return worst_column(offline, online, differs=lambda a, b: a != b)


def null_is_zero(offline, online):
    return worst_column(offline, online, differs=lambda a, b: _differs(a or 0.0, b or 0.0))


def who_is_there(offline, online):
    return worst_column(offline, online, both=True)


def whole_span(rows, ends):
    taken = [row for row in rows if row[0] <= ends[-1] and row[1] <= ends[-1]]
    return max(taken, key=lambda row: row[:2])[2] if taken else None


def known_first(rows, ends):
    return filled_by_increments(rows, ends, newest=lambda row: (row[1], row[0]))


def file_order(rows, ends):
    return filled_by_increments(rows, ends, newest=rows.index)


def ignores_arrival(rows, ends):
    return filled_by_increments([(event, event, value) for event, _, value in rows], ends)


MISCONCEPTIONS = (
    ("share_called", threshold_of_the_served, "where the test set put it"),
    ("share_called", a_tenth, "Nobody reaches the threshold"),
    ("with_time_to_live", false_is_nothing, "0 is a value"),
    ("with_time_to_live", expired_is_zero, "What nobody knows is null"),
    ("with_time_to_live", present_is_enough, "Feast answers NULL offline"),
    ("with_time_to_live", strictly_younger, "whose age equals"),
    ("with_time_to_live", unknown_age_is_fresh, "cannot be shown to be fresh"),
    ("worst_column", means, "Compare the cells of one key"),
    ("worst_column", exactly, "nobody is harmed"),
    ("worst_column", null_is_zero, "None must not become 0"),
    ("worst_column", who_is_there, "missing on one side"),
    ("filled_by_increments", whole_span, "no run ever takes it"),
    ("filled_by_increments", known_first, "not the arrival"),
    ("filled_by_increments", file_order, "not the arrival"),
    ("filled_by_increments", ignores_arrival, "no run ever takes it"),
)
