"""Training-serving skew before an audience: one story, and table scope, picture scope and dial that follow it."""

from __future__ import annotations

import html
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from workbench.lab.show import Shown
from workbench.widgets import Steps, View

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from workbench.lab.served import Service
    from workbench.widgets import PictureScope, SkewScope


@dataclass(frozen=True, slots=True)
class Step:
    """One step of the story.

    Attributes
    ----------
    name, says : str
        On the button, and in large type.
    service : str
        Failure that answers in the table scope; empty: the honest service.
    alteration : str
        What is done to the photo.
    """

    name: str
    says: str
    service: str = ""
    alteration: str = "as in training"


STORY: Final = (
    Step("honest", "One member, one photo: what training read is what the service reads."),
    Step("window", "The service counts 7 days, training counted 30. Who is called?", "window_mismatch"),
    Step("unit", "The column is still called days, and the AUC looks as always.", "unit_mismatch"),
    Step("dead store", "For four weeks the store was not filled. As many are called as planned, and the wrong ones.", "stale_store"),
    Step("BGR", "Now the photo: red and blue change places. People see it at once, no schema does.", "", "BGR"),
    Step("encoder", "Not one pixel differs, and the model reads another language.", "", "new encoder"),
)  # fmt: skip
"""About a minute a step."""
COLUMNS: Final = ("visits_7d", "visits_30d", "days_since_visit", "trend")
"""Of the table scope: what can be read from the last row."""
_SCALES: Final = {"auc": (0.5, 1.0), "called": (0.0, 0.5), "score_to_rate": (0.0, 6.0)}
_WORDS: Final = {
    "auc": "AUC",
    "called": "members called",
    "score_to_rate": "predicted / real",
}


def skew_show(
    service: Service,
    pictures: PictureScope,
    story: Sequence[Step] = STORY,
    tell: Callable[[str], object] = str,
) -> tuple[Steps, SkewScope, View]:
    """Return the story, the table scope that follows it, and the decision dial.

    Parameters
    ----------
    service : Service
        Of an honest run of the gym.
    pictures : PictureScope
        Follows the story, too.
    story : sequence of Step
        In order.
    tell : callable
        Is told a sentence before each service that is asked.

    Returns
    -------
    tuple of Steps, SkewScope and View
        Everything is computed before the first step is shown.
    """
    names = list(dict.fromkeys(step.service for step in story))
    scopes, dials = {}, {}
    for name in names:
        tell(f"asked on both sides: {name or 'the honest service'}")
        scopes[name], dials[name] = service.scope(name, COLUMNS), service.dial(name)
    first = (pictures.chosen, pictures.gain)
    steps = Steps([{"name": step.name, "says": step.says} for step in story])
    scope = service.scope(story[0].service, COLUMNS)
    member = scopes[names[min(1, len(names) - 1)]].chosen  # whom the first failure moves most
    scope.chosen = member

    def follow(change: object) -> None:
        del change
        step = story[steps.at]
        other = scopes[step.service]
        there = {entity["key"] for entity in other.entities}
        with scope.hold_sync():
            scope.features, scope.entities = other.features, other.entities
            scope.chosen = scope.chosen if scope.chosen in there and step.service == "" else other.chosen
        pictures.alteration = step.alteration

    def back(change: object) -> None:
        follow(change)
        scope.chosen = member
        pictures.chosen, pictures.gain = first

    steps.observe(follow, names="at")
    steps.observe(back, names="reset")
    dial = View(lambda shown: decision_dial(dials[""], dials[story[shown.at].service]), steps)
    return steps, scope, dial


def decision_dial(honest: Mapping[str, float], now: Mapping[str, float]) -> Shown:
    """Show three numbers of production, beside those of the honest service.

    Parameters
    ----------
    honest, now : mapping of str to float
        From `workbench.lab.served.Service.dial`.

    Returns
    -------
    Shown
        A bar each on a fixed axis; the honest service is a mark on it.
    """
    rows = [_row(name, honest[name], now[name]) for name in _WORDS]
    body = (
        '<div style="display:grid;grid-template-columns:repeat(auto-fit,minmax(136px,1fr));gap:24px">'
        f"{''.join(row for row, _ in rows)}</div>"
    )
    return Shown(body, "\n".join(["[decision dial]", *(words for _, words in rows)]), "decision dial")


def _row(name: str, honest: float, now: float) -> tuple[str, str]:
    texts = [f"{value:.0%}" if name == "called" else f"{value:.2f}" for value in (honest, now)]
    low, high = _SCALES[name]
    at = [round(100 * (min(max(value, low), high) - low) / (high - low), 1) for value in (honest, now)]
    words = f"{_WORDS[name]}: {texts[1]}, honest {texts[0]}"
    bar = (
        f'<svg viewBox="0 0 100 12" preserveAspectRatio="none" style="height:16px" role="img" aria-label="{html.escape(words)}">'
        f'<rect width="100" height="12" fill="var(--line)"/><rect width="{at[1]}" height="12" fill="var(--got)"/>'
        f'<rect x="{max(at[0] - 0.6, 0)}" width="1.2" height="12" fill="var(--fg)"/></svg>'
    )
    size: Any = "font-size:28px;line-height:36px;font-weight:600"
    return (
        f'<div><div style="color:var(--muted)">{html.escape(_WORDS[name])}</div><div style="{size}">{texts[1]}</div>{bar}'
        f'<div style="color:var(--muted)">honest: {texts[0]}</div></div>',
        f"  {words}",
    )
