"""What is wrong in a case: drawn by its number, the same each time, and sealed."""

from __future__ import annotations

import hashlib
import json
import os
import random
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from workbench.failures import load

if TYPE_CHECKING:
    from workbench.failure import Failure

NONE: Final = "none"
SHARE_WITHOUT: Final = 0.15
"""Of the cases that have no failure at all."""
SEASONS: Final = 3
"""Seasons of each world that cases are drawn from: a prepared one is used again."""

CATALOGUE: Final[dict[str, tuple[float, ...]]] = {
    "column_that_knows": (0.5, 1.0),
    "window_past_cutoff": (3, 7),
    "back_dated_rows": (0.45,),
    "overlapping_windows_random_split": (2, 4),
    "target_encoding_before_split": (700, 1500),
    "anchored_on_outcome": (1, 7),
    "unripe_labels": (2, 4),
    "window_mismatch": (7, 14, 60),
    "unit_mismatch": (0.5, 1.0),
    "missing_becomes_zero": (14, 30),
    "stale_store": (14, 28, 56),
    "swapped_columns": (0.5, 1.0),
    "latest_value_join": (0.5, 1.0),
    "training_on_reviewed_only": (0.5, 0.8),
    "duplicate_rows": (0.5, 1.0),
    "augment_before_split": (2, 5),
    "bursts_across_split": (4,),
    "bench_photo_replaces_line_photo": (0.5, 1.0),
    "colour_order": (0.5, 1.0),
    "normalisation_skipped": (0.5, 1.0),
    "jpeg_recompressed": (40, 70),
    "embedding_swapped_under_same_name": (0.5, 1.0),
    "unseeded_split": (1.0,),
    "now_in_a_feature": (1.0,),
    "raw_overwritten": (0.5, 1.0),
    "positional_labels_after_unordered_join": (0.5, 1.0),
}
"""What may be wrong, and how strongly. Left out: what needs a world of its own, which its size would give away, and
what no guard finds on every season of the smallest world."""
MODELS: Final = {"gym": "boosting", "packhouse": "logistic"}
"""One family of models a world: another one would be a hint."""
_SCRYPT: Final = {"n": 2**15, "r": 8, "p": 1, "maxmem": 2**27}


@dataclass(frozen=True, slots=True)
class Answer:
    """What is wrong. Never shown before a case is graded.

    Attributes
    ----------
    suspect : str
        Of the catalogue: it decides the world and the family that are shown, whether or not it is there.
    present : bool
        Whether it is.
    strength : float
        How strongly.
    season : int
        Seed of the world.
    """

    suspect: str = field(repr=False)
    present: bool = field(repr=False)
    strength: float = field(repr=False)
    season: int = field(repr=False)

    @property
    def failure(self) -> str:
        """Name of the failure, or `NONE`."""
        return self.suspect if self.present else NONE

    @property
    def family(self) -> str:
        """Family of the failure, or `NONE`."""
        return self.entry.family if self.present else NONE

    @property
    def entry(self) -> Failure:
        """The suspect's entry in the catalogue."""
        return load(self.suspect)


def draw(seed: int, level: int) -> Answer:
    """Draw what is wrong.

    Parameters
    ----------
    seed : int
        Number of the case.
    level : int
        Of difficulty: the same number is another case at another level.

    Returns
    -------
    Answer
        Each failure of `CATALOGUE` is as likely as any other; a share of `SHARE_WITHOUT` has none. A case
        without one looks as a case of some failure does: its world and the suspicion are drawn alike.
    """
    pepper = os.environ.get("WORKBENCH_PEPPER", "")
    dice = random.Random(_digest(pepper, "case", seed, level))  # noqa: S311 (repeatable, not secret)
    suspect = dice.choice(list(CATALOGUE))
    strength = dice.choice(CATALOGUE[suspect])
    return Answer(suspect, dice.random() >= SHARE_WITHOUT, strength, dice.randrange(SEASONS))


def mark(seed: int, level: int) -> str:
    """Return eight hex digits that stand for a case wherever the pipeline wants a name for what was changed."""
    return _digest(os.environ.get("WORKBENCH_PEPPER", ""), "mark", seed, level)[:8]


def _digest(*parts: object) -> str:
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()


def seal(answer: Answer, salt: bytes) -> dict[str, Any]:
    """Commit to an answer without giving it.

    Parameters
    ----------
    answer : Answer
        What was drawn.
    salt : bytes
        16 of them.

    Returns
    -------
    dict
        ``salt`` and ``scrypt`` in hex, and ``kind``: later levels may seal more than one failure.
    """
    said = json.dumps([answer.failure], sort_keys=True).encode()
    return {
        "kind": "one failure",
        "salt": salt.hex(),
        "scrypt": hashlib.scrypt(said, salt=salt, **_SCRYPT).hex(),
    }


def opens(sealed: dict[str, Any], failure: str) -> bool:
    """Return whether a failure is the one that was sealed; takes a tenth of a second."""
    said = json.dumps([failure], sort_keys=True).encode()
    salt = bytes.fromhex(sealed["salt"])
    return hashlib.scrypt(said, salt=salt, **_SCRYPT).hex() == str(sealed["scrypt"])
