"""What every door to the feature store does: Feast, with what it leaves out.

Feast 0.67 applies any definition and returns rows in any order. A door

- looks at the file before `apply`;
- keeps the rows of a retrieval: same rows, same order, asserted;
- leaves out what was recorded after the observation, unless asked not to;
- writes only inside the workspace's lock, since two writers lose each other's views;
- mends the registry from the feature files when a killed process or a moved folder broke it.
"""

from __future__ import annotations

import contextlib
from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, Any

from workbench.clock import as_utc, timestamp_type
from workbench.errors import FeatureError
from workbench.profiles.definitions import EVENT_TIME, FILE, KEY, registry_of, service_name, store_config
from workbench.profiles.feast_door import feast_call, load_feast
from workbench.profiles.retrievals import entities_of, same_rows
from workbench.profiles.settings import EMBEDDED

if TYPE_CHECKING:
    from collections.abc import Sequence
    from contextlib import AbstractContextManager
    from datetime import datetime
    from pathlib import Path

    import pyarrow as pa

    from workbench.profiles.workspace import Workspace


class FeatureDoor(ABC):
    """The feature store of one workspace, as far as it does not matter what the features are.

    A view of a door may be several views to Feast, its parts: over one file, in one service.

    Parameters
    ----------
    ws : Workspace
        Its settings say which offline store.
    """

    def __init__(self, ws: Workspace) -> None:
        self._ws = ws
        self._opened: tuple[int, Any] | None = None

    def materialise(self, view: str, start: datetime, end: datetime) -> int:
        """Copy the newest features of each item from the file into the online store.

        An older window afterwards would take the store back in time; pass the whole span.

        Parameters
        ----------
        view : str
            Name of the feature view.
        start : datetime
            First event time, inclusive, aware.
        end : datetime
            Last event time, inclusive, aware.

        Returns
        -------
        int
            Number of items written.

        Raises
        ------
        FeatureError
            If there is no such view.
        StackError
            If the server of the online store does not answer, or refuses us.
        """
        with feast_call(), self._ws.writing(), self._server():
            store = self._having(view, filled=False)
            store.materialize(as_utc(start), as_utc(end), feature_views=list(self._parts(view)))
        return _count_items(self._file(view), as_utc(start), as_utc(end))

    @abstractmethod
    def as_of(self, observations: pa.Table, view: str, *, known_at: bool = True) -> pa.Table:
        """Give each observation the features that could be known at its time."""

    def latest(self, observations: pa.Table, view: str, *, now: datetime) -> pa.Table:
        """Give each observation the newest features there are at `now`: the leaky twin of `as_of`.

        Parameters
        ----------
        observations : pyarrow.Table
            As in `as_of`.
        view : str
            Name of the feature view.
        now : datetime
            The moment of the query, aware.

        Returns
        -------
        pyarrow.Table
            As from `as_of`, with the observations' own times.
        """
        import pyarrow as pa

        entities_of(observations.slice(0, 0), ())  # has all columns?
        times, at = observations[EVENT_TIME], observations.column_names.index(EVENT_TIME)
        asked = pa.array([as_utc(now)] * observations.num_rows, timestamp_type())
        found = self.as_of(observations.set_column(at, EVENT_TIME, asked), view)
        return found.set_column(at, observations.schema.field(at), times)

    def views(self) -> list[str]:
        """Return the names of the views that are applied, sorted."""
        if not self._registry.is_file():
            return []
        with feast_call():
            return sorted(view.name for view in self._store().list_feature_views())

    def service_name(self, view: str) -> str:
        """Return the name of a view's feature service."""
        return service_name(view)

    # -- what a door adds --------------------------------------------------------------------

    @abstractmethod
    def _parts(self, view: str) -> tuple[str, ...]:
        """Return the names of the view's parts in Feast."""

    @abstractmethod
    def _define_again(self, view: str) -> None:
        """Apply the definition of a view that was there, for the place where its file is now."""

    @abstractmethod
    def _added(self) -> dict[str, pa.Field]:
        """Return feature to name and type of the column beside an observation."""

    # -- inside ------------------------------------------------------------------------------

    def _ask_offline(self, observations: pa.Table, view: str, *, known_at: bool) -> pa.Table:
        return same_rows(observations, self._retrieved(observations, view, known_at=known_at), self._added())

    def _retrieved(self, observations: pa.Table, view: str, *, known_at: bool) -> pa.Table:
        """Return what the offline store makes of observations: any rows, in any order."""
        entities = entities_of(observations, (field.name for field in self._added().values()))
        with feast_call():
            store = self._having(view)
            found: pa.Table = store.get_historical_features(
                entity_df=entities,
                features=store.get_feature_service(service_name(view)),
                filter_by_created_timestamp=known_at,
            ).to_arrow()
        return found

    def _ask_online(
        self, view: str, item_ids: Sequence[str], *, with_times: bool = False
    ) -> dict[str, list[Any]]:
        """Return feature to its values, one an id; None where the store knows nothing."""
        load_feast()
        store = self._having(view)
        spans = [store.get_feature_view(part).materialization_intervals[-1:] for part in self._parts(view)]
        if any(span != spans[0] for span in spans):  # killed between two parts: they are of different times
            raise _not_filled(view)
        with self._server():
            answer: dict[str, list[Any]] = store.get_online_features(
                features=store.get_feature_service(service_name(view)),
                entity_rows=[{KEY: item_id} for item_id in item_ids],
            ).to_dict(include_event_timestamps=with_times)
        return answer

    def _server(self) -> AbstractContextManager[None]:
        """Return a block in which errors of the online store's server are ours; sqlite has none."""
        if self._ws.settings.profile == EMBEDDED:
            return contextlib.nullcontext()
        load_feast()
        from workbench.profiles.feast_redis import told

        return told(self._ws.settings.profile)

    @property
    def _registry(self) -> Path:
        return registry_of(self._ws)

    def _file(self, view: str) -> Path:
        return self._ws.features / view / FILE

    def _file_of(self, view: str, part: str) -> Path:  # noqa: ARG002  (all parts lie in one file)
        return self._file(view)

    def _config(self) -> dict[str, Any]:
        return store_config(self._ws)

    def _store(self) -> Any:
        """Open the store; again when another process has written its registry."""
        from feast import FeatureStore, RepoConfig

        self._ws.feast.mkdir(parents=True, exist_ok=True)
        version = self._registry.stat().st_mtime_ns if self._registry.is_file() else 0
        if self._opened is None or self._opened[0] != version:
            config = RepoConfig(**self._config(), repo_path=self._ws.root)
            store = FeatureStore(config=config)
            store.registry.serve_features_while_materializing = True  # the option for it warns, and works
            self._opened = (version, store)
        return self._opened[1]

    def _having(self, view: str, *, filled: bool = True) -> Any:
        """Return the store, with the view defined for the place where the workspace now lies."""
        from feast.errors import FeatureViewNotFoundException

        try:
            defined = [self._store().get_feature_view(part) for part in self._parts(view)]
        except FeatureViewNotFoundException:
            raise self._no_view(view) from None
        if filled and any(part.state.name in {"CREATED", "GENERATED"} for part in defined):
            raise _not_filled(view)  # Feast would refuse in its own words
        # elsewhere: the workspace was moved or copied
        if any(part.batch_source.path != self._file_of(view, part.name).as_posix() for part in defined):
            self._define_again(view)
        return self._store()

    def _no_view(self, view: str) -> FeatureError:
        return FeatureError(
            f"the feature store has no view {view!r}; it has {self.views()}",
            hint="run `workbench extract` first",
        )


def _not_filled(view: str) -> FeatureError:
    return FeatureError(
        f"the view {view!r} was never filled to the end", hint="run `workbench extract` again"
    )


def _count_items(file: Path, start: datetime, end: datetime) -> int:
    import pyarrow.compute as pc
    import pyarrow.parquet as pq

    rows = pq.read_table(
        file, columns=[KEY, EVENT_TIME], filters=[(EVENT_TIME, ">=", start), (EVENT_TIME, "<=", end)]
    )
    return int(pc.count_distinct(rows[KEY]).as_py())
