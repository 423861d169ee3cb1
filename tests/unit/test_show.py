"""What lessons show: in HTML and in words, the same on every run, readable without colour."""

from __future__ import annotations

import re
from xml.etree import ElementTree as ET

import pyarrow as pa
import pytest

from workbench.lab import bars, lesson, show
from workbench.lab.meter import Estimate, Score
from workbench.manifests import Header, columns_of, write_header, write_part

HONEST = Score("accuracy", Estimate(0.83, 0.65, 0.98, 16), Estimate(0.8, 0.68, 0.93, 40))
LEAKY = Score(
    "accuracy",
    Estimate(0.97, 0.92, 1.0, 60),
    Estimate(0.6, 0.55, 0.66, 300),
    could_have_had=Estimate(0.76, 0.71, 0.8, 300),
    excess_inflation=Estimate(0.33, 0.21, 0.45, 60),
    damage=Estimate(0.16, 0.09, 0.22, 300),
)
TEAMS = [("A <honest>", HONEST), ("B", LEAKY)]
SEASONS = [{"name": "season 0", "claimed": 0.97, "got": 0.59, "could_have_had": 0.76}]


def svg_of(shown: show.Shown) -> ET.Element:
    found = re.search(r"<svg.*</svg>", shown._repr_html_(), re.DOTALL).group(0)
    return ET.fromstring(found)  # noqa: S314 (our own; it is well-formed, or this raises)


@pytest.mark.parametrize(
    "shown", [bars.score_bars(TEAMS), bars.dumbbells(SEASONS)], ids=["bars", "dumbbells"]
)
def test_a_picture_is_well_formed_and_says_in_words_what_it_draws(shown):
    svg = svg_of(shown)
    assert svg.attrib["role"] == "img"
    said = svg.attrib["aria-label"]
    assert [line.split() for line in said.split("; ")] == [line.split() for line in repr(shown).splitlines()]
    assert "0.97" in repr(shown)
    assert all("var(--" in e.attrib[k] or e.attrib[k] == "none" or "url(#" in e.attrib[k]
               for e in svg.iter() for k in ("fill", "stroke") if k in e.attrib)  # fmt: skip


def test_the_bars_carry_number_interval_n_and_the_verdict():
    words = repr(bars.score_bars(TEAMS))
    assert words.splitlines() == [
        "A <honest>",
        "  claimed        0.83 [0.65, 0.98]  n = 16 fruit",
        "  got            0.80 [0.68, 0.93]  n = 40 fruit",
        "B",
        "  claimed        0.97 [0.92, 1.00]  n = 60 fruit",
        "  got            0.60 [0.55, 0.66]  n = 300 fruit",
        "  could have had 0.76 [0.71, 0.80]  n = 300 fruit",
        "  inflated by 0.33 (0.21 to 0.45)",
    ]


def test_the_axis_is_fixed_so_that_two_pictures_can_be_compared():
    def ticks(teams):
        return [
            t.text for t in svg_of(bars.score_bars(teams)).iter() if re.fullmatch(r"\d\.\d", t.text or "")
        ]

    assert ticks(TEAMS) == ticks(TEAMS[:1]) == ["0.5", "0.6", "0.7", "0.8", "0.9", "1.0"]
    assert bars._x(0.2) == bars._x(0.5) < bars._x(0.51) < bars._x(1.0)


def test_claims_alone_do_not_give_the_answer_away():
    shown = bars.score_bars(TEAMS, show=["claimed"])
    assert "0.60" not in shown._repr_html_()
    assert "inflated" not in shown._repr_html_()


def test_the_three_kinds_of_bar_differ_without_colour():
    rects = [e.attrib for e in svg_of(bars.score_bars(TEAMS)).iter() if e.tag == "rect" and "x" in e.attrib]
    kinds = {("url" in r["fill"], r["fill"] == "none") for r in rects}
    assert kinds == {(True, False), (False, False), (False, True)}  # hatched, solid, outline


def test_the_same_thing_shown_twice_is_the_same_text():
    assert bars.score_bars(TEAMS)._repr_html_() == bars.score_bars(TEAMS)._repr_html_()


def test_text_is_escaped():
    for shown in (
        bars.score_bars(TEAMS),
        show.card("<b>", {"<i>": "<u>"}),
        show.grid("<b>", ["<i>"], [["<u>"]]),
    ):
        page = shown._repr_html_().replace(show.STYLE, "")
        assert not re.search(r"<(b|i|u|honest)>", page)


