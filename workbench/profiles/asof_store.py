# ruff: noqa: TID253  (Feast loads this module by its name; nothing of ours imports it)
"""A Feast offline store that joins with `workbench.pit`.

Feast's own DuckDB store gives the same values (the tests compare them), but loses the order of
the rows, differently on each run, and compares every observation with every version of its
key. This one keeps the order and searches. In ``feature_store.yaml``::

    offline_store:
      type: workbench.profiles.asof_store.AsofOfflineStore

Everything but the historical retrieval (materialise, writing back) is inherited.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
from feast.errors import SavedDatasetLocationAlreadyExists
from feast.infra.offline_stores.duckdb import DuckDBOfflineStore, DuckDBOfflineStoreConfig
from feast.infra.offline_stores.file_source import FileSource
from feast.infra.offline_stores.offline_store import RetrievalJob, RetrievalMetadata
from feast.infra.offline_stores.offline_utils import infer_event_timestamp_from_entity_df
from feast.on_demand_feature_view import OnDemandFeatureView
from pydantic import StrictStr  # noqa: TC002  (pydantic reads it while running)

from workbench import pit
from workbench.errors import PointInTimeError
from workbench.manifests import write_parquet
from workbench.pit.tables import clock_column

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from feast import FeatureView, RepoConfig
    from feast.infra.registry.base_registry import BaseRegistry


class AsofOfflineStoreConfig(DuckDBOfflineStoreConfig):  # type: ignore[misc]  # feast has no types
    """The block ``offline_store:``; Feast finds it by its name beside the store.

    Attributes
    ----------
    type : str
        Import path of the store.
    """

    type: StrictStr = "workbench.profiles.asof_store.AsofOfflineStore"


class AsofOfflineStore(DuckDBOfflineStore):  # type: ignore[misc]  # feast has no types
    """DuckDB as Feast knows it, with our point-in-time join.

    Attributes
    ----------
    supports_filter_by_created_timestamp : bool
        True: answers recorded after the observation can be left out.
    """

    supports_filter_by_created_timestamp = True

    @staticmethod
    def get_historical_features(  # noqa: PLR0913  (Feast's signature)
        config: RepoConfig,
        feature_views: Sequence[FeatureView],
        feature_refs: Sequence[str],
        entity_df: pd.DataFrame,
        registry: BaseRegistry,
        project: str,
        full_feature_names: bool = False,  # noqa: FBT001, FBT002
        filter_by_created_timestamp: bool = False,  # noqa: FBT001, FBT002
    ) -> AsofJob:
        """Plan a retrieval; it runs when the job is asked for its rows.

        Parameters
        ----------
        config : feast.RepoConfig
            Of the store; relative paths start at its ``repo_path``.
        feature_views : sequence of feast.FeatureView
            Each with a local Parquet file, or a folder of them, as its source.
        feature_refs : sequence of str
            ``view:feature``.
        entity_df : pandas.DataFrame
            Keys, a time (one without zone is UTC, as everywhere in Feast), any other columns.
        registry : feast.infra.registry.base_registry.BaseRegistry
            Where on-demand views are looked up.
        project : str
            Name of the Feast project.
        full_feature_names : bool
            Call the result ``view__feature``.
        filter_by_created_timestamp : bool
            Leave out what was recorded after the observation.

        Returns
        -------
        AsofJob
            Rows of `entity_df` in their order, with the features.

        Raises
        ------
        PointInTimeError
            If `entity_df` is not a data frame, or the tables cannot be joined.
        """
        observations, time = _observations(entity_df)
        rules = [
            (
                _path(config, view),
                _rule(
                    view, feature_refs, time, full_names=full_feature_names, wait=filter_by_created_timestamp
                ),
            )
            for view in feature_views
        ]

        def run() -> pa.Table:
            joined = observations
            for path, rule in rules:
                joined = pit.as_of(joined, path, rule)
            return joined

        on_demand = OnDemandFeatureView.get_requested_odfvs(feature_refs, project, registry)
        about = _metadata(observations, time, feature_refs)
        return AsofJob(run, on_demand, about, full_names=full_feature_names, repo_path=config.repo_path)


class AsofJob(RetrievalJob):  # type: ignore[misc]  # feast has no types
    """A retrieval that is planned, and run when its rows are asked for.

    Parameters
    ----------
    run : callable
        Returns the rows as a pyarrow.Table.
    on_demand : list of feast.OnDemandFeatureView
        Transformations that Feast applies to the rows.
    about : feast.infra.offline_stores.offline_store.RetrievalMetadata
        Which features, which keys, which times.
    full_names : bool
        Whether features are called ``view__feature``.
    repo_path : Path or None
        Where relative paths start.
    """

    def __init__(
        self,
        run: Callable[[], pa.Table],
        on_demand: list[OnDemandFeatureView],
        about: RetrievalMetadata,
        *,
        full_names: bool,
        repo_path: Path | None,
    ) -> None:
        self._run, self._on_demand, self._about = run, on_demand, about
        self._full_names, self._repo_path = full_names, repo_path

    @property
    def full_feature_names(self) -> bool:
        """Whether features are called ``view__feature``."""
        return self._full_names

    @property
    def on_demand_feature_views(self) -> list[OnDemandFeatureView]:
        """Transformations that Feast applies to the rows."""
        return self._on_demand

    @property
    def metadata(self) -> RetrievalMetadata:
        """Which features, which keys, which times."""
        return self._about

    def _to_arrow_internal(self, timeout: int | None = None) -> pa.Table:  # noqa: ARG002  (Feast's signature)
        return self._run()

    def _to_df_internal(self, timeout: int | None = None) -> pd.DataFrame:  # noqa: ARG002  (Feast's signature)
        frame: pd.DataFrame = self._run().to_pandas()
        return frame

    def persist(self, storage: Any, allow_overwrite: bool = False, timeout: int | None = None) -> None:  # noqa: ARG002, FBT001, FBT002
        """Write the rows as one Parquet file.

        Parameters
        ----------
        storage : feast.infra.offline_stores.file_source.SavedDatasetFileStorage
            Where to.
        allow_overwrite : bool
            False refuses when something is there.
        timeout : int, optional
            Not used: the query runs in this process.

        Raises
        ------
        SavedDatasetLocationAlreadyExists
            If there is a file and it must stay.
        """
        path = Path(FileSource.get_uri_for_file_path(self._repo_path, storage.file_options.uri))
        if path.exists() and not allow_overwrite:
            raise SavedDatasetLocationAlreadyExists(location=str(path))
        write_parquet(path, self.to_arrow())


def _observations(entity_df: Any) -> tuple[pa.Table, str]:
    """Return the rows that are asked about, their times in microseconds and UTC, and the time's name."""
    if not isinstance(entity_df, pd.DataFrame):
        raise PointInTimeError(
            f"observations must be a pandas data frame, not {type(entity_df).__name__}",
            hint="give keys and times; this store runs no SQL of others and lists no entities by itself",
        )
    time: str = infer_event_timestamp_from_entity_df(
        dict(zip(entity_df.columns, entity_df.dtypes, strict=True))
    )
    frame = entity_df.assign(**{time: pd.to_datetime(entity_df[time], utc=True)})
    table = pa.Table.from_pandas(frame, preserve_index=False).replace_schema_metadata(None)
    return table.set_column(table.column_names.index(time), time, clock_column(table, time)), time


