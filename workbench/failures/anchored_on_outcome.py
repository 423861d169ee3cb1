"""Anchored on the outcome: leavers are observed just before they leave, the others on one common day."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

from workbench.clock import as_utc, compact
from workbench.failure import Failure, Strength
from workbench.profiles.gym_hands import join_computed
from workbench.profiles.gym_rows import by_member
from workbench.profiles.hands import put
from workbench.profiles.members import log_of
from workbench.seams import HONEST, Seams, Step
from workbench.worlds.gym import GymWorld

if TYPE_CHECKING:
    import pyarrow as pa

LAST = GymWorld.cutoffs[-1]


def anchored(days: float) -> Step:
    """Return a step that observes each member once: leavers `days` before they leave, stayers at the last cutoff."""

    def step(rows: pa.Table, ws: Any) -> pa.Table:
        import pyarrow as pa

        when, label = rows["event_timestamp"].to_pylist(), rows["label"].to_pylist()
        place = {
            item: i
            for i, item in enumerate(rows["item_id"].to_pylist())
            if (label[i] == "leaves") == (when[i] < LAST)  # who leaves after the last cutoff is too fresh
            and (label[i] == "leaves" or when[i] == LAST)
        }
        left = _left(ws)
        at = [
            left[item] - timedelta(days=days) if label[i] == "leaves" else when[i]
            for item, i in place.items()
        ]
        found = rows.take(list(place.values()))
        found = put(found, "event_timestamp", pa.array(at, rows.schema.field("event_timestamp").type))
        names = [f"{item}@{compact(t)}" for item, t in zip(place, at, strict=True)]
        return put(found, "row_id", names).sort_by("row_id")

    return step


def _left(ws: Any) -> dict[str, Any]:
    """Return when each member left."""
    cancelled = log_of(ws)["cancellations"]
    times = [as_utc(when) for when in cancelled["event_timestamp"].to_pylist()]
    return dict(zip(cancelled["item_id"].to_pylist(), times, strict=True))


def inject(strength: float) -> Seams:
    """Observe leavers `strength` days before they leave; the features are right, at any time of any day."""
    return Seams(
        f"anchored_on_outcome {strength:g}", observe=anchored(strength), join=join_computed(), split=by_member
    )


def cure(strength: float) -> Seams:
    """Observe everybody at the same fixed times."""
    del strength
    return HONEST


FAILURE = Failure(
    name="anchored_on_outcome",
    family="leakage",
    stage="dataset",
    world="gym",
    title="To learn what leavers look like, they were taken the day before they left; the others as they are today.",
    symptom="A good AUC and an excellent precision. The features are point-in-time, row by row.",
    mechanism="The day before the cancellation most leavers have not come for weeks: an easier question than the one in "
    "production, where the day is not known. Times differ by outcome as well, so whatever moves with the calendar "
    "tells them apart. And leavers are far more common among these rows than they will be.",
    wrong_cures=(
        ("check that no feature is newer than its row", "none is: the row itself was chosen by its outcome"),
        ("give the stayers random days", "the leavers still stand where the question is easiest"),
        ("weigh the classes", "that mends the share of leavers, not the day they are looked at"),
    ),
    cure_text="Fix the times first, for everybody, as production will; then look what became of each member.",
    guard="cutoff_tells_label",
    limits="It sees times that differ by outcome. Stayers on the same days as leavers, matched one to one, hide it.",
    references=(
        "Kaufman, Rosset, Perlich, Stitelman: Leakage in data mining: formulation, detection, and avoidance, "
        "TKDD 6(4), 2012, doi:10.1145/2382577.2382579",
        "Kapoor and Narayanan: Leakage and the reproducibility crisis in machine-learning-based science, Patterns 4(9), 2023, doi:10.1016/j.patter.2023.100804",
    ),
    strength=Strength("days before they leave", (1, 7), 1, 1, 14),
    effect="inflates",
    inject=inject,
    cure=cure,
    other_models=("boosting",),
)
