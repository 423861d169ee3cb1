"""The first lesson: all that its cells call, from one place."""

from __future__ import annotations

from workbench.lab.stories.quiet_exercises import EXERCISES
from workbench.lab.stories.quiet_failure import one_fruit, prepare, stages, what_they_learned_from
from workbench.lab.stories.quiet_questions import (
    audit,
    how_often,
    three_families,
    which_model,
    would_folds_have_caught_it,
)

__all__ = [
    "EXERCISES", "audit", "how_often", "one_fruit", "prepare", "stages", "three_families",
    "what_they_learned_from", "which_model", "would_folds_have_caught_it",
]  # fmt: skip
