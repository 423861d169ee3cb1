"""The truth meter as a picture: claimed is hatched, got is solid, could-have-had is an outline.

The axis is fixed, so that two pictures can be compared, and each bar carries its interval, its
number and what it is a number of. Meaning never rests on colour alone.
"""

from __future__ import annotations

import html
from typing import TYPE_CHECKING, Any, Final

from workbench.hashing import sha256_texts
from workbench.lab.show import Shown

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from workbench.lab.meter import Estimate, Score

LOW, HIGH = 0.5, 1.0
"""Ends of the axis: a coin, and a model that is always right. Never fitted to the data."""
_LEFT, _RIGHT, _WIDTH = 128, 500, 740
_ROW, _BAR, _HEAD = 28, 16, 32
_NAMES: Final = {"claimed": "claimed", "got": "got", "could_have_had": "could have had"}
_METRICS: Final = {"accuracy": "share of fruit that are graded right", "auc": "area under the ROC curve"}


def score_bars(
    models: Sequence[tuple[str, Score]], *, unit: str = "fruit", show: Sequence[str] = tuple(_NAMES)
) -> Shown:
    """Draw what models claim, get, and could have had.

    Parameters
    ----------
    models : sequence of (str, Score)
        Name of each model, and where it stands.
    unit : str
        What n counts.
    show : sequence of str
        Which bars: any of ``claimed``, ``got``, ``could_have_had``.

    Returns
    -------
    Shown
        An inline SVG.
    """
    words = "\n".join(_in_words(name, score, unit, show) for name, score in models)
    key = f"wb{sha256_texts([words])[:8]}"
    metric = models[0][1].metric
    drawn, y = [], _HEAD
    for name, score in models:
        block, y = _model(name, score, y, unit, show, key)
        drawn.append(block)
    body = (
        f'<svg viewBox="0 0 {_WIDTH} {y + 24}" role="img" aria-label="{_label(words)}" '
        f'font-family="inherit" font-size="13" fill="var(--fg)">{_hatch(key)}{_axis(y, metric)}{"".join(drawn)}</svg>'
    )
    return Shown(body, words)


def _label(words: str) -> str:
    """Return the words on one line, as an attribute: what a screen reader says."""
    return html.escape("; ".join(" ".join(line.split()) for line in words.splitlines()), quote=True)


def _x(value: float) -> float:
    return round(_LEFT + (min(max(value, LOW), HIGH) - LOW) / (HIGH - LOW) * (_RIGHT - _LEFT), 1)


def _hatch(key: str) -> str:
    return (
        f'<defs><pattern id="{key}" width="6" height="6" patternUnits="userSpaceOnUse" patternTransform="rotate(45)">'
        '<rect width="6" height="6" fill="var(--claimed)" fill-opacity=".18"/>'
        '<line x1="0" y1="0" x2="0" y2="6" stroke="var(--claimed)" stroke-width="4"/></pattern></defs>'
    )


def _axis(bottom: int, metric: str, top: int = _HEAD) -> str:
    """Return the grid lines, their numbers and what is measured."""
    ticks = [LOW + i / 10 for i in range(6)]
    lines = "".join(
        f'<line x1="{_x(t)}" x2="{_x(t)}" y1="{top}" y2="{bottom}" stroke="var(--line)"/>'
        f'<text x="{_x(t)}" y="{bottom + 16}" text-anchor="middle" font-size="12" fill="var(--muted)">{t:.1f}</text>'
        for t in ticks
    )
    return f'<text x="{_LEFT}" y="14" font-size="12" fill="var(--muted)">{_METRICS[metric]}; 0.5 is a coin</text>{lines}'


