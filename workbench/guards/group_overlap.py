"""A group lies on both sides of a split: the model is judged on fruit, people or cameras that it knows.

Catches  frames of one burst, variants of one photo, visits of one patient, captures of one camera, torn
         apart by a split of rows.
Misses   groups that the column does not name: near-duplicates under two ids, one person with two accounts.
         It cannot know whether the group matters: the same member before and after a time split is no leak
         where tomorrow's members are today's. Ask what will be new in production.
Fires    at any shared group: the share is exact.
Rates    docs/GUARDS.md
Cost     one pass over the column.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

from workbench.errors import GuardError
from workbench.guards.columns import SIDES, plain, ranks, sides_of
from workbench.guards.evidence import MAX_OFFENDERS, Evidence, Finding, require_columns

if TYPE_CHECKING:
    import pyarrow as pa

GUARD: Final = "group_overlap"
THRESHOLD: Final = 0.0


def measure(
    rows: pa.Table, *, group: str = "group", split: str = "split", sides: tuple[str, str] = SIDES
) -> Evidence:
    """Measure how many test rows belong to a group that has train rows.

    Parameters
    ----------
    rows : pyarrow.Table
        One row an observation. Rows without a group are counted and left out.
    group : str
        Column of the group.
    split : str
        Column that names the side of each row.
    sides : tuple of two str
        Which side was learned from, and which judges.

    Returns
    -------
    Evidence
        ``value``: share of the test rows that have a group. Offenders: shared groups with
        ``train_rows`` and ``test_rows``, most test rows first.

    Raises
    ------
    GuardError
        If a column is missing, a side is empty, or no test row has a group.
    """
    import pyarrow as pa

    require_columns(rows, [group, split], GUARD)
    train, test = sides_of(rows, split, sides, GUARD)
    which = ranks(rows[group])
    named = which >= 0
    if not (test & named).any():
        raise GuardError(f"{GUARD}: no test row has a {group!r}", hint="name another column")
    size = int(which.max()) + 1
    in_train = np.bincount(which[train & named], minlength=size)
    in_test = np.bincount(which[test & named], minlength=size)
    shared = np.flatnonzero((in_train > 0) & (in_test > 0))
    shared = shared[np.argsort(-in_test[shared], kind="stable")]
    first_row = np.zeros(size, np.int64)
    backwards = np.flatnonzero(named)[::-1]
    first_row[which[backwards]] = backwards
    first = shared[:MAX_OFFENDERS]
    offenders = pa.table(
        {
            group: plain(rows[group]).take(first_row[first]),
            "train_rows": in_train[first],
            "test_rows": in_test[first],
        }
    )
    n, found = int((test & named).sum()), int(in_test[shared].sum())
    facts = {
        "groups_shared": len(shared),
        "groups_in_train": int((in_train > 0).sum()),
        "groups_in_test": int((in_test > 0).sum()),
        "test_rows_shared": found,
        "rows_without_group": int(((train | test) & ~named).sum()),
    }
    rows_to_show = offenders if len(first) else None
    return Evidence(GUARD, n, found / n, "share of test rows", (group,), rows_to_show, facts)


def check(evidence: Evidence, *, threshold: float = THRESHOLD) -> Finding:
    """Judge the share of test rows.

    Parameters
    ----------
    evidence : Evidence
        From `measure`.
    threshold : float
        Share above which it fires.

    Returns
    -------
    Finding
        With the number of groups and rows.
    """
    facts = evidence.facts
    groups = f"{facts['groups_shared']} of {facts['groups_in_test']} test groups are in the train set too"
    sentence = f"{groups}: {facts['test_rows_shared']} of {evidence.n} test rows ({evidence.value:.1%})"
    return Finding(GUARD, fired=evidence.value > threshold, sentence=sentence, evidence=evidence)
