"""Fruit on a packing line, and the cameras that look at it.

Every draw of chance is keyed by what it is for: the same (seed, id) gives the same pixels,
whatever was drawn before it and in whichever process. A fruit is a sphere with a skin of
its own, so the frames of a burst show it turning.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

from workbench.worlds import blemishes, drawing, optics
from workbench.worlds.camera_file import encode
from workbench.worlds.catalogue import BELTS, BLEMISHES, CAMERAS, KINDS, NEW_CAMERA, Camera, Kind
from workbench.worlds.drawing import RADIUS, Pose, Vector, unit

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    Floats = NDArray[np.float64]


__all__ = [
    "BELTS",
    "BLEMISHES",
    "CAMERAS",
    "KINDS",
    "NEW_CAMERA",
    "Camera",
    "Fruit",
    "Kind",
    "encode",
    "make_fruit",
    "render",
    "rng_for",
]

_WEAVE: Final = {"white": 0.012, "wooden": 0.05}
"""Strength of the weave of a flat belt; the others are roller conveyors."""


def rng_for(*key: object) -> np.random.Generator:
    """Return the stream of chance that belongs to a key.

    Only ``random()`` and ``integers()`` are to be drawn from it: their streams are the
    same in all numpy versions that we support.

    Parameters
    ----------
    *key : object
        What the chance is for; its text counts.

    Returns
    -------
    numpy.random.Generator
        PCG64, seeded by the blake2b hash of the key.
    """
    digest = hashlib.blake2b("/".join(map(str, key)).encode(), digest_size=16).digest()
    return np.random.Generator(np.random.PCG64(int.from_bytes(digest, "little")))


def between(rng: np.random.Generator) -> Callable[[float, float], float]:
    """Return ``u(a, b)``: the next draw of `rng`, evenly between `a` and `b`."""
    return lambda a, b: a + (b - a) * rng.random()


@dataclass(frozen=True, slots=True)
class Spot:
    """A place on the skin: direction in the fruit's frame, size (about radians), and a turn or strength."""

    at: Vector
    size: float
    turn: float


@dataclass(frozen=True, slots=True)
class Fruit:
    """One fruit with all that is its own.

    Attributes
    ----------
    uid : str
        Its name within a seed.
    kind : str
        One of `KINDS`.
    blemish : str
        One of `BLEMISHES`, or ``none``.
    severity : float
        0 to 1: what a knife would find.
    size : float
        Radius, about .86 to 1.08.
    hue : tuple of float
        Added to the ground colour.
    blush : float
        How much of it is blushed, about .6 to 1.25.
    texture : tuple
        Ten rows of four numbers in 0 to 1: the phases of its skin.
    spots, marks : tuple of Spot
        Where its blemish sits; and harmless marks that all fruit have.
    leaf : bool
        A leaf is left on the stem.
    """

    uid: str
    kind: str
    blemish: str
    severity: float
    size: float
    hue: Vector
    blush: float
    texture: tuple[tuple[float, ...], ...]
    spots: tuple[Spot, ...]
    marks: tuple[Spot, ...]
    leaf: bool


def make_fruit(seed: object, uid: object, kind: str, blemish: str = "none", severity: float = 0.0) -> Fruit:
    """Grow a fruit.

    Parameters
    ----------
    seed, uid : object
        Their texts decide everything that is not asked for below.
    kind : str
        One of `KINDS`.
    blemish : str
        One of `BLEMISHES`, or ``none``.
    severity : float
        Of the blemish, 0 to 1.

    Returns
    -------
    Fruit
        The same for the same arguments, everywhere.
    """
    rng = rng_for(seed, "fruit", uid)
    u = between(rng)
    spots = _spots(rng, blemish)
    marks = tuple(
        Spot(unit((u(-1, 1), u(-1, 1), u(-0.3, 1.0))), u(0.06, 0.13), u(0.10, 0.38))
        for _ in range(int(rng.integers(0, 4)))
    )
    return Fruit(
        uid=str(uid),
        kind=kind,
        blemish=blemish,
        severity=severity,
        size=u(0.86, 1.08),
        hue=(u(-0.06, 0.06), u(-0.05, 0.05), u(-0.04, 0.04)),
        blush=u(0.6, 1.25),
        texture=tuple(tuple(row) for row in rng.random((10, 4)).tolist()),
        spots=spots,
        marks=marks,
        leaf=rng.random() < 0.22,
    )


def _spots(rng: np.random.Generator, blemish: str) -> tuple[Spot, ...]:
    """Place a blemish where the camera sees it in the middle of a burst; scab is nine spots."""
    u = between(rng)
    centre = unit((u(-0.75, 0.75), u(-0.55, 0.75), 1.0))
    if blemish == "none":
        return ()
    if blemish != "scab":
        return (Spot(centre, u(0.8, 1.25), u(0, np.pi)),)

    def near() -> Vector:
        return unit((centre[0] + u(-0.55, 0.55), centre[1] + u(-0.55, 0.55), centre[2]))

    return tuple(Spot(near(), u(0.8, 1.25), u(0, np.pi)) for _ in range(9))


