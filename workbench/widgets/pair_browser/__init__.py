"""Pair browser: the closest pairs across a split, their pictures side by side, how close, and why."""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING, Any, Final

import traitlets

from workbench.errors import SettingsError
from workbench.widgets.base import Widget, css, esm

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

KINDS: Final = {b"\xff\xd8\xff": "jpeg", b"\x89PNG": "png"}
FACTS: Final = ("distance", "cosine", "why")


class PairBrowser(Widget):
    """Look at pairs of pictures that should not be on both sides.

    Parameters
    ----------
    pairs : sequence of mapping
        Closest first. ``one`` and ``two`` are each a mapping: ``id``, ``picture`` (the bytes of a JPEG or PNG
        file) and ``text`` (a second line); ``distance`` (bits of 64), ``cosine`` and ``why`` may be None.
    **traits : object
        ``sides`` (what the two sides are called), ``found`` (how many pairs there are in all; those
        given, unless told), ``at`` (which one is shown, from 0).

    Notes
    -----
    All pictures travel to the page once: 20 pairs of small photos are about a megabyte.
    """

    _esm = esm("pair_browser")
    _css = css("pair_browser")

    pairs = traitlets.List().tag(sync=True)
    sides = traitlets.List(traitlets.Unicode(), ["train", "test"]).tag(sync=True)
    found = traitlets.Int().tag(sync=True)
    at = traitlets.Int(0).tag(sync=True)

    def __init__(self, pairs: Sequence[Mapping[str, Any]], **traits: Any) -> None:
        drawn = [_drawn(pair) for pair in pairs]
        super().__init__(pairs=drawn, **({"found": len(drawn)} | traits))

    @traitlets.validate("at")
    def _within(self, proposal: Mapping[str, Any]) -> int:
        return max(0, min(int(proposal["value"]), len(self.pairs) - 1))

    def as_text(self) -> str:
        """Return each pair with its distance and why it is one.

        Returns
        -------
        str
            One line a pair.
        """
        one, two = self.sides
        lines = [
            f"  {pair['one']['id']} ({one}) = {pair['two']['id']} ({two})  {', '.join(closeness(pair))}".rstrip()
            for pair in self.pairs
        ]
        word = "pair lies" if self.found == 1 else "pairs lie"
        return "\n".join([f"[pair browser] {self.found} {word} on both sides", *lines])


def closeness(pair: Mapping[str, Any]) -> list[str]:
    """Return how close a pair is, and why it counts, in words.

    Parameters
    ----------
    pair : mapping
        With distance, cosine and why.

    Returns
    -------
    list of str
        What is known of the three.
    """
    said = []
    if pair["distance"] is not None:
        said.append(f"{pair['distance']:g} of 64 bits differ")
    if pair["cosine"] is not None:
        said.append(f"cosine {pair['cosine']:.3f}")
    return [*said, *([f"by {pair['why']}"] if pair["why"] else [])]


def _drawn(pair: Mapping[str, Any]) -> dict[str, Any]:
    """Return a pair as JSON, its pictures as data URIs."""
    if unknown := sorted({*pair} - {"one", "two", *FACTS}):
        raise SettingsError(f"a pair has no {unknown[0]!r}", hint=f"it has one, two, {', '.join(FACTS)}")
    whole: dict[str, Any] = {**dict.fromkeys(FACTS), **pair}
    for side in ("one", "two"):
        whole[side] = {
            "id": str(pair[side]["id"]),
            "text": str(pair[side].get("text", "")),
            "picture": _uri(pair[side]["picture"]),
        }
    return whole | {"words": closeness(whole)}


def _uri(picture: bytes) -> str:
    for magic, kind in KINDS.items():
        if picture.startswith(magic):
            return f"data:image/{kind};base64,{base64.b64encode(picture).decode()}"
    raise SettingsError("a picture is neither JPEG nor PNG", hint="give the bytes of the file")
