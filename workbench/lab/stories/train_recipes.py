"""Four ways to get a better score on the gym without a better model; each beside the honest way, on the same rows."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from workbench.failures import lucky_seed, overlapping_windows_random_split, target_encoding_before_split
from workbench.guards.columns import auc_and_z
from workbench.profiles.gym_rows import by_member
from workbench.profiles.hands import careless_split, grouped_split, put
from workbench.profiles.members import HORIZON, seen_members
from workbench.profiles.models import fit, matrix, probabilities
from workbench.profiles.table_features import VIEW, door_of
from workbench.stages.dataset import split_by_time
from workbench.worlds.gym import GymWorld
from workbench.worlds.gym_features import COLUMNS
from workbench.worlds.gym_observations import LABELS

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    import pyarrow as pa
    from numpy.typing import NDArray

    from workbench.profiles.workspace import Workspace

N_SEEDS: Final = 40
DISTRICT: Final = 35
"""Postcodes of a district: 700 of them and 400 members make 20 of 20."""


@dataclass(frozen=True, slots=True)
class Told:
    """What a test set said.

    Attributes
    ----------
    auc : float
        Of the model on the test rows.
    positive : numpy.ndarray of bool of shape (n,)
        Labels of the test rows.
    score : numpy.ndarray of float of shape (n,)
        What the model said of them.
    """

    auc: float
    positive: NDArray[np.bool_]
    score: NDArray[np.float64]


def known_rows(ws: Workspace, seen: pa.Table | None = None) -> pa.Table:
    """Return observations of a gym with the features that were known at each one's time.

    Parameters
    ----------
    ws : Workspace
        Prepared up to its features.
    seen : pyarrow.Table, optional
        Which observations; default all whose label was ripe.

    Returns
    -------
    pyarrow.Table
        As the stage makes them, before the split.
    """
    seen = seen_members(ws, GymWorld.history_end) if seen is None else seen
    keys = seen.select(["row_id", "item_id", "event_timestamp"])
    found = door_of(ws).as_of(keys, VIEW)
    for name in found.column_names[keys.num_columns :]:
        seen = seen.append_column(name, found[name])
    return seen


def told(
    rows: pa.Table,
    split: Sequence[str],
    ws: Workspace,
    *,
    family: str = "logistic",
    inputs: Sequence[str] = COLUMNS,
) -> Told:
    """Fit on the training rows and judge on the test rows.

    Parameters
    ----------
    rows : pyarrow.Table
        With `inputs` and ``label``.
    split : sequence of str
        Side of each row.
    ws : Workspace
        Its settings are those of the training.
    family : str
        Of the model.
    inputs : sequence of str
        Columns that the model reads.

    Returns
    -------
    Told
        AUC and what stands behind it.
    """
    side = np.array(split)
    features, labels = matrix(rows, tuple(inputs)), np.array(rows["label"].to_pylist())
    settings = replace(ws.settings.train, family=family)
    model = fit(features[side == "train"], labels[side == "train"], settings, inputs=tuple(inputs))
    positive = labels[side == "test"] == LABELS[-1]
    score = probabilities(model, features[side == "test"], LABELS)[:, -1]
    return Told(auc_and_z(positive, score)[0], positive, score)


def by_time(rows: pa.Table) -> list[str]:
    """Split as the stage does: by time, with an embargo of one horizon."""
    times = rows["event_timestamp"].to_pylist()
    return split_by_time(times, times, HORIZON.total_seconds(), validation=0, max_embargo=1)[0]


# -- postcodes --------------------------------------------------------------------------------------------------


def encoded_before(rows: pa.Table, ws: Workspace) -> Told:
    """Encode each postcode by its share of leavers over all rows, then split by member."""
    rows = target_encoding_before_split.encoded(rows, ws)
    return told(
        rows,
        by_member(rows, ws),
        ws,
        family="boosting",
        inputs=(*COLUMNS, target_encoding_before_split.COLUMN),
    )


def encoded_by_district(rows: pa.Table, ws: Workspace) -> Told:
    """Encode before the split as well, but by districts: neighbouring postcodes, about 20 members each."""
    code = np.unique(target_encoding_before_split.postcodes(rows, ws) // DISTRICT, return_inverse=True)[1]
    leaves = target_encoding_before_split.leavers(rows)
    share = np.bincount(code, leaves) / np.bincount(code)
    rows = put(rows, target_encoding_before_split.COLUMN, share[code])
    return told(
        rows,
        by_member(rows, ws),
        ws,
        family="boosting",
        inputs=(*COLUMNS, target_encoding_before_split.COLUMN),
    )


def encoded_inside(rows: pa.Table, ws: Workspace) -> Told:
    """Split by member, then encode from the training rows."""
    rows = rows.append_column("split", [by_member(rows, ws)])
    rows = target_encoding_before_split.cross_fitted(rows, ws)
    split = rows["split"].to_pylist()
    return told(rows, split, ws, family="boosting", inputs=(*COLUMNS, target_encoding_before_split.COLUMN))


def rerun_of(
    recipe: Callable[[pa.Table, Workspace], Told], rows: pa.Table, ws: Workspace
) -> Callable[[Any], Any]:
    """Return a recipe as the label shuffle wants it: labels in, labels and scores of the test rows out."""

    def rerun(labels: Any) -> tuple[Any, Any]:
        dealt = [LABELS[-1] if label else LABELS[0] for label in labels]
        found = recipe(put(rows, "label", dealt), ws)
        return found.positive, found.score

    return rerun


# -- weekly rows ------------------------------------------------------------------------------------------------


def weekly_rows(ws: Workspace) -> pa.Table:
    """Return one observation of each member a week instead of one in four weeks."""
    return known_rows(
        ws, overlapping_windows_random_split.every(1)(seen_members(ws, GymWorld.history_end), ws)
    )


def dealt_at_random(rows: pa.Table, ws: Workspace) -> list[str]:
    """Deal single rows."""
    return careless_split(rows, ws.settings.train.seed)


# -- forty seeds ------------------------------------------------------------------------------------------------


def forty_scores(ws: Workspace) -> tuple[float, ...]:
    """Return what forty splits of the same 1,600 rows claim, one model each."""
    rows = lucky_seed.few(known_rows(ws), ws)
    return tuple(told(rows, grouped_split(rows, seed), ws).auc for seed in range(N_SEEDS))


# -- the scaler -------------------------------------------------------------------------------------------------


def scaled(rows: pa.Table, ws: Workspace, *, before: bool) -> float:
    """Return the AUC with a scaler that was fitted on all rows, or on the training rows.

    Parameters
    ----------
    rows : pyarrow.Table
        With features.
    ws : Workspace
        Its settings are those of the training.
    before : bool
        Fit the scaler on all rows.

    Returns
    -------
    float
        On a split by time.
    """
    from workbench.failures.scaler_before_split import scaled_by_all

    split = by_time(rows)
    if not before:
        return told(rows, split, ws).auc
    rows, side = rows.append_column("split", [split]), np.array(split)
    model = scaled_by_all(rows, ws.settings.train, COLUMNS)
    test = rows.filter(side == "test")
    positive = np.array(test["label"].to_pylist()) == LABELS[-1]
    return auc_and_z(positive, probabilities(model, matrix(test, COLUMNS), LABELS)[:, -1])[0]
