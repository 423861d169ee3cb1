"""What a service serves: as it should, and spoilt in ways that several guards look at."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from scripts.rates.worlds import MANY, column, dice, features, gym, members, put

if TYPE_CHECKING:
    from collections.abc import Callable

    import pyarrow as pa

    Spoil = Callable[[pa.Table, np.random.Generator], pa.Table]

SERVED: Final = 400
KEYS: Final = ("item_id", "event_timestamp")
WINDOWS: Final = ("visits_7d", "visits_30d", "visits_90d")


@lru_cache(maxsize=2)
def asked(seed: int) -> pa.Table:
    """Return 400 members at a cutoff of production, drawn at random."""
    world = gym(seed, MANY)
    at = world.production_cutoffs[seed % len(world.production_cutoffs)]
    who = members(world.log(at), at)
    return who.take(np.sort(dice(seed).choice(who.num_rows, min(SERVED, who.num_rows), replace=False)))


def served(seed: int, **how: Any) -> pa.Table:
    """Return what a service answers that computes from what is recorded at the moment."""
    at = asked(seed)["event_timestamp"][0].as_py()
    return features(gym(seed, MANY).log(at), asked(seed), **how)


@lru_cache(maxsize=4)
def right(seed: int) -> pa.Table:
    """Return what a service answers that does everything as it should."""
    return served(seed)


def scaled(name: str, factor: float) -> Spoil:
    """Give a column another unit."""
    return lambda rows, _: put(rows, name, column(rows, name) * factor)


def swapped(one: str, two: str) -> Spoil:
    """Exchange the values of two columns."""
    return lambda rows, _: put(put(rows, one, rows[two]), two, rows[one])


def with_capital(rows: pa.Table, _: object) -> pa.Table:
    """Write the club with a capital."""
    return put(rows, "club", [str(name).title() for name in rows["club"].to_pylist()])
