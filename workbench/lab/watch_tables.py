"""What each guard says about a pipeline of the gym that was run on the bench."""

from __future__ import annotations

from collections import Counter
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final

from workbench.clock import parse_utc
from workbench.guards import (
    cutoff_tells_label,
    fitted_memory,
    freshness,
    label_maturity,
    parity,
    schema,
    truncation,
    window_overlap,
)
from workbench.lab.watch import identity, remembered, rows_of, shuffled, single_columns, times, twice, twins
from workbench.profiles.log_door import LogDoor
from workbench.profiles.members import HORIZON, due_members, log_of
from workbench.profiles.mornings import answered
from workbench.profiles.runs import Runs
from workbench.profiles.scorer import as_table
from workbench.profiles.table_features import door_of
from workbench.stages.dataset import observations
from workbench.worlds.gym_features import COLUMNS
from workbench.worlds.gym_jobs import WEEK

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from datetime import datetime

    import pyarrow as pa

    from workbench.guards.evidence import Finding
    from workbench.lab.bench import Outcome

_KEYS: Final = ("row_id", "item_id", "event_timestamp")
_EARLIER: Final = tuple(timedelta(days=days) for days in (7, 14, 28, 56))
_WINDOWS: Final = ("visits_7d", "visits_30d", "visits_90d")

_FLAGS: Final = ("annual", *(n for n in COLUMNS if n.startswith(("plan_", "channel_"))))
POSSIBLE: Final[Mapping[str, tuple[float, float]]] = {
    name: {
        "age": (14, 110),
        "monthly_fee": (5, 200),
        "tenure_days": (30, 36_500),
        "days_since_visit": (0, 90),
        "evening_share": (0, 1),
        "paid_60d": (0, 1_000),
        "trend": (0, 3),
        **dict.fromkeys(_FLAGS, (0, 1)),
    }.get(name, (0, 400))
    for name in COLUMNS
}
"""Between what limits each feature of a member can be, as somebody who knows the gym would say."""
_MAY_BE_UNKNOWN: Final = ("days_since_visit", "evening_share")


def _cut_log(outcome: Outcome) -> Finding:
    """Run the feature code of the dataset on the log, and on what was known at its most frequent moment."""
    rows = rows_of(outcome)
    counted = Counter(rows["event_timestamp"].to_pylist())
    at = max(counted, key=lambda when: (counted[when], when))
    asked = _at(rows, at)

    def build(log: Mapping[str, pa.Table]) -> pa.Table:
        found = _join(outcome, LogDoor(log), asked)
        return found.drop_columns([name for name in ("row_id",) if name in found.column_names])

    return truncation.check(truncation.measure(build, log_of(outcome.ws), at))


def _at(rows: pa.Table, at: datetime) -> pa.Table:
    import pyarrow as pa
    import pyarrow.compute as pc

    column = rows["event_timestamp"]
    there = rows.filter(pc.equal(column, pa.scalar(at, column.type))).select(list(_KEYS))
    _, first = _first_of_each(there["item_id"].to_pylist())
    return there.take(pa.array(first))


def _first_of_each(items: list[str]) -> tuple[set[str], list[int]]:
    """Return where each item stands for the first time: a row that was repeated is asked once."""
    seen: set[str] = set()
    first = [i for i, item in enumerate(items) if not (item in seen or seen.add(item))]  # type: ignore[func-returns-value]
    return seen, first


def _join(outcome: Outcome, door: Any, asked: pa.Table) -> pa.Table:
    view = outcome.record.dataset.feature_view
    join = outcome.seams.join
    found: pa.Table = join(door, asked, view, outcome.ws) if join else door.as_of(asked, view)
    return found


def _time_alone(outcome: Outcome) -> Finding:
    positive = outcome.record.dataset.labels[-1]
    return cutoff_tells_label.check(
        cutoff_tells_label.measure(rows_of(outcome), positive=positive, group="item_id")
    )


def _windows(outcome: Outcome) -> Finding:
    return window_overlap.check(window_overlap.measure(rows_of(outcome), horizon_s=HORIZON.total_seconds()))


def _ripe(outcome: Outcome) -> Finding:
    extracted = parse_utc(outcome.record.dataset.cutoff_timestamp)
    return label_maturity.check(
        label_maturity.measure(rows_of(outcome), horizon_s=HORIZON.total_seconds(), extracted_at=extracted)
    )


def _memory(outcome: Outcome) -> Finding:
    model = Runs(outcome.ws).load_model(outcome.record.run_id)
    return fitted_memory.check(fitted_memory.measure(model, int(outcome.record.params["n_train"])))


