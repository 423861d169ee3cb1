"""Back-dated rows: the join asks when something became true, and not when anybody could know it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from workbench.failure import Failure, Strength
from workbench.seams import HONEST, Seams

if TYPE_CHECKING:
    import pyarrow as pa


def by_event_time(door: Any, rows: pa.Table, view: str, ws: Any) -> pa.Table:
    """Join on event time alone: what Feast does unless it is told otherwise."""
    del ws
    found: pa.Table = door.as_of(rows, view, known_at=False)
    return found


def inject(strength: float) -> Seams:
    """Leave known-at out of the join; the dial of the world says how much is dated back."""
    return Seams(f"back_dated_rows {strength:g}", join=by_event_time)


def cure(strength: float) -> Seams:
    """Join on event time and known-at."""
    del strength
    return HONEST


FAILURE = Failure(
    name="back_dated_rows",
    family="leakage",
    stage="dataset",
    world="gym",
    title="A disputed payment is booked after the member has left, and carries the date of the payment.",
    symptom="A feature is strong offline and nearly always zero online. The join is point-in-time, and everybody trusts it.",
    mechanism="Four weeks after each Monday the feature job computes that Monday again and corrects it: same event "
    "time, later known-at. Disputes of leavers are dated back to their last payment, so the corrected row knows "
    "who has left. A join on event time takes the corrected row. Feast does that by default: "
    "created_timestamp_column only breaks ties.",
    wrong_cures=(
        ("use a point-in-time join", "it is one, on event time"),
        ("switch to a feature store", "the default of this one leaks in the same way"),
        ("drop late rows", "then the correction is lost where it may be used"),
    ),
    cure_text="Ask as known when: get_historical_features(..., filter_by_created_timestamp=True), or a join on both times.",
    guard="truncation",
    limits="It needs the log with known-at. Where rows were changed in place, nobody can tell any more.",
    references=(
        "Feast issue #6615 and pull request #6617: filter_by_created_timestamp",
        "Kaufman, Rosset, Perlich, Stitelman: Leakage in data mining: formulation, detection, and avoidance, "
        "TKDD 6(4), 2012, doi:10.1145/2382577.2382579",
    ),
    strength=Strength("share of leavers who dispute their last payment", (0.2, 0.45, 0.8), 0.45),
    effect="inflates",
    dials=lambda strength: {"chargeback": strength},
    inject=inject,
    cure=cure,
    grows=True,
    family_of_model="boosting",
)
