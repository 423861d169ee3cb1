"""Clean: a status and a reason for every file, groups, and a second run that notices what changed."""

from __future__ import annotations

import io
from collections import Counter
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pytest
from PIL import Image, ImageFilter, ImageOps

from workbench.clock import timestamp_type
from workbench.errors import ManifestError, StageOrderError
from workbench.hashing import sha256_texts
from workbench.manifests import Header, read_header, read_table, write_header
from workbench.pictures import Policy
from workbench.profiles.workspace import Workspace, WorldSettings, configure, create
from workbench.records import Capture
from workbench.stages import clean as stage
from workbench.stages.clean import clean, cleaning_version
from workbench.stages.ingest import ingest

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from workbench.records import World

T0 = datetime(2025, 9, 1, 6, tzinfo=UTC)
COLUMNS = (
    *("status", "reason", "detail", "width", "height", "mode", "orientation"),
    *("pixel_sha256", "phash", "duplicate_of", "group"),
)


@cache
def picture(seed: int, kind: str = "PNG", quality: int = 90, side: int = 96) -> bytes:
    """Return a smooth coloured picture as a file."""
    noise = np.random.default_rng(seed).integers(0, 256, (side, side, 3), dtype=np.uint8)
    image = ImageOps.autocontrast(Image.fromarray(noise).filter(ImageFilter.GaussianBlur(4)))
    file = io.BytesIO()
    image.save(file, kind, **({"quality": quality} if kind == "JPEG" else {}))
    return file.getvalue()


def capture(name: str, payload: bytes, minute: int, *, item: str | None = None) -> Capture:
    """Return a capture of a thing of its own, unless told whose."""
    when = T0 + timedelta(minutes=minute)
    return Capture(
        name, payload, item or f"item-{name}", f"burst-{name}", 0, "camera", "line", when, when, "accept"
    )


@dataclass
class ListedWorld:
    """A world that delivers what it is given."""

    listed: list[Capture]
    name: str = "folder"
    labels: tuple[str, ...] = ("accept", "reject")
    history_end: datetime = T0 + timedelta(days=1)
    notes: tuple[str, ...] = field(default=())

    @property
    def n_captures(self) -> int:
        return len(self.listed)

    @property
    def fingerprint(self) -> str:
        return sha256_texts(str(c) for c in self.listed)

    def captures(self) -> Iterator[Capture]:
        yield from sorted(self.listed, key=lambda c: c.ingested_at)

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


@pytest.fixture
def raw(tmp_path: Path) -> Callable[..., Workspace]:
    """Return a workspace into which these captures were ingested."""

    def build(*captures: Capture, world: str = "folder") -> Workspace:
        ws = create(
            str(tmp_path / "ws"), world=WorldSettings(world, path="/nowhere" if world == "folder" else "")
        )
        ingest(ws, ListedWorld(list(captures)))
        return ws

    return build


def rows_of(ws: Workspace) -> dict[str, dict[str, Any]]:
    """Return the clean manifest by name."""
    return {row["name"]: row for row in read_table(ws.manifests / "clean").to_pylist()}


def object_path(ws: Workspace, name: str) -> Path:
    """Return where the raw object of a capture lies."""
    uris = read_table(ws.manifests / "raw", ["name", "uri"]).to_pylist()
    return ws.root / next(row["uri"] for row in uris if row["name"] == name)


def test_needs_a_raw_manifest_with_rows(raw: Callable[..., Workspace]) -> None:
    ws = raw()
    with pytest.raises(StageOrderError, match="no rows"):
        clean(ws)
    (ws.manifests / "raw" / "manifest.json").unlink()
    with pytest.raises(StageOrderError, match="no raw manifest"):
        clean(ws)


def test_keeps_every_raw_column_and_adds_the_promised_ones(raw: Callable[..., Workspace]) -> None:
    ws = raw(capture("a.png", picture(1), 1), capture("b.png", b"", 2))
    report = clean(ws)
    before, after = read_table(ws.manifests / "raw"), read_table(ws.manifests / "clean")
    assert set(after.column_names) == {*before.column_names, *COLUMNS}
    assert after.select(before.column_names).equals(before)
    header = read_header(ws.manifests / "clean")
    assert dict(header.columns) == {f.name: str(f.type) for f in after.schema}
    assert header.extra["parents"] == {"raw": read_header(ws.manifests / "raw").digest}
    assert header.extra["cleaning_version"] == cleaning_version(Policy())
    assert Policy(**header.extra["policy"]) == Policy()
    assert report.counts == {"total_raw": 2, "total_clean": 1, "total_quarantined": 1, "empty": 1}
    assert report.digest == header.digest


def test_the_size_is_a_matter_of_the_world(raw: Callable[..., Workspace]) -> None:
    ws = raw(capture("a.png", picture(1), 1), capture("b.png", picture(2, side=80), 2), world="packhouse")
    clean(ws)
    assert rows_of(ws)["a.png"]["status"] == "clean"
    assert rows_of(ws)["b.png"]["reason"] == "wrong_size"


