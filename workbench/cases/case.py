"""A case on the desk: what the pipeline left behind, guards to be asked, and the grade."""

from __future__ import annotations

import os
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from workbench.cases.draw import CATALOGUE, MODELS, draw, mark, seal
from workbench.cases.evidence import differing, served_of, training_path
from workbench.cases.grade import grade
from workbench.errors import GuardError, SettingsError, WorkbenchError
from workbench.failure import FAMILIES
from workbench.guards.evidence import Finding
from workbench.lab.bench import prepare, run_with
from workbench.lab.effects import METRIC
from workbench.lab.meter import Score, estimate, replicate_weights, replicates_of
from workbench.lab.trial import Decision, decide
from workbench.lab.watch import GUARDS, remembered, rows_of
from workbench.lab.watch_tables import TABLE_GUARDS

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    import pyarrow as pa

    from workbench.cases.draw import Answer
    from workbench.cases.grade import Diagnosis, Grade
    from workbench.lab.bench import Outcome
    from workbench.lab.meter import Judged
    from workbench.lab.pipeline import Watcher

LEVELS: Final = (1, 2)
BUDGET: Final = {1: None, 2: 6}
"""Guards that may be asked at a level; None: all have been asked before."""
_FAMILIES: Final = tuple(name for name in FAMILIES if name != "control")


@dataclass(frozen=True, slots=True)
class Case:
    """One mystery. Make it with `open_case`.

    Attributes
    ----------
    seed, level : int
        Its number, and how hard it is.
    world : str
        ``packhouse`` or ``gym``.
    suspicion : str
        Level 1: the family that the team suspects. It may be wrong: some cases have no failure. Else empty.
    score : Score
        What the model claims, and what it gets in production.
    decision : Decision
        Whether its probabilities and its threshold hold there.
    run : mapping
        What the record of the run says.
    dataset : pyarrow.Table
        Rows that it was trained and tested on.
    served : pyarrow.Table
        What it was given in production.
    candidates : tuple of str
        Failures that it may be: of this world, at level 1 of the suspected family.
    sealed : mapping
        Commitment to the answer; see `workbench.cases` for what it is good for.
    """

    seed: int
    level: int
    world: str
    suspicion: str
    score: Score
    decision: Decision
    run: Mapping[str, Any]
    dataset: pa.Table = field(repr=False)
    served: pa.Table = field(repr=False)
    candidates: tuple[str, ...]
    sealed: Mapping[str, Any] = field(repr=False)
    _outcome: Outcome = field(repr=False)
    _asked: dict[str, Finding] = field(repr=False, default_factory=dict)

    @property
    def guards(self) -> tuple[str, ...]:
        """Guards that can look at this world."""
        return tuple(_guards(self.world))

    @property
    def columns(self) -> tuple[str, ...]:
        """Columns of dataset and served rows: what a diagnosis may point at."""
        return tuple(sorted({*self.dataset.column_names, *self.served.column_names}))

    @property
    def findings(self) -> tuple[Finding, ...]:
        """What was said so far, in the order of the questions; at level 1 all guards have been asked."""
        return tuple(self._asked.values())

    @property
    def looks_left(self) -> int | None:
        """How many guards may still be asked; None at level 1."""
        budget = BUDGET[self.level]
        return None if budget is None else budget - len(self._asked)

    def look(self, guard: str) -> Finding:
        """Ask a guard. Asking the same one again costs nothing.

        Parameters
        ----------
        guard : str
            One of `guards`.

        Returns
        -------
        Finding
            What it says; ``fired`` is None where it could not judge.

        Raises
        ------
        SettingsError
            If there is no such guard in this world, or the budget is spent.
        """
        if guard not in self.guards:
            raise SettingsError(
                f"no guard {guard!r} looks at this world", hint=f"there are {', '.join(self.guards)}"
            )
        if guard in self._asked:
            return self._asked[guard]
        if self.looks_left == 0:
            raise SettingsError(
                f"all {BUDGET[self.level]} looks of this case are spent",
                hint=f"{', '.join(self._asked)} have spoken: make a diagnosis",
            )
        self._asked[guard] = _said(guard, self._outcome, self.world)
        return self._asked[guard]

    def offline(self) -> pa.Table | None:
        """Return what the training path says about the served rows, to be held beside them; None for photos."""
        return training_path(self._outcome)

    def grade(self, said: Diagnosis) -> Grade:
        """Grade a diagnosis, and open the answer.

        Parameters
        ----------
        said : Diagnosis
            What is wrong, of which family, and where it shows.

        Returns
        -------
        Grade
            Points of 70, and the answer.
        """
        differs = remembered("case differs", self._outcome, lambda: differing(self._outcome))
        return grade(draw(self.seed, self.level), differs, said)

    def save(self, folder: Path) -> tuple[Path, ...]:
        """Write the rows as Parquet files that tell nothing by their names, sizes of pages or times.

        Parameters
        ----------
        folder : Path
            Made where it is not there.

        Returns
        -------
        tuple of Path
            ``dataset.parquet`` and ``served.parquet``; the same names and the same time for every case.
        """
        from workbench.manifests import write_parquet

        folder.mkdir(parents=True, exist_ok=True)
        paths = []
        for name, rows in (("dataset", self.dataset), ("served", self.served)):
            path = folder / f"{name}.parquet"
            write_parquet(path, rows)
            os.utime(path, (0, 0))
            paths.append(path)
        return tuple(paths)


