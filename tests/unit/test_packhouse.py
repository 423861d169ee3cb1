"""The packhouse world: its counts, its clock, its files, its dials."""

from __future__ import annotations

import io
from collections import Counter
from datetime import UTC, datetime, timedelta
from itertools import groupby, pairwise

import numpy as np
import pytest
from PIL import ExifTags, Image, UnidentifiedImageError

from workbench.errors import SettingsError, WorldError
from workbench.hashing import sha256_bytes
from workbench.worlds import open_world
from workbench.worlds.fruit import CAMERAS, NEW_CAMERA
from workbench.worlds.packhouse import SORTS, PackhouseWorld, tamper
from workbench.worlds.season import FRAME_GAP, HISTORY, START, dials_for

EXPECTED_OF = {  # what a careful reader must find in each sort of hostile delivery
    "exact_duplicate": "same",
    "reencoded": "alike",
    "resized": "alike",
    "truncated": "error",
    "empty": "error",
    "html": "error",
    "wrong_size": "small",
    "changed_inside": "spoilt",
}


@pytest.fixture(scope="module")
def world():
    return PackhouseWorld("tiny", seed=0)


@pytest.fixture(scope="module")
def captures(world):
    return list(world.captures())


@pytest.fixture(scope="module")
def truth(world):
    return {row["item_id"]: row for row in world.truth().to_pylist()}


def pixels_of(payload: bytes) -> np.ndarray:
    return np.asarray(Image.open(io.BytesIO(payload)).convert("RGB"), dtype=float)


def test_tiny_has_the_captures_it_promises(world, captures):
    assert len(captures) == world.n_captures
    assert len({c.name for c in captures}) == len(captures)
    plain = [c for c in captures if c.name not in world.hostile() and c.station == "line"]
    assert len(plain) == 64 * 3 + 40
    assert {c.item_id for c in captures} == {f"fruit-{i:06d}" for i in range(104)}


def test_lesson_is_about_1400_captures_without_drawing_one():
    world = PackhouseWorld("lesson")
    assert 1_350 < world.n_captures < 1_500
    shares = world.truth().to_pandas().groupby("production")["label"].apply(lambda x: (x == "reject").mean())
    assert shares.between(0.38, 0.54).all()
    assert len(world.hostile()) == 3 * len(SORTS)


def test_large_is_about_what_was_asked_for():
    assert 100_000 <= PackhouseWorld("large").n_captures < 103_000
    assert abs(PackhouseWorld("large", captures=5_000).n_captures / 5_000 - 1) < 0.05


@pytest.mark.parametrize("seed", range(5))
def test_each_quarter_of_a_tiny_history_has_both_classes(seed):
    rows = [r for r in PackhouseWorld("tiny", seed).truth().to_pylist() if not r["production"]]
    for k in range(4):
        assert {r["label"] for r in rows[16 * k : 16 * (k + 1)]} == {"accept", "reject"}


def test_history_ends_sharply(world, captures):
    assert world.history_end == START + HISTORY == datetime(2025, 9, 15, 6, tzinfo=UTC)
    for c in captures:
        production = int(c.item_id[-6:]) >= 64
        if c.station == "line":
            assert (c.captured_at >= world.history_end) == production
            assert (c.ingested_at > world.history_end) == production
        else:
            assert not production


def test_frames_of_a_burst_come_in_step(world, captures):
    plain = [c for c in captures if c.name not in world.hostile() and c.station == "line"]
    plain.sort(key=lambda c: (c.burst, c.frame))
    for _, burst in groupby(plain, key=lambda c: c.burst):
        frames = list(burst)
        assert [c.frame for c in frames] == list(range(len(frames)))
        assert len({c.ingested_at - c.captured_at for c in frames}) == 1
        assert all(b.captured_at - a.captured_at == FRAME_GAP for a, b in pairwise(frames))
        assert len({(c.item_id, c.device, c.label_at_ingestion) for c in frames}) == 1


def test_outages_make_some_bursts_hours_late(captures):
    delays = [c.ingested_at - c.captured_at for c in captures]
    assert min(delays) >= timedelta(seconds=1)
    late = sum(d > timedelta(hours=1) for d in delays)
    assert 0.01 < late / len(delays) < 0.25


def test_the_quick_glance_is_right_in_95_to_97_of_100_cases():
    glances = [(p.quick, p.label) for p in PackhouseWorld(captures=30_000)._season]
    assert 0.94 < np.mean([quick == label for quick, label in glances]) < 0.98


