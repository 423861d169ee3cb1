"""Worlds that several cases look at: gyms, seasons of the packhouse, and their pictures. The last few are kept."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from workbench.worlds.gym import GymWorld, observations
from workbench.worlds.gym_features import COLUMNS, windows, with_on_demand

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

    import pyarrow as pa
    from numpy.typing import NDArray

    from workbench.records import Capture

FEW, SOME, MANY = 300, 600, 1200
"""Members of a gym."""
SIDES: Final = np.array(["train", "test"])

__all__ = ["COLUMNS"]


def put(rows: pa.Table, name: str, values: Any, kind: Any = None) -> pa.Table:
    """Return the rows with a column set, in its place where it is there; NaN becomes null."""
    import pyarrow as pa

    array = values if isinstance(values, pa.ChunkedArray) else pa.array(values, kind, from_pandas=True)
    if name in rows.column_names:
        return rows.set_column(rows.column_names.index(name), name, array)
    return rows.append_column(name, array)


def dice(seed: int, *more: int) -> np.random.Generator:
    """Return the dice of a case; another number is another dice."""
    return np.random.default_rng([seed, *more])


@lru_cache(maxsize=4)
def gym(seed: int, n_members: int = SOME, drift: float = 0.0) -> GymWorld:
    """Return a gym; it is simulated when it is first asked."""
    return GymWorld("tiny", seed=seed, n_members=n_members, drift_effect=drift)


def features(log: Mapping[str, pa.Table], rows: pa.Table, **how: Any) -> pa.Table:
    """Return the rows with all features, as `workbench.worlds.gym_features.windows` makes them."""
    return with_on_demand(windows(log, rows, threads=1, **how))


@lru_cache(maxsize=4)
def history(seed: int, n_members: int = SOME) -> pa.Table:
    """Return who was a member at each cutoff of the history, with their label."""
    world = gym(seed, n_members)
    return world.observations(world.cutoffs, known_by=world.history_end)


@lru_cache(maxsize=4)
def honest(seed: int, n_members: int = SOME) -> pa.Table:
    """Return the rows of the history with honest features and their label."""
    world = gym(seed, n_members)
    return features(world.log(world.history_end), history(seed, n_members))


def members(log: Mapping[str, pa.Table], at: datetime) -> pa.Table:
    """Return who is a member at a moment, without labels: they come from the future."""
    who = observations(log, [at], horizon=GymWorld.horizon, known_by=at)
    return who.drop_columns(["label", "label_known_at"])


def column(rows: pa.Table, name: str) -> NDArray[Any]:
    """Return a column of numbers or texts; null becomes NaN, or None."""
    return np.asarray(rows[name].to_pandas().to_numpy())


def numbers(rows: pa.Table, names: Sequence[str] = COLUMNS) -> NDArray[np.float64]:
    """Return columns as a matrix (n_rows, n_columns), NaN where nothing is known."""
    return np.column_stack([column(rows, name).astype(np.float64) for name in names])


def leaves(rows: pa.Table) -> NDArray[np.bool_]:
    """Return who leaves, shape (n_rows,)."""
    return np.asarray(column(rows, "label") == "leaves")


def rate_of(name: NDArray[Any], yes: NDArray[np.bool_]) -> NDArray[np.float64]:
    """Return for each row how often it is yes among the rows of its name: target encoding over all rows."""
    _, code = np.unique(name.astype(str), return_inverse=True)
    rates: NDArray[np.float64] = (np.bincount(code, yes) / np.bincount(code))[code]
    return rates


def torn(rows: pa.Table, seed: int) -> pa.Table:
    """Put a quarter of the rows, drawn one by one, on the test side."""
    return put(rows, "split", SIDES[(dice(seed, 1).random(rows.num_rows) < 0.25).astype(int)])


def held_together(rows: pa.Table, by: str, seed: int) -> pa.Table:
    """Put a quarter of the groups on the test side, whole."""
    names, which = np.unique(column(rows, by).astype(str), return_inverse=True)
    return put(rows, "split", SIDES[(dice(seed, 1).random(len(names)) < 0.25).astype(int)[which]])


@lru_cache(maxsize=4)
def fruit(seed: int, device_label: float = 0.0, n: int = 240, frames: int = 4) -> pa.Table:
    """Return the frames of a season of the packhouse, undrawn: a burst for each of `n` fruit.

    ``delay_s`` is how long a burst was on the way: a number of the fruit that says nothing of its health.
    """
    import pyarrow as pa

    from workbench.worlds.packhouse import SORTS
    from workbench.worlds.season import FRAME_GAP, Season, dials_for

    dials = dials_for("lesson", history_fruit=n, device_label=device_label)
    season = Season(f"packhouse-{seed}", dials, tuple(SORTS))
    return pa.Table.from_pylist(
        [
            {"item_id": one.item_id, "device": one.line, "label": one.label, "frame": frame}
            | {"event_timestamp": one.when + frame * FRAME_GAP, "delay_s": one.delay.total_seconds()}
            for one in season.history()
            for frame in range(frames)
        ]
    )


@lru_cache(maxsize=2)
def photos(seed: int, n_fruit: int, frames: int, rotated: float = 0.0) -> list[Capture]:
    """Return drawn captures of the lines, none of them damaged."""
    from workbench.worlds.packhouse import PackhouseWorld

    dials = {"history_fruit": n_fruit, "frames": frames, "rotated": rotated}
    world = PackhouseWorld("lesson", seed, production_fruit=0, hostile_every=0, **dials)
    return [capture for capture in world.captures() if capture.station == "line"]
