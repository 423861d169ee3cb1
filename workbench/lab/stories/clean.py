"""What the second lesson looks at: a spoilt photo, the quarantine, pairs across a split, and what copies claim."""

from __future__ import annotations

import io
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from workbench.hashing import sha256_bytes
from workbench.lab.lesson import prepared, workspace
from workbench.lab.pipeline import run_pipeline, run_stage
from workbench.lab.show import Frame, Shown, contact_sheet, grid, pictures
from workbench.lab.stories.clean_exercises import EXERCISES
from workbench.lab.stories.clean_pairs import (
    LIVE,
    browser,
    frames_of,
    gone_with_equal_bytes,
    hash_limits,
    meter,
    named,
    own_photos,
    said_of_equal_bytes,
    watched,
    when_cured,
)
from workbench.manifests import read_header, read_table
from workbench.pictures import REASONS, PictureProblem, open_picture, perceptual_hash, policy_for
from workbench.profiles.objects import objects_of
from workbench.worlds.damage import tamper

if TYPE_CHECKING:
    from workbench.lab.pipeline import Watcher
    from workbench.profiles.workspace import Workspace

__all__ = [
    "EXERCISES", "LIVE", "VOTES", "Spoilt", "at_rest", "browser", "checks", "frames_of", "gone_with_equal_bytes",
    "hash_limits", "looks", "meter", "named", "only_one_of", "own_photos", "prepare", "quarantine", "said_of_equal_bytes",
    "spoilt_photo", "two_photos", "watched", "when_cured",
]  # fmt: skip

CHANGED: Final = 400
"""Bytes that are changed inside a photo of some 3,000."""
VOTES: Final = {
    "whoever looks at the file's name, date and length": "The change left all three as they were.",
    "the decoder, when it reads all pixels": "A decoder asks whether the stream can be read, not whether it is the right one.",
    "the rules of clean: size, mode, not blank": "They ask for a plausible picture, and this is one.",
    "only who holds a hash from before": "Without a note of how it was, a wrong picture is a picture like any other.",
}
"""Choices of the first guess, and what speaks for or against each."""
_ASKED: Final = dict(zip(VOTES, (("the length of the file", "the EXIF block"), ("a decoder, all pixels", "Pillow's verify()"),
                                 ("the policy of clean",)), strict=False))  # fmt: skip
DRAWN: Final = ("truncated", "too_small", "wrong_size", "exact_duplicate")
"""Reasons whose files a browser draws without a complaint."""


def prepare(watcher: Watcher | None = None) -> Workspace:
    """Make what the lesson works on, for somebody who comes late."""
    from workbench.lab.trial import try_failure

    ws = prepared(watcher=watcher)
    run_pipeline(_own(), until="clean", watcher=watcher)
    try_failure(LIVE, size="tiny", watcher=watcher)
    return ws


def _own() -> Workspace:
    """Return the workspace that this lesson does damage in."""
    return workspace("lesson-02-tiny")


# -- a photo that was changed inside ----------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Spoilt:
    """A photo before and after bytes inside it were changed.

    Attributes
    ----------
    image_id : str
        Which photo: of all usable ones the one that shows it most.
    whole, changed : bytes
        The file; both have the same length.
    share : float
        Of its pixels that differ, 0 to 1.
    mean_share : float
        The same, on average over all usable photos.
    """

    image_id: str
    whole: bytes
    changed: bytes
    share: float
    mean_share: float


def spoilt_photo(ws: Workspace) -> Spoilt:
    """Change bytes inside every usable photo, on a copy, and return the one with the most changed pixels.

    Parameters
    ----------
    ws : Workspace
        With a clean manifest. Nothing in it is touched.

    Returns
    -------
    Spoilt
        The photo, and how many pixels differ in it and on average.
    """
    rows = [row for row in read_table(ws.manifests / "clean").to_pylist() if row["status"] == "clean"]
    store = objects_of(ws)
    tried = []
    for row in sorted(rows, key=lambda row: row["image_id"]):
        whole = store.get(row["uri"])
        changed = tamper(whole, CHANGED)
        tried.append((_share_of_pixels(whole, changed), row["image_id"], whole, changed))
    share, image_id, whole, changed = max(tried, key=lambda one: one[0])
    return Spoilt(image_id, whole, changed, share, sum(one[0] for one in tried) / len(tried))


def _share_of_pixels(one: bytes, two: bytes) -> float:
    import numpy as np

    before, now = (np.asarray(open_picture(data).image) for data in (one, two))
    return float((before != now).any(axis=2).mean())


def two_photos(spoilt: Spoilt) -> Shown:
    """Show the photo before and after."""
    n = sum(a != b for a, b in zip(spoilt.whole, spoilt.changed, strict=True))
    after = f"{n} of {len(spoilt.changed):,} bytes, {spoilt.share:.0%} of the pixels"
    frames = [
        (Frame(spoilt.image_id, "as it was taken", f"{len(spoilt.whole):,} bytes"), spoilt.whole),
        (Frame(spoilt.image_id, "as it is today", after, "leak"), spoilt.changed),
    ]
    return pictures(frames, "One photo, before and after something went wrong on a disk")