def _path(config: RepoConfig, view: FeatureView) -> str:
    source = view.batch_source
    if not isinstance(source, FileSource):
        raise PointInTimeError(
            f"the view {view.name!r} reads {type(source).__name__}; only FileSource is known here"
        )
    path: str = FileSource.get_uri_for_file_path(config.repo_path, source.file_options.uri)
    if "://" in path:
        raise PointInTimeError(f"the view {view.name!r} reads {path}; only local Parquet is known here")
    return path


def _rule(
    view: FeatureView, feature_refs: Sequence[str], time: str, *, full_names: bool, wait: bool
) -> pit.Rule:
    """Translate a view and its projection; `field_mapping` goes from the file's names to Feast's."""
    source, projection = view.batch_source, view.projection
    in_file = {new: old for old, new in source.field_mapping.items()}
    prefix = f"{projection.name_to_use()}:"
    features = [ref.removeprefix(prefix) for ref in feature_refs if ref.startswith(prefix)]
    shown = f"{projection.name_alias or view.name}__" if full_names else ""
    keys = projection.join_key_map or {column.name: column.name for column in view.entity_columns}
    known_at = source.created_timestamp_column or None
    return pit.Rule(
        keys={asked: in_file.get(key, key) for key, asked in keys.items()},
        columns={shown + feature: in_file.get(feature, feature) for feature in features},
        event_time=in_file.get(source.timestamp_field, source.timestamp_field),
        known_at=in_file.get(known_at, known_at) if known_at else None,
        observation_time=time,
        ttl=view.ttl or None,  # Feast stores "no ttl" as zero
        wait_until_known=wait,
    )


def _metadata(observations: pa.Table, time: str, feature_refs: Sequence[str]) -> RetrievalMetadata:
    span = pc.min_max(observations[time]).as_py()
    keys = [name for name in observations.column_names if name != time]
    return RetrievalMetadata(list(feature_refs), keys, span["min"], span["max"])
