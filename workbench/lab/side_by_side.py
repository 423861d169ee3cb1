"""A failure and its cure side by side for a lesson: both pipelines, two numbers each, and the guards that were asked.

`workbench.lab.trial.try_failure` lets every guard look, which takes most of its time. A lesson asks those
that it is about.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from workbench.errors import GuardError, SettingsError
from workbench.failures import load
from workbench.guards.evidence import Finding
from workbench.lab import bars
from workbench.lab.bench import prepare, run_with
from workbench.lab.effects import METRIC, UNIT
from workbench.lab.meter import score_twins
from workbench.lab.show import Shown, grid, stack

if TYPE_CHECKING:
    from collections.abc import Mapping

    from workbench.failure import Failure
    from workbench.lab.bench import Outcome
    from workbench.lab.meter import Score


@dataclass(frozen=True, slots=True)
class SideBySide:
    """Two pipelines that differ in one failure.

    Attributes
    ----------
    failure : Failure
        Of the catalogue.
    injected, cured : Outcome
        Both pipelines: same world, same model family, same production.
    score, cured_score : Score
        Both on the meter of their world.
    """

    failure: Failure
    injected: Outcome
    cured: Outcome
    score: Score
    cured_score: Score


def side_by_side(
    name: str, strength: float | None = None, *, size: str = "tiny", seed: int = 0, model: str | None = None
) -> SideBySide:
    """Run the pipeline with a failure and with its cure, and serve both in the same production.

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
        Family of both models; default the one that shows the failure.

    Returns
    -------
    SideBySide
        With the world's own metric.
    """
    failure = load(name)
    strength = failure.strength.default if strength is None else strength
    print(f"{name}: with the failure, and cured ({failure.world}, {size})", flush=True)  # noqa: T201 (a cell shows it)
    ws = prepare(failure.world, size=size, seed=seed, dials=failure.dials(strength))
    training = replace(ws.settings.train, family=model or failure.family_of_model, C=failure.C)
    cured = run_with(ws, failure.cure(strength), training=training)
    injected = run_with(ws, failure.inject(strength), training=training)
    pairs = (cured.test, cured.production), (injected.test, injected.production)
    cured_score, score = score_twins(*pairs, METRIC[failure.world])
    return SideBySide(failure, injected, cured, score, cured_score)


def shown(both: SideBySide, *guards: str, broken: str = "with the failure", mended: str = "cured") -> Shown:
    """Show what both pipelines claim and get, and what some guards say about either.

    Parameters
    ----------
    both : SideBySide
        From `side_by_side`.
    *guards : str
        Of those that look at the bench.
    broken, mended : str
        Names of the two pipelines.

    Returns
    -------
    Shown
        The meter's bars, and a table of the guards.
    """
    unit = UNIT[both.failure.world]
    drawn = bars.score_bars([(broken, both.score), (mended, both.cured_score)], unit=unit)
    return stack(drawn, said(both, *guards, broken=broken, mended=mended)) if guards else drawn


def said(both: SideBySide, *guards: str, broken: str = "with the failure", mended: str = "cured") -> Shown:
    """Show what some guards say about both pipelines.

    Parameters
    ----------
    both : SideBySide
        From `side_by_side`.
    *guards : str
        Of those that look at the bench.
    broken, mended : str
        Names of the two pipelines.

    Returns
    -------
    Shown
        One row a guard and pipeline.
    """
    rows = [
        (guard, name, found.word, found.sentence)
        for guard in guards
        for name, found in ((broken, look(both.injected, guard)), (mended, look(both.cured, guard)))
    ]
    return grid("What the guards say", ("guard", "pipeline", "verdict", "because"), rows)


def look(outcome: Outcome, guard: str) -> Finding:
    """Let one guard look at a pipeline.

    Parameters
    ----------
    outcome : Outcome
        From `workbench.lab.bench.run_with`.
    guard : str
        Of `workbench.lab.watch.GUARDS` or `workbench.lab.watch_tables.TABLE_GUARDS`.

    Returns
    -------
    Finding
        With the reason, where it cannot judge.

    Raises
    ------
    SettingsError
        If no such guard looks at this world.
    """
    from workbench.lab.watch import GUARDS
    from workbench.lab.watch_tables import TABLE_GUARDS
    from workbench.profiles.members import has_tables

    there: Mapping[str, object] = TABLE_GUARDS if has_tables(outcome.ws) else GUARDS
    if guard not in there:
        raise SettingsError(f"no guard {guard!r} looks at this world", hint=f"there are {', '.join(there)}")
    try:
        found = (TABLE_GUARDS if has_tables(outcome.ws) else GUARDS)[guard](outcome)
    except GuardError as error:
        return Finding(guard, None, error.message)
    return found
