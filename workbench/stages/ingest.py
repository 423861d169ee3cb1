"""Stage 1, ingest: take what the world delivers, once, and never change it again.

Reads   the deliveries of a world (`workbench.records.World`).
Writes  raw objects named by their content, ``manifests/raw``, ``manifests/reviews``.
Promises
    - a raw object is written once; other bytes under a known name are refused;
    - ``image_id`` depends on the delivery's name alone, so it is the same on every machine;
    - a second run adds what is new and touches nothing else; a killed run goes on where it was.
"""

from __future__ import annotations

from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Any, Final

from workbench import clock
from workbench.errors import OverwriteRefusedError
from workbench.hashing import bucket_of, sha256_bytes, sha256_file, sha256_texts
from workbench.manifests import (
    Header,
    Part,
    columns_of,
    is_whole,
    read_header,
    read_part,
    write_header,
    write_part,
)
from workbench.profiles.objects import Objects, prepared_objects, raw_key
from workbench.profiles.stack import is_here, now_here
from workbench.records import StageReport, silent

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from datetime import datetime
    from pathlib import Path

    import pyarrow as pa

    from workbench.profiles.workspace import Workspace
    from workbench.records import Capture, Progress, World

PART_ROWS: Final = 1000


def image_id(name: str) -> str:
    """Return the stable id of a delivery: ``img-`` and 16 hex digits of its name's sha256."""
    return f"img-{sha256_bytes(name.encode())[:16]}"


def raw_schema() -> pa.Schema:
    """Return the columns of the raw manifest."""
    import pyarrow as pa

    text, when = pa.string(), clock.timestamp_type()
    return pa.schema(
        {
            "image_id": text,
            "name": text,
            "uri": text,
            "sha256": text,
            "n_bytes": pa.int64(),
            "item_id": text,
            "burst": text,
            "frame": pa.int32(),
            "device": text,
            "station": text,
            "captured_at": when,
            "ingestion_timestamp": when,
            "label_at_ingestion": text,
            "bucket": pa.int32(),
        }
    )


def ingest(
    ws: Workspace, world: World, *, until: datetime | None = None, progress: Progress = silent
) -> StageReport:
    """Write everything that the world has delivered and that is not here yet.

    Parameters
    ----------
    ws : Workspace
        Where to write.
    world : World
        Where the captures come from.
    until : datetime, optional
        Take only what has arrived by then (UTC).
    progress : callable
        Called as ``progress(captures seen, captures in all)``.

    Returns
    -------
    StageReport
        ``total_raw`` and ``new``; skipped when the world has nothing new.

    Raises
    ------
    OverwriteRefusedError
        If a known name comes with other bytes. Nothing of that delivery is written.
    DiskError
        If the disk is full; run it again when there is space.
    """
    folder = ws.manifests / "raw"
    source = {"world": world.fingerprint, "until": clock.iso(until) if until else None}
    with ws.writing():
        here = is_here(ws, "objects")
        if here and _is_current(ws, source):
            return _report(ws, 0, world.notes)
        _write_reviews(ws.manifests / "reviews", world.reviews())
        parts, known = _parts_on_disk(folder)
        n_before = len(known)
        store = prepared_objects(ws)
        old = None if here else store  # the profile has changed: what is known goes there too
        for rows in _in_parts(_new_captures(world, until, known, progress, old)):
            table = _store_all(store, rows)
            parts.append(write_part(folder, _next_name(parts), table))
        now_here(ws, "objects")
        counts = {"total_raw": len(known)}
        columns = {f.name: str(f.type) for f in raw_schema()}
        extra = {"source": source, "labels": list(world.labels), "history_end": clock.iso(world.history_end)}
        write_header(folder, Header("raw", counts, columns, tuple(parts), extra))
        return _report(ws, len(known) - n_before, world.notes)


def _is_current(ws: Workspace, source: Mapping[str, Any]) -> bool:
    """Return whether this very world has been taken already, and is all still there."""
    folders = (ws.manifests / "raw", ws.manifests / "reviews")
    return all(is_whole(folder) for folder in folders) and read_header(folders[0]).extra["source"] == source


