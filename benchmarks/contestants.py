"""Engines that answer the same point-in-time question, each from files on disk to rows in memory.

Every one gets the same two files: ``history.parquet`` (entity, event_timestamp, created_timestamp, f0, and an
embedding) and ``observations.parquet`` (row_id, entity, event_timestamp). What it returns is a pair of arrays: row_id and
f0 of the newest row that counts, null where there is none.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final

import pyarrow as pa
import pyarrow.parquet as pq

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

Answer = tuple[pa.Array, pa.Array]


@dataclass(frozen=True, slots=True)
class Question:
    """What is asked.

    Attributes
    ----------
    folder : Path
        Holds both files.
    dims : int
        Of the embedding; 0 means there is none.
    known_at : bool
        Whether a row counts only once it was recorded.
    ttl_days : int
        Older rows do not count; 0 means any age.
    """

    folder: Path
    dims: int
    known_at: bool
    ttl_days: int

    @property
    def history(self) -> Path:
        """The feature file."""
        return self.folder / "history.parquet"

    @property
    def features(self) -> list[str]:
        """Names of the columns that are fetched."""
        return ["f0", *(["embedding"] if self.dims else [])]

    @property
    def ttl(self) -> timedelta | None:
        """Greatest age that counts."""
        return timedelta(days=self.ttl_days) if self.ttl_days else None

    def observations(self) -> pa.Table:
        """Return the observations."""
        return pq.read_table(self.folder / "observations.parquet")


def answer_of(table: pa.Table) -> Answer:
    """Return row_id and f0 in the order of row_id."""
    table = table.select(["row_id", "f0"]).sort_by("row_id").combine_chunks()
    return table["row_id"].combine_chunks(), table["f0"].combine_chunks().cast(pa.int64())


# -- ours and Feast's --------------------------------------------------------------------------------------------


def _feast(
    question: Question, offline: dict[str, str], source: dict[str, Any] | None = None
) -> Callable[[], Answer]:
    """Return a retrieval through Feast with a given offline store; the store is set up before the clock runs."""
    from feast import Entity, FeatureStore, FeatureView, Field, FileSource, RepoConfig
    from feast.types import Array, Float32, Int64
    from feast.value_type import ValueType

    entity = Entity(name="entity", join_keys=["entity"], value_type=ValueType.STRING)
    embedding = [Field(name="embedding", dtype=Array(Float32))] if question.dims else []
    view = FeatureView(
        name="history",
        entities=[entity],
        ttl=question.ttl or timedelta(0),
        schema=[Field(name="f0", dtype=Int64), *embedding],
        source=FileSource(
            path=str(question.history),
            timestamp_field="event_timestamp",
            created_timestamp_column="created_timestamp",
            **(source or {}),
        ),
    )
    where = question.folder / f"feast-{offline['type'].rpartition('.')[2]}"
    where.mkdir(exist_ok=True)
    store = FeatureStore(
        config=RepoConfig(
            project="bench",
            provider="local",
            registry=str(where / "registry.db"),
            offline_store=offline,
            online_store={"type": "sqlite", "path": str(where / "online.db")},
            entity_key_serialization_version=3,
        )
    )
    store.apply([entity, view])
    features = [f"history:{name}" for name in question.features]
    extra: dict[str, Any] = {"filter_by_created_timestamp": True} if question.known_at else {}

    def ask() -> Answer:
        asked = question.observations().to_pandas()
        return answer_of(store.get_historical_features(asked, features, **extra).to_arrow())

    return ask


def ours(question: Question) -> Callable[[], Answer]:
    """Ask Feast with the workbench's offline store."""
    return _feast(question, {"type": "workbench.profiles.asof_store.AsofOfflineStore"})


def feast_duckdb(question: Question) -> Callable[[], Answer]:
    """Ask Feast with its own DuckDB store."""
    return _feast(question, {"type": "duckdb"})


def feast_dask(question: Question) -> Callable[[], Answer] | None:
    """Ask Feast with its default file store; it knows no known-at."""
    return None if question.known_at else _feast(question, {"type": "dask"})


# -- without Feast -----------------------------------------------------------------------------------------------


def our_join(question: Question) -> Callable[[], Answer]:
    """Ask `workbench.pit.as_of` alone."""
    from workbench import pit

    rule = pit.Rule(
        keys=["entity"],
        columns=question.features,
        known_at="created_timestamp",
        wait_until_known=question.known_at,
        ttl=question.ttl,
    )
    return lambda: answer_of(pit.as_of(question.observations(), question.history, rule))


