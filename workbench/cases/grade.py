"""Grading: what was named, against what was drawn and against what really differs from the honest pipeline."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from workbench.cases.draw import CATALOGUE, NONE
from workbench.errors import SettingsError
from workbench.failure import FAMILIES

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

    from workbench.cases.draw import Answer

DIAGNOSIS, FAMILY, EVIDENCE = 40, 10, 20
OF: Final = DIAGNOSIS + FAMILY + EVIDENCE
"""Points there are: the other 30 of a hundred are for a fix, which these levels do not ask for."""
FALSE_ACCUSATION: Final = 0.5
"""Of a hit, taken off for each failure that was named and is not there."""


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """What somebody says is wrong.

    Attributes
    ----------
    failures : tuple of str
        Of the catalogue; ``("none",)`` or empty where nothing is.
    family : str
        One of `workbench.failure.FAMILIES`, or ``none``.
    columns : tuple of str
        Of dataset or served rows: where it shows.
    """

    failures: tuple[str, ...] = ()
    family: str = NONE
    columns: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Grade:
    """What a diagnosis was worth, and what was really wrong.

    Attributes
    ----------
    points : int
        Of `OF`.
    diagnosis, family, evidence : float
        Its three parts.
    failure : str
        What was wrong, or ``none``.
    columns : tuple of str
        Where it showed.
    why : str
        How it did what it did.
    cure : str
        What helps.
    """

    points: int
    diagnosis: float
    family: float
    evidence: float
    failure: str
    columns: tuple[str, ...]
    why: str
    cure: str

    def __str__(self) -> str:
        parts = f"diagnosis {self.diagnosis:g} of {DIAGNOSIS}, family {self.family:g} of {FAMILY}, "
        parts += f"evidence {self.evidence:.0f} of {EVIDENCE}"
        where = f" It shows in: {', '.join(self.columns)}." if self.columns else ""
        cured = f"\nCure: {self.cure}" if self.cure else ""
        return f"{self.points} of {OF} points: {parts}.\nIt was {self.failure}.{where}\n{self.why}{cured}"


def grade(answer: Answer, differs: Collection[str], said: Diagnosis) -> Grade:
    """Grade a diagnosis.

    Parameters
    ----------
    answer : Answer
        What was drawn.
    differs : collection of str
        Columns in which the case differs from the honest pipeline.
    said : Diagnosis
        What somebody says.

    Returns
    -------
    Grade
        Diagnosis: 40 for the hit, less 20 for each failure that is not there. Family: 10. Evidence: 20 times
        what was named and differs, over what was named or differs (Jaccard); of a case without a failure
        all 20 where nothing was named.

    Raises
    ------
    SettingsError
        If a failure or the family is unknown.
    """
    named = {name for name in said.failures if name != NONE}
    _require(named, CATALOGUE, "failure")
    _require({said.family}, {*FAMILIES, NONE}, "family")
    right = {answer.failure} - {NONE}
    hit = 1.0 if named & right or not (named or right) else 0.0
    hit = max(0.0, hit - FALSE_ACCUSATION * len(named - right))
    parts = (
        DIAGNOSIS * hit,
        FAMILY * float(said.family == answer.family),
        EVIDENCE * _jaccard(said.columns, differs),
    )
    nothing = "Nothing was wrong. What you saw is what an honest pipeline of this size looks like."
    why, cure = (answer.entry.mechanism, answer.entry.cure_text) if right else (nothing, "")
    return Grade(round(sum(parts)), *parts, answer.failure, tuple(sorted(differs)), why, cure)


def _jaccard(one: Iterable[str], two: Iterable[str]) -> float:
    named, right = {*one}, {*two}
    return len(named & right) / len(named | right) if named | right else 1.0


def _require(names: Collection[str], known: Collection[str], what: str) -> None:
    for name in sorted(names):
        if name not in known:
            raise SettingsError(
                f"there is no {what} {name!r} among the cases", hint=f"there are {', '.join(known)}"
            )
