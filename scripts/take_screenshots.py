"""Take the pictures of the README: the first lesson in a browser, and the terminal.

    python -m scripts.take_screenshots              docs/img/first-lesson.png and terminal.png
    python -m scripts.take_screenshots --look DIR   the whole lesson, light and dark, to look at

The browser is the system's chromium; nothing is downloaded. Everything shown has run: the
lesson on a packhouse of its own, the terminal on another.
"""

from __future__ import annotations

import argparse
import contextlib
import io
import os
import shutil
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT: Final = Path(__file__).resolve().parent.parent
IMAGES: Final = ROOT / "docs" / "img"
ARGUMENTS: Final = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
)
PATIENCE_MS: Final = 300_000
MAX_BYTES: Final = 300 * 1024
GATE: Final = "Open this when you have written down both answers"
LAST: Final = "predictions are equal, bit for bit"
"""Words of the last cell that computes something."""


@contextlib.contextmanager
def lesson_server(home: Path) -> Iterator[str]:
    """Serve the first lesson; give its URL, token included."""
    from workbench.cli.servers import free_port, marimo_server, running

    os.environ["WORKBENCH_HOME"] = str(home)
    server = marimo_server(ROOT / "notebooks", home, free_port())
    with running(server, ROOT, home / "server.log"):
        yield server.url


@contextlib.contextmanager
def opened(url: str, *, dark: bool = False, height: int = 900, width: int = 1000) -> Iterator[Any]:
    """Open a page in the system's browser.

    Parameters
    ----------
    url : str
        Of the lesson, with its token, or of a file.
    dark : bool
        The colours that the machine asks for.
    height, width : int
        Of the window, in pixels; the picture has 1.5 times as many.

    Yields
    ------
    playwright.sync_api.Page
        Loaded.
    """
    from playwright.sync_api import sync_playwright

    found = shutil.which("chromium") or shutil.which("google-chrome")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=found, args=list(ARGUMENTS))
        page = browser.new_page(
            viewport={"width": width, "height": height},
            device_scale_factor=1.5,
            color_scheme="dark" if dark else "light",
        )
        page.goto(url)
        yield page
        browser.close()


def wait_for_lesson(page: Any) -> None:
    """Wait until all cells have run, and open the first answer."""
    page.get_by_text(LAST).first.wait_for(timeout=PATIENCE_MS)
    page.locator("summary", has_text=GATE).click()
    page.wait_for_timeout(1500)  # fonts, and the last layout


def picture_of_lesson(url: str, target: Path) -> None:
    """Take the part of the lesson that tells its story: the two scores, and the fruit behind them."""
    with opened(url, height=5600) as page:
        wait_for_lesson(page)
        top = page.get_by_text("Before you go on, write down two answers").bounding_box()
        end = page.get_by_text("Each photo has two times").bounding_box()
        box = {"x": 90, "y": top["y"] - 24, "width": 850, "height": end["y"] - top["y"] - 60}
        page.screenshot(path=target, clip=box)


def recorded_terminal(home: Path) -> str:
    """Run all stages and the status on a small packhouse; return what the terminal shows, as SVG."""
    from rich.console import Console
    from rich.theme import Theme

    from workbench.cli.screen import STYLES, Screen, headline
    from workbench.cli.status import lineage
    from workbench.lab.comparison import compare
    from workbench.lab.pipeline import Watcher, open_or_create, run_pipeline

    out = Console(
        record=True,
        file=io.StringIO(),
        theme=Theme(STYLES),
        highlight=False,
        width=126,
        color_system="truecolor",
    )
    ws = open_or_create(str(home / "demo"), size="tiny")
    out.print("[quiet]$[/] workbench run")
    out.print(headline(ws))
    run_pipeline(ws, watcher=Screen(out))
    compare(ws, watcher=Watcher())
    out.print("\n[quiet]$[/] workbench status\n")
    out.print(lineage(ws))
    return out.export_svg(title="workbench", theme=_dark())


def _dark() -> Any:
    """Return our dark colours as a terminal's: black to white, then the bright ones."""
    from rich.terminal_theme import TerminalTheme

    def rgb(text: str) -> tuple[int, int, int]:
        return int(text[1:3], 16), int(text[3:5], 16), int(text[5:7], 16)

    plain = ["#16181c", "#ff8a57", "#3fc79a", "#f0b04a", "#6db7f2", "#d69bea", "#6db7f2", "#e8eaed"]
    bright = ["#a0a9b4", *plain[1:]]
    return TerminalTheme(rgb("#16181c"), rgb("#e8eaed"), [rgb(c) for c in plain], [rgb(c) for c in bright])


def picture_of_terminal(home: Path, target: Path) -> None:
    """Draw the terminal's SVG with the browser."""
    svg = home / "terminal.html"
    body = recorded_terminal(home)
    svg.write_text(f"<meta charset=utf-8><body style='margin:0'>{body}</body>", encoding="utf-8")
    with opened(svg.as_uri(), width=1260, height=400) as page:
        page.locator("svg").first.screenshot(path=target, omit_background=True)


def main() -> int:
    """Take the pictures; fail where one is too large for a README."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--look", type=Path, help="write whole pages there instead")
    look = parser.parse_args().look
    with tempfile.TemporaryDirectory(prefix="workbench-pictures-") as name:
        home = Path(name)
        with lesson_server(home) as url:
            if look:
                for dark in (False, True):
                    with opened(url, dark=dark, height=6400) as page:
                        wait_for_lesson(page)
                        page.screenshot(path=look / f"lesson-{'dark' if dark else 'light'}.png")
            else:
                picture_of_lesson(url, IMAGES / "first-lesson.png")
        picture_of_terminal(home, (look or IMAGES) / "terminal.png")
    heavy = [path.name for path in IMAGES.glob("*.png") if path.stat().st_size > MAX_BYTES]
    print(f"take_screenshots: {'too large: ' + ', '.join(heavy) if heavy else 'ok'}")
    return int(bool(heavy))


if __name__ == "__main__":
    sys.exit(main())
