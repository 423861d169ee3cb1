"""How alike two pictures must be before chance no longer explains it: learned from pictures known to differ.

A camera before a fixed background makes different things look alike, so one number of bits does not fit all
cameras. For each camera (and for pairs of two cameras) the limits are set on pairs of different groups from
one side of the split: so that by chance no more than `CHANCE` of the test pictures find a train picture
within them.

A normal curve through the median and the lowest tenth of all distances is a second witness, and the only one
where nothing is known to differ: near-duplicates are too few to move them. On three simulated seasons before
fixed belts it foresaw 1.6 to 2.8 % of pairs within 8 bits, where 1.6 to 2.9 % of the pairs of different fruit
were; within 4 bits it foresees up to twice too many. Where it allows 8 bits, copies under two ids cannot
hide each other.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import erfc, inf, sqrt
from typing import TYPE_CHECKING, Final

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Bools = NDArray[np.bool_]
    Ints = NDArray[np.int64]
    Floats = NDArray[np.floating]  # float32 at run time: half the memory, twice the speed

BITS: Final = 8
"""Never more than 8 of 64 bits: JPEG quality 40, blur and resizing stay within, 15 % crops do not."""
BITS_SAME_CAMERA: Final = 4
"""Where nothing can be learned: .33 % of the pairs before one fixed background, against 2.8 % for 8 bits."""
COSINE: Final = 0.9
"""Never a lower cosine: alike in kind is not the same picture."""
CHANCE: Final = 0.002
"""Share of test pictures that may find a train picture by chance, over all votes."""
MARGIN: Final = 0.7
"""How much closer than the closest different things a pair must be: 1 - cosine is multiplied by this."""
SAME: Final = 0.9995
"""Hashes within 8 bits and a cosine above this are one picture, whatever else was seen: copies that lie within
one side under two groups would hide the others. Different packhouse fruit reach .9987, frames of one .9994."""
MIN_PAIRS: Final = 1000
_SAMPLE: Final = 1500  # rows a side and camera: a million pairs


@dataclass(frozen=True, slots=True)
class Looks:
    """What is compared. A row of zeros is a missing value: 32 bits and cosine 0 from everything.

    Attributes
    ----------
    bits : numpy.ndarray of float32, shape (n, 64)
        Perceptual hash, each bit as -1 or 1: a product of two rows is 64 - 2 * distance.
    mirrored : numpy.ndarray of float32, shape (n, 64)
        The same of the mirrored picture.
    unit : numpy.ndarray of float32, shape (n, dim)
        Embedding of length 1; ``dim`` is 0 where there is none.
    camera : numpy.ndarray of int, shape (n,)
        From 0; -1 where it is not known.
    """

    bits: Floats
    mirrored: Floats
    unit: Floats
    camera: Ints

    def __len__(self) -> int:
        return len(self.camera)

    def take(self, rows: Ints | Bools) -> Looks:
        """Return some of the rows."""
        return Looks(self.bits[rows], self.mirrored[rows], self.unit[rows], self.camera[rows])

    def compare(self, other: Looks) -> tuple[Floats, Floats, Floats]:
        """Return bits apart, bits apart from the mirrored other, and cosine: each (n, n_other)."""
        apart = (64 - self.bits @ other.bits.T) / 2
        mirrored = (64 - self.bits @ other.mirrored.T) / 2
        return apart, mirrored, self.unit @ other.unit.T


@dataclass(frozen=True, slots=True)
class Limits:
    """What counts as near, for pairs of one camera or of two cameras.

    Attributes
    ----------
    bits : int
        Hashes this close are near by themselves; -1: not even equal ones.
    both : float
        Hashes within `BITS` and a cosine above this are near.
    cosine : float
        A cosine above this is near by itself.
    pairs : int
        How many pairs of different things were looked at; 0 where the limits are fixed ones.
    """

    bits: int
    both: float = inf
    cosine: float = inf
    pairs: int = 0


def near(
    limits: list[Limits], which: Ints, apart: Floats, mirrored: Floats, cosine: Floats
) -> tuple[Bools, Bools, Bools]:
    """Return which pairs are near by hash, by mirrored hash, by embedding (with or without the hash).

    Parameters
    ----------
    limits : list of Limits
        One for each camera; the last one is for pairs of two cameras.
    which : numpy.ndarray of int, shape (n_pairs,)
        Position in `limits`.
    apart, mirrored, cosine : numpy.ndarray, shape (n_pairs,)
        As from `Looks.compare`.

    Returns
    -------
    tuple of numpy.ndarray of bool, shape (n_pairs,)
        A pair may be near in several ways.
    """
    bits = np.array([limit.bits for limit in limits], np.float32)[which]
    both = np.array([limit.both for limit in limits], np.float32)[which]
    alone = np.array([limit.cosine for limit in limits], np.float32)[which]
    confirmed = (np.minimum(apart, mirrored) <= BITS) & (cosine > both)
    return apart <= bits, mirrored <= bits, confirmed | (cosine > alone)


def learn(looks: Looks, group: Ints | None, sides: tuple[Bools, Bools], *, cameras: bool) -> list[Limits]:
    """Set the limits of each camera, and of pairs of two cameras (the last ones).

    Parameters
    ----------
    looks : Looks
        Of all pictures.
    group : numpy.ndarray of int, shape (n,), or None
        Different numbers are certainly different things; -1 is not known. None: nothing is known.
    sides : tuple of numpy.ndarray of bool
        Train pictures, test pictures. Pairs across are what is judged, so none of them is used.
    cameras : bool
        Whether cameras are known: else all pictures count as one camera's that moves about.

    Returns
    -------
    list of Limits
        Length 1 + number of cameras.
    """
    n_cameras = int(looks.camera.max(initial=-1)) + 1
    in_train = np.bincount(looks.camera[sides[0] & (looks.camera >= 0)], minlength=n_cameras)
    sample = max(200, int(_SAMPLE / sqrt(max(1, n_cameras))))
    own = [_pairs(looks, group, sides, sample, camera) for camera in range(n_cameras)]
    pooled = [np.concatenate(part) for part in zip(*own, strict=True)] if own else []
    fixed = Limits(BITS_SAME_CAMERA if cameras else BITS)
    limits = []
    for n_train, pairs in zip(in_train, own, strict=True):
        enough = pairs if len(pairs[0]) >= MIN_PAIRS else pooled
        limits.append(_limits(enough[0], enough[1], int(n_train), group is not None, fixed))
    apart, cosine = _pairs(looks, group, sides, sample, None)
    return [*limits, _limits(apart, cosine, int(sides[0].sum()), group is not None, Limits(BITS))]


def _pairs(
    looks: Looks, group: Ints | None, sides: tuple[Bools, Bools], sample: int, camera: int | None
) -> tuple[Floats, Floats]:
    """Return distance and cosine of pairs of different things: of one camera, or of two (None)."""
    rng = np.random.default_rng(0)
    found: list[tuple[Floats, Floats]] = [(np.empty(0, np.float32), np.empty(0, np.float32))]
    seen = looks.bits.any(axis=1) & (looks.unit.any(axis=1) if looks.unit.shape[1] else True)
    for side in sides:
        rows = np.flatnonzero(side & seen & (looks.camera >= 0 if camera is None else looks.camera == camera))
        rows = rng.choice(rows, sample, replace=False) if len(rows) > sample else rows
        part = looks.take(rows)
        apart, mirrored, cosine = part.compare(part)
        counts = np.triu(np.ones(apart.shape, np.bool_), 1)
        if camera is None:
            counts &= part.camera[:, None] != part.camera
        if group is not None:
            own = group[rows]
            counts &= (own[:, None] != own) & (own[:, None] >= 0) & (own >= 0)
        found.append((np.minimum(apart, mirrored)[counts], cosine[counts]))
    return np.concatenate([a for a, _ in found]), np.concatenate([c for _, c in found])


def _limits(apart: Floats, cosine: Floats, n_train: int, known: bool, fixed: Limits) -> Limits:  # noqa: FBT001
    """Set the limits on pairs of different things; the fixed ones where there are too few."""
    n, rate = len(apart), CHANCE / 3 / max(1, n_train)  # three votes share what chance may do
    if n < MIN_PAIRS:
        return fixed
    smooth, allowed = _by_curve(apart, rate), int(rate * n)
    if not known:
        return Limits(smooth, pairs=n)
    bits = max((t for t in range(BITS + 1) if (apart <= t).sum() <= allowed), default=-1)
    both = min(SAME, _closer(_exceeded_by(cosine[apart <= BITS], allowed)))
    return Limits(max(bits, smooth), both, _closer(_exceeded_by(cosine, allowed)), n)


def _closer(cosine: float) -> float:
    """Move a limit towards 1: pairs come in clusters, so that the next one may exceed all that were seen."""
    return max(COSINE, 1 - MARGIN * (1 - cosine))


def _exceeded_by(values: Floats, allowed: int) -> float:
    """Return the number that `allowed` values exceed, or minus infinity if there are no more."""
    if len(values) <= allowed:
        return -inf
    return float(np.partition(values, len(values) - 1 - allowed)[len(values) - 1 - allowed])


def _by_curve(apart: Floats, rate: float) -> int:
    """Let a normal curve through the lower half stand for different things, and return the bits it allows."""
    values, counts = np.unique(apart, return_counts=True)
    middles = (np.cumsum(counts) - counts / 2) / len(apart)  # distances of perceptual hashes are mostly even
    tenth, median = np.interp([0.1, 0.5], middles, values)
    spread = max(float(median - tenth), 0.5) / 1.2816  # the lowest tenth of a normal curve ends there
    allowed = [t for t in range(BITS + 1) if erfc((median - t - 0.5) / spread / sqrt(2)) / 2 <= rate]
    return max(allowed, default=-1)
