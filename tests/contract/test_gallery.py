"""The gallery's server by its own: token, addresses, escaping, progress, and files that change."""

from __future__ import annotations

import http.client
import json
import re
import shutil
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from workbench.cli import main
from workbench.cli.gallery import page as pages
from workbench.cli.gallery.server import Gallery
from workbench.cli.labs import labs_in
from workbench.lab.course import COURSE, lesson_card
from workbench.lab.progress import Progress
from workbench.widgets import theme

ROOT = Path(__file__).resolve().parents[2]
CARD = lesson_card("00")
EVIL = "<script>alert(1)</script>"


@pytest.fixture
def gallery(tmp_path):
    """Serve the first lesson, and one lab, from a folder of their own."""
    notebooks = tmp_path / "notebooks"
    (notebooks / "labs").mkdir(parents=True)
    shutil.copy(ROOT / "notebooks" / f"{CARD.file}.py", notebooks)
    (notebooks / "labs" / "pit.py").write_text(
        f'"""A {EVIL} lab.\n\nMore."""\nimport marimo\napp = marimo.App(app_title="Drag & drop")\n'
    )
    (tmp_path / "secret.webp").write_bytes(b"secret")
    images = tmp_path / "docs" / "img" / "lessons"
    images.mkdir(parents=True)
    (images / "00-light.webp").write_bytes(b"light")
    evil = replace(CARD, number="07", title=EVIL, shows=f'"{EVIL}')
    found = Gallery(
        notebooks, Progress(tmp_path / "home", "default"), labs=labs_in(notebooks), course=(CARD, evil)
    )
    found.lesson_page = lambda file: f"http://127.0.0.1:1/?file={file}.py"
    found.lab_page = lambda name: f"http://127.0.0.1:2/?file={name}.py"
    with found.serving(0):
        yield found


@pytest.fixture
def ask(gallery):
    """Ask with the token in the cookie, unless told."""

    def call(path: str, *, method: str = "GET", **headers: str):
        connection = http.client.HTTPConnection("127.0.0.1", gallery.port, timeout=10)
        given = {"Cookie": f"workbench-{gallery.port}={gallery.token}"} | headers
        connection.request(method, path, headers=given)
        answer = connection.getresponse()
        answer.body = answer.read()
        connection.close()
        return answer

    return call


@pytest.mark.parametrize(
    "path", ["/", "/state", "/gallery.css", "/gallery.js", "/open/00", "/lab/pit", "/img/x"]
)
@pytest.mark.parametrize("cookie", ["", "workbench-1=x", "\x01;;=", "workbench={token}"])
def test_nobody_enters_without_the_token(gallery, ask, path, cookie):
    answer = ask(path, Cookie=cookie.format(token=gallery.token))
    assert answer.status == 403
    assert gallery.token not in answer.body.decode()
    assert answer.getheader("Location") is None
    assert gallery.progress.read() == {}
    assert ask(f"{path}?token=wrong", Cookie="").status == 403


def test_another_name_for_this_machine_is_refused(ask):
    assert ask("/", Host="evil.example:80").status == 403
    assert ask("/", Host="localhost:80").status == 200


def test_the_token_moves_from_the_address_into_a_cookie(gallery, ask):
    answer = ask(f"/?token={gallery.token}", Cookie="")
    assert (answer.status, answer.getheader("Location")) == (303, "/")
    assert re.fullmatch(
        rf"workbench-{gallery.port}={gallery.token}; HttpOnly; SameSite=Lax; Path=/",
        answer.getheader("Set-Cookie"),
    )


@pytest.mark.parametrize(
    "path",
    ["/img/../secret.webp", "/img/..%2f..%2fsecret.webp", "/../secret.webp", "/img/", "/open/99", "/open/",
     "/open/../00", "/lab/../pit", "/lab/none", "/etc/passwd", "/gallery.html", "/state/"],
)  # fmt: skip
def test_only_what_is_listed_can_be_had(ask, path):
    assert ask(path).status == 404
    assert ask(path, method="POST").status == 501


