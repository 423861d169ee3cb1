"""One Chromium for the tests of a module, and pages that note what leaves loopback."""

from __future__ import annotations

import re
import shutil

import pytest

ARGUMENTS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update"]
OURS = re.compile(r"(https?|wss?)://(127\.0\.0\.1|localhost)[:/]|data:|blob:|about:|file:")


@pytest.fixture(scope="module")
def chromium():
    """Return the system's browser; nothing is downloaded."""
    from playwright.sync_api import sync_playwright

    found = shutil.which("chromium") or shutil.which("google-chrome")
    if found is None:
        pytest.skip("chromium is not installed")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=found, args=ARGUMENTS)
        yield browser
        browser.close()


@pytest.fixture
def tab(chromium):
    """Return a new page; `left_loopback` and `errors` hold what should not have happened."""
    context = chromium.new_context(viewport={"width": 1100, "height": 1000}, reduced_motion="reduce")
    page = context.new_page()
    page.left_loopback, page.errors = [], []
    page.on("request", lambda request: OURS.match(request.url) or page.left_loopback.append(request.url))
    page.on("pageerror", lambda error: page.errors.append(str(error)))
    yield page
    context.close()
