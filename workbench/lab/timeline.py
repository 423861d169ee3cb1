"""The timeline's engines: the very joins of the pipeline, asked in the kernel at every drag."""

from __future__ import annotations

import weakref
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Final

from workbench import pit
from workbench.lab.show import code
from workbench.pit.tables import connect
from workbench.widgets import PitTimeline

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    import duckdb
    import pyarrow as pa

    from workbench.widgets.pit_timeline import Engine, Value

DAY_0: Final = datetime(2025, 9, 1, tzinfo=UTC)
RULE: Final = pit.Rule(keys=[], columns=["value"])
ON_EVENT_TIME: Final = replace(RULE, wait_until_known=False)


def timeline(
    values: Iterable[Value | Mapping[str, Any]],
    observation: float,
    *,
    more: Mapping[str, Engine] | None = None,
    **traits: Any,
) -> PitTimeline:
    """Return a timeline in days whose answers come from `workbench.pit`.

    Parameters
    ----------
    values : iterable of Value or mapping
        id, value, event and known; times in days.
    observation : float
        In days.
    more : mapping of str to callable, optional
        Further engines, shown below ours; for example `workbench.lab.feast_engine.FeastEngine`.
    **traits : object
        As for `workbench.widgets.PitTimeline`.

    Returns
    -------
    PitTimeline
        With newest value, as-of join on event time, as-of join on both times, and brute force.
    """
    engines = {**Joins().engines, **(more or {})}
    return PitTimeline(values, observation=observation, engines=engines, sources=sources(), **traits)


class Joins:
    """The joins on a database of their own: opening one takes longer than a small join.

    Attributes
    ----------
    engines : dict of str to callable
        Name to `workbench.widgets.pit_timeline.Engine`.
    """

    def __init__(self) -> None:
        self._open: list[duckdb.DuckDBPyConnection] = []
        weakref.finalize(self, self._open.clear)  # at exit, too: DuckDB complains of what outlives it
        self.engines: dict[str, Engine] = {
            "newest value": self.newest,
            "as of event time": self.as_of_event_time,
            "as of both times": self.as_of_both_times,
            "by brute force": by_brute_force,
        }

    def newest(self, values: Sequence[Value], observation: float, ttl: float | None) -> str | None:
        """Pick what a query without a time gives, as `pit.latest` does: it asks at the end, not at the time."""
        del ttl  # it has none
        return self._picked(values, max((value.known for value in values), default=observation), RULE)

    def as_of_event_time(self, values: Sequence[Value], observation: float, ttl: float | None) -> str | None:
        """Pick the newest value that had become true, recorded or not: what feature stores do unless told."""
        return self._picked(values, observation, replace(ON_EVENT_TIME, ttl=_span(ttl)))

    def as_of_both_times(self, values: Sequence[Value], observation: float, ttl: float | None) -> str | None:
        """Pick the newest value that had become true and was recorded."""
        return self._picked(values, observation, replace(RULE, ttl=_span(ttl)))

    def _picked(self, values: Sequence[Value], asked: float, rule: pit.Rule) -> str | None:
        if not self._open:
            self._open.append(connect())
        row = pit.which(asked_at(asked), history_of(values), rule, con=self._open[0])[0].as_py()
        return None if row is None else values[row].id


def by_brute_force(values: Sequence[Value], observation: float, ttl: float | None) -> str | None:
    """Pick as the join on both times does, by looking at every row."""
    history = [{"event_timestamp": value.event, "created_timestamp": value.known} for value in values]
    rule: Any = replace(RULE, ttl=ttl)  # type: ignore[arg-type] # days, as the times are
    (row,) = pit.brute_force([{"event_timestamp": observation}], history, rule)
    return None if row is None else values[row].id


def sources() -> dict[str, str]:
    """Return what each engine runs: the SQL, or the source of the function."""
    return {
        "newest value": f"-- asked at the end, whatever the observation's own time\n{pit.sql(RULE)}",
        "as of event time": pit.sql(ON_EVENT_TIME),
        "as of both times": pit.sql(RULE),
        "by brute force": code("workbench.pit:brute_force").words,
    }


def asked_at(day: float) -> pa.Table:
    """Return one observation as a table."""
    import pyarrow as pa

    from workbench.clock import timestamp_type

    return pa.table({"event_timestamp": pa.array([_time(day)], timestamp_type())})


def history_of(values: Sequence[Value]) -> pa.Table:
    """Return the values as a table with both times.

    Parameters
    ----------
    values : sequence of Value
        In days.

    Returns
    -------
    pyarrow.Table
        id, value, event_timestamp, created_timestamp; row i is value i.
    """
    import pyarrow as pa

    from workbench.clock import timestamp_type

    return pa.table(
        {
            "id": pa.array([value.id for value in values], pa.string()),
            "value": pa.array([value.value for value in values], pa.float64()),
            "event_timestamp": pa.array([_time(value.event) for value in values], timestamp_type()),
            "created_timestamp": pa.array([_time(value.known) for value in values], timestamp_type()),
        }
    )


def _time(day: float) -> datetime:
    return DAY_0 + timedelta(days=day)


def _span(ttl: float | None) -> timedelta | None:
    return None if ttl is None else timedelta(days=ttl)
