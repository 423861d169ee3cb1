"""The whole local stack, started by `workbench up`: the seven stages on it, and MLflow's two homes side by side.

One start of the three servers serves all tests here: MLflow's takes most of the time.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.helpers.datasets import toy_rows, write_dataset
from tests.helpers.stack import environment_of, is_alive
from workbench.cli.servers import free_port
from workbench.errors import RunError, StackError, UnsafeModelError
from workbench.hashing import sha256_bytes
from workbench.lab.pipeline import open_or_create, run_pipeline
from workbench.manifests import read_header, read_table
from workbench.profiles.buckets import Bucket
from workbench.profiles.objects import objects_of
from workbench.profiles.registry import registry_of
from workbench.profiles.runs import CHAMPION, MODEL_FILE, Runs
from workbench.profiles.stack import read_settings, stack_of
from workbench.profiles.tracker import Tracker
from workbench.profiles.workspace import Workspace, create, in_profile
from workbench.stages.reproduce import reproduce
from workbench.stages.train import train

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = [
    pytest.mark.slow,
    pytest.mark.server,
    pytest.mark.skipif(sys.platform == "win32", reason="Valkey has no program for Windows"),
]


def verb(home: Path, *words: str, timeout_s: float = 420) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "workbench", *words],
        cwd=Path(__file__).parents[2],
        env=os.environ | {"WORKBENCH_HOME": str(home), "OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        timeout=timeout_s,
        check=False,
    )


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Return a folder of workspaces with the stack up; after the tests nothing of it lives."""
    folder = tmp_path_factory.mktemp("home")
    done = verb(folder, "up", "--detach")
    pids: list[int] = []
    try:
        assert done.returncode == 0, done.stdout + done.stderr
        pids = [p["pid"] for p in json.loads((folder / ".stack" / "state.json").read_text())["processes"]]
        yield folder
    finally:
        down = verb(folder, "down")
    assert down.returncode == 0, down.stderr
    assert len(pids) == 3
    assert not [pid for pid in pids if is_alive(pid)]


