"""The renderer: the same pixels everywhere, each dial does what it says, EXIF reads back."""

from __future__ import annotations

import hashlib
import io
from datetime import UTC, datetime, timedelta, timezone

import numpy as np
import pytest
from PIL import ExifTags, Image, ImageOps

from workbench.errors import SettingsError
from workbench.worlds import blemishes, drawing
from workbench.worlds.fruit import (
    BELTS,
    BLEMISHES,
    CAMERAS,
    KINDS,
    Camera,
    encode,
    make_fruit,
    render,
    rng_for,
)

WHEN = datetime(2025, 9, 3, 14, 5, 6, 789012, tzinfo=UTC)

# Made with numpy 2.4.6, and seen equal with 1.26.4, with and without AVX-512. When these change, old
# workspaces no longer match their worlds: raise `_VERSION` in worlds/packhouse.py.
GOLDEN = (
    "87248f970b1b5206", "c62373a4075b61b2", "55b7670d964dd16f", "104dff483634362c",
    "5a7e2c3c50ac6843", "c8a152d51a6c0303", "f71ae15ed46cdc24", "063051ba31fd3120",
    "90d609f5fba78a61", "d5f21d1912058f17", "9d199b1b905a7e1f", "0c7bd160a802f767",
)  # fmt: skip


def scene(i: int) -> np.ndarray:
    """One of twelve pictures which together use every kind, blemish, camera and dial."""
    kind, blemish = list(KINDS)[i % 8], ("none", *BLEMISHES)[i % 6]
    fruit = make_fruit("golden", i, kind, blemish, 0.7 if i % 6 else 0.0)
    camera = [*CAMERAS.values(), Camera("table", belt="wooden", blur=0)][i % 5]
    return render(
        "golden",
        fruit,
        camera,
        frame=i % 4,
        pass_id=i % 3,
        visible=0.8,
        px=(96, 64)[i % 2],
        lamp=1 - 0.02 * i,
        dirt=(0.0, 0.6)[i % 2],
        warm=0.01 * (i - 6),
    )


def sha(pixels: np.ndarray) -> str:
    return hashlib.sha256(pixels.tobytes()).hexdigest()[:16]


def picture(**changes) -> np.ndarray:
    fruit = make_fruit(1, "a", "yellow apple", "rot", 0.8)
    return render(1, fruit, CAMERAS["line-a"], **changes)


def test_golden_pixels():
    assert tuple(sha(scene(i)) for i in range(12)) == GOLDEN


def test_every_blemish_has_a_stroke_and_every_camera_a_belt():
    assert tuple(blemishes.STROKES) == BLEMISHES
    assert {camera.belt for camera in CAMERAS.values()} <= set(BELTS)


def test_pixels_do_not_depend_on_what_was_drawn_before():
    first = [sha(scene(i)) for i in (3, 1, 2)]
    assert [sha(scene(i)) for i in (2, 3, 1)] == [first[2], first[0], first[1]]


@pytest.mark.parametrize("px", [8, 33, 64, 160])
def test_any_size_is_drawn(px):
    pixels = picture(px=px)
    assert pixels.shape == (px, px, 3)
    assert pixels.dtype == np.uint8
    assert pixels.std() > 10


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("blemish", BLEMISHES)
def test_a_blemish_changes_the_picture_and_more_so_when_it_shows(kind, blemish):
    def look(visible: float) -> np.ndarray:
        fruit = make_fruit(1, "f", kind, blemish, 0.9)
        return render(1, fruit, CAMERAS["bench"], frame=1, visible=visible).astype(float)

    hidden, faint, clear = look(0.0), look(0.4), look(1.0)
    assert np.abs(clear - hidden).sum() > np.abs(faint - hidden).sum() > 0


def test_severity_zero_is_a_sound_fruit():
    a, b = (make_fruit(1, "f", "pear", "bruise", s) for s in (0.0, 0.9))
    assert a.texture == b.texture
    assert a.spots == b.spots
    assert not np.array_equal(render(1, a, CAMERAS["bench"]), render(1, b, CAMERAS["bench"]))


def test_the_lamp_dims_dirt_stays_in_place_and_warm_is_redder():
    base = picture().astype(float)
    assert picture(lamp=0.8).mean() < base.mean() - 5
    warm = picture(warm=0.1).astype(float)
    assert warm[..., 0].mean() > base[..., 0].mean() > warm[..., 2].mean()
    little, much = (np.abs(picture(dirt=d) - base).sum(-1) > 12 for d in (0.3, 0.9))
    assert little.any()
    assert much.sum() > little.sum()
    assert (much & little).sum() > 0.9 * little.sum()


def test_frames_of_a_burst_are_alike_and_passes_are_not():
    def apart(a: np.ndarray, b: np.ndarray) -> float:
        return float(np.abs(a.astype(float) - b).mean())

    first = picture(frame=0)
    assert 0 < apart(first, picture(frame=1)) < apart(first, picture(pass_id=1))


def test_the_turn_of_a_fruit_is_a_rotation():
    m = np.array(drawing.turn(0.3, -0.2))
    assert np.allclose(m @ m.T, np.eye(3))
    assert np.linalg.det(m) == pytest.approx(1)


def test_keys_with_the_same_text_share_their_stream():
    assert rng_for(1, "a").random() == rng_for("1", "a").random()
    assert rng_for(1, "a").random() != rng_for(1, "b").random()


def test_exif_reads_back():
    payload = encode(picture(), captured_at=WHEN, camera=CAMERAS["line-c"])
    exif = Image.open(io.BytesIO(payload)).getexif()
    sub, gps = exif.get_ifd(ExifTags.IFD.Exif), exif.get_ifd(ExifTags.IFD.GPSInfo)
    stamp = f"{sub[ExifTags.Base.DateTimeOriginal]}.{sub[ExifTags.Base.SubsecTimeOriginal]}"
    offset = sub[ExifTags.Base.OffsetTimeOriginal]
    assert datetime.strptime(stamp + offset, "%Y:%m:%d %H:%M:%S.%f%z") == WHEN
    assert sub[ExifTags.Base.BodySerialNumber] == "PX3-0917"
    degrees = [float(sum(x / 60**k for k, x in enumerate(gps[tag]))) for tag in (2, 4)]
    assert degrees == pytest.approx([46.902, 7.501], abs=1e-5)


def test_exif_time_is_utc_whatever_zone_it_was_given_in():
    zurich = WHEN.astimezone(timezone(timedelta(hours=2)))
    pixels = picture(px=16)
    a, b = (encode(pixels, captured_at=when, camera=CAMERAS["line-a"]) for when in (WHEN, zurich))
    assert a == b
    with pytest.raises(SettingsError, match="no time zone"):
        encode(pixels, captured_at=WHEN.replace(tzinfo=None), camera=CAMERAS["line-a"])


@pytest.mark.parametrize("orientation", range(1, 9))
def test_a_turned_picture_is_upright_for_a_reader_who_heeds_the_tag(orientation):
    pixels = picture()
    payload = encode(pixels, captured_at=WHEN, camera=CAMERAS["line-a"], orientation=orientation)
    stored = Image.open(io.BytesIO(payload))
    assert stored.getexif()[ExifTags.Base.Orientation] == orientation
    upright = np.asarray(ImageOps.exif_transpose(stored), dtype=float)
    assert np.abs(upright - pixels).mean() < 6
    if orientation > 1:
        assert np.abs(np.asarray(stored, dtype=float) - pixels).mean() > 6
