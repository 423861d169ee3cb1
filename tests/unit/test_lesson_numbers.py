"""Numbers that the prose of lessons states: each is held against the table of effects, or the real stage."""

from __future__ import annotations

import pytest

from tests.helpers.solutions import lesson_07
from workbench.failures import load
from workbench.guards.verdict import Outcome, Reason, judge
from workbench.lab.course import COURSE
from workbench.lab.effects import read
from workbench.lab.stories.ingest import SEASONS, overwritten_labels
from workbench.lab.stories.serve import SWITCH


def mean(name: str, strength: float, key: str) -> float:
    """Return a mean over seasons, for the failure's own family of models."""
    asked = (name, strength, load(name).family_of_model)
    found = [
        row[key] for row in read().to_pylist() if (row["failure"], row["strength"], row["model"]) == asked
    ]
    return sum(found) / len(found)


def test_what_lesson_01_says_of_small_changes():
    assert abs(mean("raw_overwritten", 0.1, "damage")) < 0.02, "the score in production is as good as before"
    assert mean("raw_overwritten", 1.0, "damage") > 0.1
    changed = [overwritten_labels(season).changed for season in SEASONS]
    assert all(2 <= n <= 5 for n in changed), "two to five in a season"


def test_what_lesson_07_says_of_a_backfill_behind_the_digest():
    assert mean("digest_of_first_rows", 1.0, "damage") == pytest.approx(0.03, abs=0.01), "three hundredths"


def test_what_the_gallery_says():
    shows = {card.number: card.shows for card in COURSE}
    assert (
        f"claims {mean('bursts_across_split', load('bursts_across_split').strength.default, 'claimed'):.0%}".replace(
            "%", " %"
        )
        in shows["02"]
    )
    encoded = load("target_encoding_before_split")
    added = mean(encoded.name, encoded.strength.default, "excess_inflation")
    assert f"another adds {added:.1f}" in shows["05"]
    assert "twice as many members are called" in shows["06"]  # held below: 1.8 to 2.4 times


def test_what_lesson_03_says_of_full_seasons():
    rows = [row for row in read().to_pylist() if row["seed"] < 3]
    of = {name: [row for row in rows if row["failure"] == name] for name in {row["failure"] for row in rows}}
    assert all(abs(row["damage"]) < 0.025 for row in of["resize_filter"]), "between -.02 and +.02: noise"
    large = (
        "colour_order",
        "orientation_ignored",
        "normalisation_skipped",
        "embedding_swapped_under_same_name",
    )
    for name in large:
        lost = [row["damage"] for row in of[name] if row["strength"] == 1]
        assert sum(lost) / len(lost) > 0.235, "a quarter of the fruit and more"
    for name in ("resize_filter", *large):
        assert all(row["claimed"] == row["cured_claimed"] for row in of[name]), "the claim does not move"
    camera = [row for row in of["exif_tells_label"] if row["strength"] == 0.8]
    excess = sum(row["excess_inflation"] for row in camera) / len(camera)
    damage = sum(row["damage"] for row in camera) / len(camera)
    assert 0.08 < excess < 0.16, "by about a tenth"
    assert damage < 0.06, "its loss is small"


@pytest.fixture(scope="module")
def means():
    """Return the means over seasons of each failure at its default strength, and of its own model."""
    found = {}
    for name in SWITCH:
        failure = load(name)
        asked = (name, failure.strength.default, failure.family_of_model)
        mine = [row for row in read().to_pylist() if (row["failure"], row["strength"], row["model"]) == asked]
        names = ("damage", "contacted", "cured_contacted", "score_to_rate")
        found[name] = {key: sum(row[key] for row in mine) / len(mine) for key in names}
    return found


def test_three_skews_hide_from_the_auc_and_not_from_the_dial(means):
    for name in ("window_mismatch", "unit_mismatch", "swapped_columns"):
        assert 0.015 <= means[name]["damage"] <= 0.04, "the AUC loses two to four points"
    times = {name: of["contacted"] / of["cured_contacted"] for name, of in means.items()}
    assert 1.8 < times["window_mismatch"] < 2.4, "twice as many calls as planned"
    assert 4 < times["unit_mismatch"] < 5.5, "five times as many"
    assert times["swapped_columns"] < 0.25, "or nearly none"


def test_two_skews_hide_from_the_dial_and_not_from_the_auc(means):
    for name, points in (("stale_store", 0.11), ("refit_scaler", 0.17)):
        assert means[name]["damage"] == pytest.approx(points, abs=0.005)
        assert 0.6 < means[name]["contacted"] / means[name]["cured_contacted"] < 1
        assert 0.85 < means[name]["score_to_rate"] < 1.05


def test_ranges_find_three_of_the_eight_and_parity_all():
    assert [name for name in SWITCH if "schema" in load(name).guards_too] == [
        "unit_mismatch", "stale_store", "refit_scaler"
    ]  # fmt: skip
    assert all("parity" in (load(name).guard, *load(name).guards_too) for name in SWITCH)


@pytest.mark.parametrize("causes", [[], ["machine"], ["seed"], ["machine", "row order"]])
@pytest.mark.parametrize("moved", [0.0, 1e-9, 1e-6, 1e-5, 0.3])
def test_the_solution_judges_as_the_last_stage_does(causes, moved):

    said = judge("run", [Reason(cause, "it differs") for cause in causes], Outcome(0.0, moved, 0, 10))
    assert lesson_07.verdict_of(causes, moved) == said.word
