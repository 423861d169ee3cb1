"""The packhouse: a simulated world with a causal clock, and a truth that it keeps to itself.

Fruit come down three lines, each past a camera that takes a burst of frames. What looks bad
is looked at again on a bench, one to three days later. `workbench.worlds.season` says what
happens to each fruit, `workbench.worlds.fruit` draws it, and `workbench.worlds.damage` spoils
a few deliveries. In the production week nothing is re-shot: each fruit is cut open, so the
truth is known for all.
"""

from __future__ import annotations

from datetime import timedelta
from heapq import heappop, heappush
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from workbench.clock import timestamp_type
from workbench.hashing import sha256_texts
from workbench.records import Capture
from workbench.worlds.damage import SORTS, tamper
from workbench.worlds.fruit import CAMERAS, NEW_CAMERA, encode, make_fruit, render, rng_for
from workbench.worlds.season import FRAME_GAP, LABELS, Passage, Season, dials_for

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from datetime import datetime

    import pyarrow as pa

__all__ = ["SORTS", "PackhouseWorld", "tamper"]

_VERSION: Final = "packhouse 1"
"""Goes up whenever the same seed would give other captures: tests/unit/test_fruit.py notices."""
_TURNED: Final = (3, 6, 8)
_ON_LINES: Final = {**CAMERAS, NEW_CAMERA.id: NEW_CAMERA}


class _Delivery(NamedTuple):
    """A file that is going to arrive: not drawn yet, so that many can wait. Ordered by arrival, then name."""

    ingested_at: datetime
    name: str
    passage: Passage
    station: str
    frame: int
    sort: str


