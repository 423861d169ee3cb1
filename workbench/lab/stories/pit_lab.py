"""The lab on point-in-time joins: a leak is dragged into a join, and the score of such a join stands beside it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from workbench.lab import bars
from workbench.lab.effects import UNIT
from workbench.lab.lesson import View
from workbench.lab.show import Shown, stack
from workbench.lab.timeline import Joins, sources
from workbench.lab.truth import score_of_effect
from workbench.widgets import PitTimeline

if TYPE_CHECKING:
    from workbench.lab.meter import Score

VALUES: Final[list[dict[str, Any]]] = [
    {"id": "a", "value": 9, "event": 2, "known": 2.5},
    {"id": "b", "value": 8, "event": 9, "known": 9.5},
    {"id": "c", "value": 4, "event": 14, "known": 20},
    {"id": "d", "value": 0, "event": 25, "known": 25.5},
]
"""Visits of one member in 30 days, computed now and then; the third number came in late, at the fourth he had left."""
ON_TIME: Final = [row | {"known": row["event"] + 0.5} for row in VALUES]
CORRECTED: Final = [
    *VALUES[:2],
    {"id": "c", "value": 7, "event": 14, "known": 14.5},
    {"id": "e", "value": 4, "event": 14, "known": 20},
    VALUES[3],
]
PRESETS: Final[list[dict[str, Any]]] = [
    {"name": "1 on time", "values": ON_TIME, "observation": 17, "says": "Everything is recorded within hours. One join leaks all the same: the newest value knows that the member has left."},
    {"name": "2 a late record", "observation": 17, "says": "The 4 was reported late. It was true on day 17, and nobody knew: now the join on event time leaks, too."},
    {"name": "3 drag it", "observation": 19.5, "says": "Drag the pill past day 20, or the square of the 4 to the left of the pill. The leak ends where the record begins."},
    {"name": "4 a correction", "values": CORRECTED, "observation": 17, "says": "One day, two rows: 7 at once, corrected to 4 a week later. A point-in-time join on event time takes the correction."},
    {"name": "5 all is known", "observation": 28, "says": "Weeks later all joins agree. Whoever compares them then finds nothing."},
]  # fmt: skip
TOLD: Final = {
    "newest value": ("latest_value_join", "The newest photo of each fruit"),
    "as of event time": ("back_dated_rows", "Event time without known-at"),
}
"""Which measured failure a join makes when it leaks, and where it was measured."""
METERS: Final = (
    ("latest_value_join", "The newest photo", "Packhouse. Strength: share of the fruit that are joined with their newest photo."),
    ("back_dated_rows", "Event time alone", "Gym. Strength: share of leavers who dispute their last payment."),
)  # fmt: skip
"""Failure, title and sentence of the two meters below."""


def moments() -> PitTimeline:
    """Return the timeline, on its second moment."""
    engines, code = Joins().engines, sources()
    shown = [name for name in engines if name != "by brute force"]  # it agrees with the last one, always
    widget = PitTimeline(
        VALUES,
        observation=17.0,
        engines={name: engines[name] for name in shown},
        sources={name: code[name] for name in shown},
        subject="visits in 30 days",
        presets=PRESETS,
    )
    widget.choose(PRESETS[1]["name"])
    return widget


def prices(widget: PitTimeline) -> View:
    """Return what the joins would claim and get; follows the timeline.

    Parameters
    ----------
    widget : PitTimeline
        From `moments`.

    Returns
    -------
    View
        For each join the measured failure while it leaks, its cure while it does not.
    """
    return View(_price, widget)


def _price(widget: Any) -> Shown:
    parts = [_of_join(engine, engine in widget.leaks) for engine in TOLD]
    foot = "Measured before, on a full season of the packhouse and of the gym. Where a join leaks, the leaky twin stands above the honest one."
    return stack(*parts, Shown(f"<p>{foot}</p>", foot))


def _of_join(engine: str, leaks: bool) -> Shown:  # noqa: FBT001 (one of two settings)
    import html

    from workbench.failures import load

    failure, where = TOLD[engine]
    models: list[tuple[str, Score]] = [(where, score_of_effect(failure))] if leaks else []
    models.append(("As of both times", score_of_effect(failure, cured=True)))
    head = f"{engine}: {'leaks' if leaks else 'no leak here'}"
    drawn = bars.score_bars(models, unit=UNIT[load(failure).world])
    colour = "var(--leak)" if leaks else "var(--known)"
    title = f'<h4 style="color:{colour};font-size:20px">{html.escape(head)}</h4>'
    return Shown(title + drawn.body, f"{head}\n{drawn.words}", head)


NOTES: Final = """
**Minute 0.** *A model asks how often a member came in the last 30 days. Three joins answer. On which day is it
allowed to know the 4?* Let the room vote before you touch anything.

**Minute 1, button 1.** Nothing is late. Point at the dashed arrow: it comes from the right, from the future. To the
right of the picture stands what such a join claims in the packhouse, and what it gets.

**Minute 2, button 2.** One number was reported late. Now the arrow starts on the *left* of the line: it was true. Ask
who sees a leak. Feature stores join in this way unless they are told otherwise.

The lower bars are subtle. The leaky claim is no higher than what production gives; the honest twin would have claimed
less. *Inflated* compares the two gaps.

**Minute 3, button 3.** Drag the pill slowly over day 20. The row of *as of event time* turns from dashed to solid,
and its bars with it. Drag it back.

**Minute 4, button 4.** A correction is a late record that looks like an old one. Then open *What each join runs*: the
two statements differ in `usable_at`.

**Minute 5, button 5.** All agree. *That is why nobody finds it afterwards.* Scroll down for the other strengths: the
more rows are joined carelessly, the more is claimed.
"""
