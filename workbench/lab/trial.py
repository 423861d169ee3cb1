"""One failure on the bench: injected, cured, served in the same production, and put on the meter."""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from workbench.errors import SettingsError
from workbench.failures import load
from workbench.lab.bench import prepare, run_with
from workbench.lab.meter import (
    METRICS,
    Estimate,
    Judged,
    Score,
    calibration_error,
    estimate,
    replicate_weights,
    replicates_for,
    score_to_rate,
    score_twins,
)
from workbench.lab.pipeline import Watcher
from workbench.lab.watch import findings

if TYPE_CHECKING:
    from workbench.failure import Failure
    from workbench.guards.evidence import Finding
    from workbench.lab.bench import Outcome

TOP: float = 0.10
"""Share of its own test set that the decision dial would act on."""


@dataclass(frozen=True, slots=True)
class Decision:
    """What a rank metric does not see, each with its interval.

    Attributes
    ----------
    contacted : Estimate
        Share of production above the threshold that takes the top 10 % of the own test set.
    score_to_rate : Estimate
        Mean probability in production over the share that was really positive; 1 is right.
    calibration_error : Estimate
        How far probabilities are from shares in production, on average over ten bins.
    """

    contacted: Estimate
    score_to_rate: Estimate
    calibration_error: Estimate


@dataclass(frozen=True, slots=True)
class Pair:
    """A failure beside its cure, and what the guards say about either.

    Attributes
    ----------
    failure : Failure
        Of the catalogue.
    strength : float
        As asked for.
    seed : int
        Of the world.
    model : str
        Family of both models.
    injected, cured : Outcome
        Both pipelines: same world, same model family, same production.
    said, cured_said : list of Finding
        What each guard says about either.
    """

    failure: Failure
    strength: float
    seed: int
    model: str
    injected: Outcome
    cured: Outcome
    said: list[Finding]
    cured_said: list[Finding]


@dataclass(frozen=True, slots=True)
class Trial(Pair):
    """A pair on the meter.

    Attributes
    ----------
    scores : dict of str to Score
        Metric to the injected pipeline on the meter; could-have-had is what the cured one got.
    cured_scores : dict of str to Score
        The same of the cured pipeline.
    decision, cured_decision : Decision
        The decision dial.
    """

    scores: dict[str, Score]
    cured_scores: dict[str, Score]
    decision: Decision
    cured_decision: Decision

    def to_dict(self) -> dict[str, Any]:
        """Return the numbers and the words as plain values for JSON."""
        from dataclasses import asdict

        return {
            "failure": self.failure.name,
            "strength": self.strength,
            "seed": self.seed,
            "model": self.model,
            "scores": {
                metric: asdict(score) | {"verdict": score.verdict} for metric, score in self.scores.items()
            },
            "cured": {metric: asdict(score) for metric, score in self.cured_scores.items()},
            "decision": asdict(self.decision),
            "cured_decision": asdict(self.cured_decision),
            "guards": {finding.guard: finding.to_dict() for finding in self.said},
            "guards_cured": {finding.guard: finding.to_dict() for finding in self.cured_said},
        }


def decide(test: Judged, production: Judged) -> Decision:
    """Return the decision dial of a model.

    Parameters
    ----------
    test, production : Judged
        Its own test set; what it got.

    Returns
    -------
    Decision
        Intervals are those of production: the threshold stays where the test set put it.
        ``score_to_rate`` is NaN where production has no positive.
    """
    above = production.probability > np.quantile(test.probability, 1 - TOP)
    groups = sorted(set(production.group))
    drawn = replicate_weights(groups, seed=1, replicates=replicates_for(production))
    weights = np.stack([drawn[group] for group in production.group], axis=1)
    return Decision(
        estimate(weights @ above / weights.sum(axis=1), len(groups)),
        estimate(score_to_rate(production, weights), len(groups)),
        estimate(calibration_error(production, weights), len(groups)),
    )


def try_failure(name: str, strength: float | None = None, **how: Any) -> Trial:
    """Inject a failure into the real pipeline, cure it, and measure both.

    Parameters
    ----------
    name : str
        Of the catalogue.
    strength : float, optional
        In the unit that the failure says; default its own.
    **how : object
        ``size``, ``seed``, ``model`` and ``watcher``, as for `inject_and_cure`.

    Returns
    -------
    Trial
        Numbers and findings.
    """
    pair = inject_and_cure(name, strength, **how)
    injected, cured = pair.injected, pair.cured
    twins = {
        m: score_twins((cured.test, cured.production), (injected.test, injected.production), m)
        for m in METRICS
    }
    return Trial(
        **{field.name: getattr(pair, field.name) for field in fields(pair)},
        scores={metric: two[1] for metric, two in twins.items()},
        cured_scores={metric: two[0] for metric, two in twins.items()},
        decision=decide(injected.test, injected.production),
        cured_decision=decide(cured.test, cured.production),
    )


def inject_and_cure(
    name: str,
    strength: float | None = None,
    *,
    size: str = "lesson",
    seed: int = 0,
    model: str | None = None,
    watcher: Watcher | None = None,
) -> Pair:
    """Run the real pipeline with a failure in it and without, and let every guard look at both.

    Parameters
    ----------
    name : str
        Of the catalogue.
    strength : float, optional
        In the unit that the failure says; default its own.
    size : str
        Of the world.
    seed : int
        Of the world.
    model : str, optional
        Family of the model; default the one that shows the failure.
    watcher : Watcher, optional
        Is told about the stages.

    Returns
    -------
    Pair
        Both pipelines and the findings.

    Raises
    ------
    SettingsError
        If there is no such failure, or the strength is out of its range.
    """
    failure = load(name)
    strength = failure.strength.default if strength is None else strength
    if not failure.strength.low <= strength <= failure.strength.high:
        raise SettingsError(
            f"a strength of {strength:g} is out of range for {name}",
            hint=f"it is the {failure.strength.means}: {failure.strength.low:g} to {failure.strength.high:g}",
        )
    ws = prepare(failure.world, size=size, seed=seed, dials=failure.dials(strength), watcher=watcher)
    model = model or failure.family_of_model
    training = replace(ws.settings.train, family=model, C=failure.C)
    cured = run_with(ws, failure.cure(strength), training=training, watcher=watcher)
    injected = run_with(ws, failure.inject(strength), training=training, watcher=watcher)
    said, cured_said = (_looked_at(outcome, watcher) for outcome in (injected, cured))
    return Pair(failure, strength, seed, model, injected, cured, said, cured_said)


def _looked_at(outcome: Outcome, watcher: Watcher | None) -> list[Finding]:
    watcher = watcher or Watcher()
    progress = watcher.begin("guards")
    try:
        return findings(outcome, progress)
    finally:
        watcher.end(None)
