"""The train stage: what it fits, what it refuses, what it does not do twice."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score
from sklearn.preprocessing import StandardScaler

from tests.helpers.datasets import toy_rows, write_dataset
from workbench.errors import DatasetError, ManifestError, StageOrderError
from workbench.manifests import read_header, write_header, write_json, write_part
from workbench.profiles.datasets import current_id, read_dataset
from workbench.profiles.models import arrays, fit, predict_rows, probabilities
from workbench.profiles.runs import Runs
from workbench.profiles.settings import TrainSettings
from workbench.profiles.workspace import configure, create
from workbench.stages.train import train

if TYPE_CHECKING:
    from pathlib import Path

    from workbench.profiles.workspace import Workspace


@pytest.fixture
def ws(tmp_path: Path) -> Workspace:
    """Return a workspace with a toy dataset."""
    made = create(str(tmp_path / "ws"))
    write_dataset(made, toy_rows())
    return made


# -- the model -----------------------------------------------------------------------------------


def test_the_fit_is_the_textbook_one() -> None:
    rows = toy_rows()
    x, y = arrays(rows, TrainSettings(), "train")
    assert x.dtype == np.float64
    assert len(x) == len(y) == 140
    scaler = StandardScaler().fit(x)
    by_hand = LogisticRegression(C=0.5, max_iter=2000).fit(scaler.transform(x), y)
    model = fit(x, y, TrainSettings(C=0.5))
    np.testing.assert_allclose(model[-1].coef_, by_hand.coef_, rtol=0, atol=1e-9)


def test_the_same_fit_twice_has_the_same_bits() -> None:
    x, y = arrays(toy_rows(), TrainSettings(), "train")
    one, two = fit(x, y, TrainSettings()), fit(x.copy(order="F"), y, TrainSettings())
    assert one[-1].coef_.tobytes() == two[-1].coef_.tobytes()


def test_rows_come_in_canonical_order_however_they_are_stored() -> None:
    rows = toy_rows()
    mixed = rows.take(np.random.default_rng(1).permutation(rows.num_rows))
    one, two = arrays(rows, TrainSettings(), "train"), arrays(mixed, TrainSettings(), "train")
    assert one[0].tobytes() == two[0].tobytes()
    assert one[1] == two[1]


def test_shuffled_order_follows_the_seed_and_changes_bits_but_not_the_model() -> None:
    rows = toy_rows(n=1000, dim=32)
    settings = TrainSettings(row_order="shuffled", seed=3)
    x, y = arrays(rows, settings, "train")
    again, _ = arrays(rows, settings, "train")
    canonical, labels = arrays(rows, TrainSettings(), "train")
    assert x.tobytes() == again.tobytes()
    assert x.tobytes() != canonical.tobytes()
    one, two = fit(x, y, settings)[-1].coef_, fit(canonical, labels, TrainSettings())[-1].coef_
    assert one.tobytes() != two.tobytes()
    np.testing.assert_allclose(one, two, rtol=0, atol=1e-3)


def test_probabilities_come_in_the_order_of_the_card() -> None:
    """scikit-learn sorts its classes: the last column is not the positive class by itself."""
    x, y = arrays(toy_rows(), TrainSettings(), "train")
    model = fit(x, y, TrainSettings())
    assert model.classes_.tolist() == ["bruised", "sound"]
    p = probabilities(model, x, ("sound", "bruised"))
    assert p[:, 1] == pytest.approx(model.predict_proba(x)[:, 0])
    assert roc_auc_score(np.array(y) == "bruised", p[:, 1]) > 0.9
    unseen = probabilities(model, x, ("sound", "rotten", "bruised"))
    assert (unseen[:, 1] == 0).all()


@pytest.mark.parametrize("broken", [None, [1.0, 2.0], [float("nan")] * 8])
def test_a_broken_embedding_is_refused(broken: list[float] | None) -> None:
    rows = toy_rows()
    vectors = [broken, *rows["embedding"].to_pylist()[1:]]
    at = rows.column_names.index("embedding")
    rows = rows.set_column(at, "embedding", pa.array(vectors, pa.list_(pa.float32())))
    with pytest.raises(DatasetError, match="embedding"):
        arrays(rows, TrainSettings())


def test_an_unknown_row_order_is_refused() -> None:
    with pytest.raises(DatasetError, match="no row order 'random'"):
        arrays(toy_rows(), TrainSettings(row_order="random"))


# -- the dataset ---------------------------------------------------------------------------------


def test_without_a_dataset_the_hint_names_the_verb(tmp_path: Path) -> None:
    with pytest.raises(StageOrderError) as caught:
        train(create(str(tmp_path / "empty")))
    assert "workbench dataset" in caught.value.hint


def test_an_unknown_dataset_is_refused(ws: Workspace) -> None:
    with pytest.raises(DatasetError, match="there is no dataset 'other'"):
        train(ws, dataset_id="other")


def rewrite(ws: Workspace, rows: pa.Table) -> None:
    """Write other rows under the old card, with a header that fits them: nothing else notices."""
    folder = ws.datasets / current_id(ws)
    header = read_header(folder)
    write_header(folder, replace(header, parts=(write_part(folder, "part-0000", rows),)))


def test_a_changed_label_is_found_by_the_content_hash(ws: Workspace) -> None:
    rows = read_dataset(ws)[1]
    labels = rows["label"].to_pylist()
    labels[17] = "sound" if labels[17] == "bruised" else "bruised"
    rewrite(ws, rows.set_column(rows.column_names.index("label"), "label", [labels]))
    with pytest.raises(DatasetError, match="not the ones that its card describes"):
        train(ws)


def test_another_row_order_is_found_by_the_order_hash(ws: Workspace) -> None:
    rows = read_dataset(ws)[1]
    rewrite(ws, rows.take(list(range(rows.num_rows))[::-1]))
    with pytest.raises(DatasetError, match="row order"):
        train(ws)


def test_a_damaged_part_is_found(ws: Workspace) -> None:
    part = ws.datasets / current_id(ws) / "part-0000.parquet"
    part.write_bytes(part.read_bytes()[:-1] + b"X")
    with pytest.raises(ManifestError):
        train(ws)


def test_one_class_cannot_be_learned(tmp_path: Path) -> None:
    ws = create(str(tmp_path / "ws"))
    rows = toy_rows()
    both = zip(rows["split"].to_pylist(), rows["label"].to_pylist(), strict=True)
    labels = ["sound" if split == "train" else label for split, label in both]
    write_dataset(ws, rows.set_column(rows.column_names.index("label"), "label", [labels]))
    with pytest.raises(DatasetError, match="all training rows are 'sound'"):
        train(ws)
    assert not ws.mlflow_db.exists()


# -- the stage -----------------------------------------------------------------------------------


def test_a_run_is_written_once_and_found_again(ws: Workspace) -> None:
    first = train(ws)
    assert not first.skipped
    assert first.counts == {"n_train": 140, "n_validation": 36, "n_test": 60}
    assert first.notes[0].startswith("claimed: test ROC AUC 0.9")
    assert "on 60 rows of 30 groups" in first.notes[0]
    before = {path: path.stat().st_mtime_ns for path in ws.runs.rglob("*")}
    again = train(ws)
    assert again.skipped
    assert (again.where, again.digest, again.notes) == (first.where, first.digest, first.notes)
    assert {path: path.stat().st_mtime_ns for path in ws.runs.rglob("*")} == before


def test_the_record_is_enough_to_check_the_claim(ws: Workspace) -> None:
    folder = ws.root / train(ws).where
    run = json.loads((folder / "run.json").read_text())
    said = pq.read_table(folder / "predictions.parquet").to_pandas()
    test = said[said.split == "test"]
    assert run["metrics"]["test"]["n"] == len(test) == 60
    auc = roc_auc_score(test.label == "bruised", test.probability)
    assert run["metrics"]["test"]["metrics"]["roc_auc"]["value"] == pytest.approx(auc)
    low, high = (run["metrics"]["test"]["metrics"]["roc_auc"][key] for key in ("low", "high"))
    assert low < auc <= high
    assert set(said.split) == {"train", "validation", "test"}  # rows of the embargo are used nowhere
    model = Runs(ws).load_model(run["run_id"])
    again = predict_rows(model, read_dataset(ws)[1], run["dataset"]["labels"])
    assert again.equals(pq.read_table(folder / "predictions.parquet"))


def test_other_settings_make_another_run_and_move_the_alias(ws: Workspace) -> None:
    first = train(ws)
    other = configure(ws, train=replace(ws.settings.train, C=0.01))
    second = train(other)
    assert second.where != first.where
    assert not second.skipped
    assert Runs(ws).resolve("champion") == second.where.removeprefix("runs/")
    back = train(configure(other, train=ws.settings.train))  # the old recipe: its run is still there
    assert back.where == first.where
    assert not back.skipped
    assert Runs(ws).resolve("champion") == first.where.removeprefix("runs/")
    assert len(Runs(ws).ids()) == 2


def test_a_damaged_run_is_trained_again(ws: Workspace) -> None:
    first = train(ws)
    (ws.root / first.where / "model.skops").write_bytes(b"")
    second = train(ws)
    assert second.where != first.where
    assert second.digest == first.digest
    Runs(ws).load_model("champion")


def test_three_classes(tmp_path: Path) -> None:
    ws, labels = create(str(tmp_path / "ws")), ("apple", "pear", "fig")
    write_dataset(ws, toy_rows(360, labels=labels), labels=labels)
    report = train(ws)
    run = Runs(ws).record("champion")
    assert run.metrics["test"]["metrics"]["accuracy"]["value"] > 0.6
    assert 0.7 < run.metrics["test"]["metrics"]["roc_auc"]["value"] <= 1
    said = pq.read_table(ws.root / report.where / "predictions.parquet")
    p = np.stack(said["probabilities"].to_numpy())
    assert p.shape == (said.num_rows, 3)
    np.testing.assert_allclose(p.sum(axis=1), 1)
    assert said["probability"].to_numpy() == pytest.approx(p[:, 2])
    assert set(said["predicted"].to_pylist()) == set(labels)


def test_a_leaky_dataset_is_said_to_be_one(ws: Workspace) -> None:
    twin = write_dataset(ws, toy_rows(seed=1), dataset_id="dataset_v1.0.0_latest_x", point_in_time=False)
    report = train(ws, dataset_id=twin.dataset_id, alias="leaky")
    assert "NOT point-in-time" in report.notes[-1]
    assert set(Runs(ws).aliases()) == {"leaky"}


def test_a_dataset_without_a_test_split_claims_nothing(tmp_path: Path) -> None:
    ws, rows = create(str(tmp_path / "ws")), toy_rows()
    splits = ["train" if s == "test" else s for s in rows["split"].to_pylist()]
    write_dataset(ws, rows.set_column(rows.column_names.index("split"), "split", [splits]))
    assert train(ws).notes == ("there is no test split: nothing is claimed",)


def test_a_card_edited_by_hand_is_found(ws: Workspace) -> None:
    path = ws.datasets / current_id(ws) / "card.json"
    write_json(path, json.loads(path.read_text()) | {"content_hash": "0" * 64})
    with pytest.raises(DatasetError, match="not the ones that its card describes"):
        train(ws)
