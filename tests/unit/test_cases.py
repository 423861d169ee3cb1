"""Cases: how they are drawn, sealed and graded. No pipeline runs here."""

from __future__ import annotations

import json
from collections import Counter

import pytest

from workbench.cases import BUDGET, CATALOGUE, NONE, OF, SHARE_WITHOUT, Diagnosis
from workbench.cases.draw import Answer, draw, mark, opens, seal
from workbench.cases.grade import grade
from workbench.errors import SettingsError
from workbench.failure import FAMILIES
from workbench.failures import load

N = 20_000
FIVE_SD = 5
BUG = Answer("window_mismatch", present=True, strength=7, season=0)
CLEAN = Answer("window_mismatch", present=False, strength=7, season=0)
WHERE = ("trend", "visits_30d")
RIGHT = Diagnosis(("window_mismatch",), "skew", WHERE)


@pytest.mark.parametrize("level", [1, 2])
def test_drawing_is_uniform_and_a_seventh_has_nothing(level):
    """Each count lies within five standard deviations of its binomial: one in 60,000 runs of chance would not."""
    counts = Counter(draw(seed, level).failure for seed in range(N))
    assert counts.keys() == {*CATALOGUE, NONE}
    for name, n in counts.items():
        p = SHARE_WITHOUT if name == NONE else (1 - SHARE_WITHOUT) / len(CATALOGUE)
        assert abs(n - N * p) < FIVE_SD * (N * p * (1 - p)) ** 0.5, name


def test_a_case_without_a_failure_looks_as_one_with():
    """World, family, strength and season are drawn before anybody knows whether there is a failure."""
    without = [draw(seed, 2) for seed in range(N) if not draw(seed, 2).present]
    suspects = Counter(answer.suspect for answer in without)
    expected = len(without) / len(CATALOGUE)
    assert max(abs(suspects[name] - expected) for name in CATALOGUE) < FIVE_SD * expected**0.5
    assert {answer.season for answer in without} == {0, 1, 2}


def test_the_same_number_is_the_same_case_and_another_level_is_another(monkeypatch):
    assert [draw(n, 1) for n in range(50)] == [draw(n, 1) for n in range(50)]
    assert [draw(n, 1) for n in range(50)] != [draw(n, 2) for n in range(50)]
    before = [draw(n, 1) for n in range(50)]
    monkeypatch.setenv("WORKBENCH_PEPPER", "salt")
    assert [draw(n, 1) for n in range(50)] != before
    assert mark(1, 1) != mark(1, 2)


def test_strengths_are_possible_and_no_control_is_among_them():
    for name, strengths in CATALOGUE.items():
        failure = load(name)
        assert failure.family != "control"
        assert all(failure.strength.low <= value <= failure.strength.high for value in strengths)
        assert strengths


def test_an_answer_is_not_in_its_own_words():
    said = repr(BUG) + str(BUG)
    assert not any(text in said for text in ("window", "7", "gym", "True"))


def test_the_seal_opens_for_the_answer_alone():
    sealed = seal(BUG, b"0" * 16)
    assert "window_mismatch" not in json.dumps(sealed)
    assert opens(sealed, "window_mismatch")
    assert not opens(sealed, NONE)
    assert seal(BUG, b"1" * 16)["scrypt"] != sealed["scrypt"]


def test_a_perfect_diagnosis_gets_all_there_is():
    assert grade(BUG, WHERE, RIGHT).points == OF == 70


def test_silence_on_nothing_gets_all_there_is():
    assert grade(CLEAN, (), Diagnosis()).points == 70
    assert grade(CLEAN, (), Diagnosis((NONE,), NONE, ())).points == 70


def test_naming_everybody_scores_low():
    everything = tuple(f"column {i}" for i in range(20)) + WHERE
    said = Diagnosis(tuple(CATALOGUE), "skew", everything)
    assert grade(BUG, WHERE, said).points <= 12
    assert grade(CLEAN, (), said).points == 0


@pytest.mark.parametrize(
    ("said", "points"),
    [
        (Diagnosis(("window_mismatch",), "leakage", WHERE), 60),  # another family
        (Diagnosis(("unit_mismatch",), "skew", WHERE), 30),  # a look-alike
        (Diagnosis(("window_mismatch", "unit_mismatch"), "skew", WHERE), 50),  # one false accusation
        (Diagnosis(("window_mismatch", "unit_mismatch", "stale_store"), "skew", WHERE), 30),  # two
        (Diagnosis(("window_mismatch",), "skew", ("trend",)), 60),  # half of the evidence
        (Diagnosis(("window_mismatch",), "skew", ()), 50),
        (Diagnosis(), 0),  # silent, and something is wrong
    ],
)
def test_partial_diagnoses(said, points):
    assert grade(BUG, WHERE, said).points == points


def test_an_accusation_where_nothing_is_wrong():
    found = grade(CLEAN, (), RIGHT)
    assert (found.points, found.failure, found.cure) == (0, NONE, "")
    assert "Nothing was wrong" in str(found)


@pytest.mark.parametrize("said", [Diagnosis(("window_missmatch",)), Diagnosis((), "skews")])
def test_what_is_unknown_is_refused(said):
    with pytest.raises(SettingsError, match="there is no"):
        grade(BUG, WHERE, said)


def test_families_and_budget():
    assert {load(name).family for name in CATALOGUE} == {*FAMILIES} - {"control"}
    assert BUDGET == {1: None, 2: 6}
