"""The page of `workbench guard images --report` in a real browser: hostile names do nothing, pictures are seen."""

from __future__ import annotations

import shutil

import pytest

from tests.helpers.hostile_photos import EVIL, hostile_photos
from workbench.lab.own_page import write_page
from workbench.lab.own_pictures import look_at_photos

ARGUMENTS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update"]
pytestmark = [pytest.mark.slow, pytest.mark.browser]


@pytest.fixture(scope="module")
def target(tmp_path_factory):
    folder = hostile_photos(tmp_path_factory.mktemp("photos"))
    write_page(look_at_photos(folder, folder / "split.csv"), folder / "report.html")
    return folder / "report.html"


@pytest.mark.parametrize(
    ("dark", "width", "ground"),
    [
        (False, 1100, "rgb(255, 255, 255)"),
        (True, 1100, "rgb(22, 24, 28)"),
        (False, 400, "rgb(255, 255, 255)"),
    ],
)
def test_a_hostile_page_in_a_browser(target, dark, width, ground):
    from playwright.sync_api import sync_playwright

    found = shutil.which("chromium") or shutil.which("google-chrome")
    said, asked = [], []
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=found, args=ARGUMENTS)
        page = browser.new_page(
            viewport={"width": width, "height": 900}, color_scheme="dark" if dark else "light"
        )
        page.on("dialog", lambda dialog: (said.append(dialog.message), dialog.dismiss()))
        page.on("console", lambda message: said.append(message.text))
        page.on("request", lambda request: asked.append(request.url))
        page.goto(target.as_uri())
        assert page.evaluate("getComputedStyle(document.body).backgroundColor") == ground
        assert page.evaluate("[...document.images].map(i => i.naturalWidth)") == [148] * 16
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        assert page.get_by_text(EVIL).first.is_visible()
        page.locator("summary").first.click()
        assert page.get_by_text("what no id tells").first.is_visible()
        browser.close()
    assert said == []
    assert [url for url in asked if not url.startswith("data:")] == [target.as_uri()]
