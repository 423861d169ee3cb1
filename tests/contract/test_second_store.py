"""The second feature store on a real, tiny gym: the same as the first one, but for what its setup says."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.compute as pc
import pytest

from workbench.lab.bench import prepare
from workbench.profiles.definitions import OF_VISITS, VIEW
from workbench.profiles.log_door import LogDoor
from workbench.profiles.members import due_members, log_of, seen_members
from workbench.profiles.mornings import answered
from workbench.profiles.scorer import as_table
from workbench.profiles.second_store import Setup, join_with, served_by
from workbench.profiles.table_features import door_of
from workbench.worlds.gym import GymWorld
from workbench.worlds.gym_features import COLUMNS
from workbench.worlds.gym_jobs import WEEK

if TYPE_CHECKING:
    from workbench.profiles.workspace import Workspace

pytestmark = pytest.mark.slow
LAST = GymWorld.production_cutoffs[-1]


@pytest.fixture(scope="module")
def ws(tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    with pytest.MonkeyPatch.context() as patched:
        patched.setenv("WORKBENCH_HOME", str(tmp_path_factory.mktemp("home")))
        return prepare("gym", size="tiny", seed=3)


@pytest.fixture(scope="module")
def asked(ws: Workspace) -> pa.Table:
    seen = seen_members(ws, GymWorld.history_end)
    return seen.select(["row_id", "item_id", "event_timestamp"])


@pytest.fixture(scope="module")
def fetched(ws: Workspace) -> pa.Table:
    """What the first store said on the last morning of production."""
    due = due_members(ws, GymWorld.history_end)[LAST]["item_id"].to_pylist()
    return as_table([row for row in answered(ws, due, LAST) if row.found], LAST)


def test_without_a_difference_it_answers_as_the_first(ws, asked, fetched):
    door = door_of(ws)
    assert join_with(Setup())(door, asked, VIEW, ws).equals(door.as_of(asked))
    assert served_by(Setup())(fetched, ws).equals(fetched)
    assert served_by(Setup(incremental=True))(fetched, ws).equals(fetched), "nobody is late"
    assert not (ws.cache / "second" / "store").exists(), "it is taken away again"


@pytest.mark.parametrize(
    "setup", [Setup(), Setup(ttl_days=14, only_who_came=True), Setup(late_clubs=0.5)], ids=repr
)
def test_a_log_answers_as_the_files_do(ws, asked, setup):
    """The truncation test cuts a log: what the join makes of it must be what it makes of the store."""
    last = pc.max(asked["event_timestamp"])
    asked = asked.filter(pc.equal(asked["event_timestamp"], last))
    from_log = join_with(setup)(LogDoor(log_of(ws)), asked, VIEW, ws)
    assert from_log.num_rows > 100
    assert from_log.equals(join_with(setup)(door_of(ws), asked, VIEW, ws))


def test_the_default_store_of_feast_keeps_all_only_where_nothing_expires(ws, asked):
    door = door_of(ws)
    assert join_with(Setup("file"))(door, asked, VIEW, ws).equals(door.as_of(asked))
    kept = join_with(Setup(ttl_days=14, only_who_came=True))(door, asked, VIEW, ws)
    lossy = join_with(Setup("file", 14, only_who_came=True))(door, asked, VIEW, ws)
    came_back = pc.is_in(kept["row_id"], lossy["row_id"].combine_chunks())
    lost = kept.filter(pc.invert(came_back))
    assert lossy.num_rows + lost.num_rows == kept.num_rows == asked.num_rows
    assert 0 < lost.num_rows == lost["visits_30d"].null_count, "only who has nothing but old visits is lost"
    assert kept.filter(came_back).sort_by("row_id").equals(lossy.sort_by("row_id"))


def test_a_time_to_live_is_for_the_service_to_apply(ws, fetched):
    setup = Setup(ttl_days=14, only_who_came=True)
    served, expired = (served_by(setup, expires=on)(fetched, ws) for on in (False, True))
    assert expired["visits_30d"].null_count > served["visits_30d"].null_count
    changed = pc.and_(pc.is_null(expired["visits_30d"]), pc.is_valid(served["visits_30d"]))
    assert pc.min(served.filter(changed)["visits_7d"]).as_py() > 0, "of a week in which the member came"
    others = [name for name in COLUMNS if name not in (*OF_VISITS, "trend")]
    assert expired.select(others).equals(served.select(others))
    assert expired.filter(pc.invert(changed)).equals(served.filter(pc.invert(changed)))


def test_late_visits_stand_still_online(ws, fetched):
    """By increments they are of the time of the launch; with the whole span, of a week ago."""
    setup = Setup(late_clubs=1.0)
    rows = fetched.select(["item_id"]).append_column("row_id", fetched["item_id"])
    for how, then in ((setup, LAST - WEEK), (Setup(late_clubs=1.0, incremental=True), GymWorld.history_end)):
        when = pa.array([then] * rows.num_rows, fetched["asked_at"].type)
        right = door_of(ws).as_of(rows.append_column("event_timestamp", when))
        served = served_by(how)(fetched, ws)
        assert served.select(list(OF_VISITS)).equals(right.select(list(OF_VISITS)))
    assert timedelta(0) < LAST - GymWorld.history_end
