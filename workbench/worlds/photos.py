"""What can be found out about a photo of a folder: when, with what, of what.

Times come from EXIF, else labels.csv, else the file. Objects come from labels.csv, else from
bursts and near-duplicates. Everything here is deterministic in the files and their times.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import TYPE_CHECKING, Final

import numpy as np

from workbench.clock import utc_now
from workbench.errors import WorldError
from workbench.hashing import sha256_bytes
from workbench.pictures import (
    PictureProblem,
    open_picture,
    perceptual_hash,
    policy_for,
    read_exif,
    thumbnail,
)
from workbench.pictures.duplicates import groups, links_of, near_pairs

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from workbench.worlds.listing import Listed

BURST_GAP: Final = timedelta(seconds=2)
COPIED_WITHIN: Final = timedelta(days=1)
"""File times closer together than this tell when the files were copied, not when they were taken."""
MADE_UP_STEP: Final = timedelta(hours=2)
"""Between two objects on the made-up clock; longer than the default embargo between the splits."""


@dataclass(frozen=True, slots=True)
class Photo:
    """One file, with everything that was found out about it.

    Attributes
    ----------
    listed : Listed
        What the folder says of it.
    sha256 : str
        Of the file, in hex.
    captured_at : datetime
        Event time, UTC.
    time_from : str
        ``exif``, ``csv`` or ``mtime``.
    zone_known : bool
        False where the camera did not tell its time zone.
    device : str
        Camera.
    phash : str
        Perceptual hash; empty where the file is no picture.
    thumbnail : ndarray of uint8
        To look twice; empty where the file is no picture.
    item_id, burst : str
        The thing it shows, and the burst it was taken in.
    frame : int
        Position in the burst, from 0.
    """

    listed: Listed
    sha256: str
    captured_at: datetime
    time_from: str
    zone_known: bool
    device: str
    phash: str = ""
    thumbnail: NDArray[np.uint8] = field(default_factory=lambda: np.empty(0, np.uint8), compare=False)
    item_id: str = ""
    burst: str = ""
    frame: int = 0

    @property
    def readable(self) -> bool:
        """Whether it could be decoded."""
        return bool(self.phash)

    @property
    def name(self) -> str:
        """Path below the folder."""
        return self.listed.name

    @property
    def arrived_at(self) -> datetime:
        """Known-at, UTC: as listed, else a second after it was taken."""
        return self.listed.ingested_at or self.captured_at + timedelta(seconds=1)


def inspect(listed: Listed) -> Photo:
    """Read one file: when and with what it was taken, and what it looks like.

    Parameters
    ----------
    listed : Listed
        Which.

    Returns
    -------
    Photo
        Without object and burst.

    Raises
    ------
    WorldError
        If the file may not be read. That it is no picture is no error here.
    """
    try:
        data = listed.path.read_bytes()
    except OSError as error:
        raise WorldError(
            f"{listed.name} cannot be read: {error.strerror}", hint="check its permissions"
        ) from None
    exif = read_exif(data)
    plausible = (
        exif.captured_at is not None and datetime(1990, 1, 1, tzinfo=UTC) < exif.captured_at < utc_now()
    )
    if plausible and exif.captured_at is not None:
        when, source = exif.captured_at, "exif"
    elif listed.captured_at is not None:
        when, source = listed.captured_at, "csv"
    else:
        when, source = datetime.fromtimestamp(listed.path.stat().st_mtime, UTC), "mtime"
    zone_known = exif.zone_known or source != "exif"
    device = listed.device or exif.device or "unknown"
    photo = Photo(listed, sha256_bytes(data), when, source, zone_known, device)
    try:
        image = open_picture(data, policy_for("folder")).image
    except PictureProblem:
        return photo
    return replace(photo, phash=perceptual_hash(image), thumbnail=thumbnail(image))


def grouped(photos: Sequence[Photo]) -> list[Photo]:
    """Give each photo its object and its burst.

    Parameters
    ----------
    photos : sequence of Photo
        In any order.

    Returns
    -------
    list of Photo
        An object is the group of labels.csv; without one, what was taken in one burst (same device,
        under 2 s apart) or looks nearly the same.
    """
    photos = sorted(photos, key=lambda p: (p.device, p.captured_at, p.name))
    free = [i for i, photo in enumerate(photos) if photo.listed.group is None]
    together = [(i, j) for i, j in pairwise(free) if _one_burst(photos[i], photos[j])]
    readable = [i for i in free if photos[i].readable]
    alike: list[tuple[int, int]] = []
    if readable:
        small = np.stack([photos[i].thumbnail for i in readable])
        alike = [
            (readable[i], readable[j]) for i, j in near_pairs([photos[i].phash for i in readable], small)
        ]
    named = [photo.listed.group or f"\0{i}" for i, photo in enumerate(photos)]
    objects = groups(len(photos), [*links_of(named), *together, *alike])
    first_name: dict[int, str] = {}
    for photo, root in zip(photos, objects, strict=True):
        first_name[root] = min(photo.name, first_name.get(root, photo.name))
    bursts = groups(len(photos), together)
    frames: Counter[int] = Counter()
    found = []
    for photo, root, burst in zip(photos, objects, bursts, strict=True):
        item = photo.listed.group or _named("item", first_name[root])
        found.append(
            replace(photo, item_id=item, burst=_named("burst", photos[burst].name), frame=frames[burst])
        )
        frames[burst] += 1
    return found


def _named(kind: str, name: str) -> str:
    return f"{kind}-{sha256_bytes(name.encode())[:12]}"


def _one_burst(one: Photo, two: Photo) -> bool:
    """Tell whether two photos were taken in one go; copied in one go does not count."""
    real_times = "mtime" not in {one.time_from, two.time_from}
    return real_times and one.device == two.device and two.captured_at - one.captured_at < BURST_GAP


def timed(photos: list[Photo]) -> tuple[list[Photo], list[str]]:
    """Return the photos with times that can be used, and what to say about them.

    Parameters
    ----------
    photos : list of Photo
        With their objects.

    Returns
    -------
    tuple of list of Photo and list of str
        The photos, and notes. Where there are only file times and all lie within a day, objects get
        made-up times in the order of a hash, so that class and time are not one.
    """
    guessed = [photo for photo in photos if photo.time_from == "mtime"]
    no_zone = sum(not photo.zone_known for photo in photos)
    notes = [f"{no_zone} photos do not say their time zone: read as UTC"] if no_zone else []
    if not guessed:
        return photos, notes
    times = [photo.captured_at for photo in guessed]
    if len(guessed) == len(photos) and max(times) - min(times) < COPIED_WITHIN:
        notes.append(
            "no photo says when it was taken, and all files were written within a day: a clock was made up, objects in "
            f"a mixed order and {MADE_UP_STEP.seconds // 3600} hours apart; give captured_at in labels.csv for true times"
        )
        return _made_up_clock(photos, max(times)), notes
    notes.append(
        f"{len(guessed)} of {len(photos)} photos do not say when they were taken: the time of the file was taken, "
        "which copying changes"
    )
    return photos, notes


def _made_up_clock(photos: list[Photo], newest: datetime) -> list[Photo]:
    newest = min(max(newest, datetime(2000, 1, 1, tzinfo=UTC)), utc_now()).replace(microsecond=0)
    objects = sorted({photo.item_id for photo in photos}, key=lambda item: sha256_bytes(item.encode()))
    begins = {item: newest - k * MADE_UP_STEP for k, item in enumerate(reversed(objects))}
    place: Counter[str] = Counter()
    timed = []
    for photo in sorted(photos, key=lambda p: p.name):
        place[photo.item_id] += 1
        timed.append(
            replace(photo, captured_at=begins[photo.item_id] + timedelta(milliseconds=place[photo.item_id]))
        )
    return timed
