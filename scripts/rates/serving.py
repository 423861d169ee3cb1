"""Guards of serving: schema, psi."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import numpy as np

from scripts.rates import Case
from scripts.rates.served import right, scaled, swapped, with_capital
from scripts.rates.worlds import COLUMNS, MANY, column, dice, features, gym, honest, members, put
from workbench.guards import psi, schema
from workbench.guards.evidence import Finding

if TYPE_CHECKING:
    from collections.abc import Callable

    import pyarrow as pa

    from scripts.rates.served import Spoil


# -- schema ------------------------------------------------------------------------------------------------------

TRAINED: Final = ("event_timestamp", *COLUMNS, "club")


def _schema(seed: int, spoil: Spoil | None = None, drift: float = 0.0, **how: Any) -> Finding:
    """Learn from the history, look at what is served later."""
    learned = schema.learn(honest(seed, MANY).select(TRAINED))
    world = gym(seed, MANY, drift)
    at = world.production_cutoffs[-1]
    rows = features(world.log(at), members(world.log(at), at), **how).select(TRAINED)
    return schema.check(schema.measure(rows if spoil is None else spoil(rows, dice(seed)), learned))


def _no_zone(rows: pa.Table, _: object) -> pa.Table:
    import pyarrow as pa

    return put(rows, "event_timestamp", rows["event_timestamp"].cast(pa.timestamp("us")))


def _no_fee(rows: pa.Table, rng: np.random.Generator) -> pa.Table:
    fee = column(rows, "monthly_fee").copy()
    fee[rng.integers(len(fee))] = np.nan
    return put(rows, "monthly_fee", fee)


def _minus_one(rows: pa.Table, _: object) -> pa.Table:
    return put(rows, "days_since_visit", np.nan_to_num(column(rows, "days_since_visit"), nan=-1))


def _whole(rows: pa.Table, _: object) -> pa.Table:
    return put(rows, "visits_30d", rows["visits_30d"].cast("int64"))


SCHEMA: Final = (
    Case("schema", "production, six months later", "clean", _schema),
    Case("schema", "production after a rival opened", "clean", lambda seed: _schema(seed, drift=1.0)),
    Case("schema", "money in cents", "flaw", lambda seed: _schema(seed, scaled("monthly_fee", 100))),
    Case("schema", "a category with a capital", "flaw", lambda seed: _schema(seed, with_capital)),
    Case("schema", "a time without a zone", "flaw", lambda seed: _schema(seed, _no_zone)),
    Case(
        "schema",
        "another order of columns",
        "flaw",
        lambda seed: _schema(seed, lambda rows, _: rows.select(sorted(TRAINED))),
    ),
    Case("schema", "counts as integers", "flaw", lambda seed: _schema(seed, _whole)),
    Case(
        "schema",
        "one more column",
        "flaw",
        lambda seed: _schema(seed, lambda rows, _: put(rows, "more", rows["age"])),
    ),
    Case(
        "schema",
        "a column missing",
        "flaw",
        lambda seed: _schema(seed, lambda rows, _: rows.drop_columns(["age"])),
    ),
    Case("schema", "one null where there were none", "flaw", lambda seed: _schema(seed, _no_fee)),
    Case("schema", "-1 for null", "flaw", lambda seed: _schema(seed, _minus_one)),
    Case("schema", "values of four weeks ago", "blind", lambda seed: _schema(seed, shift_days=-28)),
    Case("schema", "tenure in months", "blind", lambda seed: _schema(seed, scaled("tenure_days", 1 / 30.4))),
    Case(
        "schema",
        "values of two columns exchanged",
        "flaw",
        lambda seed: _schema(seed, swapped("visits_7d", "visits_30d")),
    ),
)

# -- psi: it never fires; counted is that it says of some column that it moved ----------------------------------


def _moved(reference: pa.Table, current: pa.Table) -> Finding:
    evidence = psi.measure(reference, current, columns=COLUMNS)
    said = psi.check(evidence)
    if said.fired:
        return said
    return Finding("psi", not said.sentence.startswith("0 of"), said.sentence, evidence)


def _training(seed: int) -> pa.Table:
    """Return one row a member of the history: rows of one member are not independent."""
    rows = honest(seed, MANY)
    order = dice(seed, 1).permutation(rows.num_rows)
    _, first = np.unique(column(rows, "item_id").astype(str)[order], return_index=True)
    return rows.take(order[first])


def _halves(seed: int) -> Finding:
    rows = _training(seed)
    order = dice(seed).permutation(rows.num_rows)
    return _moved(rows.take(order[::2]), rows.take(order[1::2]))


def _moved_by(spoil: Spoil) -> Callable[[int], Finding]:
    """Compare what should have been served with what was: nothing but the flaw differs."""

    def look(seed: int) -> Finding:
        rows = _training(seed)
        order = dice(seed).permutation(rows.num_rows)
        return _moved(rows.take(order[::2]), spoil(rows.take(order[1::2]), dice(seed, 2)))

    return look


PSI: Final = (
    Case("psi", "says that a column moved: halves of one table", "clean", _halves),
    Case(
        "psi",
        "says that a column moved: production, nothing wrong",
        "misused",
        lambda seed: _moved(_training(seed), right(seed)),
    ),
    Case(
        "psi", "says that a column moved: recency in hours", "flaw", _moved_by(scaled("days_since_visit", 24))
    ),
    Case(
        "psi",
        "says that a column moved: two columns exchanged",
        "flaw",
        _moved_by(swapped("visits_7d", "visits_90d")),
    ),
    Case(
        "psi",
        "says that a column moved: visits of other members",
        "blind",
        _moved_by(
            lambda rows, rng: put(rows, "visits_30d", rows["visits_30d"].take(rng.permutation(rows.num_rows)))
        ),
    ),
)

CASES: Final = (*SCHEMA, *PSI)
