"""The pair browser on what the guard of near-duplicates found."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from workbench.widgets import PairBrowser

if TYPE_CHECKING:
    from collections.abc import Callable

    from workbench.guards.evidence import Evidence

    Photo = Callable[[str], bytes]


def pair_browser(evidence: Evidence, photo: Photo, *, name: str = "image_id", most: int = 20) -> PairBrowser:
    """Return a browser of the closest pairs.

    Parameters
    ----------
    evidence : Evidence
        From `workbench.guards.near_duplicates.measure`.
    photo : callable
        Takes the id of a picture, returns the bytes of its file.
    name : str
        Column of the guard's table with that id.
    most : int
        Pairs that are shown, closest first.

    Returns
    -------
    PairBrowser
        Train on the left, test on the right; with how many there are in all.
    """
    rows = [] if evidence.offenders is None else evidence.offenders.slice(0, most).to_pylist()
    pairs = [
        {
            "one": _side(row, "train", photo, name),
            "two": _side(row, "test", photo, name),
            "distance": row["distance"],
            "cosine": row["cosine"] if row["cosine"] > 0 else None,  # 0 where there are no embeddings
            "why": row["why"],
        }
        for row in rows
    ]
    return PairBrowser(pairs, found=evidence.facts["pairs_found"])


def _side(row: dict[str, Any], side: str, photo: Photo, name: str) -> dict[str, Any]:
    key = str(row[f"{side}_{name}"])
    return {"id": key, "picture": photo(key)}
