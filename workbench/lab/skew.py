"""The skew scope on two tables: the guard names the shapes, the model says what they do to the score."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from workbench.guards import parity
from workbench.widgets import SkewScope

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    import pyarrow as pa

    Scorer = Callable[[pa.Table], Sequence[float]]


def skew_scope(
    offline: pa.Table,
    online: pa.Table,
    *,
    key: str = "item_id",
    score: Scorer | None = None,
    most: int = 50,
    **measured: Any,
) -> SkewScope:
    """Return a scope on what was trained on and what was served.

    Parameters
    ----------
    offline, online : pyarrow.Table
        As for `workbench.guards.parity.measure`, one row a key.
    key : str
        Column that names an entity.
    score : callable, optional
        Takes a table of features, returns a probability for each row.
    most : int
        Entities that are shown, the first ones of `offline`; shapes and shares are read from all.
    **measured : object
        For the guard: ``windows``, ``earlier``, ``rtol``, ``atol``.

    Returns
    -------
    SkewScope
        With the guard's shapes.
    """
    by_column = parity.measure(offline, online, keys=(key,), **measured).facts["by_column"]
    shapes = {name: (of["shape"], of["detail"]) for name, of in by_column.items() if of["cells"]}
    sides = [_by_key(table, key, [*by_column]) for table in (offline, online)]
    keys = [one for one in sides[0] if one in sides[1]][:most]
    scores = None if score is None else _scores(score, offline, online, key)
    one, two = ({entity: side[entity] for entity in keys} for side in sides)
    scope = SkewScope(one, two, shapes=shapes, scores=scores, key=key.removesuffix("_id"))
    scope.features = [feature | {"share": by_column[feature["name"]]["share"]} for feature in scope.features]
    return scope


def _by_key(table: pa.Table, key: str, names: Sequence[str]) -> dict[str, dict[str, Any]]:
    rows = table.select([key, *names]).to_pylist()
    return {str(row.pop(key)): row for row in rows}


def _scores(score: Scorer, offline: pa.Table, online: pa.Table, key: str) -> dict[str, tuple[float, float]]:
    sides = []
    for table in (offline, online):
        found = score(table.drop_columns([key]))
        sides.append({str(k): float(p) for k, p in zip(table[key].to_pylist(), found, strict=True)})
    return {entity: (sides[0][entity], sides[1][entity]) for entity in sides[0] if entity in sides[1]}
