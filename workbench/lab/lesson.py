"""What lessons need besides the pipeline: a workspace of their own, notes, answers that open, and the widgets."""

from __future__ import annotations

import html
import json
import os
import textwrap
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Literal

from workbench.errors import SettingsError
from workbench.lab.pipeline import Watcher, open_or_create, run_pipeline
from workbench.lab.show import Shown
from workbench.profiles.workspace import workspaces_root
from workbench.records import silent
from workbench.widgets import Case, Panel, Predict, View
from workbench.widgets import Checkpoint as Check
from workbench.widgets.base import live

if TYPE_CHECKING:
    from collections.abc import Callable

    from workbench.profiles.workspace import Workspace
    from workbench.records import Progress

__all__ = [
    "COLOURS", "Case", "Check", "Exercise", "Kind", "Panel", "Predict", "Teller", "View", "figure", "lessons_root", "live", "note",
    "prepared", "reveal", "workspace",
]  # fmt: skip

Kind = Literal["symptom", "cause", "cure", "note"]
COLOURS: Final[dict[Kind, str]] = {
    "symptom": "var(--leak)",
    "cause": "var(--claimed)",
    "cure": "var(--known)",
    "note": "var(--got)",
}


@dataclass(frozen=True, slots=True)
class Exercise:
    """A function that the learner writes, judged by what it does; in a lesson and in the terminal alike.

    Attributes
    ----------
    function : str
        Its name in the lesson.
    question : str
        The task, in one sentence.
    cases : tuple of Case
        At least one for each misconception that is worth naming.
    hints : tuple of str
        From a nudge to nearly the solution.
    """

    function: str
    question: str
    cases: tuple[Case, ...]
    hints: tuple[str, ...]

    def __call__(self, function: Callable[..., Any]) -> Check:
        """Return the checkpoint for a lesson's cell."""
        return Check(self.question, function, self.cases, self.hints)


def workspace(name: str, size: str = "tiny", seed: int = 0) -> Workspace:
    """Open the workspace of a lesson, or make it.

    Parameters
    ----------
    name : str
        For example ``lesson-00-tiny``: a lesson never touches the learner's own workspaces.
    size : str
        Of the packhouse.
    seed : int
        Of the packhouse.

    Returns
    -------
    Workspace
        Below WORKBENCH_HOME where it is set, else in the checkout, whichever folder the
        notebook's kernel was started in.
    """
    return open_or_create(str(lessons_root() / name), size=size, seed=seed)


def prepared(*, size: str = "tiny", seed: int = 0, watcher: Watcher | None = None) -> Workspace:
    """Return the workspace that the lessons share, with the seven stages run on the packhouse.

    Parameters
    ----------
    size : str
        Of the packhouse.
    seed : int
        Of the packhouse.
    watcher : Watcher, optional
        Is told about the stages; default one printed line for each.

    Returns
    -------
    Workspace
        Read from it; a lesson that damages something makes a `workspace` of its own for that.
    """
    ws = workspace(f"lessons-{size}" + (f"-{seed}" if seed else ""), size=size, seed=seed)
    run_pipeline(ws, watcher=watcher or Teller())
    return ws


def lessons_root() -> Path:
    """Return the folder of the lessons' workspaces.

    Returns
    -------
    Path
        Kernels start in the notebook's folder, so it cannot hang on the current one alone.
    """
    if os.environ.get("WORKBENCH_HOME"):
        return workspaces_root()
    here = Path.cwd()
    for folder in (here, *here.parents):
        if (folder / "notebooks").is_dir() and (folder / "pyproject.toml").is_file():
            return folder / "data" / "workspaces"
    return workspaces_root()


def figure(name: str) -> dict[str, Any]:
    """Return numbers that a command has measured for a lesson, and that a test compares.

    Parameters
    ----------
    name : str
        Of a file in ``docs/figures``, without ``.json``.

    Returns
    -------
    dict
        What it holds.

    Raises
    ------
    SettingsError
        If there is no such file.
    """
    path = Path(__file__).resolve().parents[2] / "docs" / "figures" / f"{name}.json"
    if not path.is_file():
        raise SettingsError(f"there is no figure {path}", hint="run the lesson in the folder that you cloned")
    loaded: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return loaded


class Teller(Watcher):
    """Print one line a stage while a lesson's pipeline is at work; the same lines on every run.

    Parameters
    ----------
    before : str
        In front of each line.
    """

    DOES: Final = {
        "ingest": "photos are stored once",
        "clean": "every photo is decoded, damaged ones are set aside",
        "extract": "photos become embeddings",
        "dataset": "labels meet features",
        "train": "a model is fitted",
        "serve": "next week is predicted",
        "reproduce": "the model is made again from raw",
        "guards": "every guard has a look",
    }

    def __init__(self, before: str = "") -> None:
        self.before = before

    def begin(self, stage: str) -> Progress:
        """Say what the stage does."""
        print(f"{self.before}{stage}: {self.DOES[stage]}", flush=True)  # noqa: T201 (a notebook's cell shows it)
        return silent


def note(kind: Kind, title: str, body: str) -> Shown:
    """Show a boxed remark.

    Parameters
    ----------
    kind : {'symptom', 'cause', 'cure', 'note'}
        Decides the colour; the title says the same in words.
    title : str
        One line.
    body : str
        Markdown.

    Returns
    -------
    Shown
        The remark.
    """
    text = textwrap.dedent(body).strip()
    inner = (
        f'<div style="--c:{COLOURS[kind]}" class="wb note"><b>{html.escape(title)}</b>{_markdown(text)}</div>'
    )
    return Shown(inner, f"[{kind}] {title}\n{text}")


def reveal(title: str, *parts: str | Shown) -> Shown:
    """Show something that opens on a click: what was asked before shall be guessed before.

    Parameters
    ----------
    title : str
        What to do, or the question once more.
    *parts : str or Shown
        Markdown, or what a lesson shows.

    Returns
    -------
    Shown
        Collapsed. Nothing waits for the click: a run without a reader goes through.
    """
    texts = [textwrap.dedent(part).strip() if isinstance(part, str) else part for part in parts]
    inner = "".join(_markdown(text) if isinstance(text, str) else text.body for text in texts)
    words = "\n".join(str(text) for text in texts)
    return Shown(
        f"<details><summary>{html.escape(title)}</summary>{inner}</details>", f"[opens] {title}\n{words}"
    )


def _markdown(text: str) -> str:
    import markdown

    return str(markdown.markdown(text, extensions=["tables"]))
