"""``workbench start``: run the stages where they are not run yet, then open the gallery of lessons."""

from __future__ import annotations

import os
import sys
import webbrowser
from contextlib import ExitStack
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

from workbench.cli.servers import LESSON, free_port, jupyter_server, labs_server, marimo_server, running
from workbench.errors import MissingExtraError, SettingsError, WorkbenchError

if TYPE_CHECKING:
    from typing import Literal

    from workbench.cli.gallery.server import Gallery
    from workbench.lab.course import LessonCard
    from workbench.profiles.workspace import Workspace

    FrontEnd = Literal["marimo", "jupyter"]


def start_course(
    name: str, *, size: str | None, front_end: FrontEnd, port: int = 0, open_browser: bool = True
) -> None:
    """Run the pipeline, then serve the gallery and the lessons until somebody stops it.

    Parameters
    ----------
    name : str
        Of the workspace.
    size : str, optional
        Of the packhouse.
    front_end : {'marimo', 'jupyter'}
        Which server runs the lessons.
    port : int
        Of the gallery, on loopback; 0 takes a free one.
    open_browser : bool
        Open the gallery, where there is a browser.

    Raises
    ------
    MissingExtraError
        If the front end is not installed.
    SettingsError
        If there are no notebooks here, or the port is taken.
    """
    notebooks_folder()
    require_front_end(front_end)
    port = free_port(port)
    serve_course(_prepared(name, size), name, front_end=front_end, port=port, open_browser=open_browser)


def serve_course(
    ws: Workspace,
    name: str,
    *,
    front_end: FrontEnd,
    port: int = 0,
    open_browser: bool = True,
    first: LessonCard | None = None,
) -> None:
    """Serve the gallery, the lessons and the labs until somebody stops it.

    Parameters
    ----------
    ws : Workspace
        Whose cache takes what the servers say.
    name : str
        Of the workspace whose progress is shown.
    front_end : {'marimo', 'jupyter'}
        Which server runs the lessons.
    port : int
        Of the gallery, on loopback; 0 takes a free one.
    open_browser : bool
        Open it, where there is a browser.
    first : LessonCard, optional
        Open this lesson instead of the gallery.

    Raises
    ------
    WorkbenchError
        If the notebook server ends by itself.
    """
    folder = notebooks_folder()
    require_front_end(front_end)
    make = marimo_server if front_end == "marimo" else jupyter_server
    server = make(folder, ws.cache, free_port())
    log = ws.cache / "notebook-server.log"
    with ExitStack() as stack:
        process = stack.enter_context(running(server, folder.parent, log))
        gallery = _gallery(folder, name, front_end)
        gallery.lesson_page = server.page_of
        if gallery.labs:
            labs = labs_server(folder / "labs", ws.cache, free_port())
            stack.enter_context(running(labs, folder.parent, ws.cache / "labs-server.log"))
            gallery.lab_page = labs.page_of
        stack.enter_context(gallery.serving(port))
        page = gallery.url_of(first) if first else gallery.url
        print(f"\n  open     {page}\n  stop     Ctrl-C\n", flush=True)
        if open_browser and has_display():
            webbrowser.open(page)
        process.wait()
    if process.returncode:
        raise WorkbenchError(
            f"{front_end} ended with code {process.returncode}", hint=f"its last words are in {log}"
        )


def _gallery(folder: Path, name: str, front_end: FrontEnd) -> Gallery:
    from workbench.cli.gallery.server import Gallery
    from workbench.cli.labs import labs_in
    from workbench.lab.lesson import lessons_root
    from workbench.lab.progress import Progress
    from workbench.profiles.workspace import resolve

    labs = labs_in(folder) if find_spec("marimo") else []
    return Gallery(folder, Progress(lessons_root(), resolve(name).name), labs=labs, front_end=front_end)


def _prepared(name: str, size: str | None) -> Workspace:
    """Return the workspace with all stages run; look at the marks first, work only where needed."""
    from workbench.cli.screen import Screen, console, headline
    from workbench.cli.status import summary
    from workbench.lab.pipeline import is_finished, open_or_create, run_pipeline

    ws = open_or_create(name, size=size)
    out = console()
    out.print(headline(ws))
    if not is_finished(ws):
        run_pipeline(ws, watcher=Screen(out))
        out.print()
    out.print(summary(ws), soft_wrap=True)
    return ws


def notebooks_folder() -> Path:
    """Return the folder of the lessons.

    Returns
    -------
    Path
        ``notebooks`` below the current folder, or beside the package in a checkout.

    Raises
    ------
    SettingsError
        If there is none: a bare wheel holds no lessons.
    """
    here = (Path.cwd(), *Path.cwd().parents, Path(__file__).resolve().parents[2])
    for folder in here:
        if (folder / "notebooks" / f"{LESSON}.py").is_file():
            return folder / "notebooks"
    raise SettingsError(
        f"there are no lessons in {here[0]}", hint="run `workbench start` in the folder that you cloned"
    )


def require_front_end(front_end: FrontEnd) -> None:
    """Refuse to begin where the front end is missing.

    Parameters
    ----------
    front_end : {'marimo', 'jupyter'}
        Which.

    Raises
    ------
    MissingExtraError
        If it is not installed.
    """
    if find_spec("marimo" if front_end == "marimo" else "jupyterlab") is None:
        raise MissingExtraError(
            f"{front_end} is not installed", hint="pip install -c constraints.txt -e '.[all]'"
        )


def has_display() -> bool:
    """Return whether a browser can show itself; on a bare server one in the terminal would take it over."""
    return not sys.platform.startswith("linux") or bool(
        os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY")
    )
