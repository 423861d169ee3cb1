"""What the gym delivers, and the job that computes its features every Monday."""

from __future__ import annotations

import io
from datetime import timedelta
from itertools import pairwise

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest

from tests.helpers.gym import DAY, T, log_of, member
from workbench.worlds.gym import GymWorld
from workbench.worlds.gym_deliveries import EVERY, DeliveryProblem, count, deliveries, schema_of, unpack
from workbench.worlds.gym_features import STORED, windows
from workbench.worlds.gym_jobs import CORRECTED_AFTER, MONDAYS, WEEK, feature_rows, fingerprint
from workbench.worlds.gym_season import TABLES


@pytest.fixture(scope="module")
def world() -> GymWorld:
    return GymWorld("tiny", 3)


@pytest.fixture(scope="module")
def log(world):
    return world.log()


# -- deliveries --------------------------------------------------------------------------------------------------


def test_all_rows_are_delivered_once_after_they_were_recorded(log):
    found = {name: [schema_of(name).empty_table()] for name in TABLES}
    names, last = [], None
    for capture in deliveries(log):
        rows = unpack(capture.station, capture.payload)
        recorded = rows["created_timestamp"]
        assert capture.ingested_at - EVERY < pc.max(recorded).as_py() <= capture.ingested_at
        assert last is None or last <= capture.ingested_at
        last = capture.ingested_at
        names.append(capture.name)
        found[capture.station].append(rows)
    assert len(names) == len(set(names)) == count(log) > 100
    for name in TABLES:
        assert pa.concat_tables(found[name]).equals(log[name]), name


def test_an_export_is_due_at_every_cutoff(world, log):
    arrived = {capture.ingested_at for capture in deliveries(log)}
    assert {*world.cutoffs, *world.production_cutoffs} <= arrived


def test_the_world_says_how_many_captures_come(world):
    assert world.n_captures == len(list(world.captures()))
    assert world.reviews().num_rows == 0


def packed(rows: pa.Table) -> bytes:
    buffer = io.BytesIO()
    pq.write_table(rows, buffer)
    return buffer.getvalue()


def visits() -> pa.Table:
    return log_of(members=[member()], visits=[{"item_id": "a", "at": -2}, {"item_id": "a", "at": -1}])[
        "visits"
    ]


@pytest.mark.parametrize(
    ("spoil", "reason"),
    [
        (lambda _: b"PAR1 and nothing else", "unreadable"),
        (lambda rows: packed(rows)[:-20], "unreadable"),
        (lambda rows: packed(rows.drop_columns(["partner_club"])), "wrong_columns"),
        (lambda rows: packed(rows.rename_columns([*rows.column_names[:-1], "partner"])), "wrong_columns"),
        (lambda rows: packed(rows.set_column(4, "partner_club", pa.array(["no", "no"]))), "wrong_columns"),
        (lambda rows: packed(rows.set_column(1, "item_id", pa.array(["a", None]))), "missing_values"),
        (lambda rows: packed(rows.take([0, 0])), "repeated_rows"),
    ],
    ids=["no parquet", "cut short", "a column less", "another name", "another type", "no key", "twice"],
)
def test_what_is_no_delivery_is_named(spoil, reason):
    assert unpack("visits", packed(visits())).num_rows == 2
    with pytest.raises(DeliveryProblem) as caught:
        unpack("visits", spoil(visits()))
    assert caught.value.reason == reason
    assert caught.value.detail


# -- the feature job ---------------------------------------------------------------------------------------------


def test_the_job_runs_on_every_cutoff(world):
    assert {*world.cutoffs, *world.production_cutoffs} <= set(MONDAYS)
    assert {monday.weekday() for monday in MONDAYS} == {0}
    assert {b - a for a, b in pairwise(MONDAYS)} == {WEEK}
    assert len(fingerprint()) == 64


def test_a_first_row_knows_nothing_that_was_recorded_later(world, log):
    monday = world.cutoffs[5]
    whole = feature_rows(log, [monday], corrected_until=monday)
    cut = feature_rows(world.log(until=monday), [monday], corrected_until=monday)
    assert whole.num_rows > 100
    assert whole.equals(cut)
    assert whole["created_timestamp"].equals(whole["event_timestamp"])
    asked = whole.select(["item_id", "event_timestamp"])
    by_hand = windows(world.log(until=monday), asked)
    for name in STORED:
        assert whole[name].equals(by_hand[name]), name


def test_a_correction_has_the_old_event_time_and_knows_what_came_late(world, log):
    monday = world.cutoffs[5]
    later = monday + CORRECTED_AFTER
    rows = feature_rows(log, [monday], corrected_until=later)
    corrected = rows.filter(pc.greater(rows["created_timestamp"], rows["event_timestamp"]))
    assert 0 < corrected.num_rows < rows.num_rows / 2
    assert set(corrected["created_timestamp"].to_pylist()) == {later}
    by_hand = windows(
        world.log(until=later), corrected.select(["item_id", "event_timestamp"]), known_at=False
    )
    for name in STORED:
        assert corrected[name].equals(by_hand[name]), name
    before = feature_rows(log, [monday], corrected_until=later - timedelta(seconds=1))
    assert before.num_rows == rows.num_rows - corrected.num_rows


def test_what_is_not_changed_is_not_corrected():
    late = {"item_id": "a", "at": -3, "late": 10}
    quiet = log_of(members=[member("a"), member("b")], visits=[{"item_id": "b", "at": -3}, late])
    rows = feature_rows(quiet, [T], corrected_until=T + 60 * DAY)
    assert [(row["item_id"], row["visits_7d"]) for row in rows.to_pylist()] == [("a", 0), ("a", 1), ("b", 1)]
