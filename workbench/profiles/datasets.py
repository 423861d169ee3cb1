"""The door to datasets: rows are read together with the card that describes them."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any, Final

from workbench.clock import compact, parse_utc
from workbench.errors import DatasetError, StageOrderError
from workbench.hashing import content_hash, order_hash
from workbench.manifests import (
    Header,
    columns_of,
    has_manifest,
    is_whole,
    read_header,
    read_table,
    write_header,
    write_json,
    write_part,
)
from workbench.records import DatasetCard

if TYPE_CHECKING:
    from collections.abc import Mapping

    import pyarrow as pa

    from workbench.profiles.workspace import Workspace

KEYS: Final = ("row_id",)


def read_dataset(ws: Workspace, dataset_id: str | None = None) -> tuple[DatasetCard, pa.Table]:
    """Read a dataset and compare its rows with its card.

    Parameters
    ----------
    ws : Workspace
        Open.
    dataset_id : str, optional
        Default: the newest point-in-time dataset.

    Returns
    -------
    tuple of DatasetCard and pyarrow.Table
        The card, and the rows as written.

    Raises
    ------
    StageOrderError
        If there is none.
    DatasetError
        If there is no such dataset, or its rows differ from its card.
    ManifestError
        If a part is damaged.
    """
    dataset_id = dataset_id or current_id(ws)
    folder = ws.datasets / dataset_id
    card = read_card(ws, dataset_id)
    rows = read_table(folder)
    if content_hash(rows, KEYS) != card.content_hash:
        raise DatasetError(
            f"the rows of {dataset_id} are not the ones that its card describes",
            hint="somebody changed them: restore the dataset with DVC, or make it again",
        )
    if order_hash(rows, KEYS) != card.order_hash:
        raise DatasetError(
            f"the row order of {dataset_id} is not the one that its card describes",
            hint="the same rows in another order give other bits: restore it with DVC, or make it again",
        )
    return card, rows


def read_card(ws: Workspace, dataset_id: str) -> DatasetCard:
    """Read the card of a dataset.

    Parameters
    ----------
    ws : Workspace
        Open.
    dataset_id : str
        Name of its folder.

    Returns
    -------
    DatasetCard
        The card.

    Raises
    ------
    DatasetError
        If there is no such dataset, or its card cannot be read.
    """
    folder = ws.datasets / dataset_id
    if not has_manifest(folder) or not (folder / "card.json").is_file():
        raise DatasetError(
            f"there is no dataset {dataset_id!r}", hint="`workbench status` lists what is there"
        )
    try:
        return DatasetCard.from_dict(json.loads((folder / "card.json").read_text(encoding="utf-8")))
    except (ValueError, TypeError, KeyError) as error:
        raise DatasetError(
            f"the card of {dataset_id} cannot be read: {error}", hint="restore it with DVC, or make it again"
        ) from None


def current_id(ws: Workspace, kind: str = "honest") -> str:
    """Return the id of the newest dataset of a kind.

    Parameters
    ----------
    ws : Workspace
        Open.
    kind : str
        ``honest``, ``leaky``, or what was changed on purpose.

    Returns
    -------
    str
        Name of its folder.

    Raises
    ------
    StageOrderError
        If there is none.
    """
    path = ws.datasets / "current.json"
    found = json.loads(path.read_text(encoding="utf-8")).get(kind) if path.is_file() else None
    if found is None:
        raise StageOrderError(f"there is no {kind} dataset yet", hint="run `workbench dataset` first")
    return str(found)


def point_to(ws: Workspace, card: DatasetCard) -> None:
    """Remember which dataset is the present one of its kind.

    Parameters
    ----------
    ws : Workspace
        Its lock is held.
    card : DatasetCard
        Of the dataset.
    """
    path = ws.datasets / "current.json"
    now = json.loads(path.read_text(encoding="utf-8")) if path.is_file() else {}
    kind = card.changed or ("honest" if card.point_in_time else "leaky")
    if now.get(kind) != card.dataset_id:
        write_json(path, now | {kind: card.dataset_id})


def find_dataset(ws: Workspace, source: Mapping[str, Any]) -> DatasetCard | None:
    """Find a whole dataset that was made from exactly this.

    Parameters
    ----------
    ws : Workspace
        Open.
    source : mapping
        Everything that decides what is in a dataset, as `write_dataset` recorded it.

    Returns
    -------
    DatasetCard or None
        None when there is none.
    """
    for folder in sorted(ws.datasets.glob("dataset_v*")):
        carded = (folder / "card.json").is_file()
        if carded and is_whole(folder) and read_header(folder).extra["source"] == source:
            return read_card(ws, folder.name)
    return None


def free_id(ws: Workspace, source: Mapping[str, Any], content: str) -> str:
    """Return an id, with a higher minor version where the name is taken by other content.

    Parameters
    ----------
    ws : Workspace
        Open.
    source : mapping
        With ``version``, ``cutoff`` and ``leaky``.
    content : str
        The content hash.

    Returns
    -------
    str
        ``dataset_v<semver>_pit_<cutoff>``, or ``..._latest_...`` for the leaky twin.

    Raises
    ------
    DatasetError
        If the version is no semantic version.
    """
    changed = re.sub(r"[^a-z0-9]+", "-", source.get("changed", "").lower()).strip("-")
    kind = changed or ("latest" if source["leaky"] else "pit")
    match = re.fullmatch(r"(\d+)\.(\d+)\.(\d+)", source["version"])
    if match is None:
        raise DatasetError(
            f"{source['version']!r} is no semantic version", hint='set dataset_version = "1.0.0"'
        )
    major, minor, patch = map(int, match.groups())
    while True:
        name = f"dataset_v{major}.{minor}.{patch}_{kind}_{compact(parse_utc(source['cutoff']))}"
        taken = has_manifest(ws.datasets / name) and (ws.datasets / name / "card.json").is_file()
        if not taken or read_card(ws, name).content_hash == content:
            return name
        minor, patch = minor + 1, 0


def write_dataset(ws: Workspace, rows: pa.Table, card: DatasetCard, source: Mapping[str, Any]) -> None:
    """Write rows, card and header, the header last, and point to them.

    Parameters
    ----------
    ws : Workspace
        Its lock is held.
    rows : pyarrow.Table
        As the card describes them.
    card : DatasetCard
        Of the dataset.
    source : mapping
        Everything that decides what is in it.
    """
    folder = ws.datasets / card.dataset_id
    part = write_part(folder, "part-0000", rows)
    write_json(folder / "card.json", card.to_dict())
    header = Header("dataset", dict(card.split_counts), columns_of(rows), (part,), {"source": dict(source)})
    write_header(folder, header)
    point_to(ws, card)
