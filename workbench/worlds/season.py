"""The season of a packhouse, before any picture is drawn: what happens to each fruit, and when.

A season begins with 14 days of history and goes on with 7 days of production. Each fruit
comes down a line once; an operator glances at it. Fruit that look bad, and a sample of the
others, lie on the bench one to three days later, when bruises have browned, and are reviewed
there. In the production week nothing is re-shot: each fruit is cut open at the end, so the
truth is known for all of them.
"""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Final

from workbench.errors import SettingsError
from workbench.worlds.catalogue import BLEMISHES
from workbench.worlds.fruit import between, rng_for

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    import numpy as np

START: Final = datetime(2025, 9, 1, 6, tzinfo=UTC)
HISTORY: Final = timedelta(days=14)
PRODUCTION: Final = timedelta(days=7)
FRAME_GAP: Final = timedelta(seconds=0.2)
"""Between the frames of a burst."""
_PAUSE: Final = timedelta(hours=1)
"""The line stands before production begins: what was seen in the history has arrived by then."""

APPLES: Final = ("red apple", "green apple", "yellow apple")
LINES: Final = ("line-a", "line-b", "line-c")
NEW_LINE: Final = "line-d"
"""Built when production begins; the dial `new_line` sends fruit there."""
LABELS: Final = ("accept", "reject")
REJECT_ABOVE: Final = 0.40
"""Severity: no fruit is near it, so that the truth is never a matter of taste."""


@dataclass(frozen=True, slots=True)
class Dials:
    """What can be set about a season. As they stand, nothing is wrong with it.

    Attributes
    ----------
    history_fruit, production_fruit : int
        Fruit in each part.
    frames : int
        Frames in the burst of a history fruit; a production fruit has one.
    px : int
        Width and height of a picture.
    drift : float
        0: lamp and lenses stay as they are. 1: the lamp loses 2.2 % a day and turns warmer,
        dirt gathers on the lenses from the third day on.
    device_label : float
        0: fruit go to any line. 1: nearly all bad fruit come down line-b, good ones line-a.
    production_device_label : float
        The same for the production week.
    new_line : float
        Share of the production fruit that come down line-d, which the history has never seen.
    rotated : float
        Share of captures that are stored turned, with the EXIF tag that says so.
    hostile_every : int
        One damaged or repeated delivery of each sort in so many history fruit; 0 is none.
    """

    history_fruit: int = 240
    production_fruit: int = 300
    frames: int = 4
    px: int = 96
    drift: float = 0.0
    device_label: float = 0.0
    production_device_label: float = 0.0
    new_line: float = 0.0
    rotated: float = 0.02
    hostile_every: int = 80

    def __post_init__(self) -> None:
        """Refuse what cannot be a season."""
        for name in ("drift", "device_label", "production_device_label", "new_line", "rotated"):
            if not 0 <= getattr(self, name) <= 1:
                raise SettingsError(f"{name}={getattr(self, name)}", hint="it goes from 0 to 1")
        for name in ("history_fruit", "frames", "px"):
            if getattr(self, name) < 1:
                raise SettingsError(f"{name}={getattr(self, name)}", hint="it is at least 1")


SIZES: Final = {
    "tiny": Dials(history_fruit=64, production_fruit=40, frames=3, hostile_every=32),
    "lesson": Dials(),
    "large": Dials(),
}
"""The season of each size; `large` is the lesson's, scaled to the number of captures."""
_LARGE: Final = 101_000  # scaled by shares, some fruit more or less: at least 100,000 come out
_LESSON_CAPTURES: Final = 1_410
"""Captures of a lesson, about: 960 + 300 on the lines, 125 on the bench, 21 damaged or repeated."""


