"""Cells of the skew scope: what is drawn on an axis, what is written, and when two are the same."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, Final

from workbench.errors import SettingsError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

RTOL: Final = 1e-6
ATOL: Final = 1e-9


def entity_of(
    key: str,
    offline: Mapping[str, Any],
    online: Mapping[str, Any],
    names: Sequence[str],
    score: Sequence[float] | None,
) -> dict[str, Any]:
    """Return one entity as JSON: numbers for the axes, texts for the eyes, and whether the two differ.

    Parameters
    ----------
    key : str
        Of the entity.
    offline, online : mapping of str to object
        Its features.
    names : sequence of str
        Those that are compared.
    score : sequence of float or None
        Offline, online.

    Returns
    -------
    dict
        key, cells, score.

    Raises
    ------
    SettingsError
        If it lacks a feature.
    """
    try:
        pairs = [(offline[name], online[name]) for name in names]
    except KeyError as error:
        raise SettingsError(f"{key} has no feature {error}") from None
    cells = [
        {
            "offline": _number(a),
            "online": _number(b),
            "texts": [_said(a), _said(b)],
            "differs": not _same(a, b),
        }
        for a, b in pairs
    ]
    return {
        "key": str(key),
        "cells": cells,
        "score": None if score is None else [float(one) for one in score],
    }


def feature_of(
    i: int, name: str, entities: Sequence[Mapping[str, Any]], shape: Sequence[str] | None
) -> dict[str, Any]:
    """Return a feature as JSON.

    Parameters
    ----------
    i : int
        Its place among the cells.
    name : str
        Of the feature.
    entities : sequence of mapping
        From `entity_of`.
    shape : sequence of str or None
        Name and detail of its mismatch.

    Returns
    -------
    dict
        name, shape, detail, and the share of entities in which the two sides differ.
    """
    share = sum(entity["cells"][i]["differs"] for entity in entities) / len(entities)
    named, detail = shape or ("", "")
    return {"name": name, "shape": named, "detail": detail, "share": share}


def _same(one: Any, other: Any) -> bool:
    if isinstance(one, (int, float)) and isinstance(other, (int, float)):
        return math.isclose(one, other, rel_tol=RTOL, abs_tol=ATOL)
    return bool(one == other)


def _number(value: Any) -> float | None:
    """Return what can be drawn on an axis."""
    drawn = isinstance(value, (int, float)) and not isinstance(value, bool) and math.isfinite(value)
    return value if drawn else None


def _said(value: Any) -> str:
    return "null" if value is None else f"{value:.4g}" if isinstance(value, float) else str(value)
