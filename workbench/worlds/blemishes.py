"""What can be wrong with a fruit, and how it looks.

Each stroke paints one spot on the skin ``(3, n)``. `depth` is the severity, 0 to 1; `seen` is
the part of it that shows at this moment: a fresh bruise is deep, and faint.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import numpy as np

from workbench.worlds.drawing import smooth, stain, unit

if TYPE_CHECKING:
    from collections.abc import Callable

    from workbench.worlds.drawing import Floats, Outline
    from workbench.worlds.fruit import Fruit, Spot


def _bruise(colour: Floats, at: Outline, spot: Spot, depth: float, seen: float, pattern: Floats) -> Floats:
    size = (0.22 + 0.30 * depth) * spot.size
    mask = smooth(1.5 - (1 - at.along(spot.at)) / (size * size * 0.45) + 0.18 * pattern) * seen
    return stain(colour, mask, 0.50, (0.40, 0.26, 0.13), 0.42)


def _scab(colour: Floats, at: Outline, spot: Spot, depth: float, seen: float, _: Floats) -> Floats:
    size = (0.07 + 0.09 * depth) * spot.size
    mask = smooth(1.6 - (1 - at.along(spot.at)) / (size * size * 0.5)) * min(1.0, seen * 1.25)
    return stain(colour, mask, 0.72, (0.20, 0.16, 0.09), 0.62)


def _rot(colour: Floats, at: Outline, spot: Spot, depth: float, seen: float, pattern: Floats) -> Floats:
    size = (0.28 + 0.34 * depth) * spot.size
    distance = (1 - at.along(spot.at)) / (size * size * 0.5)
    mask = smooth(1.6 - distance + 0.25 * pattern) * min(1.0, seen * 1.2)
    rings = 0.5 + 0.5 * np.cos(distance * 9)
    return stain(colour, mask, 0.80, (0.27, 0.16, 0.07), 0.65 + 0.25 * rings)


def _wormhole(colour: Floats, at: Outline, spot: Spot, depth: float, seen: float, _: Floats) -> Floats:
    size = (0.08 + 0.07 * depth) * spot.size
    away = 1 - at.along(spot.at)
    halo = smooth(1.4 - away / (size * size * 2.6)) * seen
    hole = smooth(2 - away / (size * size * 0.5)) * min(1.0, seen * 1.4)
    return stain(stain(colour, halo, 0.35, (0.35, 0.25, 0.10), 0.25), hole, 0.9, (0.05, 0.03, 0.02), 1.0)


def _scratch(colour: Floats, at: Outline, spot: Spot, depth: float, seen: float, _: Floats) -> Floats:
    d, c, s = spot.at, np.cos(spot.turn), np.sin(spot.turn)
    e1 = unit((d[1] + 1e-6, -d[0] + 1e-6, 1e-6))
    e2 = (d[1] * e1[2] - d[2] * e1[1], d[2] * e1[0] - d[0] * e1[2], d[0] * e1[1] - d[1] * e1[0])
    along = at.along((c * e1[0] + s * e2[0], c * e1[1] + s * e2[1], c * e1[2] + s * e2[2]))
    across = at.along((-s * e1[0] + c * e2[0], -s * e1[1] + c * e2[1], -s * e1[2] + c * e2[2]))
    across = across + 0.12 * np.sin(along * 7)
    ends = smooth((0.25 + 0.35 * depth - np.abs(along)) / 0.08) * (at.along(d) > 0)
    mask = np.exp(-((across / 0.035) ** 2)) * ends * min(1.0, seen * 1.3)
    return stain(colour, mask, 0.55, (0.52, 0.36, 0.18), 0.55)


STROKES: Final[dict[str, Callable[..., Any]]] = {
    "bruise": _bruise,
    "scab": _scab,
    "rot": _rot,
    "wormhole": _wormhole,
    "scratch": _scratch,
}
"""What paints a blemish, by its name."""


def add_blemish(colour: Floats, fruit: Fruit, at: Outline, pattern: Floats, *, visible: float) -> Floats:
    """Paint the fruit's blemish as far as it is visible yet."""
    for spot in fruit.spots:
        seen = fruit.severity * visible
        colour = STROKES[fruit.blemish](colour, at, spot, fruit.severity, seen, pattern)
    return colour
