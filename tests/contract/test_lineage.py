"""The lineage of a real run: each change is really made, seen by the right link, and put back."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from workbench.hashing import sha256_file
from workbench.lab.lineage import LINKS, PROMISES, Lineage
from workbench.lab.tampering import TAMPERS

if TYPE_CHECKING:
    from pathlib import Path

FIRST = {
    "photo": "raw",
    "labels": "clean",
    "copy": "features",
    "swap": "dataset",
    "late": "run",
    "order": "run",
    "model": "model",
}


def _files(root: Path) -> dict[Path, str]:
    return {path: sha256_file(path) for path in sorted(root.rglob("*")) if path.is_file()}


@pytest.fixture(scope="module")
def lineage(tiny_pipeline) -> Lineage:
    """Return the lineage of the champion; only the copy is ever changed."""
    return Lineage(tiny_pipeline)


def test_every_change_is_of_a_node_and_every_link_has_one_that_breaks_it():
    assert {*FIRST} == {*TAMPERS}
    assert {*FIRST.values()} == {*LINKS}
    assert {tamper.node for tamper in TAMPERS.values()} <= {*PROMISES}


@pytest.mark.parametrize("name", TAMPERS)
def test_the_right_link_breaks_first_and_only_the_last_check_notices(lineage, tiny_pipeline, name):
    before, theirs = lineage.verify(), _files(tiny_pipeline.root / "raw")
    assert before["broken"] == {}
    said = lineage.tamper(name)
    found = lineage.verify()
    assert next(iter(found["broken"])) == FIRST[name]
    assert [same for _, same in said] == [True] * (len(said) - 1) + [False]
    node = TAMPERS[name].node
    assert found["hashes"][node] != before["hashes"][node]
    assert str(lineage.ws.root) not in str(found["broken"])
    lineage.mend()
    assert lineage.verify() == before
    assert _files(tiny_pipeline.root / "raw") == theirs  # the source is never touched


def test_the_widget_says_what_the_kernel_found(lineage):
    trace = lineage.widget(["photo", "order"])
    assert [one["id"] for one in trace.tampers] == ["photo", "order"]
    trace.tampered = "photo"
    assert trace.broken == {"raw": "1 has another one now"}
    assert (lineage.again().word, lineage.again().causes) == ("DIFFERENT", ("data rows",))
    trace.tampered = ""
    assert lineage.again().word == "IDENTICAL"


def test_a_copy_goes_with_its_lineage(tiny_pipeline):
    lineage = Lineage(tiny_pipeline)
    root = lineage.ws.root
    assert root.is_dir()
    del lineage
    assert not root.parent.exists()