def _model(name: str, score: Score, y: int, unit: str, show: Sequence[str], key: str) -> tuple[str, int]:
    """Return the bars of one model and where the next one begins."""
    drawn = [f'<text x="0" y="{y + 14}" font-weight="600">{html.escape(name)}</text>']
    y += 24
    for field, label in _NAMES.items():
        found: Estimate | None = getattr(score, field)
        if found is not None and field in show:
            drawn.append(_bar(field, label, found, y, unit, key))
            y += _ROW
    if score.excess_inflation is not None and "got" in show:
        said = html.escape(_verdict(score))
        colour = "var(--leak)" if score.verdict == "inflated" else "var(--muted)"
        drawn.append(
            f'<text x="{_LEFT}" y="{y + 12}" font-size="12" fill="{colour}" font-weight="600">{said}</text>'
        )
        y += 24
    return "".join(drawn), y + 16


def _bar(field: str, label: str, found: Estimate, y: int, unit: str, key: str) -> str:
    style = {
        "claimed": f'fill="url(#{key})" stroke="var(--claimed)"',
        "got": 'fill="var(--got)" stroke="var(--got)"',
        "could_have_had": 'fill="none" stroke="var(--known)" stroke-width="2"',
    }[field]
    top, middle = y + (_ROW - _BAR) / 2, y + _ROW / 2
    width = max(_x(found.value) - _LEFT, 1)
    whisker = f'<path d="M{_x(found.low)} {middle}H{_x(found.high)}M{_x(found.low)} {middle - 4}v8M{_x(found.high)} {middle - 4}v8"'
    return (
        f'<text x="{_LEFT - 8}" y="{middle + 4.5}" text-anchor="end" fill="var(--muted)">{label}</text>'
        f'<rect x="{_LEFT}" y="{top}" width="{width}" height="{_BAR}" {style}/>'
        f'{whisker} stroke="var(--ground)" stroke-width="4.5" fill="none"/>'
        f'{whisker} stroke="var(--fg)" stroke-width="1.5" fill="none"/>'
        f'<text x="{_RIGHT + 16}" y="{middle + 5.5}" font-size="16" font-weight="600">{found.value:.2f}</text>'
        f'<text x="{_RIGHT + 64}" y="{middle + 5}" font-size="12" fill="var(--muted)">'
        f"{found.low:.2f} to {found.high:.2f}, n = {found.n} {unit}</text>"
    )


def _verdict(score: Score) -> str:
    excess = score.excess_inflation
    if excess is None:
        return ""
    if score.verdict == "inflated":
        return f"inflated by {excess.value:.2f} ({excess.low:.2f} to {excess.high:.2f})"
    return f"inflation {excess.value:+.2f} ({excess.low:+.2f} to {excess.high:+.2f}): {score.verdict}"


def _in_words(name: str, score: Score, unit: str, show: Sequence[str]) -> str:
    said = [name]
    for field, label in _NAMES.items():
        found: Estimate | None = getattr(score, field)
        if found is not None and field in show:
            said.append(f"  {label:<14} {found}  n = {found.n} {unit}")
    if score.excess_inflation is not None and "got" in show:
        said.append(f"  {_verdict(score)}")
    return "\n".join(said)


