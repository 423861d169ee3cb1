"""The pair browser: pictures as they are stored, closeness in words, and what the guard found."""

from __future__ import annotations

import base64
import io

import numpy as np
import pyarrow as pa
import pytest
from PIL import Image, ImageFilter, ImageOps

from workbench.errors import SettingsError
from workbench.guards import near_duplicates
from workbench.lab.pairs import pair_browser
from workbench.pictures import perceptual_hash
from workbench.widgets import PairBrowser


def photo(i: int) -> Image.Image:
    noise = np.random.default_rng(i).integers(0, 256, (64, 64, 3), dtype=np.uint8)
    return ImageOps.autocontrast(Image.fromarray(noise).filter(ImageFilter.GaussianBlur(4)))


def packed(image: Image.Image, kind: str = "JPEG") -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, kind)
    return buffer.getvalue()


def pair(**more):
    one, two = packed(photo(1)), packed(photo(1), "PNG")
    return {
        "one": {"id": "p1", "picture": one},
        "two": {"id": "p2", "picture": two, "text": "line-b"},
        **more,
    }


def test_pictures_travel_as_they_are_and_the_words_say_how_close_they_are():
    browser = PairBrowser([pair(distance=2, cosine=0.98765, why="hash"), pair()])
    assert browser.pairs[0]["one"]["picture"].startswith("data:image/jpeg;base64,")
    kind, _, data = browser.pairs[0]["two"]["picture"].partition(",")
    assert kind == "data:image/png;base64"
    assert base64.b64decode(data) == packed(photo(1), "PNG")
    assert browser.as_text().splitlines() == [
        "[pair browser] 2 pairs lie on both sides",
        "  p1 (train) = p2 (test)  2 of 64 bits differ, cosine 0.988, by hash",
        "  p1 (train) = p2 (test)",
    ]


def test_the_one_that_is_shown_stays_among_them():
    browser = PairBrowser([pair(), pair()], found=9)
    browser.at = 7
    assert browser.at == 1
    assert browser.as_text().startswith("[pair browser] 9 pairs lie")
    assert PairBrowser([]).as_text() == "[pair browser] 0 pairs lie on both sides"


def test_what_is_no_picture_is_refused():
    with pytest.raises(SettingsError, match="neither JPEG nor PNG"):
        PairBrowser([pair() | {"one": {"id": "p1", "picture": b"GIF89a"}}])
    with pytest.raises(SettingsError, match="a pair has no 'distnace'"):
        PairBrowser([pair(distnace=2)])


def test_what_the_guard_found_is_shown_closest_first():
    images = [photo(i) for i in range(45)]
    copies = [images[3].resize((60, 60)), ImageOps.mirror(images[5]), *(photo(100 + i) for i in range(8))]
    every = {f"p{i}": image for i, image in enumerate([*images, *copies])}
    table = pa.table(
        {
            "image_id": [*every],
            "phash": [perceptual_hash(image) for image in every.values()],
            "phash_mirrored": [perceptual_hash(ImageOps.mirror(image)) for image in every.values()],
            "split": ["train"] * 45 + ["test"] * 10,
        }
    )
    evidence = near_duplicates.measure(table)
    browser = pair_browser(evidence, lambda name: packed(every[name]))
    assert {(one["one"]["id"], one["two"]["id"]) for one in browser.pairs} == {("p3", "p45"), ("p5", "p46")}
    assert [one["distance"] for one in browser.pairs] == sorted(one["distance"] for one in browser.pairs)
    assert all(one["cosine"] is None for one in browser.pairs)
    assert browser.found == 2
    silent = near_duplicates.measure(
        table.slice(0, 45).set_column(3, "split", pa.array(["train"] * 35 + ["test"] * 10))
    )
    assert pair_browser(silent, lambda name: packed(every[name])).pairs == []
