"""Serving on the tiny packhouse: the right features, the recorded model, and a log of it all."""

from __future__ import annotations

import json
import threading
from datetime import timedelta
from typing import TYPE_CHECKING

import numpy as np
import pyarrow.parquet as pq
import pytest

from workbench.clock import parse_utc
from workbench.errors import EntityNotFoundError, FeatureCheckError, RunError, StageOrderError
from workbench.manifests import read_header, read_table, write_json
from workbench.profiles.models import probabilities
from workbench.profiles.runs import Runs
from workbench.profiles.scorer import Scorer, present
from workbench.profiles.workspace import create
from workbench.stages.serve import predict, production_items, serve

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from workbench.profiles.workspace import Workspace


def test_production_is_predicted_once_each(tiny_pipeline: Workspace) -> None:
    ws, record = tiny_pipeline, Runs(tiny_pipeline).record()
    served = read_table(ws.served / record.run_id).to_pandas()
    due = production_items(ws, parse_utc(record.dataset.cutoff_timestamp))
    assert served.item_id.tolist() == due
    assert len(due) >= 30
    clean = read_table(ws.manifests / "clean").to_pandas()
    photo = clean.set_index("image_id").loc[served.feature_image_id]
    assert photo.item_id.tolist() == due
    assert (photo.captured_at > parse_utc(record.dataset.cutoff_timestamp)).all()
    whole_seconds = photo.captured_at.dt.floor("s")  # Feast's online stores keep no more
    assert whole_seconds.tolist() == served.feature_timestamp.tolist()
    assert served.probability.between(0, 1).all()
    positive = record.dataset.labels[-1]
    assert ((served.probability > 0.5) == (served.label == positive)).all()
    assert set(served.run_id) == {record.run_id}


def test_a_served_probability_is_the_model_on_the_extracted_embedding(tiny_pipeline: Workspace) -> None:
    """Parity: what was served online is what offline gives, bit for bit."""
    ws, record = tiny_pipeline, Runs(tiny_pipeline).record()
    served = read_table(ws.served / record.run_id).to_pandas()
    extracted = read_table(ws.manifests / "extract").to_pandas().set_index("image_id")
    vectors = np.stack(extracted.loc[served.feature_image_id, "embedding"].to_numpy())
    offline = probabilities(Runs(ws).load_model(), vectors, record.dataset.labels)
    np.testing.assert_array_equal(served.probability, offline[:, -1])


def test_serving_again_writes_nothing(tiny_pipeline: Workspace) -> None:
    before = {path: path.stat().st_mtime_ns for path in tiny_pipeline.served.rglob("*")}
    report = serve(tiny_pipeline)
    assert report.skipped
    assert report.counts["n_predicted"] >= 30
    assert {path: path.stat().st_mtime_ns for path in tiny_pipeline.served.rglob("*")} == before


def test_a_prediction_says_where_it_comes_from(fresh_copy: Callable[[], Workspace]) -> None:
    ws = fresh_copy()
    record = Runs(ws).record()
    item = production_items(ws, parse_utc(record.dataset.cutoff_timestamp))[0]
    (answer,) = predict(ws, [item])
    assert answer.item_id == item
    assert answer.provenance["run_id"] == record.run_id
    assert answer.provenance["model_version"] == record.model_version
    assert answer.provenance["dataset_content_hash"] == record.dataset.content_hash
    assert answer.provenance["encoder_fingerprint"] == record.dataset.extraction_fingerprint
    taken = parse_utc(answer.provenance["feature_timestamp"])
    assert answer.feature_age_s == (present(ws) - taken).total_seconds()
    (later,) = predict(ws, [item], now=taken + timedelta(hours=2))
    assert later.feature_age_s == 7200
    assert later.probability == answer.probability


