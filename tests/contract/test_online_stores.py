"""One body over sqlite, Valkey and Debian's redis-server: what they share, and exactly where they differ.

The differences are Feast's, not ours: its sqlite store takes every row that is written, its Redis
store only rows with a later event time, and it answers a miss as if it were a hit.
"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pytest

from tests.helpers.features import END, START, times, toy_card, toy_features, toy_observations, write_features
from tests.helpers.stack import environment_of
from workbench.cli.servers import free_port
from workbench.errors import StackError, StackRefusedError
from workbench.profiles.features import Features
from workbench.profiles.workspace import Workspace, create

if TYPE_CHECKING:
    from pathlib import Path

    from workbench.profiles.stack import RedisPlace

CARD, TABLE = toy_card(), toy_features()
STORES = [
    "sqlite",
    pytest.param("valkey", marks=pytest.mark.server),
    pytest.param("redis", marks=pytest.mark.server),
]
SERVERS = STORES[1:]


@pytest.fixture(params=STORES)
def kind(request: pytest.FixtureRequest) -> str:
    return request.param


@pytest.fixture
def ws(kind, request, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Workspace:
    """Return a workspace on one of the stores, with a feature file."""
    made = create(str(tmp_path / "ws"), profile="embedded" if kind == "sqlite" else "local")
    if kind != "sqlite":
        for name, value in environment_of(online=request.getfixturevalue(f"{kind}_place")).items():
            monkeypatch.setenv(name, value)
    write_features(made, CARD, TABLE)
    return made


@pytest.fixture
def door(ws: Workspace) -> Features:
    """Return its door, filled."""
    features = Features(ws)
    features.apply(CARD)
    features.materialise(CARD.view, START, END)
    return features


def one_row(when, value: float, *, item: str = "fruit-000", image: str = "img-x") -> pa.Table:
    """Return a feature file of one row."""
    row = {
        "item_id": [item],
        "image_id": [image],
        "event_timestamp": times([when]),
        "created_timestamp": times([when]),
        "captured_at": times([when]),
        "embedding": pa.array([[np.float32(value)] * CARD.dim], pa.list_(pa.float32())),
        "sha256": ["0" * 64],
        "bucket": pa.array([0], pa.int32()),
    }
    return pa.table(row)


def refill(ws: Workspace, table: pa.Table, start=START, end=END) -> float:
    """Write another feature file, materialise it, and return what the store now says of fruit-000."""
    write_features(ws, CARD, table)
    Features(ws).materialise(CARD.view, start, end)
    return first_number(ws)


def first_number(ws: Workspace) -> float:
    (row,) = Features(ws).online(CARD.view, ["fruit-000"])
    return float(row.embedding[0])


# -- what they share ---------------------------------------------------------------------------------


def test_the_newest_row_of_each_item_comes_back_to_the_last_bit(door):
    items = sorted(set(TABLE["item_id"].to_pylist()))
    newest = {}
    for row in TABLE.sort_by("event_timestamp").to_pylist():
        newest[row["item_id"]] = row
    for row in door.online(CARD.view, items):
        expected = newest[row.item_id]
        assert row.found
        assert row.feature_image_id == expected["image_id"]
        assert row.feature_timestamp == expected["event_timestamp"].replace(microsecond=0)
        assert np.array_equal(row.embedding, np.array(expected["embedding"], np.float32))


def test_a_miss_is_not_found_whatever_the_store_calls_it(door):
    rows = door.online(CARD.view, ["fruit-000", "nobody", "fruit-000"])
    assert [row.found for row in rows] == [True, False, True]
    assert rows[1].embedding is None


def test_history_is_asked_of_the_files_and_is_the_same(door, ws, tmp_path):
    """The offline side knows nothing of the profile."""
    embedded = create(str(tmp_path / "embedded"))
    write_features(embedded, CARD, TABLE)
    other = Features(embedded)
    other.apply(CARD)
    other.materialise(CARD.view, START, END)
    asked = toy_observations()
    assert door.as_of(asked, CARD.view).equals(other.as_of(asked, CARD.view))


def test_two_learners_share_a_server_and_nothing_else(door, ws, tmp_path):
    second = create(str(tmp_path / "second"), profile=ws.settings.profile)
    write_features(second, CARD, one_row(START, 7.0))
    features = Features(second)
    features.apply(CARD)
    features.materialise(CARD.view, START, END)
    assert first_number(second) == 7.0
    assert not features.online(CARD.view, ["fruit-001"])[0].found
    assert first_number(ws) != 7.0
    features._store().teardown()
    assert door.online(CARD.view, ["fruit-001"])[0].found, "one learner's end is not the other's"


# -- where they differ: pinned, so that a new Feast that changes its mind is noticed --------------------


def test_a_correction_under_the_same_event_time(ws, kind):
    """sqlite takes it. Redis never does: the online store keeps the wrong value for ever (feast#2795)."""
    write_features(ws, CARD, one_row(START, 1.0))
    Features(ws).apply(CARD)
    Features(ws).materialise(CARD.view, START, END)
    assert refill(ws, one_row(START, 2.0)) == (2.0 if kind == "sqlite" else 1.0)
    assert refill(ws, one_row(START + timedelta(seconds=1), 3.0)) == 3.0, "a later event time is taken by all"


def test_an_older_window_materialised_afterwards(ws, kind):
    """sqlite goes back in time; Redis keeps the newer value."""
    rows = pa.concat_tables([one_row(START, 1.0), one_row(START + timedelta(days=2), 5.0)])
    write_features(ws, CARD, rows)
    Features(ws).apply(CARD)
    Features(ws).materialise(CARD.view, START, END)
    assert first_number(ws) == 5.0
    assert refill(ws, rows, START, START + timedelta(days=1)) == (1.0 if kind == "sqlite" else 5.0)


def test_what_feast_itself_says_of_a_miss(door, kind):
    """NOT_FOUND from sqlite; from Redis PRESENT, with None as its value."""
    from feast.protos.feast.serving.ServingService_pb2 import FieldStatus

    answer = door._store().get_online_features(
        features=[f"{CARD.view}:image_id"], entity_rows=[{"item_id": "nobody"}]
    )
    position = list(answer.proto.metadata.feature_names.val).index("image_id")
    (status,) = answer.proto.results[position].statuses
    assert answer.to_dict()["image_id"] == [None]
    assert FieldStatus.Name(status) == ("NOT_FOUND" if kind == "sqlite" else "PRESENT")


# -- refusals ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", SERVERS, indirect=True)
def test_a_wrong_password_is_named_and_not_told(door, kind, request, monkeypatch):
    place: RedisPlace = request.getfixturevalue(f"{kind}_place")
    monkeypatch.setenv("WB_REDIS_PASSWORD", "not-the-password")
    for call in (
        lambda: door.online(CARD.view, ["fruit-000"]),
        lambda: door.materialise(CARD.view, START, END),
    ):
        with pytest.raises(StackRefusedError, match="refuses the password") as caught:
            call()
        said = repr(caught.value) + str(caught.value)
        assert "not-the-password" not in said
        assert place.password.reveal() not in said


@pytest.mark.parametrize("kind", SERVERS[:1], indirect=True)
def test_a_server_that_is_gone_is_named(door, monkeypatch):
    monkeypatch.setenv("WB_REDIS_ADDRESS", f"127.0.0.1:{free_port()}")
    with pytest.raises(StackError, match="no online store answers at 127"):
        door.online(CARD.view, ["fruit-000"])
    with pytest.raises(StackError, match="no online store answers at 127"):
        door.materialise(CARD.view, START, END)


@pytest.mark.parametrize("kind", SERVERS[:1], indirect=True)
def test_no_configuration_of_feast_holds_the_password(door, valkey_place):
    config = door._store().config
    secret = valkey_place.password.reveal()
    assert secret not in repr(config) + str(config.model_dump()) + repr(door._config())
    assert secret not in repr(valkey_place)
