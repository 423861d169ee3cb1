"""The table of effects is what the code gives: a sample of its rows is measured again."""

from __future__ import annotations

import math
from collections import Counter
from typing import TYPE_CHECKING

import pytest

from scripts.check_effects import again, drawn, largest
from workbench.errors import ManifestError, SettingsError
from workbench.failures import ORDER, load
from workbench.lab import effects
from workbench.lab.trial import try_failure

if TYPE_CHECKING:
    from pathlib import Path

SAMPLE = 2
"""Rows that are measured again, drawn by the day."""


def test_every_failure_is_in_it_at_every_strength() -> None:
    rows = effects.read().to_pylist()
    seen = Counter((row["failure"], row["strength"], row["model"]) for row in rows)
    assert set(seen) == {(name, *cell) for name in ORDER for cell in effects.cells(name)}
    for (name, *_), n in seen.items():
        assert n == effects.SEEDS[load(name).world], name


def test_it_is_small() -> None:
    assert (effects.folder() / effects.FILE).stat().st_size < 5_000_000


def test_guards_fired_in_the_table_and_fell_silent() -> None:
    for row in effects.summary():
        failure = load(row["failure"])
        if failure.guard:
            assert row["fired"] == row["n"], row
        assert row["false"] == 0, row


def test_more_strength_more_effect() -> None:
    rows = effects.read().to_pylist()
    growing = [load(name) for name in ORDER if load(name).grows]
    assert len(growing) >= 8
    for failure in growing:
        key = "excess_inflation" if failure.effect == "inflates" else "damage"
        means = []
        for strength in (failure.strength.values[0], failure.strength.values[-1]):
            asked = (failure.name, strength, failure.family_of_model)
            found = [r[key] for r in rows if (r["failure"], r["strength"], r["model"]) == asked]
            means.append(sum(found) / len(found))
        assert means[1] > means[0], (failure.name, means)


def test_what_is_said_to_harm_does_and_controls_do_not() -> None:
    for row in effects.summary():
        failure = load(row["failure"])
        if failure.effect == "none":
            assert abs(row["excess_inflation"]) < 0.06, row
            assert abs(row["damage"]) < 0.06, row
        elif failure.effect == "inflates":
            assert row["excess_inflation"] > 0.03, row
        elif failure.effect == "damages":
            assert row["damage"] > 0.05, row
        elif failure.effect == "miscalibrates":  # probabilities are off by a fifth, whatever the ranking does
            assert abs(math.log(row["score_to_rate"] / row["cured_score_to_rate"])) > 0.2, row


@pytest.mark.slow
@pytest.mark.parametrize("nth", range(SAMPLE))
def test_a_row_drawn_at_random_is_measured_again(
    nth: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WORKBENCH_HOME", str(tmp_path))
    row = drawn(effects.read().to_pylist(), SAMPLE)[nth]
    _, found = again(row)
    assert not found, row


def test_the_largest_effects_are_the_largest() -> None:
    rows = effects.read().to_pylist()
    five = largest(rows, 5)
    assert len({row["failure"] for row in five}) == 5
    sizes = [max(row["excess_inflation"], row["damage"]) for row in five]
    assert sizes == sorted(sizes, reverse=True)
    assert sizes[-1] > 0.2


def test_no_table_is_an_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(effects, "folder", lambda: tmp_path)
    with pytest.raises(ManifestError, match="make effects"):
        effects.read()


def test_an_unknown_failure_and_a_strength_out_of_range() -> None:
    with pytest.raises(SettingsError, match="did you mean latest_value_join"):
        load("latest_value_joint")
    with pytest.raises(SettingsError, match="0 to 1"):
        try_failure("latest_value_join", 1.5)
