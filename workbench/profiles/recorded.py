"""A workspace now, against what the record of a run says: which rows, objects and files differ.

The digests in a record say that something changed. To say *what*, the version that was recorded
is taken out of the history, beside the present one, and the two are compared row by row.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from workbench.errors import DatasetError, RawError, ReproduceError, WorkspaceError
from workbench.guards.differences import count, diff_rows, some
from workbench.hashing import content_hash, order_hash, sha256_bytes
from workbench.manifests import has_manifest, is_whole, read_header, read_table
from workbench.profiles.datasets import KEYS
from workbench.profiles.history import History
from workbench.profiles.objects import objects_of

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    import pyarrow as pa

    from workbench.guards.verdict import Findings
    from workbench.profiles.run_records import RunRecord
    from workbench.profiles.workspace import Workspace

_NAMED_BY: Final[Mapping[str, tuple[str, ...]]] = {
    "raw": ("image_id",),
    "reviews": ("item_id", "reviewed_at", "known_at"),
}


@dataclass(frozen=True)
class Past:
    """The workspace as it was when a run was recorded.

    Attributes
    ----------
    ws : Workspace
        Open.
    record : RunRecord
        Of the run.
    scratch : Path
        Folder for what is taken out of the history.
    """

    ws: Workspace
    record: RunRecord
    scratch: Path

    def folder(self, rel_path: str, into: Path | None = None) -> Path | None:
        """Take a folder out of the history, or return None where there is no such version."""
        history = History(self.ws)
        rev = history.rev_of(self.record.run_id)
        target = into or self.scratch / "past" / rel_path
        if rev is None or target.exists():
            return target if target.exists() else None
        try:
            return history.restore(rel_path, rev, target)
        except WorkspaceError:
            return None

    def manifest(self, kind: str) -> pa.Table | None:
        """Return the rows of a manifest as they were, or None where nobody kept them."""
        folder = self.folder(f"manifests/{kind}")
        if folder is None or read_header(folder).digest != self.record.dataset.parents[kind]:
            return None
        return read_table(folder)

    def dataset(self) -> pa.Table | None:
        """Return the rows of the run's dataset as they were, or None where nobody kept them."""
        card = self.record.dataset
        folder = self.folder(f"datasets/{card.dataset_id}")
        rows = read_table(folder) if folder is not None else None
        return rows if rows is not None and content_hash(rows, KEYS) == card.content_hash else None


def compare_raw(past: Past, found: Findings) -> bool:
    """Compare the raw data with what the run was made from.

    Parameters
    ----------
    past : Past
        Of the run.
    found : Findings
        Filled with the rows and objects that changed.

    Returns
    -------
    bool
        Whether captures or reviews have only been added since: no cause as long as the dataset,
        made again as of its cutoff, is the same.
    """
    grown = [_compare_manifest(past, kind, found) for kind in _NAMED_BY]
    _check_objects(past.ws, found)
    return any(grown)


def _compare_manifest(past: Past, kind: str, found: Findings) -> bool:
    folder = past.ws.manifests / kind
    if not has_manifest(folder):
        raise ReproduceError(
            f"there is no {kind} manifest in the workspace {past.ws.name}", hint="restore it with `dvc pull`"
        )
    if read_header(folder).digest == past.record.dataset.parents[kind] and is_whole(folder):
        return False
    before = past.manifest(kind)
    if before is None:
        found.add(
            "data rows",
            f"the {kind} manifest is not the one that was recorded",
            ("which rows cannot be said: the history does not hold the recorded version",),
        )
        return False
    rows = diff_rows(before, read_table(folder, verify=False), _NAMED_BY[kind])
    if rows.only_added:
        found.notes.append(f"{kind}: {count(rows.added, 'row')} arrived since the run: {some(rows.added)}")
    elif rows:
        found.add("data rows", f"the {kind} manifest changed since the run", rows.sentences())
    else:
        found.notes.append(f"the {kind} manifest was written anew, with the same rows")
    return rows.only_added


def changed_objects(ws: Workspace) -> tuple[list[str], list[str]]:
    """Compare each raw object with the sha256 that was taken when it arrived.

    Parameters
    ----------
    ws : Workspace
        With a raw manifest.

    Returns
    -------
    tuple of list of str
        Ids of those with other bytes, and of those that are gone.
    """
    raw = read_table(ws.manifests / "raw", ["image_id", "uri", "sha256"], verify=False)
    objects, changed, missing = objects_of(ws), [], []
    for row in raw.to_pylist():
        try:
            if sha256_bytes(objects.get(row["uri"])) != row["sha256"]:
                changed.append(row["image_id"])
        except RawError:
            missing.append(row["image_id"])
    return changed, missing


def _check_objects(ws: Workspace, found: Findings) -> None:
    changed, missing = changed_objects(ws)
    if changed:
        have = "has" if len(changed) == 1 else "have"
        sentence = f"{count(changed, 'raw object')} no longer {have} the sha256 taken at ingestion"
        found.add("data rows", sentence, (some(changed),))
    if missing:
        found.add("data rows", f"{count(missing, 'raw object')} missing", (some(missing),))


def compare_dataset(past: Past, found: Findings) -> pa.Table:
    """Compare the dataset in the workspace with its card; restore it where it is gone.

    Parameters
    ----------
    past : Past
        Of the run.
    found : Findings
        Filled with the rows that changed, or with their order.

    Returns
    -------
    pyarrow.Table
        The rows as they are now, in the order as they are now.

    Raises
    ------
    ReproduceError
        If the dataset is gone and the history does not hold it.
    """
    card = past.record.dataset
    folder = past.ws.datasets / card.dataset_id
    if not has_manifest(folder):
        if past.folder(past.ws.relative(folder), into=folder) is None:
            raise ReproduceError(
                f"the dataset {card.dataset_id} is gone, and the history does not hold it",
                hint="make it again with `workbench dataset`",
            )
        found.notes.append(f"the dataset {card.dataset_id} was restored from the history")
    rows = read_table(folder, verify=False)
    if _hash(rows) != card.content_hash:
        sentence = f"the dataset {card.dataset_id} does not have the rows that were recorded"
        found.add("data rows", sentence, _sentences(past.dataset(), rows))
    elif order_hash(rows, KEYS) != card.order_hash:
        found.add("row order", f"the rows of {card.dataset_id} are in another order than recorded")
    return rows


def compare_rebuilt(past: Past, rows: pa.Table, rebuilt: pa.Table, found: Findings) -> None:
    """Compare a dataset that was made again from raw with the one that was recorded.

    Parameters
    ----------
    past : Past
        Of the run.
    rows : pyarrow.Table
        The dataset as found in the workspace.
    rebuilt : pyarrow.Table
        Made again.
    found : Findings
        Filled with the rows that differ.
    """
    card = past.record.dataset
    if _hash(rebuilt) == card.content_hash:
        found.notes.append(f"made again from raw, {card.dataset_id} has the same content hash")
        return
    before = rows if _hash(rows) == card.content_hash else past.dataset()
    found.add("data rows", f"made again from raw, {card.dataset_id} differs", _sentences(before, rebuilt))


def _hash(rows: pa.Table) -> str | None:
    try:
        return content_hash(rows, KEYS)
    except DatasetError:  # a row is there twice: then it is not the recorded dataset
        return None


def _sentences(before: pa.Table | None, after: pa.Table) -> tuple[str, ...]:
    if before is None:
        return ("which rows cannot be said: the history does not hold the recorded version",)
    return diff_rows(before, after, KEYS).sentences() or ("the same rows, some of them twice",)
