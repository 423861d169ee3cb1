"""A run id is enough: the same machine says IDENTICAL, each cause is found and named.

The pipeline here is a toy with the real doors: raw objects hold eight numbers each, `_rebuild`
makes a dataset from them, and training, records and history are the real ones.
"""

from __future__ import annotations

import json
import os
import platform
import shutil
import subprocess
import sys
from dataclasses import asdict, replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pytest

from tests.helpers.datasets import CUTOFF, START, toy_rows, write_dataset
from workbench.clock import parse_utc
from workbench.errors import ManifestError, ReproduceError, RunError, SettingsError
from workbench.hashing import content_hash, sha256_bytes
from workbench.manifests import (
    Header,
    columns_of,
    read_header,
    read_table,
    write_header,
    write_json,
    write_parquet,
    write_part,
)
from workbench.profiles import fingerprint, workspace
from workbench.profiles.history import History
from workbench.profiles.objects import objects_of, raw_key
from workbench.profiles.runs import Runs
from workbench.stages import reproduce as stage
from workbench.stages.reproduce import reproduce
from workbench.stages.train import train

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from workbench.guards.verdict import Verdict
    from workbench.profiles.workspace import Workspace
    from workbench.records import DatasetCard

pytest.importorskip("dvc")
VICTIM = "img-0000000000000005"
ROWS = toy_rows()


def _put(ws: Workspace, row: dict[str, Any], arrived_h: int) -> dict[str, Any]:
    data = np.asarray(row["embedding"], np.float32).tobytes()
    uri = raw_key(sha256_bytes(data), ".bin")
    objects_of(ws).put_new(uri, data)
    return {
        "image_id": row["row_id"],
        "uri": uri,
        "sha256": sha256_bytes(data),
        "label_at_ingestion": row["label"],
        "ingestion_timestamp": START + timedelta(hours=arrived_h),
    }


def _write(folder: Path, kind: str, rows: pa.Table) -> None:
    write_header(
        folder, Header(kind, {"n": rows.num_rows}, columns_of(rows), (write_part(folder, "part-0000", rows),))
    )


def _rebuild(ws: Workspace, card: DatasetCard | None = None) -> Path:
    """Make the dataset from raw: labels from the manifest, features from the objects, up to the cutoff."""
    raw = read_table(ws.manifests / "raw").sort_by("image_id").to_pylist()
    raw = [row for row in raw if row["ingestion_timestamp"] <= parse_utc(CUTOFF)]
    rows = ROWS.filter(pa.array([i in {row["image_id"] for row in raw} for i in ROWS["row_id"].to_pylist()]))
    features = [np.frombuffer(objects_of(ws).get(row["uri"]), np.float32) for row in raw]
    for name, column in {
        "label": pa.array([row["label_at_ingestion"] for row in raw]),
        "embedding": pa.array(features, pa.list_(pa.float32())),
    }.items():
        rows = rows.set_column(rows.column_names.index(name), name, column)
    made = write_dataset(ws, rows)
    parents = {kind: read_header(ws.manifests / kind).digest for kind in ("raw", "reviews")}
    folder = ws.datasets / made.dataset_id
    write_json(folder / "card.json", replace(made, parents=parents).to_dict())
    return folder


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    ws = workspace.create(str(tmp_path_factory.mktemp("base") / "ws"))
    raw = pa.Table.from_pylist([_put(ws, row, i) for i, row in enumerate(ROWS.to_pylist())])
    _write(ws.manifests / "raw", "raw", raw)
    reviews = pa.table(
        {"item_id": ["fruit-00001"], "reviewed_label": ["sound"], "reviewed_at": [START], "known_at": [START]}
    )
    _write(ws.manifests / "reviews", "reviews", reviews)
    for name in ("manifests/clean", "manifests/extract", "features"):
        (ws.root / name).mkdir(parents=True)
        (ws.root / name / "file").write_text(name)
    _rebuild(ws)
    train(ws)
    History(ws).commit("all stages")
    return ws


@pytest.fixture
def ws(base: Workspace, tmp_path: Path) -> Workspace:
    shutil.copytree(base.root, tmp_path / "ws", symlinks=True)
    return workspace.open_workspace(str(tmp_path / "ws"))


def _run(ws: Workspace) -> str:
    return Runs(ws).ids()[-1]


def _again(ws: Workspace, **options: Any) -> Verdict:
    return reproduce(ws, _run(ws), **{"rebuild": _rebuild, **options})


