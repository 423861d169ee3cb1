"""The lineage trace: the widget on a small chain, and its binding on a real workspace that is really damaged."""

from __future__ import annotations

import hashlib

import pytest

from workbench.errors import SettingsError
from workbench.widgets import LineageTrace

NODES = [
    {"id": "photos", "kind": "photos", "words": "two files", "promise": ""},
    {"id": "raw", "kind": "raw", "words": "their names", "promise": "the sha256 of the photos"},
    {"id": "model", "kind": "model", "words": "a number", "promise": "the sha256 of raw"},
]
TAMPERS = [
    {"id": "photo", "node": "photos", "text": "improve one", "told": "A photo was improved."},
    {"id": "labels", "node": "raw", "text": "replace labels", "told": "Labels were replaced."},
]


class Chain:
    """Three texts; each remembers the sha256 of the one before it."""

    def __init__(self) -> None:
        self.whole = {"photos": "abc", "raw": "names", "model": "1.5"}
        self.now = dict(self.whole)
        self.calls: list[str] = []
        self.remembered = self.hashes()

    def hashes(self) -> dict[str, str]:
        return {name: hashlib.sha256(text.encode()).hexdigest() for name, text in self.now.items()}

    def tamper(self, name: str) -> list[tuple[str, bool]]:
        self.calls.append(name)
        node = next(one["node"] for one in TAMPERS if one["id"] == name)
        self.now[node] = self.now[node][::-1]
        return [("length", len(self.now[node]) == len(self.whole[node])), ("sha256", False)]

    def mend(self) -> None:
        self.calls.append("mend")
        self.now.update(self.whole)

    def verify(self) -> dict[str, dict[str, str]]:
        now = self.hashes()
        pairs = (("photos", "raw"), ("raw", "model"))
        return {
            "hashes": now,
            "broken": {two: "another one" for one, two in pairs if now[one] != self.remembered[one]},
        }


@pytest.fixture
def chain() -> Chain:
    return Chain()


@pytest.fixture
def trace(chain: Chain) -> LineageTrace:
    return LineageTrace(NODES, TAMPERS, tamper=chain.tamper, mend=chain.mend, verify=chain.verify)


def test_a_whole_chain_says_so_without_a_hash(trace, chain):
    assert trace.as_text().splitlines() == [
        "[lineage] all 2 links hold",
        "  photos  two files",
        "  | the sha256 of the photos: holds",
        "  raw     their names",
        "  | the sha256 of raw: holds",
        "  model   a number",
        "  may be changed: improve one (photos)",
        "  may be changed: replace labels (raw)",
    ]
    assert trace.first_broken is None
    assert trace.before == trace.hashes == chain.hashes()


def test_each_change_is_mended_before_the_next_one_and_verified_after_it(trace, chain):
    trace.tampered = "photo"
    assert (trace.first_broken, trace.done) == ("raw", "photo")
    assert trace.digests == [{"name": "length", "same": True}, {"name": "sha256", "same": False}]
    assert "A photo was improved.: first broken link: the one of raw" in trace.as_text()
    assert "length: same" in trace.as_text()
    trace.tampered = "labels"
    assert trace.broken == {"model": "another one"}
    assert chain.now["photos"] == "abc"
    trace.tampered = ""
    assert (trace.broken, trace.digests, trace.done) == ({}, [], "")
    assert chain.now == chain.whole
    assert chain.calls == ["mend", "photo", "mend", "labels", "mend"]


def test_the_first_broken_link_is_the_one_nearest_to_the_source(chain):
    def all_broken():
        return {"hashes": chain.hashes(), "broken": {"model": "x", "raw": "y"}}

    trace = LineageTrace(NODES, TAMPERS, tamper=chain.tamper, mend=chain.mend, verify=all_broken)
    assert trace.first_broken == "raw"


def test_a_callable_that_fails_is_heard(trace, chain, monkeypatch):
    def full(name: str) -> list[tuple[str, bool]]:
        raise OSError(f"no space for {name}")

    monkeypatch.setattr(trace, "_tamper", full)
    trace.tampered = "photo"
    assert trace.says == "OSError: no space for photo"
    assert "no space" in trace.as_text()
    trace.tampered = ""
    assert trace.says == ""


def test_what_it_does_not_have_is_refused(chain):
    def made(nodes=NODES, tampers=TAMPERS):
        return LineageTrace(nodes, tampers, tamper=chain.tamper, mend=chain.mend, verify=chain.verify)

    with pytest.raises(SettingsError, match="there is no tamper 'phto'"):
        made().tampered = "phto"
    with pytest.raises(SettingsError, match="not alike: 'hash'"):
        made(nodes=[*NODES, NODES[0] | {"hash": "x"}])
    with pytest.raises(SettingsError, match="there is no node 'clean'"):
        made(tampers=[TAMPERS[0] | {"node": "clean"}])
