"""The same photos, embedded on two paths, are not the same: training and serving differ before the model.

Catches  other colours, no normalisation, turned pictures, compression, another model under the same name:
         the dimension fits, nothing fails, the scores are wrong.
Misses   a path that differs only for photos that are not in the sample. It needs the same captures through both
         paths, about 50. Two versions of one model can lie close: give the fingerprints, too.
Fires    when the mean cosine is below .99, or one capture's is below .95, or an embedding is lost on the way, or
         there is more than one fingerprint. Mean and lowest, since each misses something. Measured on three
         samples of 50 packhouse captures with `tiny_v1`:

         ====================================  =============  =============
         path                                  mean           lowest
         ====================================  =============  =============
         red and blue exchanged                .07 to .09     -.61 to -.54
         not normalised                        -.02 to .04    -.55 to -.46
         another model, same length            .08 to .09     -.16 to -.05
         all turned by 90 degrees              .66 to .70     .28 to .36
         JPEG quality 15                       .80 to .83     .47 to .52
         JPEG quality 75                       .984 to .989   .88 to .94
         orientation ignored, 2 or 3 of 50     .990 to .993   .71 to .81
         bilinear instead of bicubic           .9965 to .997  .990 to .992
         nearest instead of bicubic            .997           .986 to .992
         ====================================  =============  =============

         JPEG of quality 75 lies at the line: found in 25 of 30 further seasons. The last two cost no accuracy
         to speak of, and stay silent. The one before them is why a mean is not
         enough: a few files that are quite wrong do not move it.
Rates    docs/GUARDS.md
Cost     one pass.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import numpy as np

from workbench.errors import GuardError
from workbench.guards.columns import plain, ranks
from workbench.guards.evidence import MAX_OFFENDERS, Evidence, Finding, require_columns
from workbench.guards.vectors import unit_rows

if TYPE_CHECKING:
    import pyarrow as pa
    from numpy.typing import NDArray

    Ints = NDArray[np.int64]

GUARD: Final = "embedding"
LOWEST_MEAN: Final = 0.99
LOWEST_ONE: Final = 0.95


def measure(
    reference: pa.Table,
    served: pa.Table,
    *,
    key: str = "image_id",
    embedding: str = "embedding",
    fingerprint: str | None = None,
) -> Evidence:
    """Compare the embeddings of the same captures.

    Parameters
    ----------
    reference : pyarrow.Table
        What training read; each key once, or every time with the same embedding.
    served : pyarrow.Table
        What the model was given in production; a capture may come more than once.
    key : str
        Column of the capture.
    embedding : str
        Column of embeddings, lists of one length; they need not be of length 1.
    fingerprint : str, optional
        Column, in both tables, of what made the embedding: model and preprocessing.

    Returns
    -------
    Evidence
        ``value``: mean cosine of the shared captures, where one that is missing or not finite on a side
        counts 0. Offenders: captures whose embeddings differ, worst first.

    Raises
    ------
    GuardError
        If a column is missing, no capture is shared, the lengths differ, or the reference has two
        embeddings for one capture.
    """
    for table in (reference, served):
        require_columns(table, [key, embedding, *([fingerprint] if fingerprint else [])], GUARD)
    one, two = _shared_codes(reference, served, key)
    right, given = unit_rows(reference[embedding], GUARD), unit_rows(served[embedding], GUARD)
    if right.shape[1] != given.shape[1]:
        raise GuardError(
            f"{GUARD}: {right.shape[1]} numbers against {given.shape[1]}", hint="these are two encoders"
        )
    first = _first(one, right, key, int(max(one.max(), two.max())) + 1)
    at = np.flatnonzero(two >= 0)
    at = at[first[two[at]] >= 0]
    if not len(at):
        raise GuardError(
            f"{GUARD}: the two tables share no {key}", hint="embed the same photos, about 50, on both paths"
        )
    one_of, given = right[first[two[at]]], given[at]
    cosine = np.einsum("ij,ij->i", one_of.astype(np.float64), given.astype(np.float64))
    facts: dict[str, Any] = {
        "lowest": float(cosine.min()),
        "below": int((cosine < LOWEST_MEAN).sum()),
        "lost": int((one_of.any(axis=1) & ~given.any(axis=1)).sum()),
        "keys_only_in_reference": len(set(one[one >= 0].tolist()) - set(two.tolist())),
        "rows_only_in_served": len(two) - len(at),
        "fingerprints": _fingerprints(reference, served, fingerprint),
    }
    offenders = _offenders(served, key, at, cosine)
    return Evidence(GUARD, len(at), float(cosine.mean()), "mean cosine", (embedding,), offenders, facts)


def check(evidence: Evidence, *, lowest_mean: float = LOWEST_MEAN, lowest_one: float = LOWEST_ONE) -> Finding:
    """Judge the mean cosine, what was lost, and the fingerprints.

    Parameters
    ----------
    evidence : Evidence
        From `measure`.
    lowest_mean : float
        Mean cosine below which it fires.
    lowest_one : float
        Cosine of any one capture below which it fires.

    Returns
    -------
    Finding
        With mean and lowest.
    """
    facts, troubles = evidence.facts, []
    models = facts["fingerprints"]
    if len(models) > 1:
        names = ", ".join(name[:12] for name in models[:5])
        troubles.append(f"{len(models)} models are behind one column: {names}")
    if facts["lost"]:
        troubles.append(f"{facts['lost']} embeddings are missing or not finite in the service")
    said = f"mean cosine {evidence.value:.4f} (lowest {facts['lowest']:.4f}) on {evidence.n} photos"
    fired = bool(troubles) or evidence.value < lowest_mean or facts["lowest"] < lowest_one
    return Finding(GUARD, fired=fired, sentence="; ".join([*troubles, said]), evidence=evidence)


def _shared_codes(reference: pa.Table, served: pa.Table, key: str) -> tuple[Ints, Ints]:
    """Return the keys of both tables as numbers; as texts, so that 7 equals "7"."""
    import pyarrow as pa

    texts = [plain(table[key]).cast(pa.large_string()) for table in (reference, served)]
    keys = ranks(pa.chunked_array(texts))
    return keys[: reference.num_rows], keys[reference.num_rows :]


def _first(keys: Ints, rows: NDArray[np.float32], key: str, n_keys: int) -> Ints:
    """Return the first row of each key, -1 where there is none; refuse a key with two embeddings."""
    there = np.flatnonzero(keys >= 0)
    first = np.full(n_keys, -1, np.int64)
    first[keys[there][::-1]] = there[::-1]
    other = (rows[there] != rows[first[keys[there]]]).any(axis=1)
    if other.any():
        raise GuardError(
            f"{GUARD}: the reference has two embeddings for one {key}, in {int(other.sum())} rows",
            hint="keep one row a photo",
        )
    return first


def _fingerprints(reference: pa.Table, served: pa.Table, column: str | None) -> list[str]:
    """Return all that there are; a missing one is one more."""
    if column is None:
        return []
    seen = [plain(table[column]).unique().to_pylist() for table in (reference, served)]
    return sorted({"(none)" if value is None else str(value) for values in seen for value in values})


def _offenders(served: pa.Table, key: str, at: Ints, cosine: NDArray[np.float64]) -> pa.Table | None:
    import pyarrow as pa

    order = np.argsort(cosine, kind="stable")
    order = order[cosine[order] < 1 - 1e-6][:MAX_OFFENDERS]  # float32 rounds the cosine of equals
    if not len(order):
        return None
    rows = at[order]
    return pa.table({"served_row": rows, key: plain(served[key]).take(rows), "cosine": cosine[order]})