def _report(ws: Workspace, new: int, notes: tuple[str, ...]) -> StageReport:
    raw, reviews = read_header(ws.manifests / "raw"), read_header(ws.manifests / "reviews")
    counts = {"total_raw": raw.rows, "new": new, "reviews": reviews.rows}
    return StageReport("ingest", counts, raw.digest, skipped=not new, where="manifests/raw", notes=notes)


def _next_name(parts: list[Part]) -> str:
    last = max((int(part.name[5:10]) for part in parts), default=-1)
    return f"part-{last + 1:05d}"


def _parts_on_disk(folder: Path) -> tuple[list[Part], dict[str, str]]:
    """Take up every whole part, also those of a killed run; return them and name -> sha256."""
    parts: list[Part] = []
    known: dict[str, str] = {}
    for path in sorted(folder.glob("part-*.parquet")):
        table = read_part(path, columns=["name", "sha256"])
        known.update(zip(table["name"].to_pylist(), table["sha256"].to_pylist(), strict=True))
        parts.append(Part(path.name, table.num_rows, sha256_file(path)))
    return parts, known


def _new_captures(
    world: World,
    until: datetime | None,
    known: dict[str, str],
    progress: Progress,
    old: Objects | None = None,
) -> Iterator[tuple[Capture, str]]:
    """Yield each capture that is not known yet with its sha256; store those that are known in `old`."""
    for seen, capture in enumerate(world.captures(), 1):
        progress(seen, world.n_captures)
        if until and capture.ingested_at > until:
            continue
        sha256 = sha256_bytes(capture.payload)
        before = known.get(capture.name)
        if before is None:
            known[capture.name] = sha256
            yield capture, sha256
        elif before != sha256:
            raise OverwriteRefusedError(
                f"{capture.name} was delivered before with other bytes (sha256 {before[:12]}, now {sha256[:12]})",
                hint="raw data is never changed: deliver the new file under a new name",
            )
        elif old is not None:
            old.put_new(raw_key(sha256, PurePosixPath(capture.name).suffix), capture.payload)


def _in_parts(captures: Iterable[tuple[Capture, str]]) -> Iterator[list[tuple[Capture, str]]]:
    rows: list[tuple[Capture, str]] = []
    for row in captures:
        rows.append(row)
        if len(rows) == PART_ROWS:
            yield rows
            rows = []
    if rows:
        yield rows


def _store_all(store: Objects, captures: list[tuple[Capture, str]]) -> pa.Table:
    """Write the objects first, then describe them: a row never points at nothing."""
    import pyarrow as pa

    rows = []
    for capture, sha256 in captures:
        uri = raw_key(sha256, PurePosixPath(capture.name).suffix)
        store.put_new(uri, capture.payload)
        rows.append(_row(capture, sha256, uri))
    return pa.Table.from_pylist(rows, schema=raw_schema())


def _row(capture: Capture, sha256: str, uri: str) -> dict[str, Any]:
    return {
        "image_id": image_id(capture.name),
        "name": capture.name,
        "uri": uri,
        "sha256": sha256,
        "n_bytes": len(capture.payload),
        "item_id": capture.item_id,
        "burst": capture.burst,
        "frame": capture.frame,
        "device": capture.device,
        "station": capture.station,
        "captured_at": capture.captured_at,
        "ingestion_timestamp": capture.ingested_at,
        "label_at_ingestion": capture.label_at_ingestion,
        "bucket": bucket_of(capture.item_id),
    }


def _write_reviews(folder: Path, table: pa.Table) -> None:
    """Write the reviews when they differ from what is there."""
    names = sha256_texts(str(row) for row in table.to_pylist())
    if is_whole(folder) and read_header(folder).extra["rows_sha256"] == names:
        return
    part = write_part(folder, "part-00000", table)
    extra = {"rows_sha256": names}
    write_header(folder, Header("reviews", {"reviews": table.num_rows}, columns_of(table), (part,), extra))
