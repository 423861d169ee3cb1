"""Ingest: write-once, stable ids, only what is new, and a killed run goes on."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pyarrow as pa
import pytest

from workbench.clock import timestamp_type
from workbench.errors import ManifestError, OverwriteRefusedError
from workbench.hashing import bucket_of, sha256_bytes
from workbench.manifests import HEADER, read_header, read_table
from workbench.profiles.workspace import Workspace, create
from workbench.records import Capture
from workbench.stages import ingest as stage
from workbench.stages.ingest import image_id, ingest

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

T0 = datetime(2025, 9, 1, 6, tzinfo=UTC)


def capture(i: int, payload: bytes | None = None) -> Capture:
    """Return the i-th capture of a small world."""
    return Capture(
        name=f"line-a/{i:04d}.jpg",
        payload=f"picture {i}".encode() if payload is None else payload,
        item_id=f"fruit-{i // 2:04d}",
        burst=f"burst-{i // 2:04d}",
        frame=i % 2,
        device="PX5-2031",
        station="line",
        captured_at=T0 + timedelta(minutes=i),
        ingested_at=T0 + timedelta(minutes=i, seconds=3),
        label_at_ingestion="accept" if i % 3 else None,
    )


@dataclass
class ListedWorld:
    """A world that delivers what it is given, and says how often it was asked."""

    listed: list[Capture]
    reviewed: tuple[tuple[str, str], ...] = (("fruit-0000", "reject"),)
    asked: int = 0
    name = "listed"
    labels = ("accept", "reject")
    history_end = T0 + timedelta(days=1)
    notes: tuple[str, ...] = ("a note",)

    @property
    def n_captures(self) -> int:
        return len(self.listed)

    @property
    def fingerprint(self) -> str:
        return "/".join([*(f"{c.name}:{sha256_bytes(c.payload)}" for c in self.listed), str(self.reviewed)])

    def captures(self) -> Iterator[Capture]:
        self.asked += 1
        yield from self.listed

    def reviews(self) -> pa.Table:
        when = pa.array([T0 + timedelta(days=1)] * len(self.reviewed), timestamp_type())
        items, labels = [r[0] for r in self.reviewed], [r[1] for r in self.reviewed]
        return pa.table({"item_id": items, "reviewed_label": labels, "reviewed_at": when, "known_at": when})

    def truth(self) -> None:
        return None


@pytest.fixture
def ws(tmp_path: Path) -> Workspace:
    return create(str(tmp_path / "ws"))


def world_of(n: int) -> ListedWorld:
    return ListedWorld([capture(i) for i in range(n)])


def test_every_capture_becomes_one_row_and_one_object(ws: Workspace) -> None:
    """The row says where the bytes are, what they hash to, and when both clocks stood where."""
    report = ingest(ws, world_of(5))
    assert report.counts == {"total_raw": 5, "new": 5, "reviews": 1}
    assert report.notes == ("a note",)
    rows = read_table(ws.manifests / "raw")
    assert rows.schema.equals(stage.raw_schema())
    row = rows.to_pylist()[3]
    assert row == {
        "image_id": image_id("line-a/0003.jpg"),
        "name": "line-a/0003.jpg",
        "uri": row["uri"],
        "sha256": sha256_bytes(b"picture 3"),
        "n_bytes": 9,
        "item_id": "fruit-0001",
        "burst": "burst-0001",
        "frame": 1,
        "device": "PX5-2031",
        "station": "line",
        "captured_at": T0 + timedelta(minutes=3),
        "ingestion_timestamp": T0 + timedelta(minutes=3, seconds=3),
        "label_at_ingestion": None,
        "bucket": bucket_of("fruit-0001"),
    }
    assert (ws.root / row["uri"]).read_bytes() == b"picture 3"


def test_a_second_run_asks_nobody_and_writes_nothing(ws: Workspace) -> None:
    """The world's fingerprint is enough."""
    world = world_of(5)
    first = ingest(ws, world)
    before = {path: path.stat().st_mtime_ns for path in ws.manifests.rglob("*") if path.is_file()}
    second = ingest(ws, world)
    assert second.skipped
    assert second.digest == first.digest
    assert world.asked == 1
    assert {path: path.stat().st_mtime_ns for path in ws.manifests.rglob("*") if path.is_file()} == before