class PackhouseWorld:
    """Implements `workbench.records.World`.

    Parameters
    ----------
    size : str
        ``tiny`` (about 260 captures), ``lesson`` (about 1,400) or ``large`` (about 100,000).
    seed : int
        Another seed is another season with other fruit.
    **dials : object
        Any of `workbench.worlds.season.Dials`, and ``captures`` to scale the season. Without
        them nothing is wrong with the world except a few damaged files.

    Attributes
    ----------
    name : str
        ``packhouse``.
    labels : tuple of str
        ``accept`` and ``reject``.
    dials : Dials
        As set.
    history_end : datetime
        14 days after the start; all line captures of the history have arrived, the bench is
        up to three days behind.
    n_captures : int
        How many captures there will be.
    fingerprint : str
        sha256 of the renderer's version, the seed and the dials.
    notes : tuple of str
        None: times and labels are certain here.

    Notes
    -----
    `captures` draws each picture when its turn comes, about 3 ms. What waits for its turn
    is a few hundred bytes per fruit of the last three days; pixels never wait.

    Examples
    --------
    >>> world = PackhouseWorld("tiny")
    >>> world.n_captures > 200
    True
    >>> next(world.captures()).item_id
    'fruit-000000'
    """

    name = "packhouse"
    labels: tuple[str, ...] = LABELS
    notes: tuple[str, ...] = ()

    def __init__(self, size: str = "lesson", seed: int = 0, **dials: Any) -> None:
        self.size = size
        self.seed = seed
        self.dials = dials_for(size, **dials)
        self._key = f"packhouse-{seed}"
        self._season = Season(self._key, self.dials, tuple(SORTS))
        self.history_end = self._season.end
        history = sum(len(_deliveries(p, self.dials.frames)) for p in self._season.history())
        self.n_captures = history + self.dials.production_fruit
        self.fingerprint = sha256_texts([_VERSION, self._key, repr(self.dials)])

    def captures(self) -> Iterator[Capture]:
        """Yield all captures in the order of their arrival.

        Yields
        ------
        Capture
            Times ascending in ``ingested_at``; ties in the order of names.
        """
        return map(self._take, self._arrivals())

    def _arrivals(self) -> Iterator[_Delivery]:
        """Merge the deliveries of all fruit. None arrives before its fruit has come past."""
        waiting: list[_Delivery] = []
        for passage in self._season:
            while waiting and waiting[0].ingested_at <= passage.when:
                yield heappop(waiting)
            for delivery in _deliveries(passage, self.dials.frames):
                heappush(waiting, delivery)
        while waiting:
            yield heappop(waiting)

    def _take(self, delivery: _Delivery) -> Capture:
        """Draw one delivery."""
        passage, bench = delivery.passage, delivery.station == "bench"
        captured_at = _captured_at(passage, delivery)
        payload = self._picture(passage, delivery, captured_at)
        return Capture(
            name=delivery.name,
            payload=SORTS[delivery.sort](payload) if delivery.sort else payload,
            item_id=passage.item_id,
            burst=f"{passage.item_id}-{delivery.station}",
            frame=delivery.frame,
            device="bench" if bench else passage.line,
            station=delivery.station,
            captured_at=captured_at,
            ingested_at=delivery.ingested_at,
            label_at_ingestion=None if bench else passage.quick,
        )

    def _picture(self, passage: Passage, delivery: _Delivery, captured_at: datetime) -> bytes:
        fruit = make_fruit(self._key, passage.item_id, passage.kind, passage.blemish, passage.severity)
        if delivery.station == "bench":
            camera, look = CAMERAS["bench"], {"pass_id": 1}
        else:
            camera, look = _ON_LINES[passage.line], self._look(passage, delivery.frame)
        pixels = render(self._key, fruit, camera, px=self.dials.px, **look)
        return encode(
            pixels,
            captured_at=captured_at,
            camera=camera,
            orientation=self._orientation(passage.item_id, delivery),
        )

    def _look(self, passage: Passage, frame: int) -> dict[str, Any]:
        """Return how a line camera sees this fruit on this day; the dial `drift` ages lamp and lens."""
        drift, day = self.dials.drift, passage.day
        return {
            "frame": passage.first_frame + frame,
            "visible": passage.visible,
            "lamp": 1 - drift * 0.022 * day,
            "dirt": drift * max(0.0, day - 3) / 18,
            "warm": drift * 0.006 * day,
        }

    def _orientation(self, item_id: str, delivery: _Delivery) -> int:
        rng = rng_for(self._key, "held", item_id, delivery.station, delivery.frame)
        turned = rng.random() < self.dials.rotated
        return _TURNED[int(rng.integers(0, len(_TURNED)))] if turned else 1

    def reviews(self) -> pa.Table:
        """Return the reviews from the bench, in the order in which they became known.

        Returns
        -------
        pyarrow.Table
            ``item_id``, ``reviewed_label``, ``reviewed_at``, ``known_at``. Reviews of the last
            days of the history become known after `history_end`.
        """
        import pyarrow as pa

        rows = [
            (p.review_known_at, p.item_id, p.reviewed_label, p.bench_at)
            for p in self._season.history()
            if p.review_known_at is not None
        ]
        known_at, item_id, label, reviewed_at = zip(*sorted(rows), strict=True) if rows else ((),) * 4
        kind = timestamp_type()
        columns = {
            "item_id": pa.array(item_id, pa.string()),
            "reviewed_label": pa.array(label, pa.string()),
            "reviewed_at": pa.array(reviewed_at, kind),
            "known_at": pa.array(known_at, kind),
        }
        return pa.table(columns)

    def truth(self) -> pa.Table:
        """Return what a knife would find, for every fruit.

        Returns
        -------
        pyarrow.Table
            ``item_id``, ``label``, ``severity`` (0 to 1), ``blemish``, ``kind``, ``visible``
            (share of the blemish that shows on the line), ``device``, ``production`` (bool) and
            ``captured_at`` of the first frame.
        """
        import pyarrow as pa

        passages = list(self._season)

        def column(of: Callable[[Passage], Any], kind: pa.DataType) -> pa.Array:
            return pa.array(map(of, passages), kind)

        return pa.table(
            {
                "item_id": column(lambda p: p.item_id, pa.string()),
                "label": column(lambda p: p.label, pa.string()),
                "severity": column(lambda p: p.severity, pa.float64()),
                "blemish": column(lambda p: p.blemish, pa.string()),
                "kind": column(lambda p: p.kind, pa.string()),
                "visible": column(lambda p: p.visible, pa.float64()),
                "device": column(lambda p: p.line, pa.string()),
                "production": column(lambda p: p.production, pa.bool_()),
                "captured_at": column(lambda p: p.when, timestamp_type()),
            }
        )

    def hostile(self) -> dict[str, str]:
        """Return the name of each damaged or repeated delivery, and its sort (a key of `SORTS`).

        Returns
        -------
        dict of str to str
            For tests and lessons: the pipeline has to find them by itself.
        """
        history = self._season.history()
        return {d.name: d.sort for p in history for d in _deliveries(p, self.dials.frames) if d.sort}


def _captured_at(passage: Passage, delivery: _Delivery) -> datetime:
    if delivery.station == "bench" and passage.bench_at is not None:
        return passage.bench_at
    return passage.when + FRAME_GAP * delivery.frame


def _deliveries(passage: Passage, frames: int) -> list[_Delivery]:
    """Return what will arrive of one fruit: its burst, sometimes a spoilt repeat, sometimes the bench."""
    place = f"{passage.line}/{passage.when:%Y%m%d}/{passage.item_id}"
    first = passage.when + passage.delay
    made = [
        _Delivery(first + FRAME_GAP * k, f"{place}-{k}.jpg", passage, "line", k, "")
        for k in range(1 if passage.production else frames)
    ]
    if passage.hostile:
        later = first + timedelta(minutes=2)
        made.append(_Delivery(later, f"{place}-0-resent.jpg", passage, "line", 0, passage.hostile))
    if passage.bench_at is not None:
        arrived = passage.bench_at + passage.bench_delay
        name = f"bench/{passage.bench_at:%Y%m%d}/{passage.item_id}-0.jpg"
        made.append(_Delivery(arrived, name, passage, "bench", 0, ""))
    return made
