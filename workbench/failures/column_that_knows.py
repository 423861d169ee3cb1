"""Column that knows: a table of today says who has left, and is joined to rows of last year."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from workbench.clock import as_utc
from workbench.failure import Failure, Strength
from workbench.hashing import bucket_of
from workbench.profiles.hands import put
from workbench.profiles.members import log_of
from workbench.seams import HONEST, Join, Seams, Step
from workbench.worlds.gym import GymWorld

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    import pyarrow as pa

COLUMN = "has_reason_for_cancellation"


def flags(log: Mapping[str, pa.Table], rows: pa.Table, share: float, by: datetime) -> list[float]:
    """Return 1 for each row whose member had been asked for a reason by then, else 0."""
    cancelled = log["cancellations"]
    asked = {
        item
        for item, known in zip(
            cancelled["item_id"].to_pylist(), cancelled["created_timestamp"].to_pylist(), strict=True
        )
        if known <= by and bucket_of(f"reason-{item}", 100) < 100 * share
    }
    return [float(item in asked) for item in rows["item_id"].to_pylist()]


def as_of_today(share: float) -> Join:
    """Return a join that adds the column as the members table has it on the day of the export."""

    def join(door: Any, rows: pa.Table, view: str, ws: Any) -> pa.Table:
        del ws
        found = door.as_of(rows, view)
        return put(found, COLUMN, flags(door.log, rows, share, GymWorld.history_end))

    return join


def as_of_that_morning(share: float) -> Step:
    """Return a step that adds the column as production has it: who is asked about has not cancelled."""

    def step(rows: pa.Table, ws: Any) -> pa.Table:
        now = as_utc(rows["asked_at"][0].as_py())
        return put(rows, COLUMN, flags(log_of(ws), rows, share, now))

    return step


def inject(strength: float) -> Seams:
    """Join the reasons of a share `strength` of the leavers, as they are known today."""
    return Seams(
        f"column_that_knows {strength:g}",
        join=as_of_today(strength),
        inputs=(COLUMN,),
        online=as_of_that_morning(strength),
    )


def cure(strength: float) -> Seams:
    """Leave the column out: at the time of an observation it is always empty."""
    del strength
    return HONEST


FAILURE = Failure(
    name="column_that_knows",
    family="leakage",
    stage="dataset",
    world="gym",
    title="The members table has a column reason_for_cancellation. Today it is filled in for everybody who left.",
    symptom="A score as never before, and one column towers over all others.",
    mechanism="The export was made today and joined to observations of the past. Whoever gave a reason has left by "
    "today, most of them long after the month that is asked about. In production nobody has given a reason yet: the "
    "column is 0 for all. A linear model still ranks members as well as it would have without it, only the claim was a "
    "lie; but it has learned that without a reason nearly nobody leaves, and its probabilities are all close to 0.",
    wrong_cures=(
        ("split by time", "every row knows the future of its own member, on both sides of the split"),
        ("drop the reason, keep whether there is one", "that there is one is what gives it away"),
        ("regularise", "a column that knows the answer is the last one to be shrunk away"),
    ),
    cure_text="Allow only columns with an event time and a known-at, and join as of the observation. What is always "
    "empty then is no feature.",
    guard="truncation",
    limits="It needs the feature code and the log with known-at. Of a finished table, solo_feature sees the column "
    "only while it is nearly always filled in.",
    references=(
        "Kaufman, Rosset, Perlich, Stitelman: Leakage in data mining: formulation, detection, and avoidance, "
        "TKDD 6(4), 2012, doi:10.1145/2382577.2382579",
        "Kapoor and Narayanan: Leakage and the reproducibility crisis in machine-learning-based science, Patterns 4(9), 2023, doi:10.1016/j.patter.2023.100804",
    ),
    strength=Strength("share of leavers who were asked for a reason", (0.25, 0.5, 1.0), 1.0, 0.01),
    effect="inflates",
    inject=inject,
    cure=cure,
    guards_too=("solo_feature",),
    grows=True,
    other_models=("boosting",),
)
