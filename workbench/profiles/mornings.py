"""What the online store of the gym answered on each morning of production.

An online store holds one answer a member, the newest. To see what it said on an earlier morning, a
second feature store is filled with what was known by that morning and asked, beside the real one,
which stays as it is. The answers do not depend on any model, so they are kept in the cache.
"""

from __future__ import annotations

import json
import shutil
from typing import TYPE_CHECKING, Any, Final

from workbench import clock
from workbench.errors import ManifestError
from workbench.hashing import sha256_texts
from workbench.manifests import atomic, read_part, write_json, write_parquet, write_text
from workbench.profiles.definitions import FILE, VIEW
from workbench.profiles.features import OnlineRow
from workbench.profiles.settings import dump
from workbench.profiles.table_features import TableFeatures
from workbench.profiles.workspace import embedded
from workbench.worlds.gym_features import COLUMNS
from workbench.worlds.gym_jobs import MONDAYS

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime
    from pathlib import Path

    import pyarrow as pa

    from workbench.profiles.workspace import Workspace

_MARK: Final = "filled.json"


def answered(ws: Workspace, item_ids: Sequence[str], now: datetime) -> list[OnlineRow]:
    """Return what the online store, filled that morning, says about members.

    Parameters
    ----------
    ws : Workspace
        With extracted features.
    item_ids : sequence of str
        Which members.
    now : datetime
        The morning, aware: features of later event times are not there yet.

    Returns
    -------
    list of OnlineRow
        One an id, in the order given.

    Raises
    ------
    FeatureError
        If nothing was extracted.
    """
    path = _kept(ws, item_ids, now)
    try:
        rows = read_part(path)
    except (ManifestError, FileNotFoundError):
        rows = _as_table(_ask(ws, item_ids, now))
        write_parquet(path, rows)
    return [_as_row(row) for row in rows.to_pylist()]


def _kept(ws: Workspace, item_ids: Sequence[str], now: datetime) -> Path:
    name = sha256_texts([_digest(ws), *item_ids])[:24]
    return ws.cache / "mornings" / f"{clock.compact(now)}-{name}.parquet"


def _digest(ws: Workspace) -> str:
    """Return the digest of the features, also where they were not published to the end."""
    return str(json.loads((ws.features / VIEW / "view.json").read_text(encoding="utf-8")).get("digest"))


def _ask(ws: Workspace, item_ids: Sequence[str], now: datetime) -> list[OnlineRow]:
    """Fill a second store with what was known that morning, and ask it."""
    root = ws.cache / "mornings" / "store"
    second = embedded(ws, root)
    here, there = ws.features / VIEW / FILE, second.features / VIEW / FILE
    with ws.writing():
        if not _filled_earlier(ws, root, now):
            shutil.rmtree(root, ignore_errors=True)  # of other features, of a later morning, or killed
            there.parent.mkdir(parents=True)
        (root / _MARK).unlink(missing_ok=True)
        write_text(root / "workspace.toml", dump(second.settings))
        _known_by(here, there, now)
        door = TableFeatures(second)
        door.apply()
        door.materialise(VIEW, MONDAYS[0], now)
        write_json(root / _MARK, {"digest": _digest(ws), "filled": clock.iso(now)})
        return door.online(VIEW, item_ids)


def _filled_earlier(ws: Workspace, root: Path, now: datetime) -> bool:
    """Return whether the second store can be filled on: a store never forgets who came later."""
    if not (root / _MARK).is_file():
        return False
    mark = json.loads((root / _MARK).read_text(encoding="utf-8"))
    return bool(mark["digest"] == _digest(ws) and clock.parse_utc(mark["filled"]) <= now)


def _known_by(here: Path, there: Path, now: datetime) -> None:
    """Copy the feature file without what was recorded later: a store that died took no correction in."""
    import pyarrow as pa
    import pyarrow.compute as pc
    import pyarrow.parquet as pq

    with (
        pq.ParquetFile(here) as source,
        atomic(there) as temporary,
        pq.ParquetWriter(temporary, source.schema_arrow) as writer,
    ):
        for rows in source.iter_batches():
            made = rows["created_timestamp"]
            writer.write_batch(rows.filter(pc.less_equal(made, pa.scalar(now, made.type))))


def _as_table(rows: Sequence[OnlineRow]) -> pa.Table:
    import pyarrow as pa

    values = [row.values or {} for row in rows]
    columns: dict[str, Any] = {
        "item_id": pa.array([row.item_id for row in rows], pa.string()),
        "feature_timestamp": pa.array([row.feature_timestamp for row in rows], clock.timestamp_type()),
    }
    return pa.table(columns | {n: pa.array([v.get(n) for v in values], pa.float64()) for n in COLUMNS})


def _as_row(row: dict[str, Any]) -> OnlineRow:
    when = row["feature_timestamp"]
    if when is None:
        return OnlineRow(row["item_id"], found=False)
    values = {name: row[name] for name in COLUMNS}
    return OnlineRow(row["item_id"], found=True, feature_timestamp=clock.as_utc(when), values=values)
