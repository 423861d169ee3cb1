"""Does the online store answer what a point-in-time retrieval gives as of now? Asked for a sample of each view.

The offline side is a historical retrieval at the present moment, of what was known by then where the source says
when that was. The online side is what `get_online_features` answers. Both go through `workbench.guards.parity`:
integers, texts and times are compared exactly, other numbers within 1e-6.

Catches  a store that was not filled since the file changed, a value that outlived its ttl (offline it is NULL, online
         it is served), a correction that never arrived, keys that were never loaded, values that no source has.
Misses   keys that only the online store holds; what changed within the last second (stores cut event times there).
Judges   each view that is served, has keys and is read from a file here. A view of which the store answers nothing
         is no pass: it could not be judged.
"""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from workbench.errors import GuardError
from workbench.guards.evidence import MAX_OFFENDERS, Evidence, Finding
from workbench.profiles.feast_scratch import file_of, foreign, join_keys, source_of

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    import pyarrow as pa

    from workbench.profiles.feast_scratch import Repository, Scratch

GUARD: Final = "online_parity"
SAMPLE: Final = 100
"""Keys of each view."""
_ROW: Final = "workbench_row"
NOTHING: Final = "the online store holds nothing"
_EARLIER: Final = 20_000  # rows of the sampled keys that are read to name a stale value


def served(repo: Repository) -> tuple[Any, ...]:
    """Return the views that answer online and are read from a file here."""
    return tuple(
        view
        for view in repo.views
        if view.name not in repo.label_views and getattr(view, "online", True) and file_of(repo, view)
    )


def online_kind(repo: Repository) -> str:
    """Return the type of the online store; empty where there is none."""
    said = repo.config.online_config
    kind = said.get("type", "sqlite") if isinstance(said, dict) else said
    return str(getattr(kind, "type", kind) or "")


def is_local(repo: Repository) -> bool:
    """Return whether the online store is a file on this machine: to read it, nobody is asked over a network."""
    return online_kind(repo) == "sqlite"


def look(scratch: Scratch, view: Any, now: datetime) -> Finding:
    """Compare what is served with what training would get, for a sample of one view.

    Parameters
    ----------
    scratch : Scratch
        A feature store over the view's repository.
    view : Any
        One of `served`.
    now : datetime.datetime
        The time as of which is asked, UTC.

    Returns
    -------
    Finding
        None where there is nothing to compare, with the reason.
    """
    try:
        with foreign():
            return _look(scratch, view, now)
    except GuardError as error:
        return Finding(GUARD, None, f"{view.name}: {error.message.removeprefix('parity: ')}")


def _look(scratch: Scratch, view: Any, now: datetime) -> Finding:
    from workbench.guards import parity

    _require_store(scratch.repo)
    known = scratch.known(view)
    keys, features = join_keys(known), [field.name for field in known.features]
    if not keys or not features:
        raise GuardError("it has no keys" if features else "it has no features")
    source = source_of(known)
    rows, cells = _history(file_of(scratch.repo, view), source, keys, features, now)
    entities = _distinct(rows, keys)
    refs = [f"{known.name}:{name}" for name in features]
    answer = scratch.online(entities, refs)
    loaded = [max(of) for of in zip(*(answer[f"{name}__ts"] for name in features), strict=True)]
    if not any(loaded):
        raise GuardError(f"{NOTHING} of {entities.num_rows} of its keys")
    offline = _offline(scratch, entities, refs, now, known=bool(source.created_timestamp_column))
    one, two, before = _comparable(offline, _online(entities, answer, features), cells, [*keys, *features])
    seen = parity.measure(one, two, keys=keys, columns=features, earlier=before)
    said = parity.check(seen)
    newest = _newest(rows, keys, source.timestamp_field)
    online_at = dict(zip(_key_tuples(entities, keys), loaded, strict=True))
    evidence = _explained(seen, known, keys, (newest, online_at), now)
    return Finding(GUARD, said.fired, f"{known.name}: {said.sentence}{_why(evidence)}", evidence)


def _require_store(repo: Repository) -> None:
    """Refuse to ask a file that is not there: the question would create it."""
    if not is_local(repo):
        return
    path = Path(repo.config.online_store.path)
    if not (repo.root / path).is_file():
        raise GuardError(
            f"there is no online store {path} yet: `feast apply` and `feast materialize` make it"
        )


def _history(
    path: Path | None, source: Any, keys: Sequence[str], features: Sequence[str], now: datetime
) -> tuple[pa.Table, pa.Table]:
    """Return keys and times of a sample of keys, as known by now; and the newest of those rows with their features."""
    import pyarrow as pa
    import pyarrow.compute as pc
    import pyarrow.dataset as ds

    file = ds.dataset(path, format="parquet")
    back = {new: old for old, new in (source.field_mapping or {}).items()}
    times = [name for name in (source.timestamp_field, source.created_timestamp_column) if name]
    rows = file.to_table(
        columns={name: ds.field(back.get(name, name)) for name in dict.fromkeys([*keys, *times])}
    )
    rows = rows.append_column(_ROW, pa.array(np.arange(rows.num_rows)))
    at = pa.scalar(now.replace(tzinfo=None), pa.timestamp("us"))
    for column in times:
        rows = rows.filter(pc.less_equal(rows[column].cast(pa.timestamp("us"), safe=False), at))
    for key in keys:
        rows = rows.filter(pc.is_valid(rows[key]))
    if not rows.num_rows:
        raise GuardError("its file has no row that was known by now")
    rows = rows.join(_sampled(_distinct(rows, keys)), list(keys), join_type="inner")
    rows = rows.sort_by([(source.timestamp_field, "descending")])
    there = {name: back.get(name, name) for name in features if back.get(name, name) in file.schema.names}
    place = rows[_ROW].slice(0, _EARLIER).combine_chunks()
    cells = file.take(place, columns=list(there.values())).rename_columns(list(there))
    for key in keys:
        cells = cells.append_column(key, rows[key].slice(0, _EARLIER))
    return rows, cells


