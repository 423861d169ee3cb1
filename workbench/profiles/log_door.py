"""The features of a gym straight from a log, without a store: for a log that somebody has cut.

Answers as `workbench.profiles.table_features.TableFeatures` does; a test compares them. The truncation
test needs it: it runs the same feature code on the whole log and on what was known at a moment.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from workbench import pit
from workbench.profiles.definitions import VIEW
from workbench.worlds.gym import GymWorld
from workbench.worlds.gym_features import ON_DEMAND, STORED, with_on_demand
from workbench.worlds.gym_jobs import MONDAYS, feature_rows

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

    import pyarrow as pa

_FETCHED: Final = {"feature_timestamp": "captured_at", **{name: name for name in STORED}}


class LogDoor:
    """A log that answers like a feature store.

    Parameters
    ----------
    log : mapping of str to pyarrow.Table
        As `workbench.worlds.gym.GymWorld.log`.

    Attributes
    ----------
    log : mapping of str to pyarrow.Table
        The same.
    """

    def __init__(self, log: Mapping[str, pa.Table]) -> None:
        self.log = log

    def as_of(self, observations: pa.Table, view: str = VIEW, *, known_at: bool = True) -> pa.Table:  # noqa: ARG002  (there is one)
        """Give each observation the features that could be known at its time.

        Parameters
        ----------
        observations : pyarrow.Table
            ``row_id``, ``item_id``, ``event_timestamp``.
        view : str
            Name of the feature view; there is one.
        known_at : bool
            False: corrections that were made later are used, too.

        Returns
        -------
        pyarrow.Table
            As `workbench.profiles.table_features.TableFeatures.as_of`.
        """
        return self._answer(observations, observations["event_timestamp"].to_pylist(), known_at=known_at)

    def latest(self, observations: pa.Table, view: str = VIEW, *, now: datetime) -> pa.Table:  # noqa: ARG002
        """Give each observation the newest features there are at `now`."""
        import pyarrow as pa

        at = observations.column_names.index("event_timestamp")
        times = observations["event_timestamp"]
        asked = observations.set_column(at, "event_timestamp", pa.array([now] * len(times), times.type))
        found = self._answer(asked, MONDAYS, known_at=True)
        return found.set_column(at, "event_timestamp", times)

    def _answer(self, observations: pa.Table, times: Sequence[datetime], *, known_at: bool) -> pa.Table:
        """Run the job for the Mondays that can matter, and join as of each observation."""
        first, last = min(times), max(times)
        before = [monday for monday in MONDAYS if monday <= first][-1:]
        mondays = [*before, *(monday for monday in MONDAYS if first < monday <= last)]
        facts = feature_rows(self.log, mondays or MONDAYS[:1], corrected_until=GymWorld.history_end)
        rule = pit.Rule(keys=["item_id"], columns=_FETCHED, wait_until_known=known_at)
        found = with_on_demand(pit.as_of(observations, facts, rule))
        return found.select([*observations.column_names, *_FETCHED, *ON_DEMAND])
