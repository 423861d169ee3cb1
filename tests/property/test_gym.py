"""What holds for every gym and every log: causality, truncation, and plain Python as the oracle."""

from __future__ import annotations

from datetime import timedelta

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.helpers.gym import FEES, T, asked, brute_force, log_of, member
from workbench.clock import timestamp_type
from workbench.hashing import content_hash
from workbench.worlds.gym import GymWorld
from workbench.worlds.gym_features import LOOKUP, STORED, windows

seeds = st.integers(0, 10_000)
days = st.one_of(
    st.sampled_from([-90, -60, -30, -7, 0, 7, -97, -37, -90.25, 1 / 24]),  # edges of windows
    st.integers(-110 * 24, 12 * 24).map(lambda hours: hours / 24),
)
lates = st.sampled_from([0, 0, 0.05, 1, 9, 40])
whose = st.sampled_from(["a", "b"])
plans = st.sampled_from(sorted(FEES))


def rows(**own):
    return st.lists(st.fixed_dictionaries({"item_id": whose, "at": days, "late": lates} | own), max_size=8)


logs = st.builds(
    log_of,
    members=st.tuples(
        *(
            st.builds(
                member,
                st.just(item_id),
                st.sampled_from([-400, -99.5, -30, 0, 3]),
                late=lates,
                plan=plans,
                channel=st.sampled_from(["web", "friend", "walk-in", "corporate"]),
                annual=st.integers(0, 1),
            )
            for item_id in ("a", "b")
        )
    ).map(list),
    visits=rows(),
    payments=rows(
        amount=st.sampled_from([19.9, 29.9, 0.1]), status=st.sampled_from(["paid", "failed", "disputed"])
    ),
    tickets=rows(kind=st.just("complaint")),
    plan_changes=rows(plan=plans).map(lambda moves: [m | {"monthly_fee": FEES[m["plan"]]} for m in moves]),
)


MOMENTS = (0, 7, -7, 1 / 24, -380, 40, 0)
BOTH = pa.concat_tables([asked(*MOMENTS, item_id=item_id) for item_id in ("a", "b")])


@settings(max_examples=25)
@given(logs, st.booleans())
def test_features_are_those_of_plain_python(log, known_at):
    names = (*STORED, *LOOKUP)
    found = windows(log, BOTH, known_at=known_at)
    assert found.select(BOTH.column_names).equals(BOTH)
    for row in found.to_pylist():
        expected = brute_force(log, row["item_id"], row["event_timestamp"], known_at=known_at)
        assert {name: row[name] for name in names} == pytest.approx(
            {name: expected.get(name) for name in names}, abs=1e-9
        )


@settings(max_examples=10)
@given(logs, st.sampled_from([-7, 0, 7]))
def test_what_is_recorded_later_changes_nothing(log, at):
    when = T + timedelta(days=at)
    known = {name: table.slice(0, _n_known(table, when)) for name, table in log.items()}
    now = BOTH.slice(0, 1).set_column(2, BOTH.schema.field(2), pa.array([when], timestamp_type()))
    assert windows(log, now).equals(windows(known, now))


def _n_known(table, when) -> int:
    return sum(known <= when for known in table["created_timestamp"].to_pylist())


@settings(max_examples=8)
@given(logs, st.sampled_from([-20.5, -1, 3, 7]))
def test_a_shift_asks_at_another_time(log, shift):
    shifted = windows(log, asked(0, -50), shift_days=shift).drop(["event_timestamp"])
    assert shifted.equals(windows(log, asked(shift, shift - 50)).drop(["event_timestamp"]))
    fixed = windows(log, asked(shift, -50), reference=T + timedelta(days=shift)).drop(["event_timestamp"])
    assert fixed.equals(windows(log, asked(shift, shift)).drop(["event_timestamp"]))


@settings(max_examples=8)
@given(seeds)
def test_nothing_is_recorded_before_it_happened(seed):
    world = GymWorld("tiny", seed, n_members=60)
    log = world.log()
    bounds = {r["item_id"]: [r["event_timestamp"], None] for r in log["members"].to_pylist()}
    for r in log["cancellations"].to_pylist():
        bounds[r["item_id"]][1] = r["event_timestamp"]
    for name, table in log.items():
        listed = table.to_pylist()
        order = [(r["created_timestamp"], r["event_id"]) for r in listed]
        assert order == sorted(set(order))
        assert len({r["event_id"] for r in listed}) == len(listed)
        for r in listed:
            assert r["created_timestamp"] >= r["event_timestamp"]
            joined, left = bounds[r["item_id"]]
            assert r["event_timestamp"] >= joined
            assert left is None or r["event_timestamp"] <= left or (name, r["kind"]) == ("tickets", "exit")


@settings(max_examples=4)
@given(seeds, st.permutations(["until", "truth", "log", "observations"]))
def test_the_order_of_questions_does_not_matter(seed, questions):
    world = GymWorld("tiny", seed, n_members=60)
    ask = {
        "until": lambda: world.log(world.history_end),
        "truth": world.truth,
        "log": world.log,
        "observations": lambda: world.observations(world.cutoffs, known_by=world.history_end),
    }
    for question in questions:
        ask[question]()
    again = GymWorld("tiny", seed, n_members=60)
    assert digest(world.log()) == digest(again.log())
    assert world.truth().equals(again.truth())


def digest(log) -> list[str]:
    return [content_hash(table, ["event_id"]) for table in log.values()]
