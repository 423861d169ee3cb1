"""A second feature store beside the real one, for a while: the same Feast with another setting.

Some failures are nothing but what Feast does when it is set up as many set it up. They are shown on a
store of their own, made from the same features, filled and asked through the same door, and taken away
again. Its answers stay in the cache. In it visits come in a file of their own, as where turnstiles and
accounts are two systems; the account is the real one.
"""

from __future__ import annotations

import contextlib
import json
import shutil
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Final

from workbench import clock
from workbench.errors import ManifestError
from workbench.hashing import sha256_texts
from workbench.manifests import link_or_copy, read_part, write_parquet, write_text
from workbench.profiles.definitions import EVENT_TIME, FILE, KEY, KNOWN_AT, OF_VISITS, VIEW, VISITS
from workbench.profiles.definitions import table_definitions as defined
from workbench.profiles.feast_door import feast_call
from workbench.profiles.feature_checks import check_table
from workbench.profiles.hands import put
from workbench.profiles.log_door import LogDoor
from workbench.profiles.members import due_members, log_of
from workbench.profiles.retrievals import POSITION, same_rows
from workbench.profiles.settings import dump
from workbench.profiles.table_features import TableFeatures
from workbench.profiles.workspace import embedded
from workbench.worlds.gym import GymWorld
from workbench.worlds.gym_features import COLUMNS, ON_DEMAND
from workbench.worlds.gym_jobs import MONDAYS, WEEK, feature_rows

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    import pyarrow as pa

    from workbench.profiles.workspace import Workspace
    from workbench.seams import Join, Step

LATE: Final = timedelta(days=2)
"""Rows of a late club arrive so long after their Monday."""
NIGHTLY: Final = timedelta(hours=1)
"""The online store is filled so long after the feature job has run."""
_LOOK_BACK: Final = WEEK * 13
"""So much of a log is enough to see what a join makes of one moment."""
_SEEN_AT: Final = "visits_timestamp"


@dataclass(frozen=True, slots=True)
class Setup:
    """In what the second store differs from the real one; as it stands, in nothing.

    Attributes
    ----------
    offline : str
        Feast's name of the offline store; empty: the one of the workspace.
    ttl_days : float
        Time to live of the visits; 0: for ever.
    only_who_came : bool
        Visits have a row of a Monday only where the member came in the week before: they are written by
        the turnstile, and who stays away writes nothing.
    late_clubs : float
        Share of the clubs whose visits arrive `LATE`.
    incremental : bool
        After the launch, at the end of the history, the online store is filled by Feast's
        ``materialize_incremental``; otherwise with the whole span each time.
    """

    offline: str = ""
    ttl_days: float = 0.0
    only_who_came: bool = False
    late_clubs: float = 0.0
    incremental: bool = False

    @property
    def ttl(self) -> timedelta | None:
        """Time to live of the visits."""
        return timedelta(days=self.ttl_days) if self.ttl_days else None


class SecondDoor(TableFeatures):
    """The door to a second store.

    Parameters
    ----------
    ws : Workspace
        Its folder, with the feature file of the account.
    setup : Setup
        In what it differs.
    """

    def __init__(self, ws: Workspace, setup: Setup) -> None:
        super().__init__(ws)
        self._setup = setup
        self.visits_file = ws.features / VISITS / FILE

    def apply(self, card: Any = None) -> None:
        """Define the views: visits over their own file, with their time to live."""
        del card
        with feast_call(), self._ws.writing():
            check_table(self._file(VIEW))
            self._store().apply(defined(self._file(VIEW), visits_path=self.visits_file, ttl=self._setup.ttl))

    def materialise_incremental(self, end: datetime) -> None:
        """Let Feast copy what came since it did so last: event times from the last end to this one."""
        with feast_call(), self._ws.writing():
            self._having(VIEW).materialize_incremental(end, feature_views=list(self._parts(VIEW)))

    def came_back(self, observations: pa.Table) -> pa.Table:
        """Give observations their features, whatever the store makes of them: rows that are lost stay lost."""
        import numpy as np
        import pyarrow as pa

        found = self._retrieved(observations, VIEW, known_at=True).sort_by(POSITION)
        kept = observations.take(found[POSITION].combine_chunks())
        at = found.column_names.index(POSITION)
        return same_rows(
            kept, found.set_column(at, POSITION, pa.array(np.arange(kept.num_rows))), self._added()
        )

    def answers(self, item_ids: list[str]) -> pa.Table:
        """Ask the online store: features, ``feature_timestamp``, and the event time of the visits."""
        import pyarrow as pa

        rows = self.online(VIEW, item_ids)
        seconds = self._ask_online(VIEW, item_ids, with_times=True)[f"{OF_VISITS[0]}__ts"]
        seen_at = [datetime.fromtimestamp(s, UTC) if s else None for s in seconds]
        values = [row.values or {} for row in rows]
        columns: dict[str, Any] = {
            "item_id": pa.array(item_ids, pa.string()),
            "feature_timestamp": pa.array([row.feature_timestamp for row in rows], clock.timestamp_type()),
            _SEEN_AT: pa.array(seen_at, clock.timestamp_type()),
        }
        return pa.table(columns | {n: pa.array([v.get(n) for v in values], pa.float64()) for n in COLUMNS})

    def _file_of(self, view: str, part: str) -> Path:
        return self.visits_file if part == VISITS else super()._file_of(view, part)

    def _config(self) -> dict[str, Any]:
        config = super()._config()
        return config | {"offline_store": {"type": self._setup.offline}} if self._setup.offline else config


