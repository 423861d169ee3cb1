"""Model files that somebody touched, and runs that were killed half-way."""

from __future__ import annotations

import io
import json
import os
import signal
import subprocess
import sys
import zipfile
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import skops.io
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer

from tests.helpers.datasets import toy_rows, write_dataset
from workbench.errors import DiskError, RunError, UnsafeModelError
from workbench.hashing import sha256_file
from workbench.manifests import write_json
from workbench.profiles.models import load_skops
from workbench.profiles.runs import Runs
from workbench.profiles.tracking import ask, templates_root
from workbench.profiles.workspace import configure, create, open_workspace
from workbench.stages.train import train

if TYPE_CHECKING:
    from workbench.profiles.workspace import Workspace

STATUS = "SELECT status, count(*) FROM runs GROUP BY status ORDER BY status"


@pytest.fixture
def ws(tmp_path: Path) -> Workspace:
    """Return a workspace with a toy dataset and a champion."""
    made = create(str(tmp_path / "ws"))
    write_dataset(made, toy_rows())
    train(made)
    return made


def model_file(ws: Workspace) -> Path:
    return ws.runs / Runs(ws).resolve() / "model.skops"


# -- the file ------------------------------------------------------------------------------------


def test_one_changed_byte_is_refused(ws: Workspace) -> None:
    path = model_file(ws)
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(bytes(data))
    with pytest.raises(RunError, match="not the file that was recorded") as caught:
        Runs(ws).load_model()
    assert "restore it with DVC" in caught.value.hint


def test_a_model_from_elsewhere_is_refused(ws: Workspace) -> None:
    """A valid skops file, but not this run's."""
    skops.io.dump(make_pipeline(LogisticRegression()), model_file(ws))
    with pytest.raises(RunError, match="not the file that was recorded"):
        Runs(ws).load_model()


def test_a_missing_file_is_told(ws: Workspace) -> None:
    model_file(ws).unlink()
    with pytest.raises(RunError, match="not the file that was recorded"):
        Runs(ws).load_model()


def shout(x: Any) -> Any:
    """Be a function that a model file must not bring along."""
    Path(os.environ["SHOUTED"]).touch()
    return x


