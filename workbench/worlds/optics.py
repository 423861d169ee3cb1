"""From the light on a fruit to the numbers in a file: dirt, lens, sensor."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from workbench.worlds.drawing import column, grid

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from workbench.worlds.catalogue import Camera
    from workbench.worlds.drawing import Floats


def soil(picture: Floats, specks: Sequence[tuple[float, float, float, float]]) -> Floats:
    """Blur specks of dirt on the lens into the picture: x, y, radius and strength of each."""
    g = grid(picture.shape[-1])
    for x, y, radius, strength in specks:
        spot = np.exp(-((g.x - x) ** 2 + (g.y - y) ** 2) / radius**2 * 2)
        veil = column((0.42, 0.40, 0.36))[:, :, None] * (0.35 * strength * spot)
        picture = picture * (1 - strength * spot) + veil
    return picture


def through_lens(picture: Floats, camera: Camera, gain: Floats) -> Floats:
    """Apply vignette, gain per channel ``(3,)`` and a soft focus (three taps each way)."""
    picture = picture * (1 - camera.vignette * 0.42 * grid(picture.shape[-1]).r2) * gain[:, None, None]
    if camera.blur <= 0:
        return picture
    side = camera.blur * 0.5 / 1.5
    p = np.concatenate((picture[:, :1], picture, picture[:, -1:]), axis=1)
    picture = picture * (1 - 2 * side) + (p[:, :-2] + p[:, 2:]) * side
    p = np.concatenate((picture[:, :, :1], picture, picture[:, :, -1:]), axis=2)
    return picture * (1 - 2 * side) + (p[:, :, :-2] + p[:, :, 2:]) * side


def expose(picture: Floats, noise: Floats, strength: float) -> NDArray[np.uint8]:
    """Roll off the highlights, add the sensor's noise and quantise.

    Parameters
    ----------
    picture : numpy.ndarray
        ``(3, px, px)``, linear light.
    noise : numpy.ndarray
        ``(px, px, 3)``, triangular on -1 to 1.
    strength : float
        Of the noise, in units of full scale.

    Returns
    -------
    numpy.ndarray
        ``(px, px, 3)``, uint8.
    """
    seen = np.ascontiguousarray(np.clip(picture, 0, 1.4).transpose(1, 2, 0))
    seen /= 1 + 0.12 * seen * seen
    seen += noise * (strength * 1.5) * np.sqrt(np.maximum(seen, 0.02) + 0.08)
    return np.rint(np.clip(seen, 0, 1) ** 0.86 * 255).astype(np.uint8)
