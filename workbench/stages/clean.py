"""Stage 2, clean: look at every raw file once, and say of each whether it may be used, and why not.

Reads   ``manifests/raw``, the raw objects.
Writes  ``manifests/clean``: every raw row with a status, a reason, and a group.
Promises
    - no file is dropped silently: total_raw = total_clean + total_quarantined, with a reason each;
    - the bytes still have the sha256 taken at ingestion; that is asked again on every run, since
      a changed file can decode without an error (pass ``verify=False`` to trust the last look);
    - of equal pictures the first to arrive stays; near-duplicates all stay, in one group, and no
      group is ever divided between training and test;
    - a second run looks only at parts that are new, or whose objects changed.

The gym delivers tables: they are read, and their columns, keys and times compared with what was agreed.
"""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, Final, cast

from workbench.errors import ManifestError, RawError, StageOrderError
from workbench.hashing import sha256_bytes, sha256_file, sha256_texts
from workbench.manifests import (
    Header,
    columns_of,
    has_manifest,
    is_whole,
    read_header,
    read_part,
    write_header,
    write_parquet,
    write_part,
)
from workbench.pictures import (
    PictureProblem,
    Policy,
    open_picture,
    perceptual_hash,
    pixel_hash,
    policy_for,
    thumbnail,
)
from workbench.pictures.duplicates import MAX_BITS, MAX_LEVELS, settle
from workbench.profiles.members import has_tables
from workbench.profiles.objects import Objects, objects_of
from workbench.records import StageReport, silent
from workbench.shards import Engine, map_shards
from workbench.worlds.gym_deliveries import DeliveryProblem, unpack
from workbench.worlds.gym_season import TABLES

if TYPE_CHECKING:
    from pathlib import Path

    import pyarrow as pa

    from workbench.manifests import Part
    from workbench.profiles.workspace import Workspace
    from workbench.records import Progress

CLEANING_VERSION: Final = "1"
_BROKEN: Final = ("missing_object", "tampered")


def cleaning_version(policy: Policy) -> str:
    """Return the version of the rules: ours, and a hash of everything that can be set."""
    rules = json.dumps([asdict(policy), MAX_BITS, MAX_LEVELS], sort_keys=True)
    return f"{CLEANING_VERSION}-{sha256_bytes(rules.encode())[:8]}"


def clean(ws: Workspace, *, verify: bool = True, progress: Progress = silent) -> StageReport:
    """Give every raw file a status.

    Parameters
    ----------
    ws : Workspace
        With a raw manifest.
    verify : bool
        Compare every raw object with its sha256 even where the last look is still there; about
        0.1 ms a file.
    progress : callable
        Called as ``progress(parts done, parts in all)``.

    Returns
    -------
    StageReport
        ``total_raw``, ``total_clean``, ``total_quarantined``, and one count a reason.

    Raises
    ------
    StageOrderError
        If *ingest* has not run.
    ManifestError
        If the raw manifest is damaged. Damaged pictures raise nothing: they are quarantined.
    """
    source, policy = _raw_header(ws), policy_for(ws.settings.world.name)
    folder, version = ws.manifests / "clean", cleaning_version(policy)
    facts = {"cleaning_version": version, "policy": asdict(policy), "parents": {"raw": source.digest}}
    with ws.writing():
        shards = [_Shard(ws, part, policy, version, verify) for part in source.parts]
        engine = cast("Engine", ws.settings.engine)
        fresh = map_shards(look_at_part, shards, engine, workers=ws.settings.workers, progress=progress)
        if not any(fresh) and _is_current(folder, facts):
            return _report(read_header(folder), skipped=True)
        together = each_by_itself if has_tables(ws) else settle
        table = together(_all_looks(shards)).drop_columns(["thumbnail"])
        parts = tuple(_write(folder, part, table) for part in source.parts)
        reasons = Counter(filter(None, table["reason"].to_pylist()))
        counts = {
            "total_raw": table.num_rows,
            "total_clean": table.num_rows - reasons.total(),
            "total_quarantined": reasons.total(),
        }
        columns = columns_of(table.drop_columns(["part"]))
        extra = {**facts, "reasons": dict(sorted(reasons.items()))}
        header = write_header(folder, Header("clean", counts, columns, parts, extra))
        for path in set((ws.cache / "clean").glob("*.parquet")) - {shard.look for shard in shards}:
            path.unlink()
    return _report(header, skipped=False)


def _raw_header(ws: Workspace) -> Header:
    if not has_manifest(ws.manifests / "raw"):
        raise StageOrderError("there is no raw manifest yet", hint="run `workbench ingest` first")
    header = read_header(ws.manifests / "raw")
    if not header.rows:
        raise StageOrderError("the raw manifest has no rows", hint="ingest a world that delivers something")
    return header


def _is_current(folder: Path, facts: dict[str, Any]) -> bool:
    return (
        is_whole(folder) and json.loads(json.dumps(facts)).items() <= dict(read_header(folder).extra).items()
    )