def duckdb_asof(question: Question) -> Callable[[], Answer] | None:
    """Write an ASOF JOIN by hand; a row that was corrected counts as recorded last."""
    if question.known_at:
        return None
    import duckdb

    columns = ", ".join(f"h.{name}" for name in question.features)
    fresh = (
        f"h.event_timestamp >= o.event_timestamp - INTERVAL {question.ttl_days} DAY"
        if question.ttl_days
        else "true"
    )
    one = ", ".join(f"arg_max({name}, created_timestamp) AS {name}" for name in question.features)
    statement = f"""
        SELECT o.row_id, {columns.replace("h.f0", f"CASE WHEN {fresh} THEN h.f0 END AS f0")} FROM observations AS o
        ASOF LEFT JOIN (SELECT entity, event_timestamp, {one} FROM read_parquet('{question.history}') GROUP BY ALL) AS h
        ON o.entity = h.entity AND o.event_timestamp >= h.event_timestamp"""  # noqa: S608 (our own path)

    def ask() -> Answer:
        with duckdb.connect() as con:
            con.register("observations", question.observations())
            return answer_of(con.sql(statement).to_arrow_table())

    return ask


def duckdb_window(question: Question) -> Callable[[], Answer]:
    """Write a range join and ``row_number``, as one does who does not know ASOF."""
    import duckdb

    columns = ", ".join(f"h.{name}" for name in question.features)
    fresh = (
        f"AND h.event_timestamp >= o.event_timestamp - INTERVAL {question.ttl_days} DAY"
        if question.ttl_days
        else ""
    )
    known = "AND h.created_timestamp <= o.event_timestamp" if question.known_at else ""
    statement = f"""
        SELECT o.row_id, {columns} FROM observations AS o LEFT JOIN read_parquet('{question.history}') AS h
        ON o.entity = h.entity AND h.event_timestamp <= o.event_timestamp {fresh} {known}
        QUALIFY row_number() OVER (
            PARTITION BY o.row_id ORDER BY h.event_timestamp DESC, h.created_timestamp DESC) = 1"""  # noqa: S608

    def ask() -> Answer:
        with duckdb.connect() as con:
            con.register("observations", question.observations())
            return answer_of(con.sql(statement).to_arrow_table())

    return ask


def pandas_merge_asof(question: Question) -> Callable[[], Answer] | None:
    """Ask `pandas.merge_asof`; both sides are sorted first."""
    if question.known_at:
        return None
    import pandas as pd

    names = ["entity", "event_timestamp", "created_timestamp", *question.features]

    def ask() -> Answer:
        history = pd.read_parquet(
            question.history, columns=names, dtype_backend="pyarrow" if question.dims else "numpy_nullable"
        )
        history = history.sort_values(["event_timestamp", "created_timestamp"], kind="stable")
        asked = question.observations().to_pandas(types_mapper=pd.ArrowDtype if question.dims else None)
        asked = asked.sort_values("event_timestamp", kind="stable")
        for frame in (history, asked):
            frame["entity"] = frame["entity"].astype("object")
            frame["event_timestamp"] = frame["event_timestamp"].astype("datetime64[us, UTC]")
        found = pd.merge_asof(  # noqa: TID251 (a contestant)
            asked,
            history.drop(columns="created_timestamp"),
            on="event_timestamp",
            by="entity",
            tolerance=question.ttl,
        )
        return answer_of(pa.Table.from_pandas(found[["row_id", "f0"]], preserve_index=False))

    return ask


def polars_join_asof(question: Question) -> Callable[[], Answer] | None:
    """Ask `polars.DataFrame.join_asof`; both sides are sorted first."""
    if question.known_at:
        return None
    import polars as pl

    names = ["entity", "event_timestamp", "created_timestamp", *question.features]

    def ask() -> Answer:
        history = pl.read_parquet(question.history, columns=names).sort(
            "event_timestamp", "created_timestamp"
        )
        asked = pl.from_arrow(question.observations()).sort("event_timestamp")
        found = asked.join_asof(
            history, on="event_timestamp", by="entity", tolerance=question.ttl, check_sortedness=False
        )
        return answer_of(found.select("row_id", "f0").to_arrow())

    return ask


CONTESTANTS: Final = {
    "ours, through Feast": ours,
    "Feast, duckdb": feast_duckdb,
    "Feast, file (dask)": feast_dask,
    "our join alone": our_join,
    "DuckDB ASOF": duckdb_asof,
    "DuckDB window": duckdb_window,
    "pandas merge_asof": pandas_merge_asof,
    "polars join_asof": polars_join_asof,
}
"""Name to what sets an engine up; None where it has no answer to the question."""
