"""The table of effects: every failure, at several strengths, on several seasons; measured once, read often."""

from __future__ import annotations

from pathlib import Path
from statistics import fmean
from typing import TYPE_CHECKING, Any, Final

from workbench.errors import ManifestError
from workbench.failures import load

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import pyarrow as pa

    from workbench.lab.trial import Trial

FILE: Final = "effects.parquet"
METRIC: Final[Mapping[str, str]] = {"packhouse": "accuracy", "gym": "auc"}
"""What is measured in which world: where one in twenty leaves, accuracy says nothing."""

UNIT: Final[Mapping[str, str]] = {"packhouse": "fruit", "gym": "members"}
"""What n counts in each world."""

SEEDS: Final[Mapping[str, int]] = {"packhouse": 3, "gym": 2}
"""Seeds of each world that are measured, from 0: a gym takes four times as long."""


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
        Plain values; scores are accuracies or AUCs, as `METRIC` says, each with its 95 % interval.
    """
    metric = METRIC[trial.failure.world]
    row: dict[str, Any] = {
        "failure": trial.failure.name,
        "strength": trial.strength,
        "seed": trial.seed,
        "model": trial.model,
        "metric": metric,
    }
    score = trial.scores[metric]
    for name in ("claimed", "got", "could_have_had", "excess_inflation", "damage"):
        estimate = getattr(score, name)
        row |= {name: estimate.value, f"{name}_low": estimate.low, f"{name}_high": estimate.high}
    cured = trial.cured_scores[metric].claimed
    row |= {"cured_claimed": cured.value, "cured_claimed_low": cured.low, "cured_claimed_high": cured.high}
    row |= {"n_claimed": score.claimed.n, "n_cured_claimed": cured.n, "n_got": score.got.n}
    for mark, dial in (("", trial.decision), ("cured_", trial.cured_decision)):
        for name in ("contacted", "score_to_rate", "calibration_error"):
            found = getattr(dial, name)
            row |= {
                mark + name: found.value,
                f"{mark}{name}_low": found.low,
                f"{mark}{name}_high": found.high,
            }
    row["fired"] = sorted(finding.guard for finding in trial.said if finding.fired)
    row["fired_when_cured"] = sorted(finding.guard for finding in trial.cured_said if finding.fired)
    return row


def cells(name: str) -> list[tuple[float, str]]:
    """Return what is measured of one failure: its model at each strength, other models at the default.

    Parameters
    ----------
    name : str
        Of the catalogue.

    Returns
    -------
    list of (float, str)
        Strength and family of the model.
    """
    failure = load(name)
    strengths = [(value, failure.family_of_model) for value in failure.strength.values]
    return [*strengths, *((failure.strength.default, family) for family in failure.other_models)]


def read() -> pa.Table:
    """Return the table.

    Returns
    -------
    pyarrow.Table
        One row a failure, strength, model and seed.

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
    """Return each failure at its default strength and with its own model: means over seeds, and the extremes.

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
        asked = (name, failure.strength.default, failure.family_of_model)
        mine = [r for r in rows if (r["failure"], r["strength"], r["model"]) == asked]
        if not mine:
            continue
        means = {
            key: _mean([r.get(key) for r in mine])
            for key in (
                *("claimed", "got", "could_have_had", "excess_inflation", "damage"),
                *("contacted", "score_to_rate", "cured_contacted", "cured_score_to_rate"),
            )
        }
        excess = [r["excess_inflation"] for r in mine]
        fired = sum(failure.guard in r["fired"] for r in mine)
        false = sum(bool(r["fired_when_cured"]) for r in mine)
        found.append(
            {
                "failure": name,
                "n": len(mine),
                "metric": METRIC[failure.world],
                **means,
                "least": min(excess),
                "most": max(excess),
                "fired": fired,
                "false": false,
            }
        )
    return found


def _mean(values: Sequence[float | None]) -> float:
    """Return the mean, or NaN where one was not measured."""
    known = [value for value in values if value is not None]
    return fmean(known) if len(known) == len(values) else float("nan")
