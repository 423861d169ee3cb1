"""Alterations: each is what its name says, and none is what the pipeline does."""

from __future__ import annotations

import io

import numpy as np
import pytest
from PIL import Image

from workbench.pictures import PictureProblem, open_picture
from workbench.pictures.alterations import ALTERATIONS, bgr, jpeg, open_as_stored, rotated


@pytest.fixture
def image() -> Image.Image:
    ramp = np.linspace(0, 255, 40 * 60 * 3).reshape(40, 60, 3)
    return Image.fromarray(
        (ramp + np.arange(60)[:, None] % 7 * np.array([3, 5, 9])).clip(0, 255).astype(np.uint8)
    )


def stored(image: Image.Image, orientation: int) -> bytes:
    exif, packed = Image.Exif(), io.BytesIO()
    exif[0x0112] = orientation
    image.save(packed, "PNG", exif=exif)
    return packed.getvalue()


def test_each_changes_the_picture_and_leaves_the_given_one(image: Image.Image) -> None:
    before = image.tobytes()
    for name, alter in ALTERATIONS.items():
        altered = alter(image)
        assert altered.mode == "RGB", name
        assert altered.tobytes() != before, name
        assert image.tobytes() == before, name


def test_bgr_is_its_own_inverse(image: Image.Image) -> None:
    assert np.array_equal(np.asarray(bgr(image)), np.asarray(image)[..., ::-1])
    assert bgr(bgr(image)).tobytes() == image.tobytes()


def test_lower_quality_is_farther_away(image: Image.Image) -> None:
    def off(quality: int) -> float:
        return float(np.abs(np.asarray(jpeg(image, quality)).astype(int) - np.asarray(image)).mean())

    assert off(90) < off(40) < off(10)
    assert jpeg(image).size == image.size


@pytest.mark.parametrize("orientation", range(1, 9))
def test_as_stored_ignores_what_the_pipeline_undoes(image: Image.Image, orientation: int) -> None:
    data = stored(image, orientation)
    assert open_as_stored(data).tobytes() == image.tobytes()
    assert rotated(open_picture(data).image, orientation).tobytes() == image.tobytes()
    assert (open_as_stored(data).tobytes() == open_picture(data).image.tobytes()) == (orientation == 1)


def test_a_bad_file_is_refused_as_everywhere() -> None:
    with pytest.raises(PictureProblem):
        open_as_stored(b"no picture")
