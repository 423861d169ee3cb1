"""The widgets on their bench, in a real browser: dragged, typed at, read aloud, light and dark."""

from __future__ import annotations

import re

import pytest

from scripts.widget_bench import exhibits, page
from workbench.widgets import ORDER, theme

pytestmark = [pytest.mark.slow, pytest.mark.browser]


@pytest.fixture(scope="module")
def address(tmp_path_factory):
    """Return the bench as a file's address."""
    file = tmp_path_factory.mktemp("bench") / "widgets.html"
    file.write_text(page(), encoding="utf-8")
    return file.as_uri()


@pytest.fixture
def opened(tab, address):
    """Open the bench with one widget; afterwards nothing may have failed or left the machine."""

    def go(name: str, query: str = ""):
        tab.goto(f"{address}{query}#{name}")
        tab.locator("body[data-ready]").wait_for()
        return tab.locator(f"#bench-{name}")

    yield go
    assert tab.errors == []
    assert tab.left_loopback == []


def state(tab, name: str, trait: str):
    return tab.evaluate(f"window.bench.{name}.model.get('{trait}')")


def dragged(tab, handle, by_px: float) -> None:
    """Drag from the middle of a handle, in steps, as a hand does."""
    box = handle.bounding_box()
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    tab.mouse.move(x, y)
    tab.mouse.down()
    for i in range(1, 11):
        tab.mouse.move(x + by_px * i / 10, y + 3)
    tab.mouse.up()


def test_every_widget_is_on_the_bench():
    shown = {type(widget).__module__.rpartition(".")[2] for widget, _ in exhibits().values()}
    assert shown == {*ORDER}


def test_timeline_is_dragged_and_every_answer_follows(tab, opened):
    bench = opened("pit_timeline")
    verdict = bench.locator("[data-test=verdict]")
    assert verdict.inner_text() == "2 of 4 joins leak"
    handle = bench.locator("[data-test=observation]")
    dragged(tab, handle, 65)  # from day 15 to beyond day 18, when the late value is recorded
    bench.get_by_text("1 of 4 joins leak", exact=True).wait_for()
    assert state(tab, "pit_timeline", "observation") >= 18
    assert bench.locator("[data-test=answer-2]").text_content() == "74"
    assert tab.evaluate("window.bench.pit_timeline.model.sent") < 12  # throttled
    assert handle.evaluate("node => node === document.activeElement")  # it was not replaced under the hand
    bench.locator("[data-test=reset]").click()
    bench.get_by_text("2 of 4 joins leak", exact=True).wait_for()
    assert state(tab, "pit_timeline", "observation") == 15
    assert bench.locator("[data-test=answer-2]").text_content() == "61"


def test_timeline_by_keyboard_alone(tab, opened):
    bench = opened("pit_timeline")
    bench.locator("[data-test=known-c]").focus()
    for _ in range(6):  # recorded on day 18, 17.5, ... 15: the moment that is asked about
        tab.keyboard.press("ArrowLeft")
    late = bench.get_by_role("slider", name="74 was recorded")
    assert late.get_attribute("aria-valuetext") == "day 15, value 74"
    bench.get_by_text("1 of 4 joins leak", exact=True).wait_for()
    tab.keyboard.press("End")
    assert state(tab, "pit_timeline", "values")[2]["known"] == 30
    tab.keyboard.press("Home")  # nothing is recorded before it is true
    assert state(tab, "pit_timeline", "values")[2]["known"] == 12.5
    spoken = bench.locator("[data-test=spoken]")
    tab.wait_for_function(
        "document.querySelector('[data-test=spoken]').textContent.includes('as of both times 74')"
    )
    assert spoken.get_attribute("aria-live") == "polite"


def test_timeline_goes_to_a_preset_and_back(tab, opened):
    bench = opened("pit_timeline")
    says = bench.locator("[data-test=says]")
    assert not says.is_visible()
    bench.get_by_role("button", name="after the record").click()
    bench.get_by_text("1 of 4 joins leak", exact=True).wait_for()
    assert says.inner_text().startswith("Now everybody knows")
    assert state(tab, "pit_timeline", "preset") == "after the record"
    bench.locator("[data-test=reset]").click()
    bench.get_by_text("2 of 4 joins leak", exact=True).wait_for()
    assert not says.is_visible()


def test_timeline_is_dragged_on_a_page_that_is_enlarged_for_a_projector(tab, opened):
    tab.set_viewport_size({"width": 1600, "height": 1000})
    bench = opened("pit_timeline")
    tab.add_style_tag(content=":root { --wb-zoom: 1.5 }")
    handle = bench.locator("[data-test=observation]")
    box, late = handle.bounding_box(), bench.locator("[data-test=known-c]").bounding_box()
    dragged(tab, handle, late["x"] + late["width"] / 2 - box["x"] - box["width"] / 2)
    assert state(tab, "pit_timeline", "observation") == 18