def test_what_looks_bad_is_looked_at_again(world, captures, truth):
    reviews = world.reviews().to_pylist()
    benched = {c.item_id: c for c in captures if c.station == "bench"}
    assert set(benched) == {r["item_id"] for r in reviews}
    quick = {c.item_id: c.label_at_ingestion for c in captures if c.station == "line"}
    flagged = {item for item, label in quick.items() if label == "reject" and not truth[item]["production"]}
    assert flagged <= set(benched)
    for r in reviews:
        seen = truth[r["item_id"]]["captured_at"]
        assert timedelta(hours=20) <= r["reviewed_at"] - seen <= timedelta(hours=70)
        assert r["reviewed_at"] == benched[r["item_id"]].captured_at
        assert r["known_at"] > r["reviewed_at"]
    assert all(c.label_at_ingestion is None and c.device == "bench" for c in benched.values())


def test_reviews_are_nearly_always_right_and_come_after_the_cutoff_too():
    world = PackhouseWorld(captures=20_000)
    label = {r["item_id"]: r["label"] for r in world.truth().to_pylist()}
    reviews = world.reviews().to_pylist()
    right = np.mean([r["reviewed_label"] == label[r["item_id"]] for r in reviews])
    assert 0.965 < right < 0.995
    late = np.mean([r["known_at"] > world.history_end for r in reviews])
    assert 0.05 < late < 0.25


def test_exif_says_what_the_delivery_note_says(world, captures):
    for c in captures[:40]:
        if c.name in world.hostile():
            continue
        exif = Image.open(io.BytesIO(c.payload)).getexif().get_ifd(ExifTags.IFD.Exif)
        stamp = f"{exif[ExifTags.Base.DateTimeOriginal]}.{exif[ExifTags.Base.SubsecTimeOriginal]}+0000"
        assert datetime.strptime(stamp, "%Y:%m:%d %H:%M:%S.%f%z") == c.captured_at
        assert exif[ExifTags.Base.BodySerialNumber] == CAMERAS[c.device].serial


def test_bruises_brown_on_the_way_to_the_bench(truth):
    faint = [r["visible"] for r in truth.values() if r["blemish"] == "bruise"]
    assert faint
    assert max(faint) <= 0.70
    assert all(r["visible"] >= 0.75 for r in truth.values() if r["blemish"] != "bruise")


# -- hostile deliveries --


def find(world, captures, sort: str):
    """Return a hostile delivery of this sort, and the good file that it repeats."""
    name = next(name for name, s in world.hostile().items() if s == sort)
    by_name = {c.name: c for c in captures}
    return by_name[name], by_name[name.replace("-resent", "")]


def test_each_sort_is_there_a_few_times(world, captures):
    assert set(SORTS) == set(EXPECTED_OF)
    assert set(world.hostile()) <= {c.name for c in captures}
    assert Counter(world.hostile().values()) == dict.fromkeys(SORTS, 2)
    assert not PackhouseWorld("tiny", hostile_every=0).hostile()


@pytest.mark.parametrize("sort", SORTS)
def test_a_hostile_delivery_is_what_it_claims(world, captures, sort):
    bad, good = find(world, captures, sort)
    assert bad.ingested_at > good.ingested_at
    assert (bad.item_id, bad.burst, bad.captured_at) == (good.item_id, good.burst, good.captured_at)
    assert (bad.payload == good.payload) == (EXPECTED_OF[sort] == "same")
    if EXPECTED_OF[sort] == "error":
        with pytest.raises((OSError, UnidentifiedImageError)):
            pixels_of(bad.payload)
    elif EXPECTED_OF[sort] == "small":
        assert pixels_of(bad.payload).shape == (12, 12, 3)
    elif EXPECTED_OF[sort] == "alike":
        a, b = (Image.open(io.BytesIO(c.payload)).convert("RGB").resize((48, 48)) for c in (bad, good))
        assert np.abs(np.asarray(a, dtype=float) - b).mean() < 6


def test_changed_inside_keeps_length_and_decodes_to_other_pixels(world, captures):
    bad, good = find(world, captures, "changed_inside")
    differs = [i for i, (a, b) in enumerate(zip(bad.payload, good.payload, strict=True)) if a != b]
    assert len(differs) == 200
    assert pixels_of(bad.payload).shape == pixels_of(good.payload).shape
    assert not np.array_equal(pixels_of(bad.payload), pixels_of(good.payload))


def test_tamper_is_found_by_the_hash_and_by_nothing_else(captures):
    good = next(c.payload for c in captures if c.station == "bench")
    bad = tamper(good)
    assert tamper(good) == bad
    assert len(bad) == len(good)
    assert sum(a != b for a, b in zip(bad, good, strict=True)) == 200
    assert pixels_of(bad).shape == pixels_of(good).shape
    assert sha256_bytes(bad) != sha256_bytes(good)


