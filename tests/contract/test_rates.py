"""The rates of guards are what the code gives: all guards are in the file, and a sample is measured again."""

from __future__ import annotations

import importlib
import json
import pkgutil
import re
from itertools import product
from typing import TYPE_CHECKING

import pytest
from scipy.stats import binomtest

import workbench.guards
from scripts import make_rates
from scripts.rates import FIRST_SEED, ROOMS, cases, cases_of, verdict
from workbench.cli.catalogue import show_failure
from workbench.errors import GuardError, ManifestError
from workbench.guards.evidence import Finding
from workbench.lab import rates
from workbench.lab.rates import KINDS, Rate

if TYPE_CHECKING:
    from pathlib import Path

LEAST = 30
SAMPLE = (
    ("truncation", "windows 3 days past the cutoff"),
    ("truncation", "who had left but was not yet recorded, left out; 300 members"),
    ("cutoff_tells_label", "bursts of ten frames, no group named"),
    ("row_twins", "no copies, six columns of small counts"),
    ("exif_association", "any line, four frames a fruit, no group named"),
    ("required_tags", "one is wrong"),
)
"""Some that always fire, some that never do, some that do at times, and one that cannot judge."""


def guards() -> set[str]:
    """Return all modules that measure and check."""
    names = [module.name for module in pkgutil.iter_modules(workbench.guards.__path__)]
    loaded = {name: importlib.import_module(f"workbench.guards.{name}") for name in names}
    return {name for name, it in loaded.items() if hasattr(it, "measure") and hasattr(it, "check")}


def key(rate: Rate) -> tuple[str, str, str]:
    return rate.guard, rate.case, rate.kind


# -- the file ----------------------------------------------------------------------------------------------------


def test_every_guard_is_in_it_clean_and_with_a_flaw() -> None:
    assert len(guards()) > 15
    seen = {(rate.guard, rate.kind) for rate in rates.read()}
    assert set(product(guards(), ("clean", "flaw"))) <= seen
    assert {rate.guard for rate in rates.read()} == guards() | {"shapes"}


def test_every_case_is_in_it_once_on_enough_seeds_and_nothing_else_is() -> None:
    measured = [key(rate) for rate in rates.read()]
    assert sorted(measured) == sorted((case.guard, case.name, case.kind) for case in cases())
    for rate in rates.read():
        assert rate.n >= LEAST, rate
        assert rate.first_seed == FIRST_SEED, rate
        assert set(rate.verdicts) <= set("01?"), rate


def test_names_are_unique_and_kinds_are_known() -> None:
    named = [(case.guard, case.name) for case in cases()]
    assert len(named) == len(set(named))
    assert {case.kind for case in cases()} == set(KINDS)


def test_counts_in_the_file_are_those_of_its_verdicts() -> None:
    rows = json.loads((rates.folder() / rates.FILE).read_text(encoding="utf-8"))
    assert rows == [rate.to_dict() for rate in rates.read()]


def test_no_guard_is_without_an_upper_bound_on_false_positives() -> None:
    for guard in guards():
        judged = [rate for rate in rates.read() if rate.guard == guard and rate.kind == "clean" and rate.of]
        assert judged, guard
        assert all(rate.fired / rate.of < rate.interval[1] <= 1 for rate in judged if rate.fired < rate.of)
        assert "false positives" in rates.in_one_line(guard)


def test_each_guard_tells_a_flaw_from_nothing() -> None:
    """In its best case it fires more often than in its worst clean one, beyond chance."""
    for guard in guards():
        mine = [rate for rate in rates.read() if rate.guard == guard]
        highest = max(rate.interval[1] for rate in mine if rate.kind == "clean" and rate.of)
        assert max(rate.interval[0] for rate in mine if rate.kind == "flaw") > highest, guard


def test_texts_of_guards_point_to_the_rates_and_state_no_others() -> None:
    for guard in guards():
        text = importlib.import_module(f"workbench.guards.{guard}").__doc__ or ""
        assert "docs/GUARDS.md" in text, guard
        counted = {rate.fired for rate in rates.read() if rate.guard == guard and rate.of == LEAST}
        assert {int(k) for k in re.findall(rf"\b(\d+)\s+of\s+{LEAST}\b", text)} <= counted, guard


