"""The runs door against MLflow itself: what we wrote is what MLflow reads, and nothing is global."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import mlflow
import pytest
from mlflow import MlflowClient

from tests.helpers.datasets import toy_rows, write_dataset
from workbench.errors import RunError
from workbench.profiles import tracking
from workbench.profiles.runs import Runs
from workbench.profiles.tracking import ensure_database, ensure_template, quiet, templates_root
from workbench.profiles.workspace import Workspace, configure, create
from workbench.stages.train import train

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(scope="module")
def ws(tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    """Return a workspace with one run, in a folder whose name is hard to put into a URL."""
    made = create(str(tmp_path_factory.mktemp("hard") / "a b-ü%20#1"))
    write_dataset(made, toy_rows())
    train(made)
    return made


@pytest.fixture
def client(ws: Workspace) -> Iterator[MlflowClient]:
    """Return MLflow's own client on the workspace's database."""
    with quiet():
        path = ws.mlflow_db.as_posix().replace("%", "%25").replace("#", "%23")
        yield MlflowClient(f"sqlite:///{path}", f"sqlite:///{path}")


def test_mlflow_has_parameters_metrics_and_tags(ws: Workspace, client: MlflowClient) -> None:
    record = Runs(ws).record()
    run = client.get_run(record.run_id)
    assert run.info.status == "FINISHED"
    assert run.data.params["C"] == "1.0"
    assert run.data.params["constant"] == record.params["constant"]
    auc = record.metrics["test"]["metrics"]["roc_auc"]
    assert run.data.metrics["test/roc_auc"] == auc["value"]
    assert run.data.metrics["test/roc_auc_low"] == auc["low"]
    assert run.data.metrics["test/n_groups"] == 30
    card, tags = record.dataset, run.data.tags
    assert tags["dataset_id"] == card.dataset_id
    assert tags["dataset_content_hash"] == card.content_hash
    assert tags["dataset_cutoff"] == card.cutoff_timestamp
    assert tags["code_sha256"] == record.code["sha256"]
    assert tags["recipe_sha256"] == record.recipe
    assert "openblas" in tags["environment"] or not record.environment["blas"]


def test_the_dataset_is_an_input_named_by_our_hash(ws: Workspace, client: MlflowClient) -> None:
    """MLflow's own digest looks at the first 10,000 rows and at no embedding: ours is the content."""
    record = Runs(ws).record()
    (entry,) = client.get_run(record.run_id).inputs.dataset_inputs
    assert entry.dataset.name == record.dataset.dataset_id
    assert entry.dataset.digest == record.dataset.content_hash[:32]
    assert entry.tags[0].value == "training"
    experiment = client.get_experiment_by_name(Runs(ws).experiment)
    where = f"dataset.digest = '{record.dataset.content_hash[:32]}'"
    found = client.search_runs([experiment.experiment_id], where)
    assert [run.info.run_id for run in found] == [record.run_id]


def test_the_registry_names_the_model(ws: Workspace, client: MlflowClient) -> None:
    runs, record = Runs(ws), Runs(ws).record()
    version = client.get_model_version_by_alias(runs.model_name, "champion")
    assert (version.run_id, str(version.version)) == (record.run_id, record.model_version)
    assert runs.aliases() == {"champion": record.run_id}  # our reading of its tables agrees with MLflow
    assert runs.model_name.startswith(ws.settings.learner_id)
    assert runs.experiment.startswith(ws.settings.learner_id)


def test_artifacts_lie_in_the_workspace_and_are_small(ws: Workspace, client: MlflowClient) -> None:
    record = Runs(ws).record()
    assert {entry.path for entry in client.list_artifacts(record.run_id)} == {"plots", "run.json"}
    folders = [
        ws.runs / record.run_id,
        ws.root / "mlruns" / record.run_id,
    ]  # others may have trained here before
    sizes = [path.stat().st_size for folder in folders for path in folder.rglob("*") if path.is_file()]
    assert sum(sizes) < 300_000
    assert (ws.root / "mlruns" / record.run_id / "artifacts" / "plots" / "test.png").read_bytes()[
        :4
    ] == b"\x89PNG"


def test_the_loaded_model_has_the_bits_of_the_fitted_one(ws: Workspace, client: MlflowClient) -> None:
    from workbench.profiles.datasets import read_dataset
    from workbench.profiles.models import arrays, fit

    fitted = fit(*arrays(read_dataset(ws)[1], ws.settings.train, "train"), ws.settings.train)
    loaded = Runs(ws).load_model()
    assert loaded[-1].coef_.tobytes() == fitted[-1].coef_.tobytes()
    assert loaded[0].scale_.tobytes() == fitted[0].scale_.tobytes()
    packed = client.get_model_version_download_uri(Runs(ws).model_name, "1")
    with quiet():
        local = Path(mlflow.artifacts.download_artifacts(packed))
    ours = ws.runs / Runs(ws).resolve() / "model.skops"
    assert (local / "model.skops").read_bytes() == ours.read_bytes()


