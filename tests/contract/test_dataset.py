"""Datasets on the real tiny pipeline: point in time, hashes, versions, and the leaky twin."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.compute as pc
import pytest

from workbench import clock
from workbench.errors import DatasetError, StageOrderError
from workbench.hashing import bucket_of, content_hash, order_hash
from workbench.manifests import read_header, read_table, write_header, write_part
from workbench.profiles.datasets import KEYS, current_id, read_card, read_dataset
from workbench.profiles.features import Features
from workbench.profiles.workspace import configure
from workbench.stages.clean import clean
from workbench.stages.dataset import dataset
from workbench.stages.extract import extract

if TYPE_CHECKING:
    from collections.abc import Callable

    from workbench.profiles.workspace import Workspace
    from workbench.records import World


def test_no_feature_is_newer_than_its_observation(tiny_pipeline: Workspace) -> None:
    """Event time and known-at, checked against the raw manifest row by row."""
    _, rows = read_dataset(tiny_pipeline)
    known_at = {
        row["image_id"]: row["ingestion_timestamp"]
        for row in read_table(tiny_pipeline.manifests / "raw").to_pylist()
    }
    assert rows.num_rows > 100
    for row in rows.to_pylist():
        assert row["feature_timestamp"] <= row["event_timestamp"]
        assert known_at[row["feature_image_id"]] <= row["event_timestamp"]


def test_each_observation_gets_the_newest_photo_that_was_known(tiny_pipeline: Workspace) -> None:
    """By brute force over the clean manifest. Nearly always that is the photo itself; a frame that
    is sent a second time arrives after the later frames of its burst, and then one of those is newer."""
    _, rows = read_dataset(tiny_pipeline)
    clean = [r for r in read_table(tiny_pipeline.manifests / "clean").to_pylist() if r["status"] == "clean"]
    for row in rows.to_pylist():
        known = [
            (photo["captured_at"], photo["ingestion_timestamp"], photo["image_id"])
            for photo in clean
            if photo["item_id"] == row["item_id"]
            and photo["captured_at"] <= row["event_timestamp"]
            and photo["ingestion_timestamp"] <= row["event_timestamp"]
        ]
        assert row["feature_image_id"] == max(known)[2]
    own = pc.sum(pc.equal(rows["feature_image_id"], rows["row_id"])).as_py()
    assert rows.num_rows - 10 < own < rows.num_rows


def test_no_label_was_known_after_the_cutoff(tiny_pipeline: Workspace) -> None:
    """And both sources of labels occur."""
    card, rows = read_dataset(tiny_pipeline)
    assert pc.max(rows["label_known_at"]).as_py() <= clock.parse_utc(card.cutoff_timestamp)
    assert set(rows["label_source"].to_pylist()) == {"ingestion", "review"}


def test_the_card_describes_the_rows(tiny_pipeline: Workspace) -> None:
    """Hashes, counts, model and parents."""
    card, rows = read_dataset(tiny_pipeline)
    assert card.dataset_id == "dataset_v1.0.0_pit_20250915T060000Z"
    assert card.content_hash == content_hash(rows, KEYS)
    assert card.order_hash == order_hash(rows, KEYS)
    assert rows["row_id"].to_pylist() == sorted(rows["row_id"].to_pylist())
    assert sum(card.split_counts.values()) == sum(card.label_counts.values()) == rows.num_rows
    assert card.extraction_model == "tiny_v1"
    assert card.feature_view in {path.name for path in tiny_pipeline.features.iterdir()}
    for kind, digest in card.parents.items():
        assert read_header(tiny_pipeline.manifests / kind).digest == digest
    assert rows["bucket"].to_pylist() == [bucket_of(item) for item in rows["item_id"].to_pylist()]


def test_splits_follow_each_other_and_share_no_group(tiny_pipeline: Workspace) -> None:
    """Train, validation, test in time; every class on each side."""
    card, rows = read_dataset(tiny_pipeline)
    part = {name: rows.filter(pc.equal(rows["split"], name)) for name in ("train", "validation", "test")}
    for earlier, later in (("train", "validation"), ("validation", "test")):
        gap = (
            pc.min(part[later]["event_timestamp"]).as_py() - pc.max(part[earlier]["event_timestamp"]).as_py()
        )
        assert gap.total_seconds() >= card.embargo_s
        assert not set(part[earlier]["group"].to_pylist()) & set(part[later]["group"].to_pylist())
    assert (
        set(part["train"]["label"].to_pylist()) == set(part["test"]["label"].to_pylist()) == set(card.labels)
    )


def test_the_leaky_twin_differs_in_its_features_alone(fresh_copy: Callable[[], Workspace]) -> None:
    """Same observations, labels and splits; where an item was seen again later, the later photo."""
    ws = fresh_copy()
    report = dataset(ws, leaky=True)
    honest_card, honest = read_dataset(ws)
    card, rows = read_dataset(ws, current_id(ws, "leaky"))
    assert report.where == f"datasets/{card.dataset_id}"
    assert card.dataset_id == "dataset_v1.0.0_latest_20250915T060000Z"
    assert not card.point_in_time
    assert card.content_hash != honest_card.content_hash
    features = ["feature_image_id", "feature_timestamp", "embedding"]
    assert rows.drop_columns(features).equals(honest.drop_columns(features))
    newest = {}
    for row in read_table(ws.manifests / "extract").sort_by("event_timestamp").to_pylist():
        newest[row["item_id"]] = row["image_id"]
    assert rows["feature_image_id"].to_pylist() == [newest[item] for item in rows["item_id"].to_pylist()]
    station = {row["image_id"]: row["station"] for row in read_table(ws.manifests / "raw").to_pylist()}
    assert {station[image] for image in rows["feature_image_id"].to_pylist()} == {"line", "bench"}


def test_a_second_call_writes_nothing(fresh_copy: Callable[[], Workspace]) -> None:
    """Same inputs: skipped, to the last timestamp on disk."""
    ws = fresh_copy()
    before = {path: path.stat().st_mtime_ns for path in ws.datasets.rglob("*")}
    report = dataset(ws)
    assert report.skipped
    assert report.digest == read_card(ws, current_id(ws)).content_hash
    assert {path: path.stat().st_mtime_ns for path in ws.datasets.rglob("*")} == before


def test_an_earlier_cutoff_is_another_dataset(fresh_copy: Callable[[], Workspace]) -> None:
    """Only rows that had arrived, only labels that were known; the old dataset stays."""
    ws = fresh_copy()
    cutoff = clock.parse_utc("2025-09-11T00:00:00Z")
    dataset(ws, cutoff=cutoff)
    card, rows = read_dataset(ws)
    assert card.dataset_id == "dataset_v1.0.0_pit_20250911T000000Z"
    assert pc.max(rows["event_timestamp"]).as_py() <= cutoff
    assert pc.max(rows["label_known_at"]).as_py() <= cutoff
    assert read_card(ws, "dataset_v1.0.0_pit_20250915T060000Z")


def test_other_content_under_the_same_name_gets_a_higher_version(fresh_copy: Callable[[], Workspace]) -> None:
    """A longer embargo changes roles: the minor version goes up by itself, nothing is overwritten."""
    ws = fresh_copy()
    before = read_card(ws, current_id(ws))
    ws = configure(ws, embargo_s=86_400.0)
    dataset(ws)
    after = read_card(ws, current_id(ws))
    assert after.dataset_id == "dataset_v1.1.0_pit_20250915T060000Z"
    assert after.content_hash != before.content_hash
    assert read_card(ws, before.dataset_id) == before


def test_stock_feast_gives_the_same_dataset(fresh_copy: Callable[[], Workspace]) -> None:
    """Feast's own duckdb store, behind the same door: the same content hash as our plug-in."""
    ws = fresh_copy()
    before = read_card(ws, current_id(ws))
    (ws.datasets / before.dataset_id / "manifest.json").unlink()
    ws = configure(ws, offline_store="duckdb")
    assert not dataset(ws).skipped
    assert read_card(ws, current_id(ws)).content_hash == before.content_hash


