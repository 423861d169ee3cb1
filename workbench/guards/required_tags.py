"""A run that lacks a tag, or has it empty: nobody can say later what it was made from.

Catches  a forgotten commit, data hash or seed; a tag that holds the word None, since a program wrote what it did
         not have.
Misses   tags that are there and wrong.
Fires    at any required tag that is missing or empty: exact.
Rates    docs/GUARDS.md
Cost     none.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from workbench.errors import GuardError
from workbench.guards.differences import some
from workbench.guards.evidence import Evidence, Finding, worst

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

GUARD: Final = "required_tags"
THRESHOLD: Final = 0
EMPTY: Final = frozenset({"", "none", "null", "nan", "<na>"})
"""Texts that say nothing, in small letters: what programs write for a value that they do not have."""


def measure(tags: Mapping[str, Any], *, required: Collection[str]) -> Evidence:
    """Look for required tags.

    Parameters
    ----------
    tags : mapping of str to Any
        The tags of one run. 0 and False are values.
    required : collection of str
        Names that must be there.

    Returns
    -------
    Evidence
        ``value``: how many are missing or empty. Offenders: tag, and whether it is ``missing`` or
        ``empty``.

    Raises
    ------
    GuardError
        If nothing is required.
    """
    names = [required] if isinstance(required, str) else list(dict.fromkeys(required))
    if not names:
        raise GuardError(f"{GUARD}: no tag is required", hint="name the tags that every run must have")
    rows = [
        {"tag": name, "what": "empty" if name in tags else "missing"}
        for name in names
        if name not in tags or str(tags[name]).strip().lower() in EMPTY
    ]
    facts = {what: [row["tag"] for row in rows if row["what"] == what] for what in ("missing", "empty")}
    absent = tuple(row["tag"] for row in rows)
    return Evidence(GUARD, len(names), float(len(rows)), "tags", absent, worst(rows), facts)


def check(evidence: Evidence, *, threshold: int = THRESHOLD) -> Finding:
    """Judge the number of tags that say nothing.

    Parameters
    ----------
    evidence : Evidence
        From `measure`.
    threshold : int
        Number above which it fires.

    Returns
    -------
    Finding
        With their names.
    """
    named = [f"{what}: {some(tags)}" for what, tags in evidence.facts.items() if tags]
    sentence = f"{evidence.value:.0f} of {evidence.n} required tags say nothing"
    sentence += f" ({'; '.join(named)})" if named else ""
    return Finding(GUARD, fired=evidence.value > threshold, sentence=sentence, evidence=evidence)
