"""The door to the feature store for embeddings: one view for each version of an encoder.

Feast says nothing when an embedding model is swapped under the same name; this door looks at
the file before `apply` (columns, types, times, dimension, fingerprint) and refuses. The rest of
its promises are those of `workbench.profiles.feature_door`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from workbench.clock import as_utc, timestamp_type
from workbench.errors import FeatureCheckError
from workbench.profiles.definitions import KEY, definitions
from workbench.profiles.feast_door import feast_call
from workbench.profiles.feature_checks import check_features, read_card
from workbench.profiles.feature_door import FeatureDoor

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

    import numpy as np
    import pyarrow as pa

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
        float32 of shape (dim,), the same bits as in the file; of a view of embeddings.
    values : mapping of str to float, or None
        Numbers by the names of their columns, None where unknown; of a view of tables.
    """

    item_id: str
    found: bool
    feature_image_id: str | None = None
    feature_timestamp: datetime | None = None
    embedding: np.ndarray | None = None
    values: Mapping[str, float | None] | None = None


class Features(FeatureDoor):
    """The embeddings in the feature store of one workspace.

    Parameters
    ----------
    ws : Workspace
        Its settings say which offline store.
    """

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
        return self._ask_offline(observations, view, known_at=known_at)

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
        answer = self._ask_online(view, item_ids)
        columns = (answer[KEY], answer["image_id"], answer["captured_at"], answer["embedding"])
        return [_online_row(*values) for values in zip(*columns, strict=True)]

    # -- inside ------------------------------------------------------------------------------

    def _parts(self, view: str) -> tuple[str, ...]:
        return (view,)

    def _define_again(self, view: str) -> None:
        self.apply(read_card(self._ws.features / view))

    def _added(self) -> dict[str, pa.Field]:
        import pyarrow as pa

        return {
            "image_id": pa.field("feature_image_id", pa.string()),
            "captured_at": pa.field("feature_timestamp", timestamp_type()),
            "embedding": pa.field("embedding", pa.list_(pa.float32())),
        }

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
