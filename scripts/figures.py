"""Measure the figures of README: an honest and a leaky dataset, on the lesson's packhouse."""

from __future__ import annotations

import json
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from workbench.lab.meter import Estimate

PATH: Final = Path(__file__).resolve().parent.parent / "docs" / "figures.json"
SIZE: Final = "lesson"
SEED: Final = 0
ROWS: Final = ("as known at the time", "newest value joined")


def measure(size: str = SIZE, seed: int = SEED) -> dict[str, Any]:
    """Run all stages and both twins in a temporary folder.

    Parameters
    ----------
    size : str
        Of the packhouse.
    seed : int
        Of the packhouse.

    Returns
    -------
    dict
        What docs/figures.json holds.
    """
    from workbench.lab.comparison import compare
    from workbench.lab.pipeline import open_or_create, run_pipeline

    with tempfile.TemporaryDirectory() as folder:
        ws = open_or_create(str(Path(folder) / size), size=size, seed=seed)
        run_pipeline(ws)
        scores = compare(ws).scores["accuracy"]
    return {
        "made_by": "python -m scripts.make_docs --figures",
        "world": f"packhouse, size {size}, seed {seed}",
        "rows": [
            {"dataset": name, "claimed": _plain(score.claimed), "got": _plain(score.got)}
            for name, score in zip(ROWS, scores, strict=True)
        ],
    }


def _plain(estimate: Estimate) -> dict[str, float]:
    bounds = {"value": estimate.value, "low": estimate.low, "high": estimate.high}
    return {name: round(value, 3) for name, value in bounds.items()} | {"n": estimate.n}


def write() -> None:
    """Measure, and write docs/figures.json."""
    PATH.write_text(json.dumps(measure(), indent=2) + "\n", encoding="utf-8")
