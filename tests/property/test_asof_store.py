"""Our offline store, Feast's own DuckDB store and a loop over all rows give the same values."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from workbench import pit
from workbench.clock import timestamp_type
from workbench.errors import PointInTimeError
from workbench.profiles.definitions import OFFLINE_STORES
from workbench.profiles.feast_door import feast_call

if TYPE_CHECKING:
    from pathlib import Path

START = datetime(2025, 9, 1, tzinfo=UTC)
HOUR = timedelta(hours=1)
FEATURES = ["colour:shade", "lamp:level", "season:week", "colour:size"]


def hours(n: int) -> datetime:
    return START + int(n) * HOUR


def facts_of(
    dice: np.random.Generator, keys: dict[str, list[Any]], columns: list[str], n: int = 120
) -> pa.Table:
    """Draw rows of which no two share keys, event time and known-at: there the two stores choose differently."""
    event, late = dice.integers(0, 40, n), dice.choice([-2, 0, 0, 1, 9], n)
    table = pa.table(
        {name: [values[i] for i in dice.integers(0, len(values), n)] for name, values in keys.items()}
        | {
            "event_timestamp": pa.array([hours(h) for h in event], timestamp_type()),
            "created": pa.array([hours(h + by) for h, by in zip(event, late, strict=True)], timestamp_type()),
        }
        | {name: [None if v % 7 == 0 else int(v) for v in dice.integers(0, 10_000, n)] for name in columns}
    )
    names = [*keys, "event_timestamp", "created"]
    numbered = table.append_column("n", pa.array(range(n)))
    first = numbered.group_by(names).aggregate([("n", "min")])["n_min"]
    return table.take(first.combine_chunks().sort())


class Shop:
    """Three views over random files: a text key, an integer key under other names with a ttl, no key at all."""

    def __init__(self, folder: Path, seed: int) -> None:
        dice = np.random.default_rng(seed)
        self.folder, self.seed = folder, seed
        self.facts = {
            "colour": facts_of(dice, {"item_id": ["a", "b", "c", None]}, ["shade", "size"]),
            "lamp": facts_of(dice, {"line_number": [1, 2, 3]}, ["lumen"]),
            "season": facts_of(dice, {}, ["week"], n=20),
        }
        for name, table in self.facts.items():
            pq.write_table(table, folder / f"{name}.parquet")
        n = 60
        self.observations = pd.DataFrame(
            {
                "item_id": dice.choice(np.array(["a", "b", "nobody"], dtype=object), n),
                "belt": dice.integers(1, 5, n),
                "event_timestamp": pd.to_datetime([hours(h) for h in dice.integers(-1, 50, n)]).as_unit("us"),
                "row": dice.permutation(n),
            }
        )

    def store(self, kind: str) -> Any:
        from feast import Entity, FeatureStore, FeatureView, Field, FileSource, RepoConfig, ValueType
        from feast.types import Int64

        def source(name: str, **names: str) -> FileSource:
            return FileSource(
                name=f"{name}_file",
                path=str(self.folder / f"{name}.parquet"),
                timestamp_field="event_timestamp",
                created_timestamp_column="created",
                field_mapping=names,
            )

        item = Entity(name="item", join_keys=["item_id"], value_type=ValueType.STRING)
        line = Entity(name="line", join_keys=["line"], value_type=ValueType.INT64)
        schema = {"colour": ["shade", "size"], "lamp": ["level"], "season": ["week"]}
        fields = {view: [Field(name=name, dtype=Int64) for name in names] for view, names in schema.items()}
        views = [
            FeatureView(name="colour", entities=[item], source=source("colour"), schema=fields["colour"]),
            FeatureView(
                name="lamp",
                entities=[line],
                ttl=6 * HOUR,
                source=source("lamp", line_number="line", lumen="level"),
                schema=fields["lamp"],
            ),
            FeatureView(
                name="season", entities=[], ttl=3 * HOUR, source=source("season"), schema=fields["season"]
            ),
        ]
        home = self.folder / kind
        home.mkdir(exist_ok=True)
        config = RepoConfig(
            project="fuzz",
            provider="local",
            registry=str(home / "registry.db"),
            offline_store={"type": OFFLINE_STORES[kind]},
            online_store={"type": "sqlite", "path": str(home / "online.db")},
            entity_key_serialization_version=3,
            repo_path=home,
        )
        store = FeatureStore(config=config)
        store.apply([item, line, *views])
        return store

    def ask(self, kind: str, *, known_at: bool, **how: Any) -> pa.Table:
        with feast_call():
            store = self.store(kind)
            observations = self.observations.rename(columns={"belt": "line"})
            return store.get_historical_features(
                entity_df=observations, features=FEATURES, filter_by_created_timestamp=known_at, **how
            ).to_arrow()

    def expected(self, *, known_at: bool) -> pa.Table:
        asked = pa.Table.from_pandas(self.observations.rename(columns={"belt": "line"}), preserve_index=False)
        rules = {
            "colour": (["item_id"], ["shade", "size"], None),
            "lamp": ({"line": "line_number"}, {"level": "lumen"}, 6 * HOUR),
            "season": ([], ["week"], 3 * HOUR),
        }
        answers = {}
        for view, (keys, columns, ttl) in rules.items():
            rule = pit.Rule(keys, columns, known_at="created", ttl=ttl, wait_until_known=known_at)
            rows = pa.array(
                pit.brute_force(asked.to_pylist(), self.facts[view].to_pylist(), rule), pa.int64()
            )
            answers |= {name: self.facts[view][column].take(rows) for name, column in rule.column_pairs}
        return pa.table({name: answers[name] for name in ("shade", "level", "week", "size")})


VALUES = ["shade", "level", "week", "size"]


@pytest.mark.parametrize("known_at", [True, False])
@pytest.mark.parametrize("seed", range(6))
def test_both_stores_are_the_brute_force(tmp_path, seed, known_at):
    shop = Shop(tmp_path, seed)
    expected = shop.expected(known_at=known_at)
    ours = shop.ask("asof", known_at=known_at)
    assert ours["row"].to_pylist() == shop.observations["row"].tolist(), "our store keeps the order"
    assert ours.select(VALUES).to_pydict() == expected.to_pydict()
    stock = shop.ask("duckdb", known_at=known_at)
    assert stock.sort_by("row").select(VALUES).to_pydict() == ours.sort_by("row").select(VALUES).to_pydict()
    for name in VALUES:
        assert 0 < expected[name].null_count < expected.num_rows, f"the draw shows too little of {name}"


def test_known_at_matters_in_these_draws(tmp_path):
    shop = Shop(tmp_path, 0)
    assert shop.expected(known_at=True) != shop.expected(known_at=False)


def test_full_names_and_columns_in_the_order_asked_for(tmp_path):
    found = Shop(tmp_path, 0).ask("asof", known_at=True, full_feature_names=True)
    names = ["colour__shade", "colour__size", "lamp__level", "season__week"]
    assert found.column_names[:4] == ["item_id", "line", "event_timestamp", "row"]
    assert sorted(found.column_names[4:]) == names


def test_an_observation_column_named_like_a_feature_is_refused(tmp_path):
    """Feast's default store returns the observation's own column under the feature's name."""
    shop = Shop(tmp_path, 0)
    shop.observations["shade"] = 1
    with pytest.raises(PointInTimeError, match="'shade' twice"):
        shop.ask("asof", known_at=True)