def dumbbells(seasons: Sequence[Mapping[str, Any]]) -> Shown:
    """Draw many worlds at once: from what was claimed to what was got, and what could have been had.

    Parameters
    ----------
    seasons : sequence of mapping
        Each with ``name``, ``claimed``, ``got`` and ``could_have_had``.

    Returns
    -------
    Shown
        An inline SVG, one row a world.
    """
    words = "\n".join(
        f"{s['name']:<9} claimed {s['claimed']:.2f}  got {s['got']:.2f}  could have had {s['could_have_had']:.2f}"
        for s in seasons
    )
    key = f"wb{sha256_texts([words])[:8]}"
    top, bottom = _HEAD + 28, _HEAD + 28 + _ROW * len(seasons)
    rows = "".join(_dumbbell(season, top + _ROW * i + _ROW // 2, key) for i, season in enumerate(seasons))
    legend = (
        f'<g font-size="12" fill="var(--muted)">{_marks(_LEFT + 6, None, None, _HEAD + 10, key)}'
        f'<text x="{_LEFT + 20}" y="{_HEAD + 14}">claimed</text>{_marks(None, _LEFT + 96, None, _HEAD + 10, key)}'
        f'<text x="{_LEFT + 108}" y="{_HEAD + 14}">got</text>{_marks(None, None, _LEFT + 156, _HEAD + 10, key)}'
        f'<text x="{_LEFT + 170}" y="{_HEAD + 14}">could have had</text></g>'
    )
    body = (
        f'<svg viewBox="0 0 {_WIDTH} {bottom + 24}" role="img" aria-label="{_label(words)}" '
        f'font-family="inherit" font-size="13" fill="var(--fg)">{_hatch(key)}'
        f"{_axis(bottom, 'accuracy', top)}{legend}{rows}</svg>"
    )
    return Shown(body, words)


def strip(scores: Sequence[float], metric: str, title: str) -> Shown:
    """Draw many scores of one pipeline as dots; the best one is hatched.

    Parameters
    ----------
    scores : sequence of float
        0.5 to 1.
    metric : str
        ``accuracy`` or ``auc``.
    title : str
        What a dot is.

    Returns
    -------
    Shown
        An inline SVG. Dots that would lie on each other are stacked.
    """
    best, mean = max(scores), sum(scores) / len(scores)
    words = f"{title}: from {min(scores):.2f} to {best:.2f}, mean {mean:.2f}"
    key = f"wb{sha256_texts([words])[:8]}"
    columns: dict[int, list[float]] = {}
    for score in sorted(scores):
        columns.setdefault(round(_x(score) / 12), []).append(score)
    bottom = _HEAD + 16 + 13 * max(map(len, columns.values()))
    dots = [
        f'<circle cx="{12 * place}" cy="{bottom - 8 - 13 * i}" r="5.5" '
        + (
            f'fill="url(#{key})" stroke="var(--claimed)" stroke-width="2"/>'
            if score == best
            else 'fill="var(--muted)"/>'
        )
        for place, column in columns.items()
        for i, score in enumerate(column)
    ]
    said = f'<text x="{_RIGHT + 16}" y="{bottom - 4}" font-size="12" fill="var(--claimed)">best {best:.2f}, mean {mean:.2f}</text>'
    body = (
        f'<h4>{html.escape(title)}</h4><svg viewBox="0 0 {_WIDTH} {bottom + 24}" role="img" aria-label="{_label(words)}" '
        f'font-family="inherit" font-size="13" fill="var(--fg)">{_hatch(key)}{_axis(bottom, metric)}{"".join(dots)}{said}</svg>'
    )
    return Shown(body, words, title)


def _dumbbell(season: Mapping[str, Any], y: int, key: str) -> str:
    claimed, got = _x(season["claimed"]), _x(season["got"])
    said = f"{season['claimed']:.2f} claimed, {season['got']:.2f} got"
    return (
        f'<text x="{_LEFT - 8}" y="{y + 4.5}" text-anchor="end" fill="var(--muted)">{html.escape(season["name"])}</text>'
        f'<line x1="{got}" x2="{claimed}" y1="{y}" y2="{y}" stroke="var(--leak)" stroke-width="2" stroke-dasharray="4 3"/>'
        f"{_marks(claimed, got, _x(season['could_have_had']), y, key)}"
        f'<text x="{_RIGHT + 16}" y="{y + 4.5}" font-size="12" fill="var(--muted)">{said}</text>'
    )


def _marks(claimed: float | None, got: float | None, could: float | None, y: int, key: str) -> str:
    """Return a hatched square, a solid disc and an outlined diamond, at those places that are given."""
    drawn = ""
    if could is not None:
        drawn += f'<path d="M{could} {y - 8}l8 8l-8 8l-8 -8z" fill="var(--ground)" stroke="var(--known)" stroke-width="2"/>'
    if claimed is not None:
        drawn += (
            f'<rect x="{claimed - 7}" y="{y - 7}" width="14" height="14" fill="var(--ground)"/>'
            f'<rect x="{claimed - 7}" y="{y - 7}" width="14" height="14" fill="url(#{key})" stroke="var(--claimed)"/>'
        )
    if got is not None:
        drawn += f'<circle cx="{got}" cy="{y}" r="6" fill="var(--got)" stroke="var(--ground)"/>'
    return drawn
