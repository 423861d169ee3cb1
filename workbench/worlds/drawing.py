"""The strokes of the fruit renderer: belt, outline, skin, light, stem.

A picture is built as three planes ``(3, px, px)`` of float64, linear light, about 0 to 1.
Everything on the fruit is computed only where the fruit is, as flat arrays of length ``n``.
No stroke uses BLAS, float32 or Pillow's drawing: with element-wise float64 the pixels come
out equal on numpy 1.26 and 2.x.

Coordinates: ``x`` to the right and ``y`` down, both -1 to 1 over the picture; ``z`` towards
the camera. A fruit is a unit sphere, squashed for the eye only.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Final

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from workbench.worlds.catalogue import Kind
    from workbench.worlds.fruit import Fruit

    Floats = NDArray[np.float64]
    RGB = Sequence[float]

Vector = tuple[float, float, float]
RADIUS: Final = 0.60
"""Radius of a fruit of size 1, in half picture widths."""


@dataclass(frozen=True, slots=True)
class Grid:
    """Pixel centres of a square picture: `x`, `y` and `r2` of shape ``(px, px)``, `line` of ``(px,)``."""

    line: Floats
    x: Floats
    y: Floats
    r2: Floats
    pitch: float


@lru_cache(maxsize=8)
def grid(px: int) -> Grid:
    """Return the pixel centres of a picture of `px` by `px`, made once and read-only."""
    line = (np.arange(px) + 0.5) / px * 2 - 1
    x, y = np.meshgrid(line, line)
    r2 = x * x + y * y
    for plane in (line, x, y, r2):
        plane.setflags(write=False)
    return Grid(line, x, y, r2, 2 / px)


@dataclass(frozen=True, slots=True)
class Pose:
    """Where a fruit lies, how it is turned (radians) and where the lamp is."""

    x: float
    y: float
    roll: float
    yaw: float
    pitch: float
    lamp: Vector


@dataclass(frozen=True, slots=True)
class Outline:
    """The pixels that a fruit covers, with the surface seen in each: arrays of length ``n``.

    Attributes
    ----------
    where : numpy.ndarray
        Flat indices into the picture.
    alpha : numpy.ndarray
        Share of the pixel that is fruit, 0 to 1.
    ax, ay : numpy.ndarray
        Position on the unit disc, after squashing.
    nx, ny, nz : numpy.ndarray
        Unit normal, in the camera's frame.
    px, py, pz : numpy.ndarray
        The same point in the fruit's own frame: what is painted on the skin turns with it.
    """

    where: NDArray[np.intp]
    alpha: Floats
    ax: Floats
    ay: Floats
    nx: Floats
    ny: Floats
    nz: Floats
    px: Floats
    py: Floats
    pz: Floats

    def along(self, d: Vector) -> Floats:
        """Return the cosine between each point of the skin and the direction `d`."""
        return self.px * d[0] + self.py * d[1] + self.pz * d[2]


def unit(v: Sequence[float]) -> Vector:
    """Return `v` with length 1."""
    length = float(np.sqrt(v[0] * v[0] + v[1] * v[1] + v[2] * v[2]))
    return v[0] / length, v[1] / length, v[2] / length


def smooth(x: Floats) -> Floats:
    """Return the smooth step 3x^2 - 2x^3 between 0 and 1."""
    x = np.clip(x, 0, 1)
    return x * x * (3 - 2 * x)


def column(colour: RGB) -> Floats:
    """Return a colour as ``(3, 1)``, to be multiplied with rows of pixels."""
    return np.asarray(colour, dtype=np.float64)[:, None]


def stain(skin: Floats, mask: Floats, darken: float, colour: RGB, amount: float | Floats) -> Floats:
    """Darken the skin ``(3, n)`` under a mask ``(n,)`` and add a colour."""
    return skin * (1 - darken * mask) + column(colour) * (amount * mask)


def belt(colour: RGB, *, weave: float | None, phase: float, px: int) -> Floats:
    """Draw the empty belt.

    Parameters
    ----------
    colour : sequence of float
        Red, green, blue.
    weave : float or None
        Strength of the weave of a flat belt; None for a roller conveyor.
    phase : float
        How far the belt has run.
    px : int
        Width and height.

    Returns
    -------
    numpy.ndarray
        ``(3, px, px)``.
    """
    g = grid(px)
    if weave is None:
        k = (g.line + phase) * 3.2
        round_ = 0.5 + 0.5 * np.cos(k * np.pi)
        gap = np.exp(-(np.cos(k * np.pi / 2) ** 2) * 38)
        texture = 0.16 * (round_ - 0.5) - 0.20 * gap + 0.012 * np.sin(47 * g.y + 9 * np.sin(5 * g.line))
    else:
        threads = weave * np.sin(9 * g.y + 1.7 * np.sin(2.3 * g.line + phase) + 2 * phase)
        texture = threads + 0.02 * np.sin(31 * g.y + 5 * np.sin(g.line * 1.3 + phase))
    picture: Floats = column(colour)[:, :, None] * (1 + texture * 1.4)
    return picture


def cast_shadow(picture: Floats, dx: Floats, dy: Floats, radius: float) -> None:
    """Darken the belt under and beside the fruit, in place; `dx`, `dy` count from its centre."""
    sx, sy = (dx - 0.10 * radius) / radius / 1.12, (dy - 0.20 * radius) / radius / 1.05
    picture *= 1 - 0.62 * np.exp(-np.maximum(sx * sx + sy * sy - 0.55, 0) * 2.6)


def outline(kind: Kind, fruit: Fruit, pose: Pose, lx: Floats, ly: Floats) -> Outline:
    """Find the fruit's pixels, with analytic anti-aliasing, and the surface point in each.

    Parameters
    ----------
    kind, fruit, pose : Kind, Fruit, Pose
        What is drawn, and where.
    lx, ly : numpy.ndarray
        ``(px, px)``: position in fruit radii, from its centre, turned with it.

    Returns
    -------
    Outline
        The covered pixels.
    """
    pitch, radius = 2 / len(lx), RADIUS * fruit.size
    reach = 1.10 * (1 + 0.56 * pitch / radius)
    wide, high = kind.squash
    where = np.flatnonzero((lx / wide) ** 2 + (ly / high) ** 2 < reach * reach)
    ax, ay = kind.shape(lx.ravel()[where] / wide, ly.ravel()[where] / high)
    rr = np.sqrt(ax * ax + ay * ay)
    q = rr / _limb(kind, ax, ay, fruit.texture[0][0])
    alpha = np.clip(0.5 + radius * (1 - q) / pitch * 0.9, 0, 1)
    inside = np.minimum(q, 1)
    scale = np.where(rr > 1e-9, inside / np.maximum(rr, 1e-9), 0)
    nx, ny, nz = ax * scale, ay * scale, np.sqrt(np.maximum(1 - inside * inside, 0))
    m = turn(pose.yaw, pose.pitch)
    px, py, pz = (nx * m[0][j] + ny * m[1][j] + nz * m[2][j] for j in range(3))
    return Outline(where, alpha, ax, ay, nx, ny, nz, px, py, pz)


def _limb(kind: Kind, ax: Floats, ay: Floats, wobble: float) -> float | Floats:
    """Return the radius of the outline in each direction: apples have two hollows and five ribs."""
    if not kind.cavity:
        return 1.0
    angle = np.arctan2(ax, -ay)
    top = 0.11 * kind.cavity * np.exp(-((angle / 0.38) ** 2))
    bottom = 0.045 * kind.cavity * np.exp(-(((np.abs(angle) - np.pi) / 0.30) ** 2))
    return 1 - top - bottom + 0.012 * np.cos(5 * angle + wobble * 6)


def turn(yaw: float, pitch: float) -> tuple[Vector, Vector, Vector]:
    """Return the rotation matrix of a fruit, row by row."""
    cy, sy, cp, sp = np.cos(yaw), np.sin(yaw), np.cos(pitch), np.sin(pitch)
    return (cy, 0.0, sy), (sp * sy, cp, -sp * cy), (-cp * sy, sp, cp * cy)


def mottle(fruit: Fruit, at: Outline) -> Floats:
    """Return the slow pattern of a skin, about -1.5 to 1.5: four waves in the fruit's own frame."""
    waves = np.zeros_like(at.px)
    for i, (a, b, c, d) in enumerate(fruit.texture[:4]):
        along = at.px * ((a - 0.5) * 9) + at.py * ((b - 0.5) * 9) + at.pz * ((c - 0.5) * 9)
        waves += np.sin(along + d * 6.28) * (0.5 if i < 2 else 0.25)
    return waves


