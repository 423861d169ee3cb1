"""Steps: a story in a few presets, told before an audience; what else is on the screen follows the step."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import traitlets

from workbench.errors import SettingsError
from workbench.widgets.base import Widget, css, esm

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence


class Steps(Widget):
    """Go through presets one by one, back to any of them, and to the start.

    Parameters
    ----------
    steps : sequence of mapping
        In order: ``name`` (on the button) and ``says`` (one sentence, shown large).
    **traits : object
        ``at`` (which one, from 0), ``title``.

    Notes
    -----
    ``reset`` counts how often somebody went back to the start, also from there: observe it to undo what was
    changed by hand.
    """

    _esm = esm("steps")
    _css = css("steps")

    title = traitlets.Unicode("").tag(sync=True)
    steps = traitlets.List().tag(sync=True)
    at = traitlets.Int(0).tag(sync=True)
    reset = traitlets.Int(0).tag(sync=True)

    def __init__(self, steps: Sequence[Mapping[str, str]], **traits: Any) -> None:
        if not steps:
            raise SettingsError("a story needs at least one step")
        told = [{"name": step["name"], "says": step["says"]} for step in steps]
        super().__init__(**({"steps": told} | traits))

    @traitlets.validate("at")
    def _within(self, proposal: Mapping[str, Any]) -> int:
        return max(0, min(int(proposal["value"]), len(self.steps) - 1))

    def as_text(self) -> str:
        """Return every step, the present one marked.

        Returns
        -------
        str
            One line each.
        """
        lines = [
            f"{'> ' if i == self.at else '  '}{i + 1} {step['name']}: {step['says']}"
            for i, step in enumerate(self.steps)
        ]
        return "\n".join([f"[steps] {self.title}".rstrip(), *lines])
