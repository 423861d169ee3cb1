"""What guards say, as a lesson shows it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from workbench.lab.show import Shown, grid

if TYPE_CHECKING:
    from collections.abc import Sequence

    from workbench.guards.evidence import Finding


def said(title: str, findings: Sequence[Finding], foot: str = "") -> Shown:
    """Show findings: guard, word, sentence.

    Parameters
    ----------
    title : str
        Above them.
    findings : sequence of Finding
        In the order given.
    foot : str
        A sentence below.

    Returns
    -------
    Shown
        One row a finding.
    """
    rows = [(finding.guard, finding.word, finding.sentence) for finding in findings]
    return grid(title, ("guard", "says", "why"), rows, foot)