def test_a_new_delivery_adds_a_part_and_leaves_the_old_ones(ws: Workspace) -> None:
    """Seven captures after five: two new rows, in a part of their own."""
    ingest(ws, world_of(5))
    old = read_header(ws.manifests / "raw").parts
    report = ingest(ws, world_of(7))
    assert report.counts["new"] == 2
    assert read_header(ws.manifests / "raw").parts[: len(old)] == old
    assert read_table(ws.manifests / "raw").num_rows == 7


def test_other_bytes_under_a_known_name_are_refused(ws: Workspace) -> None:
    """Raw data is never changed; what was there stays readable."""
    ingest(ws, world_of(3))
    changed = ListedWorld([capture(0), capture(1, b"another picture"), capture(2)])
    with pytest.raises(
        OverwriteRefusedError, match=r"line-a/0001\.jpg was delivered before with other bytes"
    ):
        ingest(ws, changed)
    assert read_table(ws.manifests / "raw").num_rows == 3
    assert not [key for key in ws.root.rglob("*.jpg") if key.read_bytes() == b"another picture"]


def test_equal_bytes_under_two_names_are_two_rows_on_one_object(ws: Workspace) -> None:
    """To find duplicates is the job of clean; ingest loses nothing."""
    ingest(ws, ListedWorld([capture(0, b"same"), capture(1, b"same")]))
    rows = read_table(ws.manifests / "raw").to_pylist()
    assert rows[0]["uri"] == rows[1]["uri"]
    assert rows[0]["image_id"] != rows[1]["image_id"]


def test_until_takes_only_what_has_arrived(ws: Workspace) -> None:
    """Known-at decides, not event time; later the rest comes without a second copy."""
    until = T0 + timedelta(minutes=2, seconds=2)
    assert ingest(ws, world_of(5), until=until).counts["total_raw"] == 2
    assert ingest(ws, world_of(5)).counts == {"total_raw": 5, "new": 3, "reviews": 1}


def test_a_killed_run_keeps_its_whole_parts(ws: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    """Parts of 10; death in the third; the next run writes the rest, and the manifest is as if nothing had been."""
    monkeypatch.setattr(stage, "PART_ROWS", 10)
    undisturbed = create(str(ws.root.parent / "undisturbed"))
    whole = ingest(undisturbed, world_of(35))

    class Dies(ListedWorld):
        def captures(self) -> Iterator[Capture]:
            yield from self.listed[:27]
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        ingest(ws, Dies(world_of(35).listed))
    assert not (ws.manifests / "raw" / HEADER).exists()
    assert len(list((ws.manifests / "raw").glob("part-*.parquet"))) == 2
    resumed = ingest(ws, world_of(35))
    assert resumed.counts["new"] == 15
    assert resumed.digest == whole.digest


def test_a_lost_part_is_taken_again(ws: Workspace) -> None:
    """Someone deletes a part: the next run delivers its captures anew, though the world is the same."""
    world = world_of(5)
    ingest(ws, world)
    next((ws.manifests / "raw").glob("part-*.parquet")).unlink()
    with pytest.raises(ManifestError, match="is missing"):
        read_table(ws.manifests / "raw")
    assert ingest(ws, world).counts["new"] == 5
    assert read_table(ws.manifests / "raw").num_rows == 5


def test_a_half_written_part_is_named(ws: Workspace) -> None:
    """Rot on disk: a sentence with the path and what to do."""
    world = world_of(5)
    ingest(ws, world)
    part = next((ws.manifests / "raw").glob("part-*.parquet"))
    part.write_bytes(part.read_bytes()[:-10])
    with pytest.raises(ManifestError, match=r"part-00000\.parquet is not a whole Parquet file"):
        ingest(ws, world)


def test_later_reviews_replace_the_review_manifest(ws: Workspace) -> None:
    """Labels that become known later arrive with the next run."""
    world = world_of(4)
    ingest(ws, world)
    report = ingest(ws, replace(world, reviewed=(("fruit-0000", "reject"), ("fruit-0001", "accept"))))
    assert report.counts["reviews"] == 2
    assert read_table(ws.manifests / "reviews")["item_id"].to_pylist() == ["fruit-0000", "fruit-0001"]


def test_progress_counts_up_to_the_end(ws: Workspace) -> None:
    """The bar of the terminal needs done and total."""
    seen: list[tuple[int, int]] = []
    ingest(ws, world_of(4), progress=lambda done, total: seen.append((done, total)))
    assert seen == [(1, 4), (2, 4), (3, 4), (4, 4)]
