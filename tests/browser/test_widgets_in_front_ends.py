"""The timeline and the meter in marimo and in JupyterLab: Python's state changes, and the page follows."""

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
IMPORTS = """
from scripts.widget_bench import VALUES, meter_rows
from workbench.lab import lesson
from workbench.lab.timeline import timeline
from workbench.widgets import TruthMeter

def refit(**setting):
    return setting | {"seed": 100, "claimed": [0.8], "got": [0.75], "n_test": 3}
"""
CELLS = {
    "timeline": "moments = timeline(VALUES, 15.0)\nshown = lesson.live(moments)\nshown",
    "its words": "lesson.View(lambda widget: f'kernel: {widget.observation:g}, leaks: {len(widget.leaks)}', moments)",
    "meter": "meter = lesson.live(TruthMeter(meter_rows(), refit=refit, strength=1.0))\nmeter",
    "meter's words": "lesson.View(lambda widget: f'kernel: {widget.failure}, cured {widget.cured}', meter)",
}


def marimo_source() -> str:
    """Return the cells as a marimo notebook, with one that runs again when the timeline changes."""
    names = "VALUES, TruthMeter, lesson, meter_rows, refit, timeline"
    parts = [
        ("", f"{IMPORTS}", f"({names})"),
        ("VALUES, lesson, timeline", CELLS["timeline"], "(moments, shown)"),
        ("lesson, moments", CELLS["its words"], ""),
        ("shown", "print(f'again: {shown.observation:g}')", ""),
        ("TruthMeter, lesson, meter_rows, refit", CELLS["meter"], "(meter,)"),
        ("lesson, meter", CELLS["meter's words"], ""),
    ]
    cells = [
        f"@app.cell\ndef _({needs}):\n    "
        + "\n    ".join(code.strip().splitlines())
        + f"\n    return {gives}\n"
        for needs, code, gives in parts
    ]
    return (
        "import marimo\n\napp = marimo.App()\n\n"
        + "\n".join(cells)
        + '\nif __name__ == "__main__":\n    app.run()\n'
    )


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Return a folder with the same cells as a marimo file and as a Jupyter notebook."""
    found = tmp_path_factory.mktemp("front-ends")
    (found / "pyproject.toml").write_text(SETTINGS)
    (found / f"{servers.LESSON}.py").write_text(marimo_source())
    notebook = new_notebook(cells=[new_code_cell(IMPORTS), *map(new_code_cell, CELLS.values())])
    notebook.metadata["kernelspec"] = {"name": "python3", "display_name": "Python 3", "language": "python"}
    (found / "jupyter").mkdir()
    nbformat.write(notebook, found / "jupyter" / f"{servers.LESSON}.ipynb")
    return found


@pytest.fixture(scope="module")
def paths(folder):
    """Return the environment in which a kernel finds this checkout's scripts."""
    root = servers.__file__.rsplit("/workbench/", 1)[0]
    return {"PYTHONPATH": root, "PYTHONUNBUFFERED": "1"}


@pytest.fixture(scope="module")
def marimo_url(folder, paths):
    """Serve the marimo file for all tests of this module."""
    server = servers.marimo_server(folder, folder, servers.free_port())
    server = replace(server, env={**server.env, **paths})
    with servers.running(server, folder, folder / "marimo.log"):
        yield server.url


@pytest.fixture(scope="module")
def jupyter_url(folder, paths):
    """Serve the notebook for all tests of this module."""
    server = servers.jupyter_server(folder, folder, servers.free_port())
    server = replace(server, env={**server.env, **paths})
    with servers.running(server, folder, folder / "jupyter.log"):
        yield server.url


def in_marimo(tab, url: str) -> None:
    tab.goto(url)
    tab.locator("[data-widget=truth_meter]").wait_for(timeout=START_MS)


