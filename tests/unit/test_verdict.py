"""The verdict: causes and outcome are judged apart."""

from __future__ import annotations

import json

import pytest

from workbench.guards.verdict import TOLERANCE, Cause, Findings, Outcome, Reason, judge
from workbench.profiles.fingerprint import code_version, environment
from workbench.profiles.recipes import NOT_SHAPING, compare_code, compare_environment, compare_settings

EQUAL = Outcome(0.0, 0.0, 0, 100)
CLOSE = Outcome(TOLERANCE / 2, 0.0, 0, 100)
MOVED = Outcome(0.1, 0.2, 3, 100)
SEED = Reason("seed", "seed was 0, is 7")
CPU = Reason("machine", "the same versions on another machine")


@pytest.mark.parametrize(
    ("reasons", "outcome", "word", "exit_code", "causes"),
    [
        ((), EQUAL, "IDENTICAL", 0, ()),
        ((), CLOSE, "EQUIVALENT", 4, ()),
        ((CPU,), EQUAL, "EQUIVALENT", 4, ("machine",)),
        ((CPU,), CLOSE, "EQUIVALENT", 4, ("machine",)),
        ((CPU,), MOVED, "DIFFERENT", 5, ("machine", "unexplained")),
        ((), MOVED, "DIFFERENT", 5, ("unexplained",)),
        ((SEED,), EQUAL, "DIFFERENT", 5, ("seed",)),
        ((SEED, CPU, SEED), CLOSE, "DIFFERENT", 5, ("seed", "machine")),
    ],
)
def test_word(
    reasons: tuple[Reason, ...], outcome: Outcome, word: str, exit_code: int, causes: tuple[str, ...]
) -> None:
    verdict = judge("run", reasons, outcome)
    assert (verdict.word, verdict.exit_code, verdict.causes) == (word, exit_code, causes)
    assert verdict.max_difference == outcome.max_difference
    assert str(verdict).startswith(word)


def test_text_names_cause_details_and_whether_the_outcome_moved() -> None:
    reason = Reason("data rows", "the raw manifest changed", ("label of 1 row changed: img-1",))
    assert str(judge("run", [reason], EQUAL, ["read this"])).splitlines() == [
        "DIFFERENT because of data rows",
        "  outcome: coefficients and 100 predictions are equal, bit for bit, all the same",
        "  data rows: the raw manifest changed",
        "    label of 1 row changed: img-1",
        "  note: read this",
    ]
    assert "3 of 100 predicted labels changed" in judge("run", [reason], MOVED).outcome
    assert "(max difference 5e-07)" in str(judge("run", [], CLOSE))


@pytest.mark.parametrize(
    "outcome", [Outcome(0, 0, 1, 100), Outcome(0, 0, 0, 99, 1), Outcome(float("inf"), 0, 0, 100)]
)
def test_a_flipped_label_or_a_lost_row_is_never_equal(outcome: Outcome) -> None:
    assert judge("run", [], outcome).word == "DIFFERENT"


def test_json_has_no_infinity() -> None:
    verdict = judge("run", [SEED], Outcome(float("inf"), 0.0, 0, 1))
    text = json.dumps(verdict.to_dict(), allow_nan=False)
    assert json.loads(text)["result"]["coefficients"] is None


def test_the_list_of_code_outside_the_pipeline_names_real_files() -> None:
    files = code_version()["files"]
    assert [prefix for prefix in NOT_SHAPING if not any(name.startswith(prefix) for name in files)] == []


def test_code_inside_and_outside_the_pipeline() -> None:
    now = code_version()
    before = {"files": {**now["files"], "stages/train.py": "0", "cli/app.py": "0", "pit/gone.py": "1"}}
    found = Findings()
    compare_code(before, now, found)
    assert [(r.cause, r.details) for r in found.reasons] == [("code", ("pit/gone.py", "stages/train.py"))]
    assert found.notes == ["1 file outside the pipeline changed: cli/app.py"]


@pytest.mark.parametrize(
    ("change", "cause", "detail"),
    [
        ({"python": "3.10.0"}, "environment", "python 3.10.0 -> "),
        ({"machine": "vax"}, "machine", "machine vax -> "),
        ({"packages": {"numpy": "1.0"}}, "environment", "numpy 1.0 -> "),
    ],
)
def test_environment(change: dict[str, object], cause: Cause, detail: str) -> None:
    now = environment()
    found = Findings()
    compare_environment(now | change, now, found)
    assert [reason.cause for reason in found.reasons] == [cause]
    assert any(line.startswith(detail) for line in found.reasons[0].details)


def test_another_blas_kernel_is_the_machine_and_another_blas_is_the_environment() -> None:
    now = environment()
    kernel = [{**lib, "architecture": "Nehalem"} for lib in now["blas"]]
    version = [{**lib, "version": "0.0"} for lib in now["blas"]]
    causes = []
    for blas in (kernel, version, now["blas"]):
        found = Findings()
        compare_environment(now | {"blas": blas}, now, found)
        causes.append([reason.cause for reason in found.reasons])
    assert causes == [["machine"], ["environment"], []]


def test_settings() -> None:
    now = {"train": {"seed": 0, "C": 1.0, "threads": 1, "row_order": "canonical"}, "encoder": "tiny"}
    now |= {"embargo_s": 1.0, "dataset_version": "1.0.0", "workers": 2}
    then = {
        **now,
        "train": {"seed": 1, "C": 2.0, "threads": 2, "row_order": "shuffled"},
        "encoder": "big",
        "workers": 8,
    }
    found = Findings()
    compare_settings(then, now, found)
    assert [reason.cause for reason in found.reasons] == [
        "seed",
        "settings",
        "threads",
        "row order",
        "settings",
    ]
    assert found.reasons[1].sentence == "C was 2.0, is 1.0"