def test_timeline_draws_a_leak_dashed_with_its_label(tab, opened):
    bench = opened("pit_timeline")
    leak, known = (bench.locator(f"[data-test=engine-{i}]") for i in (0, 2))
    assert "leak: from the future" in leak.text_content()
    dashes = [
        row.locator(".arrow").evaluate("node => getComputedStyle(node).strokeDasharray")
        for row in (leak, known)
    ]
    assert (dashes[0] != "none", dashes[1]) == (True, "none")
    bench.get_by_role("button", name="3 days").click()
    assert bench.locator("[data-test=engine-2]").text_content().count("no answer") == 1
    bench.locator("[data-test=sources] > summary").click()
    bench.locator("[data-test=sources] summary", has_text="as of both times").click()
    assert "ASOF LEFT JOIN" in bench.locator("[data-test=sources]").inner_text()
    bench.locator("[data-test=table] summary").click()
    assert "as of event time" in bench.locator("[data-test=table] tbody").inner_text()


def test_meter_is_a_look_up(tab, opened):
    bench = opened("truth_meter")
    verdict = bench.locator("[data-test=verdict]")
    assert re.fullmatch(r"inflated by 0\.\d\d", verdict.inner_text())
    bench.get_by_role("button", name="cured").click()
    assert verdict.inner_text() == "cured: the honest pipeline"
    assert state(tab, "truth_meter", "cured") is True
    bench.locator("[data-test=failure]").select_option("duplicate_rows")
    assert state(tab, "truth_meter", "failure") == "duplicate_rows"
    assert bench.locator("[data-test=value-got]").text_content() != ""
    bench.get_by_role("group", name="season").get_by_role("button", name="2").click()
    assert state(tab, "truth_meter", "seed") == 2
    bench.locator("[data-test=reset]").click()
    assert verdict.inner_text().startswith("inflated")


def test_meter_goes_to_a_preset(tab, opened):
    bench = opened("truth_meter")
    says = bench.locator("[data-test=says]")
    assert says.inner_text() == "It shows what came later."
    bench.get_by_role("button", name="twins").click()
    assert state(tab, "truth_meter", "failure") == "duplicate_rows"
    assert says.inner_text() == "Rows that were delivered twice."
    bench.locator("[data-test=failure]").select_option("bench_photo_replaces_line_photo")
    assert not says.is_visible()


def test_predict_takes_a_guess_by_key_and_shows_the_gap(tab, opened):
    bench = opened("predict")
    lock = bench.locator("[data-test=lock]")
    assert lock.is_disabled()
    bench.locator("[data-test=guess]").focus()
    tab.keyboard.press("ArrowRight")
    assert state(tab, "predict", "guess") == 0.76
    lock.click()
    headline = bench.locator("[data-test=headline]")
    headline.get_by_text("It is 0.59. Your guess was 0.17 too high.").wait_for()


def test_predict_may_be_skipped_and_a_choice_tells_why(tab, opened):
    bench = opened("predict_choice")
    bench.get_by_label("Yes, with five folds").check()
    bench.locator("[data-test=lock]").click()
    bench.get_by_text("Resampling a flawed table").wait_for()
    assert bench.locator(".is-wrong").inner_text().startswith("Yes, with five folds")
    tab.goto("about:blank")  # a new hash alone loads nothing
    bench = opened("predict")
    bench.locator("[data-test=skip]").click()
    bench.get_by_text("It is 0.59.", exact=True).wait_for()


def test_checkpoint_judges_and_gives_hints_one_at_a_time(tab, opened):
    bench = opened("checkpoint")
    hint = bench.locator("[data-test=hint]")
    hint.click()
    bench.get_by_text("Which of the two times").wait_for()
    assert bench.locator(".hints li").count() == 1
    assert hint.inner_text() == "Another hint, 2 of 3"
    check = bench.locator("[data-test=check]")
    check.click()
    bench.get_by_text("2 of 3 cases passed", exact=True).wait_for()
    check.click()
    bench.get_by_text("All 3 cases passed", exact=True).wait_for()
    assert not hint.is_visible()


def test_panel_sends_values_of_the_right_type(tab, opened):
    bench = opened("panel")
    bench.locator("[data-test=rows]").focus()
    tab.keyboard.press("ArrowRight")
    bench.locator("[data-test=model]").select_option("tree")
    bench.locator("[data-test=stratified]").uncheck()
    assert state(tab, "panel", "values") == {"rows": 301, "noise": 0.25, "model": "tree", "stratified": False}