def test_a_grid_puts_numbers_on_the_right_and_reads_as_a_table():
    shown = show.grid(
        "rows", ("label", "rows", "share"), [("accept", 1111, 0.03), ("reject", 85, 1.0)], "foot"
    )
    assert repr(shown).splitlines() == [
        "rows",
        "label    rows  share",
        "accept  1,111   0.03",
        "reject     85   1.00",
        "foot",
    ]
    assert shown._repr_html_().count("class=n") == 6


def test_code_shows_the_very_function_without_its_docstring():
    shown = repr(show.code("workbench.lab.show:code"))
    assert shown.startswith("def code(where: str) -> Shown:")
    assert "Show the source of a function" not in shown
    assert 'module, _, name = where.partition(":")' in shown
    assert shown.endswith("(workbench/lab/show.py)")


def test_light_and_dark_have_the_same_tokens():
    light, dark = re.findall(r"\{((?:--[a-z]+:#[0-9a-f]+;?)+)", show.STYLE.replace("{color", "{ color"))[:2]
    names = [set(re.findall(r"--[a-z]+", block)) for block in (light, dark)]
    assert names[0] == names[1] >= {"--fg", "--muted", "--known", "--got", "--claimed", "--leak", "--ground"}


def test_an_answer_is_collapsed_and_still_there_for_a_reader_of_the_log():
    shown = lesson.reveal("Would it?", "**No.** Twice.", bars.score_bars(TEAMS))
    page = shown._repr_html_()
    assert "<details><summary>Would it?</summary>" in page
    assert "<strong>No.</strong>" in page
    assert "<svg" in page
    assert "No." in repr(shown)
    assert "inflated by" in repr(shown)


def test_a_note_says_its_kind_in_words_too():
    shown = lesson.note("cure", "As of", "Join `as_of`.")
    assert repr(shown) == "[cure] As of\nJoin `as_of`."
    assert "<code>as_of</code>" in shown._repr_html_()


def test_the_teller_says_the_same_on_every_run(capsys):
    from workbench.stages import ORDER

    for _ in range(2):
        for stage in ORDER:
            lesson.Teller("B: ").begin(stage)(1, 2)
    said = capsys.readouterr().out.splitlines()
    assert said[: len(ORDER)] == said[len(ORDER) :]
    assert all(line.startswith(f"B: {stage}: ") for line, stage in zip(said, ORDER, strict=False))


def test_lessons_find_the_checkout_from_the_folder_of_the_twins(monkeypatch, tmp_path):
    monkeypatch.delenv("WORKBENCH_HOME")
    (tmp_path / "notebooks" / "jupyter").mkdir(parents=True)
    (tmp_path / "pyproject.toml").write_text("")
    monkeypatch.chdir(tmp_path / "notebooks" / "jupyter")
    assert lesson.lessons_root() == tmp_path / "data" / "workspaces"


def test_the_lessons_figures_are_there_and_agree_with_their_own_seasons():
    from scripts.make_figures import SEASONS as N_SEASONS
    from scripts.make_figures import summary

    stored = lesson.figure("first_lesson")
    assert len(stored["seasons"]) == N_SEASONS
    assert summary(stored["seasons"]) == stored
    assert all(s["claimed"] > s["could_have_had"] > s["got"] for s in stored["seasons"])
    assert all(s["excess_low"] > 0 for s in stored["seasons"])  # the lesson's claim, at its size


def test_a_manifest_is_shown_by_its_counts_parts_and_columns(tmp_path):
    table = pa.table({"image_id": ["a", "b"], "status": ["clean", "quarantined"]})
    part = write_part(tmp_path, "part-00000", table)
    extra = {"reasons": {"not_an_image": 1}, "parents": {"raw": "0" * 64}}
    write_header(tmp_path, Header("clean", {"total_clean": 1}, columns_of(table), (part,), extra))
    shown = show.manifest(tmp_path, "The manifest", "A foot.")
    assert [line.split(maxsplit=1) for line in repr(shown).splitlines()[1:-1]] == [
        ["total", "clean  1"],
        ["reasons", "1 not an image"],
        ["parts", "part-00000.parquet (2 rows, sha256)"],
        ["columns", "image_id, status"],
        ["parents", "raw (by its digest)"],
    ]
    assert (
        part.sha256 not in shown._repr_html_()
    )  # it differs from machine to machine; a lesson's page does not


def test_things_are_stacked_in_the_order_given():
    both = show.stack(show.card("First", {"a": 1}), show.card("Second", {"b": 2}))
    assert both.label == "First"
    assert repr(both).index("First") < repr(both).index("Second")
    assert both._repr_html_().count('class="part"') == 2
