"""`workbench start` as a newcomer meets it: real servers, a real browser, the gallery, the first lesson."""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

ROOT = Path(__file__).resolve().parents[2]
ARGUMENTS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update"]
WAIT_MS = 240_000
LESSON = "00_the_model_that_quietly_fails"

pytestmark = [pytest.mark.slow, pytest.mark.browser, pytest.mark.timeout(600)]


class Started:
    """A `workbench start` that is running."""

    def __init__(self, home: Path, *options: str) -> None:
        env = os.environ | {"WORKBENCH_HOME": str(home), "PYTHONUNBUFFERED": "1"}
        argv = [sys.executable, "-m", "workbench", "start", "--no-open", "--size", "tiny", *options]
        began = time.monotonic()
        self.process = subprocess.Popen(argv, cwd=ROOT, env=env, stdout=subprocess.PIPE, text=True)
        self.said = ""
        while "Ctrl-C" not in self.said:
            line = self.process.stdout.readline()
            assert line, f"it ended: {self.said}"
            self.said += line
        self.took_s = time.monotonic() - began
        self.url = re.search(r"open +(http://127\.0\.0\.1:\d+/\S+)", self.said).group(1)

    def children(self):
        return psutil.Process(self.process.pid).children(recursive=True)

    def stop(self, how: int = signal.SIGTERM) -> list:
        """End it; return what it left running."""
        family = self.children()
        assert family
        self.process.send_signal(how)
        self.process.wait(30)
        self.process.stdout.close()
        return psutil.wait_procs(family, timeout=20)[1]


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    """Return a home in which `start` has been called once, so that the tests may come in any order."""
    folder = tmp_path_factory.mktemp("start")
    first = Started(folder)
    assert first.said.count("✓") == 7
    assert first.stop() == []
    return folder


@pytest.fixture(scope="module")
def browser():
    from playwright.sync_api import sync_playwright

    found = shutil.which("chromium") or shutil.which("google-chrome")
    if found is None:
        pytest.skip("chromium is not installed")
    with sync_playwright() as playwright:
        yield playwright.chromium.launch(executable_path=found, args=ARGUMENTS)


@pytest.fixture
def page(browser):
    context = browser.new_context(viewport={"width": 1200, "height": 900})
    page = context.new_page()
    page.left_loopback = []
    page.on("request", lambda request: _note_if_foreign(page.left_loopback, request.url))
    yield page
    context.close()


def _note_if_foreign(seen: list[str], url: str) -> None:
    if not re.match(r"(https?|wss?)://(127\.0\.0\.1|localhost)[:/]|data:|blob:|about:", url):
        seen.append(url)


def scrolled_to(page, text: str):
    """Wait for a text in the page, below the fold or not."""
    found = page.get_by_text(text).first
    found.wait_for(timeout=WAIT_MS)
    found.scroll_into_view_if_needed()
    return found


def stranger_of(page):
    """Return a page without our cookies; an open lesson would ask for new ones as soon as they are cleared."""
    return page.context.browser.new_context().new_page()


def opened_lesson(gallery):
    """Open the first lesson from the gallery, by keyboard; it comes in a tab of its own."""
    link = gallery.locator("[data-lesson='00'] a")
    link.focus()
    with gallery.context.expect_page() as coming:
        gallery.keyboard.press("Enter")
    lesson = coming.value
    lesson.on("request", lambda request: _note_if_foreign(gallery.left_loopback, request.url))
    return lesson


def test_the_lesson_runs_on_open_and_shows_its_pictures(home, page):
    started = Started(home)
    gallery = page
    try:
        assert "IDENTICAL" in started.said
        gallery.goto(started.url)
        assert "token" not in gallery.url
        page = opened_lesson(gallery)
        scrolled_to(page, "when did we know it?")
        scrolled_to(page, "No feature may be newer than its row")  # of the last cell that computes
        page.locator("svg[aria-label*='claimed']").nth(1).wait_for(state="attached", timeout=WAIT_MS)
        page.locator("[data-widget=checkpoint]").nth(3).wait_for(state="attached", timeout=WAIT_MS)
        assert page.locator("[data-widget=predict]").count() == 3
        gate = page.locator("summary", has_text="made both guesses")
        meter = page.locator("details svg[aria-label*='could have had']").first
        assert not meter.is_visible()  # the answer waits for the guess
        gate.click()
        meter.wait_for(state="visible", timeout=10_000)
        frames = page.locator("figure img")
        frames.first.wait_for(timeout=WAIT_MS)
        assert frames.count() >= 15
        assert frames.evaluate_all("all => all.every(img => img.naturalWidth > 0 && img.alt)")
        assert page.locator(".marimo-error, [data-error-type]").count() == 0
        gallery.bring_to_front()
        gallery.evaluate("window.dispatchEvent(new Event('focus'))")
        gallery.get_by_text("1 of 4 exercises passed").first.wait_for(timeout=WAIT_MS)
        assert gallery.left_loopback == []
    finally:
        assert started.stop() == []


def test_a_second_start_repeats_no_work_and_nobody_enters_without_the_token(home, page):
    started = Started(home)
    try:
        assert "✓" not in started.said
        assert "made again" in started.said
        assert page.goto(started.url.split("?")[0]).status == 403
        assert page.get_by_text("quietly fails").count() == 0
        page.goto(started.url)
        lesson = opened_lesson(page)
        lesson.wait_for_load_state()
        stranger = stranger_of(page)
        stranger.goto(lesson.url.split("&access_token")[0])
        assert "/auth/login" in stranger.url
    finally:
        assert started.stop(signal.SIGINT) == []


def test_the_server_goes_even_when_its_parent_is_killed(home):
    if not sys.platform.startswith("linux"):
        pytest.skip("only on macOS and Windows: the kernel has no such signal")
    started = Started(home)
    assert started.stop(signal.SIGKILL) == []


def scroll_to(page, wanted) -> None:
    """Scroll down the notebook until something is to be seen: JupyterLab draws only the cells in view."""
    page.locator(".jp-Notebook").first.hover()
    until = time.monotonic() + WAIT_MS / 1000
    while not wanted.is_visible():
        assert time.monotonic() < until, "it never came into view"
        page.mouse.wheel(0, 200)
        page.wait_for_timeout(200)


def test_jupyterlab_opens_the_twin(home, page):
    started = Started(home, "--jupyter")
    try:
        gallery = page
        gallery.goto(started.url)
        page = opened_lesson(gallery)
        page.get_by_role("tab", name=re.compile(LESSON)).first.wait_for(timeout=WAIT_MS)
        page.locator(".jp-Notebook h1").first.wait_for(timeout=WAIT_MS)
        assert "quietly fails" in page.locator(".jp-Notebook h1").first.inner_text()
        scroll_to(page, page.locator(".jp-RenderedHTMLCommon .wb svg").first)  # drawn before any cell has run
        assert page.get_by_text("notified about official Jupyter news").count() == 0
        assert gallery.left_loopback == []
        stranger = stranger_of(page)
        stranger.goto(page.url.split("?")[0])
        assert "/login" in stranger.url
    finally:
        assert started.stop() == []