def join_with(setup: Setup) -> Join:
    """Return a join through a second store; rows that it loses are lost.

    Parameters
    ----------
    setup : Setup
        Of the store.

    Returns
    -------
    Join
        For `workbench.seams.Seams.join`.
    """

    def join(door: Any, rows: pa.Table, view: str, ws: Any) -> pa.Table:
        del view
        if isinstance(door, LogDoor):
            return _joined(ws, setup, rows, door.log, _facts_of(door.log, rows))
        return _kept(
            ws,
            [repr(setup), *rows["row_id"].to_pylist()],
            lambda: _joined(ws, setup, rows, door.log, None),
        )

    return join


def served_by(setup: Setup, *, expires: bool = False) -> Step:
    """Return a step that answers from a second online store, as it was on that morning.

    Parameters
    ----------
    setup : Setup
        Of the store.
    expires : bool
        Whether the service drops visits that are older than their time to live: Feast does not.

    Returns
    -------
    Step
        For `workbench.seams.Seams.online`.
    """

    def step(rows: pa.Table, ws: Any) -> pa.Table:
        import pyarrow.compute as pc

        (now,) = set(rows["asked_at"].to_pylist())
        known = _morning(ws, setup, clock.as_utc(now))
        known = known.take(pc.index_in(rows["item_id"], known["item_id"].combine_chunks()))
        if expires and setup.ttl:
            known = _without_expired(known, now, setup.ttl)
        for name in ("feature_timestamp", *COLUMNS):
            rows = put(rows, name, known[name])
        return rows

    return step


def _without_expired(known: pa.Table, now: datetime, ttl: timedelta) -> pa.Table:
    """Return null for what is derived from visits that are too old."""
    import pyarrow as pa
    import pyarrow.compute as pc

    fresh = pc.greater_equal(known[_SEEN_AT], pa.scalar(now - ttl, known[_SEEN_AT].type))
    nothing = pa.scalar(None, pa.float64())
    for name in (*OF_VISITS, *ON_DEMAND):
        known = put(known, name, pc.if_else(fresh, known[name], nothing))
    return known


def _joined(
    ws: Workspace, setup: Setup, rows: pa.Table, log: Mapping[str, pa.Table], facts: pa.Table | None
) -> pa.Table:
    with _second(ws, setup, facts) as (door, all_facts):
        write_parquet(door.visits_file, _visits(all_facts, setup, log))
        door.apply()
        first = all_facts[EVENT_TIME][0].as_py()
        door.materialise(VIEW, first, first)  # the door asks no store that was never filled
        return door.came_back(rows)


def _morning(ws: Workspace, setup: Setup, now: datetime) -> pa.Table:
    """Return what the online store said about everybody who was due on a morning."""

    def made() -> pa.Table:
        for morning, answers in _mornings(ws, setup):
            write_parquet(_path(ws, [repr(setup), clock.iso(morning)]), answers)
        return read_part(_path(ws, [repr(setup), clock.iso(now)]))

    return _kept(ws, [repr(setup), clock.iso(now)], made)