def test_every_setting_of_the_policy_is_part_of_the_version() -> None:
    versions = {cleaning_version(Policy())}
    changes = [{"min_side": 8}, {"max_side": 64}, {"exact": (9, 9)}, {"max_aspect": 2.0}, {"max_pixels": 9}]
    changes += [{"max_passes": 3}, {"max_text": 9}, {"blank_range": 9}]
    assert {key for change in changes for key in change} == set(Policy.__dataclass_fields__)
    assert (
        len(versions | {cleaning_version(replace(Policy(), **change)) for change in changes})
        == len(changes) + 1
    )


# -- duplicates and groups ---------------------------------------------------------------------------------------


def test_of_equal_files_the_first_to_arrive_stays(raw: Callable[..., Workspace]) -> None:
    ws = raw(
        capture("late.png", picture(1), 9),
        capture("early.png", picture(1), 1),
        capture("mid.png", picture(1), 5),
    )
    clean(ws)
    rows = rows_of(ws)
    assert rows["early.png"]["status"] == "clean"
    for name in ("mid.png", "late.png"):
        assert rows[name]["reason"] == "exact_duplicate"
        assert rows[name]["duplicate_of"] == rows["early.png"]["image_id"]
    assert {row["group"] for row in rows.values()} == {"item-early.png"}


def test_the_same_pixels_in_other_bytes_are_a_duplicate(raw: Callable[..., Workspace]) -> None:
    ws = raw(capture("a.png", picture(1), 1), capture("b.png", picture(1) + b"\0", 2))
    clean(ws)
    assert rows_of(ws)["b.png"]["reason"] == "same_pixels"
    assert rows_of(ws)["b.png"]["duplicate_of"] == rows_of(ws)["a.png"]["image_id"]


def test_a_duplicate_of_something_quarantined_is_judged_by_itself(raw: Callable[..., Workspace]) -> None:
    broken = picture(1)[:400]
    ws = raw(capture("a.png", broken, 1), capture("b.png", broken, 2))
    clean(ws)
    assert [row["reason"] for row in rows_of(ws).values()] == ["truncated", "truncated"]


def test_near_duplicates_stay_and_share_a_group(raw: Callable[..., Workspace]) -> None:
    ws = raw(
        capture("a.png", picture(1), 1),
        capture("copy.jpg", picture(1, "JPEG", 60), 2),
        capture("other.png", picture(2), 3),
        capture("again.png", picture(3), 4, item="item-copy.jpg"),
    )
    clean(ws)
    rows = rows_of(ws)
    assert {row["status"] for row in rows.values()} == {"clean"}
    assert [rows[n]["group"] for n in ("a.png", "copy.jpg", "again.png")] == ["item-a.png"] * 3
    assert rows["other.png"]["group"] == "item-other.png"


def test_the_packhouse_is_cleaned_as_it_was_spoilt(tiny_world: World, tmp_path: Path) -> None:
    ws = create(str(tmp_path / "ws"), world=WorldSettings(size="tiny"))
    ingest(ws, tiny_world)
    clean(ws)
    rows = rows_of(ws)
    expected = {
        "exact_duplicate": {"exact_duplicate"},
        "reencoded": {None},
        "resized": {"wrong_size"},
        "truncated": {"truncated"},
        "empty": {"empty"},
        "html": {"not_an_image"},
        "wrong_size": {"too_small"},
        "changed_inside": {None},
    }
    hostile = tiny_world.hostile()
    assert hostile
    for name, sort in hostile.items():
        assert rows[name]["reason"] in expected[sort], (name, sort, rows[name]["detail"])
    good = [row for name, row in rows.items() if name not in hostile]
    assert {row["status"] for row in good} == {"clean"}
    assert all(row["group"] == row["item_id"] for row in rows.values()), "different fruit were joined"


# -- a second run ------------------------------------------------------------------------------------------------


def test_a_second_run_writes_nothing(raw: Callable[..., Workspace]) -> None:
    ws = raw(capture("a.png", picture(1), 1), capture("b.png", b"x", 2))
    first = clean(ws)
    before = {
        p: p.stat().st_mtime_ns for p in ws.root.rglob("*") if p.is_file() and not p.name.startswith(".")
    }
    second = clean(ws)
    assert second.skipped
    assert (second.digest, second.counts) == (first.digest, first.counts)
    assert {
        p: p.stat().st_mtime_ns for p in ws.root.rglob("*") if p.is_file() and not p.name.startswith(".")
    } == before


def test_a_changed_object_is_found_though_nothing_else_changed(raw: Callable[..., Workspace]) -> None:
    ws = raw(capture("a.jpg", picture(1, "JPEG"), 1), capture("b.png", picture(2), 2))
    first = clean(ws)
    path = object_path(ws, "a.jpg")
    whole = path.read_bytes()
    path.write_bytes(whole[:-60] + bytes(b ^ 1 for b in whole[-60:-40]) + whole[-40:])
    assert clean(ws, verify=False).skipped
    second = clean(ws)
    assert not second.skipped
    assert rows_of(ws)["a.jpg"]["reason"] == "tampered"
    assert rows_of(ws)["b.png"]["status"] == "clean"
    assert "1 raw object" in second.notes[0]
    assert clean(ws).skipped
    path.write_bytes(whole)
    assert clean(ws).digest == first.digest
    assert rows_of(ws)["a.jpg"]["status"] == "clean"


