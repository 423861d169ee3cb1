"""The door to the feature store for tables: what is known about the members of a gym.

What the stages call one view, `VIEW`, is two views to Feast (`VISITS` and `ACCOUNT`, over one
file) and a third one that derives the rest when it is asked. One feature service holds all
three, and training and serving both ask that service.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from workbench.clock import as_utc, timestamp_type
from workbench.profiles.definitions import ACCOUNT, KEY, VIEW, VISITS, table_definitions
from workbench.profiles.feast_door import feast_call
from workbench.profiles.feature_checks import check_table
from workbench.profiles.feature_door import FeatureDoor
from workbench.profiles.features import Features, OnlineRow
from workbench.profiles.members import log_of
from workbench.worlds.gym_features import ON_DEMAND, STORED

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pyarrow as pa

    from workbench.profiles.workspace import Workspace
    from workbench.records import EncoderCard

__all__ = ["ACCOUNT", "VIEW", "VISITS", "TableFeatures", "door_of"]


def door_of(ws: Workspace) -> Features | TableFeatures:
    """Return the door to the feature store that fits the world of a workspace.

    Parameters
    ----------
    ws : Workspace
        Its settings name the world.

    Returns
    -------
    Features or TableFeatures
        The latter for the gym.
    """
    return TableFeatures(ws) if ws.settings.world.name == "gym" else Features(ws)


class TableFeatures(FeatureDoor):
    """The tables in the feature store of one workspace.

    Parameters
    ----------
    ws : Workspace
        Its settings say which offline store.
    """

    @property
    def log(self) -> dict[str, pa.Table]:
        """Everything that was delivered: for features that the store does not hold."""
        return log_of(self._ws)

    def apply(self, card: EncoderCard | None = None) -> None:
        """Check ``features/member__v1/feast_features.parquet``, then define the views over it.

        The file has ``item_id``, ``event_timestamp``, ``created_timestamp``, ``captured_at`` (the
        event time once more) and the columns `workbench.worlds.gym_features.STORED`.

        Parameters
        ----------
        card : EncoderCard, optional
            Of what made the features; there is one, so it may be left out.

        Raises
        ------
        FeatureCheckError
            If the file is missing or is not that. Nothing is applied then.
        """
        del card
        with feast_call(), self._ws.writing():
            check_table(self._file(VIEW))
            self._store().apply(table_definitions(self._file(VIEW)))

    def as_of(self, observations: pa.Table, view: str = VIEW, *, known_at: bool = True) -> pa.Table:
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
            The same rows in the same order with ``feature_timestamp`` timestamp[us, tz=UTC] (the
            event time of the row that answered) and the columns
            `workbench.worlds.gym_features.COLUMNS` as float64; null where nothing was known.

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

        The store knows nothing of known-at: it holds the newest row of the file at the time of
        `materialise`, also one that was recorded after the end of that window.

        Parameters
        ----------
        view : str
            Name of the feature view.
        item_ids : sequence of str
            Which members; repeats allowed.

        Returns
        -------
        list of OnlineRow
            One an id, in the order given, with `OnlineRow.values` in the order of
            `workbench.worlds.gym_features.COLUMNS`. Threads may call this at the same time.

        Raises
        ------
        FeatureError
            If there is no such view, or it was not filled to the end.
        """
        if not item_ids:
            return []
        answer = self._ask_online(view, item_ids)
        names = (*STORED, *ON_DEMAND)
        numbers = zip(*(answer[name] for name in names), strict=True)
        return [
            OnlineRow(item_id, found=False)
            if captured_at is None  # no row of a checked file lacks one
            else OnlineRow(
                item_id,
                found=True,
                feature_timestamp=as_utc(captured_at),
                values=dict(zip(names, map(_number, row), strict=True)),
            )
            for item_id, captured_at, row in zip(answer[KEY], answer["captured_at"], numbers, strict=True)
        ]

    def views(self) -> list[str]:
        """Return the names of the views that are applied: `VIEW`, or none."""
        return [VIEW] if {VISITS, ACCOUNT} <= set(super().views()) else []

    # -- inside ------------------------------------------------------------------------------

    def _parts(self, view: str) -> tuple[str, ...]:
        if view != VIEW:
            raise self._no_view(view)
        return VISITS, ACCOUNT

    def _define_again(self, view: str) -> None:  # noqa: ARG002  (there is one)
        self.apply()

    def _added(self) -> dict[str, pa.Field]:
        import pyarrow as pa

        numbers = {name: pa.field(name, pa.float64()) for name in (*STORED, *ON_DEMAND)}
        return {"captured_at": pa.field("feature_timestamp", timestamp_type()), **numbers}


def _number(value: float | None) -> float | None:
    """Return None for what is unknown: pandas, which derives on demand, says NaN instead."""
    return None if value is None or value != value else float(value)  # noqa: PLR0124  (only NaN differs from itself)
