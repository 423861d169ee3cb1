"""One column alone tells the label: a column that knows the answer, or was made from it.

For each column a decision tree of depth 4 is fitted on that column alone, in three folds, and judged
on the rows that it has not seen.

Catches  a copy, a code or a consequence of the label (a reason for leaving, a closing date, a file
         name that starts with the class); a column whose being empty tells it.
Misses   leaks that are small, or spread over many columns (windows that reach a day too far);
         a category of more than about 16 values whose alphabet has nothing to do with the label.
         A strong honest feature fires too: look at when the column becomes known.
Groups   Where rows repeat an entity (frames of one fruit) and the label belongs to it, any constant of the
         entity tells it by recognition: with 24 fruit of forty frames, in 22 of 30 clean seasons. Give
         `group`, and one row of each group and class is drawn, with whole groups in one fold. Do not give
         it where the label belongs to the row (leaves within a month): earlier rows of a leaver then stand
         beside the last one with the same reason for leaving, which was found in 0 of 30 gyms.
Ids      A text counts as its place in the alphabet, and is judged on unseen rows: an id that is
         different in each row scores 0.5 unless its order itself tells the label (``cat_001``,
         ``dog_001``), which is a finding. Codes in order of appearance would call each id of a
         table sorted by label an oracle.
Fires    above 0.85. In small tables chance gets there as well, so the AUC must also be further from 0.5
         than chance makes it in one of 100 tables, over all columns (Bonferroni). The line is close: a
         reason for leaving that is exported today, so that who leaves later has one as well, was above
         it in 28 of 30 gyms; one that stands in the label's window alone in 30 of 30.
Rates    docs/GUARDS.md
Cost     at most 10,000 rows of each class, drawn by the seed; about 0.05 s a column.
"""

from __future__ import annotations

from statistics import NormalDist
from typing import TYPE_CHECKING, Any, Final

from workbench.errors import GuardError
from workbench.guards.columns import missing, plain, ranks
from workbench.guards.evidence import Evidence, Finding, require_columns, worst
from workbench.guards.one_column import Sample, draw, tree_auc

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pyarrow as pa

GUARD: Final = "solo_feature"
THRESHOLD: Final = 0.85
CHANCE: Final = 0.01  # of a clean table to pass the second condition, over all its columns


def measure(
    rows: pa.Table,
    *,
    label: str = "label",
    positive: object,
    columns: Sequence[str] | None = None,
    group: str | None = None,
    seed: int = 0,
) -> Evidence:
    """Measure how well each column alone predicts the label.

    Parameters
    ----------
    rows : pyarrow.Table
        One row an observation. Rows without a label are left out.
    label : str
        Column of the label.
    positive : object
        Value of the positive class; all others count as negative.
    columns : sequence of str, optional
        Columns to look at; default all but the label and the
        group. Lists, structs and maps are left out and
        named in the facts.
    group : str, optional
        Column of the entity or group whose rows belong together: one row of each group and class is
        drawn, and a group is never on both sides. Default: each row is on its own.
    seed : int
        Of the sample and the folds.

    Returns
    -------
    Evidence
        ``value``: the best AUC. Offenders: every column with ``auc``, ``z``, ``n_values`` and
        ``missing_share``, best AUC first.

    Raises
    ------
    GuardError
        If a column is missing, a class has fewer than 10 rows or groups, or no column can be looked at.
    """
    names = (
        [name for name in rows.column_names if name not in {label, group}]
        if columns is None
        else list(columns)
    )
    require_columns(rows, [label, *names, *([group] if group else [])], GUARD)
    sample = draw(rows, label, positive, group, GUARD, seed)
    found: list[dict[str, Any]] = []
    left_out = {}
    for name in dict.fromkeys(names):
        if (seen := _look(plain(rows[name]).take(sample.rows), sample)) is None:
            left_out[name] = str(rows[name].type)
        else:
            found.append({"column": name} | seen)
    if not found:
        raise GuardError(
            f"{GUARD}: none of {len(names)} columns can be looked at", hint=f"left out: {left_out}"
        )
    found.sort(key=lambda one: (-one["auc"], one["column"]))
    facts = {
        "rows_sampled": len(sample.rows),
        "rows_labelled": sample.n_labelled,
        "positives_sampled": int(sample.is_positive.sum()),
        "left_out": left_out,
        "auc": {one["column"]: one["auc"] for one in found},
        "z": {one["column"]: one["z"] for one in found},
    }
    order = tuple(one["column"] for one in found)
    return Evidence(GUARD, len(found), found[0]["auc"], "AUC of one column alone", order, worst(found), facts)


def check(evidence: Evidence, *, threshold: float = THRESHOLD) -> Finding:
    """Judge the best columns.

    Parameters
    ----------
    evidence : Evidence
        From `measure`.
    threshold : float
        AUC above which a column is called an oracle, if chance is ruled out.

    Returns
    -------
    Finding
        Names the columns.
    """
    auc, z = evidence.facts["auc"], evidence.facts["z"]
    needed = NormalDist().inv_cdf(1 - CHANCE / evidence.n)
    guilty = [name for name in auc if auc[name] > threshold and z[name] > needed]
    best = next(iter(auc))
    if guilty:
        others = f", and {len(guilty) - 1} more columns do" if len(guilty) > 1 else ""
        sentence = f"{guilty[0]!r} alone tells the label: AUC {auc[guilty[0]]:.3f} on unseen rows{others}"
        return Finding(GUARD, fired=True, sentence=sentence, evidence=evidence)
    by_chance = " (chance alone can do that in so few rows)" if auc[best] > threshold else ""
    sentence = f"no column alone tells the label: the best of {evidence.n} is {best!r}, AUC {auc[best]:.3f}"
    return Finding(GUARD, fired=False, sentence=sentence + by_chance, evidence=evidence)


def _look(column: pa.Array, sample: Sample) -> dict[str, Any] | None:
    """Return what one column tells, or None where its values have no order."""
    try:
        x = ranks(column)
    except GuardError:
        return None
    auc, z = tree_auc(x, sample)
    share = float(missing(column).mean())
    return {"auc": auc, "z": z, "n_values": int(x.max()) + 1, "missing_share": share}
