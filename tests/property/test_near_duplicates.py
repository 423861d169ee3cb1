"""Pairs across a split: what the matrix products find is what a loop over all pairs finds."""

from __future__ import annotations

import pyarrow as pa
from hypothesis import given, settings
from hypothesis import strategies as st

from workbench.guards import near_duplicates
from workbench.guards.likeness import BITS, BITS_SAME_CAMERA

SEEDS = (0x0, 0xFFFFFFFF00000000, 0x123456789ABCDEF0)


@st.composite
def codes(draw: st.DrawFn) -> int:
    """Return a hash that is near one of three, or not."""
    flips = draw(st.lists(st.integers(0, 63), max_size=11, unique=True))
    return draw(st.sampled_from(SEEDS)) ^ sum(1 << bit for bit in flips)


row = st.tuples(codes(), codes(), st.sampled_from("abx"), st.sampled_from(["train", "test", "validation"]))


@settings(max_examples=150)
@given(st.lists(row, max_size=30), st.booleans(), st.booleans())
def test_pairs_are_those_of_a_loop(more: list, cameras: bool, mirrored: bool) -> None:
    rows = [(1, 2, "a", "train"), (3, 4, "b", "test"), *more]  # too few to learn limits: the fixed ones hold
    table = pa.table(
        {
            "phash": [f"{r[0]:016x}" for r in rows],
            "camera": [None if r[2] == "x" else r[2] for r in rows],
            "split": [r[3] for r in rows],
        }
        | ({"phash_mirrored": [f"{r[1]:016x}" for r in rows]} if mirrored else {})
    )
    expected, hit = {}, set()
    for i, one in enumerate(rows):
        for j, two in enumerate(rows):
            if (one[3], two[3]) != ("test", "train"):
                continue
            least = BITS_SAME_CAMERA if cameras and one[2] == two[2] != "x" else BITS
            apart = (one[0] ^ two[0]).bit_count()
            flipped = (one[0] ^ two[1]).bit_count() if mirrored else 32
            if min(apart, flipped) <= least:
                expected[i, j] = min(apart, flipped)
                hit.add(i)
    seen = near_duplicates.measure(table, device="camera" if cameras else None)
    found = seen.offenders.to_pylist() if seen.offenders is not None else []
    assert seen.facts["pairs_found"] == len(expected)
    assert seen.value == len(hit) / sum(r[3] == "test" for r in rows)
    pairs = {(p["test_row"], p["train_row"]): p["distance"] for p in found}
    assert len(pairs) == min(100, len(expected))
    assert pairs.items() <= expected.items()
    assert [p["distance"] for p in found] == sorted(expected.values())[:100]