def served_rows(outcome: Outcome) -> pa.Table:
    """Return what the model was given in production, after every hand.

    Parameters
    ----------
    outcome : Outcome
        A run of the gym that was served.

    Returns
    -------
    pyarrow.Table
        ``row_id``, ``item_id``, ``event_timestamp`` (the morning), ``asked_at``,
        ``feature_timestamp`` and the features.
    """
    return remembered("served rows", outcome, lambda: _served(outcome))


def _served(outcome: Outcome) -> pa.Table:
    import pyarrow as pa

    parts = []
    for now, due in due_members(outcome.ws, parse_utc(outcome.record.dataset.cutoff_timestamp)).items():
        row_of = dict(zip(due["item_id"].to_pylist(), due["row_id"].to_pylist(), strict=True))
        found = [row for row in answered(outcome.ws, list(row_of), now) if row.found]
        given = outcome.seams.online(as_table(found, now), outcome.ws)
        ids = [row_of[item_id] for item_id in given["item_id"].to_pylist()]
        given = given.append_column("row_id", pa.array(ids, pa.string()))
        parts.append(given.append_column("event_timestamp", given["asked_at"]))
    return pa.concat_tables(parts)


def _paired(outcome: Outcome) -> Finding:
    """Compare what was served with what the training path says about the same members at the same times."""
    online = served_rows(outcome)
    asked = online.select(list(_KEYS))
    offline = _join(outcome, door_of(outcome.ws), asked)
    how: dict[str, Any] = {"keys": ("row_id",), "columns": list(COLUMNS), "windows": _WINDOWS}
    measured = parity.measure(offline, online, **how)
    if measured.columns:  # what differs may be what was true before; that is asked for only then
        measured = parity.measure(offline, online, **how, earlier=_earlier(outcome, asked))
    return parity.check(measured)


def _earlier(outcome: Outcome, asked: pa.Table) -> pa.Table:
    """Return what the store knew about the same rows at each of some earlier times, in one question."""
    import pyarrow as pa
    import pyarrow.compute as pc

    at = asked.column_names.index("event_timestamp")
    kind = asked.schema.field(at)
    then = [pc.subtract(asked["event_timestamp"], pa.scalar(age, pa.duration("us"))) for age in _EARLIER]
    parts = [asked.set_column(at, kind, when.cast(kind.type)) for when in then]
    found = door_of(outcome.ws).as_of(pa.concat_tables(parts), outcome.record.dataset.feature_view)
    return found.select(["row_id", *COLUMNS])


def _fresh(outcome: Outcome) -> Finding:
    measured = freshness.measure(served_rows(outcome), at="asked_at", max_age_s=WEEK.total_seconds())
    return freshness.check(measured)


def _shape(outcome: Outcome) -> Finding:
    """Hold what was served against what can be: a learned schema of few rows would know no rare count.

    Missing may be what is missing by nature, and what was missing in training.
    """
    import pandera.pandas as pandera

    trained = rows_of(outcome)
    unknown = {*_MAY_BE_UNKNOWN, *(name for name in POSSIBLE if trained[name].null_count)}
    columns = {
        name: pandera.Column(float, pandera.Check.in_range(*limits), nullable=name in unknown)
        for name, limits in POSSIBLE.items()
    }
    served = served_rows(outcome).select(list(POSSIBLE))
    return schema.check(schema.measure(served, pandera.DataFrameSchema(columns, strict=True, ordered=True)))


def observed_rows(outcome: Outcome) -> pa.Table:
    """Return the observations that a run asked the feature store about, at whatever times.

    Parameters
    ----------
    outcome : Outcome
        A run of the gym.

    Returns
    -------
    pyarrow.Table
        As `workbench.profiles.members.seen_members`.
    """

    def observe() -> pa.Table:
        cutoff = parse_utc(outcome.record.dataset.cutoff_timestamp)
        return outcome.seams.observe(observations(outcome.ws, cutoff), outcome.ws)

    return remembered("observed rows", outcome, observe)


def _same_rows(outcome: Outcome) -> Finding:
    """Compare the rows of the dataset with those that were observed: who is observed when is a choice, not a loss."""
    return identity(outcome, observed_rows(outcome))


def _each_row(outcome: Outcome) -> Finding:
    """Deal labels row by row: a member is asked about again and again, and may stay once and leave later."""
    return shuffled(outcome, "row_id", observed_rows(outcome))


TABLE_GUARDS: Final[Mapping[str, Callable[[Outcome], Finding]]] = {
    "pit_audit": times,
    "truncation": _cut_log,
    "window_overlap": _windows,
    "row_twins": twins,
    "solo_feature": single_columns,
    "cutoff_tells_label": _time_alone,
    "label_maturity": _ripe,
    "row_identity": _same_rows,
    "label_shuffle": _each_row,
    "fitted_memory": _memory,
    "parity": _paired,
    "freshness": _fresh,
    "schema": _shape,
    "double_run": twice,
}
"""Name of a guard to how it looks at a run of the gym."""
