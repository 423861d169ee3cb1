"""Lineage trace: what a model was made from, as a chain of hashes; change one node and see which link breaks."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import traitlets

from workbench.errors import SettingsError
from workbench.widgets.base import Widget, css, esm

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    Found = Mapping[str, Mapping[str, str]]
    """``hashes``: id of a node to its hash now; ``broken``: id of a node to what its link to the node above found."""
    Digests = Sequence[tuple[str, bool]]
    """Name of a check, and whether it says that nothing has changed."""

NODE: Final = ("id", "kind", "words", "promise")
TAMPER: Final = ("id", "node", "text", "told")


class LineageTrace(Widget):
    """Change something that a model was made from, and let the kernel say which link no longer holds.

    Parameters
    ----------
    nodes : iterable of mapping
        From the source to the model. Each has ``id``, ``kind``, ``words`` (what it is) and ``promise``: what
        it remembers of the node before it; empty for the first one.
    tampers : iterable of mapping
        ``id``, ``node``, ``text`` (on the button) and ``told`` (what was done, in a sentence).
    tamper : callable
        Takes the id of one, changes that node for real, and returns what weaker checks and ours say of it.
    mend : callable
        Puts everything back.
    verify : callable
        Looks at every link for real; returns ``hashes`` and ``broken``.

    Notes
    -----
    One change at a time: the last one is mended first. A click costs one mend, one change and one
    verification in the kernel. Words hold no hashes: those may differ from machine to machine.
    """

    _esm = esm("lineage_trace")
    _css = css("lineage_trace")

    nodes = traitlets.List().tag(sync=True)
    tampers = traitlets.List().tag(sync=True)
    tampered = traitlets.Unicode("").tag(sync=True)
    done = traitlets.Unicode("").tag(sync=True)
    hashes = traitlets.Dict().tag(sync=True)
    before = traitlets.Dict().tag(sync=True)
    broken = traitlets.Dict().tag(sync=True)
    digests = traitlets.List().tag(sync=True)
    says = traitlets.Unicode("").tag(sync=True)

    def __init__(
        self,
        nodes: Iterable[Mapping[str, str]],
        tampers: Iterable[Mapping[str, str]],
        *,
        tamper: Callable[[str], Digests],
        mend: Callable[[], object],
        verify: Callable[[], Found],
    ) -> None:
        self._tamper, self._mend, self._verify = tamper, mend, verify
        drawn = [_whole(node, NODE, "node") for node in nodes]
        offered = [_whole(one, TAMPER, "tamper") for one in tampers]
        if strangers := {one["node"] for one in offered} - {node["id"] for node in drawn}:
            raise SettingsError(f"there is no node {min(strangers)!r} to tamper with")
        super().__init__(nodes=drawn, tampers=offered)
        self.before = self._look([])

    @traitlets.validate("tampered")
    def _known(self, proposal: Mapping[str, Any]) -> str:
        name = str(proposal["value"])
        known = ["", *(one["id"] for one in self.tampers)]
        if name not in known:
            raise SettingsError(f"there is no tamper {name!r}", hint=f"there are {', '.join(known[1:])}")
        return name

    @traitlets.observe("tampered")
    def _act(self, change: Mapping[str, Any]) -> None:
        """Do what was asked; a callable that fails says so on the page, since nobody sees its traceback."""
        try:
            self._mend()
            self._look(self._tamper(change["new"]) if change["new"] else [])
        except Exception as error:  # noqa: BLE001 (what a lesson's callable raises is shown)
            self.says = f"{type(error).__name__}: {error}"
        self.done = change["new"]

    def _look(self, digests: Digests) -> dict[str, str]:
        found = self._verify()
        self.digests = [{"name": name, "same": bool(same)} for name, same in digests]
        self.says, self.hashes, self.broken = "", dict(found["hashes"]), dict(found["broken"])
        return dict(self.hashes)

    @property
    def first_broken(self) -> str | None:
        """Id of the first node, from the source, whose link no longer holds."""
        return next((node["id"] for node in self.nodes if node["id"] in self.broken), None)

    def as_text(self) -> str:
        """Return each node with what it promises, which link broke first, and what weaker checks said.

        Returns
        -------
        str
            One line a node, from the source to the model.
        """
        first = self.first_broken
        lines = [f"[lineage] {self._headline()}"]
        width = max((len(node["kind"]) for node in self.nodes), default=0)
        for node in self.nodes:
            mark = f"BROKEN: {self.broken[node['id']]}" if node["id"] in self.broken else "holds"
            said = f"  | {node['promise']}: {mark}" if node["promise"] else ""
            lines += [said] if said else []
            lines.append(f"  {node['kind']:<{width}}  {node['words']}")
        lines += [f"  {one['name']}: {'same' if one['same'] else 'differs'}" for one in self.digests]
        if first is None and not self.done:
            lines += [f"  may be changed: {one['text']} ({one['node']})" for one in self.tampers]
        return "\n".join([*lines, *([f"  {self.says}"] if self.says else [])])

    def _headline(self) -> str:
        n = sum(bool(node["promise"]) for node in self.nodes)
        told = next((one["told"] for one in self.tampers if one["id"] == self.done), "")
        kinds = {node["id"]: node["kind"] for node in self.nodes}
        first = self.first_broken
        state = f"all {n} links hold" if first is None else f"first broken link: the one of {kinds[first]}"
        return f"{told}: {state}" if told else state


def _whole(given: Mapping[str, str], fields: Sequence[str], what: str) -> dict[str, str]:
    """Return a mapping with exactly these fields."""
    if unlike := sorted({*given} ^ {*fields}):
        raise SettingsError(
            f"a {what} has {', '.join(fields)}; not alike: {unlike[0]!r}", hint="give each of them, no other"
        )
    return {name: str(given[name]) for name in fields}