def _change_raw(ws: Workspace, change: Callable[[pa.Table], pa.Table]) -> None:
    _write(ws.manifests / "raw", "raw", change(read_table(ws.manifests / "raw")))


def _said(verdict: Verdict) -> str:
    return "\n".join(
        [*(line for reason in verdict.reasons for line in (reason.sentence, *reason.details)), *verdict.notes]
    )


def test_identical_on_the_same_machine(ws: Workspace) -> None:
    verdict = _again(ws)
    assert str(verdict).startswith("IDENTICAL\n  outcome: coefficients and ")
    assert (verdict.word, verdict.exit_code, verdict.reasons, verdict.max_difference) == (
        "IDENTICAL",
        0,
        (),
        0.0,
    )
    assert (
        verdict.result.rows_compared == Runs(ws).record(_run(ws)).files.__len__()
        or verdict.result.rows_compared > 200
    )
    assert "has the same content hash" in _said(verdict)
    assert not (ws.root / ".scratch").exists() or not list((ws.root / ".scratch").iterdir())
    kept = json.loads((ws.root / "verdicts" / f"{_run(ws)}.json").read_text())
    assert kept["word"] == "IDENTICAL"


def test_without_rebuild_the_verdict_says_what_was_not_shown(ws: Workspace) -> None:
    verdict = _again(ws, rebuild=None)
    assert verdict.word == "IDENTICAL"
    assert "not made again from raw" in _said(verdict)


def test_a_changed_label_in_the_raw_manifest(ws: Workspace) -> None:
    def relabel(raw: pa.Table) -> pa.Table:
        labels = [
            {"sound": "bruised", "bruised": "sound"}[label] if image == VICTIM else label
            for image, label in zip(
                raw["image_id"].to_pylist(), raw["label_at_ingestion"].to_pylist(), strict=True
            )
        ]
        return raw.set_column(
            raw.column_names.index("label_at_ingestion"), "label_at_ingestion", pa.array(labels)
        )

    _change_raw(ws, relabel)
    verdict = _again(ws)
    assert verdict.causes == ("data rows",)
    assert f"label_at_ingestion of 1 row changed: {VICTIM}" in _said(verdict)
    assert f"label of 1 row changed: {VICTIM}" in _said(verdict)
    assert verdict.exit_code == 5


def test_a_removed_raw_row(ws: Workspace) -> None:
    _change_raw(ws, lambda raw: raw.filter(pa.array([i != VICTIM for i in raw["image_id"].to_pylist()])))
    verdict = _again(ws)
    assert verdict.causes == ("data rows",)
    assert f"1 row removed: {VICTIM}" in _said(verdict)


def test_rows_written_past_the_header_are_found_too(ws: Workspace) -> None:
    raw = read_table(ws.manifests / "raw")
    write_parquet(ws.manifests / "raw" / "part-0000.parquet", raw.slice(1))
    verdict = _again(ws)
    assert verdict.causes == ("data rows",)
    assert "1 row removed" in _said(verdict)
    assert "cannot be made again from raw" in _said(verdict)


def test_captures_that_arrived_after_the_cutoff_are_no_cause(ws: Workspace) -> None:
    late = {**ROWS.slice(0, 1).to_pylist()[0], "row_id": "img-late"}
    _change_raw(
        ws, lambda raw: pa.concat_tables([raw, pa.Table.from_pylist([_put(ws, late, 10_000)], raw.schema)])
    )
    verdict = _again(ws)
    assert verdict.word == "IDENTICAL"
    assert "raw: 1 row arrived since the run: img-late" in verdict.notes


def test_a_changed_review(ws: Workspace) -> None:
    reviews = read_table(ws.manifests / "reviews")
    changed = reviews.set_column(1, "reviewed_label", pa.array(["bruised"]))
    _write(ws.manifests / "reviews", "reviews", changed)
    verdict = _again(ws)
    assert verdict.causes == ("data rows",)
    assert "reviewed_label of 1 row changed: fruit-00001/" in _said(verdict)
    assert "all the same" in verdict.outcome


def _object_of(ws: Workspace, image_id: str) -> Path:
    raw = read_table(ws.manifests / "raw").to_pylist()
    return ws.root / next(row["uri"] for row in raw if row["image_id"] == image_id)


