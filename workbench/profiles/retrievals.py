"""Rows in, the same rows out: what a feature store must not change, checked.

Feast's DuckDB store returns rows in another order on every run, its default store drops some.
So each observation travels with its position; afterwards the rows are sorted by it, and their
number, positions and keys are compared with what was asked.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from workbench.clock import timestamp_type
from workbench.errors import RetrievalError
from workbench.profiles.definitions import EVENT_TIME, KEY

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    import pyarrow as pa

POSITION: Final = "workbench_position"
"""Where an observation stands; it travels along."""


def entities_of(observations: pa.Table, added: Iterable[str]) -> Any:
    """Return keys, times and positions of observations as the data frame that Feast wants.

    Parameters
    ----------
    observations : pyarrow.Table
        ``row_id``, ``item_id``, ``event_timestamp`` and any other columns.
    added : iterable of str
        Names of the columns that the features will get.

    Returns
    -------
    pandas.DataFrame
        One row an observation.

    Raises
    ------
    RetrievalError
        If a column is missing, or already has the name of a feature.
    """
    import numpy as np
    import pyarrow as pa

    wanted = {"row_id", KEY, EVENT_TIME}
    if missing := wanted - set(observations.column_names):
        raise RetrievalError(f"the observations have no {sorted(missing)}", hint=f"give {sorted(wanted)}")
    if taken := set(added) & set(observations.column_names):
        raise RetrievalError(
            f"the observations already have {sorted(taken)}", hint="drop these columns first"
        )
    if observations.schema.field(EVENT_TIME).type != timestamp_type():
        raise RetrievalError(
            f"{EVENT_TIME!r} is {observations.schema.field(EVENT_TIME).type}",
            hint=f"cast it to {timestamp_type()}",
        )
    positions = pa.array(np.arange(observations.num_rows))
    return observations.select([KEY, EVENT_TIME]).append_column(POSITION, positions).to_pandas()


def same_rows(observations: pa.Table, found: pa.Table, added: Mapping[str, pa.Field]) -> pa.Table:
    """Put what the store found beside the observations, in their order.

    Parameters
    ----------
    observations : pyarrow.Table
        As given to `entities_of`.
    found : pyarrow.Table
        What the store made of it, in any order, with the features.
    added : mapping of str to pyarrow.Field
        Feature to the name and the type that it gets beside an observation.

    Returns
    -------
    pyarrow.Table
        `observations` with the columns that `added` names, in its order.

    Raises
    ------
    RetrievalError
        If the store lost, added or changed a row.
    """
    import numpy as np

    found, n_rows = found.sort_by(POSITION), observations.num_rows
    if found.num_rows != n_rows or not np.array_equal(found[POSITION].to_numpy(), np.arange(n_rows)):
        raise RetrievalError(
            f"{n_rows} observations came back as {found.num_rows} rows",
            hint='the offline store is at fault; set offline_store = "asof" in workspace.toml',
        )
    for name in (KEY, EVENT_TIME):
        if not _equal(found[name], observations[name]):
            raise RetrievalError(f"the offline store changed {name!r} of the observations")
    for feature, field in added.items():
        observations = observations.append_column(field.name, found[feature].cast(field.type))
    return observations


def _equal(found: pa.ChunkedArray, asked: pa.ChunkedArray) -> bool:
    """Compare values; stores return the same text and times in types of their own."""
    import pyarrow as pa

    try:
        return bool(found.cast(asked.type).equals(asked))
    except pa.ArrowInvalid:  # parts of a microsecond, for example
        return False
