"""Each failure of the catalogue, on the real pipeline: clean silent, injected fires, cured silent."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

import workbench.failures
from workbench.failure import EFFECTS, FAMILIES
from workbench.failures import ORDER, catalogue, load
from workbench.lab.watch import GUARDS
from workbench.lab.watch_tables import TABLE_GUARDS
from workbench.stages import ORDER as STAGES

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from workbench.failure import Failure
    from workbench.guards.evidence import Finding
    from workbench.lab.trial import Trial

FIRST = 20
SEEDS = {"packhouse": (FIRST, FIRST + 1), "gym": (FIRST,)}
"""Worlds on which nothing was tried out; of the gym one, since it takes four times as long."""


def on_one_worker(name: str, seed: int = FIRST) -> pytest.MarkDecorator:
    """Keep what shares prepared worlds on one worker."""
    return pytest.mark.xdist_group(f"matrix-{load(name).world}-{seed}")


NAMES = [pytest.param(name, marks=on_one_worker(name)) for name in ORDER]
TRIALS = [
    pytest.param(name, seed, marks=on_one_worker(name, seed))
    for name in ORDER
    for seed in SEEDS[load(name).world]
]


@pytest.fixture(scope="module")
def trial(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str, int], Trial]:
    """Try a failure once a seed; the last seed is kept."""
    from workbench.lab.trial import try_failure

    home = tmp_path_factory.mktemp("bench")
    made: dict[tuple[str, int], Trial] = {}

    def get(name: str, seed: int) -> Trial:
        if (name, seed) not in made:
            for other in [key for key in made if key[1] != seed]:
                del made[other]
            os.environ["WORKBENCH_HOME"] = str(home)
            made[name, seed] = try_failure(name, size="tiny", seed=seed)
        return made[name, seed]

    return get


def troubles(failure: Failure, said: Sequence[Finding], cured: Sequence[Finding]) -> list[str]:
    """Say what is wrong with the proof of a failure; nothing, when it holds."""
    fired = {finding.guard for finding in said if finding.fired}
    found = [f"{finding.guard} fires on the cured: {finding.sentence}" for finding in cured if finding.fired]
    found += [
        f"{name} fires and was not named" for name in sorted(fired - {failure.guard, *failure.guards_too})
    ]
    if failure.guard and failure.guard not in fired:
        found.append(f"{failure.guard} does not fire")
    return found


def test_the_order_names_every_file() -> None:
    files = {path.stem for path in Path(workbench.failures.__file__).parent.glob("[!_]*.py")}
    assert files == set(ORDER)
    assert len(ORDER) == len(set(ORDER)) >= 10


@pytest.mark.parametrize("name", ORDER)
def test_every_field_is_filled_in(name: str) -> None:
    failure = load(name)
    assert failure.name == name
    assert failure.family in FAMILIES
    assert failure.effect in EFFECTS
    assert failure.stage in STAGES
    watched = TABLE_GUARDS if failure.world == "gym" else GUARDS
    assert failure.guard in watched or failure.family == "control"
    assert set(failure.guards_too) <= {*watched, "parity"}
    texts = (failure.title, failure.symptom, failure.mechanism, failure.cure_text, failure.limits)
    assert all(len(text) > 20 for text in texts)
    assert len(failure.wrong_cures) >= 2
    assert failure.references
    strength = failure.strength
    assert strength.default in strength.values
    assert strength.low <= strength.values[0] <= strength.values[-1] <= strength.high
    assert failure.inject(strength.default).changed.startswith(name)


@pytest.mark.slow
@pytest.mark.parametrize(("name", "seed"), TRIALS)
def test_its_guard_fires_and_falls_silent(name: str, seed: int, trial: Callable[[str, int], Trial]) -> None:
    found = trial(name, seed)
    assert not troubles(found.failure, found.said, found.cured_said)


@pytest.mark.slow
@pytest.mark.parametrize("name", NAMES)
def test_the_proof_needs_its_guard(name: str, trial: Callable[[str, int], Trial]) -> None:
    """A guard that is switched off must not go unnoticed; nor one that always fires."""
    found = trial(name, FIRST)
    off = [replace(f, fired=False) for f in found.said]
    assert bool(troubles(found.failure, off, found.cured_said)) == bool(found.failure.guard)
    always = [replace(f, fired=True) for f in found.cured_said]
    assert len(troubles(found.failure, found.said, always)) == len(always)


@pytest.mark.slow
@pytest.mark.parametrize("name", NAMES)
def test_a_run_that_was_tampered_with_says_so(name: str, trial: Callable[[str, int], Trial]) -> None:
    found = trial(name, FIRST)
    assert found.failure.name in found.injected.seams.changed
    if found.failure.stage != "serve":
        assert found.injected.record.changed == found.injected.seams.changed
        assert found.injected.record.dataset.dataset_id != found.cured.record.dataset.dataset_id


def test_the_catalogue_is_loaded_in_its_order() -> None:
    assert [failure.name for failure in catalogue()] == list(ORDER)