def test_foreign_types_are_refused_even_with_the_right_hash(
    ws: Workspace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Somebody who can change the file can change run.json too; then the type list is the wall."""
    monkeypatch.setenv("SHOUTED", str(tmp_path / "shouted"))
    x, y = [[0.0], [1.0]], ["a", "b"]
    model = make_pipeline(FunctionTransformer(shout), LogisticRegression()).fit(x, y)
    (tmp_path / "shouted").unlink()
    path = model_file(ws)
    skops.io.dump(model, path)
    record = json.loads((path.parent / "run.json").read_text())
    record["files"]["model.skops"] = sha256_file(path)
    write_json(path.parent / "run.json", record)
    with pytest.raises(UnsafeModelError, match="shout") as caught:
        Runs(ws).load_model()
    assert "train it again here" in caught.value.hint
    assert not (tmp_path / "shouted").exists()


def test_a_type_written_into_the_schema_is_refused(ws: Workspace) -> None:
    """The attack on the format itself: name another class in the file's own description."""
    source = zipfile.ZipFile(model_file(ws))
    changed = io.BytesIO()
    with zipfile.ZipFile(changed, "w") as target:
        for name in source.namelist():
            data = source.read(name)
            if name == "schema.json":
                schema = json.loads(data)
                schema["__class__"], schema["__module__"] = "Popen", "subprocess"
                data = json.dumps(schema).encode()
            target.writestr(name, data)
    source.close()
    with pytest.raises(RunError, match="types that are not loaded: .*Popen"):
        load_skops(changed.getvalue())


@pytest.mark.parametrize("data", [b"", b"not a zip", b"PK\x05\x06" + bytes(18), b"\x80\x04N."])
def test_what_is_no_model_is_told_in_a_sentence(data: bytes) -> None:
    with pytest.raises(RunError, match="cannot be read"):
        load_skops(data)


@pytest.mark.parametrize("text", ["", "{", "[]", '{"run_id": "x"}', "null"])
def test_a_damaged_record_is_told_in_a_sentence(ws: Workspace, text: str) -> None:
    run_id = Runs(ws).resolve()
    (ws.runs / run_id / "run.json").write_text(text)
    with pytest.raises(RunError, match="not the record of a run"):
        Runs(ws).record(run_id)


# -- the kill ------------------------------------------------------------------------------------

KILLED = """
import os, signal, sys
from dataclasses import replace
from workbench.profiles import tracker
from workbench.profiles.workspace import configure, open_workspace
from workbench.stages.train import train
for root, step, when in zip(*[iter(sys.argv[1:])] * 3):
    ws = open_workspace(root)
    train(ws)
    ws = configure(ws, train=replace(ws.settings.train, C=0.2))
    child = os.fork()  # everything is imported by now, so this is fast
    if child:
        print(os.WTERMSIG(os.waitpid(child, 0)[1]))
        continue
    real = getattr(tracker.Tracker, step)
    def die(*args, **kwargs):
        if when == "after":
            real(*args, **kwargs)
        os.kill(os.getpid(), signal.SIGKILL)
    setattr(tracker.Tracker, step, die)
    train(ws)
    os._exit(0)
"""

MOMENTS = {
    ("log", "before"): {"FAILED": 1, "FINISHED": 2},
    ("register", "after"): {"FAILED": 1, "FINISHED": 2},
    ("attach", "after"): {"FAILED": 1, "FINISHED": 2},
    ("end", "before"): {"FINISHED": 2},  # the record is whole: its run counts
    ("point", "before"): {"FINISHED": 2},  # everything is there but the alias
}


@pytest.fixture(scope="module")
def killed(tmp_path_factory: pytest.TempPathFactory) -> dict[tuple[str, str], Workspace]:
    """Return one workspace for each moment: trained once, and killed there in a second training."""
    spaces = {}
    for step, when in MOMENTS:
        made = create(str(tmp_path_factory.mktemp("killed") / f"{step}-{when}"))
        write_dataset(made, toy_rows())
        spaces[step, when] = made
    words = [word for key, made in spaces.items() for word in (str(made.root), *key)]
    env = os.environ | {"WORKBENCH_TEMPLATES": str(templates_root()), "PYTHONPATH": str(Path.cwd())}
    command = [sys.executable, "-c", KILLED, *words]
    done = subprocess.run(command, env=env, capture_output=True, text=True, timeout=250, check=False)
    assert done.stdout.split() == [str(int(signal.SIGKILL))] * len(MOMENTS), done.stderr
    return {key: open_workspace(str(made.root)) for key, made in spaces.items()}


@pytest.mark.slow
@pytest.mark.skipif(os.name != "posix", reason="only on Linux and macOS: SIGKILL")
@pytest.mark.parametrize("moment", MOMENTS)
def test_a_killed_training_is_taken_up_again(
    killed: dict[tuple[str, str], Workspace], moment: tuple[str, str]
) -> None:
    ws = killed[moment]
    champion = Runs(ws).record()
    assert champion.settings["train"]["C"] == 1.0  # readers still have the old one
    Runs(ws).load_model()
    assert ("RUNNING", 1) in ask(ws.mlflow_db, STATUS) or moment == ("point", "before")
    report = train(ws)
    assert not report.skipped
    assert Runs(ws).resolve() == report.where.removeprefix("runs/")
    assert Runs(ws).record().settings["train"]["C"] == 0.2
    Runs(ws).load_model()
    assert dict(ask(ws.mlflow_db, STATUS)) == MOMENTS[moment]
    assert len(Runs(ws).ids()) == 2  # none was made twice
    assert not (ws.cache / "unfinished-runs").exists() or not any((ws.cache / "unfinished-runs").iterdir())
    assert train(ws).skipped


def test_an_error_on_the_way_leaves_a_failed_run_and_no_folder(
    ws: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("workbench.profiles.runs.write_parquet", full)
    other = configure(ws, train=replace(ws.settings.train, C=0.2))
    with pytest.raises(DiskError, match="disk is full"):
        train(other)
    assert dict(ask(ws.mlflow_db, STATUS)) == {"FAILED": 1, "FINISHED": 1}
    assert len(list(ws.runs.iterdir())) == 1


def test_a_half_written_folder_is_no_run(ws: Workspace) -> None:
    stray = ws.cache / "unfinished-runs" / ("b" * 32)
    stray.mkdir(parents=True)
    (stray / "run.json").write_text("{}")
    half = ws.runs / ("a" * 32)
    half.mkdir()
    (half / "model.skops").write_bytes(b"x")
    assert len(Runs(ws).ids()) == 1
    with pytest.raises(RunError, match="there is no run"):
        Runs(ws).load_model("a" * 32)
    train(configure(ws, train=replace(ws.settings.train, C=0.2)))
    assert not stray.exists()