def test_changed_bytes_of_a_raw_object(ws: Workspace) -> None:
    path = _object_of(ws, VICTIM)
    path.write_bytes(np.zeros(8, np.float32).tobytes())
    verdict = _again(ws)
    assert verdict.causes == ("data rows",)
    assert "1 raw object no longer has the sha256 taken at ingestion" in _said(verdict)
    assert VICTIM in _said(verdict)
    assert "embedding of 1 row changed by up to" in _said(verdict)


def test_a_lost_raw_object(ws: Workspace) -> None:
    _object_of(ws, VICTIM).unlink()
    verdict = _again(ws)
    assert verdict.causes == ("data rows",)
    assert "1 raw object missing" in _said(verdict)


@pytest.mark.parametrize(
    ("override", "cause", "sentence", "moved"),
    [
        ({"seed": "7"}, "seed", "seed was 0, is 7", False),
        ({"C": "0.5"}, "settings", "C was 1.0, is 0.5", True),
        ({"train.threads": 2}, "threads", "threads was 1, is 2", None),
        ({"row_order": "shuffled"}, "row order", "row_order was canonical, is shuffled", None),
        ({"encoder": "other"}, "settings", "encoder was tiny_v1, is other", False),
    ],
)
def test_a_changed_setting(
    ws: Workspace, override: dict[str, Any], cause: str, sentence: str, moved: bool | None
) -> None:
    verdict = _again(ws, overrides=override, rebuild=None)
    assert verdict.causes == (cause,)
    assert sentence in _said(verdict)
    if moved is not None:  # threads and row order change bits on some machines, and on others not
        assert (not verdict.result.is_equal) == moved
    assert verdict.result.labels_changed == 0 or moved
    assert not (ws.root / "verdicts").exists()


def test_settings_in_workspace_toml_count(ws: Workspace) -> None:
    changed = workspace.configure(ws, train=replace(ws.settings.train, seed=3))
    assert _again(changed, rebuild=None).causes == ("seed",)


@pytest.mark.parametrize("override", [{"sede": 1}, {"seed": "many"}])
def test_a_wrong_override_is_refused(ws: Workspace, override: dict[str, Any]) -> None:
    with pytest.raises(SettingsError):
        _again(ws, overrides=override)


def test_a_dataset_whose_rows_were_written_in_another_order(ws: Workspace) -> None:
    part = next(ws.datasets.glob("*/part-0000.parquet"))
    rows = read_table(part.parent)
    write_parquet(part, rows.take(np.arange(rows.num_rows)[::-1]))
    verdict = _again(ws)
    assert verdict.causes == ("row order",)
    assert "all the same" in verdict.outcome  # the fit sorts its rows


def test_a_dataset_with_one_changed_row(ws: Workspace) -> None:
    part = next(ws.datasets.glob("*/part-0000.parquet"))
    rows = read_table(part.parent).to_pylist()
    rows[3]["embedding"][0] += 1.0
    write_parquet(part, pa.Table.from_pylist(rows, ROWS.schema))
    verdict = _again(ws)
    assert verdict.causes == ("data rows",)
    assert f"embedding of 1 row changed by up to 1: {rows[3]['row_id']}" in _said(verdict)
    assert not verdict.result.is_equal


def test_a_dataset_that_is_gone_is_restored(ws: Workspace) -> None:
    folder = next(ws.datasets.glob("dataset_*"))
    shutil.rmtree(folder)
    verdict = _again(ws)
    assert verdict.word == "IDENTICAL"
    assert "was restored from the history" in _said(verdict)
    assert content_hash(read_table(folder), ["row_id"]) == Runs(ws).record(_run(ws)).dataset.content_hash


