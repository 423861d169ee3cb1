"""Double run: do it twice; what was not nailed down differs.

Catches a split without a seed, an order that nobody asked for, a clock inside a feature. Limits:
what is stable on this machine today is not proved stable on another one; two runs in one process
share their hash seed. Threshold: none, digests are equal or they are not.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from workbench.errors import GuardError
from workbench.guards.evidence import Evidence, Finding, worst

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

GUARD: Final = "double_run"


def measure(run: Callable[[], Mapping[str, str]], *, times: int = 2) -> Evidence:
    """Run something several times and compare digests by name.

    Parameters
    ----------
    run : callable
        Returns name to digest: of the rows, their order, the predictions.
    times : int
        How often; at least 2.

    Returns
    -------
    Evidence
        ``value`` counts the names whose digests differ; `columns` names them.

    Raises
    ------
    GuardError
        If it runs less than twice, or a run returns nothing.
    """
    if times < 2:
        raise GuardError(f"{GUARD}: {times} run proves nothing", hint="run it at least twice")
    seen = [dict(run()) for _ in range(times)]
    names = sorted({name for digests in seen for name in digests})
    if not names:
        raise GuardError(f"{GUARD}: the run returned no digest", hint="return name to digest")
    differ = [name for name in names if len({digests.get(name) for digests in seen}) > 1]
    rows = [{"what": name, **{f"run {i}": d.get(name) for i, d in enumerate(seen, 1)}} for name in differ]
    return Evidence(GUARD, times, float(len(differ)), "digests that differ", tuple(differ), worst(rows))


def check(evidence: Evidence) -> Finding:
    """Judge: fires when any digest differs."""
    named = ", ".join(evidence.columns) or "nothing"
    return Finding(GUARD, bool(evidence.columns), f"{evidence.n} runs differ in: {named}", evidence)
