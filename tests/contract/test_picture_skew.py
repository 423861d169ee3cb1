"""The picture scope on a real, tiny packhouse: its paths are those of the catalogue's failures, bit for bit."""

from __future__ import annotations

import io
import os
from typing import TYPE_CHECKING

import numpy as np
import pytest
from PIL import Image

from workbench.failures import load
from workbench.lab.bench import prepare, run_with
from workbench.lab.picture_skew import RIGHT, Looker, paths, picture_scope, some_photos
from workbench.lab.watch import served_vectors
from workbench.manifests import read_table

if TYPE_CHECKING:
    from workbench.lab.bench import Outcome

pytestmark = pytest.mark.slow
FAILURES = {
    "bilinear": ("resize_filter", 1),
    "JPEG 75": ("jpeg_recompressed", 25),
    "JPEG 15": ("jpeg_recompressed", 85),
    "EXIF ignored": ("orientation_ignored", 1),
    "BGR": ("colour_order", 1),
    "not normalised": ("normalisation_skipped", 1),
    "new encoder": ("embedding_swapped_under_same_name", 1),
}


@pytest.fixture(scope="module")
def outcome(tmp_path_factory: pytest.TempPathFactory) -> Outcome:
    """Return a run of the tiny packhouse."""
    before = os.environ["WORKBENCH_HOME"]
    os.environ["WORKBENCH_HOME"] = str(tmp_path_factory.mktemp("bench"))
    made = run_with(prepare("packhouse", size="tiny"))
    os.environ["WORKBENCH_HOME"] = before
    return made


@pytest.fixture(scope="module")
def look(outcome: Outcome) -> Looker:
    return Looker(outcome.ws, outcome.record.run_id)


def levels(png: str | bytes) -> np.ndarray:
    return np.asarray(Image.open(io.BytesIO(png)), int)


@pytest.mark.parametrize("name", FAILURES)
def test_a_path_gives_the_very_embedding_of_its_failure(name: str, outcome: Outcome, look: Looker) -> None:
    failure, strength = FAILURES[name]
    honest_rows = served_vectors(outcome)
    given = honest_rows.rename_columns(
        ["feature_image_id" if one == "image_id" else one for one in honest_rows.column_names]
    )
    served = load(failure).inject(strength).online(given, outcome.ws).slice(0, 3)
    (way,) = [way for way in paths(outcome.ws) if way.name == name]
    for row in served.to_pylist():
        ((_, embedding),) = look.embedded(row["feature_image_id"], [way])
        np.testing.assert_array_equal(embedding, np.array(row["embedding"], np.float32))


def test_the_honest_path_is_that_of_extract_and_the_score_that_of_serve(
    outcome: Outcome, look: Looker
) -> None:
    extracted = read_table(outcome.ws.manifests / "extract", ["image_id", "embedding"]).to_pylist()
    right = {row["image_id"]: row["embedding"] for row in extracted}
    served = read_table(outcome.ws.served / outcome.record.run_id, ["feature_image_id", "probability"])
    for row in served.slice(0, 3).to_pylist():
        photo = row["feature_image_id"]
        ((_, embedding),) = look.embedded(photo, [RIGHT])
        np.testing.assert_array_equal(embedding, np.array(right[photo], np.float32))
        assert look(photo)["score"] == pytest.approx(row["probability"], abs=1e-12)


def test_many_photos_at_once_give_the_bits_of_each_alone(outcome: Outcome, look: Looker) -> None:
    photos = [row["image_id"] for row in some_photos(outcome.ws)]
    for way in paths(outcome.ws)[-2:]:
        together = look.all_on(photos, way)
        for photo, embedding in zip(photos, together, strict=True):
            np.testing.assert_array_equal(look.embedded(photo, [way])[0][1], embedding)


def test_what_is_measured_is_what_is_shown(outcome: Outcome, look: Looker) -> None:
    turned = some_photos(outcome.ws)[0]
    assert turned["orientation"] not in {None, 1}
    found = look(turned["image_id"])
    before = levels(found["picture"])
    views = {view["name"]: view for view in found["views"]}
    for view in views.values():
        gap = np.abs(levels(view["picture"]) - before)
        assert view["mean"] == pytest.approx(gap.mean())
        assert view["changed"] == pytest.approx((gap > 0).any(axis=-1).mean())
    assert views["as in training"]["changed"] == views["new encoder"]["changed"] == 0
    assert views["as in training"]["score"] == found["score"]
    assert views["new encoder"]["cosine"] < 0.5, "no pixel differs, and the embedding is another"
    assert views["bilinear"]["cosine"] > 0.99 > views["JPEG 15"]["cosine"]
    np.testing.assert_array_equal(levels(views["BGR"]["picture"]), before[..., ::-1])
    assert views["EXIF ignored"]["changed"] > 0.5


def test_an_upright_photo_is_the_same_to_who_ignores_exif(outcome: Outcome, look: Looker) -> None:
    upright = next(row for row in some_photos(outcome.ws) if row["orientation"] == 1)
    views = {view["name"]: view for view in look(upright["image_id"])["views"]}
    assert views["EXIF ignored"]["changed"] == 0
    assert views["EXIF ignored"]["cosine"] == pytest.approx(1)


def test_the_scope_says_the_labels_of_the_world_and_which_photo_was_stored_turned(
    outcome: Outcome, look: Looker
) -> None:
    scope = picture_scope(outcome.ws, look=look, alteration="BGR")
    assert scope.decisions == ["accept", "reject"]
    assert scope.photos[0]["text"].endswith("stored turned")
    assert len(scope.photos) == 6
    assert "\n  BGR " in scope.as_text()