def test_nothing_global_is_touched(tmp_path: Path) -> None:
    """Neither the process-wide tracking URI, nor files in the current folder, nor a telemetry file."""
    script = f"""
import os, pathlib, warnings
warnings.simplefilter("error")
os.chdir({str(tmp_path)!r})
from tests.helpers.datasets import toy_rows, write_dataset
from workbench.profiles.workspace import create
from workbench.stages.train import train
ws = create({str(tmp_path / "ws")!r})
write_dataset(ws, toy_rows())
train(ws)
import mlflow
assert mlflow.tracking._tracking_service.utils._tracking_uri is None
assert mlflow.tracking._model_registry.utils._registry_uri is None
assert mlflow.active_run() is None
"""
    templates = templates_root()
    ensure_template()
    home = tmp_path / "home"
    home.mkdir()
    env = os.environ | {
        "HOME": str(home),
        "WORKBENCH_TEMPLATES": str(templates),
        "PYTHONPATH": str(Path.cwd()),
    }
    done = subprocess.run(
        [sys.executable, "-c", script], env=env, capture_output=True, text=True, timeout=200, check=False
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout == done.stderr == ""
    assert {path.name for path in tmp_path.iterdir()} == {"ws", "home"}
    assert not list(home.rglob("*telemetry*"))


def test_a_run_is_found_by_id_by_prefix_and_by_alias(ws: Workspace) -> None:
    runs = Runs(ws)
    run_id = runs.resolve("champion")
    assert runs.resolve(run_id) == runs.resolve(run_id[:8]) == run_id
    for ref in ("nobody", run_id[:5], "../" + run_id, "0" * 32, ""):
        with pytest.raises(RunError, match="there is no run"):
            runs.resolve(ref)


def test_learners_do_not_see_each_other(ws: Workspace, tmp_path: Path) -> None:
    """Two workspaces even on one database: names carry the learner."""
    other = create(str(tmp_path / "other"))
    write_dataset(other, toy_rows(seed=5))
    shared = Workspace(other.root, replace(other.settings))
    (other.root / "mlflow.db").write_bytes(ws.mlflow_db.read_bytes())
    train(shared)
    assert Runs(shared).aliases()["champion"] != Runs(ws).aliases()["champion"]
    seen = tracking.ask(
        other.mlflow_db, "SELECT count(*) FROM registered_model_aliases WHERE alias = 'champion'"
    )
    assert seen == [(2,)]


def test_a_workspace_that_moved_still_serves_its_model(ws: Workspace, tmp_path: Path) -> None:
    """MLflow has absolute paths; the record does not need them."""
    import shutil

    from workbench.profiles.workspace import open_workspace

    moved = open_workspace(str(shutil.copytree(ws.root, tmp_path / "moved")))
    assert Runs(moved).load_model()[-1].coef_.tobytes() == Runs(ws).load_model()[-1].coef_.tobytes()
    other = configure(moved, train=replace(moved.settings.train, C=0.3))
    assert train(other).where != f"runs/{Runs(ws).resolve()}"


# -- the template --------------------------------------------------------------------------------


def test_the_template_is_made_once_even_by_several_at_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WORKBENCH_TEMPLATES", str(tmp_path / "templates"))
    made: list[Path] = []
    opened: list[Path] = []
    real = tracking.connected
    monkeypatch.setattr(tracking, "connected", lambda path: (opened.append(path), real(path))[1])
    threads = [threading.Thread(target=lambda: made.append(ensure_template())) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(set(made)) == 1
    assert len(made) == 4
    assert len(opened) == 1
    assert made[0].name == f"mlflow-{mlflow.__version__}.db"
    assert sorted(path.suffix for path in made[0].parent.iterdir()) in ([".db"], [".db", ".lock"])


def test_a_database_that_is_there_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "mlflow.db"
    path.write_bytes(b"mine")
    ensure_database(path)
    assert path.read_bytes() == b"mine"


def test_a_database_that_is_none_is_told_at_once(tmp_path: Path) -> None:
    """MLflow alone would try again and again, for 100 s."""
    ws = create(str(tmp_path / "ws"))
    write_dataset(ws, toy_rows())
    ws.mlflow_db.write_bytes(b"this is no database" * 100)
    with pytest.raises(RunError, match="file is not a database") as caught:
        train(ws)
    assert "move mlflow.db away" in caught.value.hint


def test_another_schema_is_told_in_a_sentence(ws: Workspace, tmp_path: Path) -> None:
    import sqlite3

    other = create(str(tmp_path / "ws"))
    write_dataset(other, toy_rows())
    ensure_database(other.mlflow_db)
    with sqlite3.connect(other.mlflow_db) as con:
        con.execute("UPDATE alembic_version SET version_num = '451aebb31d03'")
    con.close()
    with pytest.raises(RunError, match="out-of-date database schema") as caught:
        train(other)
    assert "another MLflow version" in caught.value.hint
