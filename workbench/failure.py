"""What the catalogue says about one silent failure: fixed fields, and two functions.

A failure is not told, it is done: `Failure.inject` returns the hands (`workbench.seams.Seams`)
that put it into the real pipeline, `Failure.cure` those that take it out again.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from workbench.seams import Seams

FAMILIES: Final = ("leakage", "images", "skew", "irreproducibility", "control")
EFFECTS: Final = {
    "inflates": "its own evaluation claims more than production gives",
    "damages": "production gets less than an honest model would have got",
    "miscalibrates": "the ranking holds, the probabilities do not",
    "is small here": "a leak that its guard finds, and that hardly moves the score in this world",
    "changes": "the same code and data give another result",
    "none": "scary, but harmless here",
}


@dataclass(frozen=True, slots=True)
class Strength:
    """How strongly a failure is injected.

    Attributes
    ----------
    means : str
        What the number is: ``share of the rows``, ``days``.
    values : tuple of float
        Those that are measured for the effects table, ascending.
    default : float
        One of them.
    low, high : float
        What may be asked for.
    """

    means: str
    values: tuple[float, ...]
    default: float
    low: float = 0.0
    high: float = 1.0


@dataclass(frozen=True, slots=True)
class Failure:
    """One entry of the catalogue.

    Attributes
    ----------
    name : str
        What is wrong, never the cure; the name of its file.
    family : str
        One of `FAMILIES`. A control looks like a failure and harms nobody.
    stage : str
        Where it is made.
    world : str
        ``packhouse`` or ``gym``: where it is shown.
    title : str
        One line, as a story.
    symptom : str
        What somebody would notice, if anybody did.
    mechanism : str
        Why it does what it does.
    wrong_cures : tuple of pairs of str
        What people try first, and why it does not help.
    cure_text : str
        What helps.
    guard : str
        Module in `workbench.guards` that finds it; empty for a control.
    limits : str
        What that guard does not see.
    references : tuple of str
        Where it is described.
    strength : Strength
        How strongly.
    effect : str
        One of `EFFECTS`.
    inject, cure : callable
        Strength to the hands that put it in, and take it out.
    guards_too : tuple of str
        Others that are right to fire as well.
    grows : bool
        Whether more strength has more effect.
    dials : callable
        Strength to changes of the simulated world, by the names of its dials.
    family_of_model : str
        Of `workbench.profiles.models`: the one that shows it.
    other_models : tuple of str
        Further families that are measured at the default strength, for comparison.
    C : float
        Inverse regularisation of a logistic regression.
    """

    name: str
    family: str
    stage: str
    world: str
    title: str
    symptom: str
    mechanism: str
    wrong_cures: tuple[tuple[str, str], ...]
    cure_text: str
    guard: str
    limits: str
    references: tuple[str, ...]
    strength: Strength
    effect: str
    inject: Callable[[float], Seams]
    cure: Callable[[float], Seams]
    guards_too: tuple[str, ...] = ()
    grows: bool = False
    dials: Callable[[float], Mapping[str, float]] = field(default=lambda _strength: {})
    family_of_model: str = "logistic"
    other_models: tuple[str, ...] = ()
    C: float = 1.0