def _mornings(ws: Workspace, setup: Setup) -> Iterator[tuple[datetime, pa.Table]]:
    """Fill a store as somebody would have filled it, and ask it on each morning of production."""
    due = due_members(ws, GymWorld.history_end)
    with _second(ws, setup, None) as (door, facts):
        visits = _visits(facts, setup, log_of(ws))
        write_parquet(door.visits_file, _known_by(visits, GymWorld.history_end))
        door.apply()
        door.materialise(VIEW, MONDAYS[0], GymWorld.history_end)
        for monday in MONDAYS:
            if monday < GymWorld.history_end or not (setup.incremental or monday in due):
                continue
            write_parquet(door.visits_file, _known_by(visits, monday + NIGHTLY))
            if setup.incremental:
                door.materialise_incremental(monday + NIGHTLY)
            else:
                door.materialise(VIEW, MONDAYS[0], monday + NIGHTLY)
            if monday in due:
                yield monday, door.answers(due[monday]["item_id"].to_pylist())


@contextlib.contextmanager
def _second(ws: Workspace, setup: Setup, facts: pa.Table | None) -> Iterator[tuple[SecondDoor, pa.Table]]:
    """Open a new store on the features of a workspace, or on others, and take it away again."""
    there = embedded(ws, ws.cache / "second" / "store")
    here, account = ws.features / VIEW / FILE, there.features / VIEW / FILE
    with ws.writing():
        shutil.rmtree(there.root, ignore_errors=True)  # of a run that was killed
        account.parent.mkdir(parents=True)
        write_text(there.root / "workspace.toml", dump(there.settings))
        try:
            if facts is None:
                link_or_copy(here, account)
                facts = read_part(account)
            else:
                write_parquet(account, facts)
            yield SecondDoor(there, setup), facts
        finally:
            shutil.rmtree(there.root, ignore_errors=True)


def _facts_of(log: Mapping[str, pa.Table], rows: pa.Table) -> pa.Table:
    """Run the feature job on a log that somebody has cut, as far as rows need it."""
    times = rows[EVENT_TIME].to_pylist()
    mondays = [monday for monday in MONDAYS if min(times) - _LOOK_BACK <= monday <= max(times)]
    return feature_rows(log, mondays, corrected_until=GymWorld.history_end)


def _visits(facts: pa.Table, setup: Setup, log: Mapping[str, pa.Table]) -> pa.Table:
    """Return the file of the visits: which rows there are, and when they arrive."""
    import pyarrow as pa
    import pyarrow.compute as pc

    rows = facts.select([KEY, EVENT_TIME, KNOWN_AT, *OF_VISITS])
    if setup.only_who_came:
        rows = rows.filter(pc.greater(rows["visits_7d"], 0.0))
    if setup.late_clubs:
        clubs = sorted(set(log["members"]["club"].to_pylist()))
        late = clubs[: round(setup.late_clubs * len(clubs))]
        theirs = log["members"].filter(pc.is_in(log["members"]["club"], pa.array(late)))[KEY]
        by = pa.array([0, int(LATE.total_seconds() * 1e6)], pa.duration("us"))
        wait = by.take(pc.is_in(rows[KEY], theirs.combine_chunks()).combine_chunks().cast(pa.int8()))
        rows = put(rows, KNOWN_AT, pc.add(rows[KNOWN_AT], wait).cast(rows[KNOWN_AT].type))
    return rows


def _known_by(visits: pa.Table, now: datetime) -> pa.Table:
    import pyarrow as pa
    import pyarrow.compute as pc

    return visits.filter(pc.less_equal(visits[KNOWN_AT], pa.scalar(now, visits[KNOWN_AT].type)))


def _path(ws: Workspace, what: list[str]) -> Path:
    view = json.loads((ws.features / VIEW / "view.json").read_text(encoding="utf-8"))
    return ws.cache / "second" / f"{sha256_texts([str(view.get('digest')), *what])[:24]}.parquet"


def _kept(ws: Workspace, what: list[str], make: Any) -> pa.Table:
    """Return what was made before, or make it: nothing in it depends on a model."""
    path = _path(ws, what)
    try:
        return read_part(path)
    except (ManifestError, FileNotFoundError):
        table: pa.Table = make()
        write_parquet(path, table)
        return table