def open_case(seed: int, level: int = 1, *, size: str = "tiny", watcher: Watcher | None = None) -> Case:
    """Open a case: run the pipeline with what was drawn, and put on the desk what it left behind.

    Parameters
    ----------
    seed : int
        Number of the case. The same number gives the same case.
    level : int
        1: one failure or none, its family is named, all guards have been asked. 2: one failure of the
        whole catalogue or none, and six guards may be asked.
    size : str
        Of the world.
    watcher : Watcher, optional
        Is told about the stages. A world that was prepared before is used again.

    Returns
    -------
    Case
        Without the answer.

    Raises
    ------
    SettingsError
        If there is no such level.
    """
    if level not in LEVELS:
        raise SettingsError(f"there is no level {level}", hint="levels are 1 and 2")
    answer = draw(seed, level)
    outcome = _run(answer, mark(seed, level), size, watcher)
    world, family = answer.entry.world, answer.entry.family
    case = Case(
        seed=seed,
        level=level,
        world=world,
        suspicion=family if level == 1 else "",
        score=_score(METRIC[world], outcome.test, outcome.production),
        decision=decide(outcome.test, outcome.production),
        run=_record(outcome),
        dataset=rows_of(outcome),
        served=served_of(outcome),
        candidates=_candidates(world, family if level == 1 else ""),
        sealed=seal(answer, bytes.fromhex(mark(seed, level) * 4)),
        _outcome=outcome,
    )
    if level == 1:
        for guard in case.guards:
            case.look(guard)
    return case


def families() -> tuple[str, ...]:
    """Return the families that a failure of a case may be of."""
    return _FAMILIES


def _run(answer: Answer, name: str, size: str, watcher: Watcher | None) -> Outcome:
    """Run the pipeline of a case; what goes wrong inside says nothing of what was injected."""
    from workbench.seams import HONEST

    ws = prepare(answer.entry.world, size=size, seed=answer.season, watcher=watcher)
    hands = answer.entry.inject(answer.strength) if answer.present else HONEST
    training = replace(ws.settings.train, family=MODELS[answer.entry.world])
    try:
        return run_with(ws, replace(hands, changed=f"case {name}"), training=training, watcher=watcher)
    except Exception:  # noqa: BLE001 (a traceback would walk through the failure's own file)
        failed = WorkbenchError(f"case {name} cannot be run here", hint="try another number")
    raise failed


def _candidates(world: str, family: str) -> tuple[str, ...]:
    from workbench.failures import load

    entries = [load(name) for name in CATALOGUE]
    return tuple(one.name for one in entries if one.world == world and family in {"", one.family})


def _guards(world: str) -> Mapping[str, Callable[[Outcome], Finding]]:
    return TABLE_GUARDS if world == "gym" else GUARDS


def _said(guard: str, outcome: Outcome, world: str) -> Finding:
    try:
        return _guards(world)[guard](outcome)
    except GuardError as error:
        return Finding(guard, None, error.message)


def _score(metric: str, test: Judged, production: Judged) -> Score:
    estimates = []
    for seed, judged in enumerate((test, production)):
        groups = sorted(set(judged.group))
        values = replicates_of(judged, replicate_weights(groups, seed=seed), metric)
        estimates.append(estimate(np.asarray(values), len(groups)))
    return Score(metric, *estimates)


def _record(outcome: Outcome) -> dict[str, Any]:
    """Return what a record says of every run alike: no name, no path, no time of the clock."""
    card = outcome.record.dataset
    return {
        "model": outcome.ws.settings.train.family,
        "seed": outcome.ws.settings.train.seed,
        "rows": dict(card.split_counts),
        "labels": dict(card.label_counts),
        "inputs": tuple(card.inputs),
        "cutoff": card.cutoff_timestamp,
        "point in time": card.point_in_time,
    }
