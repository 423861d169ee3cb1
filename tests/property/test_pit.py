"""The point-in-time join is what a loop over all rows says, whatever the rows."""

from __future__ import annotations

import random
from datetime import UTC, datetime, timedelta

import pyarrow as pa
import pyarrow.parquet as pq
from hypothesis import event, given, settings
from hypothesis import strategies as st

from workbench import pit
from workbench.clock import timestamp_type
from workbench.pit import tables

START = datetime(2025, 9, 1, tzinfo=UTC)
STEP = timedelta(microseconds=500_000)

# Few keys and few moments, so that ties, repeats and misses are common.
keys = st.sampled_from(["a", "a", "b", None])
lines = st.sampled_from([1, 1, 1, 2, None])
moments = st.sampled_from([*(START + n * STEP for n in range(9)), None])


def some(rows: st.SearchStrategy) -> st.SearchStrategy:
    """Sometimes few or none, mostly enough for something to happen."""
    return st.one_of(st.lists(rows, max_size=3), *[st.lists(rows, min_size=6, max_size=25)] * 3)


facts = some(st.tuples(keys, lines, moments, moments))
questions = some(st.tuples(keys, lines, moments))
rules = st.builds(
    pit.Rule,
    keys=st.sampled_from([[], ["item_id"], ["item_id", "line"]]),
    columns=st.just({"answer": "value"}),
    known_at=st.sampled_from(["created_timestamp", None]),
    ttl=st.sampled_from([None, timedelta(0), STEP, 2 * STEP, 2 * STEP - timedelta(microseconds=1)]),
    wait_until_known=st.booleans(),
)


def history_of(rows: list[tuple]) -> pa.Table:
    items, line, became, recorded = zip(*rows, strict=True) if rows else ([], [], [], [])
    return pa.table(
        {
            "item_id": pa.array(items, pa.string()),
            "line": pa.array(line, pa.int64()),
            "event_timestamp": pa.array(became, timestamp_type()),
            "created_timestamp": pa.array(recorded, timestamp_type()),
            # every third value is null: a null is an answer too
            "value": pa.array([None if n % 3 == 2 else n for n in range(len(rows))], pa.int64()),
        }
    )


def observations_of(rows: list[tuple]) -> pa.Table:
    items, line, when = zip(*rows, strict=True) if rows else ([], [], [])
    return pa.table(
        {
            "row_id": pa.array(range(len(rows)), pa.int64()),
            "item_id": pa.array(items, pa.string()),
            "line": pa.array(line, pa.int32()),  # narrower than in the history: still an integer
            "event_timestamp": pa.array(when, timestamp_type()),
        }
    )


@settings(max_examples=100)
@given(facts, questions, rules)
def test_as_of_is_the_brute_force(rows, asked, rule):
    history, observations = history_of(rows), observations_of(asked)
    expected = pit.brute_force(observations.to_pylist(), history.to_pylist(), rule)
    event(f"some answers: {any(p is not None for p in expected)}")
    event(f"some ties: {len({row[:1] + row[2:3] for row in rows}) < len(rows)}")
    assert pit.which(observations, history, rule).to_pylist() == expected
    found = pit.as_of(observations, history, rule)
    assert found.drop_columns("answer").equals(observations)
    values = history["value"].to_pylist()
    assert found["answer"].to_pylist() == [None if p is None else values[p] for p in expected]


@settings(max_examples=30)
@given(facts, questions, rules, st.integers(1, 25))
def test_files_answer_as_the_table_does(tmp_path_factory, rows, asked, rule, size):
    folder, history, observations = tmp_path_factory.mktemp("facts"), history_of(rows), observations_of(asked)
    for n, start in enumerate(range(0, max(len(rows), 1), size)):
        pq.write_table(history.slice(start, size), folder / f"part-{n:03}.parquet", row_group_size=4)
    assert pit.as_of(observations, folder, rule).equals(pit.as_of(observations, history, rule))


@settings(max_examples=30)
@given(facts, questions, rules, st.randoms(use_true_random=False))
def test_the_order_of_observations_changes_no_answer(rows, asked, rule, dice):
    history, observations = history_of(rows), observations_of(asked)
    order = list(range(len(asked)))
    dice.shuffle(order)
    shuffled = pit.as_of(observations.take(pa.array(order, pa.int64())), history, rule)
    assert shuffled.sort_by("row_id").equals(pit.as_of(observations, history, rule))


@settings(max_examples=30)
@given(facts, questions, rules)
def test_rows_that_cannot_be_known_yet_change_no_answer(rows, asked, rule):
    """The truncation test: cut the future off, ask again."""
    times = [when for *_, when in asked if when is not None]
    now = max(times, default=START)
    history, observations = history_of(rows), observations_of(asked)

    def is_past(became, recorded):
        late = rule.known_at and rule.wait_until_known and recorded is not None and recorded > now
        return became is not None and became <= now and not late

    kept = [n for n, (_, _, became, recorded) in enumerate(rows) if is_past(became, recorded)]
    cut = history.take(pa.array(kept, pa.int64()))
    assert pit.as_of(observations, cut, rule).equals(pit.as_of(observations, history, rule))


def test_threads_do_not_change_the_answers(monkeypatch):
    """With ties left to the join, DuckDB answers by the number of threads (15 ties in 1e7 rows were enough)."""
    dice, n_facts, n_asked = random.Random(0), 300_000, 20_000
    rule = pit.Rule(["item_id"], {"answer": "value"}, ttl=timedelta(days=2))

    def draw(n):
        items = [f"i{dice.randrange(500)}" for _ in range(n)]
        return items, [START + timedelta(minutes=dice.randrange(4_000)) for _ in range(n)]

    items, became = draw(n_facts)
    history = pa.table(
        {
            "item_id": items,
            "event_timestamp": pa.array(became, timestamp_type()),
            "created_timestamp": pa.array(became, timestamp_type()),  # so that ties are complete ties
            "value": range(n_facts),
        }
    )
    asked_items, when = draw(n_asked)
    observations = pa.table({"item_id": asked_items, "event_timestamp": pa.array(when, timestamp_type())})
    n_distinct = history.select(["item_id", "event_timestamp"]).group_by(["item_id", "event_timestamp"])
    assert n_distinct.aggregate([]).num_rows < n_facts, "no ties: the test would show nothing"

    def answers(threads):
        connect = tables.connect

        def limited():
            con = connect()
            con.execute(f"SET threads = {threads}")
            return con

        with monkeypatch.context() as patched:
            patched.setattr(pit, "connect", limited)
            return pit.which(observations, history, rule)

    assert answers(1).equals(answers(4))
