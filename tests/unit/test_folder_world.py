"""Your own photos: labels, times, objects; what is guessed is said, and what cannot be trusted is refused."""

from __future__ import annotations

import io
import os
from collections import Counter
from datetime import UTC, datetime, timedelta
from functools import cache
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from PIL import ExifTags, Image, ImageFilter, ImageOps

from workbench.errors import WorldError
from workbench.pictures import read_exif
from workbench.profiles.workspace import WorldSettings, create
from workbench.stages.clean import clean
from workbench.stages.ingest import ingest
from workbench.worlds import open_world
from workbench.worlds.folder import FolderWorld
from workbench.worlds.photos import MADE_UP_STEP

if TYPE_CHECKING:
    from pathlib import Path

T0 = datetime(2025, 9, 1, 8, tzinfo=UTC)


@cache
def image(seed: int) -> Image.Image:
    """Return a smooth coloured picture, another for each seed."""
    noise = np.random.default_rng(seed).integers(0, 256, (48, 48, 3), dtype=np.uint8)
    return ImageOps.autocontrast(Image.fromarray(noise).filter(ImageFilter.GaussianBlur(3)))


def photo(
    seed: int, *, when: datetime | None = None, serial: str = "1", gps: bool = False, quality: int = 90
) -> bytes:
    """Return a JPEG as a camera writes it."""
    exif = Image.Exif()
    if when is not None:
        inner = exif.get_ifd(ExifTags.IFD.Exif)
        inner[ExifTags.Base.DateTimeOriginal] = when.strftime("%Y:%m:%d %H:%M:%S")
        inner[ExifTags.Base.OffsetTimeOriginal] = "+00:00"
        inner[ExifTags.Base.BodySerialNumber] = serial
        exif[ExifTags.Base.Model] = "PX5"
    if gps:
        exif.get_ifd(ExifTags.IFD.GPSInfo).update(
            {1: "N", 2: (52.0, 31.0, 12.0), 3: "E", 4: (13.0, 24.0, 18.0)}
        )
    file = io.BytesIO()
    image(seed).save(file, "JPEG", quality=quality, exif=exif)
    return file.getvalue()


def refused(root: Path) -> None:
    """Open a folder and ask for what needs its photos."""
    FolderWorld(root).reviews()


def fill(root: Path, n: int = 64, **options: Any) -> Path:
    """Write n photos of n things, half of each class, with EXIF times an hour apart unless told otherwise."""
    for i in range(n):
        path = root / ("good" if i % 2 else "bad") / f"{i:03d}.jpg"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(photo(i, **({"when": T0 + timedelta(hours=i)} | options)))
    return root


def table(root: Path, lines: list[str], header: str = "path,label") -> Path:
    """Write labels.csv."""
    (root / "labels.csv").write_text("\n".join([header, *lines]) + "\n", encoding="utf-8")
    return root


def flat(root: Path, n: int = 64, **options: Any) -> list[str]:
    """Write n photos side by side; return a line of labels.csv for each."""
    fill(root, n, **options)
    return [f"{'good' if i % 2 else 'bad'}/{i:03d}.jpg,{'good' if i % 2 else 'bad'}" for i in range(n)]


# -- labels from subfolders --------------------------------------------------------------------------------------


def test_a_folder_with_two_subfolders_is_a_world(tmp_path: Path) -> None:
    world = open_world("folder", path=fill(tmp_path))
    assert isinstance(world, FolderWorld)
    assert world.labels == ("bad", "good")
    captures = list(world.captures())
    assert len(captures) == world.n_captures == 64
    assert [c.name for c in captures][:3] == ["bad/000.jpg", "good/001.jpg", "bad/002.jpg"]
    assert all(c.label_at_ingestion == c.name.split("/")[0] for c in captures)
    assert captures[5].captured_at == T0 + timedelta(hours=5)
    assert captures[5].ingested_at == captures[5].captured_at + timedelta(seconds=1)
    assert {c.device for c in captures} == {"PX5 1"}
    assert {c.station for c in captures} == {"line"}
    assert len({c.item_id for c in captures}) == 64


