"""What all widgets share: strict names, words, one style, one module; and the house's order."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import traitlets

from workbench import widgets
from workbench.errors import SettingsError
from workbench.lab import lesson, show
from workbench.widgets import theme
from workbench.widgets.base import Widget, css, esm, live

ROOT = Path(__file__).resolve().parents[2]
ROOM = ROOT / "workbench" / "widgets"


class Toy(Widget):
    """A widget with one trait."""

    _esm = "export default { render() {} }"
    cutoff = traitlets.Float(0.0).tag(sync=True)

    def as_text(self) -> str:
        return f"cutoff {self.cutoff:g}\n{'long ' * 50}"


def test_an_unknown_name_is_refused_with_the_near_one():
    with pytest.raises(SettingsError, match=r"no trait 'cutof'. Did you mean 'cutoff'\?"):
        Toy(cutof=3)
    with pytest.raises(SettingsError, match=r"no trait 'quite_other'\.\nHint: there are cutoff"):
        Toy(quite_other=3)


def test_an_unknown_name_is_refused_later_too():
    toy = Toy(cutoff=3)
    with pytest.raises(SettingsError, match="Did you mean 'cutoff'"):
        toy.cutof = 4
    toy.cutoff = 4
    toy._private = 1
    toy.layout.width = "50%"
    assert (toy.cutoff, toy._private) == (4, 1)


def test_a_wrong_type_is_refused():
    with pytest.raises(traitlets.TraitError):
        Toy(cutoff="late")


def test_the_words_are_whole_and_the_same_each_time():
    bundle = Toy(cutoff=3)._repr_mimebundle_()
    data = bundle[0] if isinstance(bundle, tuple) else bundle
    assert data["text/plain"] == repr(Toy(cutoff=3)) == Toy(cutoff=3).as_text()
    assert "application/vnd.jupyter.widget-view+json" in data


def test_live_is_the_widget_itself_outside_marimo():
    toy = Toy()
    assert live(toy) is toy


def test_the_order_is_the_folders_and_each_has_its_three_files():
    folders = {path.name for path in ROOM.iterdir() if path.is_dir() and path.name != "__pycache__"}
    assert folders == {*widgets.ORDER}
    for name in widgets.ORDER:
        assert {"__init__.py", "widget.js", "widget.css"} <= {path.name for path in (ROOM / name).iterdir()}


@pytest.mark.parametrize("name", widgets.ORDER)
def test_sizes_stay_small(name):
    limits = {"__init__.py": 150, "widget.js": 250, "widget.css": 120}
    for file, limit in limits.items():
        assert len((ROOM / name / file).read_text(encoding="utf-8").splitlines()) <= limit


@pytest.mark.parametrize("name", widgets.ORDER)
def test_a_module_asks_for_nothing(name):
    text = esm(name) + css(name)
    assert not re.search(
        r"^import |import\(|@import|https?://(?!www\.w3\.org/2000/svg)|url\((?!#)", text, re.MULTILINE
    )
    assert text.count("export default") == 1
    assert "export const clamp" not in text
    assert "const clamp" in text


def test_an_import_from_elsewhere_is_refused(monkeypatch, tmp_path):
    monkeypatch.setattr("workbench.widgets.base.HERE", tmp_path)
    (tmp_path / "lone").mkdir()
    (tmp_path / "lone" / "widget.js").write_text(
        'import { html } from "https://esm.sh/htm";\nexport default {};'
    )
    with pytest.raises(SettingsError, match="esm.sh"):
        esm("lone")


@pytest.mark.parametrize("name", widgets.ORDER)
def test_a_style_reaches_its_own_widget_only(name):
    """Every rule of every file begins at the widget's root."""
    text = re.sub(r"@media[^{]*\{((?:[^{}]*\{[^}]*\})*)\s*\}", r"\1", css(name))
    selectors = [part for rule in re.findall(r"([^{}]+)\{[^}]*\}", text) for part in _parts(rule)]
    assert len(selectors) > 30
    assert [one for one in selectors if ".wb-widget" not in one] == []


def _parts(rule: str) -> list[str]:
    """Split a selector at its commas, but not at those in brackets."""
    return [part.strip() for part in re.split(r",(?![^(]*\))", rule) if part.strip()]


# -- theme -------------------------------------------------------------------------------------------------------


def luminance(colour: str) -> float:
    """Return relative luminance as WCAG 2 defines it."""
    channels = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


@pytest.mark.parametrize("mode", ["light", "dark"])
def test_every_colour_of_text_has_contrast(mode):
    tokens = dict(theme.TOKENS[mode])
    ground = luminance(tokens.pop("ground"))
    tokens.pop("line")
    for name, colour in tokens.items():
        high, low = sorted([luminance(colour), ground], reverse=True)
        assert (high + 0.05) / (low + 0.05) >= 4.5, name


def test_lessons_and_widgets_have_the_same_colours():
    ours = [{name: theme.TOKENS[mode][name] for name in theme.TOKENS[mode]} for mode in ("light", "dark")]
    for tokens in ours:
        for name, colour in tokens.items():
            short = f"#{colour[1::2]}" if colour[1::2] == colour[2::2] else colour
            assert f"--{name}:{colour}" in show.STYLE or f"--{name}:{short}" in show.STYLE


def test_plotly_takes_the_template_and_turns_dark():
    import plotly.graph_objects as go

    figure = go.Figure(go.Bar(y=[1]), layout={"template": theme.template(dark=True)})
    assert figure.layout.template.layout.paper_bgcolor == theme.TOKENS["dark"]["ground"]
    assert theme.template()["layout"]["paper_bgcolor"] == "#ffffff"


# -- small ones --------------------------------------------------------------------------------------------------


def test_a_lesson_finds_its_vocabulary_in_one_place():
    for name in ("live", "note", "reveal", "Panel", "View", "Check", "Predict"):
        assert callable(getattr(lesson, name))


def test_a_view_follows_its_sources_and_shows_what_went_wrong():
    panel = lesson.Panel(rows=(100, 1000, 300), fold=["a", "b"], strict=True)
    view = lesson.View(lambda source: f"rows = {source['rows']}", panel)
    assert view.as_text() == "rows = 300"
    panel.values = panel.values | {"rows": 400}
    assert view.as_text() == "rows = 400"
    panel.values = {}
    assert view.as_text().startswith("SettingsError: the panel has no 'rows'")


def test_a_view_takes_what_draws_itself():
    view = lesson.View(lambda panel: show.card("Facts", {"a": panel["a"]}), lesson.Panel(a=True))
    assert "<table>" in view.html
    assert "True" in view.as_text()


def test_a_panel_says_its_values_and_refuses_what_is_no_control():
    panel = lesson.Panel(rows=(1, 5, 2), noise=(0.0, 1.0, 0.5), kind=["x", "y"], on=False)
    assert repr(panel) == "[panel] rows = 2, noise = 0.5, kind = x, on = False"
    assert [control.get("step") for control in panel.controls] == [1, 0.01, None, None]
    with pytest.raises(SettingsError, match="is no control"):
        lesson.Panel(rows=3)
