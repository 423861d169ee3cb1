"""What people see of `workbench guard`: the page of --report in a parser, and small pictures in a terminal.

Names, columns and labels are hostile here: markup, codes that a terminal obeys, letters that turn a line around.
"""

from __future__ import annotations

import base64
import io
from html.parser import HTMLParser

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from PIL import Image
from rich.console import Console
from rich.theme import Theme

from tests.helpers.guard_words import guard
from tests.helpers.hostile_photos import EVIL, RED, hostile_photos
from workbench.cli import guard as screen
from workbench.cli.app import run_app
from workbench.cli.half_blocks import can_draw, half_blocks
from workbench.cli.screen import STYLES
from workbench.guards.evidence import Evidence, Finding
from workbench.lab.own_files import Report, visible
from workbench.lab.own_page import page
from workbench.lab.own_pictures import look_at_photos
from workbench.lab.own_thumbs import SIDE, Thumbs

ALLOWED = {
    *(
        "html",
        "head",
        "meta",
        "title",
        "style",
        "body",
        "h1",
        "h2",
        "p",
        "span",
        "code",
        "div",
        "table",
        "tr",
        "th",
    ),
    *("td", "section", "figure", "figcaption", "b", "img", "details", "summary", "pre"),
}
ATTRIBUTES = {"lang", "charset", "http-equiv", "content", "name", "class", "scope", "src", "alt"}


class Page(HTMLParser):
    """A page as a browser would build it: tags, attributes, and the texts that are read."""

    def __init__(self, text):
        super().__init__()
        self.tags, self.names, self.sources, self.texts, self.alts = [], set(), [], [], []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.names |= {name for name, _ in attrs}
        self.sources += [value for name, value in attrs if name == "src"]
        self.alts += [value for name, value in attrs if name == "alt"]

    def handle_data(self, data):
        self.texts.append(data)

    @property
    def text(self):
        return " ".join(" ".join(self.texts).split())


def read(path):
    """Return a page, if it holds nothing that runs, and nothing that is fetched."""
    text = path.read_text(encoding="utf-8")
    assert "\N{RIGHT-TO-LEFT OVERRIDE}" not in text
    assert "\x1b" not in text
    seen = Page(text)
    assert set(seen.tags) <= ALLOWED, set(seen.tags) - ALLOWED
    assert seen.names <= ATTRIBUTES, seen.names - ATTRIBUTES
    assert all(source.startswith("data:image/jpeg;base64,") for source in seen.sources)
    assert "default-src 'none'" in text
    assert "prefers-color-scheme:dark" in text
    return seen


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return hostile_photos(tmp_path_factory.mktemp("photos"))


@pytest.fixture(scope="module")
def report(folder):
    return look_at_photos(folder, folder / "split.csv")


def test_a_page_about_photos_shows_them_and_escapes_every_name(capsys, tmp_path, folder):
    target = tmp_path / "report.html"
    guard(capsys, "images", folder, "--split", folder / "split.csv", "--report", target, code=1)
    seen = read(target)
    for name in (f"{EVIL}.png", "caf\N{LATIN SMALL LETTER E WITH ACUTE}\\u202egnp.png", "\\x1b[31mred.png"):
        assert name in seen.text
        assert f"train {name}" in seen.alts
    assert "a & b 'c'.png" in seen.text
    assert seen.tags.count("img") == 16  # four pairs that look alike, and the same four groups
    for source in seen.sources:
        with Image.open(io.BytesIO(base64.b64decode(source.partition(",")[2]))) as small:
            assert small.size == (SIDE, SIDE * 3 // 4)


def test_pages_about_tables_escape_columns_labels_and_values(capsys, tmp_path):
    rng = np.random.default_rng(0)
    y = rng.random(300) < 0.4
    names = np.where(y, EVIL, "</td><script>alert(2)</script>")
    rows = pa.table({f"col{EVIL}": names, "x": rng.normal(size=300), "y": np.where(y, "<i>yes</i>", "no")})
    file, target = tmp_path / f"{EVIL}.parquet", tmp_path / "a.html"
    pq.write_table(rows, file)
    guard(capsys, "leakage", file, "--label", "y", "--report", target, code=1)
    seen = read(target)
    assert f"col{EVIL}" in seen.text
    assert "<i>yes</i>" in seen.text
    assert f"{EVIL}.parquet" in seen.text
    assert "needs --time" in seen.text

    online = rows.set_column(0, f"col{EVIL}", pa.array([RED] * 300)).append_column("id", pa.array(range(300)))
    pq.write_table(rows.append_column("id", pa.array(range(300))), file)
    pq.write_table(online, tmp_path / "online.parquet")
    guard(capsys, "parity", file, tmp_path / "online.parquet", "--key", "id", "--report", target, code=1)
    seen = read(target)
    assert "</td><script>alert(2)</script>" in seen.text
    assert "\\x1b[31mred" in seen.text
    assert "exit code 1" in seen.text


def test_a_page_about_nothing_found_and_one_about_what_could_not_be_judged():
    clean = Page(page(Report("x", (Finding("solo_feature", fired=False, sentence="none"),))))
    assert "1 of 1 checks found nothing" in clean.text
    assert "section" not in clean.tags
    unknown = Page(
        page(Report("x", (Finding("solo_feature", fired=None, sentence="too few"),), (("a", "b"),)))
    )
    assert "0 of 1 checks found nothing, 1 could not judge, 1 was not run (exit code 2)" in unknown.text
    assert "decision tree of depth 4" in unknown.text  # what the guard says of itself


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("rows.csv", "is no HTML file"),
        ("gone/report.html", "is not there"),
        ("folder.html", "is no HTML file"),
    ],
)
def test_a_page_that_must_not_be_written(capsys, tmp_path, name, said):
    """A slip of the hand does not cost a table."""
    file = tmp_path / "rows.csv"
    file.write_text("a,y\n" + "1,0\n2,1\n" * 30)
    (tmp_path / "folder.html").mkdir()
    answer = guard(capsys, "leakage", file, "--label", "y", "--report", tmp_path / name, code=2)
    assert said in answer["error"]
    assert answer["hint"]
    assert file.read_text().startswith("a,y\n")