def skin(kind: Kind, fruit: Fruit, at: Outline, pattern: Floats) -> Floats:
    """Paint the sound skin, ``(3, n)``: ground colour, blush, dots, and what the kind is known by."""
    t = fruit.texture
    tilt = 0.35 * at.px * (t[9][0] - 0.3) - 0.15 * at.py
    blush = smooth(0.5 + 0.55 * pattern * 0.6 + (fruit.blush - 1) * 0.9 + tilt) * kind.blush_amount
    if kind.streak:
        blush = _streaks(kind, fruit, at, blush)
    hue = column(fruit.hue)
    colour = (column(kind.ground) + hue) * (1 - blush) + (column(kind.blush) + hue * 0.6) * blush
    dots = (
        np.sin(at.px * 38 + t[7][0] * 9) * np.sin(at.py * 41 + t[7][1] * 9) * np.sin(at.pz * 37 + t[7][2] * 9)
    )
    if kind.pore:
        colour = colour * (1 + 0.055 * kind.pore * dots)
    else:
        colour = colour + 0.10 * smooth((dots - 0.62) * 5)
    if kind.bloom:
        colour = colour + (0.10 * smooth(pattern * 0.6 + 0.4)) * column((0.8, 0.85, 1.0))
    if kind.seam:
        groove = np.exp(-(((at.px - 0.12 * np.sin(at.py * 2)) / 0.05) ** 2)) * (at.pz > 0)
        colour = colour * (1 - 0.28 * groove)
    if kind.cavity:
        hollow = np.exp(-((at.ax / 0.30) ** 2 + ((at.ay + 0.86) / 0.16) ** 2))
        colour = colour * (1 - 0.50 * kind.cavity * hollow) + column((0.10, 0.09, 0.02)) * hollow * 0.5
    return colour


