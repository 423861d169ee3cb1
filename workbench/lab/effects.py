"""The table of effects: every failure, at several strengths, on several seasons; measured once, read often."""

from __future__ import annotations

from pathlib import Path
from statistics import fmean
from typing import TYPE_CHECKING, Any, Final

from workbench.errors import ManifestError
from workbench.failures import load
from workbench.lab.trial import try_failure

if TYPE_CHECKING:
    from collections.abc import Iterator

    import pyarrow as pa

    from workbench.lab.trial import Trial

FILE: Final = "effects.parquet"
METRIC: Final = "accuracy"


def folder() -> Path:
    """Return where the table lies: in the repository, or in the installed package."""
    beside = Path(__file__).resolve().parent.parent
    shipped = beside / "_effects"
    return shipped if shipped.is_dir() else beside.parent / "data" / "effects"


def row_of(trial: Trial) -> dict[str, Any]:
    """Return one row of the table.

    Parameters
    ----------
    trial : Trial
        From `workbench.lab.trial.try_failure`.

    Returns
    -------
    dict
        Plain values; scores are accuracies, each with its 95 % interval.
    """
    row: dict[str, Any] = {
        "failure": trial.failure.name,
        "strength": trial.strength,
        "seed": trial.seed,
        "model": trial.failure.family_of_model,
    }
    score = trial.scores[METRIC]
    for name in ("claimed", "got", "could_have_had", "excess_inflation", "damage"):
        estimate = getattr(score, name)
        row |= {name: estimate.value, f"{name}_low": estimate.low, f"{name}_high": estimate.high}
    row["cured_claimed"] = trial.cured_scores[METRIC].claimed.value
    row["contacted"], row["score_to_rate"] = trial.decision.contacted, trial.decision.score_to_rate
    row["fired"] = sorted(finding.guard for finding in trial.said if finding.fired)
    row["fired_when_cured"] = sorted(finding.guard for finding in trial.cured_said if finding.fired)
    return row


def measure(name: str, *, seeds: int, size: str = "lesson") -> Iterator[dict[str, Any]]:
    """Measure one failure at all its strengths on several seasons.

    Parameters
    ----------
    name : str
        Of the catalogue.
    seeds : int
        How many seasons, from seed 0.
    size : str
        Of the world.

    Yields
    ------
    dict
        A row of the table.
    """
    for seed in range(seeds):
        for strength in load(name).strength.values:
            yield row_of(try_failure(name, strength, size=size, seed=seed))


def read() -> pa.Table:
    """Return the table.

    Returns
    -------
    pyarrow.Table
        One row a failure, strength and seed.

    Raises
    ------
    ManifestError
        If it is not there.
    """
    import pyarrow.parquet as pq

    path = folder() / FILE
    if not path.is_file():
        raise ManifestError(f"there is no table of effects at {path}", hint="measure it with `make effects`")
    return pq.read_table(path)


def summary() -> list[dict[str, Any]]:
    """Return each failure at its default strength: means over seasons, smallest and largest excess.

    Returns
    -------
    list of dict
        In the order of the catalogue.
    """
    from workbench.failures import ORDER

    rows = read().to_pylist()
    found = []
    for name in ORDER:
        failure = load(name)
        mine = [r for r in rows if r["failure"] == name and r["strength"] == failure.strength.default]
        if not mine:
            continue
        means = {
            key: fmean(r[key] for r in mine)
            for key in ("claimed", "got", "could_have_had", "excess_inflation", "damage")
        }
        excess = [r["excess_inflation"] for r in mine]
        fired = sum(failure.guard in r["fired"] for r in mine)
        false = sum(bool(r["fired_when_cured"]) for r in mine)
        found.append(
            {
                "failure": name,
                "n": len(mine),
                **means,
                "least": min(excess),
                "most": max(excess),
                "fired": fired,
                "false": false,
            }
        )
    return found