def in_jupyter(tab, url: str) -> None:
    tab.set_viewport_size({"width": 1400, "height": 3200})  # it draws only the cells in view
    tab.goto(url)
    tab.locator(".jp-Notebook .jp-CodeCell").first.wait_for(timeout=START_MS)
    tab.get_by_text(re.compile(r"Python 3.*\| Idle")).first.wait_for(timeout=WAIT_MS)
    tab.get_by_role("menuitem", name="Run", exact=True).click()
    tab.get_by_role("menuitem", name="Run All Cells", exact=True).click()
    tab.locator("[data-widget=truth_meter]").wait_for(timeout=START_MS)


FRONT_ENDS = pytest.mark.parametrize("front_end", ["marimo", "jupyter"])


@pytest.fixture
def lesson_page(front_end, request, tab):
    """Open the cells in a front end, all of them run."""
    {"marimo": in_marimo, "jupyter": in_jupyter}[front_end](tab, request.getfixturevalue(f"{front_end}_url"))
    yield tab
    assert tab.left_loopback == []
    assert tab.errors == []


@FRONT_ENDS
def test_timeline_asks_the_kernel_at_a_drag_and_at_a_key(front_end, lesson_page):
    widget = lesson_page.locator("[data-widget=pit_timeline]")
    widget.get_by_text("2 of 4 joins leak", exact=True).wait_for(timeout=WAIT_MS)
    handle = widget.locator("[data-test=observation]")
    handle.scroll_into_view_if_needed()
    box = handle.bounding_box()
    late = widget.locator("[data-test=known-c]").bounding_box()
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    way = late["x"] + late["width"] / 2 + 6 - x  # to where the late value is recorded, and a little further
    lesson_page.mouse.move(x, y)
    lesson_page.mouse.down()
    for i in range(1, 11):
        lesson_page.mouse.move(x + way * i / 10, y)
    lesson_page.mouse.up()
    widget.get_by_text("1 of 4 joins leak", exact=True).wait_for(timeout=WAIT_MS)
    now = handle.get_attribute("aria-valuenow")
    assert 18 <= float(now) < 20
    lesson_page.get_by_text(f"kernel: {now}, leaks: 1").first.wait_for(timeout=WAIT_MS)
    handle.press("Home")  # a key that JupyterLab has a use for
    widget.get_by_text("1 of 4 joins leak", exact=True).wait_for(timeout=WAIT_MS)
    lesson_page.get_by_text("kernel: 0, leaks: 1").first.wait_for(timeout=WAIT_MS)
    handle.press("ArrowRight")
    lesson_page.get_by_text("kernel: 0.5, leaks: 1").first.wait_for(timeout=WAIT_MS)
    if front_end == "marimo":  # a cell that uses the widget runs again
        lesson_page.get_by_text("again: 0.5").first.wait_for(timeout=WAIT_MS)
        ground = widget.evaluate("node => getComputedStyle(node).getPropertyValue('--ground')")
        assert ground == "#16181c"  # the page is dark


@FRONT_ENDS
def test_meter_tells_the_kernel_what_is_looked_up(front_end, lesson_page):
    widget = lesson_page.locator("[data-widget=truth_meter]")
    widget.locator("[data-test=verdict]", has_text="inflated").wait_for(timeout=WAIT_MS)
    widget.get_by_role("button", name="cured").click()
    widget.get_by_text("cured: the honest pipeline", exact=True).wait_for(timeout=WAIT_MS)
    lesson_page.get_by_text("kernel: latest_value_join, cured True").first.wait_for(timeout=WAIT_MS)
    widget.locator("[data-test=failure]").select_option("duplicate_rows")
    lesson_page.get_by_text("kernel: duplicate_rows, cured True").first.wait_for(timeout=WAIT_MS)
    widget.locator("[data-test=refit]").click()  # the kernel adds a row and shows it
    widget.get_by_role("button", name="100", pressed=True).wait_for(timeout=WAIT_MS)
    assert widget.locator("[data-test=value-got]").text_content() == "0.75"
