"""Picture scope: one photo as the model sees it, offline and online, and what became of its embedding."""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING, Any, Final

import traitlets

from workbench.errors import SettingsError
from workbench.widgets.base import Widget, css, esm

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    Look = Callable[[str], Mapping[str, Any]]

GAINS: Final = (1, 4, 16)
"""How many times as bright a difference may be shown."""
VIEW: Final = ("name", "says", "picture", "changed", "mean", "cosine", "score")
_KINDS: Final = {b"\xff\xd8\xff": "jpeg", b"\x89PNG": "png"}


class PictureScope(Widget):
    """See what a photo is to a model on two paths, one of which was altered.

    Parameters
    ----------
    photos : sequence of mapping
        Those to choose from: ``id``, ``picture`` (the bytes of a JPEG or PNG file), ``text`` (a second line).
    look : callable
        Takes the id of a photo; returns ``picture`` (PNG, as the model sees it offline), ``score``, and
        ``views``: of each alteration ``name``, ``says`` (a sentence), ``picture`` (the same online, PNG of the
        same size), ``changed`` (share of pixels), ``mean`` (difference, levels of 255), ``cosine`` of the two
        embeddings, and ``score``.
    **traits : object
        ``chosen`` (a photo), ``alteration`` (its name), ``gain`` (1, 4 or 16), ``threshold``, ``decisions``
        (below it, from it on).

    Notes
    -----
    `look` runs in the kernel when another photo is chosen, and gives all alterations at once: going from one to
    the next is a look-up on the page. The page subtracts the pictures, pixel by pixel, and brightens the result.
    """

    _esm = esm("picture_scope")
    _css = css("picture_scope")

    photos = traitlets.List().tag(sync=True)
    chosen = traitlets.Unicode().tag(sync=True)
    alteration = traitlets.Unicode().tag(sync=True)
    gain = traitlets.Int(4).tag(sync=True)
    threshold = traitlets.Float(0.5).tag(sync=True)
    decisions = traitlets.List(traitlets.Unicode(), ["accept", "reject"]).tag(sync=True)
    seen = traitlets.Dict().tag(sync=True)

    def __init__(self, photos: Sequence[Mapping[str, Any]], look: Look, **traits: Any) -> None:
        if not photos:
            raise SettingsError("there is no photo to look at")
        drawn = [
            {"id": one["id"], "text": one.get("text", ""), "picture": _uri(one["picture"])} for one in photos
        ]
        self._look, self._looked = look, dict[str, dict[str, Any]]()
        super().__init__(**({"photos": drawn, "chosen": drawn[0]["id"]} | traits))
        self._see()
        self.alteration = self.alteration or self.seen["views"][0]["name"]
        self.shown  # noqa: B018 (an alteration that is not there is refused)

    @traitlets.validate("chosen")
    def _known(self, proposal: Mapping[str, Any]) -> str:
        if proposal["value"] not in {one["id"] for one in self.photos}:
            raise SettingsError(f"there is no photo {proposal['value']!r}")
        return str(proposal["value"])

    @traitlets.validate("gain")
    def _offered(self, proposal: Mapping[str, Any]) -> int:
        if proposal["value"] not in GAINS:
            raise SettingsError(f"the gain is one of {', '.join(map(str, GAINS))}, not {proposal['value']}")
        return int(proposal["value"])

    @traitlets.observe("chosen")
    def _see(self, change: object = None) -> None:
        """Look at the chosen photo; the first time by the callable, then from memory."""
        if change is not None and not self.seen:
            return  # while it is made
        if self.chosen not in self._looked:
            self._looked[self.chosen] = _drawn(self.chosen, self._look(self.chosen))
        self.seen = self._looked[self.chosen]

    @property
    def shown(self) -> dict[str, Any]:
        """The view of the chosen photo that is shown, with ``before``: its score offline."""
        for view in self.seen["views"]:
            if view["name"] == self.alteration:
                return {**view, "before": self.seen["score"]}
        there = ", ".join(view["name"] for view in self.seen["views"])
        raise SettingsError(f"there is no alteration {self.alteration!r}", hint=f"there are {there}")

    @property
    def changed(self) -> bool:
        """Whether the decision about the photo changes."""
        return self._decision(self.shown["before"]) != self._decision(self.shown["score"])

    def _decision(self, score: float) -> str:
        return str(self.decisions[score >= self.threshold])

    def as_text(self) -> str:
        """Return all alterations of the chosen photo: what they change, and what the model says.

        Returns
        -------
        str
            One line each.
        """
        was = self._decision(self.seen["score"])
        lines = [f"[picture scope] photo {self.chosen}: {was}, score {self.seen['score']:.2f}"]
        width = max(len(view["name"]) for view in self.seen["views"])
        for view in self.seen["views"]:
            now = self._decision(view["score"])
            said = f"stays {now}" if now == was else f"{was} becomes {now}"
            lines.append(
                f"  {view['name']:<{width}}  {view['changed']:4.0%} of pixels, {view['mean']:5.1f} of 255 levels, "
                f"cosine {view['cosine']:6.3f}, score {view['score']:.2f}: {said}"
            )
        return "\n".join(lines)


def _drawn(photo: str, found: Mapping[str, Any]) -> dict[str, Any]:
    """Return what was seen as JSON, pictures as data URIs."""
    views = [
        {name: view[name] for name in VIEW} | {"picture": _uri(view["picture"])} for view in found["views"]
    ]
    if not views:
        raise SettingsError(f"nothing was altered in {photo}")
    return {"photo": photo, "picture": _uri(found["picture"]), "score": float(found["score"]), "views": views}


def _uri(picture: bytes) -> str:
    for magic, kind in _KINDS.items():
        if picture.startswith(magic):
            return f"data:image/{kind};base64,{base64.b64encode(picture).decode()}"
    raise SettingsError("a picture is neither JPEG nor PNG", hint="give the bytes of the file")
