"""What there is in the packhouse: kinds of fruit, belts, cameras."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

from workbench.worlds.drawing import smooth

if TYPE_CHECKING:
    from workbench.worlds.drawing import Floats, Vector


@dataclass(frozen=True, slots=True)
class Kind:
    """How a kind of fruit looks: colours (linear RGB, 0 to 1), proportions, and its marks."""

    ground: Vector
    blush: Vector
    blush_amount: float
    squash: tuple[float, float] = (1.0, 1.0)
    gloss: float = 0.4
    cavity: float = 0.0
    stem: bool = False
    streak: bool = False
    pear: bool = False
    tip: bool = False
    pore: float = 0.0
    bloom: bool = False
    seam: bool = False

    def shape(self, ax: Floats, ay: Floats) -> tuple[Floats, Floats]:
        """Bend the unit disc into this kind's outline: a pear's neck, a lemon's ends."""
        if self.pear:
            ax = ax / (0.66 + 0.36 * smooth((ay + 1.05) / 1.25))
        if self.tip:
            ay = ay / (1 - 0.30 * np.abs(ax) ** 3)
            ax = ax / (1 + 0.06 * np.exp(-((ay / 0.25) ** 2)))
        return ax, ay


_RED, _GREEN, _YELLOW = (0.80, 0.55, 0.22), (0.52, 0.70, 0.20), (0.90, 0.78, 0.26)

KINDS: Final[dict[str, Kind]] = {
    "red apple": Kind(
        _RED, (0.74, 0.06, 0.10), 0.97, (1.00, 0.93), gloss=0.55, cavity=1, stem=True, streak=True
    ),
    "green apple": Kind(_GREEN, (0.66, 0.74, 0.28), 0.45, (1.00, 0.94), gloss=0.55, cavity=1, stem=True),
    "yellow apple": Kind(
        _YELLOW, (0.90, 0.50, 0.24), 0.40, (1.00, 0.95), gloss=0.50, cavity=1, stem=True, streak=True
    ),
    "pear": Kind(
        (0.72, 0.74, 0.24), (0.78, 0.56, 0.22), 0.35, (0.80, 1.00), gloss=0.35, stem=True, pear=True
    ),
    "orange": Kind((0.95, 0.55, 0.10), (0.96, 0.46, 0.06), 0.50, (1.00, 0.98), pore=1),
    "lemon": Kind((0.96, 0.86, 0.22), (0.93, 0.80, 0.16), 0.40, (1.12, 0.84), pore=0.8, tip=True),
    "plum": Kind(
        (0.42, 0.16, 0.38),
        (0.24, 0.10, 0.32),
        0.60,
        (0.92, 1.00),
        gloss=0.30,
        cavity=0.5,
        stem=True,
        bloom=True,
    ),
    "peach": Kind(
        (0.95, 0.72, 0.42), (0.88, 0.32, 0.24), 0.65, (1.00, 0.96), gloss=0.12, cavity=0.6, seam=True
    ),
}
"""The fruit that the renderer knows."""

BELTS: Final[dict[str, Vector]] = {
    "grey": (0.36, 0.37, 0.39),
    "blue": (0.20, 0.30, 0.44),
    "green": (0.20, 0.34, 0.27),
    "white": (0.74, 0.75, 0.74),
    "wooden": (0.50, 0.37, 0.24),
}
"""Belts and tables with their colours (linear RGB)."""

BLEMISHES: Final = ("bruise", "scab", "rot", "wormhole", "scratch")
"""What can be wrong with a fruit; ``none`` is the sixth possibility."""


@dataclass(frozen=True, slots=True)
class Camera:
    """A camera over a belt.

    Attributes
    ----------
    id : str
        Name: ``line-a`` ... ``bench``.
    gain : tuple of float
        Per channel: its colour cast.
    belt : str
        One of `BELTS`.
    noise, vignette, blur, exposure : float
        Of its sensor and lens; 0 is none, exposure 1 is normal.
    serial : str
        Device serial number, as in EXIF.
    gps : tuple of float
        Latitude and longitude in degrees, north and east.
    """

    id: str
    gain: Vector = (1.0, 1.0, 1.0)
    belt: str = "grey"
    noise: float = 0.012
    vignette: float = 0.35
    blur: float = 0.5
    exposure: float = 1.0
    serial: str = "PX0-0000"
    gps: tuple[float, float] = (46.95, 7.44)


CAMERAS: Final[dict[str, Camera]] = {
    camera.id: camera
    for camera in (
        Camera("line-a", (1.03, 1.00, 0.95), "grey", 0.012, 0.35, 0.45, 1.00, "PX5-2031", (46.951, 7.438)),
        Camera("line-b", (0.94, 1.00, 1.07), "blue", 0.016, 0.45, 0.55, 0.95, "PX5-2044", (46.951, 7.439)),
        Camera("line-c", (1.00, 1.05, 0.96), "green", 0.022, 0.55, 0.75, 0.90, "PX3-0917", (46.902, 7.501)),
        Camera("bench", (1.02, 1.00, 1.00), "white", 0.006, 0.12, 0.35, 1.06, "RX1-0004", (46.952, 7.441)),
    )
}
"""Three lines and the bench."""

NEW_CAMERA: Final = Camera(
    "line-d", (1.05, 0.98, 0.93), "wooden", 0.010, 0.30, 0.40, 1.02, "PX7-0102", (46.903, 7.502)
)
"""Of a line that is built when production begins: newer than the others, over a belt of wood."""
