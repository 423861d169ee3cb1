"""The picture scope: one photo on two paths, in words and as state; what the kernel is asked, and how often."""

from __future__ import annotations

import io

import pytest
from PIL import Image

from workbench.errors import SettingsError
from workbench.widgets import PictureScope


def packed(colour: str, kind: str = "PNG") -> bytes:
    buffer = io.BytesIO()
    Image.new("RGB", (8, 8), colour).save(buffer, kind)
    return buffer.getvalue()


PHOTOS = [
    {"id": "p1", "picture": packed("red", "JPEG"), "text": "line-a"},
    {"id": "p2", "picture": packed("green", "JPEG")},
]


def view(name: str, **more):
    told = {"says": f"It is {name}.", "picture": packed("blue"), "changed": 1.0, "mean": 85.0, "cosine": 0.25}
    return {"name": name, "score": 0.9} | told | more


class Look:
    """Two alterations of each photo; remembers what it was asked."""

    def __init__(self) -> None:
        self.asked: list[str] = []

    def __call__(self, photo: str):
        self.asked.append(photo)
        same = view("renamed", changed=0.0, mean=0.0, cosine=0.1, score=0.2)
        return {
            "picture": packed("red"),
            "score": 0.2 if photo == "p1" else 0.8,
            "views": [view("bgr"), same],
        }


def test_every_alteration_is_said_in_words_whichever_is_shown():
    scope = PictureScope(PHOTOS, Look())
    assert scope.as_text().splitlines() == [
        "[picture scope] photo p1: accept, score 0.20",
        "  bgr      100% of pixels,  85.0 of 255 levels, cosine  0.250, score 0.90: accept becomes reject",
        "  renamed    0% of pixels,   0.0 of 255 levels, cosine  0.100, score 0.20: stays accept",
    ]
    assert (scope.alteration, scope.changed, scope.shown["before"]) == ("bgr", True, 0.2)
    scope.alteration = "renamed"
    assert scope.changed is False
    scope.alteration, scope.chosen = "bgr", "p2"
    assert scope.changed is False, "p2 was rejected before"


def test_the_kernel_is_asked_once_a_photo_and_never_for_an_alteration():
    look = Look()
    scope = PictureScope(PHOTOS, look)
    scope.alteration, scope.gain = "renamed", 16
    for photo in ("p2", "p1", "p2"):
        scope.chosen = photo
        assert scope.seen["photo"] == photo
    assert look.asked == ["p1", "p2"]


def test_pictures_travel_as_they_are():
    scope = PictureScope(PHOTOS, Look(), chosen="p2", alteration="renamed", gain=1)
    assert scope.photos[0]["picture"].startswith("data:image/jpeg;base64,")
    assert scope.seen["picture"].startswith("data:image/png;base64,")
    assert scope.seen["photo"] == "p2"


def test_what_is_not_there_is_refused():
    with pytest.raises(SettingsError, match="there is no photo to look at"):
        PictureScope([], Look())
    with pytest.raises(SettingsError, match="there is no photo 'p9'"):
        PictureScope(PHOTOS, Look(), chosen="p9")
    with pytest.raises(SettingsError, match="there is no alteration 'rgb'"):
        PictureScope(PHOTOS, Look(), alteration="rgb")
    with pytest.raises(SettingsError, match="neither JPEG nor PNG"):
        PictureScope([{"id": "p1", "picture": b"GIF89a"}], Look())
    with pytest.raises(SettingsError, match="nothing was altered in p1"):
        PictureScope(PHOTOS, lambda _: {"picture": packed("red"), "score": 0.5, "views": []})
    with pytest.raises(SettingsError, match="one of 1, 4, 16"):
        PictureScope(PHOTOS, Look(), gain=3)
