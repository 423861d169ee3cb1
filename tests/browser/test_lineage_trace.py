"""The lineage trace in marimo and in JupyterLab: a click damages files in the kernel, and the page shows which link broke."""

from __future__ import annotations

import re
from dataclasses import replace

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_notebook

from scripts.widget_bench import exhibits, page
from workbench.cli import servers

START_MS = 120_000
WAIT_MS = 60_000
pytestmark = [pytest.mark.slow, pytest.mark.browser, pytest.mark.timeout(900)]

SETTINGS = "[tool.marimo.runtime]\nauto_instantiate = true\n"
IMPORTS = """
from workbench.lab import lesson
from workbench.lab.lineage import Lineage
from workbench.profiles.workspace import open_workspace

def words_of(lineage, widget):
    found = lineage.verify()["broken"]
    return f"kernel: {widget.done or 'whole'}, broken now: {', '.join(found) or 'nothing'}"
"""
CELLS = {
    "trace": "lineage = Lineage(open_workspace({root!r}))\ntrace = lineage.widget()\nshown = lesson.live(trace)\nshown",
    "its words": "lesson.View(lambda widget: words_of(lineage, widget), trace)",
}


def marimo_source(root: str) -> str:
    """Return the cells as a marimo notebook, with one that runs again when the trace changes."""
    parts = [
        ("", IMPORTS, "(Lineage, lesson, open_workspace, words_of)"),
        ("Lineage, lesson, open_workspace", CELLS["trace"].format(root=root), "(lineage, shown, trace)"),
        ("lesson, lineage, trace, words_of", CELLS["its words"], ""),
        ("shown", "print(f'again: {shown.done or \"whole\"}')", ""),
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
def folder(tmp_path_factory, tiny_pipeline):
    """Return a folder with the same cells as a marimo file and as a Jupyter notebook."""
    found, root = tmp_path_factory.mktemp("lineage"), str(tiny_pipeline.root)
    (found / "pyproject.toml").write_text(SETTINGS)
    (found / f"{servers.LESSON}.py").write_text(marimo_source(root))
    cells = [IMPORTS, *(code.format(root=root) for code in CELLS.values())]
    notebook = new_notebook(cells=[new_code_cell(code) for code in cells])
    notebook.metadata["kernelspec"] = {"name": "python3", "display_name": "Python 3", "language": "python"}
    (found / "jupyter").mkdir()
    nbformat.write(notebook, found / "jupyter" / f"{servers.LESSON}.ipynb")
    return found


def served(make, folder, log: str):
    """Return a server's context manager, with this checkout on its path."""
    root = servers.__file__.rsplit("/workbench/", 1)[0]
    server = make(folder, folder, servers.free_port())
    server = replace(server, env={**server.env, "PYTHONPATH": root, "PYTHONUNBUFFERED": "1"})
    return server.url, servers.running(server, folder, folder / log)


@pytest.fixture(scope="module")
def marimo_url(folder):
    """Serve the marimo file for all tests of this module."""
    url, running = served(servers.marimo_server, folder, "marimo.log")
    with running:
        yield url


@pytest.fixture(scope="module")
def jupyter_url(folder):
    """Serve the notebook for all tests of this module."""
    url, running = served(servers.jupyter_server, folder, "jupyter.log")
    with running:
        yield url


def in_marimo(tab, url: str) -> None:
    tab.goto(url)
    tab.locator("[data-widget=lineage_trace]").wait_for(timeout=START_MS)


def in_jupyter(tab, url: str) -> None:
    tab.set_viewport_size({"width": 1400, "height": 2400})  # it draws only the cells in view
    tab.goto(url)
    tab.locator(".jp-Notebook .jp-CodeCell").first.wait_for(timeout=START_MS)
    tab.get_by_text(re.compile(r"Python 3.*\| Idle")).first.wait_for(timeout=WAIT_MS)
    tab.get_by_role("menuitem", name="Run", exact=True).click()
    tab.get_by_role("menuitem", name="Run All Cells", exact=True).click()
    tab.locator("[data-widget=lineage_trace]").wait_for(timeout=START_MS)


@pytest.mark.parametrize("front_end", ["marimo", "jupyter"])
def test_a_click_damages_files_and_the_page_says_which_link_broke(front_end, request, tab):
    {"marimo": in_marimo, "jupyter": in_jupyter}[front_end](tab, request.getfixturevalue(f"{front_end}_url"))
    widget = tab.locator("[data-widget=lineage_trace]")
    widget.get_by_text("All 6 links hold", exact=True).wait_for(timeout=WAIT_MS)
    whole = widget.locator("[data-test=hash-photos]").text_content()
    widget.locator("[data-test=tamper-photo]").click()
    widget.get_by_text("The link of raw breaks first", exact=True).wait_for(timeout=WAIT_MS)
    tab.get_by_text("kernel: photo, broken now: raw").first.wait_for(timeout=WAIT_MS)
    assert widget.locator("[data-test=hash-photos]").text_content() != whole
    assert widget.locator("[data-test=checks]").inner_text().split("\n") == [
        "number and names of files", "same", "sha256 of each file", "differs",
    ]  # fmt: skip
    widget.locator("[data-test=tamper-order]").focus()  # by keyboard alone; the photo is put back first
    tab.keyboard.press("Enter")
    widget.get_by_text("The link of run breaks first", exact=True).wait_for(timeout=WAIT_MS)
    tab.get_by_text("kernel: order, broken now: run").first.wait_for(timeout=WAIT_MS)
    assert widget.locator("[data-test=hash-photos]").text_content() == whole
    widget.locator("[data-test=mend]").focus()
    tab.keyboard.press("Space")
    widget.get_by_text("All 6 links hold", exact=True).wait_for(timeout=WAIT_MS)
    tab.get_by_text("kernel: whole, broken now: nothing").first.wait_for(timeout=WAIT_MS)
    if front_end == "marimo":  # a cell that uses the widget runs again
        tab.get_by_text("again: whole").first.wait_for(timeout=WAIT_MS)
    assert tab.left_loopback == []
    assert tab.errors == []


@pytest.fixture(scope="module")
def bench(tmp_path_factory):
    """Return the address of the bench."""
    assert "lineage_trace" in exhibits()
    file = tmp_path_factory.mktemp("bench") / "widgets.html"
    file.write_text(page(), encoding="utf-8")
    return f"{file.as_uri()}#lineage_trace"


@pytest.mark.parametrize("width", [700, 1100])
def test_a_broken_link_is_dashed_and_named_and_nothing_is_cut_off(tab, bench, width):
    tab.set_viewport_size({"width": width, "height": 900})
    tab.goto(bench)
    tab.locator("body[data-ready]").wait_for()
    widget = tab.locator("[data-widget=lineage_trace]")
    style = "node => getComputedStyle(node.querySelector('.link'), '::before').borderLeftStyle"
    assert widget.locator("[data-test=node-raw]").evaluate(style) == "solid"
    widget.locator("[data-test=tamper-photo]").click()
    widget.get_by_text("The link of raw breaks first", exact=True).wait_for()
    states = widget.locator(".mark").all_inner_texts()
    assert states == ["", "broken", "unproven", "unproven", "unproven"][-len(states) :]
    assert widget.locator("[data-test=node-raw]").evaluate(style) == "dashed"
    assert widget.locator("[data-test=link-raw]").inner_text().endswith("photos has another one now")
    tab.wait_for_function(
        "document.querySelector('[data-test=spoken]').textContent.includes('sha256: differs')"
    )
    cut = "node => [...node.querySelectorAll('button, .words, code')].filter(one => one.checkVisibility() && one.scrollWidth > one.clientWidth + 1).length"
    assert widget.evaluate(cut) == 0
    assert widget.evaluate("node => node.scrollWidth - node.clientWidth") <= 0
    assert tab.errors == []