def _distinct(rows: pa.Table, keys: Sequence[str]) -> pa.Table:
    return (
        rows.group_by(list(keys))
        .aggregate([])
        .select(list(keys))
        .sort_by([(key, "ascending") for key in keys])
    )


def _sampled(entities: pa.Table) -> pa.Table:
    """Draw keys; the same ones each time, so that a finding can be looked at again."""
    n = entities.num_rows
    return entities.take(np.sort(np.random.default_rng(0).permutation(n)[:SAMPLE]))


def _offline(
    scratch: Scratch, entities: pa.Table, refs: Sequence[str], now: datetime, *, known: bool
) -> pa.Table:
    import pyarrow as pa

    at = pa.array([now] * entities.num_rows, pa.timestamp("us", "UTC"))
    return scratch.as_of(entities.append_column("event_timestamp", at), refs, known=known)


def _online(entities: pa.Table, answer: dict[str, list[Any]], features: Sequence[str]) -> pa.Table:
    return _table(
        {name: entities[name].to_pylist() for name in entities.column_names}
        | {n: answer[n] for n in features}
    )


def _table(columns: dict[str, list[Any]]) -> pa.Table:
    import pyarrow as pa

    made = {}
    for name, values in columns.items():
        try:
            made[name] = pa.array(values)
        except pa.ArrowException:  # of no one type: compared as texts
            made[name] = pa.array([None if value is None else str(value) for value in values])
    return pa.table(made)


def _comparable(
    offline: pa.Table, online: pa.Table, earlier: pa.Table, names: Sequence[str]
) -> tuple[pa.Table, pa.Table, pa.Table]:
    """Bring maps, structs and JSON into one form: stores return them as texts, dictionaries or pairs."""
    import pyarrow.types as pt

    def nested(kind: pa.DataType) -> bool:
        return bool(
            pt.is_struct(kind) or pt.is_map(kind) or (pt.is_list(kind) and pt.is_nested(kind.value_type))
        )

    tables = [
        table.select([n for n in names if n in table.column_names]) for table in (offline, online, earlier)
    ]
    for name in names:
        if any(name in table.column_names and nested(table[name].type) for table in tables):
            tables = [_as_texts(table, name) if name in table.column_names else table for table in tables]
    return tables[0], tables[1], tables[2]


def _as_texts(rows: pa.Table, name: str) -> pa.Table:
    import pyarrow as pa

    texts = pa.array([_canonical(value) for value in rows[name].to_pylist()], pa.string())
    return rows.set_column(rows.column_names.index(name), name, texts)


def _canonical(value: Any) -> str | None:
    if value is None:
        return None
    if isinstance(value, str):
        try:
            value = json.loads(value)
        except ValueError:
            return str(value)
    if isinstance(value, list) and all(isinstance(pair, tuple) and len(pair) == 2 for pair in value):
        value = dict(value)  # a map, as Arrow gives it
    return json.dumps(value, sort_keys=True, default=str)


def _key_tuples(rows: pa.Table, keys: Sequence[str]) -> list[tuple[Any, ...]]:
    return list(zip(*(rows[key].to_pylist() for key in keys), strict=True))


def _newest(rows: pa.Table, keys: Sequence[str], when: str) -> dict[tuple[Any, ...], int]:
    """Return the event time of each key's newest row, in whole seconds, as online stores keep it."""
    import pyarrow as pa

    times = rows[when].cast(pa.timestamp("us"), safe=False).cast(pa.int64())
    newest: dict[tuple[Any, ...], int] = {}
    for key, at in zip(_key_tuples(rows, keys), times.to_pylist(), strict=True):
        newest[key] = max(newest.get(key, at // 1_000_000), at // 1_000_000)
    return newest


def _explained(
    seen: Evidence,
    view: Any,
    keys: Sequence[str],
    times: tuple[dict[Any, int], dict[Any, int]],
    now: datetime,
) -> Evidence:
    """Say beside each cell why it differs, as far as event times tell."""
    import pyarrow as pa

    facts = dict(seen.facts) | {"view": view.name}
    if seen.offenders is None:
        return replace(seen, guard=GUARD, facts=facts)
    rows = seen.offenders.to_pylist()
    ttl = view.ttl or timedelta(0)
    oldest = int((now - ttl).timestamp()) if ttl else None
    told = [row | {"why": _reason(row, keys, times, oldest)} for row in rows]
    facts["reasons"] = {
        why: sum(row["why"] == why for row in told) for why in dict.fromkeys(r["why"] for r in told)
    }
    return replace(seen, guard=GUARD, offenders=pa.Table.from_pylist(told), facts=facts)


def _reason(
    row: dict[str, Any], keys: Sequence[str], times: tuple[dict[Any, int], dict[Any, int]], oldest: int | None
) -> str:
    key = tuple(row[name] for name in keys)
    newest, online = times[0].get(key), times[1].get(key, 0)
    if not online:
        return "never loaded"
    if oldest is not None and online < oldest and row["offline"] == "None":
        return "outlived its ttl"
    if newest is None or online > newest:
        return "ahead of the source"
    return "behind the source" if online < newest else "corrected after loading"


def _why(evidence: Evidence) -> str:
    reasons = evidence.facts.get("reasons") or {}
    of = " of those shown" if sum(reasons.values()) == MAX_OFFENDERS else ""
    return "".join(f"; {why}: {n} cell{'s' if n > 1 else ''}{of}" for why, n in reasons.items())
