"""Where a case differs from the honest pipeline of the same season: what a good diagnosis points at."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from workbench.lab.bench import run_with
from workbench.lab.watch import rows_of, served_vectors
from workbench.lab.watch_tables import served_rows
from workbench.profiles.members import has_tables
from workbench.profiles.table_features import door_of
from workbench.seams import HONEST
from workbench.worlds.gym_features import COLUMNS

if TYPE_CHECKING:
    import pyarrow as pa

    from workbench.lab.bench import Outcome

ASIDE: Final = ("asked_at", "run_id")
"""Columns that differ from run to run, or say only when somebody asked."""
_TINY: Final = 1e-4


def served_of(outcome: Outcome) -> pa.Table:
    """Return the vectors that the model was given in production, one row an answer."""
    return served_rows(outcome) if has_tables(outcome.ws) else served_vectors(outcome)


def differing(outcome: Outcome) -> tuple[str, ...]:
    """Return the columns in which a case differs from the honest pipeline.

    Parameters
    ----------
    outcome : Outcome
        Of the case.

    Returns
    -------
    tuple of str
        In alphabetical order. Of the dataset ``row_id`` where rows were added or lost, ``event_timestamp``
        where they stand at other times, and every column whose value differs in a row that both have; of
        the served rows the same.
    """
    honest = run_with(outcome.ws, HONEST, training=outcome.ws.settings.train)
    found = _between(rows_of(honest), rows_of(outcome), "row_id")
    key = "row_id" if has_tables(outcome.ws) else "item_id"
    found |= _between(served_of(honest), served_of(outcome), key)
    return tuple(sorted(found - {*ASIDE}))


def _between(right: pa.Table, there: pa.Table, key: str) -> set[str]:
    one, two = ({row[key]: row for row in table.to_pylist()} for table in (right, there))
    found = set() if one.keys() == two.keys() else {key}
    if "event_timestamp" in right.column_names and _times(right) != _times(there):
        found.add("event_timestamp")
    found |= {name for name in there.column_names if name not in right.column_names}
    both = [(one[name], two[name]) for name in one if name in two]
    shared = [name for name in right.column_names if name in there.column_names and name != key]
    return found | {name for name in shared if any(_other(a[name], b[name]) for a, b in both)}


def _times(rows: pa.Table) -> set[Any]:
    return set(rows["event_timestamp"].to_pylist())


def _other(one: Any, two: Any) -> bool:
    """Return whether two values differ by more than what arithmetic in another order makes of them."""
    import numpy as np

    if isinstance(one, (list, float)) and isinstance(two, (list, float)):
        a, b = np.asarray(one, float), np.asarray(two, float)
        return a.shape != b.shape or not np.allclose(a, b, rtol=_TINY, atol=_TINY, equal_nan=True)
    return bool(one != two)


def training_path(outcome: Outcome) -> pa.Table | None:
    """Return what the training path says about the rows that were served, or None for photos.

    Parameters
    ----------
    outcome : Outcome
        Of the case.

    Returns
    -------
    pyarrow.Table or None
        ``row_id`` and the features, as whoever makes a dataset would get them.
    """
    if not has_tables(outcome.ws):
        return None
    asked = served_of(outcome).select(["row_id", "item_id", "event_timestamp"])
    door, view, join = door_of(outcome.ws), outcome.record.dataset.feature_view, outcome.seams.join
    found: pa.Table = join(door, asked, view, outcome.ws) if join else door.as_of(asked, view)
    return found.select(["row_id", *COLUMNS])
