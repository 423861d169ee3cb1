"""Nearly the same picture on both sides of a split: frames of a burst, copies, mirrored or re-encoded variants.

Catches  what no id tells: a fruit photographed twice a second under two names, a photo uploaded twice, an
         augmented copy. Three votes: the perceptual hash, the hash of the mirrored picture (it finds the
         flipped copies of which a hash alone finds none), and the embedding, alone or confirming a hash.
Misses   strong crops and turns, where there is no embedding (15 % crop: 4 % found; turned by 10 degrees: none).
         Where things before one fixed background are as alike as frames of one thing, only the closest
         pairs are named, and the share is a lower bound; hashes alone are no witness there, and it says so.
Limits   of each camera are learned from pairs of different `group` (`workbench.guards.likeness`), never
         above 8 of 64 bits. A label does for a group, less well: things with one label are more alike.
Fires    when more than 3 % of the test pictures have a near train picture: that share bounds what copies can
         add to an accuracy. Measured on 960 packhouse captures, 7 seasons x 8 splits, with embedding; 3 % and
         the margin of the limits were chosen on the first three seasons. Share of test pictures:

         ================  ========================  ===========================
         limits from       fruit kept together       frames of one fruit apart
         ================  ========================  ===========================
         items, device     0 to 2.5 %                6.5 to 31 %
         items, no device  0 to 1.7 %                1.2 to 17 %: some are missed
         label, device     0 to 14 %                 17 to 68 %
         ================  ========================  ===========================

         So before a fixed background give items and devices; with labels take ``threshold=0.15``: at 0.03
         17 of 30 clean seasons fired. Without devices frames that lay apart were found in 24 of 30. In few
         pictures chance crosses the line: of 960 clean ones, items and devices given, it fired in 0 of 30
         seasons, of 360 in 16 of 30. Read the pairs there, or raise the threshold.
Rates    docs/GUARDS.md
Cost     all pairs, as products of matrices: about 3 s of one core for 5,000 x 15,000 pictures with embeddings of 128.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from workbench.errors import GuardError
from workbench.guards.columns import SIDES, plain, ranks, sides_of
from workbench.guards.evidence import MAX_OFFENDERS, Evidence, Finding, require_columns
from workbench.guards.likeness import BITS, Limits, Looks, learn, near
from workbench.guards.vectors import hash_signs, unit_rows

if TYPE_CHECKING:
    import pyarrow as pa
    from numpy.typing import NDArray

GUARD: Final = "near_duplicates"
THRESHOLD: Final = 0.03
USEFUL_BITS: Final = 2
"""Where equal pictures and different ones cannot be told with a limit of so many bits, a hash is no witness."""
_SHOWN: Final = ("image_id", "row_id", "uri")
_WHY: Final = ("hash", "mirrored", "embedding")
_TEST_ROWS, _TRAIN_ROWS = 512, 4096  # of one block: 2 million pairs, some 50 MB


def measure(  # noqa: PLR0913 (all but the first are names of columns, with defaults)
    pictures: pa.Table,
    *,
    split: str = "split",
    group: str | None = None,
    device: str | None = None,
    phash: str = "phash",
    mirrored: str = "phash_mirrored",
    embedding: str | None = None,
    sides: tuple[str, str] = SIDES,
) -> Evidence:
    """Measure how many test pictures have a near-duplicate among the train pictures.

    Parameters
    ----------
    pictures : pyarrow.Table
        One row a picture. Ids and places (``image_id``, ``row_id``, ``uri``) are shown where there are any.
    split : str
        Column that names the side of each row.
    group : str, optional
        Column whose different values are certainly different things: an item, or a label.
    device : str, optional
        Column of the camera: each gets its own limits.
    phash : str
        Column of the perceptual hash, 16 hex digits (`workbench.pictures.perceptual_hash`).
    mirrored : str
        Column of the hash of the mirrored picture; it may be missing.
    embedding : str, optional
        Column of embeddings, lists of one length; asks for `group`.
    sides : tuple of two str
        Which side was learned from, and which judges.

    Returns
    -------
    Evidence
        ``value``: share of the test pictures. Offenders: pairs, closest first, with ``distance`` in bits
        (the mirrored one where it is smaller), ``cosine`` and ``why``.

    Raises
    ------
    GuardError
        If a column is missing or unreadable, a side has no readable picture, or different things
        are too alike to tell.
    """
    named = [phash, *(name for name in (group, device, embedding) if name)]
    require_columns(pictures, named, GUARD)
    train, test = sides_of(pictures, split, sides, GUARD)
    if embedding and not group:
        raise GuardError(
            f"{GUARD}: how alike two different things are in {embedding!r} cannot be told without groups",
            hint="give group=, a column whose different values are different things; a label will do",
        )
    looks, readable = _looks(pictures, phash, mirrored, embedding, device)
    train, test = train & readable, test & readable
    if not (train.any() and test.any()):
        raise GuardError(f"{GUARD}: a side has no row with a {phash!r}", hint="hash the pictures first")
    limits = learn(
        looks, ranks(pictures[group]) if group else None, (train, test), cameras=device is not None
    )
    if not embedding:
        _require_witness(looks.camera[test], limits)
    found = _search(looks, np.flatnonzero(test), np.flatnonzero(train), limits)
    facts = _facts(found, limits, pictures, device) | {
        "pictures_without_hash": int((~readable).sum()),
        "mirrored": mirrored in pictures.column_names,
    }
    n, hit = int(test.sum()), len(found.test_hit)
    facts["test_pictures_hit"] = hit
    return Evidence(
        GUARD, n, hit / n, "share of test pictures", (phash,), found.table(pictures, device), facts
    )


def check(evidence: Evidence, *, threshold: float = THRESHOLD) -> Finding:
    """Judge the share of test pictures that have a near train picture.

    Parameters
    ----------
    evidence : Evidence
        From `measure`.
    threshold : float
        Share above which it fires; 0 for any pair.

    Returns
    -------
    Finding
        With the number of pairs.
    """
    facts = evidence.facts
    sentence = (
        f"{facts['test_pictures_hit']} of {evidence.n} test pictures ({evidence.value:.1%}) have a near-duplicate "
        f"among the train pictures ({facts['pairs_found']} pairs)"
    )
    return Finding(GUARD, fired=evidence.value > threshold, sentence=sentence, evidence=evidence)


def _looks(
    pictures: pa.Table, phash: str, mirrored: str, embedding: str | None, device: str | None
) -> tuple[Looks, NDArray[np.bool_]]:
    """Return what is compared, and which rows have a hash or an embedding."""
    n = pictures.num_rows
    bits = hash_signs(pictures[phash], GUARD)
    flipped = (
        hash_signs(pictures[mirrored], GUARD) if mirrored in pictures.column_names else np.zeros_like(bits)
    )
    unit = unit_rows(pictures[embedding], GUARD) if embedding else np.zeros((n, 0), np.float32)
    camera = ranks(pictures[device]) if device else np.zeros(n, np.int64)
    return Looks(bits, flipped, unit, camera), np.asarray(bits.any(axis=1) | unit.any(axis=1))


def _require_witness(camera: NDArray[np.int64], limits: list[Limits]) -> None:
    """Refuse to judge by hashes that are as close for different things as for copies."""
    bits = np.array([limit.bits for limit in limits])[camera]  # -1, not known, takes the last
    blind = float((bits < USEFUL_BITS).mean())
    if blind > 0.5:
        raise GuardError(
            f"{GUARD}: before this background different things have nearly equal hashes ({blind:.0%} of the "
            f"test pictures)",
            hint="give embedding= and group= (an item or a label)",
        )


@dataclass
class _Found:
    """Pairs that were found: the closest ones, and counts of all."""

    closest: NDArray[np.float64] = field(default_factory=lambda: np.empty((0, 5)))
    test_hit: set[int] = field(default_factory=set)
    counts: dict[str, int] = field(default_factory=lambda: dict.fromkeys(("pairs", *_WHY), 0))

    def add(
        self, test: NDArray[np.int64], train: NDArray[np.int64], seen: NDArray[np.float32], why: Any
    ) -> None:
        """Take near pairs: rows (n,), distance and cosine (n, 2), the three votes."""
        self.test_hit.update(np.unique(test).tolist())
        self.counts["pairs"] += len(test)
        code = np.zeros(len(test))
        for place, (name, votes) in enumerate(zip(_WHY, why, strict=True)):
            self.counts[name] += int(votes.sum())
            code += votes * 2.0**place
        rows = np.concatenate([self.closest, np.column_stack([seen, test, train, code])])
        order = np.lexsort((rows[:, 3], rows[:, 2], -rows[:, 1], rows[:, 0]))
        self.closest = rows[order[:MAX_OFFENDERS]]

    def table(self, pictures: pa.Table, device: str | None) -> pa.Table | None:
        """Return the closest pairs, or None where there are none."""
        import pyarrow as pa

        if not len(self.closest):
            return None
        rows = {"test": self.closest[:, 2].astype(np.int64), "train": self.closest[:, 3].astype(np.int64)}
        shown = [name for name in dict.fromkeys((*_SHOWN, device)) if name and name in pictures.column_names]
        columns: dict[str, Any] = {f"{side}_row": at for side, at in rows.items()}
        columns |= {
            f"{side}_{name}": plain(pictures[name]).take(at) for name in shown for side, at in rows.items()
        }
        why = [
            " + ".join(name for place, name in enumerate(_WHY) if int(code) >> place & 1)
            for code in self.closest[:, 4]
        ]
        columns |= {"distance": self.closest[:, 0].astype(np.int64), "cosine": self.closest[:, 1]}
        return pa.table(columns | {"why": pa.array(why, pa.string())})


def _search(looks: Looks, test: NDArray[np.int64], train: NDArray[np.int64], limits: list[Limits]) -> _Found:
    found, across = _Found(), len(limits) - 1
    least = min(min(limit.cosine, limit.both) for limit in limits)
    for i in range(0, len(test), _TEST_ROWS):
        some = looks.take(test[i : i + _TEST_ROWS])
        for j in range(0, len(train), _TRAIN_ROWS):
            others = looks.take(train[j : j + _TRAIN_ROWS])
            apart, mirrored, cosine = some.compare(others)
            one, two = np.nonzero((apart <= BITS) | (mirrored <= BITS) | (cosine > least))
            same = (some.camera[one] == others.camera[two]) & (some.camera[one] >= 0)
            a, m, c = apart[one, two], mirrored[one, two], cosine[one, two]
            votes = near(limits, np.where(same, some.camera[one], across), a, m, c)
            hit = votes[0] | votes[1] | votes[2]
            seen = np.column_stack([np.minimum(a, m), c])[hit]
            found.add(test[i + one[hit]], train[j + two[hit]], seen, [vote[hit] for vote in votes])
    return found


def _facts(found: _Found, limits: list[Limits], pictures: pa.Table, device: str | None) -> dict[str, Any]:
    names = sorted(map(str, plain(pictures[device]).drop_null().unique().to_pylist())) if device else ["all"]
    first = dict(zip([*names, "two cameras"], limits, strict=False)) if len(names) < MAX_OFFENDERS else {}
    return {
        "pairs_found": found.counts["pairs"],
        "pairs_by": {name: found.counts[name] for name in _WHY},
        "limits": {
            name: {"bits": it.bits, "both": _finite(it.both), "cosine": _finite(it.cosine), "pairs": it.pairs}
            for name, it in first.items()
        },
    }


def _finite(value: float) -> float | None:
    return value if np.isfinite(value) else None