def test_a_half_written_dataset_is_made_again(fresh_copy: Callable[[], Workspace]) -> None:
    """The last bytes of the part are gone: same id, same hash, whole again."""
    ws = fresh_copy()
    name = current_id(ws)
    part = ws.datasets / name / "part-0000.parquet"
    content = part.read_bytes()
    part.unlink()
    part.write_bytes(content[:-100])
    report = dataset(ws)
    assert not report.skipped
    assert part.read_bytes() == content
    assert current_id(ws) == name


def test_a_cutoff_with_one_class_is_refused(fresh_copy: Callable[[], Workspace]) -> None:
    """A dataset on which nothing can be learned is an error with a hint, and leaves no folder."""
    ws = fresh_copy()
    before = set(ws.datasets.iterdir())
    with pytest.raises(DatasetError, match=r"split has the labels"):
        dataset(ws, cutoff=clock.parse_utc("2025-09-01T12:00:00Z"))
    assert set(ws.datasets.iterdir()) == before


def test_a_stage_does_not_read_what_is_out_of_date(fresh_copy: Callable[[], Workspace]) -> None:
    """New captures, and only then a dataset: both states mixed would be a silent failure, so it is refused."""
    ws = fresh_copy()
    header = read_header(ws.manifests / "raw")
    part = write_part(ws.manifests / "raw", "part-00001", read_table(ws.manifests / "raw").slice(0, 0))
    write_header(ws.manifests / "raw", replace(header, parts=(*header.parts, part)))
    for stage in (extract, dataset):
        with pytest.raises(StageOrderError, match="clean manifest was made from another raw manifest"):
            stage(ws)
    assert not clean(ws).skipped
    with pytest.raises(StageOrderError, match="extract manifest was made from another clean manifest"):
        dataset(ws)
    extract(ws)
    assert read_card(ws, current_id(ws)).content_hash == dataset(ws).digest