def test_two_names_for_one_entity(tmp_path):
    shop = Shop(tmp_path, 0)
    with feast_call():
        store = shop.store("asof")
        view = store.get_feature_view("colour").with_name("left").with_join_key_map({"item_id": "left_id"})
        frame = shop.observations.rename(columns={"item_id": "left_id"})
        store.apply([_service(view)])
        found = store.get_historical_features(frame, store.get_feature_service("pair")).to_arrow()
    rule = pit.Rule({"left_id": "item_id"}, ["shade"], known_at="created", wait_until_known=False)
    rows = pit.brute_force(frame.to_dict("records"), shop.facts["colour"].to_pylist(), rule)
    assert found["shade"].to_pylist() == [
        None if r is None else shop.facts["colour"]["shade"][r].as_py() for r in rows
    ]


def _service(view: Any) -> Any:
    from feast import FeatureService

    return FeatureService(name="pair", features=[view[["shade"]]])


@pytest.mark.parametrize("zone", ["naive", "Asia/Tokyo", "text"])
def test_times_as_people_write_them(tmp_path, zone):
    """One without zone is UTC, as everywhere in Feast."""
    shop = Shop(tmp_path, 0)
    expected = shop.ask("asof", known_at=True)
    times = shop.observations["event_timestamp"]
    written = {
        "naive": times.dt.tz_localize(None),
        "Asia/Tokyo": times.dt.tz_convert("Asia/Tokyo"),
        "text": times.map(lambda when: when.isoformat()),
    }
    shop.observations["event_timestamp"] = written[zone]
    found = shop.ask("asof", known_at=True)
    assert found.select(VALUES).equals(expected.select(VALUES))


def test_a_nanosecond_that_would_be_cut_is_refused(tmp_path):
    shop = Shop(tmp_path, 0)
    times = shop.observations["event_timestamp"].astype("datetime64[ns, UTC]")
    shop.observations["event_timestamp"] = times + pd.Timedelta(1, "ns")
    with pytest.raises(PointInTimeError, match="below a microsecond"):
        shop.ask("asof", known_at=True)


def test_what_is_not_a_data_frame_is_refused(tmp_path):
    shop = Shop(tmp_path, 0)
    with feast_call():
        store = shop.store("asof")
        with pytest.raises(PointInTimeError, match="pandas data frame, not str"):
            store.get_historical_features("SELECT 1", FEATURES)


def test_a_retrieval_can_be_kept_once(tmp_path):
    shop = Shop(tmp_path, 0)
    with feast_call():
        from feast.errors import SavedDatasetLocationAlreadyExists
        from feast.infra.offline_stores.file_source import SavedDatasetFileStorage

        job = shop.store("asof").get_historical_features(
            shop.observations.rename(columns={"belt": "line"}), FEATURES, full_feature_names=False
        )
        storage = SavedDatasetFileStorage(path=str(tmp_path / "kept.parquet"))
        job.persist(storage)
        with pytest.raises(SavedDatasetLocationAlreadyExists):
            job.persist(storage)
        job.persist(storage, allow_overwrite=True)
        kept = pq.read_table(tmp_path / "kept.parquet")
        assert kept.equals(job.to_arrow())
        assert job.to_df().equals(kept.to_pandas())
        assert job.metadata.features == FEATURES
        assert job.metadata.min_event_timestamp == shop.observations["event_timestamp"].min()
