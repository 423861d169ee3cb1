"""Skew scope: one entity, offline and online side by side, with the shape of each mismatch named."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import traitlets

from workbench.errors import SettingsError
from workbench.widgets.base import Widget, css, esm
from workbench.widgets.skew_scope.cells import entity_of, feature_of

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence


class SkewScope(Widget):
    """Compare what a model was trained on with what it was served, for the same entities.

    Parameters
    ----------
    offline, online : mapping of str to mapping
        Entity to feature to value. Numbers get an axis, anything else its text.
    shapes : mapping of str to sequence of str, optional
        Feature to the name of its mismatch and a detail, for example from `workbench.guards.parity`.
    scores : mapping of str to sequence of float, optional
        Entity to the model's probability on the offline and on the online values.
    **traits : object
        ``chosen`` (the entity that is shown; the one whose score moves most, unless told),
        ``threshold``, ``decisions`` (below it, from it on), ``key`` (what an entity is).

    Notes
    -----
    Everything travels to the page once; choosing an entity is a look-up there.
    """

    _esm = esm("skew_scope")
    _css = css("skew_scope")

    features = traitlets.List().tag(sync=True)
    entities = traitlets.List().tag(sync=True)
    chosen = traitlets.Unicode().tag(sync=True)
    threshold = traitlets.Float(0.5).tag(sync=True)
    decisions = traitlets.List(traitlets.Unicode(), ["accept", "reject"]).tag(sync=True)
    key = traitlets.Unicode("item").tag(sync=True)

    def __init__(
        self,
        offline: Mapping[str, Mapping[str, Any]],
        online: Mapping[str, Mapping[str, Any]],
        *,
        shapes: Mapping[str, Sequence[str]] | None = None,
        scores: Mapping[str, Sequence[float]] | None = None,
        **traits: Any,
    ) -> None:
        keys = [key for key in offline if key in online]
        if not keys:
            raise SettingsError("no entity is on both sides")
        names = [name for name in offline[keys[0]] if name in online[keys[0]]]
        entities = [entity_of(key, offline[key], online[key], names, (scores or {}).get(key)) for key in keys]
        features = [feature_of(i, name, entities, (shapes or {}).get(name)) for i, name in enumerate(names)]
        moved = max(entities, key=lambda one: abs(one["score"][1] - one["score"][0]) if one["score"] else 0)
        super().__init__(features=features, entities=entities, **({"chosen": moved["key"]} | traits))
        self.shown  # noqa: B018 (an entity that is not there is refused)

    @property
    def shown(self) -> dict[str, Any]:
        """The entity that is shown."""
        for entity in self.entities:
            if entity["key"] == self.chosen:
                return dict(entity)
        raise SettingsError(f"there is no {self.key} {self.chosen!r}")

    @property
    def changed(self) -> bool | None:
        """Whether the decision about the shown entity changes; None without scores."""
        score = self.shown["score"]
        return None if score is None else (score[0] >= self.threshold) != (score[1] >= self.threshold)

    def as_text(self) -> str:
        """Return both values of each feature of the shown entity, the shapes, and what the score does.

        Returns
        -------
        str
            One line each.
        """
        entity = self.shown
        width = max(len(feature["name"]) for feature in self.features)
        lines = [
            f"  {feature['name']:<{width}}  {' | '.join(cell['texts'])}{_why(feature, cell)}"
            for feature, cell in zip(self.features, entity["cells"], strict=True)
        ]
        head = f"[skew scope] {self.key} {entity['key']}: offline | online"
        if entity["score"] is not None:
            before, now = (self.decisions[score >= self.threshold] for score in entity["score"])
            said = f"stays {now}" if before == now else f"{before} becomes {now}"
            lines.append(f"  score {entity['score'][0]:.2f} | {entity['score'][1]:.2f}: {said}")
        return "\n".join([head, *lines])


def _why(feature: Mapping[str, Any], cell: Mapping[str, Any]) -> str:
    if not cell["differs"]:
        return ""
    return f"  differs, {feature['shape']} {feature['detail']}".rstrip() if feature["shape"] else "  differs"