def test_an_observation_without_features_is_never_dropped(
    fresh_copy: Callable[[], Workspace], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A store that forgets a row gets an error with the count, not a smaller dataset."""
    ws = fresh_copy()

    def forgetful(self: Features, keys: pa.Table, view: str) -> pa.Table:
        found = as_of(self, keys, view)
        last = found["embedding"].combine_chunks().slice(0, found.num_rows - 1).to_pylist()
        column = pa.array([*last, None], found.schema.field("embedding").type)
        return found.set_column(found.column_names.index("embedding"), "embedding", column)

    as_of = Features.as_of
    monkeypatch.setattr(Features, "as_of", forgetful)
    before = set(ws.datasets.iterdir())
    with pytest.raises(DatasetError, match=r"1 of \d+ observations have no features"):
        dataset(ws, cutoff=clock.parse_utc("2025-09-12T00:00:00Z"))
    assert set(ws.datasets.iterdir()) == before


def test_a_change_of_seed_does_not_touch_the_rows(fresh_copy: Callable[[], Workspace]) -> None:
    """The split has no dice: the card records the seed, the content hash stays."""
    ws = fresh_copy()
    before = read_card(ws, current_id(ws))
    ws = configure(ws, train=replace(ws.settings.train, seed=7))
    dataset(ws)
    after = read_card(ws, current_id(ws))
    assert after.seed == 7
    assert (after.dataset_id, after.content_hash) == (before.dataset_id, before.content_hash)


@pytest.mark.parametrize("engine", ["serial", "threads", pytest.param("processes", marks=pytest.mark.slow)])
def test_every_engine_extracts_the_same_bytes(engine: str, fresh_copy: Callable[[], Workspace]) -> None:
    """Batch boundaries belong to the shard: the digest of the manifest does not know the engine."""
    ws = fresh_copy()
    before = read_header(ws.manifests / "extract").digest
    (ws.manifests / "extract" / "manifest.json").unlink()
    ws = configure(ws, engine=engine)
    report = extract(ws, use_cache=False)
    assert not report.skipped
    assert report.counts["from_cache"] == 0
    assert report.digest == before


def test_the_cache_answers_and_a_damaged_one_costs_only_time(fresh_copy: Callable[[], Workspace]) -> None:
    """All from the cache; then a truncated cache file is thrown away and its images are embedded again."""
    ws = fresh_copy()
    header = ws.manifests / "extract" / "manifest.json"
    before = read_header(header.parent)
    header.unlink()
    assert extract(ws).counts["from_cache"] == before.rows
    header.unlink()
    for path in ws.cache.rglob("part-*.parquet"):
        if "embeddings" in path.parts:
            path.write_bytes(path.read_bytes()[:-50])
    report = extract(ws)
    assert report.counts["from_cache"] == 0
    assert report.digest == before.digest


def test_the_view_file_names_what_it_holds(tiny_pipeline: Workspace, tiny_world: World) -> None:
    """features/<view>/view.json: the encoder's card and the digest of what was published."""
    header = read_header(tiny_pipeline.manifests / "extract")
    view = json.loads((tiny_pipeline.features / header.extra["view"] / "view.json").read_text())
    assert view["card"]["fingerprint"] == header.extra["card"]["fingerprint"]
    assert view["digest"] == header.digest
    assert (
        header.rows
        == read_header(tiny_pipeline.manifests / "clean").counts["total_clean"]
        < tiny_world.n_captures
    )