def looks(spoilt: Spoilt) -> dict[str, tuple[str, bool]]:
    """Ask everybody who might notice.

    Parameters
    ----------
    spoilt : Spoilt
        The photo.

    Returns
    -------
    dict of str to (str, bool)
        Who is asked: what they say, and whether they noticed. The last two hold the file against a
        note that was taken while it was whole.
    """
    found: dict[str, tuple[str, bool]] = {}
    for name, look in _LOOKS.items():
        before, now = look(spoilt.whole), look(spoilt.changed)
        found[name] = (str(now), now != before)
    bits = (int(perceptual_hash(open_picture(spoilt.whole).image), 16)
            ^ int(perceptual_hash(open_picture(spoilt.changed).image), 16)).bit_count()  # fmt: skip
    found["a perceptual hash, taken before"] = (f"{bits} of 64 bits differ", bits > 0)
    same = sha256_bytes(spoilt.whole) == sha256_bytes(spoilt.changed)
    found["a sha256, taken before"] = ("the same" if same else "another one", not same)
    return found


def _verified(data: bytes) -> str:
    from PIL import Image

    with Image.open(io.BytesIO(data)) as image:
        image.verify()
    return "no complaint"


def _decoded(data: bytes) -> str:
    from PIL import Image

    with Image.open(io.BytesIO(data)) as image:
        image.load()
        return f"{image.width} x {image.height} pixels, no warning"


def _policy(data: bytes) -> str:
    try:
        open_picture(data, policy_for("packhouse"))
    except PictureProblem as problem:
        return problem.reason
    return "passes"


def _camera(data: bytes) -> str:
    from workbench.pictures import read_exif

    return f"camera {read_exif(data).device}"


_LOOKS: Final = {
    "the length of the file": lambda data: f"{len(data):,} bytes",
    "Pillow's verify()": _verified,
    "a decoder, all pixels": _decoded,
    "the EXIF block": _camera,
    "the policy of clean": _policy,
}


def only_one_of(spoilt: Spoilt) -> str:
    """Return the first of `VOTES` that is true: computed by asking them all."""
    said = looks(spoilt)
    for vote, asked in _ASKED.items():
        if any(said[name][1] for name in asked):
            return vote
    return [*VOTES][-1]


def checks(spoilt: Spoilt) -> Shown:
    """Show what everybody says who might have noticed."""
    rows = [(name, said, "yes" if noticed else "no") for name, (said, noticed) in looks(spoilt).items()]
    foot = "Your browser has a decoder of its own. It drew the photo above, and did not complain either."
    return grid("Who notices?", ("asked", "says", "notices"), rows, foot)


def at_rest() -> Shown:
    """Change a stored photo in the lesson's own workspace, run clean, bring it back, and run clean again.

    Returns
    -------
    Shown
        What clean counted each time. Afterwards the workspace is as before.
    """
    ws = _own()
    run_pipeline(ws, until="clean")
    row = next(r for r in read_table(ws.manifests / "clean").to_pylist() if r["status"] == "clean")
    path = ws.root / row["uri"]
    whole = path.read_bytes()
    counted = [_counts(ws, "as ingested")]
    try:
        path.write_bytes(tamper(whole, CHANGED))
        run_stage(ws, "clean")
        counted.append(_counts(ws, "after the change"))
    finally:
        path.write_bytes(whole)
    run_stage(ws, "clean")
    counted.append(_counts(ws, "brought back"))
    foot = "clean reads every object again on every run, and compares its sha256."
    return grid(
        "One stored photo is changed, without a decoder noticing",
        ("run", "clean", "quarantined", "tampered"),
        counted,
        foot,
    )


def _counts(ws: Workspace, name: str) -> tuple[str, int, int, int]:
    header = read_header(ws.manifests / "clean")
    tampered = int(header.extra["reasons"].get("tampered", 0))
    return name, header.counts["total_clean"], header.counts["total_quarantined"], tampered


# -- the quarantine ------------------------------------------------------------------------------------------------


def quarantine(ws: Workspace) -> tuple[Shown, Shown]:
    """Show what was set aside, and those of the files that a browser draws without a complaint.

    Parameters
    ----------
    ws : Workspace
        With a clean manifest.

    Returns
    -------
    tuple of Shown
        Reasons with their counts; one file of each reason that can be drawn.
    """
    table = read_table(ws.manifests / "clean").to_pylist()
    out = sorted(
        (row for row in table if row["status"] != "clean"), key=lambda row: (row["reason"], row["name"])
    )
    n = Counter(row["reason"] for row in out)
    first: dict[str, dict[str, Any]] = {}
    for row in out:
        first.setdefault(row["reason"], row)
    rows = [(reason, count, REASONS[reason], _detail(first[reason])) for reason, count in sorted(n.items())]
    counts = read_header(ws.manifests / "clean").counts
    foot = (
        f"{counts['total_clean']} clean and {counts['total_quarantined']} quarantined are "
        f"{counts['total_raw']} raw: nothing is dropped without a word."
    )
    reasons = grid("Set aside by clean", ("reason", "files", "it means", "the first one"), rows, foot)
    frames = [
        Frame(first[r]["image_id"], r.replace("_", " "), _detail(first[r])) for r in DRAWN if r in first
    ]
    return reasons, contact_sheet(ws, frames, "Some of them: your browser draws each without a complaint")


def _detail(row: dict[str, Any]) -> str:
    detail = str(row["detail"])
    return "equal bytes came before" if row["duplicate_of"] else detail.partition(" (")[0]
