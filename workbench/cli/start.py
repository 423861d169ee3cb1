"""``workbench start``: run the stages where they are not run yet, then open the first lesson."""

from __future__ import annotations

import os
import sys
import webbrowser
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

from workbench.cli.servers import LESSON, free_port, jupyter_server, marimo_server, running
from workbench.errors import MissingExtraError, SettingsError, WorkbenchError

if TYPE_CHECKING:
    from typing import Literal

    from workbench.profiles.workspace import Workspace


def start_lesson(
    name: str,
    *,
    size: str | None,
    front_end: Literal["marimo", "jupyter"],
    port: int = 0,
    open_browser: bool = True,
) -> None:
    """Run the pipeline, then serve the first lesson until somebody stops it.

    Parameters
    ----------
    name : str
        Of the workspace.
    size : str, optional
        Of the packhouse.
    front_end : {'marimo', 'jupyter'}
        Which server.
    port : int
        On loopback; 0 takes a free one.
    open_browser : bool
        Open the URL, where there is a browser.

    Raises
    ------
    MissingExtraError
        If the front end is not installed.
    SettingsError
        If there are no notebooks here, or the port is taken.
    """
    folder = notebooks_folder()
    if find_spec("marimo" if front_end == "marimo" else "jupyterlab") is None:
        raise MissingExtraError(
            f"{front_end} is not installed", hint="pip install -c constraints.txt -e '.[all]'"
        )
    port = free_port(port)
    ws = _prepared(name, size)
    make = marimo_server if front_end == "marimo" else jupyter_server
    server = make(folder, ws.cache, port)
    log = ws.cache / "notebook-server.log"
    with running(server, folder.parent, log) as process:
        print(f"\n  open     {server.url}\n  stop     Ctrl-C\n", flush=True)
        if open_browser and _has_display():
            webbrowser.open(server.url)
        process.wait()
    if process.returncode:
        raise WorkbenchError(
            f"{front_end} ended with code {process.returncode}", hint=f"its last words are in {log}"
        )


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
    here = (Path.cwd(), Path(__file__).resolve().parents[2])
    for folder in here:
        if (folder / "notebooks" / f"{LESSON}.py").is_file():
            return folder / "notebooks"
    raise SettingsError(
        f"there are no lessons in {here[0]}", hint="run `workbench start` in the folder that you cloned"
    )


def _has_display() -> bool:
    """Return whether a browser can show itself; on a bare server one in the terminal would take it over."""
    return not sys.platform.startswith("linux") or bool(
        os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY")
    )
