"""Two environments that should be the same are not: a package has another version, or is missing.

Catches  an upgrade between training and serving, a package that only one side has.
Misses   what has no version: the CPU, the BLAS kernel, files that were edited in place. A version that differs
         need not change a result: see `double_run` for whether it did.
Fires    at any package that differs. Versions are compared as texts: 2.0 and 2.0.0 differ.
Rates    docs/GUARDS.md
Cost     none.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from workbench.errors import GuardError
from workbench.guards.differences import diff_mappings, some
from workbench.guards.evidence import Evidence, Finding, worst

if TYPE_CHECKING:
    from collections.abc import Mapping

GUARD: Final = "environment"
THRESHOLD: Final = 0


def measure(before: Mapping[str, str], after: Mapping[str, str]) -> Evidence:
    """Compare two environments.

    Parameters
    ----------
    before, after : mapping of str to str
        Name of a package to its version. Names are compared as PEP 503 has them: ``scikit_learn`` is
        ``scikit-learn``.

    Returns
    -------
    Evidence
        ``value``: how many packages differ. Offenders: package, before, after; a package that is
        absent has none.

    Raises
    ------
    GuardError
        If either is empty: an environment without packages was not recorded.
    """
    for side, packages in (("before", before), ("after", after)):
        if not packages:
            raise GuardError(f"{GUARD}: no package is recorded {side}", hint="record the versions of the run")
    old, new = _named(before), _named(after)
    differ = diff_mappings(old, new)
    rows = [{"package": name, "before": was, "after": now} for name, (was, now) in sorted(differ.items())]
    facts = {
        "changed": sorted(name for name in differ if name in old and name in new),
        "added": sorted(new.keys() - old.keys()),
        "removed": sorted(old.keys() - new.keys()),
    }
    named = tuple(sorted(differ))
    return Evidence(GUARD, len({*old, *new}), float(len(differ)), "packages", named, worst(rows), facts)


def check(evidence: Evidence, *, threshold: int = THRESHOLD) -> Finding:
    """Judge the number of packages that differ.

    Parameters
    ----------
    evidence : Evidence
        From `measure`.
    threshold : int
        Number above which it fires.

    Returns
    -------
    Finding
        With the packages and their versions.
    """
    rows = [] if evidence.offenders is None else evidence.offenders.to_pylist()
    named = [f"{row['package']} {row['before'] or 'absent'} -> {row['after'] or 'absent'}" for row in rows]
    sentence = f"{evidence.value:.0f} of {evidence.n} packages differ"
    sentence += f": {some(named)}" if named else ""
    return Finding(GUARD, fired=evidence.value > threshold, sentence=sentence, evidence=evidence)


def _named(packages: Mapping[str, str]) -> dict[str, str]:
    return {re.sub(r"[-_.]+", "-", name).lower(): str(version) for name, version in packages.items()}
