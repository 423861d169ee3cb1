"""What Feast itself does, on a table made by hand: three failures of the catalogue rest on it.

When one of these tests fails, Feast has changed, most likely for the better. The message says what then.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pandas as pd
import pyarrow as pa
import pytest

from tests.helpers.features import times
from workbench.manifests import write_parquet
from workbench.profiles.feast_door import feast_call

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

MONDAY = datetime(2026, 3, 2, tzinfo=UTC)
DAY, WEEK = timedelta(days=1), timedelta(days=7)
SERVED = "visits:n"
KEPT = {"fresh", "expired", "only later", "unknown"}

Row = tuple[str, datetime, datetime, float]
"""Member, event time, known-at, number of visits."""


def write(root: Path, rows: Sequence[Row]) -> None:
    """Write the feature file as it is known now."""
    members, events, known, numbers = (list(column) for column in zip(*rows, strict=True))
    columns = {"member": members, "event": times(events), "known": times(known), "n": numbers}
    write_parquet(root / "visits.parquet", pa.table(columns))


def store_of(
    root: Path, rows: Sequence[Row], *, offline: str = "duckdb", ttl: timedelta | None = None
) -> Any:
    """Apply one view over the rows in a store of its own: Feast as it comes, nothing of this package."""
    write(root, rows)
    with feast_call():
        from feast import Entity, FeatureStore, FeatureView, Field, FileSource, RepoConfig, ValueType
        from feast.types import Float64

        member = Entity(name="member", join_keys=["member"], value_type=ValueType.STRING)
        source = FileSource(
            name="file",
            path=(root / "visits.parquet").as_posix(),
            timestamp_field="event",
            created_timestamp_column="known",
        )
        view = FeatureView(
            name="visits", entities=[member], ttl=ttl, source=source, schema=[Field(name="n", dtype=Float64)]
        )
        config = RepoConfig(
            project="exhibit",
            provider="local",
            registry=str(root / "registry.db"),
            offline_store={"type": offline},
            online_store={"type": "sqlite", "path": str(root / "online.db")},
            entity_key_serialization_version=3,
            repo_path=root,
        )
        store = FeatureStore(config=config)
        store.apply([member, source, view])
    return store


def asked(store: Any, members: Sequence[str], at: datetime, **how: Any) -> pd.DataFrame:
    """Ask the offline store about members at a time; each row has a name of its own."""
    rows = pd.DataFrame({"member": members, "event_timestamp": at, "row": range(len(members))})
    with feast_call():
        found: pd.DataFrame = store.get_historical_features(rows, features=[SERVED], **how).to_df()
    return found.sort_values("row")


def numbers(found: pd.DataFrame) -> dict[str, float | None]:
    """Return member to number, None for null."""
    return {m: None if pd.isna(n) else n for m, n in zip(found["member"], found["n"], strict=True)}


def online(store: Any, member: str) -> tuple[float | None, str]:
    """Ask the online store about a member: the number, and what Feast calls it."""
    from feast.protos.feast.serving.ServingService_pb2 import FieldStatus

    answer = store.get_online_features(features=[SERVED], entity_rows=[{"member": member}])
    at = list(answer.proto.metadata.feature_names.val).index("n")
    return answer.to_dict()["n"][0], FieldStatus.Name(answer.proto.results[at].statuses[0])


def materialise(store: Any, start: datetime, end: datetime) -> None:
    with feast_call():
        store.materialize(start, end)


def increment(store: Any, end: datetime) -> None:
    with feast_call():
        store.materialize_incremental(end)


# -- the default offline store loses rows ----------------------------------------------------


ROWS = (
    ("fresh", MONDAY, MONDAY, 1.0),
    ("expired", MONDAY - 3 * WEEK, MONDAY - 3 * WEEK, 2.0),
    ("only later", MONDAY + WEEK, MONDAY + WEEK, 3.0),
)


@pytest.mark.parametrize(("offline", "back"), [("file", {"fresh", "unknown"}), ("duckdb", KEPT)])
def test_the_default_store_loses_who_has_only_expired_or_later_rows(
    tmp_path: Path, offline: str, back: set[str]
) -> None:
    found = numbers(asked(store_of(tmp_path, ROWS, offline=offline, ttl=WEEK), sorted(KEPT), MONDAY + DAY))
    assert set(found) == back, (
        f"the {offline} store gives back {sorted(found)}: if it is all four now, Feast's default store keeps its rows. "
        "Retire dask_store_loses_rows, or show it on the version that this workbench pinned"
    )
    assert found == {name: 1.0 if name == "fresh" else None for name in back}


@pytest.mark.parametrize(("offline", "left"), [("file", 1), ("duckdb", 2)])
def test_the_default_store_loses_a_second_row_of_one_member_and_time(
    tmp_path: Path, offline: str, left: int
) -> None:
    found = asked(store_of(tmp_path, ROWS, offline=offline), ["fresh", "fresh"], MONDAY + DAY)
    assert len(found) == left, (
        f"{len(found)} rows of 2 from the {offline} store: issue #6787 is closed if both came back. "
        "Say so in dask_store_loses_rows; the rows with expired features are another matter"
    )


@pytest.mark.parametrize("corrected", [False, True])
def test_in_the_default_store_a_row_lives_by_what_is_recorded_later(tmp_path: Path, corrected: bool) -> None:
    later = [("expired", MONDAY, MONDAY + WEEK, 9.0)] if corrected else []
    store = store_of(tmp_path, [*ROWS, *later], offline="file", ttl=WEEK)
    found = numbers(asked(store, ["expired"], MONDAY + DAY, filter_by_created_timestamp=True))
    assert found == ({"expired": None} if corrected else {}), (
        "what is too new is no longer blanked, or the row is no longer lost: "
        "take `truncation` out of guards_too of dask_store_loses_rows"
    )


# -- a time to live is for training alone ----------------------------------------------------


def test_a_time_to_live_is_applied_offline_and_not_online(tmp_path: Path) -> None:
    store = store_of(tmp_path, ROWS, ttl=WEEK)
    materialise(store, MONDAY - 4 * WEEK, MONDAY + DAY)
    assert numbers(asked(store, ["expired"], MONDAY + DAY)) == {"expired": None}
    assert online(store, "expired") == (2.0, "PRESENT"), (
        "Feast applies a time to live online (issue #6821): retire ttl_offline_only, or pin the version that it shows; "
        "tell `workbench guard feast` (workbench/profiles/feast_audit.py), too"
    )


# -- what lies behind the watermark ----------------------------------------------------------


def test_a_row_behind_the_watermark_never_comes_online(tmp_path: Path) -> None:
    night, old = timedelta(hours=1), MONDAY - WEEK
    early, late = ("late", old, old, 1.0), ("late", MONDAY, MONDAY + 2 * DAY, 2.0)
    store = store_of(tmp_path, [early])
    materialise(store, MONDAY - 4 * WEEK, old + night)
    increment(store, MONDAY + night)  # the club has not delivered yet
    write(tmp_path, [early, late])
    for monday in (MONDAY + WEEK, MONDAY + 2 * WEEK):
        increment(store, monday + night)
    assert numbers(asked(store, ["late"], MONDAY + WEEK)) == {"late": 2.0}
    assert online(store, "late")[0] == 1.0, (
        "materialize_incremental takes what arrives late: retire correction_never_reaches_online, or pin the version"
    )
    materialise(store, MONDAY - 4 * WEEK, MONDAY + 2 * WEEK + night)
    assert online(store, "late")[0] == 2.0, "a whole span no longer brings it: the cure does not work"


def test_a_correction_comes_online_only_with_the_whole_span(tmp_path: Path) -> None:
    wrong, right = ("one", MONDAY, MONDAY, 1.0), ("one", MONDAY, MONDAY + 2 * DAY, 7.0)
    store = store_of(tmp_path, [wrong])
    materialise(store, MONDAY - WEEK, MONDAY + timedelta(hours=1))
    write(tmp_path, [wrong, right])
    increment(store, MONDAY + WEEK)
    assert online(store, "one")[0] == 1.0, (
        "materialize_incremental takes corrections: say so in correction_never_reaches_online"
    )
    materialise(store, MONDAY - WEEK, MONDAY + WEEK)
    assert online(store, "one")[0] == 7.0, "a whole span no longer brings corrections: the cure does not work"


# -- known-at is asked for only on request ---------------------------------------------------


@pytest.mark.parametrize("offline", ["file", "duckdb"])
def test_the_default_uses_what_was_recorded_later(tmp_path: Path, offline: str) -> None:
    rows = [("one", MONDAY, MONDAY, 1.0), ("one", MONDAY, MONDAY + 2 * DAY, 7.0)]
    store = store_of(tmp_path, rows, offline=offline)
    assert numbers(asked(store, ["one"], MONDAY + DAY)) == {"one": 7.0}, (
        "Feast no longer leaks by default: back_dated_rows must now ask for it with filter_by_created_timestamp=False"
    )
    found = asked(store, ["one"], MONDAY + DAY, filter_by_created_timestamp=True)
    assert numbers(found) == {"one": 1.0}, (
        "filter_by_created_timestamp does not filter: the whole workbench leaks"
    )
