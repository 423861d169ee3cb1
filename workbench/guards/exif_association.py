"""A tag of the file (camera, software, exposure program) tells the label: the shortcut of the line, not the fruit.

Catches  bad fruit that come down one line, ill patients that lie before one X-ray machine: a model that reads
         the tag, or what the tag does to the pixels (belt, colour cast), is right for a wrong reason.
Misses   whether the model uses it, and why the two go together: association is no proof. With embeddings it
         measures two things more, as facts: how well the tag can be read from them, and how much is lost when
         each camera in turn was never learned from. Dropping the tag's column does not help where the
         embedding holds it. Tags that go together with the label only in pairs are not found.
Fires    when the bias-corrected Cramer's V is above .1 and the chi-square test gives p < .01 after Bonferroni's
         correction for the number of tags. Both are needed: the raw V is above .3 for 40 cameras and 100 rows of
         pure noise, always. Frames of one fruit are no independent rows: without `group` it fired in 6 of 30
         seasons in which nothing was wrong, with it in 1 of 30.
Rates    docs/GUARDS.md
Source   Bergsma, W. (2013): A bias-correction for Cramer's V and Tschuprow's T. J. Korean Stat. Soc. 42(3), 323-328,
         doi:10.1016/j.jkss.2012.10.002.
Cost     one pass over each tag; with embeddings three ridge regressions with 5 or as many folds as cameras.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import sqrt
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from workbench.errors import GuardError
from workbench.guards.columns import plain, ranks
from workbench.guards.evidence import Evidence, Finding, require_columns, worst
from workbench.guards.shortcut import alone, shortcut_facts

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pyarrow as pa
    from numpy.typing import NDArray

    Ints = NDArray[np.int64]

GUARD: Final = "exif_association"
V_ABOVE: Final = 0.1
P_BELOW: Final = 0.01
MIN_ROWS: Final = 20
MAX_LABELS: Final = 50


@dataclass(frozen=True, slots=True)
class Association:
    """How two columns go together.

    Attributes
    ----------
    v : float
        Bias-corrected Cramer's V, 0 to 1.
    p : float
        Of the chi-square test of independence; 1 where a column has one value only.
    values : int
        Different values of the first column.
    """

    v: float
    p: float
    values: int


def associate(one: Ints, two: Ints) -> Association:
    """Return bias-corrected V and p of two columns of codes, counted from 0.

    Parameters
    ----------
    one, two : numpy.ndarray of int, shape (n,)
        Codes; those that no row has do not count.

    Returns
    -------
    Association
        With phi2 = chi2 / n, corrected for what chance gives: phi2 - (r - 1)(c - 1) / (n - 1), at least 0;
        r' = r - (r - 1)^2 / (n - 1), c' likewise; V = sqrt(phi2 / min(r' - 1, c' - 1)). Where each row has a
        value of its own, r' is 1 and nothing can be told: V is 0.
    """
    from scipy.stats import chi2

    n = len(one)
    (by_one, by_two), _, seen = _crossed(one, two)
    rows, columns = np.bincount(one), np.bincount(two)
    r, c = int((rows > 0).sum()), int((columns > 0).sum())
    if r < 2 or c < 2:
        return Association(0.0, 1.0, r)
    filled = seen.astype(np.float64) ** 2 / (rows[by_one].astype(np.float64) * columns[by_two])
    phi2 = max(0.0, float(filled.sum()) - 1)
    p = float(chi2.sf(phi2 * n, (r - 1) * (c - 1)))
    width = min(r - (r - 1) ** 2 / (n - 1), c - (c - 1) ** 2 / (n - 1)) - 1
    corrected = max(0.0, phi2 - (r - 1) * (c - 1) / (n - 1))
    v = sqrt(corrected / width) if width > 1e-9 else 0.0
    return Association(min(1.0, v), p, r)


def measure(
    rows: pa.Table,
    *,
    tags: str | Sequence[str] = ("device",),
    label: str = "label",
    embedding: str | None = None,
    group: str | None = None,
    seed: int = 0,
) -> Evidence:
    """Measure how each tag goes together with the label.

    Parameters
    ----------
    rows : pyarrow.Table
        One row a picture. Rows without a label are left out; a missing tag counts as a value of its own.
    tags : str or sequence of str
        Columns of tags. A tag with more values than half the rows (a serial number) says nothing.
    label : str
        Column of classes, `MAX_LABELS` at most.
    embedding : str, optional
        Column of embeddings, lists of one length: the facts then say how much of the first tag is in it.
    group : str, optional
        Column of what is one thing: an item, a burst. Its rows count once, else four frames of a fruit would
        pass for four fruit; and folds do not divide it.
    seed : int
        Of the folds.

    Returns
    -------
    Evidence
        ``value``: the V of the worst tag. ``columns``: tags, worst first. Offenders: rows for each tag, its
        value and label, with what independence would give, farthest first.

    Raises
    ------
    GuardError
        If a column is missing, there are fewer than 20 rows, or fewer than two labels, or too many.
    """
    names = (tags,) if isinstance(tags, str) else tuple(dict.fromkeys(tags))
    if not names:
        raise GuardError(f"{GUARD}: no tag is named", hint="tags=('device',)")
    require_columns(rows, [*names, label, *(c for c in (embedding, group) if c)], GUARD)
    known = ranks(rows[label]) >= 0
    rows = rows.filter(known)
    truth = ranks(rows[label])
    _require_classes(truth, label)
    codes = {name: _codes(rows[name]) for name in names}
    once = {name: _once(rows, group, codes[name], truth) for name in names}
    _require_enough(min(map(len, once.values())), group)
    found = {name: associate(codes[name][once[name]], truth[once[name]]) for name in names}
    order = sorted(names, key=lambda name: (not _stands_out(found[name], len(names)), -found[name].v))
    facts: dict[str, Any] = {
        "tags": {
            name: {
                "v": found[name].v,
                "p": min(1.0, found[name].p * len(names)),
                "values": found[name].values,
            }
            for name in order
        },
        "rows": len(truth),
        "rows_without_label": int((~known).sum()),
    }
    if embedding:
        facts |= shortcut_facts(rows, embedding, (codes[order[0]], truth), group, seed) | {
            "tag_read": order[0]
        }
    cells = [cell for name in order for cell in _cells(rows, once[name], (name, label), codes[name], truth)]
    cells.sort(key=lambda cell: -abs(cell["rows"] - cell["expected"]))
    return Evidence(
        GUARD, len(once[order[0]]), found[order[0]].v, "bias-corrected V", tuple(order), worst(cells), facts
    )


def check(evidence: Evidence, *, v_above: float = V_ABOVE, p_below: float = P_BELOW) -> Finding:
    """Judge the association of each tag.

    Parameters
    ----------
    evidence : Evidence
        From `measure`.
    v_above : float
        Bias-corrected V above which a tag counts, 0 to 1.
    p_below : float
        And p, corrected for the number of tags, below which it does.

    Returns
    -------
    Finding
        With the worst tag.
    """
    tags = evidence.facts["tags"]
    firing = [name for name, it in tags.items() if it["v"] > v_above and it["p"] < p_below]
    name = (firing or list(tags))[0]
    numbers = f"V {tags[name]['v']:.2f}, p {tags[name]['p']:.2g}, n {evidence.n}"
    auc = evidence.facts.get("tag_auc")
    more = f"; so do {', '.join(firing[1:])}" if firing[1:] else ""
    read = f"; the embedding tells {name} with AUC {auc:.2f}" if auc is not None else ""
    verb = "tells" if firing else "does not tell"
    sentence = f"{name} {verb} the label ({numbers}){more}{read}"
    return Finding(GUARD, fired=bool(firing), sentence=sentence, evidence=evidence)


def _crossed(one: Ints, two: Ints) -> tuple[tuple[Ints, Ints], Ints, Ints]:
    """Return the cells that have rows: their two codes, the first row of each, and how many there are."""
    width = int(two.max(initial=0)) + 1
    cells, first, seen = np.unique(one * width + two, return_index=True, return_counts=True)
    return np.divmod(cells, width), first, seen


def _stands_out(found: Association, n_tags: int) -> bool:
    return found.v > V_ABOVE and found.p * n_tags < P_BELOW


def _once(rows: pa.Table, group: str | None, one: Ints, two: Ints) -> Ints:
    """Return the rows that count: of each group the first one for each tag value and label."""
    if group is None:
        return np.arange(len(one))
    which = alone(ranks(rows[group]))
    cell = one * (int(two.max(initial=0)) + 1) + two
    return np.unique(which * (int(cell.max(initial=0)) + 1) + cell, return_index=True)[1]


def _require_enough(n: int, group: str | None) -> None:
    if n < MIN_ROWS:
        what = f"values of {group!r}" if group else "rows with a label"
        raise GuardError(f"{GUARD}: there are {n} {what}", hint=f"it needs at least {MIN_ROWS}")


def _require_classes(truth: Ints, label: str) -> None:
    n_labels = int(truth.max(initial=-1)) + 1
    if len(truth) < MIN_ROWS:
        raise GuardError(f"{GUARD}: {len(truth)} rows have a {label!r}", hint=f"it needs at least {MIN_ROWS}")
    if not 2 <= n_labels <= MAX_LABELS:
        raise GuardError(
            f"{GUARD}: {label!r} has {n_labels} different value{'s' * (n_labels != 1)}",
            hint=f"it needs classes: 2 to {MAX_LABELS}",
        )


def _codes(column: pa.ChunkedArray) -> Ints:
    """Return codes from 0; the missing ones share the last."""
    which = ranks(column)
    return np.where(which < 0, which.max(initial=-1) + 1, which)


def _cells(rows: pa.Table, once: Ints, names: tuple[str, str], one: Ints, two: Ints) -> list[dict[str, Any]]:
    """Return the cells of the table tag x label that independence explains worst, 100 at most."""
    tag, label = names
    one, two = one[once], two[once]
    (by_one, by_two), first, seen = _crossed(one, two)
    expected = np.bincount(one)[by_one] * (np.bincount(two)[by_two] / len(one))
    far = np.argsort(-np.abs(seen - expected), kind="stable")[:100]
    values = plain(rows[tag]).take(once[first[far]]).to_pylist()
    labels = plain(rows[label]).take(once[first[far]]).to_pylist()
    return [
        {
            "tag": tag,
            "value": None if value is None else str(value),
            "label": str(name),
            "rows": int(seen[i]),
            "expected": round(float(expected[i]), 1),
        }
        for i, value, name in zip(far, values, labels, strict=True)
    ]
