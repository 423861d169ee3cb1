"""``workbench goto``: the working state of a lesson, for somebody who comes late."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from typing import Literal


def go_to(
    number: str,
    workspace: str,
    *,
    open_it: bool,
    front_end: Literal["marimo", "jupyter"],
    open_browser: bool,
) -> None:
    """Make what a lesson works on where its kernel will look for it, and say how to go on.

    Parameters
    ----------
    number : str
        Of the lesson.
    workspace : str
        Whose progress the gallery shows.
    open_it : bool
        Serve the lessons too, and open this one.
    front_end : {'marimo', 'jupyter'}
        In which.
    open_browser : bool
        Where there is a browser.
    """
    from workbench.cli.screen import Screen, console
    from workbench.cli.start import serve_course
    from workbench.lab.course import lesson_card

    card = lesson_card(number)
    out = console()
    out.print(f"\n  [name]{card.number}  {card.title}[/]\n", soft_wrap=True)
    ws = card.module().prepare(Screen(out))
    out.print(f"\n  [quiet]made in[/]  {ws.root}", soft_wrap=True)
    if not open_it:
        flag = " --jupyter" if front_end == "jupyter" else ""
        out.print(f"  [quiet]open it[/]  workbench goto {card.number} --open{flag}", soft_wrap=True)
        return
    serve_course(ws, workspace, front_end=front_end, open_browser=open_browser, first=card)
