"""Stage 3, extract: turn each clean image into an embedding, and put it into the feature store.

Reads   ``manifests/clean``, the raw objects, an encoder.
Writes  ``manifests/extract``, ``features/<view>/feast_features.parquet``, the embedding cache,
        Feast's registry and online store.
Promises
    - each row has an event time (when the photo was taken) and a known-at (when it arrived);
    - model and preprocessing version are part of the view's *name*: a new model makes a new
      view, and the old one stays readable;
    - an embedding is computed once for each (image sha256, model fingerprint, preprocessing
      version); batch boundaries belong to the shard, so the engine does not change a bit.

The gym has no photos: there the features are windows over its log, computed every Monday
(`workbench.worlds.gym_jobs`), and they go the same way.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any, cast

from workbench import clock
from workbench.encoder import Encoder, encoder_card, load_encoder
from workbench.manifests import (
    Header,
    Part,
    atomic,
    is_whole,
    read_header,
    read_part,
    require_made_from,
    write_header,
    write_json,
    write_part,
)
from workbench.pictures import Policy, open_picture
from workbench.profiles.definitions import registry_of
from workbench.profiles.embedding_cache import as_lists, cache_folder, look_up, remember
from workbench.profiles.members import has_tables, log_of, member_card
from workbench.profiles.objects import objects_of
from workbench.profiles.stack import is_here, now_here, stack_of
from workbench.profiles.table_features import door_of
from workbench.records import EncoderCard, StageReport, silent
from workbench.shards import Engine, map_shards
from workbench.worlds.gym_jobs import feature_rows

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    import numpy as np
    import pyarrow as pa

    from workbench.profiles.workspace import Workspace
    from workbench.records import Progress


@dataclass(frozen=True, slots=True)
class _Shard:
    """One part of the clean manifest to embed; small, so that it can be sent to a process."""

    ws: Workspace
    part: str
    card: EncoderCard
    policy: Policy
    use_cache: bool


def extract(ws: Workspace, *, use_cache: bool = True, progress: Progress = silent) -> StageReport:
    """Embed every clean image and publish the features.

    Parameters
    ----------
    ws : Workspace
        With a clean manifest.
    use_cache : bool
        False computes every embedding anew and leaves the cache alone: that is how
        *reproduce* rebuilds.
    progress : callable
        Called as ``progress(shards done, shards in all)``.

    Returns
    -------
    StageReport
        ``extracted`` rows, how many came ``from_cache``, and ``dimension``.

    Raises
    ------
    StageOrderError
        If *clean* has not run since the last ingest.
    EncoderError
        If the encoder cannot be loaded.
    """
    clean = ws.manifests / "clean"
    folder, header = ws.manifests / "extract", require_made_from(clean, ws.manifests / "raw")
    card = member_card() if has_tables(ws) else encoder_card(ws.settings.encoder)
    source = {"card": asdict(card), "view": card.view, "parents": {"clean": header.digest}}
    with ws.writing():
        if (
            is_whole(folder)
            and read_header(folder).extra == source
            and _published(ws, card, read_header(folder))
        ):
            return _report(ws, card, read_header(folder), from_cache=None)
        if has_tables(ws):
            done = [(_tabulate(ws, progress), 0)]
        else:
            policy = Policy(**header.extra["policy"])
            shards = [_Shard(ws, part.name, card, policy, use_cache) for part in header.parts]
            engine = cast("Engine", ws.settings.engine)
            done = map_shards(embed_shard, shards, engine, workers=ws.settings.workers, progress=progress)
        parts = tuple(part for part, _ in done)
        counts = {"extracted": sum(part.rows for part in parts), "dimension": card.dim}
        columns = {f.name: str(f.type) for f in _schema_of(ws, parts)}
        header = write_header(folder, Header("extract", counts, columns, parts, source))
        _publish(ws, card, header)
    return _report(ws, card, header, from_cache=sum(hits for _, hits in done))


def _schema_of(ws: Workspace, parts: Sequence[Part]) -> pa.Schema:
    import pyarrow.parquet as pq

    return pq.read_schema(ws.manifests / "extract" / parts[0].name) if parts else feature_schema()


def _tabulate(ws: Workspace, progress: Progress) -> Part:
    """Run the gym's feature job over the whole log; its corrections end where the history ends."""
    progress(0, 1)
    until = clock.parse_utc(read_header(ws.manifests / "raw").extra["history_end"])
    rows = feature_rows(log_of(ws), corrected_until=until)
    part = write_part(ws.manifests / "extract", "part-00000", rows)
    progress(1, 1)
    return part


def feature_schema() -> pa.Schema:
    """Return the columns of the extract manifest and of ``feast_features.parquet``."""
    import pyarrow as pa

    text, when = pa.string(), clock.timestamp_type()
    return pa.schema(
        {
            "item_id": text,
            "image_id": text,
            "event_timestamp": when,
            "created_timestamp": when,
            "captured_at": when,  # event time once more, as a feature: online stores cut the first one to seconds
            "embedding": pa.list_(pa.float32()),
            "sha256": text,
            "bucket": pa.int32(),
        }
    )


