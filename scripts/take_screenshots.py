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
GATE: Final = "Open this when you have made both guesses"
LAST: Final = "No feature may be newer than its row"
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


HERO: Final = """
<meta charset="utf-8">
<style>
  body {{ margin: 0; padding: 32px 40px 16px; width: 1016px; background: #fff; color: #1b1f24;
         font: 15px/1.5 system-ui, "Segoe UI", sans-serif }}
  h1 {{ font: 600 26px/1.2 system-ui, sans-serif; margin: 0 0 4px }}
  p.lead {{ margin: 0 0 20px; color: #59636e }}
  main {{ display: grid; grid-template-columns: 1fr 1fr; gap: 48px; margin-bottom: 16px }}
  section .wb {{ max-width: none }}
</style>
<h1>The model that quietly fails</h1>
<p class="lead">The same photos, the same encoder, the same classifier. One line of code differs.</p>
<main>{sheets}</main>
<section>{bars}</section>
"""


def picture_of_lesson(home: Path, target: Path) -> None:
    """Put what the first lesson shows on one page: the fruit that each team learned from, and both scores.

    Parameters
    ----------
    home : Path
        Where the workspace goes: a full season, since a README has no room for doubt.
    target : Path
        The picture.
    """
    from workbench.lab import bars
    from workbench.lab.comparison import compare
    from workbench.lab.pipeline import open_or_create, run_pipeline
    from workbench.lab.stories.quiet_failure import feature_sheet

    ws = open_or_create(str(home / "season"), size="lesson")
    run_pipeline(ws, until="serve")
    twins = compare(ws)
    honest, leaky = twins.scores["accuracy"]
    sheets = [
        feature_sheet(ws, twins.honest, "Team A learned from the photos of the moment", 2),
        feature_sheet(ws, twins.leaky, "Team B learned from the newest photos", 2),
    ]
    scores = bars.score_bars([("Team A, as of the decision", honest), ("Team B, the newest value", leaky)])
    page = HERO.format(sheets="".join(sheet._repr_html_() for sheet in sheets), bars=scores._repr_html_())
    (home / "hero.html").write_text(page, encoding="utf-8")
    with opened((home / "hero.html").as_uri(), width=1096, height=400) as browser_page:
        browser_page.screenshot(path=target, full_page=True)


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


def _shrink(path: Path) -> None:
    """Store a picture with a palette of 256 colours: a third of the bytes, and nobody sees it."""
    from PIL import Image

    with Image.open(path) as image:
        small = image.convert("RGB").quantize(256, dither=Image.Dither.FLOYDSTEINBERG)
    small.save(path, optimize=True)


def main() -> int:
    """Take the pictures; fail where one is too large for a README."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--look", type=Path, help="write whole pages there instead")
    look = parser.parse_args().look
    with tempfile.TemporaryDirectory(prefix="workbench-pictures-") as name:
        home = Path(name)
        if look:
            with lesson_server(home) as url:
                for dark in (False, True):
                    with opened(url, dark=dark, height=6400) as page:
                        wait_for_lesson(page)
                        page.screenshot(path=look / f"lesson-{'dark' if dark else 'light'}.png")
        picture_of_lesson(home, (look or IMAGES) / "first-lesson.png")
        picture_of_terminal(home, (look or IMAGES) / "terminal.png")
    for path in IMAGES.glob("*.png"):
        if not look and path.name == "terminal.png":
            _shrink(path)
    heavy = [path.name for path in IMAGES.glob("*.png") if path.stat().st_size > MAX_BYTES]
    print(f"take_screenshots: {'too large: ' + ', '.join(heavy) if heavy else 'ok'}")
    return int(bool(heavy))


if __name__ == "__main__":
    sys.exit(main())
