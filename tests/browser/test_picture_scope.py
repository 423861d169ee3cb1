"""The picture scope in marimo and in JupyterLab: another photo is looked at by the kernel, and the page follows."""

from __future__ import annotations

import re
from dataclasses import replace

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_notebook

from workbench.cli import servers

START_MS = 120_000
WAIT_MS = 30_000
pytestmark = [pytest.mark.slow, pytest.mark.browser, pytest.mark.timeout(600)]

SETTINGS = "[tool.marimo.runtime]\nauto_instantiate = true\n[tool.marimo.display]\ntheme = 'dark'\n"
IMPORTS = "from scripts.widget_bench import exhibits\nfrom workbench.lab import lesson"
CELLS = {
    "scope": "scope = exhibits()['picture_scope'][0]\nlesson.live(scope)",
    "its words": "lesson.View(lambda widget: f'kernel: {widget.chosen}, {widget.alteration}, {widget.changed}', scope)",
}


def marimo_source() -> str:
    """Return the cells as a marimo notebook."""
    parts = [
        ("", IMPORTS, "(exhibits, lesson)"),
        ("exhibits, lesson", CELLS["scope"], "(scope,)"),
        ("lesson, scope", CELLS["its words"], ""),
    ]
    cells = [
        f"@app.cell\ndef _({needs}):\n    " + "\n    ".join(code.splitlines()) + f"\n    return {gives}\n"
        for needs, code, gives in parts
    ]
    return "import marimo\n\napp = marimo.App()\n\n" + "\n".join(cells)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Return a folder with the same cells as a marimo file and as a Jupyter notebook."""
    found = tmp_path_factory.mktemp("picture-scope")
    (found / "pyproject.toml").write_text(SETTINGS)
    (found / f"{servers.LESSON}.py").write_text(marimo_source())
    notebook = new_notebook(cells=[new_code_cell(IMPORTS), *map(new_code_cell, CELLS.values())])
    notebook.metadata["kernelspec"] = {"name": "python3", "display_name": "Python 3", "language": "python"}
    (found / "jupyter").mkdir()
    nbformat.write(notebook, found / "jupyter" / f"{servers.LESSON}.ipynb")
    return found


@pytest.fixture
def scope_page(front_end, folder, tab):
    """Open the cells in a front end, all of them run."""
    root = servers.__file__.rsplit("/workbench/", 1)[0]
    made = {"marimo": servers.marimo_server, "jupyter": servers.jupyter_server}[front_end]
    server = made(folder, folder, servers.free_port())
    server = replace(server, env={**server.env, "PYTHONPATH": root, "PYTHONUNBUFFERED": "1"})
    with servers.running(server, folder, folder / f"{front_end}.log"):
        tab.set_viewport_size({"width": 1400, "height": 2400})  # JupyterLab draws only the cells in view
        tab.goto(server.url)
        if front_end == "jupyter":
            tab.locator(".jp-Notebook .jp-CodeCell").first.wait_for(timeout=START_MS)
            tab.get_by_text(re.compile(r"Python 3.*\| Idle")).first.wait_for(timeout=WAIT_MS)
            tab.get_by_role("menuitem", name="Run", exact=True).click()
            tab.get_by_role("menuitem", name="Run All Cells", exact=True).click()
        tab.locator("[data-widget=picture_scope]").wait_for(timeout=START_MS)
        yield tab
        assert tab.left_loopback == []
        assert tab.errors == []


@pytest.mark.parametrize("front_end", ["marimo", "jupyter"])
def test_another_photo_is_looked_at_by_the_kernel(front_end, scope_page):
    widget = scope_page.locator("[data-widget=picture_scope]")
    widget.get_by_text("It reads blue, green, red").wait_for(timeout=WAIT_MS)
    before = widget.locator("[data-test=offline]").get_attribute("src")
    widget.locator("[data-test=photo-1]").click()
    widget.locator(f"[data-test=offline]:not([src='{before}'])").wait_for(timeout=WAIT_MS)
    chosen = widget.locator("[data-test=photo-1]").get_attribute("aria-label").split(", ")[1]
    scope_page.get_by_text(f"kernel: {chosen}, BGR").first.wait_for(timeout=WAIT_MS)
    new = widget.locator("[data-test='new encoder']")
    new.focus()
    new.press("Enter")  # a key that JupyterLab has a use for
    scope_page.get_by_text(f"kernel: {chosen}, new encoder, False").first.wait_for(timeout=WAIT_MS)
    assert widget.locator("[data-test=pixels]").text_content() == "0 %"
    assert widget.locator("[data-test=difference]").get_attribute("aria-label") == "black: no pixel differs"
    assert widget.locator("img").evaluate_all("all => all.every(one => one.naturalWidth > 0)")
    if front_end == "marimo":
        ground = widget.evaluate("node => getComputedStyle(node).getPropertyValue('--ground')")
        assert ground == "#16181c"  # the page is dark