def embed_shard(shard: _Shard) -> tuple[Part, int]:
    """Embed the clean images of one shard and write its part.

    Parameters
    ----------
    shard : _Shard
        Which part, with which encoder.

    Returns
    -------
    tuple of Part and int
        The part, and how many of its embeddings came from the cache.
    """
    import numpy as np
    import pyarrow as pa
    import pyarrow.compute as pc

    ws, card = shard.ws, shard.card
    rows = read_part(ws.manifests / "clean" / shard.part)
    rows = rows.filter(pc.equal(rows["status"], "clean"))
    wanted = rows["sha256"].to_pylist()
    found = look_up(cache_folder(ws, card), wanted) if shard.use_cache else {}
    missing = {sha: uri for sha, uri in zip(wanted, rows["uri"].to_pylist(), strict=True) if sha not in found}
    fresh = _embed(ws, list(missing.values()), card, shard.policy)
    found |= dict(zip(missing, fresh, strict=True))
    if shard.use_cache and missing:
        remember(cache_folder(ws, card), wanted, found)
    matrix = np.stack([found[sha] for sha in wanted]) if wanted else np.empty((0, card.dim), np.float32)
    columns = {
        "item_id": rows["item_id"],
        "image_id": rows["image_id"],
        "event_timestamp": rows["captured_at"],
        "created_timestamp": rows["ingestion_timestamp"],
        "captured_at": rows["captured_at"],
        "embedding": as_lists(matrix),
        "sha256": rows["sha256"],
        "bucket": rows["bucket"],
    }
    part = write_part(
        ws.manifests / "extract", shard.part.removesuffix(".parquet"), pa.table(columns, feature_schema())
    )
    return part, len(wanted) - len(missing)


def _embed(ws: Workspace, uris: Sequence[str], card: EncoderCard, policy: Policy) -> Iterator[np.ndarray]:
    """Yield one embedding an image; the next batch is decoded while the model works on this one."""
    if not uris:
        return
    encoder, store = _encoder(card.spec), objects_of(ws)

    def decode(start: int) -> Any:
        batch = uris[start : start + card.batch_size]
        return encoder.preprocess_batch([open_picture(store.get(uri), policy).image for uri in batch])

    starts = range(0, len(uris), card.batch_size)
    with ThreadPoolExecutor(1) as ahead:
        coming = ahead.submit(decode, starts[0])
        for following in [*starts[1:], None]:
            pixels = coming.result()
            if following is not None:
                coming = ahead.submit(decode, following)
            yield from encoder.forward(pixels)


@lru_cache(maxsize=2)
def _encoder(spec: str) -> Encoder:
    """Load an encoder once a process."""
    return load_encoder(spec)


def _published(ws: Workspace, card: EncoderCard, header: Header) -> bool:
    """Return whether the feature store already has exactly these features."""
    import json

    path = ws.features / card.view / "view.json"
    stores = [registry_of(ws), *([ws.feast / "online.db"] if stack_of(ws).online is None else [])]
    if not all(file.is_file() for file in (path, *stores)) or not is_here(ws, "features"):
        return False
    return bool(json.loads(path.read_text(encoding="utf-8")).get("digest") == header.digest)


def _publish(ws: Workspace, card: EncoderCard, header: Header) -> None:
    """Join the parts to the one file that Feast reads; define the view; fill the online store."""
    import pyarrow.compute as pc
    import pyarrow.parquet as pq

    folder = ws.features / card.view
    (folder / "view.json").unlink(missing_ok=True)  # written last: its digest says that all is done
    first, last = [], []
    with (
        atomic(folder / "feast_features.parquet") as temporary,
        pq.ParquetWriter(temporary, _schema_of(ws, header.parts), compression="zstd") as writer,
    ):
        for part in header.parts:
            table = read_part(ws.manifests / "extract" / part.name)
            writer.write_table(table)
            if table.num_rows:
                first.append(pc.min(table["event_timestamp"]).as_py())
                last.append(pc.max(table["event_timestamp"]).as_py())
    features = door_of(ws)
    write_json(folder / "view.json", {"card": asdict(card)})
    features.apply(card)
    if first:
        features.materialise(card.view, min(first), max(last))
    now_here(ws, "features")
    write_json(folder / "view.json", {"card": asdict(card), "digest": header.digest})


def _report(ws: Workspace, card: EncoderCard, header: Header, *, from_cache: int | None) -> StageReport:
    counts = {"extracted": header.rows, "dimension": card.dim}
    if from_cache is not None:
        counts["from_cache"] = from_cache
    where = ws.relative(ws.features / card.view)
    return StageReport("extract", counts, header.digest, skipped=from_cache is None, where=where)
