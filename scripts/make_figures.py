"""Measure the figures that lessons quote but that take too long to measure while one reads.

    python -m scripts.make_figures              write docs/figures/first_lesson.json anew (some minutes)
    python -m scripts.make_figures --seasons 1  only the first season, printed; nothing is written

Every number is the outcome of all seven stages on a full season, measured like in the lesson.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from pathlib import Path
from statistics import fmean
from typing import Any, Final

ROOT: Final = Path(__file__).resolve().parent.parent
TARGET: Final = ROOT / "docs" / "figures" / "first_lesson.json"
SEASONS: Final = 6
SIZE: Final = "lesson"


def season(seed: int, home: Path) -> dict[str, Any]:
    """Run both teams of the first lesson on one season.

    Parameters
    ----------
    seed : int
        Of the packhouse.
    home : Path
        Where the workspace goes.

    Returns
    -------
    dict
        Scores, rounded to four digits, and the numbers of fruit behind them.
    """
    from workbench.lab.comparison import compare
    from workbench.lab.pipeline import open_or_create, run_pipeline

    ws = open_or_create(str(home / f"season-{seed}"), size=SIZE, seed=seed)
    run_pipeline(ws, until="serve")
    scores = compare(ws).scores
    (honest, leaky), (auc_honest, auc_leaky) = scores["accuracy"], scores["auc"]
    if leaky.excess_inflation is None or leaky.damage is None:
        raise TypeError
    numbers = {
        "claimed": leaky.claimed.value,
        "got": leaky.got.value,
        "could_have_had": honest.got.value,
        "honest_claimed": honest.claimed.value,
        "excess_inflation": leaky.excess_inflation.value,
        "excess_low": leaky.excess_inflation.low,
        "excess_high": leaky.excess_inflation.high,
        "damage": leaky.damage.value,
        "auc_claimed": auc_leaky.claimed.value,
        "auc_got": auc_leaky.got.value,
        "auc_could_have_had": auc_honest.got.value,
    }
    rounded: dict[str, Any] = {name: round(value, 4) for name, value in numbers.items()}
    return {
        "name": f"season {seed}",
        "seed": seed,
        "n_test": leaky.claimed.n,
        "n_production": leaky.got.n,
    } | rounded


def summary(seasons: list[dict[str, Any]]) -> dict[str, Any]:
    """Return the seasons with their means and numbers of fruit.

    Parameters
    ----------
    seasons : list of dict
        As `season` gives them.

    Returns
    -------
    dict
        What the file holds.
    """
    names = [
        k for k, v in seasons[0].items() if isinstance(v, float) and k not in {"excess_low", "excess_high"}
    ]
    mean = {name: round(fmean(s[name] for s in seasons), 4) for name in names}
    return {
        "made_by": "python -m scripts.make_figures",
        "size": SIZE,
        "n_test": _range(seasons, "n_test"),
        "n_production": _range(seasons, "n_production"),
        "mean": mean,
        "seasons": seasons,
    }


def _range(seasons: list[dict[str, Any]], name: str) -> str:
    low, high = min(s[name] for s in seasons), max(s[name] for s in seasons)
    return str(low) if low == high else f"{low} to {high}"


def main() -> int:
    """Measure and write."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--seasons", type=int, default=SEASONS)
    wanted = parser.parse_args().seasons
    seasons = []
    with tempfile.TemporaryDirectory(prefix="workbench-figures-") as home:
        for seed in range(wanted):
            seasons.append(season(seed, Path(home)))
            print(json.dumps(seasons[-1]), flush=True)
    if wanted == SEASONS:
        TARGET.parent.mkdir(parents=True, exist_ok=True)
        TARGET.write_text(json.dumps(summary(seasons), indent=2) + "\n", encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
