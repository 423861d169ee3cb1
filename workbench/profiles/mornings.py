"""What the online store of the gym answered on each morning of production.

An online store holds one answer a member, the newest. To see what it said on an earlier morning, a
second feature store is filled up to that morning and asked, beside the real one, which stays as it
is. The answers do not depend on any model, so they are kept in the cache.
"""

from __future__ import annotations

import json
import os
import shutil
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from workbench import clock
from workbench.errors import ManifestError
from workbench.hashing import sha256_texts
from workbench.manifests import read_part, write_parquet, write_text
from workbench.profiles.definitions import FILE, VIEW
from workbench.profiles.features import OnlineRow
from workbench.profiles.settings import dump
from workbench.profiles.table_features import TableFeatures
from workbench.worlds.gym_features import COLUMNS
from workbench.worlds.gym_jobs import MONDAYS

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime
    from pathlib import Path

    import pyarrow as pa

    from workbench.profiles.workspace import Workspace


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
    view = json.loads((ws.features / VIEW / "view.json").read_text(encoding="utf-8"))
    name = sha256_texts([str(view.get("digest")), *item_ids])[:24]
    return ws.cache / "mornings" / f"{clock.compact(now)}-{name}.parquet"


def _ask(ws: Workspace, item_ids: Sequence[str], now: datetime) -> list[OnlineRow]:
    """Fill a second store up to that morning, and ask it."""
    root = ws.cache / "mornings" / "store"
    second = replace(ws, root=root)
    here, there = ws.features / VIEW / FILE, second.features / VIEW / FILE
    with ws.writing():
        if not there.is_file() or not there.samefile(here):
            shutil.rmtree(root, ignore_errors=True)  # of other features, or of a run that was killed
            there.parent.mkdir(parents=True)
            link_or_copy(here, there)
        write_text(root / "workspace.toml", dump(ws.settings))
        door = TableFeatures(second)
        door.apply()
        door.materialise(VIEW, MONDAYS[0], now)
        return door.online(VIEW, item_ids)


def link_or_copy(source: Path, target: Path) -> None:
    """Make a file of the same content: a link where the disk has them.

    Parameters
    ----------
    source : Path
        A file.
    target : Path
        There is none yet.
    """
    try:
        os.link(source, target)
    except OSError:
        shutil.copyfile(source, target)


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