@pytest.mark.parametrize("name", exhibits())
def test_it_lets_go_of_its_model_when_its_cell_is_gone(tab, opened, name):
    opened(name)
    heard = f"Object.values(window.bench.{name}.model.heard).flat().length"
    assert tab.evaluate(heard) > 0
    tab.evaluate(f"window.bench.{name}.end()")
    assert tab.evaluate(heard) == 0


@pytest.mark.parametrize("name", exhibits())
def test_it_fits_a_narrow_page_and_is_dark_where_the_page_is(tab, opened, name):
    tab.set_viewport_size({"width": 700, "height": 1000})
    root = opened(name, "?dark").locator(".wb-widget")
    ground = root.evaluate("node => getComputedStyle(node).getPropertyValue('--ground')")
    assert ground == theme.TOKENS["dark"]["ground"]
    assert root.evaluate("node => node.scrollWidth - node.clientWidth") <= 0
    assert root.get_attribute("aria-label")
    sizes = "node => [...new Set([...node.querySelectorAll('*')].filter(one => one.childNodes.length && one.checkVisibility()).map(one => getComputedStyle(one).fontSize))]"
    assert len(root.evaluate(sizes)) <= 2


@pytest.mark.parametrize("name", ["truth_meter", "pit_timeline"])
@pytest.mark.parametrize("width", [700, 1100])
def test_no_two_texts_lie_on_each_other(tab, opened, name, width):
    tab.set_viewport_size({"width": width, "height": 1000})
    root = opened(name).locator(".wb-widget")
    overlaps = root.evaluate("""node => {
      const boxes = [...node.querySelectorAll('svg text')].filter(one => one.textContent && one.checkVisibility({ visibilityProperty: true }))
        .map(one => [one.textContent, one.getBoundingClientRect()]);
      return boxes.flatMap(([a, one], i) => boxes.slice(i + 1)
        .filter(([, other]) => one.left < other.right && other.left < one.right && one.top + 4 < other.bottom - 4 && other.top + 4 < one.bottom - 4)
        .map(([b]) => `${a} | ${b}`));
    }""")
    assert overlaps == []
    assert root.locator("svg text").count() > 10


def test_scope_goes_from_entity_to_entity(tab, opened):
    bench = opened("skew_scope")
    outcome = bench.locator("[data-test=outcome]")
    assert outcome.inner_text() == "contact becomes leave alone"
    assert "swap" in bench.locator("[data-test=feature-visits_30d]").inner_text()
    before = state(tab, "skew_scope", "chosen")
    bench.get_by_role("button", name="Next").click()
    assert state(tab, "skew_scope", "chosen") != before
    bench.locator("[data-test=entity]").select_option(before)
    bench.get_by_role("button", name="those that differ").click()
    assert bench.locator("tbody tr").count() == 2


def test_pairs_are_gone_through_by_key(tab, opened):
    bench = opened("pair_browser")
    first = bench.locator("[data-test=one]").get_attribute("alt")
    bench.locator("[data-test=pair-0]").focus()
    tab.keyboard.press("ArrowRight")
    assert state(tab, "pair_browser", "at") == 1
    assert bench.locator("[data-test=one]").get_attribute("alt") != first
    assert bench.locator("[data-test=pair-1]").evaluate("node => node === document.activeElement")
    assert bench.locator("img").evaluate_all("all => all.every(one => one.naturalWidth > 0)")
    assert bench.locator("[data-test=facts]").inner_text().startswith("2 of the 12 closest: ")


def test_photos_and_alterations_are_chosen_by_key_and_the_difference_is_brightened(tab, opened):
    bench = opened("picture_scope")
    assert bench.locator("[data-test=says]").inner_text().startswith("It reads blue, green, red")
    before = bench.locator("[data-test=online]").get_attribute("src")
    bench.locator("[data-test='JPEG 15']").focus()
    tab.keyboard.press("Enter")
    assert bench.locator("[data-test=online]").get_attribute("src") != before
    assert state(tab, "picture_scope", "alteration") == "JPEG 15"
    bench.get_by_role("button", name=re.compile("^16")).click()
    difference = bench.locator("[data-test=difference]")
    assert difference.get_attribute("aria-label").startswith("difference, 16 times as bright: ")
    assert difference.evaluate("node => getComputedStyle(node).filter") == "brightness(16)"
    bench.locator("[data-test=photo-1]").focus()
    tab.keyboard.press("Space")
    bench.locator("[aria-pressed=true][data-test=photo-1]").wait_for()
    assert bench.locator("[data-test='JPEG 15']").get_attribute("aria-pressed") == "true"
    bench.get_by_text("The same in a table").click()
    rows = bench.locator("tbody tr")
    assert rows.count() == 5
    assert rows.last.inner_text().startswith("new encoder")
    bench.locator("[role=status]", has_text="Photo 2 of 3 photos, JPEG 15: ").wait_for(state="attached")
