"""Embedding: the same photos through both paths, compared by angle.

Catches what changes the numbers and nothing else: colour order, a skipped normalisation, a photo
that was not turned, another model under the old name, a row that was overwritten in place.

Limits: it needs the same photos through both paths. A path that is wrong only for some files
needs those files among them. Two versions of one model can lie close: compare fingerprints, too.

Threshold: mean cosine below 0.99. Measured on the packhouse and its encoder, every harmful change
is below .90; another resize filter, which harms nobody, is at .995 to .997.
Cost: one product of two matrices.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

from workbench.errors import GuardError
from workbench.guards.evidence import Evidence, Finding, require_columns, worst

if TYPE_CHECKING:
    import pyarrow as pa
    from numpy.typing import NDArray

GUARD: Final = "embedding"
LOWEST_MEAN: Final = 0.99


def measure(
    reference: pa.Table,
    served: pa.Table,
    *,
    key: str = "image_id",
    embedding: str = "embedding",
    fingerprint: str | None = None,
) -> Evidence:
    """Compare the embeddings of the photos that both tables have.

    Parameters
    ----------
    reference, served : pyarrow.Table
        With `key` and a list column `embedding`; keys may repeat in `served`.
    key : str
        Names the photo.
    embedding : str
        Name of the list column, the same length everywhere.
    fingerprint : str, optional
        Column that names the model behind each row.

    Returns
    -------
    Evidence
        ``value`` is the mean cosine; offenders are the photos below the threshold, lowest first.

    Raises
    ------
    GuardError
        If the tables share no photo, a column is missing, or the lengths differ.
    """
    columns = [key, embedding, *([fingerprint] if fingerprint else [])]
    for table in (reference, served):
        require_columns(table, columns, GUARD)
    known = dict(zip(reference[key].to_pylist(), _matrix(reference, embedding), strict=True))
    pairs = [
        (name, known[name], vector)
        for name, vector in zip(served[key].to_pylist(), _matrix(served, embedding), strict=True)
        if name in known
    ]
    if not pairs:
        raise GuardError(
            f"{GUARD}: the two tables share no {key}", hint="embed the same photos on both paths"
        )
    names, one, two = zip(*pairs, strict=True)
    if len(one[0]) != len(two[0]):
        raise GuardError(
            f"{GUARD}: {len(one[0])} numbers against {len(two[0])}", hint="these are two encoders"
        )
    cosine = _cosines(np.stack(one), np.stack(two))
    order = np.argsort(cosine, kind="stable")
    low = [{key: names[i], "cosine": float(cosine[i])} for i in order if cosine[i] < LOWEST_MEAN]
    models = (
        sorted({str(m) for t in (reference, served) for m in t[fingerprint].to_pylist()})
        if fingerprint
        else []
    )
    facts = {"lowest": float(cosine[order[0]]), "fingerprints": models, "below": len(low)}
    return Evidence(GUARD, len(pairs), float(cosine.mean()), "mean cosine", offenders=worst(low), facts=facts)


def check(evidence: Evidence, *, lowest_mean: float = LOWEST_MEAN) -> Finding:
    """Judge: fires when the mean cosine is below `lowest_mean`, or two models are behind one column."""
    models = evidence.facts["fingerprints"]
    if len(models) > 1:
        return Finding(
            GUARD, fired=True, sentence=f"{len(models)} models are behind one column", evidence=evidence
        )
    said = f"mean cosine {evidence.value:.3f} (lowest {evidence.facts['lowest']:.3f}) on {evidence.n} photos"
    return Finding(GUARD, evidence.value < lowest_mean, said, evidence)


def _matrix(table: pa.Table, column: str) -> NDArray[np.float64]:
    import pyarrow.compute as pc

    lengths = set(pc.list_value_length(table[column]).to_pylist())
    if len(lengths) != 1 or None in lengths:
        raise GuardError(f"{GUARD}: {column!r} has lists of the lengths {sorted(lengths, key=str)}")
    flat = pc.list_flatten(table[column]).to_numpy(zero_copy_only=False).astype(np.float64)
    wide: NDArray[np.float64] = flat.reshape(table.num_rows, -1)
    return wide


def _cosines(one: NDArray[np.float64], two: NDArray[np.float64]) -> NDArray[np.float64]:
    length = np.linalg.norm(one, axis=1) * np.linalg.norm(two, axis=1)
    with np.errstate(invalid="ignore", divide="ignore"):
        cosine = (one * two).sum(axis=1) / length
    right: NDArray[np.float64] = np.nan_to_num(cosine, nan=-1.0)  # no direction at all is as wrong as it gets
    return right
