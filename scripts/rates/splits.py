"""Guards of rows and splits: row_twins, group_overlap, row_identity."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import numpy as np

from scripts.rates import Case
from scripts.rates.worlds import (
    COLUMNS,
    FEW,
    SIDES,
    column,
    dice,
    fruit,
    held_together,
    history,
    honest,
    leaves,
    put,
    torn,
)
from workbench.guards import group_overlap, row_identity, row_twins

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pyarrow as pa

    from workbench.guards.evidence import Finding

# -- row_twins ---------------------------------------------------------------------------------------------------

COARSE: Final = ("annual", "plan_plus", "plan_premium", "failed_60d", "tickets_60d", "visits_7d")


def _twins(rows: pa.Table, columns: Sequence[str] = COLUMNS) -> Finding:
    return row_twins.check(row_twins.measure(rows, columns=columns))


def _again(seed: int, share: float = 0.25) -> pa.Table:
    """Return the rows of a gym, and a share of them a second time."""
    import pyarrow as pa

    rows = honest(seed, FEW)
    more = dice(seed).choice(rows.num_rows, int(share * rows.num_rows), replace=False)
    return pa.concat_tables([rows, rows.take(more)])


def _oversampled(seed: int) -> pa.Table:
    """Repeat those who leave until there are as many as stay."""
    import pyarrow as pa

    rows = honest(seed, FEW)
    y = leaves(rows)
    return pa.concat_tables(
        [rows, rows.take(dice(seed).choice(np.flatnonzero(y), int((~y).sum() - y.sum())))]
    )


def _noisy_copies(seed: int) -> Finding:
    """Deliver a quarter twice, the second time with a tenure that is a minute older."""
    rows = _again(seed)
    tenure = column(rows, "tenure_days") + (np.arange(rows.num_rows) >= honest(seed, FEW).num_rows) / 1440
    return _twins(torn(put(rows, "tenure_days", tenure), seed))


ROW_TWINS: Final = (
    Case(
        "row_twins", "no copies, split at random", "clean", lambda seed: _twins(torn(honest(seed, FEW), seed))
    ),
    Case(
        "row_twins",
        "no copies, six columns of small counts",
        "clean",
        lambda seed: _twins(torn(honest(seed, FEW), seed), COARSE),
    ),
    Case("row_twins", "a quarter delivered twice", "flaw", lambda seed: _twins(torn(_again(seed), seed))),
    Case("row_twins", "1 % delivered twice", "flaw", lambda seed: _twins(torn(_again(seed, 0.01), seed))),
    Case(
        "row_twins",
        "oversampled before the split",
        "flaw",
        lambda seed: _twins(torn(_oversampled(seed), seed)),
    ),
    Case("row_twins", "copies with one number changed", "blind", _noisy_copies),
)

# -- group_overlap -----------------------------------------------------------------------------------------------


def _groups(rows: pa.Table, group: str = "item_id") -> Finding:
    return group_overlap.check(group_overlap.measure(rows, group=group))


def _one_pair(seed: int) -> Finding:
    """Tear one single burst apart."""
    rows = held_together(fruit(seed), "item_id", seed)
    split = column(rows, "split").copy()
    row = int(dice(seed).integers(len(split)))
    split[row] = {"train": "test", "test": "train"}[split[row]]
    return _groups(put(rows, "split", split))


def _second_name(seed: int) -> Finding:
    """Give every other frame of a fruit a second name, and keep whole names on one side."""
    rows = fruit(seed)
    odd = column(rows, "frame") % 2
    rows = put(
        rows, "name", [f"{name}-{i}" for name, i in zip(rows["item_id"].to_pylist(), odd, strict=True)]
    )
    return _groups(put(rows, "split", SIDES[odd]), "name")


GROUPS: Final = (
    Case(
        "group_overlap",
        "fruit kept together",
        "clean",
        lambda seed: _groups(held_together(fruit(seed), "item_id", seed)),
    ),
    Case("group_overlap", "frames dealt one by one", "flaw", lambda seed: _groups(torn(fruit(seed), seed))),
    Case("group_overlap", "one burst of 240 torn apart", "flaw", _one_pair),
    Case("group_overlap", "a fruit under two names", "blind", _second_name),
)

# -- row_identity ------------------------------------------------------------------------------------------------


def _identity(seed: int, spoil: Any) -> Finding:
    """Ask for the rows of a gym; `spoil` gets them and dice, and returns what comes back."""
    asked = history(seed, FEW)
    return row_identity.check(row_identity.measure(asked, spoil(asked, dice(seed)), columns=("label",)))


def _shuffled(rows: pa.Table, rng: np.random.Generator) -> pa.Table:
    return rows.take(rng.permutation(rows.num_rows))


def _some(rows: pa.Table, rng: np.random.Generator) -> int:
    return int(rng.integers(rows.num_rows))


def _lost(rows: pa.Table, rng: np.random.Generator) -> pa.Table:
    return rows.take(np.delete(np.arange(rows.num_rows), _some(rows, rng)))


def _repeated(rows: pa.Table, rng: np.random.Generator) -> pa.Table:
    return rows.take(np.append(np.arange(rows.num_rows), _some(rows, rng)))


def _by_position(rows: pa.Table, rng: np.random.Generator) -> pa.Table:
    """Let a join return the rows in another order, and put the labels beside them by position."""
    return put(_shuffled(rows, rng), "label", rows["label"])


def _unnamed(rows: pa.Table, rng: np.random.Generator) -> pa.Table:
    """Let a column that is not named lose its keys."""
    return put(rows, "label_known_at", rows["label_known_at"].take(rng.permutation(rows.num_rows)))


IDENTITY: Final = (
    Case("row_identity", "all rows, in another order", "clean", lambda seed: _identity(seed, _shuffled)),
    Case("row_identity", "one row lost", "flaw", lambda seed: _identity(seed, _lost)),
    Case("row_identity", "one row twice", "flaw", lambda seed: _identity(seed, _repeated)),
    Case(
        "row_identity",
        "labels by position after a reordering",
        "flaw",
        lambda seed: _identity(seed, _by_position),
    ),
    Case(
        "row_identity",
        "a column that is not named, by position",
        "blind",
        lambda seed: _identity(seed, _unnamed),
    ),
)

CASES: Final = (*ROW_TWINS, *GROUPS, *IDENTITY)
