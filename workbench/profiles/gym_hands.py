"""Small tools that failures of the gym share: features computed with another setting, offline and online."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from workbench.profiles.hands import put
from workbench.profiles.members import log_of
from workbench.worlds.gym_features import COLUMNS, LOOKUP, windows, with_on_demand

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    import pyarrow as pa
    from numpy.typing import NDArray

    from workbench.profiles.workspace import Workspace
    from workbench.seams import Join, Step


def computed(log: Mapping[str, pa.Table], rows: pa.Table, **how: Any) -> pa.Table:
    """Compute the features of rows from a log, past the feature store: a query of somebody's own.

    Parameters
    ----------
    log : mapping of str to pyarrow.Table
        As ``door.log``.
    rows : pyarrow.Table
        ``item_id`` and ``event_timestamp``; other columns are kept.
    **how : Any
        Of `workbench.worlds.gym_features.windows`; as it stands, the query is right.

    Returns
    -------
    pyarrow.Table
        The rows with ``feature_timestamp`` and `workbench.worlds.gym_features.COLUMNS`.
    """
    found = with_on_demand(windows(log, rows, **how)).drop_columns(list(LOOKUP))
    found = found.append_column("feature_timestamp", rows["event_timestamp"])
    return found.select([*rows.column_names, "feature_timestamp", *COLUMNS])


def join_computed(**how: Any) -> Join:
    """Return a join that computes the features with another setting instead of asking the store."""

    def join(door: Any, rows: pa.Table, view: str, ws: Any) -> pa.Table:
        del view, ws
        return computed(door.log, rows, **how)

    return join


def served_computed(columns: Iterable[str], **how: Any) -> Step:
    """Return a step that replaces some columns by what a service computes with another setting."""
    names = tuple(columns)

    def step(rows: pa.Table, ws: Workspace) -> pa.Table:
        asked = rows.select(["item_id", "asked_at"]).rename_columns(["item_id", "event_timestamp"])
        found = computed(log_of(ws), asked, **how)
        for name in names:
            rows = put(rows, name, found[name])
        return rows

    return step


def numbers(rows: pa.Table, name: str) -> NDArray[np.float64]:
    """Return a column as numbers, NaN where it has no value."""
    return np.asarray(rows[name].to_numpy(), np.float64)


def answered_otherwise(
    rows: pa.Table, values: Mapping[str, NDArray[np.float64]], share: float = 1.0
) -> pa.Table:
    """Return the rows with some columns replaced in the first `share` of them.

    Parameters
    ----------
    rows : pyarrow.Table
        What the online store gave back.
    values : mapping of str to numpy.ndarray of shape (n,)
        Column to what another service says instead; NaN is unknown.
    share : float
        Of the requests that this other service answers.

    Returns
    -------
    pyarrow.Table
        The same rows in the same order.
    """
    import pyarrow as pa

    other = np.arange(rows.num_rows) < round(share * rows.num_rows)
    for name, said in values.items():
        mixed = np.where(other, said, numbers(rows, name))
        rows = put(rows, name, pa.array(mixed, pa.float64(), from_pandas=True))
    return rows
