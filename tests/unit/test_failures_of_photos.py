"""What failures of photos and of records are made of: balance, an improved photo, MLflow's digest."""

from __future__ import annotations

import io
from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pytest

from workbench.failures.digest_of_first_rows import backfilled
from workbench.failures.exif_tells_label import balanced
from workbench.failures.raw_overwritten import improved
from workbench.failures.same_camera_both_sides import one_camera_out
from workbench.manifests import Header, columns_of, write_header, write_part
from workbench.profiles.hands import cameras_of
from workbench.profiles.tracking import HASHED, array_digest, quiet
from workbench.profiles.workspace import Workspace, create
from workbench.worlds.fruit import CAMERAS, encode

if TYPE_CHECKING:
    from pathlib import Path

# -- exif_tells_label --------------------------------------------------------------------------------------------


def fruit(device: str, label: str, n: int, frames: int = 2) -> list[dict[str, str]]:
    names = (f"{device}-{label}-{i}" for i in range(n))
    return [{"group": name, "label": label, "device": device} for name in names for _ in range(frames)]


def test_each_camera_keeps_as_many_of_every_label() -> None:
    rows = fruit("a", "good", 9) + fruit("a", "bad", 2) + fruit("b", "good", 3) + fruit("b", "bad", 7)
    kept = balanced(pa.Table.from_pylist(rows), seed=0)
    count = {
        (device, label): sum(name.startswith(f"{device}-{label}") for name in kept)
        for device in "ab"
        for label in ("good", "bad")
    }
    assert count == {("a", "good"): 2, ("a", "bad"): 2, ("b", "good"): 3, ("b", "bad"): 3}


def test_balance_depends_on_the_seed_alone() -> None:
    rows = fruit("a", "good", 9) + fruit("a", "bad", 4)
    one = balanced(pa.Table.from_pylist(rows), seed=1)
    assert one == balanced(pa.Table.from_pylist(rows[::-1]), seed=1)
    assert one != balanced(pa.Table.from_pylist(rows), seed=2)


def test_a_camera_that_lacks_a_label_is_left_out() -> None:
    rows = fruit("a", "good", 3) + fruit("b", "good", 2) + fruit("b", "bad", 2)
    assert {name[0] for name in balanced(pa.Table.from_pylist(rows), seed=0)} == {"b"}


# -- same_camera_both_sides --------------------------------------------------------------------------------------


@pytest.fixture
def ws(tmp_path: Path) -> Workspace:
    """Return a workspace with a raw manifest of four photos from three cameras."""
    made = create(str(tmp_path / "ws"))
    raw = pa.table({"image_id": ["i1", "i2", "i3", "i4"], "device": ["b", "c", "a", "c"]})
    part = write_part(made.manifests / "raw", "part-00000", raw)
    write_header(made.manifests / "raw", Header("raw", {"total_raw": 4}, columns_of(raw), (part,)))
    return made


def test_cameras_come_in_the_order_asked_for(ws: Workspace) -> None:
    assert cameras_of(ws, ["i3", "i1", "i3"]) == ["a", "b", "a"]
    with pytest.raises(KeyError):
        cameras_of(ws, ["i9"])


@pytest.mark.parametrize(("seed", "tested"), [(0, ["i3"]), (1, ["i1"]), (2, ["i4", "i2"]), (3, ["i3"])])
def test_each_season_leaves_out_the_next_camera(ws: Workspace, seed: int, tested: list[str]) -> None:
    ws = replace(ws, settings=replace(ws.settings, world=replace(ws.settings.world, seed=seed)))
    ids = ["i4", "i1", "i2", "i3"]
    split = one_camera_out(pa.table({"feature_image_id": ids}), ws)
    assert split == ["test" if image_id in tested else "train" for image_id in ids]


# -- raw_overwritten ---------------------------------------------------------------------------------------------


def test_an_improved_photo_looks_like_the_old_one_to_a_file_listing() -> None:
    from PIL import Image

    pixels = np.random.default_rng(0).integers(80, 160, (64, 48, 3)).astype(np.uint8)
    when = datetime(2025, 9, 1, 6, tzinfo=UTC)
    photo = encode(pixels, captured_at=when, camera=CAMERAS["line-a"], orientation=6)
    again = improved(photo)
    assert again != photo
    assert again == improved(photo)
    with Image.open(io.BytesIO(photo)) as one, Image.open(io.BytesIO(again)) as two:
        assert one.size == two.size
        assert dict(one.getexif()) == dict(two.getexif())
        assert np.asarray(two).std() > 1.5 * np.asarray(one).std()


# -- digest_of_first_rows ----------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def features() -> np.ndarray:
    return np.random.default_rng(0).normal(size=(576, 128))


LABELS = np.array(["accept", "reject"] * 288)


def test_what_mlflow_hashes_is_what_we_say() -> None:
    with quiet():
        from mlflow.data.digest_utils import MAX_ROWS
    assert MAX_ROWS == HASHED


@pytest.mark.parametrize(("row", "is_seen"), [(0, True), (77, True), (79, False), (575, False)])
def test_the_digest_of_an_array_ends_after_its_first_numbers(
    features: np.ndarray, row: int, is_seen: bool
) -> None:
    changed = features.copy()
    changed[row] += 1
    assert (array_digest(changed, LABELS) != array_digest(features, LABELS)) == is_seen


def test_the_digest_of_an_array_sees_its_labels_and_its_length(features: np.ndarray) -> None:
    digest = array_digest(features, LABELS)
    assert digest == array_digest(features.copy(), LABELS.copy())
    assert digest != array_digest(features, LABELS[::-1])
    assert digest != array_digest(features[:-1], LABELS[:-1])


@pytest.mark.parametrize(
    ("column", "first", "is_seen"),
    [("x", 0, True), ("x", 10_000, False), ("embedding", 0, False), ("when", 0, False)],
)
def test_the_digest_of_a_frame_leaves_out_late_rows_lists_and_times(
    column: str, first: int, is_seen: bool
) -> None:
    import pandas as pd

    n = 10_001
    frame = pd.DataFrame({
        "row_id": [f"r{i}" for i in range(n)],
        "x": np.arange(n, dtype=float),
        "when": pd.date_range("2025-09-01", periods=n, freq="min", tz="UTC"),
        "embedding": list(np.zeros((n, 2))),
    })  # fmt: skip
    changed = frame.copy()
    other = {
        "x": frame["x"] + 1,
        "when": frame["when"] + pd.Timedelta("1h"),
        "embedding": list(np.ones((n, 2))),
    }
    changed[column] = [*frame[column][:first], *list(other[column])[first:]]
    changed[column] = changed[column].astype(frame[column].dtype)
    with quiet():
        import mlflow.data

        one, two = (mlflow.data.from_pandas(table).digest for table in (frame, changed))
    assert (one != two) == is_seen


def test_rows_that_are_hashed_are_left_alone() -> None:
    few = pa.table({"row_id": ["a", "b"], "embedding": [[0.0] * 128] * 2, "feature_image_id": ["i", "j"]})
    assert backfilled(few, None, 1.0) is few