@pytest.mark.parametrize("payload", [b"", b"<html>", b"\xff\xd8\xff\xda" + b"x" * 30])
def test_tamper_refuses_what_is_no_picture(payload):
    with pytest.raises(WorldError, match="tampered"):
        tamper(payload)


# -- dials --


def test_device_label_sends_bad_fruit_to_one_line():
    def shares(**dials) -> dict[str, float]:
        rows = PackhouseWorld("lesson", **dials).truth().to_pandas().query("~production")
        return (rows["label"] == "reject").groupby(rows["device"]).mean().to_dict()

    plain, pulled = shares(), shares(device_label=0.8)
    assert max(plain.values()) - min(plain.values()) < 0.25
    assert pulled["line-b"] > 0.75
    assert pulled["line-a"] < 0.25


def test_the_truth_of_a_fruit_does_not_depend_on_the_dials():
    columns = ["item_id", "label", "severity", "blemish", "kind", "visible"]
    plain = PackhouseWorld("tiny").truth().select(columns)
    assert (
        PackhouseWorld("tiny", drift=1.0, device_label=0.9, rotated=0.5).truth().select(columns).equals(plain)
    )


def test_drift_darkens_the_later_days():
    def brightness(**dials) -> list[float]:
        world = PackhouseWorld("tiny", rotated=0.0, hostile_every=0, frames=1, **dials)
        return [pixels_of(c.payload).mean() for c in world.captures() if c.station == "line"]

    change = np.subtract(brightness(drift=1.0), brightness())
    assert change[-20:].mean() < -15 < change[:5].mean()


def test_rotated_captures_carry_the_tag():
    world = PackhouseWorld("tiny", frames=1, production_fruit=40, hostile_every=0, rotated=0.5)
    tags = Counter(
        Image.open(io.BytesIO(c.payload)).getexif()[ExifTags.Base.Orientation] for c in world.captures()
    )
    assert set(tags) == {1, 3, 6, 8}
    assert 0.3 < tags[1] / world.n_captures < 0.7


@pytest.mark.parametrize(
    ("call", "match"),
    [
        (lambda: PackhouseWorld("huge"), "no size 'huge'"),
        (lambda: PackhouseWorld("tiny", drfit=1.0), "no dial 'drfit'"),
        (lambda: PackhouseWorld("tiny", drift=2.0), "drift=2.0"),
        (lambda: PackhouseWorld("tiny", frames=0), "frames=0"),
        (lambda: open_world("orchard"), "no world 'orchard'"),
        (lambda: open_world("folder"), "needs a folder"),
    ],
)
def test_wrong_settings_are_refused_with_a_hint(call, match):
    with pytest.raises(SettingsError, match=match) as caught:
        call()
    assert caught.value.hint


def test_fingerprint_follows_seed_and_dials():
    worlds = [
        PackhouseWorld("tiny"),
        PackhouseWorld("tiny", 1),
        PackhouseWorld("tiny", drift=0.5),
        PackhouseWorld(),
    ]
    assert len({w.fingerprint for w in worlds}) == 4
    assert (
        PackhouseWorld("tiny").fingerprint
        == worlds[0].fingerprint
        == open_world("packhouse", size="tiny").fingerprint
    )


def test_dials_scale_with_captures():
    assert dials_for("lesson", captures=2_820).history_fruit == 480


def test_a_new_line_opens_with_the_production_week():
    plain, half, all_new = (PackhouseWorld("tiny", new_line=share) for share in (0.0, 0.5, 1.0))
    devices = {}
    for world in (plain, half, all_new):
        for row in world.truth().to_pylist():
            devices.setdefault((world.dials.new_line, row["production"]), []).append(row["device"])
    assert devices[0.0, False] == devices[0.5, False] == devices[1.0, False]
    assert set(devices[0.0, True]) == {"line-a", "line-b", "line-c"}
    assert 0.25 < devices[0.5, True].count("line-d") / len(devices[0.5, True]) < 0.75
    assert set(devices[0.5, True]) == {"line-a", "line-b", "line-c", "line-d"}
    assert set(devices[1.0, True]) == {"line-d"}


def test_the_camera_of_the_new_line_signs_its_photos():
    last = list(PackhouseWorld("tiny", new_line=1.0, history_fruit=8, production_fruit=1).captures())[-1]
    assert last.device == NEW_CAMERA.id
    with Image.open(io.BytesIO(last.payload)) as image:
        exif = image.getexif().get_ifd(ExifTags.IFD.Exif)
    assert exif[ExifTags.Base.BodySerialNumber] == NEW_CAMERA.serial