def test_the_page_is_escaped_and_loads_nothing_from_elsewhere(ask):
    answer = ask("/")
    page = answer.body.decode()
    assert EVIL not in page
    assert page.count("&lt;script&gt;") == 3
    assert "Drag &amp; drop" in page
    assert not re.search(r"https?://", page)
    assert "default-src 'none'" in answer.getheader("Content-Security-Policy")
    assert answer.getheader("Cache-Control") == "no-store"
    css = ask("/gallery.css").body.decode()
    assert all(colour in css for mode in theme.TOKENS.values() for colour in mode.values())
    assert ask("/img/00-light.webp").body == b"light"


def test_opening_is_remembered_and_leads_to_the_notebook(gallery, ask):
    assert b"Nothing opened yet" in ask("/").body
    answer = ask("/open/00")
    assert answer.getheader("Location") == f"http://127.0.0.1:1/?file={CARD.file}.py"
    assert "opened" in gallery.progress.read()["00"]
    assert ask("/lab/pit").getheader("Location") == "http://127.0.0.1:2/?file=pit.py"


def settled(ask) -> dict:
    """Ask until nothing is being judged."""
    until = time.monotonic() + 120
    while json.loads(ask("/state").body)["busy"]:
        assert time.monotonic() < until
        time.sleep(0.1)
    return json.loads(ask("/state").body)


def test_a_file_that_was_saved_is_judged_once_it_was_opened(gallery, ask):
    assert settled(ask)["lessons"]["00"]["said"] == "4 exercises"  # nobody opened it
    ask("/open/00")
    first = settled(ask)["lessons"]["00"]
    assert (first["said"], first["mark"], first["opened"]) == (
        "1 of 4 exercises passed", "Go on here", "opened today",
    )  # fmt: skip
    path = gallery.notebooks / f"{CARD.file}.py"
    path.write_text(path.read_text().replace("arrived = None", "arrived = photo['arrived'] <= decision"))
    assert settled(ask)["lessons"]["00"]["dots"] == [True, True, False, False]
    path.write_text("def late_rows(\n")
    assert "no Python yet" in settled(ask)["lessons"]["00"]["said"]
    path.unlink()
    assert settled(ask)["lessons"]["00"]["dots"] == [True, True, False, False]


def test_there_is_a_drawing_where_there_is_no_picture():
    state = pages.state_of(COURSE, {}, {}, busy=False)
    page = pages.page(COURSE, [], state, {}, "jupyter")
    assert page.count('class="drawing"') == len(COURSE)
    assert "Labs" not in page
    assert "in JupyterLab" in page


def test_an_unknown_lab_and_an_unknown_lesson(tmp_path, monkeypatch, capsys):
    assert main(["lab", "show", "none"]) == 2
    assert "there is no lab 'none'" in capsys.readouterr().err
    assert main(["goto", "99"]) == 2
    assert main(["check", "99"]) == 2
    assert capsys.readouterr().err.count("Hint: there are 00") == 2


LAB = """
import marimo
app = marimo.App(app_title="A small lab")

@app.cell
def _():
    import marimo as mo
    mo.md("# It runs")
    return
"""


def direct(url: str) -> tuple[int, str]:
    """Ask once, without a proxy, and follow nothing; return status and where it leads."""
    asked = urlsplit(url)
    connection = http.client.HTTPConnection(asked.hostname, asked.port, timeout=30)
    connection.request("GET", f"{asked.path}?{asked.query}")
    answer = connection.getresponse()
    found = answer.status, answer.getheader("Location", "")
    connection.close()
    return found


@pytest.mark.server
def test_a_lab_is_shown_behind_a_token(tmp_path, subprocess_env):
    (tmp_path / "notebooks" / "labs").mkdir(parents=True)
    shutil.copy(ROOT / "notebooks" / f"{CARD.file}.py", tmp_path / "notebooks")
    (tmp_path / "notebooks" / "labs" / "small.py").write_text(LAB)
    argv = [sys.executable, "-m", "workbench", "lab", "show", "small", "--no-open"]
    process = subprocess.Popen(argv, cwd=tmp_path, env=subprocess_env, stdout=subprocess.PIPE, text=True)
    try:
        said = [process.stdout.readline() for _ in range(3)]
        url = re.search(r"open +(http://127\.0\.0\.1:\d+/\S+)", "".join(said)).group(1)
        status, location = direct(url.partition("?")[0])
        assert (status, "/auth/login" in location) == (303, True)
        status, location = direct(url)
        assert status == 200 or "/auth/login" not in location
    finally:
        process.terminate()
        process.wait(30)
        process.stdout.close()
