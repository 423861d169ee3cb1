"""Own photos, from a folder of JPEGs to a prediction, by the commands that a learner types."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from scripts.sample_photos import write_photos
from workbench.manifests import read_table
from workbench.profiles.datasets import read_dataset
from workbench.profiles.workspace import open_workspace

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Callable
    from pathlib import Path

pytestmark = pytest.mark.slow


def test_a_folder_of_real_photos_ends_in_a_prediction(
    tmp_path: Path, cli: Callable[..., subprocess.CompletedProcess[str]]
) -> None:
    """All seven stages, IDENTICAL, and an answer with its provenance."""
    counts = write_photos(tmp_path / "photos")
    assert min(counts.values()) > 60
    ran = cli("-w", "./mine", "run", "--photos", str(tmp_path / "photos"))
    assert ran.returncode == 0, ran.stderr
    assert "IDENTICAL" in ran.stdout
    ws = open_workspace(str(tmp_path / "mine"))
    card, rows = read_dataset(ws)
    assert card.labels == ("made", "nature")
    assert card.extraction_model == "efficientnet-lite0"
    assert rows.schema.field("embedding").type.value_type == "float"
    assert len(rows["embedding"][0]) == 1280
    item = read_table(ws.manifests / "raw")["item_id"].to_pylist()[-1]
    answer = cli("-w", "./mine", "serve", "predict", item, "--json")
    assert answer.returncode == 0, answer.stderr
    prediction = json.loads(answer.stdout)
    assert prediction["item_id"] == item
    assert prediction["label"] in card.labels
    assert prediction["provenance"]["dataset_id"] == card.dataset_id


def test_too_few_photos_are_refused_with_a_sentence(
    tmp_path: Path, cli: Callable[..., subprocess.CompletedProcess[str]]
) -> None:
    """Fewer than 60 objects: one sentence, a hint, the exit code of the class, and no workspace."""
    write_photos(tmp_path / "photos")
    for path in sorted((tmp_path / "photos").rglob("*.jpg"))[20:-20]:
        path.unlink()
    ran = cli("-w", "./mine", "run", "--photos", str(tmp_path / "photos"))
    assert ran.returncode == 20
    assert "40" in ran.stderr
    assert "Hint:" in ran.stderr
    assert "Traceback" not in ran.stderr
