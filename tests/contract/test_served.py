"""Both sides of a gym's service, on one honest run: pairs, scope and dial are those of the real pipeline."""

from __future__ import annotations

import io
import os

import numpy as np
import pytest
from PIL import Image

from workbench.failures import load
from workbench.lab.bench import prepare, run_with
from workbench.lab.served import SHOWN, Service, switched
from workbench.lab.skew_show import STORY, skew_show
from workbench.lab.stories.serve import exhibit, one_member
from workbench.widgets import PictureScope

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Service:
    before = os.environ["WORKBENCH_HOME"]
    os.environ["WORKBENCH_HOME"] = str(tmp_path_factory.mktemp("bench"))
    made = Service(run_with(prepare("gym", size="tiny")))
    os.environ["WORKBENCH_HOME"] = before
    return made


def test_the_honest_service_is_silent_and_gets_what_the_run_got(service: Service) -> None:
    assert service.finding().word == "silent"
    production = service.outcome.production
    np.testing.assert_allclose(service.judged().probability, production.probability, rtol=0, atol=1e-12)
    above = (production.probability > service.threshold).mean()
    assert service.dial()["called"] == pytest.approx(above)


def test_another_service_gets_what_a_run_of_its_own_gets(service: Service) -> None:
    """The model is the same one, so no second training is needed: here is one, and it agrees."""
    alone = run_with(service.outcome.ws, load("window_mismatch").inject(7)).production
    here = service.judged("window_mismatch")
    assert here.group == alone.group
    np.testing.assert_allclose(here.probability, alone.probability, rtol=0, atol=1e-12)


def test_the_scope_follows_the_panel(service: Service) -> None:
    told: list[str] = []
    panel, scope = switched(service, ["window_mismatch", "unit_mismatch"], told.append)
    assert told == ["asked on both sides: window_mismatch", "asked on both sides: unit_mismatch"]
    shapes = {feature["name"]: feature["shape"] for feature in scope.features}
    assert {*shapes} == {*SHOWN}
    assert shapes["visits_30d"] == "window"
    panel.values = {"the_service": "unit_mismatch"}
    shapes = {feature["name"]: feature["shape"] for feature in scope.features}
    assert (shapes["visits_30d"], shapes["days_since_visit"]) == ("", "unit")
    assert scope.shown["score"] is not None
    assert scope.decisions == ["leave alone", "call"]


def test_a_model_that_learned_something_else_gets_no_score(service: Service) -> None:
    assert not service.pairs("missing_becomes_zero").trained
    assert service.scope("missing_becomes_zero").shown["score"] is None


def test_the_story_moves_scope_dial_and_photo_and_reset_brings_all_back(service: Service) -> None:
    buffer = io.BytesIO()
    Image.new("RGB", (4, 4), "red").save(buffer, "PNG")
    view = {
        "says": "",
        "picture": buffer.getvalue(),
        "changed": 0.0,
        "mean": 0.0,
        "cosine": 1.0,
        "score": 0.5,
    }
    names = dict.fromkeys(step.alteration for step in STORY)
    seen = {"picture": buffer.getvalue(), "score": 0.5, "views": [{"name": name} | view for name in names]}
    photos = [{"id": name, "picture": buffer.getvalue()} for name in ("p1", "p2")]
    pictures = PictureScope(photos, lambda _: seen)
    steps, scope, dial = skew_show(service, pictures)
    first = (scope.chosen, dial.words)
    assert all(not cell["differs"] for cell in scope.shown["cells"])
    steps.at = 1
    assert scope.changed, "the member whom the window moves most"
    assert dial.words != first[1]
    steps.at = 4
    assert (pictures.alteration, dial.words) == ("BGR", first[1])
    pictures.chosen, pictures.gain = "p2", 16
    steps.at, steps.reset = 0, 1
    assert (pictures.alteration, pictures.chosen, pictures.gain) == ("as in training", "p1", 4)
    assert (scope.chosen, dial.words) == first


def test_one_member_is_shown_with_both_decisions(service: Service) -> None:
    lines = str(one_member(service)).splitlines()
    assert lines[0].startswith("One member, two answers: member-")
    assert lines[-1].split()[0] == "decision"


def test_feast_itself_shows_what_the_lesson_says() -> None:
    lines = [line.split() for line in str(exhibit()).splitlines()[2:]]
    assert [line[-3:] for line in lines] == [
        ["null", "2", "(PRESENT)"],
        ["7", "1", "(PRESENT)"],
        ["7", "7", "(PRESENT)"],
    ]
