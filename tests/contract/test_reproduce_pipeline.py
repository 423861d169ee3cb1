"""The real pipeline, made again from raw: in place, in a clone, after each kind of change."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from typing import TYPE_CHECKING

import pyarrow as pa
import pytest

from workbench.lab.again import reproduce_run
from workbench.lab.pipeline import open_or_create, run_stage
from workbench.manifests import columns_of, read_header, read_table, write_header, write_part
from workbench.profiles.history import History
from workbench.profiles.runs import Runs
from workbench.profiles.workspace import open_workspace
from workbench.stages import ORDER

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from workbench.profiles.workspace import Workspace
    from workbench.records import World

pytest.importorskip("dvc")


def _dvc(root: Path, *args: str) -> str:
    command = [sys.executable, "-m", "dvc", *args]
    return subprocess.run(
        command, cwd=root, env=os.environ.copy(), capture_output=True, text=True, check=True
    ).stdout


def _training_row(ws: Workspace) -> dict[str, str]:
    """Return the raw row of the first training row of the champion."""
    card = Runs(ws).record().dataset
    rows = read_table(ws.datasets / card.dataset_id, ["row_id", "split", "label_source"]).to_pylist()
    chosen = next(
        row["row_id"] for row in rows if row["split"] == "train" and row["label_source"] == "ingestion"
    )
    raw = read_table(ws.manifests / "raw").to_pylist()
    return next(row for row in raw if row["image_id"] == chosen)


def test_after_a_run_the_verdict_is_there_and_dvc_has_nothing_to_do(
    fresh_copy: Callable[[], Workspace],
) -> None:
    ws = fresh_copy()
    verdict = json.loads((ws.root / "verdicts" / f"{Runs(ws).resolve()}.json").read_text())
    assert verdict["word"] == "IDENTICAL"
    assert any("has the same content hash" in note for note in verdict["notes"])
    assert "up to date" in _dvc(ws.root, "status")
    repro = _dvc(ws.root, "repro")
    assert [f"Stage '{stage}' didn't change, skipping" in repro for stage in ORDER] == [True] * 7


def test_identical_in_a_fresh_clone(tiny_pipeline: Workspace, tmp_path: Path) -> None:
    run_id = Runs(tiny_pipeline).resolve()
    subprocess.run(["git", "clone", "--quiet", str(tiny_pipeline.root), str(tmp_path / "clone")], check=True)
    verdict = reproduce_run(open_workspace(str(tmp_path / "clone")), run_id)
    assert str(verdict).startswith("IDENTICAL")
    assert verdict.result.rows_compared > 100


def test_one_changed_label_in_the_raw_manifest(fresh_copy: Callable[[], Workspace]) -> None:
    ws = fresh_copy()
    victim = _training_row(ws)
    folder = ws.manifests / "raw"
    header, raw = read_header(folder), read_table(folder)
    labels = raw["label_at_ingestion"].to_pylist()
    at = raw["image_id"].to_pylist().index(victim["image_id"])
    labels[at] = next(label for label in header.extra["labels"] if label != labels[at])
    raw = raw.set_column(raw.column_names.index("label_at_ingestion"), "label_at_ingestion", pa.array(labels))
    for part in header.parts:
        (folder / part.name).unlink()
    part = write_part(folder, "part-00000", raw)
    write_header(folder, type(header)("raw", header.counts, columns_of(raw), (part,), header.extra))

    verdict = reproduce_run(ws)
    assert verdict.exit_code == 5
    assert verdict.causes == ("data rows",)
    assert f"label_at_ingestion of 1 row changed: {victim['image_id']}" in str(verdict)
    assert f"label of 1 row changed: {victim['image_id']}" in str(verdict)


def test_one_changed_byte_in_a_raw_object(fresh_copy: Callable[[], Workspace]) -> None:
    ws = fresh_copy()
    victim = _training_row(ws)
    path = ws.root / victim["uri"]
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.chmod(0o600)
    path.write_bytes(data)

    verdict = reproduce_run(ws)
    assert verdict.causes == ("data rows",)
    assert "1 raw object no longer has the sha256 taken at ingestion" in str(verdict)
    assert f"removed: {victim['image_id']}" in str(verdict)  # clean quarantined it
    assert verdict.result.is_equal  # the stored dataset is as it was


def test_an_old_run_can_be_made_again_from_newer_raw_data(tmp_path: Path, tiny_world: World) -> None:
    """Point in time pays here: the leaky twin of the same day is lost once more has arrived."""
    ws = open_or_create(str(tmp_path / "ws"), size="tiny", seed=0)
    run_stage(ws, "ingest", world=tiny_world, until=tiny_world.history_end)
    run_stage(ws, "clean")
    run_stage(ws, "extract")
    runs = {}
    for kind in ("honest", "leaky"):
        made = run_stage(ws, "dataset", leaky=kind == "leaky")
        trained = run_stage(ws, "train", dataset_id=made.where.removeprefix("datasets/"))
        runs[kind] = trained.where.removeprefix("runs/")
    History(ws).commit("as of the end of the season")

    assert run_stage(ws, "ingest", world=tiny_world).counts["new"] > 0
    honest = reproduce_run(ws, runs["honest"])
    assert honest.word == "IDENTICAL"
    assert any("arrived since the run" in note for note in honest.notes)
    leaky = reproduce_run(ws, runs["leaky"])
    assert leaky.causes == ("data rows",)
    assert "made again from raw" in str(leaky)