def test_bad_input_leaves_no_page(capsys, tmp_path):
    (tmp_path / "rows.csv").write_text("a,y\n")
    target = tmp_path / "report.html"
    answer = guard(capsys, "leakage", tmp_path / "rows.csv", "--label", "y", "--report", target, code=2)
    assert "no rows" in answer["error"]
    assert sorted(tmp_path.iterdir()) == [tmp_path / "rows.csv"]


def terminal(**how):
    asked = {"width": 100, "color_system": "truecolor", "force_terminal": True, "no_color": False} | how
    return Console(
        file=io.TextIOWrapper(io.BytesIO(), "utf-8"), theme=Theme(STYLES), highlight=False, **asked
    )


def drawn(report, out):
    screen.draw(report, out)
    out.file.seek(0)
    return out.file.read()


@pytest.mark.parametrize(
    ("how", "pictures"),
    [
        ({}, True),
        ({"width": 80}, True),
        ({"color_system": "256"}, True),
        ({"width": 60}, False),
        ({"color_system": "standard"}, False),
        ({"no_color": True}, False),
        ({"force_terminal": False, "color_system": None}, False),
    ],
)
def test_small_pictures_where_there_is_colour_and_room(report, how, pictures):
    out = terminal(**how)
    text = drawn(report, out)
    assert can_draw(out) is pictures
    assert ("\N{UPPER HALF BLOCK}" in text) is pictures
    assert "\x1b[31mred" not in text  # ours are the only codes
    assert "\N{RIGHT-TO-LEFT OVERRIDE}" not in text
    assert "exit code 1" in text


def test_half_blocks_hold_two_pixels_each():
    pixels = np.array(
        [[[255, 0, 0], [0, 255, 0]], [[0, 0, 255], [1, 2, 3]], [[9, 9, 9], [8, 8, 8]]], np.uint8
    )
    text = half_blocks(Image.fromarray(pixels))
    assert text.plain == "\N{UPPER HALF BLOCK}" * 2 + "\n" + "\N{UPPER HALF BLOCK}" * 2
    seen = [
        (span.style.color.triplet, span.style.bgcolor and span.style.bgcolor.triplet) for span in text.spans
    ]
    assert seen == [
        ((255, 0, 0), (0, 0, 255)),
        ((0, 255, 0), (1, 2, 3)),
        ((9, 9, 9), None),
        ((8, 8, 8), None),
    ]


def test_no_picture_from_outside_the_folder_and_none_of_what_is_none(tmp_path):
    inside = tmp_path / "photos"
    inside.mkdir()
    noise = np.random.default_rng(0).integers(0, 256, (64, 64, 3), dtype=np.uint8)
    Image.fromarray(noise).save(tmp_path / "secret.png")
    assert Thumbs(tmp_path).small("secret.png") is not None
    (inside / "link.png").symlink_to(tmp_path / "secret.png")
    (inside / "broken.png").write_bytes(b"\x89PNG\r\n\x1a\n")
    thumbs = Thumbs(inside)
    for name in (
        "../secret.png",
        str(tmp_path / "secret.png"),
        "link.png",
        "broken.png",
        "gone.png",
        "",
        None,
    ):
        assert thumbs.small(name) is None
    rows = pa.table({"test_uri": ["../secret.png"], "train_uri": ["broken.png"]})
    evidence = Evidence("near_duplicates", 1, 1.0, "share", offenders=rows)
    report = Report(
        "x", (Finding("near_duplicates", fired=True, sentence="s", evidence=evidence),), pictures=inside
    )
    assert Page(page(report)).sources == []
    assert "\N{UPPER HALF BLOCK}" not in drawn(report, terminal())


def test_an_error_about_a_hostile_name_obeys_nothing(capsys, tmp_path):
    assert run_app(["guard", "leakage", str(tmp_path / RED), "--label", "y"]) == 2
    err = capsys.readouterr().err
    assert "\x1b[31m" not in err
    assert "\\x1b[31mred" in err


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("plain \N{SNOWMAN}\n", "plain \N{SNOWMAN}\n"),
        (RED, "\\x1b[31mred"),
        ("\ud800", "\\ud800"),
        ("a\tb\r", "a\\tb\\r"),
    ],
)
def test_visible(text, shown):
    assert visible(text) == shown