@pytest.mark.slow
@pytest.mark.parametrize(("guard", "name"), SAMPLE)
def test_a_sample_measured_again(guard: str, name: str) -> None:
    (case,) = [case for case in cases() if (case.guard, case.name) == (guard, name)]
    (rate,) = [rate for rate in rates.read() if (rate.guard, rate.case) == (guard, name)]
    again = "".join(verdict(case, FIRST_SEED + i) for i in range(5))
    assert again == rate.verdicts[:5]


# -- what is made of it ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("fired", "n"), [(0, 30), (30, 30), (29, 30), (1, 30), (7, 12)])
def test_the_interval_is_that_of_clopper_and_pearson(fired: int, n: int) -> None:
    rate = Rate("a", "b", "clean", 0, "1" * fired + "0" * (n - fired))
    exact = binomtest(fired, n).proportion_ci(0.95, method="exact")
    assert rate.interval == pytest.approx((exact.low, exact.high))


@pytest.mark.parametrize(("kind", "of"), [("flaw", 10), ("clean", 6), ("blind", 6)])
def test_what_could_not_be_judged_counts_against_the_guard(kind: str, of: int) -> None:
    rate = Rate("a", "b", kind, 0, "110000????")
    assert (rate.of, rate.fired, rate.could_not_judge) == (of, 2, 4)
    assert f"2 of {of}" in str(rate)
    assert "4 could not be judged" in str(rate)
    assert Rate("a", "b", "clean", 0, "???").interval == (0, 1)


def test_one_line_names_the_worst_and_the_best(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rates, "folder", lambda: tmp_path)
    with pytest.raises(ManifestError, match="make rates"):
        rates.read()
    made = [
        Rate("a", "x", "flaw", 0, "1111"),
        Rate("a", "y", "flaw", 0, "0011"),
        Rate("a", "z", "clean", 0, "0?00"),
    ]
    rates.write(made)
    assert rates.read() == tuple(made)
    assert rates.in_one_line("a").startswith("fired on 2 to 4 of 4 with a flaw, 0 of 3 clean; ")
    assert "false positives: 71% at most" in rates.in_one_line("a")
    assert rates.in_one_line("b") == ""


def test_the_catalogue_says_how_often_the_guard_fires(capsys: pytest.CaptureFixture[str]) -> None:
    show_failure("latest_value_join")
    said = " ".join(capsys.readouterr().out.split())
    assert rates.in_one_line("pit_audit")[:40] in said
    show_failure("honest_drift")
    assert "fired on" not in capsys.readouterr().out, "a control needs no guard"


# -- the command -------------------------------------------------------------------------------------------------


def test_it_goes_on_where_it_stopped(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(rates, "folder", lambda: tmp_path)
    monkeypatch.setattr("scripts.rates.ROOMS", ("splits",))
    assert make_rates.main(["--seeds", "1"]) == 0
    once = {key(rate): rate.verdicts for rate in rates.read()}
    assert set(map(len, once.values())) == {1}
    rates.write(
        [
            Rate(*key(r)[:2], r.kind, r.first_seed, "?" if r.guard == "row_identity" else r.verdicts)
            for r in rates.read()
        ]
    )
    assert make_rates.main(["--seeds", "2"]) == 0
    twice = {key(rate): rate.verdicts for rate in rates.read()}
    assert all(twice[name][0] == (said if name[0] != "row_identity" else "?") for name, said in once.items())
    assert set(map(len, twice.values())) == {2}
    assert make_rates.main(["--seeds", "2", "row_identity"]) == 0
    assert {key(rate): rate.verdicts[0] for rate in rates.read()} == once
    assert make_rates.main(["nobody"]) == 2
    assert "nobody" in capsys.readouterr().err


def test_a_guard_that_cannot_judge_is_not_silent() -> None:
    case = cases_of(ROOMS[0])[0]

    def refuse(seed: int) -> Finding:
        raise GuardError("no", hint="never")

    for look, expected in (
        (refuse, "?"),
        (lambda seed: Finding("a", None, "b"), "?"),
        (lambda seed: Finding("a", fired=True, sentence="b"), "1"),
        (lambda seed: Finding("a", fired=False, sentence="b"), "0"),
    ):
        assert verdict(type(case)("a", "b", "clean", look), 0) == expected
