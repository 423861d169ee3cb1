"""The door to the feature store: Feast, with what it leaves out.

Feast 0.67 applies any definition, returns rows in any order, and says nothing when an
embedding model is swapped under the same name. This door

- looks at the file before `apply` (columns, types, times, dimension, fingerprint);
- keeps the rows of a retrieval: same rows, same order, asserted;
- leaves out what was recorded after the observation, unless asked not to;
- writes only inside the workspace's lock, since two writers lose each other's views;
- mends the registry from the feature files when a killed process or a moved folder broke it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from workbench.clock import as_utc, timestamp_type
from workbench.errors import FeatureCheckError, FeatureError
from workbench.profiles.definitions import EVENT_TIME, FILE, KEY, definitions, service_name, store_config
from workbench.profiles.feast_door import feast_call, load_feast
from workbench.profiles.feature_checks import check_features, read_card
from workbench.profiles.retrievals import entities_of, same_rows

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime
    from pathlib import Path

    import numpy as np
    import pyarrow as pa

    from workbench.profiles.workspace import Workspace
    from workbench.records import EncoderCard


@dataclass(frozen=True, slots=True)
class OnlineRow:
    """What the online store says about one item.

    Attributes
    ----------
    item_id : str
        Which item.
    found : bool
        False: the store knows nothing about it, and the other fields are None.
    feature_image_id : str or None
        The photo behind the features.
    feature_timestamp : datetime or None
        When it was taken, UTC, cut to the second: Feast keeps no more of a time online.
    embedding : numpy.ndarray or None
        float32 of shape (dim,), the same bits as in the file.
    """

    item_id: str
    found: bool
    feature_image_id: str | None = None
    feature_timestamp: datetime | None = None
    embedding: np.ndarray | None = None


class Features:
    """The feature store of one workspace.

    Parameters
    ----------
    ws : Workspace
        Its settings say which offline store.
    """

    def __init__(self, ws: Workspace) -> None:
        self._ws = ws
        self._opened: tuple[int, Any] | None = None

    # -- write -------------------------------------------------------------------------------

    def apply(self, card: EncoderCard) -> None:
        """Check the feature file of an encoder, then define its view; other views stay.

        Parameters
        ----------
        card : EncoderCard
            Of the encoder; its file is ``features/<view>/feast_features.parquet``.

        Raises
        ------
        FeatureCheckError
            If the file is not what the card says, or the view already belongs to another
            fingerprint. Nothing is applied then.
        """
        with feast_call(), self._ws.writing():
            store = self._store()
            self._refuse_swap(store, card)
            check_features(card, self._ws.features / card.view)
            store.apply(definitions(card, self._file(card.view)))

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
        """
        with feast_call(), self._ws.writing():
            store = self._having(view, filled=False)
            store.materialize(as_utc(start), as_utc(end), feature_views=[view])
        return _count_items(self._file(view), as_utc(start), as_utc(end))

    # -- read --------------------------------------------------------------------------------

    def as_of(self, observations: pa.Table, view: str, *, known_at: bool = True) -> pa.Table:
        """Give each observation the features that could be known at its time.

        Parameters
        ----------
        observations : pyarrow.Table
            ``row_id``, ``item_id`` string, ``event_timestamp`` timestamp[us, tz=UTC]; any order,
            items may repeat; other columns are kept.
        view : str
            Name of the feature view.
        known_at : bool
            False is Feast's default: late arrivals leak into the past.

        Returns
        -------
        pyarrow.Table
            The same rows in the same order with ``feature_image_id`` string,
            ``feature_timestamp`` timestamp[us, tz=UTC] and ``embedding`` list<float32>; null
            where nothing was known.

        Raises
        ------
        FeatureError
            If there is no such view.
        RetrievalError
            If a column is missing, or the store lost, added or changed rows.
        """
        entities = entities_of(observations)
        with feast_call():
            store = self._having(view)
            found = store.get_historical_features(
                entity_df=entities,
                features=store.get_feature_service(service_name(view)),
                filter_by_created_timestamp=known_at,
            ).to_arrow()
        return same_rows(observations, found)

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

        entities_of(observations.slice(0, 0))  # has all columns?
        times, at = observations[EVENT_TIME], observations.column_names.index(EVENT_TIME)
        asked = pa.array([as_utc(now)] * observations.num_rows, timestamp_type())
        found = self.as_of(observations.set_column(at, EVENT_TIME, asked), view)
        return found.set_column(at, observations.schema.field(at), times)

    def online(self, view: str, item_ids: Sequence[str]) -> list[OnlineRow]:
        """Ask the online store, through the same feature service as training.

        Parameters
        ----------
        view : str
            Name of the feature view.
        item_ids : sequence of str
            Which items; repeats allowed.

        Returns
        -------
        list of OnlineRow
            One an id, in the order given. Stores differ in how they say "unknown" (sqlite
            NOT_FOUND, Redis PRESENT and None); here it is always ``found=False``. Threads may
            call this at the same time.

        Raises
        ------
        FeatureError
            If there is no such view.
        """
        if not item_ids:
            return []
        load_feast()
        store = self._having(view)
        answer = store.get_online_features(
            features=store.get_feature_service(service_name(view)),
            entity_rows=[{KEY: item_id} for item_id in item_ids],
        ).to_dict()
        columns = (answer[KEY], answer["image_id"], answer["captured_at"], answer["embedding"])
        return [_online_row(*values) for values in zip(*columns, strict=True)]

    def views(self) -> list[str]:
        """Return the names of the views that are applied, sorted."""
        if not self._registry.is_file():
            return []
        with feast_call():
            return sorted(view.name for view in self._store().list_feature_views())

    def service_name(self, view: str) -> str:
        """Return the name of a view's feature service."""
        return service_name(view)

    # -- inside ------------------------------------------------------------------------------

    @property
    def _registry(self) -> Path:
        return self._ws.feast / "registry.db"

    def _file(self, view: str) -> Path:
        return self._ws.features / view / FILE

    def _store(self) -> Any:
        """Open the store; again when another process has written its registry."""
        from feast import FeatureStore, RepoConfig

        self._ws.feast.mkdir(parents=True, exist_ok=True)
        version = self._registry.stat().st_mtime_ns if self._registry.is_file() else 0
        if self._opened is None or self._opened[0] != version:
            config = RepoConfig(**store_config(self._ws), repo_path=self._ws.root)
            store = FeatureStore(config=config)
            store.registry.serve_features_while_materializing = True  # the option for it warns, and works
            self._opened = (version, store)
        return self._opened[1]

    def _having(self, view: str, *, filled: bool = True) -> Any:
        """Return the store, with the view defined for the place where the workspace now lies."""
        from feast.errors import FeatureViewNotFoundException

        try:
            defined = self._store().get_feature_view(view)
        except FeatureViewNotFoundException:
            raise FeatureError(
                f"the feature store has no view {view!r}; it has {self.views()}",
                hint="run `workbench extract` first",
            ) from None
        if filled and defined.state.name in {"CREATED", "GENERATED"}:  # Feast would refuse in its own words
            raise FeatureError(
                f"the view {view!r} was never filled to the end", hint="run `workbench extract` again"
            )
        if defined.batch_source.path != self._file(view).as_posix():  # the workspace was moved or copied
            self.apply(read_card(self._ws.features / view))
        return self._store()

    def _refuse_swap(self, store: Any, card: EncoderCard) -> None:
        """Feast would take the numbers of another model under the same name without a word."""
        tags = {view.name: view.tags for view in store.list_feature_views()}.get(card.view)
        if tags is not None and tags.get("fingerprint") != card.fingerprint:
            raise FeatureCheckError(
                f"the view {card.view!r} belongs to the encoder {tags.get('fingerprint', '')[:12]}, "
                f"not to {card.fingerprint[:12]}",
                hint="give the new encoder or its preprocessing a version of its own; the old view stays readable",
            )


def _online_row(item_id: str, image_id: str | None, captured_at: datetime, embedding: Any) -> OnlineRow:
    import numpy as np

    if image_id is None:  # no row of a checked file lacks one
        return OnlineRow(item_id, found=False)
    return OnlineRow(
        item_id,
        found=True,
        feature_image_id=image_id,
        feature_timestamp=as_utc(captured_at),
        embedding=np.asarray(embedding, dtype=np.float32),
    )


def _count_items(file: Path, start: datetime, end: datetime) -> int:
    import pyarrow.compute as pc
    import pyarrow.parquet as pq

    rows = pq.read_table(
        file, columns=[KEY, EVENT_TIME], filters=[(EVENT_TIME, ">=", start), (EVENT_TIME, "<=", end)]
    )
    return int(pc.count_distinct(rows[KEY]).as_py())
