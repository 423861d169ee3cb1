"""The course: its lessons in order, what each one shows, and where its parts are."""

from __future__ import annotations

import importlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from workbench.errors import SettingsError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from workbench.lab.lesson import Exercise


@dataclass(frozen=True, slots=True)
class LessonCard:
    """What a gallery says of a lesson, and what a command needs to find it.

    Attributes
    ----------
    number : str
        Two digits.
    file : str
        The marimo file in ``notebooks``, without its suffix.
    title : str
        As at the top of the lesson.
    minutes : int
        For a reader who tries the exercises.
    shows : str
        What will be seen to fail; one sentence.
    story : str
        Module below `workbench.lab.stories`.
    """

    number: str
    file: str
    title: str
    minutes: int
    shows: str
    story: str

    def module(self) -> Any:
        """Return the lesson's story: a module with ``prepare`` and ``EXERCISES``."""
        return importlib.import_module(f"workbench.lab.stories.{self.story}")

    def exercises(self) -> Sequence[Exercise]:
        """Return the lesson's exercises in the order of its cells."""
        found: Sequence[Exercise] = self.module().EXERCISES
        return found


COURSE: Final = (
    LessonCard(
        number="00",
        file="00_the_model_that_quietly_fails",
        title="The model that quietly fails",
        minutes=20,
        shows="Two models differ in one line of a join; the one that looks better is the one that fails.",
        story="quiet",
    ),
    LessonCard(
        number="01",
        file="01_ingest",
        title="Ingest: what was it then?",
        minutes=30,
        shows="Photos are improved under their old names; three weeks later the same code gives another model.",
        story="ingest",
    ),
    LessonCard(
        number="02",
        file="02_clean",
        title="Clean: what every decoder accepts",
        minutes=40,
        shows="Half of a photo's pixels change and no decoder objects; a burst on both sides of a split claims 96 %.",
        story="clean",
    ),
    LessonCard(
        number="03",
        file="03_extract",
        title="The same photo, two embeddings",
        minutes=35,
        shows="Training and serving read one photo on two paths; not one pixel differs, and the decision does.",
        story="extract",
    ),
    LessonCard(
        number="04",
        file="04_dataset",
        title="Dataset: what was known, and when",
        minutes=40,
        shows="Five joins ask one table about one Monday; three of them know the future, the feature store among them.",
        story="dataset",
    ),
    LessonCard(
        number="05",
        file="05_train",
        title="Train: scores that nobody earned",
        minutes=45,
        shows="One column knows the answer; of four habits the best known one is harmless, and another adds 0.2.",
        story="train",
    ),
    LessonCard(
        number="06",
        file="06_serve",
        title="One entity, two numbers",
        minutes=40,
        shows="The service computes a feature in its own way; the AUC hardly moves, and twice as many members are called.",
        story="serve",
    ),
    LessonCard(
        number="07",
        file="07_reproduce",
        title="Reproduce: the same again?",
        minutes=40,
        shows="One program runs on one dataset, and every run gives another score.",
        story="reproduce",
    ),
    LessonCard(
        number="08",
        file="08_spot_the_bug",
        title="Spot the bug",
        minutes=45,
        shows="A model is failing in production, and you have what the pipeline left behind. Or nothing is wrong.",
        story="spot_the_bug",
    ),
)


def lesson_card(number: str) -> LessonCard:
    """Return the card of a lesson.

    Parameters
    ----------
    number : str
        For example ``04``, ``4``, or the name of its file.

    Returns
    -------
    LessonCard
        Of the course.

    Raises
    ------
    SettingsError
        If there is no such lesson.
    """
    for card in COURSE:
        if number.zfill(2) == card.number or number in {card.file, card.story}:
            return card
    there = ", ".join(card.number for card in COURSE)
    raise SettingsError(f"there is no lesson {number!r}", hint=f"there are {there}")
