"""Your own photos as a world: a folder, labels from its subfolders or from labels.csv.

A folder of photos tells less than a packing line does, so this module has to guess, and it
says what it guessed in `FolderWorld.notes`: when a picture was taken, which pictures show the
same thing, and where the past ends. What it cannot guess it refuses with a sentence. No label
is ever invented: where nobody reviewed, there are no reviews.
"""

from __future__ import annotations

from collections import Counter
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

    from workbench.worlds.photos import Photo

MIN_OBJECTS: Final = 60
PRODUCTION_SHARE: Final = 0.25


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
        If there are fewer than 60 objects or two classes, or labels.csv cannot be trusted.

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
        sha256 over names, contents, labels and times.
    notes : tuple of str
        What was guessed, ignored, or looks wrong.
    """

    name = "folder"

    def __init__(self, path: Path) -> None:
        listing = list_photos(path)
        self.labels = listing.labels
        photos = map_shards(inspect, listing.photos, "threads", workers=2)
        self._photos, notes = timed(grouped(photos))
        self._photos.sort(key=lambda photo: (photo.arrived_at, photo.name))
        self._refuse_too_little()
        self.n_captures = len(self._photos)
        self.history_end = self._split()
        self.notes = (*listing.notes, *notes, *self._doubts())
        self.fingerprint = sha256_texts(
            [f"{p.name}|{p.sha256}|{p.item_id}|{p.burst}|{p.captured_at}|{p.listed}" for p in self._photos]
        )

    @cached_property
    def _objects(self) -> dict[str, Photo]:
        """The first readable, labelled photo of each object, in the order of arrival."""
        first: dict[str, Photo] = {}
        for photo in self._photos:
            if photo.readable and photo.listed.label is not None:
                first.setdefault(photo.item_id, photo)
        return first

    def _refuse_too_little(self) -> None:
        if len(self._objects) < MIN_OBJECTS:
            raise WorldError(
                f"{len(self._photos)} files show {len(self._objects)} distinct objects, at least {MIN_OBJECTS} are needed",
                hint="more frames of one thing do not count; where things pass in under 2 s, name them in labels.csv (group)",
            )
        classes = {photo.listed.label for photo in self._objects.values()}
        if len(classes) < 2:
            raise WorldError(
                f"all photos are {classes.pop()!r}", hint="two classes are needed to tell them apart"
            )

    def _split(self) -> datetime:
        """Return the moment between history and production."""
        arrivals = [photo.arrived_at for photo in self._objects.values()]
        at = len(arrivals) - round(len(arrivals) * PRODUCTION_SHARE)
        before, after = arrivals[at - 1], arrivals[at]
        return before + (after - before) / 2

    def _doubts(self) -> Iterator[str]:
        """Yield what a person should know before believing a score."""
        past = Counter(p.listed.label for p in self._objects.values() if p.arrived_at <= self.history_end)
        later = Counter(p.listed.label for p in self._objects.values() if p.arrived_at > self.history_end)
        if len(past) < 2:
            raise WorldError(
                f"the older three quarters of the objects are all {next(iter(past))!r}: class and time are one",
                hint="add older photos of the other class, or give the true times in labels.csv (captured_at)",
            )
        if not later:
            raise WorldError(
                "all photos have the same time", hint="give the true times in labels.csv (captured_at)"
            )
        if len(later) < 2:
            yield f"production holds {next(iter(later))!r} alone: its score says nothing about the other class"
        yield (
            f"{len(self._objects)} distinct objects in {self.n_captures} files; the newest {later.total()} objects "
            f"(after {self.history_end:%Y-%m-%d %H:%M} UTC) play the part of production"
        )
        yield f"the positive class is {self.labels[-1]!r}"
        unreadable = sum(not photo.readable for photo in self._photos)
        if unreadable:
            yield f"{unreadable} files cannot be read as pictures; clean will say why"
        if not any(photo.listed.reviewed_label for photo in self._photos):
            yield "nobody reviewed the labels: the label of the folder counts as the truth"

    def captures(self) -> Iterator[Capture]:
        """Yield the photos in the order of their arrival, without the place where they were taken.

        Yields
        ------
        Capture
            One a file, also where the file is no picture.
        """
        for photo in self._photos:
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
                for photo in self._photos
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
            for item, photo in self._objects.items()
            if photo.arrived_at > self.history_end
        }
        return pa.table(
            {"item_id": pa.array(labels, pa.string()), "label": pa.array(labels.values(), pa.string())}
        )
