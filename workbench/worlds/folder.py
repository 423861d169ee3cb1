"""Your own photos as a world: a folder, labels from its subfolders or from labels.csv.

A folder of photos tells less than a packing line does, so this module has to guess, and it
says what it guessed in `FolderWorld.notes`: when a picture was taken, which pictures show the
same thing, and where the past ends. What it cannot guess it refuses with a sentence. No label
is ever invented: where nobody reviewed, there are no reviews.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from datetime import timedelta
from functools import cached_property
from typing import TYPE_CHECKING, Final

from workbench.clock import timestamp_type
from workbench.errors import WorldError
from workbench.hashing import sha256_texts
from workbench.pictures import strip_gps
from workbench.records import Capture
from workbench.shards import map_shards
from workbench.worlds.listing import list_photos
from workbench.worlds.photos import grouped, inspect, timed

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime
    from pathlib import Path

    import pyarrow as pa

    from workbench.worlds.listing import Listed
    from workbench.worlds.photos import Photo

MIN_OBJECTS: Final = 60
PRODUCTION_SHARE: Final = 0.25
SHORT: Final = timedelta(hours=24)


@dataclass(frozen=True, slots=True)
class _Study:
    photos: list[Photo]  # in the order of arrival
    objects: dict[str, Photo]  # the first readable, labelled photo of each object
    notes: list[str]


class FolderWorld:
    """A folder of photos; implements `workbench.records.World`.

    Labels come from the first level of subfolders, or from ``labels.csv`` (path, label, and where
    known reviewed_label, reviewed_at, device, group, captured_at, ingested_at). Time comes from
    EXIF, else from the CSV, else from the file; where the file times lie within one day, a clock
    is made up. An object is a ``group`` of the CSV, else what was taken in one burst (same device,
    under 2 s apart) or looks nearly the same. The newest quarter of the objects is production.

    Parameters
    ----------
    path : Path
        The folder. Hidden files, and links that lead out of it, are not followed.

    Raises
    ------
    WorldError
        If labels.csv cannot be trusted; and, once captures, reviews, truth, notes or history_end
        are asked for, if there are fewer than 60 objects or two classes.

    Attributes
    ----------
    name : str
        ``folder``.
    labels : tuple of str
        Sorted; the last one is the positive class.
    history_end : datetime
        Between the oldest three quarters of the objects and the newest quarter, UTC.
    n_captures : int
        How many files there are.
    fingerprint : str
        sha256 over names, labels, sizes and times of change: known without opening a photo.
    notes : tuple of str
        What was guessed, ignored, or looks wrong.

    Notes
    -----
    Photos are opened when they are first needed, about 0.25 s for one of 12 megapixels, on two
    threads; where a workspace has them all, only the fingerprint is asked for.
    """

    name = "folder"

    def __init__(self, path: Path) -> None:
        self._listing = list_photos(path)
        self.labels = self._listing.labels
        self.n_captures = len(self._listing.photos)
        self.fingerprint = sha256_texts(f"{p} {_on_disk(p)}" for p in self._listing.photos)

    @cached_property
    def _study(self) -> _Study:
        """Everything that can only be told by opening the photos."""
        photos, notes = timed(grouped(map_shards(inspect, self._listing.photos, "threads", workers=2)))
        photos.sort(key=lambda photo: (photo.arrived_at, photo.name))
        objects: dict[str, Photo] = {}
        for photo in photos:
            if photo.readable and photo.listed.label is not None:
                objects.setdefault(photo.item_id, photo)
        _refuse_what_cannot_work(len(photos), list(objects.values()), self.labels)
        return _Study(photos, objects, notes)

    @cached_property
    def history_end(self) -> datetime:
        """The moment between history and production."""
        return _border([photo.arrived_at for photo in self._study.objects.values()])

    @cached_property
    def notes(self) -> tuple[str, ...]:
        """What was guessed, ignored, or looks wrong."""
        return (*self._listing.notes, *self._study.notes, *self._doubts())

    def _doubts(self) -> Iterator[str]:
        """Yield what a person should know before believing a score."""
        later = Counter(
            p.listed.label for p in self._study.objects.values() if p.arrived_at > self.history_end
        )
        span = self._study.photos[-1].arrived_at - self._study.photos[0].arrived_at
        if span < SHORT:
            yield (
                f"all photos arrived within {span.total_seconds() / 3600:.1f} h: between the splits the workspace leaves "
                "out embargo_s seconds (workspace.toml), an hour unless you set less"
            )
        if len(later) < 2:
            yield f"production holds {next(iter(later))!r} alone: its score says nothing about the other class"
        yield (
            f"{len(self._study.objects)} distinct objects in {self.n_captures} files; the newest {later.total()} objects "
            f"(after {self.history_end:%Y-%m-%d %H:%M} UTC) play the part of production"
        )
        yield f"the positive class is {self.labels[-1]!r}"
        unreadable = sum(not photo.readable for photo in self._study.photos)
        if unreadable:
            yield f"{unreadable} files cannot be read as pictures; clean will say why"
        if not any(photo.listed.reviewed_label for photo in self._study.photos):
            yield "nobody reviewed the labels: the label of the folder counts as the truth"

    def captures(self) -> Iterator[Capture]:
        """Yield the photos in the order of their arrival, without the place where they were taken.

        Yields
        ------
        Capture
            One a file, also where the file is no picture.
        """
        for photo in self._study.photos:
            yield Capture(
                name=photo.name,
                payload=strip_gps(photo.listed.path.read_bytes()),
                item_id=photo.item_id,
                burst=photo.burst,
                frame=photo.frame,
                device=photo.device,
                station="line",
                captured_at=photo.captured_at,
                ingested_at=photo.arrived_at,
                label_at_ingestion=photo.listed.label,
            )

    def reviews(self) -> pa.Table:
        """Return the reviewed labels of labels.csv; no rows where there are none."""
        import pyarrow as pa

        rows = sorted(
            {
                (photo.item_id, photo.listed.reviewed_label, photo.listed.reviewed_at)
                for photo in self._study.photos
                if photo.listed.reviewed_label and photo.listed.reviewed_at
            }
        )
        items, labels, times = zip(*rows, strict=True) if rows else ((), (), ())
        when = timestamp_type()
        return pa.table(
            {
                "item_id": pa.array(items, pa.string()),
                "reviewed_label": pa.array(labels, pa.string()),
                "reviewed_at": pa.array(times, when),
                "known_at": pa.array(times, when),
            }
        )

    def truth(self) -> pa.Table:
        """Return what counts as true of each object of production: the reviewed label, else the given one.

        Returns
        -------
        pyarrow.Table
            item_id, label.
        """
        import pyarrow as pa

        reviewed = dict(
            zip(*self.reviews().select(["item_id", "reviewed_label"]).to_pydict().values(), strict=True)
        )
        labels = {
            item: reviewed.get(item, photo.listed.label)
            for item, photo in self._study.objects.items()
            if photo.arrived_at > self.history_end
        }
        return pa.table(
            {"item_id": pa.array(labels, pa.string()), "label": pa.array(labels.values(), pa.string())}
        )


def _refuse_what_cannot_work(n_files: int, objects: list[Photo], labels: tuple[str, ...]) -> None:
    """Raise before a workspace is filled with what no stage could use."""
    if len(objects) < MIN_OBJECTS:
        raise WorldError(
            f"{n_files} files show {len(objects)} distinct objects, at least {MIN_OBJECTS} are needed",
            hint="more frames of one thing do not count; where things pass in under 2 s, name them in labels.csv (group)",
        )
    if len(labels) < 2:
        raise WorldError(f"all photos are {labels[0]!r}", hint="two classes are needed to tell them apart")
    for label in labels:
        if label not in {photo.listed.label for photo in objects}:
            raise WorldError(
                f"no photo of the class {label!r} can be read", hint="add some, or remove the class"
            )
    border = _border([photo.arrived_at for photo in objects])
    if all(photo.arrived_at <= border for photo in objects):
        raise WorldError(
            "all photos have the same time", hint="give the true times in labels.csv (captured_at)"
        )
    past = {photo.listed.label for photo in objects if photo.arrived_at <= border}
    if len(past) < 2:
        raise WorldError(
            f"the older three quarters of the objects are all {past.pop()!r}: class and time are one",
            hint="add older photos of the other class, or give the true times in labels.csv (captured_at)",
        )


def _border(arrivals: list[datetime]) -> datetime:
    """Return the middle between the oldest three quarters and the newest quarter; `arrivals` are sorted."""
    at = len(arrivals) - round(len(arrivals) * PRODUCTION_SHARE)
    return arrivals[at - 1] + (arrivals[at] - arrivals[at - 1]) / 2


def _on_disk(listed: Listed) -> str:
    status = listed.path.stat()
    return f"{status.st_size} {status.st_mtime_ns} {status.st_ctime_ns}"
