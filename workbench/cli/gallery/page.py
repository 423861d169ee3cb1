"""The gallery's page: plain HTML from what is known; every text in it is escaped."""

from __future__ import annotations

import html
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from workbench.lab.progress import when
from workbench.widgets import theme

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from workbench.cli.labs import Lab
    from workbench.lab.course import LessonCard

HERE: Final = Path(__file__).parent
_STOPS: Final = 7  # stages on the way, drawn where there is no picture

PAGE: Final = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<meta name="color-scheme" content="light dark">
<title>Silent Failures Workbench</title>
<link rel="icon" href="data:,">
<link rel="stylesheet" href="/gallery.css">
<script type="module" src="/gallery.js"></script>
</head>
<body>
<main>
<header>
<h1>Silent Failures Workbench</h1>
<p class="lead">Models that fail without an error, a warning or a red test: seen, explained and cured on a real pipeline.</p>
<p class="sum" data-test="sum" role="status">{sum}</p>
</header>
<section aria-labelledby="lessons">
<h2 id="lessons">Lessons</h2>
<ol class="cards">
{lessons}
</ol>
</section>
{labs}
<footer>
<p>Each lesson opens in a tab of its own, in {front_end}. Your answers are judged when you save the notebook and come back to this page.</p>
<p>In the terminal: <code>workbench check 00</code> judges a lesson, <code>workbench goto 03</code> prepares one for you, Ctrl-C stops.</p>
</footer>
</main>
</body>
</html>
"""
LABS: Final = """<section aria-labelledby="labs">
<h2 id="labs">Labs</h2>
<p class="lead">Full screen, for an audience or for ten minutes of trying.</p>
<ol class="cards">
{cards}
</ol>
</section>"""


def css() -> str:
    """Return the page's style: the house's colours, light and dark as the machine asks for."""

    def tokens(mode: str) -> str:
        return ";".join(f"--{name}:{colour}" for name, colour in theme.TOKENS[mode].items())

    own = (HERE / "gallery.css").read_text(encoding="utf-8")
    dark = f"@media (prefers-color-scheme: dark){{:root{{{tokens('dark')}}}}}"
    return f":root{{{tokens('light')}}}\n{dark}\n{own}"


def page(
    cards: Sequence[LessonCard],
    labs: Sequence[Lab],
    state: Mapping[str, Any],
    pictures: Mapping[str, Path],
    front_end: str,
) -> str:
    """Return the page.

    Parameters
    ----------
    cards : sequence of LessonCard
        The course.
    labs : sequence of Lab
        May be empty: then there is no such part.
    state : mapping
        From `state_of`.
    pictures : mapping of str to Path
        File name to file.
    front_end : str
        What the lessons open in.

    Returns
    -------
    str
        HTML.
    """
    lessons = "\n".join(_lesson(card, state["lessons"][card.number], pictures) for card in cards)
    shown = "\n".join(_lab(lab, pictures) for lab in labs)
    return PAGE.format(
        sum=html.escape(state["sum"]),
        lessons=lessons,
        labs=LABS.format(cards=shown) if labs else "",
        front_end={"marimo": "marimo", "jupyter": "JupyterLab"}[front_end],
    )


def state_of(
    cards: Sequence[LessonCard],
    known: Mapping[str, Mapping[str, Any]],
    troubles: Mapping[str, str],
    *,
    busy: bool,
) -> dict[str, Any]:
    """Return how far the learner is, as the page and its script show it.

    Parameters
    ----------
    cards : sequence of LessonCard
        The course.
    known : mapping
        From `workbench.lab.progress.Progress.read`.
    troubles : mapping of str to str
        Number of a lesson to why it could not be judged.
    busy : bool
        Whether a file is being judged.

    Returns
    -------
    dict
        ``lessons`` by number, ``sum`` in words, ``busy``.
    """
    lessons = {card.number: _how_far(card, known.get(card.number, {}), troubles) for card in cards}
    opened = sum(bool(one["opened"]) for one in lessons.values())
    solved, of = (sum(one[name] for one in lessons.values()) for name in ("solved", "of"))
    words = (
        f"{opened} of {len(cards)} lessons opened, {solved} of {of} exercises passed"
        if opened
        else "Nothing opened yet: begin with the first lesson."
    )
    undone = [number for number, one in lessons.items() if not one["opened"] or one["solved"] < one["of"]]
    begun = [number for number in undone if lessons[number]["opened"]]
    here = (
        max(begun, key=lambda number: str(known[number].get("opened"))) if begun else next(iter(undone), "")
    )
    for number, one in lessons.items():
        one["mark"] = ("Go on here" if one["opened"] else "Begin here") if number == here else ""
    return {"lessons": lessons, "sum": words, "busy": busy}


def _how_far(card: LessonCard, known: Mapping[str, Any], troubles: Mapping[str, str]) -> dict[str, Any]:
    names = [exercise.function for exercise in card.exercises()]
    solved = [name in known.get("solved", ()) for name in names]
    opened = when(str(known.get("opened", "")))
    if card.number in troubles:
        said = troubles[card.number]
    elif "of" in known:
        said = f"{sum(solved)} of {len(names)} exercises passed"
    else:
        said = f"{len(names)} exercises"
    return {"opened": f"opened {opened}" if opened else "", "solved": sum(solved), "of": len(names),
            "dots": solved, "said": said}  # fmt: skip


def _lesson(card: LessonCard, far: Mapping[str, Any], pictures: Mapping[str, Path]) -> str:
    n = html.escape(card.number)
    dots = "".join(f'<i class="{"done" if done else ""}"></i>' for done in far["dots"])
    return (
        f'<li data-lesson="{n}"><a href="/open/{n}" target="lesson-{n}">{_picture(card.number, pictures)}'
        f'<span class="over"><span class="number">{n}</span><span>{card.minutes} minutes</span>'
        f'<b class="mark" {"" if far["mark"] else "hidden"}>{far["mark"]}</b></span>'
        f'<h3>{html.escape(card.title)}</h3><span class="shows">{html.escape(card.shows)}</span>'
        f'<span class="far"><span class="dots" aria-hidden="true">{dots}</span>'
        f'<span class="said">{html.escape(far["said"])}</span>'
        f'<span class="opened">{html.escape(far["opened"])}</span></span></a></li>'
    )


def _lab(lab: Lab, pictures: Mapping[str, Path]) -> str:
    name = html.escape(lab.name)
    return (
        f'<li data-lab="{name}"><a href="/lab/{name}" target="lab-{name}">{_picture(f"lab-{lab.name}", pictures)}'
        f'<span class="over"><span class="number">lab</span></span><h3>{html.escape(lab.title)}</h3>'
        f'<span class="shows">{html.escape(lab.says)}</span></a></li>'
    )


def _picture(name: str, pictures: Mapping[str, Path]) -> str:
    """Return the picture of a lesson, light and dark; where there is none, a drawing."""
    light, dark = (f"{name}-{mode}.webp" for mode in ("light", "dark"))
    if light not in pictures or dark not in pictures:
        return _drawing(int(name) if name.isdigit() else -1)
    return (
        f'<picture><source srcset="/img/{html.escape(dark)}" media="(prefers-color-scheme: dark)">'
        f'<img src="/img/{html.escape(light)}" alt="" width="640" height="400"></picture>'
    )


def _drawing(stop: int) -> str:
    """Draw the seven stages, the lesson's one marked, and a dashed way back from the future."""
    xs = [68 + 84 * i for i in range(_STOPS)]
    stops = "".join(
        f'<circle cx="{x}" cy="240" r="{22 if i == stop else 12}" class="{"here" if i == stop else "stop"}"/>'
        for i, x in enumerate(xs, 1)
    )
    at = xs[stop - 1] if 1 <= stop <= _STOPS else xs[3]
    far = xs[-1] if at < xs[-1] else xs[0]
    back = f'<path class="back" d="M{far} 216C{far} 96 {at} 96 {at} {206 if stop > 0 else 216}"/>'
    return f'<svg class="drawing" viewBox="0 0 640 400" aria-hidden="true"><path class="way" d="M{xs[0]} 240H{xs[-1]}"/>{back}{stops}</svg>'
