"""The truth meter: a look-up among measured rows, and words by rule."""

from __future__ import annotations

import pytest

from workbench.errors import SettingsError
from workbench.lab.meter import Estimate, Score
from workbench.lab.truth import row_of_score, score_of_effect, truth_meter
from workbench.widgets import TruthMeter
from workbench.widgets.truth_meter import verdict

ROW = {
    "failure": "latest_value_join",
    "strength": 1.0,
    "claimed": [0.94, 0.9, 0.98],
    "got": [0.6, 0.55, 0.65],
    "could_have_had": [0.78, 0.7, 0.83],
    "excess": [0.31, 0.2, 0.4],
    "n_test": 60,
    "n_production": 300,
    "contacted": 0.31,
}


def test_the_words_hold_each_score_its_interval_and_n():
    assert TruthMeter([ROW], unit="fruit", metric="accuracy").as_text().splitlines() == [
        "[truth meter] accuracy: latest value join, strength 1, season 0",
        "  claimed        0.94 [0.90, 0.98]  n = 60 fruit",
        "  got            0.60 [0.55, 0.65]  n = 300 fruit",
        "  could have had 0.78 [0.70, 0.83]  n = 300 fruit",
        "  inflated by 0.31",
        "  95 % interval 0.20 to 0.40, beyond the honest gap",
        "  acts on 31% of production, planned 10%",
    ]


@pytest.mark.parametrize(
    ("excess", "word"),
    [
        ([0.3, 0.01, 0.5], "inflated by 0.30"),
        ([0.3, 0.0, 0.5], "not shown at this size"),
        ([-0.3, -0.5, -0.1], "not shown at this size"),
    ],
)
def test_the_verdict_is_a_rule(excess, word):
    assert TruthMeter([ROW | {"excess": excess}]).verdict == word


def test_a_setting_is_looked_up_and_never_invented():
    meter = TruthMeter([ROW, ROW | {"seed": 1, "excess": [0, -1, 1]}, ROW | {"cured": True, "excess": None}])
    assert meter.verdict == "inflated by 0.31"
    meter.seed = 1
    assert meter.verdict == "not shown at this size"
    meter.seed, meter.cured = 0, True
    assert meter.verdict == "cured: the honest pipeline"
    meter.strength = 0.3
    assert (meter.shown, meter.verdict) == (None, "not measured")
    assert meter.as_text().endswith("not measured")


@pytest.mark.parametrize(
    ("row", "says"),
    [
        ({"got": [1, 1, 1]}, "lacks 'claimed'"),
        (ROW | {"clamed": 3}, "has no 'clamed'"),
        (ROW | {"got": [0.5, 0.4]}, r"got is \[0.5, 0.4\]"),
        (ROW | {"excess": [0.5]}, "excess is"),
    ],
)
def test_a_wrong_row_is_refused(row, says):
    with pytest.raises(SettingsError, match=says):
        TruthMeter([row])


def test_a_meter_of_nothing_is_refused():
    with pytest.raises(SettingsError, match="at least one row"):
        TruthMeter([])


def test_every_measured_effect_is_on_the_meter_with_its_cure():
    meter = truth_meter("latest_value_join")
    assert meter.strength == 1.0
    assert meter.verdict.startswith("inflated by")
    meter.cured = True
    assert meter.shown["claimed"][0] < 0.9
    assert "n = " in meter.as_text()
    assert "n not given" not in meter.as_text()
    assert truth_meter(world="gym").metric == "AUC"
    assert len(truth_meter().rows) > len(meter.rows)
    with pytest.raises(SettingsError, match="no failure 'nothing'"):
        truth_meter("nothing")


def test_a_setting_is_measured_now_and_takes_its_place():
    asked = []

    def refit(*, failure, strength, cured):
        asked.append((failure, strength, cured))
        return ROW | {"seed": 100, "excess": [0.1, -0.1, 0.3], "n_test": len(asked)}

    meter = TruthMeter([ROW], refit=refit)
    assert meter.can_refit
    meter.asked += 1
    assert asked == [("latest_value_join", 1.0, False)]
    assert (meter.seed, meter.verdict, meter.status) == (100, "not shown at this size", "measured now")
    meter.asked += 1
    assert [row["n_test"] for row in meter.rows] == [60, 2]  # the second one takes the place of the first


def test_a_measurement_that_fails_says_so():
    def refit(*, failure, strength, cured):
        raise OSError("the disk is full")

    meter = TruthMeter([ROW], refit=refit)
    meter.asked += 1
    assert meter.status == "OSError: the disk is full"
    assert meter.verdict == "inflated by 0.31"
    still = TruthMeter([ROW])
    still.asked += 1
    assert (still.can_refit, still.status) == (False, "")


def test_a_fresh_score_becomes_a_row_with_the_same_verdict():
    of = Estimate(0.9, 0.8, 1.0, 60)
    leak = Score("accuracy", of, Estimate(0.6, 0.5, 0.7, 300), of, Estimate(0.3, 0.2, 0.4, 60), of)
    row = row_of_score(leak, failure="latest_value_join", strength=1.0)
    meter = TruthMeter([row])
    assert meter.verdict.startswith(leak.verdict)
    assert (meter.shown["n_test"], meter.shown["n_production"]) == (60, 300)
    honest = Score("accuracy", of, of)
    assert verdict(TruthMeter([row_of_score(honest)]).rows[0]) == ("", "")


def test_a_preset_is_a_measured_setting_and_says_something():
    rows = [ROW, ROW | {"seed": 1}, ROW | {"failure": "lucky_seed", "strength": 40.0}]
    presets = [
        {"name": "first", "failure": "latest_value_join", "says": "Look."},
        {"name": "luck", "failure": "lucky_seed"},
    ]
    meter = TruthMeter(rows, presets=presets)
    assert meter.presets[1] == {
        "name": "luck",
        "says": "",
        "failure": "lucky_seed",
        "strength": 40.0,
        "cured": False,
        "seed": 0,
    }
    assert "  Look." in meter.as_text().splitlines()
    meter.seed = 1  # of the same failure
    assert meter.says == "Look."
    meter.failure, meter.strength, meter.seed = "lucky_seed", 40.0, 0
    assert meter.says == ""


@pytest.mark.parametrize(
    ("preset", "says"),
    [
        ({"failure": "latest_value_join"}, "needs a name of its own"),
        ({"name": "a", "failure": "latest_value_join", "strength": 3.0}, "was not measured"),
        ({"name": "a", "strenght": 1.0}, "has no 'strenght'"),
    ],
)
def test_a_preset_that_would_do_nothing_is_refused(preset, says):
    with pytest.raises(SettingsError, match=says):
        TruthMeter([ROW], presets=[preset])


def test_a_meter_of_some_failures_begins_with_the_first_one():
    meter = truth_meter(among=["scaler_before_split", "column_that_knows"])
    assert (meter.failure, meter.strength, meter.unit) == ("scaler_before_split", 1.0, "members")
    assert {row["failure"] for row in meter.rows} == {"scaler_before_split", "column_that_knows"}
    with pytest.raises(SettingsError, match="latest_value_join"):
        truth_meter(among=["scaler_before_split", "latest_value_join"])  # of another world: another axis


def test_a_measured_setting_as_a_score():
    score, cured = (score_of_effect("latest_value_join", cured=flag) for flag in (False, True))
    assert score.verdict == "inflated"
    assert score.could_have_had == cured.got
    with pytest.raises(SettingsError, match="season 99"):
        score_of_effect("latest_value_join", seed=99)
