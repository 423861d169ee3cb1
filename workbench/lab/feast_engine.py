"""Feast as an engine of the timeline: a store of its own, in a temporary folder, asked as it comes."""

from __future__ import annotations

import shutil
import tempfile
import weakref
from pathlib import Path
from typing import TYPE_CHECKING

from workbench.lab.timeline import asked_at, history_of
from workbench.manifests import write_parquet

if TYPE_CHECKING:
    from collections.abc import Sequence

    from workbench.profiles.table_features import TableFeatures
    from workbench.widgets.pit_timeline import Value

ENTITY = "the one"


class FeastEngine:
    """Feast's own offline store on DuckDB, with or without its filter on known-at.

    Parameters
    ----------
    known_at : bool
        False is Feast's default: it joins on the event time alone.

    Notes
    -----
    Loads Feast at the first call (seconds) and takes some hundred milliseconds a call: too slow to
    follow a drag, so the answers come behind it. The store's view has no ttl, and so an answer too
    old for the timeline is marked there and not left out.
    """

    def __init__(self, *, known_at: bool = False) -> None:
        self._known_at = known_at
        self._home = ""
        self._door: TableFeatures | None = None

    def __call__(self, values: Sequence[Value], observation: float, ttl: float | None) -> str | None:
        """Pick what Feast picks.

        Parameters
        ----------
        values : sequence of Value
            In days.
        observation : float
            In days.
        ttl : float or None
            Not used.

        Returns
        -------
        str or None
            The id of the value.
        """
        del ttl
        if not values:
            return None
        from workbench.profiles.table_features import VIEW

        door = self._with(values)
        asked = asked_at(observation).append_column("row_id", [["row"]]).append_column("item_id", [[ENTITY]])
        place = door.as_of(asked, VIEW, known_at=self._known_at)[_stored()[0]][0].as_py()
        return None if place is None else values[int(place)].id

    def _with(self, values: Sequence[Value]) -> TableFeatures:
        """Return the store, which holds these values now; a value's place stands where its number would."""
        import pyarrow as pa

        from workbench.profiles.settings import WorldSettings
        from workbench.profiles.table_features import VIEW, TableFeatures
        from workbench.profiles.workspace import create, open_workspace

        if not self._home:
            self._home = tempfile.mkdtemp(prefix="workbench-feast-")
            weakref.finalize(self, shutil.rmtree, self._home, ignore_errors=True)
            create(f"{self._home}/ws", offline_store="duckdb", world=WorldSettings(name="gym"))
        ws = open_workspace(f"{self._home}/ws")
        history = history_of(values).select(["event_timestamp", "created_timestamp"])
        places = pa.array([float(i) for i in range(len(values))])
        table = pa.table(
            {
                "item_id": [ENTITY] * len(values),
                "event_timestamp": history["event_timestamp"],
                "created_timestamp": history["created_timestamp"],
                "captured_at": history["event_timestamp"],
                **dict.fromkeys(_stored(), places),
            }
        )
        write_parquet(Path(ws.features) / VIEW / "feast_features.parquet", table)
        if self._door is None:
            self._door = TableFeatures(ws)
            self._door.apply()
        return self._door


def _stored() -> tuple[str, ...]:
    from workbench.worlds.gym_features import STORED

    return tuple(STORED)