def dials_for(size: str, captures: int | None = None, **changes: Any) -> Dials:
    """Return the dials of a size, with changes.

    Parameters
    ----------
    size : str
        ``tiny``, ``lesson`` or ``large``.
    captures : int, optional
        Scale the season to about so many captures; 100,000 for ``large``.
    **changes : object
        Dials by name.

    Returns
    -------
    Dials
        Checked.

    Raises
    ------
    SettingsError
        If the size or a dial is unknown, or a value is out of range.
    """
    if size not in SIZES:
        raise SettingsError(f"there is no size {size!r}", hint=f"choose one of: {', '.join(SIZES)}")
    known = [f.name for f in fields(Dials)]
    for name in changes:
        if name not in known:
            raise SettingsError(
                f"there is no dial {name!r}", hint=f"choose from: captures, {', '.join(known)}"
            )
    dials = SIZES[size]
    captures = captures or (_LARGE if size == "large" else None)
    if captures is not None:
        scale = captures / _LESSON_CAPTURES
        counts = {"history_fruit": max(8, round(240 * scale)), "production_fruit": max(8, round(300 * scale))}
        dials = replace(dials, **counts)
    return replace(dials, **changes)


@dataclass(frozen=True, slots=True)
class Passage:
    """What happens to one fruit.

    Attributes
    ----------
    item_id : str
        ``fruit-000123``.
    production : bool
        In the production week, else in the history.
    kind, blemish : str
        What it is, and what is wrong with it.
    severity : float
        0 to 1: what a knife would find.
    visible : float
        Share of the blemish that shows on the line.
    label, quick : str
        The truth, and the operator's glance.
    line : str
        Where it came down.
    when : datetime
        The first frame.
    first_frame : int
        Position on the line at the first frame.
    delay : timedelta
        From a capture on the line to its arrival: the same for the whole burst.
    hostile : str
        Sort of a further, damaged or repeated delivery; empty for nearly all.
    bench_at, bench_delay : datetime, timedelta
        When it lay on the bench, and how long that picture took to arrive; None for most.
    reviewed_label, review_known_at : str, datetime
        What was found there, and when that was typed in.
    """

    item_id: str
    production: bool
    kind: str
    blemish: str
    severity: float
    visible: float
    label: str
    quick: str
    line: str
    when: datetime
    first_frame: int
    delay: timedelta
    hostile: str = ""
    bench_at: datetime | None = None
    bench_delay: timedelta = timedelta(0)
    reviewed_label: str | None = None
    review_known_at: datetime | None = None

    @property
    def day(self) -> float:
        """Days since the season began."""
        return (self.when - START) / timedelta(days=1)


