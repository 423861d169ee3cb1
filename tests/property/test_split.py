"""The split by time and group: what must hold whatever the rows are."""

from __future__ import annotations

import random
from collections import defaultdict
from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from workbench.stages.dataset import split_by_time

T0 = datetime(2025, 9, 1, 6, tzinfo=UTC)
rows_of = st.lists(
    st.tuples(st.integers(0, 30).map(lambda g: f"fruit-{g:02d}"), st.integers(0, 14 * 86_400)),
    min_size=1,
    max_size=150,
)


def unpack(rows: list[tuple[str, int]]) -> tuple[list[str], list[datetime]]:
    """Return groups and times."""
    return [group for group, _ in rows], [T0 + timedelta(seconds=s) for _, s in rows]


@given(rows_of, st.floats(0, 86_400), st.integers(0, 2**32))
def test_the_order_of_rows_does_not_matter(rows: list[tuple[str, int]], embargo_s: float, seed: int) -> None:
    """Shuffled rows get the same role each."""
    groups, times = unpack(rows)
    splits, embargo = split_by_time(groups, times, embargo_s)
    order = list(range(len(rows)))
    random.Random(seed).shuffle(order)
    again, embargo_again = split_by_time([groups[i] for i in order], [times[i] for i in order], embargo_s)
    assert again == [splits[i] for i in order]
    assert embargo == embargo_again


@given(rows_of, st.floats(0, 86_400))
def test_groups_stay_whole_and_sets_follow_each_other(rows: list[tuple[str, int]], embargo_s: float) -> None:
    """No group on two sides; every earlier row is an embargo away from the next set."""
    groups, times = unpack(rows)
    splits, embargo = split_by_time(groups, times, embargo_s)
    roles = defaultdict(set)
    for group, split in zip(groups, splits, strict=True):
        roles[group].add(split)
    assert all(len(role) == 1 for role in roles.values())
    when = defaultdict(list)
    for time, split in zip(times, splits, strict=True):
        when[split].append(time)
    for earlier, later in (("train", "validation"), ("train", "test"), ("validation", "test")):
        if when[earlier] and when[later]:
            assert max(when[earlier]) <= min(when[later]) - embargo


@given(rows_of)
def test_the_embargo_is_bounded_by_the_span(rows: list[tuple[str, int]]) -> None:
    """A year of embargo on an afternoon of photos would leave nothing: 2 % of the span is the most."""
    groups, times = unpack(rows)
    _, embargo = split_by_time(groups, times, 365 * 86_400)
    assert embargo <= (max(times) - min(times)) * 0.02


def test_a_hundred_groups_are_shared_out_60_15_25() -> None:
    """The newest quarter is the test set, the 15 % before it the validation set."""
    groups = [f"g{i:03d}" for i in range(100)]
    splits, _ = split_by_time(groups, [T0 + timedelta(hours=i) for i in range(100)], 0)
    assert splits == ["train"] * 60 + ["validation"] * 15 + ["test"] * 25


def test_a_row_in_the_embargo_is_used_nowhere() -> None:
    """An hour's embargo takes the groups of the hour before each border."""
    groups = [f"g{i:04d}" for i in range(1000)]
    splits, embargo = split_by_time(groups, [T0 + timedelta(minutes=10 * i) for i in range(1000)], 3600)
    assert embargo == timedelta(hours=1)
    assert splits.count("embargo") == 2 * 5
    assert splits[594] == "train"
    assert splits[595:600] == ["embargo"] * 5
