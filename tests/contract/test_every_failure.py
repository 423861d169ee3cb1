"""Each failure of the catalogue, on the real pipeline: clean silent, injected fires, cured silent."""

from __future__ import annotations

import os
import random
from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

import workbench.failures
from workbench.clock import utc_now
from workbench.errors import ManifestError
from workbench.failure import EFFECTS, FAMILIES
from workbench.failures import ORDER, catalogue, load
from workbench.lab import proof
from workbench.lab.proof import FIRST_SEED, N_SEEDS, SIZE, Proof, exceptions, proof_of, proved, read
from workbench.lab.watch import GUARDS
from workbench.lab.watch_tables import TABLE_GUARDS
from workbench.stages import ORDER as STAGES

if TYPE_CHECKING:
    from collections.abc import Callable

    from workbench.lab.trial import Pair

DRAWN = {"packhouse": 4, "gym": 2}
"""Cells of the other seeds that are measured again; the gym's take twice as long."""


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a home for the worlds that are prepared."""
    return tmp_path_factory.mktemp("bench")


@pytest.fixture(scope="module")
def pair(home: Path) -> Callable[[str], Pair]:
    """Run a failure and its cure on the first seed, once."""
    from workbench.lab.trial import inject_and_cure

    made: dict[str, Pair] = {}

    def get(name: str) -> Pair:
        if name not in made:
            os.environ["WORKBENCH_HOME"] = str(home)
            made[name] = inject_and_cure(name, size=SIZE, seed=FIRST_SEED)
        return made[name]

    return get


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
@pytest.mark.parametrize("name", ORDER)
def test_its_guard_fires_and_falls_silent(name: str, pair: Callable[[str], Pair]) -> None:
    assert not proof_of(pair(name)).troubles


@pytest.mark.slow
@pytest.mark.parametrize("name", ORDER)
def test_the_proof_needs_its_guard(name: str, pair: Callable[[str], Pair]) -> None:
    """A guard that is switched off must not go unnoticed; nor one that always fires."""
    found = pair(name)
    off = replace(found, said=[replace(f, fired=False) for f in found.said])
    assert bool(proof_of(off).troubles) == bool(found.failure.guard)
    always = replace(found, cured_said=[replace(f, fired=True) for f in found.cured_said])
    assert len(proof_of(always).troubles) == len(found.cured_said)


@pytest.mark.slow
@pytest.mark.parametrize("name", ORDER)
def test_a_run_that_was_tampered_with_says_so(name: str, pair: Callable[[str], Pair]) -> None:
    found = pair(name)
    assert found.failure.name in found.injected.seams.changed
    if found.failure.stage != "serve":
        assert found.injected.record.changed == found.injected.seams.changed
        assert found.injected.record.dataset.dataset_id != found.cured.record.dataset.dataset_id


# -- the record of ten seeds -----------------------------------------------------------------------------------


def test_the_record_has_every_failure_on_ten_seeds() -> None:
    """Begin at the first seed, and leave none out but those on which a pipeline cannot run."""
    assert N_SEEDS >= 10
    for name in ORDER:
        mine = [one for one in read() if one.failure == name]
        assert [one.seed for one in mine] == [*range(FIRST_SEED, FIRST_SEED + len(mine))], name
        assert sum(not one.broke for one in mine) == N_SEEDS, name
        assert not mine[0].broke, name


def test_the_record_holds() -> None:
    """A guard is a test: `docs/GUARDS.md` says how often each is wrong. Not twice in a row of ten, not in one of a hundred."""
    record = read()
    wrong = exceptions(record)
    assert len(wrong) <= len(record) / 100, wrong
    assert max(Counter(one.failure for one, _ in wrong).values(), default=0) <= 1, wrong
    assert [one for one in record if one.fired_cured] == []


@pytest.mark.slow
@pytest.mark.parametrize("world", DRAWN)
def test_cells_drawn_by_the_day_are_as_recorded(world: str, home: Path) -> None:
    """Draw a seed and some failures anew each day: every cell of the record has its turn."""
    os.environ["WORKBENCH_HOME"] = str(home)
    dice = random.Random(f"{utc_now():%Y-%m-%d} {world}")
    seed = dice.randrange(FIRST_SEED + 1, FIRST_SEED + N_SEEDS)
    names = dice.sample([name for name in ORDER if load(name).world == world], DRAWN[world])
    said = [one for one in read() if one.seed == seed and one.failure in names and not one.broke]
    assert [proved(one.failure, seed) for one in said] == said


def test_a_proof_names_what_is_wrong_with_it() -> None:
    sound = Proof("unit_mismatch", 1, ("parity",), ())
    assert sound.troubles == []
    assert replace(sound, fired=()).troubles == ["parity does not fire"]
    assert replace(sound, fired=("parity", "row_twins")).troubles == ["row_twins fires and was not named"]
    assert replace(sound, fired_cured=("schema",)).troubles == ["schema fires on the cured"]


def test_the_record_is_written_in_order_and_read_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(proof, "folder", lambda: tmp_path)
    with pytest.raises(ManifestError, match="make proof"):
        read()
    some = [Proof(ORDER[1], 21, ("a",), ()), Proof(ORDER[1], 20, (), ("b",)), Proof(ORDER[0], 21, (), ())]
    proof.write(some)
    assert read() == tuple(some[i] for i in (2, 1, 0))


def test_the_catalogue_is_loaded_in_its_order() -> None:
    assert [failure.name for failure in catalogue()] == list(ORDER)