def _streaks(kind: Kind, fruit: Fruit, at: Outline, blush: Floats) -> Floats:
    """Draw the blush out into stripes from pole to pole."""
    t, longitude = fruit.texture[8], np.arctan2(at.px, at.pz)
    stripe = np.sin(longitude * (17 + 6 * t[0]) + 2.2 * np.sin(at.py * 5 + t[1] * 6))
    uneven = 0.4 + 0.6 * np.abs(np.sin(longitude * 5 + t[2] * 6))
    streaked: Floats = np.clip(blush + 0.16 * kind.blush_amount * stripe * uneven, 0, 1)
    return streaked


def add_marks(colour: Floats, fruit: Fruit, at: Outline) -> Floats:
    """Paint the harmless russet marks that sound fruit have, too."""
    for mark in fruit.marks:
        mask = smooth(1.25 - (1 - at.along(mark.at)) / (mark.size * mark.size * 0.6))
        colour = stain(colour, mask, 0.38 * mark.turn, (0.30, 0.22, 0.12), 0.30 * mark.turn)
    return colour


def light(colour: Floats, at: Outline, pose: Pose, gloss: float, around: RGB) -> Floats:
    """Light the skin: ambient, lamp, highlight (Blinn-Phong), and the belt's glow at the rim."""
    lamp = pose.lamp
    diffuse = np.clip(at.nx * lamp[0] + at.ny * lamp[1] + at.nz * lamp[2], 0, 1)
    half = unit((lamp[0], lamp[1], lamp[2] + 1))
    mirror = np.clip(at.nx * half[0] + at.ny * half[1] + at.nz * half[2], 0, 1)
    rim = (1 - at.nz) ** 3
    lit = colour * ((0.34 - 0.10 * at.ny + 0.78 * diffuse) * (1 - 0.25 * rim))
    shine = gloss * (0.62 * mirror**60 + 0.16 * mirror**12)
    return lit + column((1.0, 0.99, 0.96)) * shine + column(around) * (rim * 0.18)


def lay(picture: Floats, where: NDArray[np.intp], alpha: Floats, colour: Floats) -> None:
    """Lay colours ``(3, n)`` over the picture, in place, where `alpha` says how much."""
    for plane, paint in zip(picture.reshape(3, -1), colour, strict=True):
        plane[where] = plane[where] * (1 - alpha) + paint * alpha


def add_stem(picture: Floats, kind: Kind, fruit: Fruit, lx: Floats, ly: Floats) -> None:
    """Draw the stem, and on some fruit a leaf, in place."""
    top, length = -0.84 * kind.squash[1] * (1.12 if kind.pear else 1), 0.30 if kind.pear else 0.34
    sharp = RADIUS * fruit.size / (2 / len(lx))
    where = np.flatnonzero((ly < top + 0.03) & (ly > top - length) & (np.abs(lx) < 0.5))
    x, y = lx.ravel()[where], ly.ravel()[where]
    up = np.clip((top - y) / length, 0, 1)
    off = x - (fruit.texture[6][0] - 0.5) * 0.5 * up * up * length * 2
    alpha = np.clip(0.5 - (np.abs(off) - (0.038 + 0.018 * up)) * sharp, 0, 1)
    lay(picture, where, alpha, column((0.30, 0.21, 0.11)) * (0.75 + 0.5 * np.clip(-off / 0.05, -1, 1) * 0.5))
    if fruit.leaf:
        _add_leaf(picture, lx, ly - top + 0.16, sharp)


def _add_leaf(picture: Floats, lx: Floats, ly: Floats, sharp: float) -> None:
    x, y = (lx - 0.26) * 0.92 + ly * 0.38, -(lx - 0.26) * 0.38 + ly * 0.92
    where = np.flatnonzero((np.abs(x) < 0.27) & (np.abs(y) < 0.115 + 1 / sharp))
    x, y = x.ravel()[where], y.ravel()[where]
    half = 0.115 * np.sqrt(np.clip(1 - (x / 0.27) ** 2, 0, 1))
    alpha = np.clip(0.5 + (half - np.abs(y)) * sharp, 0, 1)
    veins = 1 + 0.25 * np.sin(x * 22 + y * 30) - 0.5 * np.exp(-((y / 0.012) ** 2))
    lay(picture, where, alpha, column((0.24, 0.44, 0.14)) * veins)
