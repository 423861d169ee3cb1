"""The same program on the same input gives another result: something is not pinned down.

Catches  an unseeded split or model, the order of a set or a folder, the present time in a feature, a race. Run it
         in new processes: the order of a set changes from process to process, not within one.
Misses   what is the same in every run here and differs elsewhere: versions, the CPU, the clock's day. A digest of
         a metric hides most of it: with the present time in a feature the AUC stayed equal to the last digit.
         Hash rows, in their order, and predictions.
Fires    at any digest that differs: exact.
Rates    docs/GUARDS.md
Cost     as many runs as you ask for.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from workbench.errors import GuardError
from workbench.guards.differences import some
from workbench.guards.evidence import Evidence, Finding, worst

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

GUARD: Final = "double_run"
THRESHOLD: Final = 0.0


def measure(run: Callable[[], Mapping[str, str]], *, times: int = 2) -> Evidence:
    """Run a program several times and compare what it made.

    Parameters
    ----------
    run : callable
        Returns the name of each result with its digest, for example from `workbench.hashing.content_hash`.
    times : int
        How often, at least twice. What happens once in ten runs needs more than ten.

    Returns
    -------
    Evidence
        ``value``: share of the names whose digest is not the same in every run. Offenders: name, run
        (from 1) and digest; a name that a run did not give has none.

    Raises
    ------
    GuardError
        If `times` is below 2, or no run returned anything.
    """
    if times < 2:
        raise GuardError(f"{GUARD}: {times} run cannot differ from itself", hint="run it at least twice")
    digests = [dict(run()) for _ in range(times)]  # copied: the program may change what it returned
    names = list(dict.fromkeys(name for made in digests for name in made))
    if not names:
        raise GuardError(f"{GUARD}: the runs returned no digests", hint="return a digest of each result")
    unlike = [name for name in names if any(made.get(name) != digests[0].get(name) for made in digests)]
    offenders = [
        {"name": name, "run": i, "digest": None if made.get(name) is None else str(made[name])}
        for name in unlike
        for i, made in enumerate(digests, start=1)
    ]
    facts = {"runs": times, "differ": unlike, "results": len(names)}
    return Evidence(
        GUARD,
        len(names),
        len(unlike) / len(names),
        "share of results",
        tuple(unlike),
        worst(offenders),
        facts,
    )


def check(evidence: Evidence, *, threshold: float = THRESHOLD) -> Finding:
    """Judge the share of results that differ.

    Parameters
    ----------
    evidence : Evidence
        From `measure`.
    threshold : float
        Share above which it fires.

    Returns
    -------
    Finding
        With the names of the results.
    """
    differ, runs = evidence.facts["differ"], evidence.facts["runs"]
    sentence = f"{len(differ)} of {evidence.n} results differ between {runs} runs"
    sentence += f": {some(differ)}" if differ else ""
    return Finding(GUARD, fired=evidence.value > threshold, sentence=sentence, evidence=evidence)