def render(  # noqa: PLR0913 (a scene has that many sides; all but three are keywords with defaults)
    seed: object,
    fruit: Fruit,
    camera: Camera,
    *,
    frame: int = 0,
    pass_id: int = 0,
    visible: float = 1.0,
    px: int = 96,
    lamp: float = 1.0,
    dirt: float = 0.0,
    warm: float = 0.0,
) -> NDArray[np.uint8]:
    """Take a picture of a fruit.

    Parameters
    ----------
    seed : object
        Of the world.
    fruit : Fruit
        What lies there.
    camera : Camera
        What looks at it.
    frame : int
        Position in the burst: the fruit turns a little from each to the next.
    pass_id : int
        How often it has come past: another pass, another pose.
    visible : float
        Share of the blemish that shows: a bruise is faint at first and browns in a day or two.
    px : int
        Width and height of the picture.
    lamp : float
        Brightness of the lamp; 1 is new.
    dirt : float
        Dirt on the lens, 0 to 1.
    warm : float
        Shift of the light towards red.

    Returns
    -------
    numpy.ndarray
        ``(px, px, 3)``, uint8, RGB.
    """
    kind, around = KINDS[fruit.kind], BELTS[camera.belt]
    passing = rng_for(seed, "pass", fruit.uid, camera.id, pass_id)
    shot = rng_for(seed, "frame", fruit.uid, camera.id, pass_id, frame)
    pose, start = _pose(passing, shot, frame)
    phase = pass_id * 0.37 + frame * 0.11 + start * 9
    picture = drawing.belt(around, weave=_WEAVE.get(camera.belt), phase=phase, px=px)
    _place(picture, kind, fruit, pose, around, visible)
    if dirt > 0:
        picture = optics.soil(picture, _specks(seed, camera, dirt))
    flicker = 1 + between(shot)(-0.02, 0.02)
    tint = np.array((1 + warm, 1.0, 1 - warm * 1.3))
    gain = np.asarray(camera.gain) * tint * camera.exposure * 1.14 * lamp * flicker
    picture = optics.through_lens(picture, camera, gain)
    noise = shot.random((px, px, 3)) + shot.random((px, px, 3)) - 1.0
    return optics.expose(picture, noise, camera.noise)


def _pose(passing: np.random.Generator, shot: np.random.Generator, frame: int) -> tuple[Pose, float]:
    """Return the pose in this frame of this pass, and where along the belt the pass began."""
    u, v = between(passing), between(shot)
    x, y, roll, yaw, pitch = u(-0.10, 0.10), u(-0.08, 0.08), u(-0.6, 0.6), u(-0.35, 0.35), u(-0.3, 0.3)
    lamp = unit((-0.45 + u(-0.12, 0.12), -0.55 + u(-0.1, 0.1), 0.75))
    pose = Pose(
        x=x + 0.015 * (frame - 1) + v(-0.008, 0.008),
        y=y + v(-0.008, 0.008),
        yaw=yaw + 0.10 * (frame - 1) + v(-0.02, 0.02),
        pitch=pitch + v(-0.02, 0.02),
        roll=roll + v(-0.02, 0.02),
        lamp=lamp,
    )
    return pose, x


def _place(picture: Floats, kind: Kind, fruit: Fruit, pose: Pose, around: Vector, visible: float) -> None:
    """Put the fruit on the belt, in place: shadow, skin, blemish, light, stem."""
    g, radius = drawing.grid(picture.shape[-1]), RADIUS * fruit.size
    dx, dy = g.x - pose.x, g.y - pose.y
    drawing.cast_shadow(picture, dx, dy, radius)
    c, s = np.cos(pose.roll * 0.5), np.sin(pose.roll * 0.5)
    lx, ly = (c * dx + s * dy) / radius, (-s * dx + c * dy) / radius
    at = drawing.outline(kind, fruit, pose, lx, ly)
    pattern = drawing.mottle(fruit, at)
    colour = drawing.add_marks(drawing.skin(kind, fruit, at, pattern), fruit, at)
    colour = blemishes.add_blemish(colour, fruit, at, pattern, visible=visible)
    drawing.lay(picture, at.where, at.alpha, drawing.light(colour, at, pose, kind.gloss, around))
    if kind.stem:
        drawing.add_stem(picture, kind, fruit, lx, ly)


def _specks(seed: object, camera: Camera, dirt: float) -> list[tuple[float, float, float, float]]:
    """Return the dirt on a camera's lens: it grows in number and stays where it is."""
    rng = rng_for(seed, "dirt", camera.id)
    r = rng.random
    return [(r() * 2 - 1, r() * 2 - 1, 0.10 + 0.22 * r(), 0.25 + 0.35 * r()) for _ in range(round(dirt * 7))]
