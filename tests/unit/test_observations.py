"""Which observations enter a dataset, and with which label, as of a cutoff."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pytest

from workbench.clock import timestamp_type
from workbench.errors import DatasetError, StageOrderError
from workbench.manifests import Header, columns_of, write_header, write_part
from workbench.profiles.workspace import Workspace, create
from workbench.stages.dataset import dataset, observations

if TYPE_CHECKING:
    from pathlib import Path

T0 = datetime(2025, 9, 1, 6, tzinfo=UTC)


def at(hours: float) -> datetime:
    return T0 + timedelta(hours=hours)


def line(image: str, item: str, hours: float, label: str | None = "accept", **changes: Any) -> dict[str, Any]:
    """Return a row of a clean manifest: a photo on the line."""
    row = {
        "image_id": image,
        "item_id": item,
        "group": item,
        "station": "line",
        "status": "clean",
        "ingestion_timestamp": at(hours),
        "label_at_ingestion": label,
        "bucket": 0,
    }
    return row | changes


def workspace_of(
    tmp_path: Path, clean: list[dict[str, Any]], reviews: list[tuple[str, str, float, float]]
) -> Workspace:
    """Write the two manifests that `observations` reads; a review is (item, label, reviewed at, known at)."""
    ws = create(str(tmp_path / "ws"))
    when = timestamp_type()
    schema = pa.schema(
        {
            name: pa.string()
            for name in ("image_id", "item_id", "group", "station", "status", "label_at_ingestion")
        }
        | {"ingestion_timestamp": when, "bucket": pa.int32()}
    )
    reviewed = pa.schema(
        {"item_id": pa.string(), "reviewed_label": pa.string(), "reviewed_at": when, "known_at": when}
    )
    rows = [
        {"item_id": item, "reviewed_label": label, "reviewed_at": at(seen), "known_at": at(known)}
        for item, label, seen, known in reviews
    ]
    parents = {"raw": write_header(ws.manifests / "raw", Header("raw", {}, {}, ())).digest}
    for kind, table in (
        ("clean", pa.Table.from_pylist(clean, schema)),
        ("reviews", pa.Table.from_pylist(rows, reviewed)),
    ):
        part = write_part(ws.manifests / kind, "part-00000", table)
        write_header(ws.manifests / kind, Header(kind, {}, columns_of(table), (part,), {"parents": parents}))
    return ws


def labels(ws: Workspace, cutoff_hours: float) -> dict[str, tuple[str, str]]:
    """Return row id -> (label, where it comes from)."""
    rows = observations(ws, at(cutoff_hours)).to_pylist()
    return {row["row_id"]: (row["label"], row["label_source"]) for row in rows}


def test_a_review_counts_from_the_moment_it_is_known(tmp_path: Path) -> None:
    """Reviewed at hour 30, recorded at hour 40: a cutoff between the two still sees the glance."""
    ws = workspace_of(tmp_path, [line("img-1", "a", 1)], [("a", "reject", 30, 40)])
    assert labels(ws, 35) == {"img-1": ("accept", "ingestion")}
    assert labels(ws, 40) == {"img-1": ("reject", "review")}


def test_the_latest_known_review_wins(tmp_path: Path) -> None:
    """A second opinion replaces the first one when it is known, and not before."""
    ws = workspace_of(tmp_path, [line("img-1", "a", 1)], [("a", "reject", 30, 31), ("a", "accept", 50, 51)])
    assert labels(ws, 45) == {"img-1": ("reject", "review")}
    assert labels(ws, 60) == {"img-1": ("accept", "review")}


def test_only_clean_labelled_line_captures_that_had_arrived_are_observations(tmp_path: Path) -> None:
    """The bench photo, the quarantined one, the unlabelled one and the late one stay out."""
    ws = workspace_of(
        tmp_path,
        [
            line("img-1", "a", 1),
            line("img-2", "a", 26, station="bench"),
            line("img-3", "b", 2, status="quarantined"),
            line("img-4", "c", 3, label=None),
            line("img-5", "d", 99),
        ],
        [],
    )
    assert list(labels(ws, 50)) == ["img-1"]


def test_an_unlabelled_capture_enters_when_its_review_is_known(tmp_path: Path) -> None:
    """No glance, but a review: that is a label."""
    ws = workspace_of(tmp_path, [line("img-1", "a", 1, label=None)], [("a", "reject", 30, 31)])
    assert labels(ws, 31) == {"img-1": ("reject", "review")}


def test_rows_come_sorted_with_times_in_utc_microseconds(tmp_path: Path) -> None:
    """Whatever order the clean manifest has."""
    ws = workspace_of(tmp_path, [line("img-2", "b", 2), line("img-1", "a", 1)], [])
    rows = observations(ws, at(10))
    assert rows["row_id"].to_pylist() == ["img-1", "img-2"]
    assert rows.schema.field("event_timestamp").type == timestamp_type()
    assert rows.schema.field("label_known_at").type == timestamp_type()


def test_nothing_before_the_cutoff_is_a_sentence(tmp_path: Path) -> None:
    """The cutoff is in the message."""
    ws = workspace_of(tmp_path, [line("img-1", "a", 5)], [])
    with pytest.raises(DatasetError, match=r"no labelled capture had arrived by 2025-09-01T07:00:00Z"):
        observations(ws, at(1))


def test_dataset_before_extract_names_the_missing_stage(tmp_path: Path) -> None:
    """The hint is a command."""
    with pytest.raises(StageOrderError, match="workbench extract"):
        dataset(workspace_of(tmp_path, [line("img-1", "a", 1)], []))