def _report(header: Header, *, skipped: bool) -> StageReport:
    reasons = header.extra["reasons"]
    broken = sum(reasons.get(reason, 0) for reason in _BROKEN)
    said = "1 raw object is" if broken == 1 else f"{broken} raw objects are"
    note = f"{said} gone or changed since ingestion; `dvc pull` may bring that back"
    counts = {**header.counts, **reasons}
    return StageReport("clean", counts, header.digest, skipped, "manifests/clean", (note,) if broken else ())


# --- first look: each file by itself, one part at a time -------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Shard:
    """One part of the raw manifest to look at; small, so that it can be sent to a process."""

    ws: Workspace
    part: Part
    policy: Policy
    version: str
    verify: bool

    @property
    def look(self) -> Path:
        """What was seen, in the cache: it can be made again at any time."""
        return self.ws.cache / "clean" / f"{sha256_texts([self.part.sha256, self.version])[:32]}.parquet"


def look_at_part(shard: _Shard) -> bool:
    """Look at the files of one part, unless that was done and they are still the same.

    Parameters
    ----------
    shard : _Shard
        Which part, under which rules.

    Returns
    -------
    bool
        True when it was looked at anew.
    """
    import pyarrow as pa

    path, store = shard.ws.manifests / "raw" / shard.part.name, objects_of(shard.ws)
    if not path.is_file() or sha256_file(path) != shard.part.sha256:
        raise ManifestError(f"{path} is not the file of its header", hint="restore it with `dvc pull`")
    if _still_true(store, shard):
        return False
    raw = read_part(path)
    rows = [row | _look(store, row, shard.policy) for row in raw.to_pylist()]
    write_parquet(shard.look, pa.Table.from_pylist(rows, schema=_with_findings(raw.schema)))
    return True


def _with_findings(schema: pa.Schema) -> pa.Schema:
    import pyarrow as pa

    for name in ("status", "reason", "detail", "mode", "pixel_sha256", "phash"):
        schema = schema.append(pa.field(name, pa.string()))
    for name in ("width", "height", "orientation"):
        schema = schema.append(pa.field(name, pa.int32()))
    return schema.append(pa.field("thumbnail", pa.binary()))


def _still_true(store: Objects, shard: _Shard) -> bool:
    try:
        rows = read_part(shard.look, ["uri", "sha256", "reason"]).to_pylist()
    except (ManifestError, FileNotFoundError):
        return False
    return not shard.verify or all(
        _fetch(store, row)[1] == (row["reason"] if row["reason"] in _BROKEN else None) for row in rows
    )


def _fetch(store: Objects, row: dict[str, Any]) -> tuple[bytes, str | None]:
    """Return the bytes of a raw object, and what is wrong with them as such."""
    try:
        data = store.get(row["uri"])
    except RawError:
        return b"", "missing_object"
    return data, None if sha256_bytes(data) == row["sha256"] else "tampered"


def _look(store: Objects, row: dict[str, Any], policy: Policy) -> dict[str, Any]:
    data, reason = _fetch(store, row)
    if reason:
        return {"status": "quarantined", "reason": reason, "detail": row["uri"]}
    if row["station"] in TABLES:
        return _look_at_table(row["station"], data)
    try:
        picture = open_picture(data, policy)
    except PictureProblem as problem:
        return {"status": "quarantined", "reason": problem.reason, "detail": problem.detail}
    return {
        "status": "clean",
        "width": picture.width,
        "height": picture.height,
        "mode": picture.mode,
        "orientation": picture.orientation,
        "pixel_sha256": pixel_hash(picture.image),
        "phash": perceptual_hash(picture.image),
        "thumbnail": thumbnail(picture.image).tobytes(),
    }


def _look_at_table(name: str, data: bytes) -> dict[str, Any]:
    try:
        unpack(name, data)
    except DeliveryProblem as problem:
        return {"status": "quarantined", "reason": problem.reason, "detail": problem.detail}
    return {"status": "clean"}


# --- second look: all files together (duplicates and groups: `workbench.pictures.duplicates`) ------------------


def _all_looks(shards: list[_Shard]) -> pa.Table:
    import pyarrow as pa

    tables = [(shard.part.name, read_part(shard.look)) for shard in shards]
    return pa.concat_tables(t.append_column("part", pa.repeat(name, t.num_rows)) for name, t in tables)


def each_by_itself(looks: pa.Table) -> pa.Table:
    """Give each file a group of its own: rows of a table are told apart by their ids, not by their file."""
    import pyarrow as pa

    table = looks.sort_by([("ingestion_timestamp", "ascending"), ("image_id", "ascending")])
    table = table.append_column("duplicate_of", pa.nulls(table.num_rows, pa.string()))
    return table.append_column("group", table["name"])


def _write(folder: Path, part: Part, table: pa.Table) -> Part:
    import pyarrow.compute as pc

    rows = table.filter(pc.equal(table["part"], part.name)).drop_columns(["part"])
    return write_part(folder, part.name.removesuffix(".parquet"), rows)
