"""Unseeded split: who is tested on is decided anew each time."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from workbench.failure import Failure, Strength
from workbench.profiles.hands import grouped_split
from workbench.seams import HONEST, Seams

if TYPE_CHECKING:
    import pyarrow as pa


def unseeded(rows: pa.Table, ws: Any) -> list[str]:
    """Deal fruit at random, by dice that nobody wrote down."""
    del ws
    return grouped_split(rows, int(np.random.default_rng().integers(2**31)))


def inject(strength: float) -> Seams:
    """Split without a seed."""
    return Seams(f"unseeded_split {strength:g}", split=unseeded)


def cure(strength: float) -> Seams:
    """Split by time: no dice at all."""
    del strength
    return HONEST


FAILURE = Failure(
    name="unseeded_split",
    stage="dataset",
    title="Same code, same data, three scores.",
    symptom="The score moves by several points between two runs, and the best one is reported.",
    mechanism="Each run tests on other fruit; with 60 of them a few points are luck.",
    wrong_cures=(
        ("average five runs", "the average has no dataset that could be made again"),
        ("set a global seed", "another library draws from it first, and the order of imports decides"),
    ),
    cure_text="Split by a rule (time, or a hash of the key); where dice are needed, record the seed with the run.",
    family="irreproducibility",
    world="packhouse",
    references=(
        "Breck, Cai, Nielsen, Salib, Sculley: The ML Test Score, IEEE Big Data 2017, https://storage.googleapis.com/"
        "pub-tools-public-publication-data/pdf/aad9f93b86b7addfea4c419b9100c6cdd26cacea.pdf",
    ),
    guard="double_run",
    limits="Two runs on one machine: what differs only on another machine, it does not see.",
    strength=Strength("injected or not", (1.0,), 1.0, 1.0, 1.0),
    effect="changes",
    inject=inject,
    cure=cure,
)