class Season:
    """All passages of a season, each worked out from (seed, number of the fruit) alone.

    Parameters
    ----------
    seed : str
        Of the world.
    dials : Dials
        What is set.
    hostile : tuple of str
        The sorts of damaged and repeated deliveries.
    """

    def __init__(self, seed: str, dials: Dials, hostile: tuple[str, ...]) -> None:
        self.seed = seed
        self.dials = dials
        self.end = START + HISTORY
        self._outages = [self._outage(k) for k in range((HISTORY + PRODUCTION) // timedelta(days=2))]
        self._hostile_at = self._hostile_slots(hostile)

    def __iter__(self) -> Iterator[Passage]:
        """Yield the passages in the order of their time."""
        yield from self.history()
        for i in range(self.dials.production_fruit):
            yield self.passage(self.dials.history_fruit + i)

    def history(self) -> Iterator[Passage]:
        """Yield the passages of the history alone."""
        return (self.passage(i) for i in range(self.dials.history_fruit))

    def passage(self, i: int) -> Passage:
        """Return what happens to the fruit with number `i`, from 0."""
        production = i >= self.dials.history_fruit
        rng = rng_for(self.seed, "plan", i)
        u = between(rng)
        kind = APPLES[int(rng.integers(0, len(APPLES)))]
        blemish, severity = _health(rng)
        bad = severity > REJECT_ABOVE
        line = self._line(rng.random(), bad=bad, production=production)
        visible = u(0.40, 0.70) if blemish == "bruise" else u(0.75, 1.0)
        when = self._when(i, production=production, share=rng.random())
        flagged = severity * visible + u(-0.14, 0.14) > 0.30
        passage = Passage(
            item_id=f"fruit-{i:06d}",
            production=production,
            kind=kind,
            blemish=blemish,
            severity=severity,
            visible=visible,
            label=LABELS[bad],
            quick=LABELS[flagged],
            line=line,
            when=when,
            first_frame=int(rng.integers(0, self.dials.frames)) if production else 0,
            delay=self._delay(when, u),
            hostile="" if production else self._hostile_at.get(i % (self.dials.hostile_every or 1), ""),
        )
        looked_at = not production and (flagged or rng.random() < 0.08)
        return self._reviewed(passage, u) if looked_at else passage

    def _reviewed(self, passage: Passage, u: Callable[[float, float], float]) -> Passage:
        """Add the bench, 20 to 70 hours later, and a review that is right in 98 of 100 cases."""
        at = passage.when + timedelta(hours=u(20, 70))
        wrong = u(0, 1) < 0.02
        return replace(
            passage,
            bench_at=at,
            bench_delay=self._delay(at, u),
            reviewed_label=LABELS[(passage.label == LABELS[1]) != wrong],
            review_known_at=at + timedelta(minutes=u(5, 45)),
        )

    def _when(self, i: int, *, production: bool, share: float) -> datetime:
        """Spread the fruit evenly over their part of the season, up to 5 s off the beat."""
        first = self.dials.history_fruit if production else 0
        n = self.dials.production_fruit if production else self.dials.history_fruit
        begin, length = (self.end, PRODUCTION) if production else (START, HISTORY - _PAUSE)
        step = length / n
        return begin + step * (i - first) + min(timedelta(seconds=5), step * 0.9) * share

    def _line(self, draw: float, *, bad: bool, production: bool) -> str:
        """Send a fruit to a line; the dials `device_label` and `new_line` move some to another."""
        new = self.dials.new_line if production else 0.0
        if draw < new:
            return NEW_LINE
        draw = (draw - new) / (1 - new)
        pull = self.dials.production_device_label if production else self.dials.device_label
        leaning = (0.03, 0.85, 0.12) if bad else (0.85, 0.03, 0.12)
        for line, lean in zip(LINES, leaning, strict=True):
            draw -= (1 - pull) / len(LINES) + pull * lean
            if draw < 0:
                return line
        return LINES[-1]

    def _outage(self, k: int) -> tuple[datetime, datetime]:
        """Every two days the network fails once, for 3 to 7 hours; never over the end of the history."""
        u = between(rng_for(self.seed, "outage", k))
        begin = START + timedelta(days=2 * k + u(0.2, 1.5))
        return begin, begin + timedelta(hours=u(3, 7))

    def _delay(self, when: datetime, u: Callable[[float, float], float]) -> timedelta:
        """Return the way to the store: 1 to 90 s, and in an outage the rest of it."""
        usual = timedelta(seconds=u(1, 90))
        for begin, end in self._outages:
            if begin <= when < end:
                return end - when + usual
        return usual

    def _hostile_slots(self, hostile: tuple[str, ...]) -> dict[int, str]:
        """Choose, among `hostile_every` fruit, those with a hostile delivery."""
        every = self.dials.hostile_every
        rng = rng_for(self.seed, "hostile")
        slots = sorted(range(every), key=[rng.random() for _ in range(every)].__getitem__)
        return dict(zip(slots, hostile, strict=False))


def _health(rng: np.random.Generator) -> tuple[str, float]:
    """Draw blemish and severity: 45 % are clearly bad, a third of the others have a harmless mark."""
    u = between(rng)
    bad = rng.random() < 0.5
    if rng.random() >= (0.9 if bad else 0.35):
        return "none", 0.0
    blemish = BLEMISHES[int(rng.integers(0, len(BLEMISHES)))]
    return blemish, u(0.48, 1.0) if bad else u(0.05, 0.32)
