"""The gym: its log, who is observed, what the windows say at their edges, and what can be learnt."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import pairwise

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pytest

from tests.helpers.gym import T, asked, log_of, member
from workbench.clock import timestamp_type
from workbench.errors import DatasetError, SettingsError
from workbench.hashing import content_hash, sha256_texts
from workbench.worlds import open_gym, open_world
from workbench.worlds.gym import GymWorld, observations
from workbench.worlds.gym_dials import GymDials
from workbench.worlds.gym_features import COLUMNS, LOOKUP, ON_DEMAND, STORED, trend, windows, with_on_demand

HORIZON = timedelta(days=30)


@pytest.fixture(scope="module")
def world():
    return GymWorld("tiny", seed=0)


@pytest.fixture(scope="module")
def log(world):
    return world.log()


def digest(log) -> str:
    return sha256_texts(content_hash(table, ["event_id"]) for table in log.values())


def one(log, at=0.0, **how) -> dict:
    return windows(log, asked(at), **how).to_pylist()[0]


# -- the log -------------------------------------------------------------------------------------


def test_the_seed_decides_everything(log):
    assert digest(log) == digest(GymWorld("tiny", seed=0).log())
    assert digest(log) != digest(GymWorld("tiny", seed=1).log())


def test_the_log_is_still_that_of_this_version(log):
    """If this changes, raise `_VERSION` in gym.py: old workspaces differ from their world."""
    assert digest(log)[:16] == "88f617cbf0f68c5c"


def test_every_row_has_a_name_two_times_and_a_place(log):
    assert list(log) == ["members", "visits", "payments", "tickets", "plan_changes", "cancellations"]
    for name, table in log.items():
        assert table.num_rows, name
        assert table.column_names[:4] == ["event_id", "item_id", "event_timestamp", "created_timestamp"]
        assert table.schema.field("event_timestamp").type == timestamp_type()
        assert table.schema.field("created_timestamp").type == timestamp_type()
        assert sum(column.null_count for column in table.columns) == 0
    assert log["members"].num_rows == 400
    assert log["members"]["item_id"].to_pylist() != sorted(log["members"]["item_id"].to_pylist())


def test_until_keeps_exactly_what_was_recorded(world, log):
    moment = log["visits"]["created_timestamp"][1000].as_py()
    known = world.log(until=moment)
    for name, table in log.items():
        assert known[name].equals(table.filter(pc.less_equal(table["created_timestamp"], moment)))
    assert known["visits"]["created_timestamp"][-1].as_py() == moment
    assert world.log(until=datetime(2010, 1, 1, tzinfo=UTC))["visits"].num_rows == 0


def test_a_naive_time_is_refused(world):
    with pytest.raises(SettingsError, match="no time zone"):
        world.log(datetime(2024, 1, 1))  # noqa: DTZ001


def test_a_number_in_a_name_says_nothing_about_later_rows(world, log):
    known = world.log(until=world.history_end)["payments"]
    counts = known.group_by("item_id").aggregate([("event_id", "max"), ("event_id", "count")]).to_pylist()
    assert all(int(r["event_id_max"][-5:]) == r["event_id_count"] - 1 for r in counts)


def test_only_disputes_are_dated_back_by_weeks_and_partner_visits_by_days(log):
    for name, table in log.items():
        late = (table.to_pandas()["created_timestamp"] - table.to_pandas()["event_timestamp"]).dt.days
        if name not in {"payments", "visits"}:
            assert late.max() <= 2
    visits = log["visits"].to_pandas()
    late = visits["created_timestamp"] - visits["event_timestamp"]
    assert late[~visits["partner_club"]].max() < timedelta(hours=1)
    assert late[visits["partner_club"]].mean() > timedelta(days=6)
    payments = log["payments"].to_pandas()
    late = payments["created_timestamp"] - payments["event_timestamp"]
    assert late[payments["status"] != "disputed"].max() == timedelta(hours=1)
    left = log["cancellations"].to_pandas().set_index("item_id")["event_timestamp"]
    after = payments["created_timestamp"] > payments["item_id"].map(left)
    dated_back = payments[(payments["status"] == "disputed") & after]
    assert len(dated_back) > 50
    assert (dated_back["created_timestamp"] - dated_back["event_timestamp"]).max() > timedelta(days=14)


def test_chargeback_0_dates_nothing_back_after_the_end():
    log = GymWorld("tiny", 0, chargeback=0.0, base_dispute=0.0).log()
    assert not pc.any(pc.equal(log["payments"]["status"], "disputed")).as_py()


def test_plan_changes_hang_together(log):
    plans = {r["item_id"]: r["plan"] for r in log["members"].to_pylist()}
    fees = {"basic": 19.9, "plus": 29.9, "premium": 49.9}
    for r in sorted(log["plan_changes"].to_pylist(), key=lambda r: r["event_timestamp"]):
        assert r["previous_plan"] == plans[r["item_id"]] != r["plan"]
        assert r["monthly_fee"] == fees[r["plan"]]
        plans[r["item_id"]] = r["plan"]
    amounts = log["payments"].to_pandas().groupby("item_id")["amount"].nunique()
    assert set(amounts[amounts > 1].index) <= set(log["plan_changes"]["item_id"].to_pylist())
    assert (amounts > 1).any()


def test_no_plan_moves_no_changes():
    assert GymWorld("tiny", 0, plan_moves=0.0).log()["plan_changes"].num_rows == 0


# -- the world -----------------------------------------------------------------------------------


def test_the_clock_of_the_world(world):
    times = (*world.cutoffs, *world.production_cutoffs)
    assert len(world.cutoffs) == 14
    assert len(world.production_cutoffs) == 6
    assert all(b - a in {timedelta(days=28), timedelta(days=56)} for a, b in pairwise(times))
    assert world.cutoffs[-1] + HORIZON < world.history_end < world.production_cutoffs[0]
    assert world.cutoffs[0] == datetime(2023, 5, 8, tzinfo=UTC)


def test_a_fingerprint_is_cheap_and_different_for_another_gym():
    worlds = [GymWorld("large"), GymWorld("tiny"), GymWorld("tiny", 1), GymWorld("tiny", chargeback=0.1)]
    assert len({w.fingerprint for w in worlds}) == 4
    assert not any("_everything" in vars(w) for w in worlds)
    assert GymWorld("lesson").dials == GymDials()


@pytest.mark.parametrize(
    ("dials", "says"),
    [
        ({"charge_back": 0.5}, "did you mean 'chargeback'"),
        ({"xyz": 1}, "choose from: n_members"),
        ({"chargeback": 1.5}, "from 0 to 1"),
        ({"notice_days": 0.0}, "notice_days=0.0"),
        ({"n_members": 0}, "n_members=0"),
        ({"dormant": float("nan")}, "dormant=nan"),
    ],
)
def test_what_is_no_gym_is_refused(dials, says):
    with pytest.raises(SettingsError) as caught:
        GymWorld("tiny", **dials)
    assert says in str(caught.value)


def test_worlds_are_opened_by_name():
    assert open_gym("tiny", 3, chargeback=0.2).dials.chargeback == 0.2
    with pytest.raises(SettingsError, match="no size 'huge'"):
        open_gym("huge")
    opened = open_world("gym", size="tiny", seed=3, dials={"chargeback": 0.2})
    assert opened.fingerprint == open_gym("tiny", 3, chargeback=0.2).fingerprint
    with pytest.raises(SettingsError, match="no world 'gim'"):
        open_world("gim")


def test_one_in_twenty_leaves():
    shares = []
    for seed in range(3):
        world = GymWorld("tiny", seed, n_members=800)
        seen = world.observations(world.cutoffs, known_by=world.history_end)
        shares += [share(seen), share(world.truth())]
    assert 0.04 < np.mean(shares) < 0.07
    assert all(0.03 < s < 0.09 for s in shares)


def share(table) -> float:
    return pc.mean(pc.equal(table["label"], "leaves").cast(pa.float64())).as_py()


def test_more_notice_and_less_engagement_do_what_their_dials_say():
    """Few visits in the last 30 days go with leaving, and hardly so when nobody gives notice."""

    def gap(**dials) -> float:
        world = GymWorld("tiny", 0, n_members=1500, **dials)
        seen = windows(world.log(), world.observations(world.cutoffs, known_by=world.history_end))
        visits = seen.to_pandas().groupby("label")["visits_30d"].mean()
        return 1 - visits["leaves"] / visits["stays"]

    assert gap() > 0.3
    assert abs(gap(notice_days=0.1, b_engage=0.0)) < 0.12


def test_sleepers_are_what_is_missing():
    def missing(dormant: float) -> float:
        world = GymWorld("tiny", 0, dormant=dormant)
        seen = windows(world.log(), world.truth())
        return seen["days_since_visit"].null_count / seen.num_rows

    assert missing(0.0) < 0.01
    assert missing(0.3) > 0.04


def test_drift_begins_after_the_history(world, log):
    other = GymWorld("tiny", 0, drift_effect=2.0)
    known, same = other.log(world.history_end), world.log(world.history_end)
    assert all(known[name].equals(same[name]) for name in known)
    assert other.log()["cancellations"].num_rows > 1.1 * log["cancellations"].num_rows


# -- observations --------------------------------------------------------------------------------


def seen_at(log, *times, known_by=T + timedelta(days=60)) -> dict:
    return {r["row_id"]: r for r in observations(log, times, horizon=HORIZON, known_by=known_by).to_pylist()}


def gone(item_id: str, at: float, late: float = 0.5) -> dict:
    return {"item_id": item_id, "at": at, "late": late, "reason_for_cancellation": "other"}


def test_who_has_joined_long_ago_and_is_not_known_to_have_gone_is_observed():
    log = log_of(
        members=[
            member("new", -29.9),
            member("just", -30),
            member("left"),
            member("unseen"),
            member("typed", -31, late=40),
        ],
        cancellations=[gone("left", -3, late=3), gone("unseen", -3, late=3.01)],
    )
    assert set(seen_at(log, T)) == {"just@20240101", "unseen@20240101"}


@pytest.mark.parametrize(
    ("at", "late", "label"),
    [
        (0, 1, "stays"),
        (0.001, 1, "leaves"),
        (30, 1, "leaves"),
        (30.001, 1, "stays"),
        (20, 40, "leaves"),
        (20, 40.1, "stays"),
    ],
)
def test_a_label_says_what_happens_within_the_horizon(at, late, label):
    log = log_of(members=[member()], cancellations=[gone("a", at, late)])
    row = seen_at(log, T)["a@20240101"]
    assert row["label"] == label
    later = T + timedelta(days=at) + timedelta(days=late)
    assert row["label_known_at"] == (later if label == "leaves" else T + HORIZON)


def test_rows_are_named_once_sorted_and_stable():
    log = log_of(members=[member("a"), member("b")])
    noon = T + timedelta(hours=12)
    table = observations(log, [noon, T, noon], horizon=HORIZON, known_by=noon)
    assert table["row_id"].to_pylist() == sorted(table["row_id"].to_pylist())
    assert table["row_id"].to_pylist() == [
        "a@20240101",
        "a@20240101T120000000000",
        "b@20240101",
        "b@20240101T120000000000",
    ]
    assert table.schema.field("event_timestamp").type == timestamp_type()
    assert table.schema.field("label_known_at").type == timestamp_type()


def test_an_unripe_label_is_known_later_than_now(world):
    seen = world.observations([world.history_end], known_by=world.history_end)
    assert set(seen["label"].to_pylist()) == {"stays"}
    assert pc.min(seen["label_known_at"]).as_py() > world.history_end


def test_history_labels_are_ripe_and_true(world):
    """Nothing that is recorded after the history can change them."""
    at_the_end = world.observations(world.cutoffs, known_by=world.history_end)
    much_later = world.observations(world.cutoffs, known_by=world.production_cutoffs[-1])
    assert at_the_end.equals(much_later)
    assert pc.max(at_the_end["label_known_at"]).as_py() <= world.history_end


def test_truth_knows_what_production_does_not(world):
    t = world.production_cutoffs[0]
    blind = world.observations([t], known_by=t)
    truth = world.truth()
    now = truth.filter(pc.equal(truth["event_timestamp"], t))
    assert set(now["label"].to_pylist()) == {"stays", "leaves"}
    assert now["row_id"].equals(blind["row_id"])
    assert set(truth["event_timestamp"].to_pylist()) == set(world.production_cutoffs)


def test_observations_that_cannot_be_are_refused(log):
    with pytest.raises(SettingsError, match="no times"):
        observations(log, [], horizon=HORIZON, known_by=T)
    with pytest.raises(SettingsError, match="is after"):
        observations(log, [T], horizon=HORIZON, known_by=T - HORIZON)
    long_ago = T - timedelta(days=9999)
    with pytest.raises(DatasetError, match="nobody was a member"):
        observations(log, [long_ago], horizon=HORIZON, known_by=T)


# -- windows -------------------------------------------------------------------------------------


@pytest.mark.parametrize(("column", "days"), [("visits_7d", 7), ("visits_30d", 30), ("visits_90d", 90)])
def test_windows_are_half_open(column, days):
    second = 1 / 86400
    log = log_of(members=[member()], visits=[{"at": 0}, {"at": -days}, {"at": second - days}, {"at": second}])
    assert one(log)[column] == 2


def test_a_visit_now_is_0_days_ago_and_one_90_days_ago_is_none():
    assert one(log_of(members=[member()], visits=[{"at": 0}]))["days_since_visit"] == 0
    row = one(log_of(members=[member()], visits=[{"at": -90}]))
    assert row["days_since_visit"] is None
    assert row["evening_share"] is None
    assert row["visits_90d"] == 0


def test_lookback_and_window_are_set_apart():
    log = log_of(members=[member()], visits=[{"at": -20}, {"at": -50}, {"at": -100}])
    assert one(log, lookback_days=14)["days_since_visit"] is None
    assert one(log, lookback_days=14)["visits_30d"] == 1
    assert one(log, window_days=60)["visits_30d"] == 2
    assert one(log, window_days=120)["visits_30d"] == 3
    assert one(log, window_days=120)["visits_90d"] == 2


def test_evening_begins_at_17_by_the_clock_in_use():
    log = log_of(members=[member()], visits=[{"at": -1 + 17 / 24}, {"at": -1 + 16.9 / 24}])
    assert one(log)["evening_share"] == 0.5
    assert one(log, utc_offset_h=8)["evening_share"] == 0.0
    assert one(log, utc_offset_h=0.5)["evening_share"] == 1.0


def test_a_plan_counts_from_when_it_was_typed_in():
    move = {"at": -3, "late": 2, "previous_plan": "basic", "plan": "premium", "monthly_fee": 49.9}
    log = log_of(members=[member()], plan_changes=[move])
    assert (one(log, -1.01)["monthly_fee"], one(log, -1.01)["plan_premium"]) == (19.9, 0)
    assert (one(log, -1)["monthly_fee"], one(log, -1)["plan_premium"]) == (49.9, 1)
    assert one(log, -1.01, known_at=False)["monthly_fee"] == 49.9
    assert one(log, -3.01, known_at=False)["monthly_fee"] == 19.9


def test_of_two_plans_for_one_moment_the_one_typed_in_last_counts():
    moves = [
        {"at": -3, "late": late, "previous_plan": "basic", "plan": plan, "monthly_fee": fee}
        for late, plan, fee in ((2, "plus", 29.9), (1, "premium", 49.9))
    ]
    log = log_of(members=[member()], plan_changes=moves)
    assert (one(log)["monthly_fee"], one(log, -1.5)["monthly_fee"]) == (29.9, 49.9)


def test_a_dispute_dated_back_is_seen_by_those_who_do_not_ask_when():
    dispute = {"at": -5, "late": 20, "amount": 19.9, "status": "disputed"}
    log = log_of(members=[member()], payments=[dispute])
    assert one(log)["disputed_60d"] == 0
    assert one(log, known_at=False)["disputed_60d"] == 1
    assert one(log, 15)["disputed_60d"] == 1


def test_who_was_unknown_at_the_time_has_no_features():
    row = one(log_of(members=[member(at=-1)]), shift_days=-7)
    assert all(row[name] is None for name in (*STORED, *LOOKUP))


def test_rows_keep_their_order_and_their_columns(world, log):
    seen = world.observations(world.cutoffs[:2], known_by=world.history_end)
    mixed = seen.take(np.random.default_rng(0).permutation(seen.num_rows))
    found = windows(log, mixed)
    assert found.select(seen.column_names).equals(mixed)
    assert found.column_names == [*seen.column_names, *STORED, *LOOKUP]
    assert all(found.schema.field(name).type == pa.float64() for name in STORED)
    assert windows(log, seen).equals(found.take(pc.sort_indices(mixed["row_id"])))
    assert windows(log, seen, threads=1).equals(windows(log, seen, threads=2))


def test_the_truncation_test_tells_the_honest_from_the_rest(world, log):
    """Cut the log at what was known, ask again: only the honest features stay as they were."""
    t = world.production_cutoffs[2]
    seen, known = world.observations([t], known_by=t), world.log(until=t)

    def holds(**how) -> bool:
        return windows(log, seen, **how).equals(windows(known, seen, **how))

    assert holds()
    assert holds(shift_days=-7)
    assert holds(window_days=7)
    assert not holds(known_at=False)
    assert not holds(shift_days=7)
    assert not holds(reference=world.production_cutoffs[-1])


def test_the_log_can_come_back_from_disk(world, log, tmp_path):
    import pyarrow.parquet as pq

    back = {}
    for name, table in log.items():
        pq.write_table(table, tmp_path / f"{name}.parquet")
        back[name] = pq.read_table(tmp_path / f"{name}.parquet")
    seen = world.observations(world.cutoffs, known_by=world.history_end)
    assert observations(back, world.cutoffs, horizon=HORIZON, known_by=world.history_end).equals(seen)
    assert windows(back, seen).equals(windows(log, seen))


@pytest.mark.parametrize(
    ("spoil", "says"),
    [
        (lambda o: o.slice(0, 0), "no observations"),
        (lambda o: o.drop(["item_id"]), "no ['item_id']"),
        (lambda o: o.append_column("age", pa.array([1.0])), "already have ['age']"),
        (
            lambda o: o.set_column(2, "event_timestamp", o["event_timestamp"].cast(pa.timestamp("us"))),
            "without a time zone",
        ),
    ],
)
def test_observations_that_cannot_be_asked_for_are_refused(spoil, says):
    with pytest.raises(DatasetError) as caught:
        windows(log_of(members=[member()]), spoil(asked(0)))
    assert says in str(caught.value)


def test_a_member_twice_is_refused():
    with pytest.raises(DatasetError, match="1 observations became 2 rows"):
        one(log_of(members=[member(), member()]))


@pytest.mark.parametrize("how", [{"window_days": 0}, {"lookback_days": -1}])
def test_a_window_of_no_length_is_refused(how):
    with pytest.raises(SettingsError, match="_days"):
        one(log_of(members=[member()]), **how)


# -- on demand -----------------------------------------------------------------------------------


def test_trend_is_1_where_nothing_changes_and_0_for_who_stopped():
    assert trend(10.5, 30) == 1
    assert trend(0, 30) == 0
    assert trend(0, 0) == 0
    both = np.array([0.0, 5.0, np.nan]), np.array([30.0, 15.0, 3.0])
    expected = [0.0, 5 / 5.5, np.nan]
    np.testing.assert_array_equal(trend(*both), expected)
    np.testing.assert_array_equal(trend(*map(pd.Series, both)), expected)


def test_on_demand_is_added_last_and_stays_null():
    log = log_of(members=[member(at=-1)], visits=[{"at": 0}])
    table = with_on_demand(windows(log, asked(0, -7)))
    assert table["trend"].to_pylist() == [pytest.approx(1 / (1 / 3 + 0.5)), None]
    assert (*STORED, *ON_DEMAND) == COLUMNS
    assert set(COLUMNS) <= set(table.column_names)
    assert len(set(COLUMNS)) == 19
