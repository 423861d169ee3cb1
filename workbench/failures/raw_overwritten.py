"""Raw overwritten: photos are improved in place, under the names that last month's dataset points to."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, Any

import numpy as np

from workbench.failure import Failure, Strength
from workbench.manifests import read_header, read_table
from workbench.profiles.hands import embedded_otherwise, put
from workbench.profiles.objects import Objects, objects_of
from workbench.seams import HONEST, Seams, Step, Store

if TYPE_CHECKING:
    import pyarrow as pa


def improved(photo: bytes) -> bytes:
    """Return a photo with the contrast stretched, as a tool saves it: another file, the same name."""
    from PIL import Image, ImageOps

    buffer = io.BytesIO()
    with Image.open(io.BytesIO(photo)) as image:
        exif = image.getexif()
        ImageOps.autocontrast(image.convert("RGB"), cutoff=2).save(buffer, "JPEG", quality=90, exif=exif)
    return buffer.getvalue()


def victims(ws: Any, share: float) -> list[str]:
    """Return the keys of a share of the line photos that had arrived by the end of the history."""
    import pyarrow.compute as pc

    from workbench.clock import parse_utc

    end = parse_utc(read_header(ws.manifests / "raw").extra["history_end"])
    rows = read_table(ws.manifests / "clean", ["uri", "status", "station", "ingestion_timestamp"])
    old = pc.less_equal(rows["ingestion_timestamp"], end)
    on_line = pc.and_(pc.equal(rows["status"], "clean"), pc.equal(rows["station"], "line"))
    keys = sorted(set(rows.filter(pc.and_(old, on_line))["uri"].to_pylist()))
    dealt = np.random.default_rng(ws.settings.train.seed).permutation(keys)
    return sorted(dealt[: round(share * len(keys))].tolist())


def overwritten(share: float) -> Store:
    """Return raw objects, a share of which were overwritten. The workspace's own are not touched."""

    def store(ws: Any) -> Objects:
        raw, copy = objects_of(ws), Objects.memory()
        for key in raw.keys("raw/"):
            copy.put_new(key, raw.get(key))
        for key in victims(ws, share):
            copy.store.put(key, improved(raw.get(key)))  # around the door: put_new refuses other bytes
        return copy

    return store


def made_again(share: float) -> Step:
    """Return a step that makes the embeddings anew, from the objects as they are found by then."""

    def step(rows: pa.Table, ws: Any) -> pa.Table:
        ids, how = rows["feature_image_id"].to_pylist(), f"overwritten {share:g}"
        return put(rows, "embedding", embedded_otherwise(ws, ids, how, objects=overwritten(share)))

    return step


def inject(strength: float) -> Seams:
    """Make last month's dataset again, after a share `strength` of its photos were overwritten."""
    return Seams(f"raw_overwritten {strength:g}", rows=made_again(strength), objects=overwritten(strength))


def cure(strength: float) -> Seams:
    """Write raw objects once, under their content; then they can be made again from."""
    del strength
    return HONEST


FAILURE = Failure(
    name="raw_overwritten",
    family="irreproducibility",
    stage="ingest",
    world="packhouse",
    title="Last month's photos were improved in place.",
    symptom="Same code, same manifest, same row ids. The model that is made again is another one.",
    mechanism="A tool stretched the contrast and saved each photo under its old name. The dataset points to names, "
    "and a name does not say what it held when the dataset was made.",
    wrong_cures=(
        ("compare the number of files and their names", "both are equal"),
        ("look at the file times", "a copy or a restore sets them anew"),
        ("version the code", "the code did not change"),
    ),
    cure_text="Name raw objects by their sha256, write them with create-only puts, and compare the sha256 when they "
    "are read: `clean` sets such photos aside, `reproduce` names them.",
    guard="content",
    limits="It needs the hash that was taken at ingestion: what was changed before that, nobody can tell.",
    references=(
        "Wilson et al.: Good enough practices in scientific computing, PLOS Computational Biology 13(6), 2017",
        "Breck, Cai, Nielsen, Salib, Sculley: The ML Test Score, IEEE Big Data 2017, https://storage.googleapis.com/"
        "pub-tools-public-publication-data/pdf/aad9f93b86b7addfea4c419b9100c6cdd26cacea.pdf",
    ),
    strength=Strength("share of the history's line photos", (0.1, 0.5, 1.0), 1.0, 0.02),
    effect="changes",
    inject=inject,
    cure=cure,
    guards_too=("embedding",),
    grows=True,
)
