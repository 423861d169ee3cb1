"""Clean depends on what was delivered, not on how: order, parts, and number of deliveries do not matter."""

from __future__ import annotations

import io
import tempfile
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any
from unittest import mock

import numpy as np
import pyarrow as pa
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageFilter, ImageOps

from workbench.clock import timestamp_type
from workbench.hashing import sha256_texts
from workbench.manifests import read_header, read_table
from workbench.profiles.workspace import Workspace, WorldSettings, create
from workbench.records import Capture
from workbench.stages import ingest as ingest_stage
from workbench.stages.clean import clean
from workbench.stages.ingest import ingest

if TYPE_CHECKING:
    from collections.abc import Iterator

T0 = datetime(2025, 9, 1, tzinfo=UTC)


@cache
def payload(kind: str) -> bytes:
    """Return a file: ``p0`` to ``p3`` are pictures, ``n0`` a near-duplicate of ``p0``, ``s0`` its pixels again."""
    if kind == "junk":
        return b"no picture"
    noise = np.random.default_rng(int(kind[1])).integers(0, 256, (48, 48, 3), dtype=np.uint8)
    image = ImageOps.autocontrast(Image.fromarray(noise).filter(ImageFilter.GaussianBlur(3)))
    file = io.BytesIO()
    image.save(file, "JPEG" if kind[0] == "n" else "PNG", **({"quality": 70} if kind[0] == "n" else {}))
    return file.getvalue() + (b"\0" if kind[0] == "s" else b"")


@dataclass
class World:
    """Delivers kinds of files; each position is a delivery."""

    deliveries: list[tuple[str, int, int]]  # kind, item, minute of arrival
    name = "folder"
    labels = ("a", "b")
    history_end = T0
    notes = ()

    @property
    def n_captures(self) -> int:
        return len(self.deliveries)

    @property
    def fingerprint(self) -> str:
        return sha256_texts(map(str, self.deliveries))

    def captures(self) -> Iterator[Capture]:
        for i, (kind, item, minute) in enumerate(self.deliveries):
            when = T0 + timedelta(minutes=minute)
            yield Capture(
                f"{i}-{kind}", payload(kind), f"item-{item}", f"b{i}", 0, "", "line", when, when, "a"
            )

    def reviews(self) -> pa.Table:
        when = timestamp_type()
        columns = {
            "item_id": pa.string(),
            "reviewed_label": pa.string(),
            "reviewed_at": when,
            "known_at": when,
        }
        return pa.schema(columns).empty_table()

    def truth(self) -> None:
        return None


def cleaned(ws: Workspace) -> list[dict[str, Any]]:
    """Clean, and return the rows in the order of their names."""
    clean(ws)
    return read_table(ws.manifests / "clean").sort_by("name").to_pylist()


def partition(rows: list[dict[str, Any]]) -> set[frozenset[str]]:
    """Return which deliveries share a group, whatever its name."""
    found: dict[str, set[str]] = {}
    for row in rows:
        found.setdefault(row["group"], set()).add(row["name"])
    return {frozenset(names) for names in found.values()}


KINDS = st.sampled_from(["p0", "p1", "p2", "p3", "n0", "n1", "s0", "junk"])
DELIVERIES = st.lists(st.tuples(KINDS, st.integers(0, 4)), min_size=1, max_size=9)


@given(DELIVERIES, st.data())
@settings(max_examples=25)
def test_the_way_of_delivery_does_not_matter(kinds: list[tuple[str, int]], data: st.DataObject) -> None:
    deliveries = [(kind, item, minute) for minute, (kind, item) in enumerate(kinds)]
    rows_a_part = data.draw(st.integers(1, 10), label="rows a part")
    n_first = data.draw(st.integers(1, len(kinds)), label="delivered first")
    with tempfile.TemporaryDirectory() as folder:
        world = WorldSettings("folder", path="/nowhere")
        at_once = create(str(Path(folder) / "once"), world=world)
        ingest(at_once, World(deliveries))
        expected = cleaned(at_once)
        assert clean(at_once).skipped

        in_pieces = create(str(Path(folder) / "pieces"), world=world)
        with mock.patch.object(ingest_stage, "PART_ROWS", rows_a_part):
            ingest(in_pieces, World(deliveries[:n_first]))
            clean(in_pieces)
            ingest(in_pieces, World(deliveries))
        assert cleaned(in_pieces) == expected
        counts = read_header(in_pieces.manifests / "clean").counts
        assert counts["total_raw"] == counts["total_clean"] + counts["total_quarantined"] == len(kinds)


@given(DELIVERIES, st.randoms(use_true_random=False))
@settings(max_examples=25)
def test_the_order_of_arrival_decides_only_which_of_equal_pictures_stays(
    kinds: list[tuple[str, int]], random: Any
) -> None:
    minutes = list(range(len(kinds)))
    found = []
    with tempfile.TemporaryDirectory() as folder:
        for name in ("one", "two"):
            ws = create(str(Path(folder) / name), world=WorldSettings("folder", path="/nowhere"))
            ingest(ws, World([(kind, item, m) for (kind, item), m in zip(kinds, minutes, strict=True)]))
            found.append(cleaned(ws))
            random.shuffle(minutes)
    one, two = found
    assert partition(one) == partition(two)
    for rows in found:
        equal: dict[str, list[dict[str, Any]]] = {}
        for row in rows:
            if row["pixel_sha256"]:
                equal.setdefault(row["pixel_sha256"], []).append(row)
        for same in equal.values():
            first = min(same, key=lambda row: (row["ingestion_timestamp"], row["image_id"]))
            assert [row["image_id"] for row in same if row["status"] == "clean"] == [first["image_id"]]
    duplicate = {"exact_duplicate", "same_pixels"}
    for row, again in zip(one, two, strict=True):
        if row["reason"] != again["reason"]:
            assert {row["reason"], again["reason"]} <= duplicate | {None}


@given(DELIVERIES)
@settings(max_examples=15)
def test_what_shares_an_item_or_a_picture_shares_a_group(kinds: list[tuple[str, int]]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        ws = create(str(Path(folder) / "ws"), world=WorldSettings("folder", path="/nowhere"))
        ingest(ws, World([(kind, item, m) for m, (kind, item) in enumerate(kinds)]))
        rows = cleaned(ws)
    looks = [row["name"].split("-")[1] for row in rows]
    for row, look in zip(rows, looks, strict=True):
        for other, other_look in zip(rows, looks, strict=True):
            alike = look != "junk" != other_look and look[1] == other_look[1]
            if row["item_id"] == other["item_id"] or alike:
                assert row["group"] == other["group"]
    arrived = {row["item_id"] for row in rows}
    assert {row["group"] for row in rows} <= arrived
