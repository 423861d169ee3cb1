"""The labs: full-screen demonstrations for an audience, served read-only."""

from __future__ import annotations

import ast
import tempfile
import webbrowser
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from workbench.cli.servers import free_port, labs_server, running
from workbench.errors import SettingsError, WorkbenchError

if TYPE_CHECKING:
    from collections.abc import Iterator


@dataclass(frozen=True, slots=True)
class Lab:
    """One lab.

    Attributes
    ----------
    name : str
        Of its file in ``notebooks/labs``, without suffix.
    title : str
        What the app is called.
    says : str
        The first sentence of its docstring; may be empty.
    """

    name: str
    title: str
    says: str


def labs_in(notebooks: Path) -> list[Lab]:
    """Return the labs, by name.

    Parameters
    ----------
    notebooks : Path
        The folder of the lessons.

    Returns
    -------
    list of Lab
        None of them is run.
    """
    return [_lab(path) for path in sorted((notebooks / "labs").glob("[a-z]*.py"))]


def _lab(path: Path) -> Lab:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    titles = [
        str(option.value.value)
        for node in ast.walk(tree)
        if isinstance(node, ast.Call) and getattr(node.func, "attr", "") == "App"
        for option in node.keywords
        if option.arg == "app_title" and isinstance(option.value, ast.Constant)
    ]
    says = (ast.get_docstring(tree) or next(_first_prose(tree), "")).strip().partition("\n\n")[0]
    return Lab(path.stem, titles[0] if titles else path.stem.replace("_", " "), " ".join(says.split()))


def _first_prose(tree: ast.Module) -> Iterator[str]:
    """Yield paragraphs of the first ``mo.md`` that are no headings."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and getattr(node.func, "attr", "") == "md":
            for given in node.args:
                if isinstance(given, ast.Constant) and isinstance(given.value, str):
                    yield from (
                        part.strip()
                        for part in given.value.split("\n\n")
                        if part.strip()[:1] not in {"", "#"}
                    )


def show_lab(name: str, *, port: int, open_browser: bool) -> None:
    """Serve one lab until somebody stops it.

    Parameters
    ----------
    name : str
        Of the lab.
    port : int
        On loopback; 0 takes a free one.
    open_browser : bool
        Open the URL, where there is a browser.

    Raises
    ------
    SettingsError
        If there is no such lab, or the port is taken.
    WorkbenchError
        If the server ends by itself.
    """
    from workbench.cli.start import has_display, notebooks_folder, require_front_end

    notebooks = notebooks_folder()
    there = [lab.name for lab in labs_in(notebooks)]
    if name not in there:
        known = f"there are: {', '.join(there)}" if there else f"there are none in {notebooks / 'labs'}"
        raise SettingsError(f"there is no lab {name!r}", hint=known)
    require_front_end("marimo")
    with tempfile.TemporaryDirectory(prefix="workbench-lab-") as scratch:
        log = Path(scratch) / "lab.log"
        server = labs_server(notebooks / "labs" / f"{name}.py", log.parent, free_port(port))
        with running(server, notebooks.parent, log) as process:
            print(f"\n  open     {server.url}\n  stop     Ctrl-C\n", flush=True)
            if open_browser and has_display():
                webbrowser.open(server.url)
            process.wait()
        if process.returncode:
            last = log.read_text(encoding="utf-8").strip().splitlines()[-1:]
            raise WorkbenchError(f"marimo ended: {' '.join(last)}", hint="run the lab again")
