"""The one point-in-time join: what was the newest value that could be known at that moment?

An *observation* asks at a time. A row of the *history* answers with two times of its own:
the event time (when it became true) and known-at (when it was recorded). It can be used from
the later of the two on, and so the whole rule is one comparison and one order::

    usable_at = greatest(event time, known-at)
    usable_at <= observation time      true before, and recorded before
    newest event time wins             of ties, the one recorded last, then the last row

Leave known-at out of `greatest` and late arrivals leak. Ask at another time than the
observation's own and the future leaks (`latest`). `sql` is the text that runs, `brute_force`
says the same in plain Python, and the tests compare the two.

DuckDB's ASOF JOIN does the search. Two of its habits are tamed here: of equal rows it takes
any one, depending on the number of threads, so ties are resolved before the join; and its
nested-loop plan, chosen by a guess of the row count, is switched off.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, TypeAlias, cast

from workbench.clock import MICROSECOND, as_utc, timestamp_type
from workbench.errors import PointInTimeError
from workbench.pit.tables import (
    ROW,
    connect,
    key_family,
    narrow,
    parquet_files,
    quote,
    read_rows,
    register_files,
    require,
    require_clock,
    schema_of,
)

if TYPE_CHECKING:
    from datetime import datetime, timedelta

    import duckdb
    import pyarrow as pa

History: TypeAlias = "pa.Table | Path | str"

__all__ = ["Rule", "as_of", "brute_force", "latest", "sql", "which"]


@dataclass(frozen=True)
class Rule:
    """Which answer an observation gets.

    Attributes
    ----------
    keys : sequence of str, or mapping of str to str
        Columns that must be equal; as a mapping: observation column to history column.
        None at all: every row of the history is about every observation. A null key matches
        nothing.
    columns : sequence of str, or mapping of str to str
        Columns to fetch; as a mapping: name in the result to history column.
    event_time : str
        Column of the history: when it became true. Rows without one are never used.
    known_at : str or None
        Column of the history: when it was recorded. None: the history does not say.
    observation_time : str
        Column of the observations: the moment that is asked about.
    ttl : timedelta, optional
        Oldest answer that still counts; an age of exactly `ttl` does. None: any age.
    wait_until_known : bool
        Use a row only from its known-at on, and never when that is null. False is what
        feature stores do unless told: known-at then decides ties and nothing else.
    """

    keys: Sequence[str] | Mapping[str, str]
    columns: Sequence[str] | Mapping[str, str]
    event_time: str = "event_timestamp"
    known_at: str | None = "created_timestamp"
    observation_time: str = "event_timestamp"
    ttl: timedelta | None = None
    wait_until_known: bool = True

    @property
    def key_pairs(self) -> list[tuple[str, str]]:
        """Observation column and history column of each key."""
        return _pairs(self.keys)

    @property
    def column_pairs(self) -> list[tuple[str, str]]:
        """Name in the result and history column of each fetched column."""
        return _pairs(self.columns)

    @property
    def history_times(self) -> list[str]:
        """The one or two time columns of the history."""
        return [self.event_time] if self.known_at is None else [self.event_time, self.known_at]


def _pairs(names: Sequence[str] | Mapping[str, str]) -> list[tuple[str, str]]:
    return list(names.items()) if isinstance(names, Mapping) else [(name, name) for name in names]


def as_of(observations: pa.Table, history: History, rule: Rule) -> pa.Table:
    """Give each observation the newest answer that could be known at its time.

    Parameters
    ----------
    observations : pyarrow.Table
        Has the keys and the time that `rule` names, in any order, repeats allowed.
    history : pyarrow.Table, Path or str
        Has keys, times and values; or the path of a Parquet file or of a folder of them.
        Values of a file are read for the chosen rows only.
    rule : Rule
        Which answer counts.

    Returns
    -------
    pyarrow.Table
        The same rows in the same order, their own columns untouched, with the fetched columns
        added: null where nothing could be known, and where the newest answer is itself null.

    Raises
    ------
    PointInTimeError
        If a column is missing or would be there twice, keys are of different types, a time has
        no zone or would lose parts below a microsecond (a table is cast where the cast is
        exact, a file of nanoseconds is refused).
    """
    import pyarrow.compute as pc

    _refuse_repeats([*observations.column_names, *(name for name, _ in rule.column_pairs)])
    rows = which(observations, history, rule)
    columns = list(dict.fromkeys(column for _, column in rule.column_pairs))
    if isinstance(history, (str, Path)):
        history = read_rows(history, columns, pc.unique(rows.drop_null()))
        rows = pc.index_in(rows, value_set=history[ROW].combine_chunks(), skip_nulls=True)
    answers = history.select(columns).take(rows)
    for name, column in rule.column_pairs:
        observations = observations.append_column(name, answers[column])
    return observations


def latest(observations: pa.Table, history: History, rule: Rule, *, now: datetime) -> pa.Table:
    """Give each observation the newest answer there is at `now`, whatever its own time: the leak.

    Parameters
    ----------
    observations : pyarrow.Table
        As in `as_of`.
    history : pyarrow.Table, Path or str
        As in `as_of`.
    rule : Rule
        As in `as_of`; its `ttl` is left out.
    now : datetime
        The moment of the query, aware.

    Returns
    -------
    pyarrow.Table
        As from `as_of`, with the observations' own times.
    """
    import pyarrow as pa

    name = rule.observation_time
    require(observations.schema, [name], "the observations")
    at = observations.schema.get_field_index(name)
    own_field, own_times = observations.schema.field(at), observations.column(at)
    asked_now = pa.array([as_utc(now)] * len(own_times), timestamp_type())
    found = as_of(observations.set_column(at, name, asked_now), history, replace(rule, ttl=None))
    return found.set_column(at, own_field, own_times)


def which(
    observations: pa.Table, history: History, rule: Rule, *, con: duckdb.DuckDBPyConnection | None = None
) -> pa.Int64Array:
    """Find the row of the history that answers each observation.

    Parameters
    ----------
    observations : pyarrow.Table
        As in `as_of`.
    history : pyarrow.Table, Path or str
        As in `as_of`.
    rule : Rule
        As in `as_of`.
    con : duckdb.DuckDBPyConnection, optional
        From `workbench.pit.tables.connect`, for one who asks about tables again and again: opening
        one takes longer than a small join. None: one for this call alone.

    Returns
    -------
    pyarrow.Int64Array
        (n_observations,) positions in the history, counted through the files of a folder in the
        order of their names; null where nothing could be known.
    """
    import pyarrow as pa

    files = None if isinstance(history, pa.Table) else parquet_files(history)
    schema = schema_of(files) if files else cast("pa.Table", history).schema
    _check(observations.schema, schema, rule, in_file=bool(files))
    asked = narrow(observations, [name for name, _ in rule.key_pairs], [rule.observation_time])
    with connect() if con is None else nullcontext(con) as on:
        on.register("observations", asked)
        if files:
            register_files(on, files)
        else:
            on.register("history", narrow(history, [c for _, c in rule.key_pairs], rule.history_times))
        answer = on.sql(sql(rule)).to_arrow_table()["history_row"]
    if len(answer) != observations.num_rows:  # cannot happen; a silent loss of rows is what we teach about
        raise PointInTimeError(f"{observations.num_rows} observations came back as {len(answer)} answers")
    return pa.concat_arrays(answer.chunks) if answer.num_chunks else pa.array([], pa.int64())


_SQL: Final = """\
WITH facts AS (  -- from when on can each row of the history be used?
    SELECT {key_columns}{event} AS event, {known} AS known, __row,
           {usable} AS usable_at
    FROM history
    WHERE {complete}
),
best AS (        -- from then on: the newest event of its key; of ties, the one recorded last
    SELECT {keys}usable_at, max({{'event': event, 'known': known, '__row': __row}}){so_far} AS fact
    FROM facts{at_each_time}
)
SELECT {answer} AS history_row
FROM observations AS o
ASOF LEFT JOIN best AS b ON {match}
ORDER BY o.__row"""


def sql(rule: Rule) -> str:
    """Return the SQL that `which` runs: a position in ``history`` for each of ``observations``.

    Parameters
    ----------
    rule : Rule
        Which answer counts.

    Returns
    -------
    str
        For DuckDB. Both tables have a column ``__row`` with the position of each row.
    """
    event, asked = quote(rule.event_time), f"o.{quote(rule.observation_time)}"
    never = "TIMESTAMPTZ '-infinity'"  # of ties, a row that was recorded nobody knows when comes last
    known = quote(rule.known_at) if rule.known_at else never
    wait = rule.known_at is not None and rule.wait_until_known
    numbered = list(enumerate(rule.key_pairs))
    keys = ", ".join(f"key_{i}" for i, _ in numbered)
    partition = f"PARTITION BY {keys} " if keys else ""
    return _SQL.format(
        key_columns="".join(f"{quote(column)} AS key_{i}, " for i, (_, column) in numbered),
        keys=f"{keys}, " if keys else "",
        # who waits may hear of an older event later; who does not, never: the newest is that of the time itself
        so_far=f" OVER ({partition}ORDER BY usable_at)" if wait else "",
        at_each_time="" if wait else " GROUP BY ALL",
        event=event,
        known=f"coalesce({known}, {never})" if rule.known_at and not wait else known,
        usable=f"greatest({event}, {known})" if wait else event,
        complete=f"{event} IS NOT NULL AND {known} IS NOT NULL" if wait else f"{event} IS NOT NULL",
        answer="b.fact.__row" if rule.ttl is None else _unless_too_old(asked, rule.ttl),
        match="".join(f"o.{quote(name)} = b.key_{i} AND " for i, (name, _) in numbered)
        + f"{asked} >= b.usable_at",
    )


def _unless_too_old(asked: str, ttl: timedelta) -> str:
    """Judge the age after the join: when the newest answer is too old, all are."""
    age = f"epoch_us({asked}) - epoch_us(b.fact.event)"
    return f"CASE WHEN {age} <= {ttl // MICROSECOND} THEN b.fact.__row END"


def brute_force(
    observations: Sequence[Mapping[str, Any]], history: Sequence[Mapping[str, Any]], rule: Rule
) -> list[int | None]:
    """Answer as `which` does, by looking at every row for every observation: the oracle.

    Parameters
    ----------
    observations : sequence of mapping
        Rows, for example of ``table.to_pylist()``.
    history : sequence of mapping
        Rows. Times may be of any kind that compares; `ttl` is of the kind of their difference.
    rule : Rule
        Which answer counts.

    Returns
    -------
    list of int or None
        Positions in the history.

    Notes
    -----
    Costs observations times history: for tests, and for pictures of a few rows.
    """
    answers: list[int | None] = []
    for observation in observations:
        now = observation[rule.observation_time]
        usable = [fact for i, row in enumerate(history) if (fact := _usable(observation, row, i, rule))]
        best = max(usable, default=None)
        fresh = best is not None and (rule.ttl is None or now - best[0] <= rule.ttl)
        answers.append(best[-1] if best is not None and fresh else None)
    return answers


def _usable(asked: Mapping[str, Any], row: Mapping[str, Any], position: int, rule: Rule) -> tuple[Any, ...]:
    """Return how the row ranks (event, known-at, position), or nothing when it cannot be used."""
    now, event = asked[rule.observation_time], row[rule.event_time]
    known = row[rule.known_at] if rule.known_at else None
    if any(asked[name] is None or asked[name] != row[column] for name, column in rule.key_pairs):
        return ()
    if now is None or event is None or event > now:
        return ()
    if rule.known_at and rule.wait_until_known and (known is None or known > now):
        return ()
    return (event, known is not None, known if known is not None else event, position)


def _check(observations: pa.Schema, history: pa.Schema, rule: Rule, *, in_file: bool) -> None:
    ours, theirs = [name for name, _ in rule.key_pairs], [column for _, column in rule.key_pairs]
    require(observations, [*ours, rule.observation_time], "the observations")
    require(history, [*theirs, *rule.history_times, *(c for _, c in rule.column_pairs)], "the history")
    require_clock(observations.field(rule.observation_time))
    for name in rule.history_times:
        require_clock(history.field(name), in_file=in_file)
    for name, column in rule.key_pairs:
        pair = key_family(observations.field(name).type), key_family(history.field(column).type)
        if len({*pair} - {"null"}) > 1:
            raise PointInTimeError(
                f"the key {name!r} is {pair[0]} in the observations, {column!r} is {pair[1]} in the history",
                hint="cast one of them: a join must not guess",
            )
    if rule.ttl is not None and rule.ttl < 0 * MICROSECOND:
        raise PointInTimeError(f"a ttl of {rule.ttl} keeps nothing", hint="use a positive one, or None")


def _refuse_repeats(names: Sequence[str]) -> None:
    for name in names:
        if name == ROW or names.count(name) > 1:
            raise PointInTimeError(
                f"the result cannot have the column {name!r}" + (" twice" if name != ROW else ""),
                hint="rename it in the observations, or fetch it under another name",
            )