def test_a_lost_object_is_quarantined_and_comes_back(raw: Callable[..., Workspace]) -> None:
    ws = raw(capture("a.png", picture(1), 1), capture("b.png", picture(2), 2))
    first, path = clean(ws), object_path(ws, "a.png")
    data = path.read_bytes()
    path.unlink()
    assert clean(ws).counts["missing_object"] == 1
    path.write_bytes(data)
    assert clean(ws).digest == first.digest


def test_only_new_parts_are_looked_at(raw: Callable[..., Workspace], monkeypatch: pytest.MonkeyPatch) -> None:
    old = [capture(f"{i}.png", picture(i), i) for i in range(4)]
    ws = raw(*old)
    clean(ws)
    first = rows_of(ws)
    opened = []
    real = stage.open_picture
    monkeypatch.setattr(stage, "open_picture", lambda data, policy: opened.append(data) or real(data, policy))
    ingest(ws, ListedWorld([*old, capture("new.png", picture(9), 20), capture("twin.png", picture(2), 21)]))
    report = clean(ws)
    assert opened == [picture(9), picture(2)]
    assert report.counts["total_raw"] == 6
    rows = rows_of(ws)
    assert {name: rows[name] for name in first} == first
    assert rows["twin.png"]["duplicate_of"] == rows["2.png"]["image_id"]
    assert len(list((ws.cache / "clean").glob("*.parquet"))) == 2


def test_the_cache_may_be_deleted(raw: Callable[..., Workspace]) -> None:
    ws = raw(capture("a.png", picture(1), 1), capture("b.png", b"x", 2))
    first = clean(ws)
    for path in (ws.cache / "clean").glob("*"):
        path.write_bytes(b"PAR1 but not really")
    assert clean(ws).digest == first.digest


@pytest.mark.parametrize("engine", ["serial", "threads", "processes"])
def test_every_engine_writes_the_same_bytes(raw: Callable[..., Workspace], engine: str) -> None:
    ws = configure(raw(*(capture(f"{i}.png", picture(i % 5), i) for i in range(8))), engine=engine)
    report = clean(ws)
    assert report.counts["exact_duplicate"] == 3
    reference = configure(ws, engine="serial")
    (ws.manifests / "clean" / "manifest.json").unlink()
    for path in (ws.cache / "clean").glob("*"):
        path.unlink()
    assert clean(reference).digest == report.digest


def test_a_damaged_clean_part_is_made_anew(raw: Callable[..., Workspace]) -> None:
    ws = raw(capture("a.png", picture(1), 1))
    first = clean(ws)
    part = next((ws.manifests / "clean").glob("part-*"))
    part.write_bytes(part.read_bytes()[:-9])
    second = clean(ws)
    assert not second.skipped
    assert second.digest == first.digest
    assert len(rows_of(ws)) == 1


def test_a_damaged_raw_part_is_refused(raw: Callable[..., Workspace]) -> None:
    ws = raw(capture("a.png", picture(1), 1))
    part = next((ws.manifests / "raw").glob("part-*"))
    part.write_bytes(part.read_bytes() + b"\0")
    with pytest.raises(ManifestError, match="not the file of its header"):
        clean(ws)


def test_another_policy_looks_again(raw: Callable[..., Workspace], monkeypatch: pytest.MonkeyPatch) -> None:
    ws = raw(capture("a.png", picture(1), 1))
    clean(ws)
    monkeypatch.setattr(stage, "policy_for", lambda _: Policy(min_side=200))
    report = clean(ws)
    assert report.counts["too_small"] == 1
    assert read_header(ws.manifests / "clean").extra["policy"]["min_side"] == 200


def test_many_parts_keep_their_names_and_rows(raw: Callable[..., Workspace]) -> None:
    captures = [capture(f"{i}.png", picture(i), i) for i in range(6)]
    ws = raw(*captures[:2])
    for n in (4, 6):
        ingest(ws, ListedWorld(captures[:n]))
    clean(ws)
    parts = {kind: read_header(ws.manifests / kind).parts for kind in ("raw", "clean")}
    assert [(p.name, p.rows) for p in parts["clean"]] == [(p.name, p.rows) for p in parts["raw"]]
    assert len(parts["clean"]) == 3
    assert Counter(row["status"] for row in rows_of(ws).values()) == {"clean": 6}


def test_an_edited_header_does_not_pass_for_current(raw: Callable[..., Workspace]) -> None:
    ws = raw(capture("a.png", picture(1), 1))
    clean(ws)
    header = read_header(ws.manifests / "clean")
    extra = {**header.extra, "cleaning_version": "0"}
    write_header(ws.manifests / "clean", Header("clean", header.counts, header.columns, header.parts, extra))
    assert not clean(ws).skipped
    assert read_header(ws.manifests / "clean").extra["cleaning_version"] == cleaning_version(Policy())
