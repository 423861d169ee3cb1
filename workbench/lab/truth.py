"""The truth meter as a widget, fed from the table of effects: each setting was measured, none is fitted here."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from workbench.errors import SettingsError
from workbench.widgets import TruthMeter

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from workbench.lab.meter import Estimate, Score

_WORDS: Final = {"accuracy": "accuracy", "auc": "AUC"}


def truth_meter(
    failure: str = "", *, world: str = "packhouse", among: Sequence[str] = (), **traits: Any
) -> TruthMeter:
    """Return a meter of measured settings.

    Parameters
    ----------
    failure : str
        Only this one; else all of the world that were measured.
    world : str
        ``packhouse`` (accuracy) or ``gym`` (AUC): a meter has one axis.
    among : sequence of str
        Only these failures of the world, in this order.
    **traits : object
        As for `workbench.widgets.TruthMeter`; ``refit=measured_now`` gives it a button.

    Returns
    -------
    TruthMeter
        With failure, strength, cure and season as look-up.

    Raises
    ------
    SettingsError
        If the failure was not measured.
    """
    from workbench.failures import load
    from workbench.lab.effects import METRIC, UNIT, read

    names = [failure] if failure else [*among]
    world = load(names[0]).world if names else world
    rows = [
        row
        for row in read().to_pylist()
        if (not names or row["failure"] in names) and load(row["failure"]).world == world
    ]
    if missing := {*names} - {row["failure"] for row in rows}:
        raise SettingsError(
            f"no effects of {min(missing)!r} were measured in the {world}", hint="see `workbench failures`"
        )
    if not rows:
        raise SettingsError(f"no effects of {world!r} were measured", hint="see `workbench failures`")
    if names:
        rows.sort(key=lambda row: names.index(row["failure"]))
    first = load(rows[0]["failure"]).strength.default
    more: dict[str, Any] = {"metric": _WORDS[METRIC[world]], "unit": UNIT[world], "strength": first} | traits
    return TruthMeter(rows_of_effects(rows), **more)


def rows_of_effects(effects: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Return the meter's rows: each setting as it was injected, and as it was cured.

    Parameters
    ----------
    effects : iterable of mapping
        Rows of the table of effects; those of a failure's own model are taken.

    Returns
    -------
    list of dict
        Scores with their intervals, and how many stand behind them.
    """
    from workbench.failures import load

    own = (effect for effect in effects if effect["model"] == load(effect["failure"]).family_of_model)
    return [row for effect in own for row in (_injected(effect), _cured(effect))]


def _setting(row: Mapping[str, Any]) -> dict[str, Any]:
    return {name: row[name] for name in ("failure", "strength", "seed")}


def _three(row: Mapping[str, Any], name: str) -> list[float]:
    return [row[name], row[f"{name}_low"], row[f"{name}_high"]]


def _injected(row: Mapping[str, Any]) -> dict[str, Any]:
    return {
        **_setting(row),
        "claimed": _three(row, "claimed"),
        "got": _three(row, "got"),
        "could_have_had": _three(row, "could_have_had"),
        "excess": _three(row, "excess_inflation"),
        "contacted": row["contacted"],
        "score_to_rate": row["score_to_rate"],
        "n_test": row["n_claimed"],
        "n_production": row["n_got"],
    }


def _cured(row: Mapping[str, Any]) -> dict[str, Any]:
    """Return the honest twin itself: what it got is what the other one could have had."""
    got = _three(row, "could_have_had")
    return {
        **_setting(row),
        "cured": True,
        "claimed": _three(row, "cured_claimed"),
        "got": got,
        "contacted": row["cured_contacted"],
        "score_to_rate": row["cured_score_to_rate"],
        "n_test": row["n_cured_claimed"],
        "n_production": row["n_got"],
    }


def score_of_effect(failure: str, *, cured: bool = False, seed: int = 0) -> Score:
    """Return one measured setting as a score: the failure at its default strength, or its cure.

    Parameters
    ----------
    failure : str
        Of the catalogue.
    cured : bool
        The honest twin instead.
    seed : int
        Which season.

    Returns
    -------
    Score
        With intervals; n of its own test set and of production.

    Raises
    ------
    SettingsError
        If it was not measured.
    """
    from workbench.failures import load
    from workbench.lab.effects import METRIC, read
    from workbench.lab.meter import Estimate, Score

    entry = load(failure)
    wanted = {
        "failure": failure,
        "strength": entry.strength.default,
        "model": entry.family_of_model,
        "seed": seed,
    }
    row = next((row for row in read().to_pylist() if wanted.items() <= row.items()), None)
    if row is None:
        raise SettingsError(f"season {seed} of {failure!r} was not measured", hint="see `workbench failures`")

    def of(name: str, n: str) -> Estimate:
        return Estimate(row[name], row[f"{name}_low"], row[f"{name}_high"], row[n])

    metric = METRIC[entry.world]
    if cured:
        return Score(metric, of("cured_claimed", "n_cured_claimed"), of("could_have_had", "n_got"))
    got, could, excess, damage = (
        of(name, "n_got") for name in ("got", "could_have_had", "excess_inflation", "damage")
    )
    return Score(metric, of("claimed", "n_claimed"), got, could, excess, damage)


def measured_now(
    *, failure: str, strength: float, cured: bool, seed: int = 100, size: str = "tiny"
) -> dict[str, Any]:
    """Measure one setting on the real pipeline: what the meter's button does.

    Parameters
    ----------
    failure : str
        Of the catalogue.
    strength : float
        In the unit that the failure says.
    cured : bool
        Whether the row is of the cured pipeline.
    seed : int
        Of a season that the table of effects does not have.
    size : str
        Of the world; half a minute at ``tiny``, more than one at ``lesson``.

    Returns
    -------
    dict
        A row of the meter, with n.
    """
    from workbench.lab.effects import METRIC
    from workbench.lab.trial import try_failure

    trial = try_failure(failure, strength, size=size, seed=seed)
    score = (trial.cured_scores if cured else trial.scores)[METRIC[trial.failure.world]]
    decision = trial.cured_decision if cured else trial.decision
    dial = {"contacted": decision.contacted.value, "score_to_rate": decision.score_to_rate.value}
    return row_of_score(score, failure=failure, strength=strength, cured=cured, seed=seed, **dial)


def row_of_score(score: Score, **setting: Any) -> dict[str, Any]:
    """Return one row of the meter from a score that was measured now.

    Parameters
    ----------
    score : Score
        From `workbench.lab.meter.score_twins`.
    **setting : object
        failure, strength, cured, seed, and what the decision dial shows.

    Returns
    -------
    dict
        With n of both estimates.
    """

    def three(estimate: Estimate | None) -> list[float] | None:
        return None if estimate is None else [estimate.value, estimate.low, estimate.high]

    return {
        "claimed": three(score.claimed),
        "got": three(score.got),
        "could_have_had": three(score.could_have_had),
        "excess": three(score.excess_inflation),
        "n_test": score.claimed.n,
        "n_production": score.got.n,
        **setting,
    }