@pytest.fixture(autouse=True)
def at_home(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WORKBENCH_HOME", str(request.getfixturevalue("home")))


@pytest.fixture(scope="module")
def local(home: Path) -> Workspace:
    """Return a workspace with all seven stages run on the stack, by the command."""
    done = verb(home, "--profile", "local", "-w", "local", "run", "--size", "tiny")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "profile local" in done.stdout
    assert "IDENTICAL" in done.stdout
    os.environ["WORKBENCH_HOME"] = str(home)
    return open_or_create("local")


# -- the seven stages ------------------------------------------------------------------------------------


def test_status_says_that_all_is_up(home):
    done = verb(home, "up", "--status")
    assert (done.returncode, done.stdout.count("up  ")) == (0, 3)


def test_the_dataset_is_the_one_of_the_embedded_profile(local, tiny_pipeline):
    """Content, order and manifests: nothing depends on where things are kept."""
    there, here = Runs(local).record(), Runs(tiny_pipeline).record()
    assert there.dataset.content_hash == here.dataset.content_hash
    assert there.dataset.order_hash == here.dataset.order_hash
    assert there.dataset.dataset_id == here.dataset.dataset_id
    assert there.files["predictions.parquet"] == here.files["predictions.parquet"], "to the last bit"
    for kind in ("raw", "reviews", "clean", "extract"):
        assert (
            read_header(local.manifests / kind).digest == read_header(tiny_pipeline.manifests / kind).digest
        )


def test_things_lie_where_the_profile_says(local):
    assert not (local.root / "raw").exists()
    assert not local.mlflow_db.exists()
    assert not (local.feast / "online.db").exists()
    uris = read_table(local.manifests / "raw", ["uri"])["uri"].to_pylist()
    assert set(objects_of(local).keys()) == set(uris)
    assert Runs(local).aliases() == {CHAMPION: Runs(local).ids()[-1]}


def test_what_is_there_is_not_made_again(local):
    assert all(report.skipped for report in run_pipeline(local))


def test_no_secret_is_anywhere_in_a_workspace_or_a_log(home, local):
    settings = read_settings(home / ".stack" / "stack.env")
    hidden = [settings[name].encode() for name in ("WB_S3_SECRET", "WB_REDIS_PASSWORD")]
    folders = [local.root, home / ".stack" / "logs", home / ".stack" / "data" / "tracker"]
    paths = [path for folder in folders for path in folder.rglob("*") if path.is_file()]
    assert len(paths) > 50
    assert not [path for path in paths if any(word in path.read_bytes() for word in hidden)]


def test_the_manifest_finds_what_the_store_let_through(local):
    """Somebody with the key put other bytes under a raw object: the store took them, `reproduce` names the photo."""
    row = read_table(local.manifests / "raw", ["image_id", "uri", "sha256"]).to_pylist()[40]
    bucket, key = Bucket(stack_of(local).objects), f"{local.settings.learner_id}/{row['uri']}"
    original = objects_of(local).get(row["uri"])
    assert bucket.call("PUT", key, body=original[:-1] + b"!").status == 200
    try:
        verdict = reproduce(local, CHAMPION)  # not made again from raw: the look at raw is what counts
        assert verdict.word == "DIFFERENT"
        assert any(row["image_id"] in str(reason) for reason in verdict.reasons)
    finally:
        assert bucket.call("PUT", key, body=original).status == 200
    assert sha256_bytes(objects_of(local).get(row["uri"])) == row["sha256"]


def test_the_profile_can_be_switched_live(tiny_pipeline, fresh_copy, local):
    """Embedded, then local, then back: each stage puts its things there, and no hash changes."""
    before = Runs(tiny_pipeline).record().dataset.content_hash
    ws = in_profile(fresh_copy("switched"), "local")
    reports = {report.stage: report for report in run_pipeline(ws)}
    assert reports["clean"].skipped
    assert reports["dataset"].skipped
    assert not reports["train"].skipped, "the server knows no run yet"
    assert Runs(ws).record().dataset.content_hash == before
    assert len(objects_of(ws).keys()) == len(
        set(read_table(ws.manifests / "raw", ["uri"])["uri"].to_pylist())
    )
    back = in_profile(ws, "embedded")
    assert Runs(back).aliases() == Runs(tiny_pipeline).aliases()
    run_pipeline(back)
    assert Runs(back).record().dataset.content_hash == before


# -- runs: one body over sqlite and the server -----------------------------------------------------------


@pytest.fixture(scope="module", params=["sqlite", "server"])
def trained(
    request: pytest.FixtureRequest, home: Path, tmp_path_factory: pytest.TempPathFactory
) -> Workspace:
    """Return a workspace with one run."""
    os.environ["WORKBENCH_HOME"] = str(home)
    profile = "embedded" if request.param == "sqlite" else "local"
    made = create(str(tmp_path_factory.mktemp("runs") / request.param), profile=profile)
    write_dataset(made, toy_rows())
    train(made)
    return made


def test_a_run_is_logged_named_and_loaded(trained):
    runs, record = Runs(trained), Runs(trained).record()
    assert runs.aliases() == {CHAMPION: record.run_id}
    assert runs.resolve() == runs.resolve(record.run_id[:8]) == record.run_id
    assert registry_of(trained).version_of(runs.model_name, record.run_id) == record.model_version
    assert registry_of(trained).version_of(runs.model_name, "0" * 32) is None
    assert registry_of(trained).running(runs.experiment) == []
    assert list(runs.load_model().classes_) == sorted(record.dataset.labels)
    runs.point("second", record)
    assert runs.aliases() == {CHAMPION: record.run_id, "second": record.run_id}


def test_mlflow_has_what_we_wrote(trained):
    record = Runs(trained).record()
    with Tracker.open(registry_of(trained).where) as tracker:
        run = tracker._client.get_run(record.run_id)
        files = {entry.path for entry in tracker._client.list_artifacts(record.run_id)}
    assert run.info.status == "FINISHED"
    assert run.data.params["C"] == "1.0"
    assert run.data.metrics["test/roc_auc"] == record.metrics["test"]["metrics"]["roc_auc"]["value"]
    assert run.data.tags["dataset_content_hash"] == record.dataset.content_hash
    assert files == {"plots", "run.json"}


def test_the_same_recipe_is_not_trained_again(trained):
    assert train(trained).skipped
    assert len(Runs(trained).ids()) == 1


def test_a_run_that_was_left_open_is_closed(trained):
    runs = Runs(trained)
    from workbench.profiles.fingerprint import code_version, environment
    from workbench.profiles.run_records import Recipe

    recipe = Recipe(runs.record().dataset, trained.settings.to_dict(), code_version(), environment())
    registry = registry_of(trained)
    with Tracker.open(registry.where) as tracker:
        run_id = tracker.begin(runs.experiment, registry.artifacts, recipe)
    assert registry.running(runs.experiment) == [run_id]
    assert runs.mend() == 1
    assert registry.running(runs.experiment) == []


def test_a_tampered_model_is_refused_whatever_mlflow_says(trained):
    """It comes from its file, and its bytes are compared before a single one is read as a model."""
    runs, record = Runs(trained), Runs(trained).record()
    path = trained.runs / record.run_id / MODEL_FILE
    whole = path.read_bytes()
    try:
        path.write_bytes(whole[:-1] + bytes([whole[-1] ^ 1]))
        with pytest.raises(RunError, match="not the file that was recorded"):
            runs.load_model()
        foreign = _foreign_model()
        path.write_bytes(foreign)
        note = path.with_name("run.json")
        text = note.read_text()
        note.write_text(text.replace(record.files[MODEL_FILE], sha256_bytes(foreign)))
        with pytest.raises(UnsafeModelError):
            runs.load_model()
        note.write_text(text)
    finally:
        path.write_bytes(whole)
    assert runs.load_model() is not None


def _foreign_model() -> bytes:
    """Return a skops file with a type that is not scikit-learn's."""
    import skops.io

    return bytes(skops.io.dumps({"x": subprocess.Popen}))


def test_a_server_that_is_gone_is_named(home, tmp_path, monkeypatch):
    made = create(str(tmp_path / "gone"), profile="local")
    write_dataset(made, toy_rows())
    for name, value in environment_of(runs=f"http://127.0.0.1:{free_port()}").items():
        monkeypatch.setenv(name, value)
    with pytest.raises(StackError, match="no MLflow server answers at http://127"):
        train(made)
    assert Runs(made).ids() == []


def test_a_server_that_is_none_is_named(home, bucket_place, tmp_path, monkeypatch):
    """An address of something else: said, not guessed."""
    made = create(str(tmp_path / "other"), profile="local")
    for name, value in environment_of(bucket_place, runs=bucket_place.endpoint).items():
        monkeypatch.setenv(name, value)
    with pytest.raises((RunError, StackError), match="MLflow server"):
        registry_of(made).ensure()


def test_strangers_by_another_name_are_not_answered(home):
    """The guard against DNS rebinding: a page in a browser cannot reach the server under a name of its own."""
    import urllib.error
    import urllib.request

    url = read_settings(home / ".stack" / "stack.env")["WB_MLFLOW_URL"]
    request = urllib.request.Request(
        f"{url}/api/2.0/mlflow/experiments/get?experiment_id=0", headers={"Host": "evil.example"}
    )
    with pytest.raises(urllib.error.HTTPError) as caught:
        urllib.request.build_opener(urllib.request.ProxyHandler({})).open(request, timeout=20)
    assert caught.value.code == 403
    assert replace(stack_of(in_profile(create("named"), "local")).runs).url == url
