"""What holds for every seed: determinism, order of arrival, causality, flat memory."""

from __future__ import annotations

import tracemalloc
from concurrent.futures import ThreadPoolExecutor
from itertools import islice, pairwise

from hypothesis import given, settings
from hypothesis import strategies as st

from workbench.worlds.damage import SORTS
from workbench.worlds.fruit import CAMERAS, make_fruit, render
from workbench.worlds.packhouse import PackhouseWorld
from workbench.worlds.season import Dials, Season

seeds = st.integers(0, 10_000)
sizes = st.integers(8, 300)


def small(seed: int, history: int = 24, **dials) -> PackhouseWorld:
    defaults = {"production_fruit": 6, "frames": 2, "px": 16, "hostile_every": 12}
    return PackhouseWorld("tiny", seed, history_fruit=history, **defaults | dials)


@given(seeds, sizes)
def test_arrivals_ascend_and_are_all_there(seed, history):
    world = small(seed, history)
    arrivals = list(world._arrivals())
    assert len(arrivals) == world.n_captures
    assert all((a.ingested_at, a.name) < (b.ingested_at, b.name) for a, b in pairwise(arrivals))


@given(seeds, sizes)
def test_nothing_is_known_before_it_happened(seed, history):
    world = small(seed, history)
    taken = {}
    for passage in world._season:
        assert passage.delay.total_seconds() >= 1
        taken[passage.item_id] = passage.when
        if passage.bench_at is not None:
            assert not passage.production
            assert passage.when < passage.bench_at < passage.review_known_at
            assert passage.bench_delay.total_seconds() >= 1
        if not passage.production:
            assert passage.when + passage.delay < world.history_end
    assert list(taken.values()) == sorted(taken.values())
    reviews = world.reviews().to_pylist()
    assert all(taken[r["item_id"]] < r["reviewed_at"] < r["known_at"] for r in reviews)
    assert [r["known_at"] for r in reviews] == sorted(r["known_at"] for r in reviews)


@given(seeds, st.permutations(range(20)))
def test_passages_do_not_depend_on_the_order_in_which_they_are_asked_for(seed, order):
    season = Season(f"s{seed}", Dials(history_fruit=12, production_fruit=8), tuple(SORTS))
    again = {i: season.passage(i) for i in order}
    assert [again[i] for i in range(20)] == list(season)


@settings(max_examples=5)
@given(seeds)
def test_captures_are_the_same_each_time_and_in_any_thread(seed):
    first, second = small(seed), small(seed)
    captures = list(first.captures())
    assert list(second.captures()) == captures
    with ThreadPoolExecutor(3) as pool:
        assert list(pool.map(first._take, first._arrivals())) == captures


@settings(max_examples=5)
@given(seeds, st.integers(0, 40))
def test_a_sub_range_is_a_part_of_the_whole(seed, skip):
    world = small(seed)
    whole = list(world.captures())
    part = [world._take(d) for d in islice(world._arrivals(), skip, None)]
    assert part == whole[skip:]


@settings(max_examples=20)
@given(seeds, st.sampled_from(sorted(CAMERAS)), st.floats(0, 1), st.floats(0.3, 1.2))
def test_pixels_depend_on_the_key_alone(seed, camera, visible, lamp):
    def once():
        fruit = make_fruit(seed, "x", "red apple", "rot", 0.7)
        return render(seed, fruit, CAMERAS[camera], visible=visible, lamp=lamp, px=24).tobytes()

    other = make_fruit(seed + 1, "x", "red apple", "rot", 0.7)
    assert (
        once()
        == once()
        != render(seed + 1, other, CAMERAS[camera], visible=visible, lamp=lamp, px=24).tobytes()
    )


@given(seeds)
def test_truth_and_labels_agree_with_severity(seed):
    world = small(seed, 60)
    for row in world.truth().to_pylist():
        assert row["label"] in world.labels
        assert (row["label"] == "reject") == (row["severity"] > 0.4)
        assert not 0.33 < row["severity"] < 0.47
        assert (row["blemish"] == "none") == (row["severity"] == 0)


def test_a_large_world_streams_with_flat_memory():
    world = PackhouseWorld("large", captures=20_000, px=12, hostile_every=0)
    stream = world.captures()

    def peak_of(n: int) -> int:
        tracemalloc.reset_peak()
        assert sum(len(c.payload) > 0 for c in islice(stream, n)) == n
        return tracemalloc.get_traced_memory()[1]

    tracemalloc.start()
    try:
        first, second = peak_of(100), peak_of(400)
    finally:
        tracemalloc.stop()
    assert second < first + 1_000_000  # four times the captures, and less than a megabyte more


def test_what_waits_in_a_large_world_is_bounded():
    """Only fruit of the last three days wait, and they wait as plans of well under a kilobyte."""
    world = PackhouseWorld("large", captures=20_000)
    tracemalloc.start()
    try:
        n = sum(1 for _ in world._arrivals())
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert n == world.n_captures > 19_000
    assert peak < 2_000_000
