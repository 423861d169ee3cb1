"""Guards over runs: made twice, in another environment, without the tags that say from what."""

from __future__ import annotations

import itertools
import json

import pytest

from workbench.errors import GuardError
from workbench.guards import double_run, environment, required_tags

# -- double run --------------------------------------------------------------------------------------------------


def test_the_same_twice_is_silent() -> None:
    finding = double_run.check(double_run.measure(lambda: {"rows": "a", "model": "b"}))
    assert (finding.word, finding.sentence) == ("silent", "0 of 2 results differ between 2 runs")


def test_what_differs_is_named() -> None:
    numbers = itertools.count()
    evidence = double_run.measure(lambda: {"rows": "a", "model": str(next(numbers))}, times=3)
    finding = double_run.check(evidence)
    assert finding.fired
    assert (evidence.value, evidence.columns) == (0.5, ("model",))
    assert finding.sentence == "1 of 2 results differ between 3 runs: model"
    assert evidence.offenders["digest"].to_pylist() == ["0", "1", "2"]
    json.dumps(finding.to_dict())


def test_what_happens_in_the_last_run_only() -> None:
    runs = iter([{"a": "1"}, {"a": "1"}, {"a": "2"}])
    assert double_run.check(double_run.measure(lambda: next(runs), times=3)).fired


def test_a_result_that_one_run_lacks_differs() -> None:
    runs = iter([{"a": "1"}, {"a": "1", "b": "2"}])
    evidence = double_run.measure(lambda: next(runs))
    assert evidence.columns == ("b",)
    assert evidence.offenders["digest"].to_pylist() == [None, "2"]


def test_a_program_that_changes_what_it_returned() -> None:
    made: dict[str, str] = {}

    def run() -> dict[str, str]:
        made["a"] = made.get("a", "") + "x"
        return made

    assert double_run.check(double_run.measure(run)).fired


@pytest.mark.parametrize(
    ("made", "times", "said"), [({"a": "1"}, 1, "at least twice"), ({}, 2, "no digests")]
)
def test_runs_that_cannot_be_judged(made: dict[str, str], times: int, said: str) -> None:
    with pytest.raises(GuardError, match=said):
        double_run.measure(lambda: made, times=times)


# -- environment -------------------------------------------------------------------------------------------------


def test_names_of_packages_are_compared_as_pip_does() -> None:
    evidence = environment.measure(
        {"scikit_learn": "1.9", "ruamel.yaml": "1"}, {"Scikit-Learn": "1.9", "ruamel-yaml": "1"}
    )
    assert environment.check(evidence).sentence == "0 of 2 packages differ"
    assert not environment.check(evidence).fired


def test_changed_added_and_removed_packages() -> None:
    evidence = environment.measure(
        {"numpy": "2.4", "scipy": "1.17", "x": "1"}, {"numpy": "2.3", "scipy": "1.17", "y": "2"}
    )
    finding = environment.check(evidence)
    assert finding.fired
    assert finding.sentence == "3 of 4 packages differ: numpy 2.4 -> 2.3, x 1 -> absent, y absent -> 2"
    assert evidence.facts == {"changed": ["numpy"], "added": ["y"], "removed": ["x"]}
    assert environment.check(evidence, threshold=3).word == "silent"
    json.dumps(finding.to_dict())


@pytest.mark.parametrize(("before", "after"), [({}, {"a": "1"}), ({"a": "1"}, {}), ({}, {})])
def test_an_environment_that_was_not_recorded(before: dict[str, str], after: dict[str, str]) -> None:
    with pytest.raises(GuardError, match="no package is recorded"):
        environment.measure(before, after)


# -- required tags -----------------------------------------------------------------------------------------------


def test_tags_that_are_there() -> None:
    tags = {"commit": "abc", "seed": 0, "dirty": False, "more": ""}
    finding = required_tags.check(required_tags.measure(tags, required=["commit", "seed", "dirty"]))
    assert (finding.word, finding.sentence) == ("silent", "0 of 3 required tags say nothing")


@pytest.mark.parametrize("value", [None, "", "  ", "None", "nan", float("nan"), "NULL"], ids=repr)
def test_a_tag_that_says_nothing(value: object) -> None:
    evidence = required_tags.measure(
        {"commit": value, "seed": "1"}, required=["commit", "seed", "data", "seed"]
    )
    finding = required_tags.check(evidence)
    assert finding.fired
    assert (evidence.n, evidence.value, evidence.columns) == (3, 2.0, ("commit", "data"))
    assert finding.sentence == "2 of 3 required tags say nothing (missing: data; empty: commit)"
    json.dumps(finding.to_dict())


def test_one_name_is_no_list_of_letters() -> None:
    assert required_tags.measure({"ab": "1"}, required="ab").value == 0


def test_nothing_required() -> None:
    with pytest.raises(GuardError, match="no tag is required"):
        required_tags.measure({"a": "1"}, required=[])
