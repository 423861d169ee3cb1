"""Pictures: one strict path to pixels, hashes, EXIF, and the place taken out without touching a pixel."""

from __future__ import annotations

import io
import itertools
import warnings
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from PIL import ExifTags, Image, ImageFilter, ImageOps

from workbench.pictures import (
    POLICIES,
    REASONS,
    PictureProblem,
    Policy,
    open_picture,
    perceptual_hash,
    pixel_hash,
    policy_for,
    read_exif,
    strip_gps,
    thumbnail,
)
from workbench.pictures.duplicates import groups, links_of, near_pairs

if TYPE_CHECKING:
    from pathlib import Path

GPS = {1: "N", 2: (52.0, 31.0, 12.0), 3: "E", 4: (13.0, 24.0, 18.0), 5: b"\0", 6: 34.0}


def scene(seed: int = 0, size: tuple[int, int] = (96, 96)) -> Image.Image:
    """Return a smooth coloured picture."""
    noise = np.random.default_rng(seed).integers(0, 256, (size[1], size[0], 3), dtype=np.uint8)
    return ImageOps.autocontrast(Image.fromarray(noise).filter(ImageFilter.GaussianBlur(4)))


def encode(image: Image.Image, kind: str, **options: Any) -> bytes:
    """Encode a picture."""
    file = io.BytesIO()
    image.save(file, kind, **options)
    return file.getvalue()


def exif(*, gps: bool = True, orientation: int = 1, **tags: str) -> Image.Exif:
    """Return EXIF data as a camera writes them."""
    found = Image.Exif()
    found[ExifTags.Base.Make], found[ExifTags.Base.Model] = "Pomona", "PX5"
    found[ExifTags.Base.Orientation] = orientation
    found[ExifTags.Base.ImageDescription] = "a description that is longer than four bytes"
    inner = found.get_ifd(ExifTags.IFD.Exif)
    inner[ExifTags.Base.DateTimeOriginal] = tags.get("when", "2025:09:01 08:30:00")
    inner[ExifTags.Base.BodySerialNumber] = "2031"
    if "offset" in tags:
        inner[ExifTags.Base.OffsetTimeOriginal] = tags["offset"]
    if "subsecond" in tags:
        inner[ExifTags.Base.SubsecTimeOriginal] = tags["subsecond"]
    if gps:
        found.get_ifd(ExifTags.IFD.GPSInfo).update(GPS)
    return found


# -- decoding ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "GIF"])
def test_decodes_each_format_like_pillow(kind: str) -> None:
    data = encode(scene(), kind)
    picture = open_picture(data)
    assert (picture.width, picture.height, picture.frames) == (96, 96, 1)
    assert np.array_equal(picture.image, Image.open(io.BytesIO(data)).convert("RGB"))


@pytest.mark.parametrize("mode", ["1", "L", "P", "CMYK", "LA", "RGBA"])
def test_every_mode_becomes_rgb(mode: str) -> None:
    kind = "JPEG" if mode == "CMYK" else "PNG"
    picture = open_picture(encode(scene().convert(mode), kind))
    assert picture.image.mode == "RGB"
    assert picture.mode == mode


def test_what_is_transparent_becomes_white_and_hidden_pixels_stay_hidden() -> None:
    image = scene().convert("RGBA")
    image.putalpha(0)
    image.paste((10, 20, 30, 255), (0, 0, 48, 96))
    pixels = np.asarray(open_picture(encode(image, "PNG")).image)
    assert (pixels[:, 48:] == 255).all()
    assert (pixels[:, :48] == (10, 20, 30)).all()


