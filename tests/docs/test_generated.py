"""Generated parts are what the generator would write now."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from scripts import generated, make_docs, make_figures

ROOT = Path(__file__).resolve().parents[2]


def part(name: str) -> str:
    """Return a generated part as it stands in the documents."""
    for file in make_docs.FILES:
        for match in make_docs.PART.finditer((ROOT / file).read_text(encoding="utf-8")):
            if match[2] == name:
                return match[0].split("-->\n", 1)[1].rsplit("\n<!--", 1)[0]
    raise AssertionError(f"no document has the part {name}")


def test_every_part_has_a_generator_and_a_place():
    placed = [n for f in make_docs.FILES for n in make_docs.names_in((ROOT / f).read_text(encoding="utf-8"))]
    marks = [
        n
        for f in make_docs.FILES
        for n in re.findall(r"<!-- generated:([\w-]+) -->", (ROOT / f).read_text(encoding="utf-8"))
    ]
    assert placed == marks, "a mark is not closed"
    run = {*(f"manifest-{kind}" for kind in generated.MANIFESTS), "manifest-dataset", "dataset-card"}
    assert sorted(placed) == sorted({*generated.from_code(), *run})


@pytest.mark.parametrize(
    "name",
    sorted(
        [
            "cli-help",
            "exit-codes",
            "stages",
            "layout",
            "silent-failures",
            "figures",
            "guards",
            "guards-limits",
        ]
    ),
)
def test_read_off_the_code(name):
    assert part(name) == generated.from_code()[name].strip("\n"), "run `make docs`"


@pytest.mark.slow
def test_read_off_a_run(tiny_pipeline):
    for name, text in generated.from_run(tiny_pipeline).items():
        assert part(name) == text.strip("\n"), f"{name}: run `make docs`"


def test_a_part_is_filled_and_the_rest_stays():
    text = "a\n<!-- generated:x -->\nold\n<!-- /generated:x -->\nb\n<!-- generated:y -->\n<!-- /generated:y -->\n"
    filled = make_docs.fill(text, {"x": "new\n"})
    assert "\nnew\n<!-- /generated:x -->" in filled
    assert "old" not in filled
    assert make_docs.fill(filled, {"x": "new\n"}) == filled
    assert make_docs.names_in(text) == ["x", "y"]
    assert "y -->\nfirst\n<!--" in make_docs.fill(text, {"y": "first"})


def test_what_differs_between_machines_is_hidden():
    text = f'"sha": "{"0f" * 32}", "view": "embedding__tiny_v1_p1b32_82e419"'
    assert generated.without_machine(text) == '"sha": "…", "view": "embedding__tiny_v1_p1b32_…"'


def test_a_row_that_names_nothing_is_refused():
    with pytest.raises(ValueError, match="there is no nobody"):
        generated._link("workbench/hashing.py#nobody")


def test_every_stage_has_a_row():
    rows = re.findall(r"^\| (\w+) \|", part("silent-failures"), re.MULTILINE)
    from workbench.stages import ORDER

    assert [name for name in dict.fromkeys(rows) if name in ORDER] == list(ORDER)


@pytest.mark.slow
def test_the_figures_of_readme_can_be_measured_again(tmp_path):
    """Floats differ a little from one machine to the next; the story may not."""
    written = json.loads(generated.FIGURES.read_text(encoding="utf-8"))
    again = make_figures.season(0, tmp_path)
    old = written["seasons"][0]
    assert again.keys() == old.keys()
    for name in ("honest_claimed", "could_have_had", "claimed", "got"):
        assert again[name] == pytest.approx(old[name], abs=0.03), name
    assert [again[n] for n in ("n_test", "n_production")] == [old[n] for n in ("n_test", "n_production")]


@pytest.mark.parametrize(("spoilt", "code"), [(False, 0), (True, 1)])
def test_check_finds_a_part_that_is_old(tmp_path, monkeypatch, capsys, spoilt, code):
    for name in make_docs.FILES:
        (tmp_path / name).parent.mkdir(exist_ok=True)
        text = (ROOT / name).read_text(encoding="utf-8")
        (tmp_path / name).write_text(text.replace("`WorkspaceBusyError`", "`Typed`") if spoilt else text)
    monkeypatch.setattr(make_docs, "ROOT", tmp_path)
    assert make_docs.main(["--check"]) == code
    out, err = capsys.readouterr()
    assert ("docs/PIPELINE_GUIDE.md" in out) == ("make docs" in err) == spoilt
