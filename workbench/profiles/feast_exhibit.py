"""A feature store of a few rows, without anything of ours around it: what Feast itself answers, offline and online."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Final

from workbench.manifests import write_parquet
from workbench.profiles.feast_door import feast_call

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    Row = tuple[str, datetime, datetime, float]

MONDAY: Final = datetime(2026, 3, 2, tzinfo=UTC)
DAY, WEEK = timedelta(days=1), timedelta(days=7)
SERVED: Final = "visits:n"


class Exhibit:
    """Feast as it comes: DuckDB offline, sqlite online, one view, and nothing of this package around it.

    Parameters
    ----------
    root : Path
        An empty folder.
    rows : sequence of Row
        Member, event time, known-at, number of visits.
    ttl : timedelta, optional
        Time to live of the view.
    """

    def __init__(self, root: Path, rows: Sequence[Row], ttl: timedelta | None = None) -> None:
        self._root = root
        self.write(rows)
        with feast_call():
            from feast import Entity, FeatureStore, FeatureView, Field, FileSource, RepoConfig, ValueType
            from feast.types import Float64

            member = Entity(name="member", join_keys=["member"], value_type=ValueType.STRING)
            path = (root / "visits.parquet").as_posix()
            known: dict[str, str] = {"timestamp_field": "event", "created_timestamp_column": "known"}
            source = FileSource(name="file", path=path, **known)
            fields = [Field(name="n", dtype=Float64)]
            view = FeatureView(name="visits", entities=[member], ttl=ttl, source=source, schema=fields)
            config = RepoConfig(
                project="exhibit",
                provider="local",
                registry=str(root / "registry.db"),
                offline_store={"type": "duckdb"},
                online_store={"type": "sqlite", "path": str(root / "online.db")},
                entity_key_serialization_version=3,
                repo_path=root,
            )
            self.store: Any = FeatureStore(config=config)
            self.store.apply([member, source, view])

    def write(self, rows: Sequence[Row]) -> None:
        """Write the feature file as it is known now."""
        import pyarrow as pa

        members, events, known, numbers = (list(column) for column in zip(*rows, strict=True))
        when = pa.timestamp("us", tz="UTC")
        columns = {
            "member": members,
            "event": pa.array(events, when),
            "known": pa.array(known, when),
            "n": numbers,
        }
        write_parquet(self._root / "visits.parquet", pa.table(columns))

    def fill(self, start: datetime, end: datetime) -> None:
        """Copy a span of event times to the online store."""
        with feast_call():
            self.store.materialize(start, end)

    def fill_on(self, end: datetime) -> None:
        """Copy what came since the last end."""
        with feast_call():
            self.store.materialize_incremental(end)

    def offline(self, member: str, at: datetime) -> str:
        """Return what training reads."""
        import pandas as pd

        asked = pd.DataFrame({"member": [member], "event_timestamp": [at]})
        with feast_call():
            found = self.store.get_historical_features(asked, features=[SERVED]).to_df()["n"][0]
        return "null" if pd.isna(found) else f"{found:g}"

    def online(self, member: str) -> str:
        """Return what the service is given, and what Feast calls it."""
        from feast.protos.feast.serving.ServingService_pb2 import FieldStatus

        answer = self.store.get_online_features(features=[SERVED], entity_rows=[{"member": member}])
        at = list(answer.proto.metadata.feature_names.val).index("n")
        status = FieldStatus.Name(answer.proto.results[at].statuses[0])
        return f"{answer.to_dict()['n'][0]:g} ({status})"