def test_a_palette_with_transparency_is_laid_on_white_without_a_warning() -> None:
    image = scene().convert("P")
    transparent = int(np.asarray(image)[5, 5])
    pixels = np.asarray(open_picture(encode(image, "PNG", transparency=transparent)).image)
    assert (pixels[np.asarray(image) == transparent] == 255).all()


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP"])
def test_orientation_is_undone_as_pillow_does(kind: str, orientation: int) -> None:
    data = encode(scene(size=(96, 64)), kind, exif=exif(orientation=orientation))
    picture = open_picture(data)
    right = ImageOps.exif_transpose(Image.open(io.BytesIO(data))).convert("RGB")
    assert np.array_equal(picture.image, right)
    assert picture.orientation == orientation
    assert (picture.width, picture.height) == right.size


@pytest.mark.parametrize("orientation", [0, 9, 255])
def test_an_invalid_orientation_turns_nothing(orientation: int) -> None:
    assert open_picture(encode(scene(), "JPEG", exif=exif(orientation=orientation))).orientation == 1


def test_a_long_picture_is_shrunk_at_full_quality() -> None:
    image = scene(size=(1000, 600))
    picture = open_picture(encode(image, "PNG"), Policy(max_side=500))
    assert (picture.width, picture.height) == (1000, 600)
    assert np.array_equal(picture.image, image.resize((500, 300), Image.Resampling.BICUBIC))


def test_sixteen_bits_of_grey_are_refused() -> None:
    grey = Image.fromarray(np.full((64, 64), 300, np.uint16) + np.arange(64, dtype=np.uint16))
    with pytest.raises(PictureProblem) as caught:
        open_picture(encode(grey, "PNG"))
    assert caught.value.reason == "sixteen_bit"


def test_the_result_does_not_depend_on_the_warning_filter() -> None:
    data = encode(scene().convert("P"), "PNG", transparency=bytes(range(256)))
    broken = bytearray(encode(scene(), "JPEG", exif=exif()))
    at = broken.index(b"Exif\0\0") + 6
    broken[at + 10 : at + 40] = b"\xff" * 30  # entries with senseless types and offsets
    seen = []
    for action in ("error", "ignore"):
        with warnings.catch_warnings():
            warnings.simplefilter(action)
            seen.append([pixel_hash(open_picture(bytes(d)).image) for d in (data, broken)])
    assert seen[0] == seen[1]


def test_nothing_but_a_picture_problem_is_raised_for_damaged_files() -> None:
    rng = np.random.default_rng(3)
    whole = [
        encode(scene(), kind, **({"exif": exif()} if kind != "GIF" else {}))
        for kind in ("JPEG", "PNG", "WEBP", "GIF")
    ]
    reasons = set()
    for data in whole:
        for _ in range(60):
            damaged = bytearray(data)
            for at in rng.integers(4, len(data), 8):
                damaged[at] = rng.integers(0, 256)
            try:
                open_picture(bytes(damaged))
            except PictureProblem as problem:
                reasons.add(problem.reason)
            strip_gps(bytes(damaged))
            read_exif(bytes(damaged))
    assert reasons <= REASONS.keys()
    assert "damaged" in reasons


def test_every_reason_is_explained_and_every_policy_has_its_world() -> None:
    assert all(text and not text.endswith(".") for text in REASONS.values())
    assert set(POLICIES) == {"packhouse", "folder"}
    assert policy_for("another") == Policy()


def test_a_policy_read_back_from_json_is_the_same_policy() -> None:
    policy = Policy(exact=[96, 96])
    assert open_picture(encode(scene(), "PNG"), policy).width == 96
    with pytest.raises(PictureProblem, match="80 x 80 instead of 96 x 96"):
        open_picture(encode(scene(size=(80, 80)), "PNG"), policy)


# -- hashes ------------------------------------------------------------------------------------------------------


def test_the_shape_is_part_of_the_pixel_hash() -> None:
    one, two = Image.new("RGB", (10, 20)), Image.new("RGB", (20, 10))
    assert one.tobytes() == two.tobytes()
    assert pixel_hash(one) != pixel_hash(two)