def test_changed_code(ws: Workspace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    package = tmp_path / "elsewhere" / "workbench"
    here = fingerprint.Path(fingerprint.__file__).parents[1]
    shutil.copytree(here, package, ignore=shutil.ignore_patterns("__pycache__"))
    with (package / "stages" / "dataset.py").open("a", encoding="utf-8") as file:
        file.write("\n# another line\n")
    monkeypatch.setattr(stage, "code_version", lambda: fingerprint.code_version(package))
    verdict = _again(ws)
    assert verdict.causes == ("code",)
    assert "stages/dataset.py" in _said(verdict)
    assert "all the same" in verdict.outcome


def test_a_fresh_clone(base: Workspace, tmp_path: Path) -> None:
    subprocess.run(["git", "clone", "--quiet", str(base.root), str(tmp_path / "clone")], check=True)
    clone = workspace.open_workspace(str(tmp_path / "clone"))
    verdict = _again(clone)
    assert verdict.word == "IDENTICAL"
    assert History(clone).status().keys() == {"serve", "reproduce"}  # which never ran here


def test_without_history_changed_rows_cannot_be_named(ws: Workspace) -> None:
    shutil.rmtree(ws.root / ".git")
    shutil.rmtree(ws.root / ".dvc")
    _change_raw(ws, lambda raw: raw.slice(1))
    verdict = _again(ws)
    assert verdict.causes == ("data rows",)
    assert "which rows cannot be said" in _said(verdict)


def test_dataset_gone_and_no_history(ws: Workspace) -> None:
    shutil.rmtree(ws.root / ".git")
    shutil.rmtree(next(ws.datasets.glob("dataset_*")))
    with pytest.raises(ReproduceError, match="is gone"):
        _again(ws)


def test_unknown_run_and_changed_model_file(ws: Workspace) -> None:
    with pytest.raises(RunError):
        reproduce(ws, "0" * 32)
    (ws.runs / _run(ws) / "model.skops").write_bytes(b"other")
    with pytest.raises(RunError):
        _again(ws)


def test_scratch_of_a_killed_call_does_no_harm(ws: Workspace) -> None:
    left = ws.root / ".scratch" / f"reproduce-{_run(ws)}" / "workspace" / "raw"
    left.mkdir(parents=True)
    (left / "file").write_text("half")
    assert _again(ws).word == "IDENTICAL"


def test_a_rebuild_that_fails_is_a_reason(ws: Workspace) -> None:
    def fails(scratch: Workspace, card: DatasetCard) -> Path:
        raise ManifestError("nothing to read")

    verdict = _again(ws, rebuild=fails)
    assert verdict.causes == ("data rows",)
    assert "nothing to read" in _said(verdict)


def test_rebuild_sees_raw_data_and_recorded_settings_alone(ws: Workspace) -> None:
    seen: dict[str, Any] = {}

    def spy(scratch: Workspace, card: DatasetCard) -> Path:
        seen["files"] = sorted(p.name for p in scratch.root.iterdir())
        seen["settings"] = asdict(scratch.settings)
        return _rebuild(scratch)

    changed = workspace.configure(ws, dataset_version="9.0.0")
    _again(changed, rebuild=spy)
    assert seen["files"] == ["manifests", "raw", "workspace.toml"]
    assert (
        seen["settings"].pop("profile") == "embedded"
    )  # where things are kept decides nothing, and is not recorded
    assert seen["settings"] == Runs(ws).record(_run(ws)).settings


_OVERLAY = """
import sys
from workbench.profiles.workspace import open_workspace
from workbench.stages.reproduce import reproduce
verdict = reproduce(open_workspace(sys.argv[1]), sys.argv[2])
print(verdict)
raise SystemExit(verdict.exit_code)
"""


def _in_another_process(ws: Workspace, **environment: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-c", _OVERLAY, str(ws.root), _run(ws)]
    env = {**os.environ, **environment}
    return subprocess.run(command, env=env, capture_output=True, text=True, timeout=240, check=False)


def test_another_cpu_is_equivalent(ws: Workspace) -> None:
    kernel = "ARMV8" if platform.machine() in {"arm64", "aarch64"} else "Nehalem"
    done = _in_another_process(ws, OPENBLAS_CORETYPE=kernel)
    assert done.returncode == 4, done.stdout + done.stderr
    assert done.stdout.startswith("EQUIVALENT (max difference ")
    assert f"-> {kernel}" in done.stdout


@pytest.mark.network
def test_another_version_of_a_library(ws: Workspace, tmp_path: Path) -> None:
    overlay = tmp_path / "overlay"
    pip = [
        sys.executable,
        "-m",
        "pip",
        "install",
        "--quiet",
        "--no-deps",
        "--target",
        str(overlay),
        "threadpoolctl==3.5.0",
    ]
    if subprocess.run(pip, check=False, capture_output=True, timeout=120).returncode:
        pytest.skip("needs the network: the package registry")
    path = os.pathsep.join([str(overlay), *sys.path])
    done = _in_another_process(ws, PYTHONPATH=path)
    assert done.returncode == 5, done.stderr
    assert "DIFFERENT because of environment" in done.stdout
    assert "threadpoolctl 3.8.0 -> 3.5.0" in done.stdout
