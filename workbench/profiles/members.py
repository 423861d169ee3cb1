"""The gym in a workspace: the log that was delivered, who is observed, and who is asked about in production.

Photos are one thing each; a member is asked about again and again. This is all that the stages have to
know about that.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from workbench.errors import DatasetError, StageOrderError
from workbench.hashing import bucket_of
from workbench.manifests import has_manifest, read_header, read_table
from workbench.profiles.definitions import VIEW
from workbench.profiles.objects import objects_of
from workbench.records import EncoderCard
from workbench.worlds.gym import GymWorld
from workbench.worlds.gym_deliveries import schema_of, unpack
from workbench.worlds.gym_features import COLUMNS
from workbench.worlds.gym_jobs import fingerprint
from workbench.worlds.gym_observations import observations
from workbench.worlds.gym_season import TABLES

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime
    from pathlib import Path

    import pyarrow as pa

    from workbench.profiles.workspace import Workspace

HORIZON: Final = GymWorld.horizon
"""A label says what happens in so much time after the observation."""
_READ: Final[dict[tuple[Path, str], Mapping[str, pa.Table]]] = {}
"""Logs that were read lately, by workspace and digest of the clean manifest: a lesson is 17 MB."""
_DUE: Final[dict[tuple[Path, str], dict[datetime, pa.Table]]] = {}
"""Who is due in production, likewise."""
_KEPT: Final = 2


def has_tables(ws: Workspace) -> bool:
    """Return whether the world of a workspace delivers tables, not photos."""
    return ws.settings.world.name == "gym"


def member_card() -> EncoderCard:
    """Return the card of what turns a log into features: its view's name holds a version, too."""
    return EncoderCard(
        spec="windows",
        slug="member",
        fingerprint=fingerprint(),
        dim=len(COLUMNS),
        preprocessing_version="v1",
        batch_size=0,
        named=VIEW,
    )


def log_of(ws: Workspace) -> dict[str, pa.Table]:
    """Return everything that was delivered and found clean.

    Parameters
    ----------
    ws : Workspace
        With a clean manifest.

    Returns
    -------
    dict of str to pyarrow.Table
        As `workbench.worlds.gym.GymWorld.log`: by table, sorted by (``created_timestamp``,
        ``event_id``). Do not change it: it is kept.

    Raises
    ------
    StageOrderError
        If *clean* has not run.
    DatasetError
        If an event was delivered twice.
    """
    clean = ws.manifests / "clean"
    if not has_manifest(clean):
        raise StageOrderError("there is no clean manifest yet", hint="run `workbench clean` first")
    key = (ws.root, read_header(clean).digest)
    if key not in _READ:
        _keep(_READ, key, _read(ws))
    return dict(_READ[key])


def _read(ws: Workspace) -> Mapping[str, pa.Table]:
    import pyarrow as pa
    import pyarrow.compute as pc

    store = objects_of(ws)
    parts: dict[str, list[pa.Table]] = {name: [schema_of(name).empty_table()] for name in TABLES}
    for row in read_table(ws.manifests / "clean", ["uri", "station", "status"]).to_pylist():
        if row["status"] == "clean":
            parts[row["station"]].append(unpack(row["station"], store.get(row["uri"])))
    order = [("created_timestamp", "ascending"), ("event_id", "ascending")]
    log = {name: pa.concat_tables(tables).sort_by(order).combine_chunks() for name, tables in parts.items()}
    for name, table in log.items():
        if pc.count_distinct(table["event_id"]).as_py() < table.num_rows:
            raise DatasetError(
                f"{name} holds an event twice",
                hint="a delivery came again under another name: remove it from raw",
            )
    return log


def seen_members(ws: Workspace, cutoff: datetime) -> pa.Table:
    """Return every observation whose label was ripe at the cutoff.

    Parameters
    ----------
    ws : Workspace
        With a clean manifest.
    cutoff : datetime
        UTC.

    Returns
    -------
    pyarrow.Table
        ``row_id``, ``item_id``, ``group`` (the member), ``event_timestamp``, ``label``,
        ``label_source``, ``label_known_at``, ``bucket``; sorted by ``row_id``.

    Raises
    ------
    DatasetError
        If there is none.
    """
    ripe = [t for t in (*GymWorld.cutoffs, *GymWorld.production_cutoffs) if t + HORIZON <= cutoff]
    if not ripe:
        raise DatasetError(
            f"no label was ripe at {cutoff:%Y-%m-%d}",
            hint=f"choose a later --cutoff: a label needs {HORIZON.days} days",
        )
    return dressed(observations(log_of(ws), ripe, horizon=HORIZON, known_by=cutoff))


def dressed(seen: pa.Table) -> pa.Table:
    """Give observations of the gym the columns that every dataset has.

    Parameters
    ----------
    seen : pyarrow.Table
        As `workbench.worlds.gym_observations.observations` returns them.

    Returns
    -------
    pyarrow.Table
        As `seen_members`.
    """
    import pyarrow as pa

    buckets = pa.array([bucket_of(item) for item in seen["item_id"].to_pylist()], pa.int32())
    return pa.table(
        {
            "row_id": seen["row_id"],
            "item_id": seen["item_id"],
            "group": seen["item_id"],
            "event_timestamp": seen["event_timestamp"],
            "label": seen["label"],
            "label_source": pa.array(["log"] * seen.num_rows, pa.string()),
            "label_known_at": seen["label_known_at"],
            "bucket": buckets,
        }
    )


def due_members(ws: Workspace, cutoff: datetime) -> dict[datetime, pa.Table]:
    """Return who is asked about in production: on each morning, the members of that morning.

    Parameters
    ----------
    ws : Workspace
        With a clean manifest.
    cutoff : datetime
        UTC; of the dataset that the model was trained on.

    Returns
    -------
    dict of datetime to pyarrow.Table
        Morning to ``row_id`` and ``item_id``; nothing that was recorded later plays a part.
    """
    key = (ws.root, read_header(ws.manifests / "clean").digest)
    if key not in _DUE:
        log = log_of(ws)
        _keep(
            _DUE,
            key,
            {
                t: observations(log, [t], horizon=HORIZON, known_by=t).select(["row_id", "item_id"])
                for t in GymWorld.production_cutoffs
            },
        )
    return {t: rows for t, rows in _DUE[key].items() if t > cutoff}


def _keep(kept: dict[tuple[Path, str], Any], key: tuple[Path, str], value: Any) -> None:
    while len(kept) >= _KEPT:
        kept.pop(next(iter(kept)), None)
    kept[key] = value