def test_the_perceptual_hash_moves_little_with_the_file_and_much_with_the_scene() -> None:
    def bits(one: Image.Image, two: Image.Image) -> int:
        return (int(perceptual_hash(one), 16) ^ int(perceptual_hash(two), 16)).bit_count()

    scenes = [scene(seed, (96, 96)) for seed in range(20)]
    for image in scenes:
        copy = io.BytesIO()
        image.save(copy, "JPEG", quality=60)
        assert bits(image, Image.open(copy)) <= 4
    assert min(bits(one, two) for one, two in itertools.combinations(scenes, 2)) > 4


def test_banding_finds_exactly_what_all_pairs_find() -> None:
    rng = np.random.default_rng(5)
    codes = [int(c) for c in rng.integers(0, 2**63, 150)]
    for i in range(0, 100, 2):  # plant neighbours at distance 0 to 6
        flipped = rng.choice(63, i % 14 // 2, replace=False)
        codes.append(codes[i] ^ sum(1 << int(bit) for bit in flipped))
    hashes = [f"{code:016x}" for code in codes]
    same = np.zeros((len(codes), 576), np.uint8)
    brute = [(i, j) for j in range(len(codes)) for i in range(j) if (codes[i] ^ codes[j]).bit_count() <= 4]
    assert near_pairs(hashes, same) == sorted(brute)
    assert len(brute) > 20
    looks = (np.array([code % 7 for code in codes])[:, None] + rng.integers(0, 3, (len(codes), 576))).astype(
        np.uint8
    )
    apart = {(i, j): np.sqrt(np.square(looks[i].astype(float) - looks[j]).mean()) for i, j in brute}
    near = sorted(pair for pair in brute if apart[pair] <= 2.0)
    assert near_pairs(hashes, looks) == near
    assert 5 < len(near) < len(brute)


def test_more_bits_than_the_bands_guarantee_are_refused() -> None:
    with pytest.raises(ValueError, match="bands"):
        near_pairs(["0" * 16], np.zeros((1, 576), np.uint8), max_bits=5)


@pytest.mark.parametrize("quality", [90, 70, 50])
def test_reencoded_copies_are_near_and_other_scenes_are_not(quality: int) -> None:
    images = [scene(seed) for seed in range(20)]
    images += [open_picture(encode(image, "JPEG", quality=quality)).image for image in images]
    pairs = near_pairs([perceptual_hash(i) for i in images], np.stack([thumbnail(i) for i in images]))
    assert pairs == [(i, i + 20) for i in range(20)]


def test_groups_join_over_others() -> None:
    assert groups(6, [(0, 2), (4, 2), (5, 3)]).tolist() == [0, 1, 0, 3, 0, 3]
    assert list(links_of(["a", "b", "a", "a"])) == [(0, 2), (0, 3)]


# -- EXIF --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP"])
def test_reads_time_zone_device_place(kind: str) -> None:
    facts = read_exif(encode(scene(), kind, exif=exif(offset="+02:00", subsecond="25", orientation=6)))
    assert facts.captured_at == datetime(2025, 9, 1, 6, 30, 0, 250_000, tzinfo=UTC)
    assert facts.zone_known
    assert facts.device == "PX5 2031"
    assert facts.has_gps
    assert facts.orientation == 6


def test_without_an_offset_the_time_is_taken_as_utc_and_that_is_said() -> None:
    facts = read_exif(encode(scene(), "JPEG", exif=exif()))
    assert facts.captured_at == datetime(2025, 9, 1, 8, 30, tzinfo=UTC)
    assert not facts.zone_known


@pytest.mark.parametrize("when", ["0000:00:00 00:00:00", "2025-09-01", "", "garbage \xff"])
def test_a_senseless_time_is_no_time(when: str) -> None:
    assert read_exif(encode(scene(), "JPEG", exif=exif(when=when))).captured_at is None


def test_a_file_without_exif_says_nothing() -> None:
    facts = read_exif(encode(scene(), "PNG"))
    assert (facts.captured_at, facts.device, facts.has_gps, facts.orientation) == (None, None, False, 1)


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP"])
@pytest.mark.parametrize("endian", ["<", ">"])
def test_the_place_goes_and_everything_else_stays(kind: str, endian: str) -> None:
    written = exif(offset="+02:00", orientation=6)
    written.endian = endian
    data = encode(scene(), kind, exif=written)
    clean = strip_gps(data)
    assert len(clean) == len(data)
    before, after = Image.open(io.BytesIO(data)), Image.open(io.BytesIO(clean))
    assert np.array_equal(before, after)
    old, new = before.getexif(), after.getexif()
    assert ExifTags.IFD.GPSInfo not in new
    assert {k: v for k, v in old.items() if k != ExifTags.IFD.GPSInfo} == dict(new)
    assert dict(old.get_ifd(ExifTags.IFD.Exif)) == dict(new.get_ifd(ExifTags.IFD.Exif))
    assert not read_exif(clean).has_gps
    assert strip_gps(clean) == clean


def test_the_coordinates_are_nowhere_in_the_file() -> None:
    data = encode(scene(), "JPEG", exif=exif())
    degrees = (52).to_bytes(4, "big") + (1).to_bytes(4, "big")
    swapped = (52).to_bytes(4, "little") + (1).to_bytes(4, "little")
    assert degrees in data or swapped in data
    assert degrees not in strip_gps(data)
    assert swapped not in strip_gps(data)


def test_a_file_without_a_place_comes_back_as_it_is() -> None:
    for kind in ("JPEG", "PNG", "WEBP"):
        data = encode(scene(), kind, exif=exif(gps=False))
        assert strip_gps(data) == data
    assert strip_gps(b"") == b""
    assert strip_gps(b"no picture") == b"no picture"


def test_an_exif_block_that_cannot_be_parsed_is_blanked_as_a_whole() -> None:
    data = bytearray(encode(scene(), "JPEG", exif=exif()))
    at = data.index(b"Exif\0\0") + 6
    data[at + 4 : at + 8] = b"\xf0\xff\xff\xff"  # the first directory lies nowhere
    clean = strip_gps(bytes(data))
    assert (52).to_bytes(4, "big") + (1).to_bytes(4, "big") not in clean
    assert (52).to_bytes(4, "little") + (1).to_bytes(4, "little") not in clean
    assert np.array_equal(open_picture(clean).image, open_picture(bytes(data)).image)


def test_a_place_in_xmp_is_blanked() -> None:
    xmp = b'<x:xmpmeta><rdf:Description exif:GPSLatitude="52,31.2N" exif:GPSLongitude=\'13,24.3E\' dc:title="kept"/></x:xmpmeta>'
    for kind in ("JPEG", "WEBP", "PNG"):
        options: dict[str, Any] = {"xmp": xmp}
        if kind == "PNG":
            from PIL.PngImagePlugin import PngInfo

            info = PngInfo()
            info.add_itxt("XML:com.adobe.xmp", xmp.decode())
            options = {"pnginfo": info}
        data = encode(scene(), kind, **options)
        assert b"52,31.2N" in data
        clean = strip_gps(data)
        assert b"52,31.2N" not in clean
        assert b"13,24.3E" not in clean
        assert np.array_equal(Image.open(io.BytesIO(data)), Image.open(io.BytesIO(clean)))


def test_the_place_goes_from_a_truncated_file_too() -> None:
    data = encode(scene(), "JPEG", exif=exif())
    cut = data[: len(data) * 3 // 5]
    assert read_exif(cut).has_gps
    assert not read_exif(strip_gps(cut)).has_gps


def test_the_place_goes_from_a_file_on_disk_that_any_tool_reads(tmp_path: Path) -> None:
    path = tmp_path / "a.jpg"
    path.write_bytes(strip_gps(encode(scene(), "JPEG", exif=exif())))
    with Image.open(path) as image:
        assert dict(image.getexif().get_ifd(ExifTags.IFD.GPSInfo)) == {}
