"""The proof of the catalogue: on fresh worlds each guard fires where its failure is, and nowhere else.

``make proof`` measures it, every failure on ten seeds of its world at ``tiny``; seeds on which no failure was
worked out and no threshold was chosen. The tests measure a part of it again each time.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Final

from workbench.errors import ManifestError
from workbench.failures import ORDER, load
from workbench.lab.rates import folder

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from workbench.lab.trial import Pair

FILE: Final = "proof.json"
FIRST_SEED: Final = 20
N_SEEDS: Final = 10
SIZE: Final = "tiny"


@dataclass(frozen=True, slots=True)
class Proof:
    """What the guards said of one failure and of its cure, on one world.

    Attributes
    ----------
    failure : str
        Of the catalogue.
    seed : int
        Of the world.
    fired, fired_cured : tuple of str
        Guards that fired, in alphabetical order: on the failure, and on its cure.
    broke : str
        Why the pipeline could not run on this world; the next seed takes its place. Empty as a rule.
    """

    failure: str
    seed: int
    fired: tuple[str, ...]
    fired_cured: tuple[str, ...]
    broke: str = ""

    @property
    def troubles(self) -> list[str]:
        """What is wrong with it, in sentences; nothing, when it holds."""
        if self.broke:
            return []
        failure = load(self.failure)
        named = {failure.guard, *failure.guards_too}
        found = [f"{guard} fires on the cured" for guard in self.fired_cured]
        found += [f"{guard} fires and was not named" for guard in self.fired if guard not in named]
        if failure.guard and failure.guard not in self.fired:
            found.append(f"{failure.guard} does not fire")
        return found


def proof_of(pair: Pair) -> Proof:
    """Return what the guards said of a pair."""
    said, cured = (
        tuple(sorted(finding.guard for finding in side if finding.fired))
        for side in (pair.said, pair.cured_said)
    )
    return Proof(pair.failure.name, pair.seed, said, cured)


def proved(name: str, seed: int) -> Proof:
    """Run a failure and its cure on the real pipeline, and let every guard look.

    Parameters
    ----------
    name : str
        Of the catalogue.
    seed : int
        Of the world.

    Returns
    -------
    Proof
        Worlds are prepared once, in WORKBENCH_HOME.
    """
    from workbench.lab.trial import inject_and_cure

    return proof_of(inject_and_cure(name, size=SIZE, seed=seed))


def exceptions(proofs: Iterable[Proof]) -> list[tuple[Proof, str]]:
    """Return what does not hold, cell by cell: a guard is a test, and now and then a test is wrong."""
    return [(one, trouble) for one in proofs for trouble in one.troubles]


def path_of_proof() -> Path:
    """Return where the record lies: beside the table of effects."""
    return folder() / FILE


def read() -> tuple[Proof, ...]:
    """Return the record.

    Returns
    -------
    tuple of Proof
        By failure in the order of the catalogue, then by seed.

    Raises
    ------
    ManifestError
        If it is not there.
    """
    path = path_of_proof()
    if not path.is_file():
        raise ManifestError(f"there is no proof at {path}", hint="measure it with `make proof`")
    return tuple(
        Proof(row["failure"], row["seed"], tuple(row["fired"]), tuple(row["fired_cured"]), row["broke"])
        for row in json.loads(path.read_text(encoding="utf-8"))
    )


def write(proofs: Iterable[Proof]) -> None:
    """Write the record anew, one line a failure and seed."""
    place = {name: i for i, name in enumerate(ORDER)}
    rows = sorted(proofs, key=lambda proof: (place[proof.failure], proof.seed))
    path = path_of_proof()
    path.parent.mkdir(parents=True, exist_ok=True)
    beside = path.with_name(f".{FILE}")
    beside.write_text("[\n" + ",\n".join(json.dumps(asdict(row)) for row in rows) + "\n]\n", encoding="utf-8")
    beside.replace(path)