def test_the_newest_quarter_is_production_and_its_truth_is_the_label(tmp_path: Path) -> None:
    world = FolderWorld(fill(tmp_path))
    assert world.history_end == T0 + timedelta(hours=47, minutes=30, seconds=1)
    truth = world.truth().to_pylist()
    later = {c.item_id: c.label_at_ingestion for c in world.captures() if c.ingested_at > world.history_end}
    assert {row["item_id"]: row["label"] for row in truth} == later
    assert len(later) == 16
    assert world.reviews().num_rows == 0
    assert any("nobody reviewed" in note for note in world.notes)


def test_the_same_folder_is_the_same_world(tmp_path: Path) -> None:
    one, two = FolderWorld(fill(tmp_path)), FolderWorld(tmp_path)
    assert one.fingerprint == two.fingerprint
    assert list(one.captures()) == list(two.captures())
    (tmp_path / "good" / "new.jpg").write_bytes(photo(99, when=T0 + timedelta(days=9)))
    assert FolderWorld(tmp_path).fingerprint != one.fingerprint


def test_the_fingerprint_opens_no_photo(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("workbench.worlds.folder.inspect", lambda _: pytest.fail("a photo was opened"))
    one = FolderWorld(fill(tmp_path))
    assert one.fingerprint == FolderWorld(tmp_path).fingerprint
    (tmp_path / "good" / "001.jpg").write_bytes(photo(500, when=T0))
    assert FolderWorld(tmp_path).fingerprint != one.fingerprint


def test_a_class_without_a_readable_photo_is_refused(tmp_path: Path) -> None:
    fill(tmp_path)
    (tmp_path / "ugly").mkdir()
    (tmp_path / "ugly" / "a.jpg").write_bytes(b"")
    with pytest.raises(WorldError, match="no photo of the class 'ugly' can be read"):
        refused(tmp_path)


def test_photos_of_one_afternoon_come_with_a_warning(tmp_path: Path) -> None:
    for i in range(64):
        path = tmp_path / ("good" if i % 2 else "bad") / f"{i}.jpg"
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(photo(i, when=T0 + timedelta(minutes=3 * i)))
    assert any("within 3.1 h" in note and "embargo_s" in note for note in FolderWorld(tmp_path).notes)


def test_endings_hidden_files_and_other_files(tmp_path: Path) -> None:
    fill(tmp_path)
    (tmp_path / "good" / "LOUD.JPEG").write_bytes(photo(70, when=T0))
    (tmp_path / "good" / ".hidden.jpg").write_bytes(photo(71, when=T0))
    (tmp_path / "good" / "readme.txt").write_text("hello")
    (tmp_path / ".git").mkdir()
    (tmp_path / ".git" / "a.jpg").write_bytes(photo(72, when=T0))
    (tmp_path / "__MACOSX").mkdir()
    (tmp_path / "__MACOSX" / "a.jpg").write_bytes(photo(73, when=T0))
    (tmp_path / "beside.jpg").write_bytes(photo(74, when=T0))
    world = FolderWorld(tmp_path)
    assert {c.name for c in world.captures()} - {
        f"{'good' if i % 2 else 'bad'}/{i:03d}.jpg" for i in range(64)
    } == {"good/LOUD.JPEG"}
    assert any("1 photos lie beside the class folders" in note for note in world.notes)
    assert any("1 files have no photo's ending" in note for note in world.notes)


def test_files_that_are_not_decoded_are_listed_and_the_note_says_what_to_do(tmp_path: Path) -> None:
    fill(tmp_path)
    (tmp_path / "good" / "a.heic").write_bytes(b"\0\0\0\x18ftypheic" + bytes(50))
    world = FolderWorld(tmp_path)
    assert any(".heic files are not decoded" in note and "JPEG" in note for note in world.notes)
    assert "good/a.heic" in {c.name for c in world.captures()}


@pytest.mark.skipif(os.name == "nt", reason="only on macOS and Linux: links need no rights there")
def test_links_that_lead_out_are_left_out(tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "secret.jpg").write_bytes(photo(80, when=T0))
    root = fill(tmp_path / "photos")
    (root / "good" / "link.jpg").symlink_to(outside / "secret.jpg")
    (root / "good" / "again").symlink_to(root)
    (root / "good" / "gone.jpg").symlink_to(root / "nowhere.jpg")
    os.mkfifo(root / "good" / "pipe.jpg")
    world = FolderWorld(root)
    assert world.n_captures == 64
    assert any("links lead out of the folder" in note for note in world.notes)
    assert any("linked folders" in note for note in world.notes)
    assert any("2 names are broken links or no files" in note for note in world.notes)


def test_odd_names_arrive(tmp_path: Path) -> None:
    fill(tmp_path)
    names = {
        "good/a blank.jpg",
        "good/ümläut.jpg",
        "good/50% #1?.jpg" if os.name != "nt" else "good/50% #1.jpg",
    }
    for i, name in enumerate(sorted(names)):
        (tmp_path / name).write_bytes(photo(90 + i, when=T0))
    assert names <= {c.name for c in FolderWorld(tmp_path).captures()}


# -- refusals ----------------------------------------------------------------------------------------------------


def test_too_few_objects_are_refused_with_a_sentence(tmp_path: Path) -> None:
    with pytest.raises(WorldError, match="59 distinct objects, at least 60") as caught:
        refused(fill(tmp_path, 59))
    assert "labels.csv (group)" in caught.value.hint


def test_frames_of_one_thing_are_one_object(tmp_path: Path) -> None:
    fill(tmp_path, 40)
    for i in range(40):
        (tmp_path / "good" / f"copy{i:03d}.jpg").write_bytes(
            photo(i, when=T0 + timedelta(hours=i), quality=60)
        )
    with pytest.raises(WorldError, match="80 files show 40 distinct objects"):
        refused(tmp_path)


def test_unreadable_files_arrive_but_are_no_objects(tmp_path: Path) -> None:
    fill(tmp_path, 59)
    (tmp_path / "good" / "empty.jpg").write_bytes(b"")
    with pytest.raises(WorldError, match="60 files show 59 distinct objects"):
        refused(tmp_path)
    (tmp_path / "good" / "one-more.jpg").write_bytes(photo(75, when=T0 + timedelta(minutes=30)))
    world = FolderWorld(tmp_path)
    assert world.n_captures == 61
    assert any("1 files cannot be read as pictures" in note for note in world.notes)


def test_one_class_is_refused(tmp_path: Path) -> None:
    for i in range(64):
        path = tmp_path / "good" / f"{i}.jpg"
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(photo(i, when=T0 + timedelta(hours=i)))
    with pytest.raises(WorldError, match="all photos are 'good'"):
        refused(tmp_path)


def test_a_class_that_was_photographed_before_the_other_is_refused(tmp_path: Path) -> None:
    for i in range(80):
        path = tmp_path / ("bad" if i < 70 else "good") / f"{i}.jpg"
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(photo(i, when=T0 + timedelta(hours=i)))
    with pytest.raises(WorldError, match="class and time are one"):
        refused(tmp_path)


def test_a_production_of_one_class_is_said(tmp_path: Path) -> None:
    for i in range(80):
        path = tmp_path / ("good" if i % 2 and i < 60 else "bad") / f"{i}.jpg"
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(photo(i, when=T0 + timedelta(hours=i)))
    assert any("production holds 'bad' alone" in note for note in FolderWorld(tmp_path).notes)


def test_photos_that_all_have_one_time_are_refused(tmp_path: Path) -> None:
    lines = [f"{line},g{i}" for i, line in enumerate(flat(tmp_path, when=T0))]
    with pytest.raises(WorldError, match="the same time"):
        refused(table(tmp_path, lines, "path,label,group"))


@pytest.mark.parametrize("name", ["missing", "empty"])
def test_no_folder_and_no_photos_are_refused(tmp_path: Path, name: str) -> None:
    (tmp_path / "empty").mkdir()
    with pytest.raises(WorldError) as caught:
        refused(tmp_path / name)
    assert caught.value.hint


def test_labels_that_differ_only_in_case_are_refused(tmp_path: Path) -> None:
    lines = flat(tmp_path)
    lines[1] = lines[1].removesuffix("good") + "Good"
    with pytest.raises(WorldError, match="'Good' and 'good' differ only in case"):
        refused(table(tmp_path, lines))


# -- objects and bursts ------------------------------------------------------------------------------------------


def test_a_burst_is_one_object_with_frames_in_order(tmp_path: Path) -> None:
    fill(tmp_path)
    for k in range(3):
        (tmp_path / "good" / f"burst{k}.jpg").write_bytes(
            photo(200 + k, when=T0 + timedelta(minutes=20, seconds=k))
        )
    (tmp_path / "good" / "other-camera.jpg").write_bytes(
        photo(210, when=T0 + timedelta(minutes=20), serial="2")
    )
    captures = {c.name: c for c in FolderWorld(tmp_path).captures()}
    burst = [captures[f"good/burst{k}.jpg"] for k in range(3)]
    assert len({c.item_id for c in burst}) == len({c.burst for c in burst}) == 1
    assert [c.frame for c in burst] == [0, 1, 2]
    assert captures["good/other-camera.jpg"].item_id != burst[0].item_id


def test_copies_in_other_quality_are_one_object_in_two_bursts(tmp_path: Path) -> None:
    fill(tmp_path)
    (tmp_path / "good" / "copy.jpg").write_bytes(
        photo(3, when=T0 + timedelta(hours=30, minutes=30), quality=60)
    )
    captures = {c.name: c for c in FolderWorld(tmp_path).captures()}
    one, two = captures["good/003.jpg"], captures["good/copy.jpg"]
    assert one.item_id == two.item_id
    assert one.burst != two.burst


def test_groups_of_the_table_count_more_than_bursts(tmp_path: Path) -> None:
    for i in range(64):
        path = tmp_path / f"{i}.jpg"
        path.write_bytes(photo(i, when=T0 + timedelta(seconds=i)))  # a line: one thing a second
    lines = [f"{i}.jpg,{'good' if i % 2 else 'bad'},thing-{i}" for i in range(64)]
    world = FolderWorld(table(tmp_path, lines, "path,label,group"))
    captures = list(world.captures())
    assert {c.item_id for c in captures} == {f"thing-{i}" for i in range(64)}
    assert len({c.burst for c in captures}) == 64, "a burst over several things would join them in clean"


# -- time --------------------------------------------------------------------------------------------------------


def test_files_written_within_a_day_get_a_clock_that_mixes_the_classes(tmp_path: Path) -> None:
    for i in range(64):
        path = tmp_path / ("good" if i < 32 else "bad") / f"{i:03d}.jpg"
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(photo(i))
        os.utime(path, (T0.timestamp() + i, T0.timestamp() + i))
    world = FolderWorld(tmp_path)
    captures = list(world.captures())
    assert any("a clock was made up" in note for note in world.notes)
    gaps = {b.captured_at - a.captured_at for a, b in pairwise(captures)}
    assert gaps == {MADE_UP_STEP}
    assert max(c.captured_at for c in captures) <= T0 + timedelta(seconds=65), "nothing is in the future"
    assert len({c.label_at_ingestion for c in captures[:10]}) == 2
    assert Counter(world.truth()["label"].to_pylist()).keys() == {"good", "bad"}
    assert list(FolderWorld(tmp_path).captures()) == captures


def test_file_times_over_many_days_are_taken_and_that_is_said(tmp_path: Path) -> None:
    for i in range(64):
        path = tmp_path / ("good" if i % 2 else "bad") / f"{i:03d}.jpg"
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(photo(i))
        os.utime(path, (T0.timestamp() + 7200 * i,) * 2)
    world = FolderWorld(tmp_path)
    assert any("64 of 64 photos do not say when" in note and "copying" in note for note in world.notes)
    assert next(world.captures()).captured_at == T0


def test_the_table_knows_times_that_the_photos_do_not(tmp_path: Path) -> None:
    lines = flat(tmp_path, when=None)
    lines = [
        f"{line},{T0 + timedelta(hours=3 * i)},{T0 + timedelta(hours=3 * i + 1)}"
        for i, line in enumerate(lines)
    ]
    world = FolderWorld(table(tmp_path, lines, "path,label,captured_at,ingested_at"))
    capture = list(world.captures())[4]
    assert capture.captured_at == T0 + timedelta(hours=12)
    assert capture.ingested_at == T0 + timedelta(hours=13)
    assert not any("clock" in note or "copying" in note for note in world.notes)


def test_exif_comes_before_the_table_unless_its_time_cannot_be(tmp_path: Path) -> None:
    lines = [f"{line},2025-10-01T00:00:00Z" for line in flat(tmp_path)]
    lines.append("good/clock.jpg,good,2025-10-02")
    (tmp_path / "good" / "clock.jpg").write_bytes(photo(99, when=datetime(1980, 1, 1, tzinfo=UTC)))
    captures = {c.name: c for c in FolderWorld(table(tmp_path, lines, "path,label,captured_at")).captures()}
    assert captures["bad/000.jpg"].captured_at == T0
    assert captures["good/clock.jpg"].captured_at == datetime(2025, 10, 2, tzinfo=UTC)


# -- the place ---------------------------------------------------------------------------------------------------


def test_the_place_never_reaches_the_workspace(tmp_path: Path) -> None:
    root = fill(tmp_path / "photos", gps=True)
    assert read_exif((root / "bad" / "000.jpg").read_bytes()).has_gps
    ws = create(str(tmp_path / "ws"), world=WorldSettings("folder", path=str(root)))
    ingest(ws, FolderWorld(root))
    objects = [path.read_bytes() for path in (ws.root / "raw").rglob("*.jpg")]
    assert len(objects) == 64
    assert not any(read_exif(data).has_gps for data in objects)
    assert read_exif((root / "bad" / "000.jpg").read_bytes()).has_gps, "the photo itself stays as it is"
    report = clean(ws)
    assert report.counts == {"total_raw": 64, "total_clean": 64, "total_quarantined": 0}


# -- labels.csv --------------------------------------------------------------------------------------------------


def test_reviews_come_from_the_table(tmp_path: Path) -> None:
    lines = [f"{line},," for line in flat(tmp_path)]
    lines[0] = f"bad/000.jpg,bad,good,{T0 + timedelta(days=2)}"
    lines[63] = f"good/063.jpg,good,bad,{T0 + timedelta(days=5)}"
    world = FolderWorld(table(tmp_path, lines, "path,label,reviewed_label,reviewed_at"))
    items = {c.name: c.item_id for c in world.captures()}
    reviews = {row["item_id"]: row for row in world.reviews().to_pylist()}
    assert reviews.keys() == {items["bad/000.jpg"], items["good/063.jpg"]}
    assert reviews[items["bad/000.jpg"]]["reviewed_label"] == "good"
    assert reviews[items["bad/000.jpg"]]["known_at"] == T0 + timedelta(days=2)
    truth = dict(zip(*world.truth().to_pydict().values(), strict=True))
    assert truth[items["good/063.jpg"]] == "bad"
    assert truth[items["bad/062.jpg"]] == "bad"
    assert not any("nobody reviewed" in note for note in world.notes)


def test_semicolons_a_byte_mark_backslashes_and_repeated_lines(tmp_path: Path) -> None:
    lines = [line.replace(",", ";").replace("/", "\\") for line in flat(tmp_path)]
    text = "\r\n".join(["Path;Label;mood", *(f"{line};fine" for line in [*lines, lines[0]])])
    (tmp_path / "labels.csv").write_bytes(b"\xef\xbb\xbf" + text.encode())
    world = FolderWorld(tmp_path)
    assert world.n_captures == 64
    assert any("1 lines of labels.csv repeat" in note for note in world.notes)
    assert any(
        "1 columns of labels.csv are not known and were not read: mood" in note for note in world.notes
    )


def test_letters_of_two_parts_are_the_letters_of_one(tmp_path: Path) -> None:
    lines = flat(tmp_path)
    (tmp_path / "good" / "u\u0308mlaut.jpg").write_bytes(photo(90, when=T0 + timedelta(minutes=30)))
    world = FolderWorld(table(tmp_path, [*lines, "good/\u00fcmlaut.jpg,good"]))
    assert "good/\u00fcmlaut.jpg" in {c.name for c in world.captures()}


def test_photos_without_a_line_or_without_a_label(tmp_path: Path) -> None:
    lines = flat(tmp_path, 66)
    world = FolderWorld(table(tmp_path, [*lines[:64], "good/065.jpg,"]))
    assert world.n_captures == 65
    assert [c.label_at_ingestion for c in world.captures() if c.name == "good/065.jpg"] == [None]
    assert any("1 photos are not in labels.csv" in note for note in world.notes)
    assert any("1 photos have no label" in note for note in world.notes)


@pytest.mark.parametrize(
    ("header", "line", "message"),
    [
        ("path,label", "../outside.jpg,good", "not a path below the folder"),
        ("path,label", "/etc/passwd,good", "not a path below the folder"),
        ("path,label", "good/../../x.jpg,good", "not a path below the folder"),
        ("path,label", "C:\\photos\\x.jpg,good", "not a path below the folder"),
        ("path,label", ",good", "not a path below the folder"),
        (
            "path,label",
            "good/nowhere.jpg,good",
            "1 files of labels.csv are not in the folder: good/nowhere.jpg",
        ),
        ("path,label", "good/001.jpg,bad", "says something else of good/001.jpg"),
        ("path,label", "labels.csv,good", "is no photo"),
        ("path,label", "good/001.jpg,good,more", "not as many fields"),
        ("path,label", "good/001.jpg", "not as many fields"),
        ("path,label", '"good/001.jpg,good', "cannot be read"),
        ("path,klass", "good/001.jpg,good", "it needs path and label"),
        ("path,label,label", "good/001.jpg,good,bad", "each once"),
        ("path,label,reviewed_label,reviewed_at", "good/001.jpg,good,bad,", "only one of reviewed_label"),
        (
            "path,label,reviewed_label,reviewed_at",
            "good/001.jpg,good,,2025-09-01",
            "only one of reviewed_label",
        ),
        ("path,label,reviewed_label,reviewed_at", "good/001.jpg,good,bda,2025-09-05", "'bda' is no label"),
        ("path,label,captured_at", "good/001.jpg,good,yesterday", "'yesterday' is not a time"),
    ],
)
def test_a_table_that_cannot_be_trusted_is_refused_with_the_line(
    tmp_path: Path, header: str, line: str, message: str
) -> None:
    lines = flat(tmp_path, 60)
    fields = header.count(",") - 1
    bad = [
        old + "," * fields
        for old in lines
        if line.partition(",")[0] != old.partition(",")[0] or "something" in message
    ]
    table(tmp_path, [*bad, line], header)
    with pytest.raises(WorldError) as caught:
        refused(tmp_path)
    assert message in str(caught.value)


def test_a_table_in_another_encoding_is_refused(tmp_path: Path) -> None:
    lines = flat(tmp_path)
    (tmp_path / "labels.csv").write_bytes(
        "\n".join(["path,label", *lines, "good/ümlaut.jpg,good"]).encode("latin-1")
    )
    with pytest.raises(WorldError, match="not UTF-8"):
        refused(tmp_path)


@pytest.mark.skipif(os.name == "nt", reason="only on macOS and Linux: links need no rights there")
def test_a_line_that_names_a_link_out_of_the_folder_is_refused(tmp_path: Path) -> None:
    root = tmp_path / "photos"
    lines = flat(root)
    (tmp_path / "secret.jpg").write_bytes(photo(80, when=T0))
    (root / "good" / "link.jpg").symlink_to(tmp_path / "secret.jpg")
    with pytest.raises(WorldError, match="lies outside the folder"):
        refused(table(root, [*lines, "good/link.jpg,good"]))


def test_three_classes_are_fine(tmp_path: Path) -> None:
    fill(tmp_path)
    for i in range(10):
        path = tmp_path / "unsure" / f"{i}.jpg"
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(photo(300 + i, when=T0 + timedelta(hours=6 * i, minutes=30)))
    world = FolderWorld(tmp_path)
    assert world.labels == ("bad", "good", "unsure")
    assert any("'unsure'" in note for note in world.notes)
