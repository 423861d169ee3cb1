"""Cases on the real pipeline: the guard fires, nothing fires on nothing, and nothing tells the answer."""

from __future__ import annotations

import json
import re

import pytest

from workbench.cases import Diagnosis, open_case
from workbench.cases.draw import CATALOGUE, draw
from workbench.errors import SettingsError
from workbench.failures import ORDER, load

pytestmark = pytest.mark.slow
BUGS = (9, 5)
"""Numbers of level 1 whose failure is one of photos."""
GYM = 12
CLEAN = (3, 4)
"""Numbers of level 1 without a failure: the packhouse, and the gym."""


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    return str(tmp_path_factory.mktemp("cases"))


@pytest.fixture(autouse=True)
def _same_worlds(home, monkeypatch):
    monkeypatch.setenv("WORKBENCH_HOME", home)
    monkeypatch.delenv("WORKBENCH_PEPPER", raising=False)


def all_that_is_seen(case, folder) -> str:
    """Return everything that somebody who solves a case reads."""
    files = case.save(folder)
    said = [repr(case), str(case), json.dumps(case.sealed), *(str(path.name) for path in files)]
    said += [repr(found) + json.dumps(found.to_dict(), default=str) for found in case.findings]
    for rows in (case.dataset, case.served):
        said += [
            str(rows.schema),
            str(rows.schema.metadata),
            *map(str, rows.drop_columns(_long(rows)).to_pylist()),
        ]
    return "\n".join(said)


def _long(rows):
    return [name for name in rows.column_names if name == "embedding"]


def tells(text: str, case) -> list[str]:
    """Return names of failures in a text, but for the list of suspects that every case has."""
    text = text.replace(repr(case.candidates), "")
    return [
        name
        for name in ORDER
        if name in text or name.replace("_", " ") in text or name.replace("_", "-") in text
    ]


@pytest.mark.parametrize("seed", [*BUGS, GYM])
def test_the_guard_fires_and_nothing_tells(seed, tmp_path):
    answer = draw(seed, 1)
    assert answer.present
    case = open_case(seed, 1)
    words = {found.guard: found.fired for found in case.findings}
    assert words[answer.entry.guard] is True
    seen = all_that_is_seen(case, tmp_path)
    assert tells(seen, case) == []
    assert not re.search(r"strength|Seams|inject", seen)
    best = Diagnosis((answer.failure,), answer.family, ())
    where = case.grade(best).columns
    assert where
    assert case.grade(Diagnosis((answer.failure,), answer.family, where)).points == 70


@pytest.mark.parametrize("seed", CLEAN)
def test_nothing_fires_where_nothing_is_wrong(seed, tmp_path):
    assert not draw(seed, 1).present
    case = open_case(seed, 1)
    assert [found.guard for found in case.findings if found.fired] == []
    assert tells(all_that_is_seen(case, tmp_path), case) == []
    assert case.grade(Diagnosis()).points == 70


def test_every_case_of_a_world_looks_alike_and_comes_again_the_same(tmp_path):
    one, two = open_case(BUGS[0], 1), open_case(CLEAN[0], 1)
    assert one.run.keys() == two.run.keys()
    assert [path.name for path in one.save(tmp_path / "1")] == [
        path.name for path in two.save(tmp_path / "2")
    ]
    times = {path.stat().st_mtime for path in tmp_path.glob("*/*")}
    assert times == {0}
    assert one.sealed.keys() == two.sealed.keys()
    again = open_case(BUGS[0], 1)
    assert again.dataset.equals(one.dataset)
    assert again.score == one.score


def test_six_looks_and_no_more():
    case = open_case(21, 2)
    assert (case.findings, case.looks_left, case.suspicion) == ((), 6, "")
    guards = [name for name in case.guards if name not in {"label_shuffle", "double_run"}]
    for guard in guards[:6]:
        case.look(guard)
    assert case.looks_left == 0
    assert case.look(guards[0]).guard == guards[0]  # again: for nothing
    with pytest.raises(SettingsError, match="all 6 looks of this case are spent") as told:
        case.look(guards[6])
    assert "make a diagnosis" in str(told.value.hint)
    with pytest.raises(SettingsError, match="no guard 'parrity'"):
        case.look("parrity")


def test_a_failure_inside_says_nothing_of_what_was_injected(monkeypatch):
    """A traceback that walks through the failure's own file would be the answer."""
    import traceback

    from workbench.cases import case as module
    from workbench.errors import WorkbenchError

    monkeypatch.setattr(module, "run_with", lambda *_, **__: load("nothing of the kind"))
    with pytest.raises(WorkbenchError, match="cannot be run here") as told:
        open_case(BUGS[0], 1)
    text = "".join(traceback.format_exception(told.value))
    assert told.value.__context__ is None
    assert not any(name in text for name in CATALOGUE)


def test_levels_that_are_not_there_are_refused():
    with pytest.raises(SettingsError, match="there is no level 3"):
        open_case(1, 3)
