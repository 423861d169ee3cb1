"""The lab of lesson 7, for an audience: a chain on the left, and on the right what the last stage says of it."""

from __future__ import annotations

import html
from typing import TYPE_CHECKING, Any, Final

from workbench.lab.show import Shown

if TYPE_CHECKING:
    from workbench.guards.verdict import Verdict
    from workbench.lab.lineage import Lineage

NOTES: Final = """
- **0:00** *Same code, same data, three AUCs.* Which one goes into the report? Nobody wrote the dice down.
- **1:00** The chain: each thing remembers the hash of the one before it. Let the room guess: somebody improves one photo and
  keeps its name. Who notices? Press **improve one**. Names and count see nothing.
- **2:00** **round late rows**: MLflow's digest is the same. It looked at the first 10,000 numbers.
- **3:00** **reorder rows**: the content hash is the same, and should be. The order has a hash of its own.
- **4:00** Point at the verdict: a cause is named, also where no answer changed. Press **Mend**: IDENTICAL.
- **Ask:** what does your team compare when a number cannot be found again?
"""
_STYLE: Final = {
    "IDENTICAL": ("var(--known)", "solid"),
    "EQUIVALENT": ("var(--got)", "solid"),
    "DIFFERENT": ("var(--leak)", "dashed"),
}


class Again:
    """Make a run again after each change of its lineage, once for each state of the widget.

    Parameters
    ----------
    lineage : Lineage
        That the widget was made of.
    """

    def __init__(self, lineage: Lineage) -> None:
        self._lineage = lineage
        self._made: dict[str, Verdict] = {}

    def __call__(self, trace: Any) -> Shown:
        """Show the verdict on what is there now; called by a `View` at each change of the widget.

        Parameters
        ----------
        trace : LineageTrace
            The widget; while it is being changed there is no verdict.

        Returns
        -------
        Shown
            The word, why, and how far the result moved.
        """
        if trace.tampered != trace.done:
            return Shown("<h4>Made again from the photos</h4><p>at work …</p>", "at work")
        if trace.done not in self._made:
            self._made[trace.done] = self._lineage.again()
        return verdict_card(self._made[trace.done])


def verdict_card(verdict: Verdict) -> Shown:
    """Show a verdict, large.

    Parameters
    ----------
    verdict : Verdict
        Of the last stage.

    Returns
    -------
    Shown
        For a projector.
    """
    colour, line = _STYLE[verdict.word]
    because = f"because of {', '.join(verdict.causes)}" if verdict.causes else "nothing differs"
    said = [reason.sentence for reason in verdict.reasons][:2]
    outcome = f"{verdict.outcome[:1].upper()}{verdict.outcome[1:]}."
    word = f'<div style="font-size:34px;line-height:1.2;font-weight:650;color:{colour}">{verdict.word}</div>'
    lines = "".join(f'<div style="color:var(--muted)">{html.escape(text)}</div>' for text in [*said, outcome])
    box = f'<div style="border:2px {line} {colour};border-radius:8px;padding:16px">{word}<div>{html.escape(because)}</div>{lines}</div>'
    words = "\n".join([f"{verdict.word}: {because}", *said, outcome])
    return Shown(f"<h4>Made again from the photos, by the last stage</h4>{box}", words, "verdict")