def test_every_fetch_is_logged_with_its_vector(fresh_copy: Callable[[], Workspace]) -> None:
    ws = fresh_copy()
    record = Runs(ws).record()
    due = production_items(ws, parse_utc(record.dataset.cutoff_timestamp))[:3]
    before = set((ws.served / "log").iterdir())
    predict(ws, due[::-1])
    with pytest.raises(EntityNotFoundError, match="nobody") as caught:
        predict(ws, [due[0], "nobody"])
    assert "extract" in caught.value.hint
    first, second = sorted(set((ws.served / "log").iterdir()) - before)
    log = pq.read_table(first).to_pandas()
    assert log.item_id.tolist() == due[::-1]
    extracted = read_table(ws.manifests / "extract").to_pandas().set_index("image_id")
    for row in log.itertuples():
        np.testing.assert_array_equal(row.embedding, extracted.loc[row.feature_image_id, "embedding"])
    assert set(log.run_id) == {record.run_id}
    failed = pq.read_table(second).to_pandas()
    assert failed.found.tolist() == [True, False]  # also the answer that nobody got
    assert failed.probability.isna().tolist() == [False, True]


def test_without_a_model_the_hint_names_the_verb(tmp_path: Path) -> None:
    ws = create(str(tmp_path / "empty"))
    for ask in (lambda: serve(ws), lambda: predict(ws, ["x"])):
        with pytest.raises(StageOrderError) as caught:
            ask()
        assert "workbench train" in caught.value.hint


def test_an_unknown_run_is_refused(tiny_pipeline: Workspace) -> None:
    with pytest.raises(RunError, match="there is no run 'nobody'"):
        serve(tiny_pipeline, run_id="nobody")


def test_another_encoder_under_the_same_view_is_refused(fresh_copy: Callable[[], Workspace]) -> None:
    """The quietest failure of all: the numbers have the right shape, and mean something else."""
    ws = fresh_copy()
    path = ws.features / Runs(ws).record().dataset.feature_view / "view.json"
    view = json.loads(path.read_text())
    write_json(path, view | {"card": view["card"] | {"fingerprint": "0" * 64}})
    with pytest.raises(FeatureCheckError, match="was trained on"):
        Scorer(ws)
    write_json(path, view | {"card": view["card"] | {"dim": 64}})
    with pytest.raises(FeatureCheckError, match="64 numbers"):
        Scorer(ws)


def test_items_that_the_store_does_not_know_are_counted(
    fresh_copy: Callable[[], Workspace], monkeypatch: pytest.MonkeyPatch
) -> None:
    ws = fresh_copy()
    record = Runs(ws).record()
    due = production_items(ws, parse_utc(record.dataset.cutoff_timestamp))
    monkeypatch.setattr("workbench.stages.serve.production_items", lambda *_: [*due, "ghost"])
    (ws.served / record.run_id / "manifest.json").unlink()
    report = serve(ws)
    assert report.counts == {"n_predicted": len(due), "n_unknown": 1}
    assert "1 items are not in the online store" in report.notes[-1]
    assert read_header(ws.served / record.run_id).extra["unknown"] == ["ghost"]


def test_nothing_after_the_cutoff_is_an_answer_too(
    fresh_copy: Callable[[], Workspace], monkeypatch: pytest.MonkeyPatch
) -> None:
    ws = fresh_copy()
    (ws.served / Runs(ws).resolve() / "manifest.json").unlink()
    monkeypatch.setattr("workbench.stages.serve.production_items", lambda *_: [])
    report = serve(ws)
    assert report.counts == {"n_predicted": 0, "n_unknown": 0}
    assert report.notes[0].startswith("nothing came after the cutoff")
    assert serve(ws).skipped


def test_a_scorer_answers_several_threads(fresh_copy: Callable[[], Workspace]) -> None:
    ws = fresh_copy()
    due = production_items(ws, parse_utc(Runs(ws).record().dataset.cutoff_timestamp))
    scorer, answers = Scorer(ws), {}
    alone = {answer.item_id: answer.probability for answer in scorer.predict(due)}

    def ask(item: str) -> None:
        answers[item] = scorer.predict([item])[0].probability

    threads = [threading.Thread(target=ask, args=(item,)) for item in due[:12]]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert answers == pytest.approx({item: alone[item] for item in due[:12]}, abs=1e-12)
