"""What a picture must be to pass, and the reasons for which one does not."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Sequence

REASONS: Final = {
    "missing_object": "the raw object is gone from the store",
    "tampered": "the bytes no longer have the sha256 taken at ingestion",
    "empty": "the file has no bytes",
    "not_an_image": "the first bytes are those of no picture format",
    "format_refused": "a picture format that is not decoded here",
    "truncated": "the file ends before the picture does",
    "damaged": "the decoder gave up",
    "bomb": "far more pixels, passes or text than a photo has",
    "animated": "more than one frame",
    "sixteen_bit": "more than 8 bits a channel: the range of values is not known",
    "mode_refused": "pixels of a kind that has no fixed way to RGB",
    "too_small": "a side is too short",
    "wrong_size": "not the size that this world's cameras deliver",
    "extreme_aspect": "far longer than wide",
    "blank": "one colour from edge to edge",
    "exact_duplicate": "the same bytes arrived before",
    "same_pixels": "the same pixels arrived before in other bytes",
}
"""Why a file is quarantined: the code in the manifest, and what it means."""


@dataclass(frozen=True, slots=True)
class Policy:
    """What a picture must be to pass.

    Attributes
    ----------
    min_side : int
        Shortest side, in pixels.
    max_side : int
        Longer pictures are shrunk to this, in pixels.
    exact : sequence of int, or None
        Width and height that every picture must have.
    max_aspect : float
        Longest side over shortest side.
    max_pixels : int
        More are not decoded; 64 million pixels take 192 MB.
    max_passes : int
        Scans of a progressive JPEG: a few kilobytes can hold thousands, each over all pixels.
    max_text : int
        Bytes of one compressed text or profile of a PNG when unpacked.
    blank_range : int
        A channel whose values span no more than this, of 255, counts as one value.
    """

    min_side: int = 32
    max_side: int = 512
    exact: Sequence[int] | None = None
    max_aspect: float = 8.0
    max_pixels: int = 64_000_000
    max_passes: int = 100
    max_text: int = 1 << 20
    blank_range: int = 2


POLICIES: Final = {"packhouse": Policy(exact=(96, 96)), "folder": Policy()}


def policy_for(world: str) -> Policy:
    """Return the policy of a world, or the general one.

    Parameters
    ----------
    world : str
        ``packhouse`` or ``folder``.

    Returns
    -------
    Policy
        What *clean* asks of its pictures.
    """
    return POLICIES.get(world, Policy())


class PictureProblem(ValueError):  # noqa: N818  it is a finding, not a fault of the program
    """A file is not a picture that we use.

    Parameters
    ----------
    reason : str
        A key of `REASONS`.
    detail : str
        What was seen.
    """

    def __init__(self, reason: str, detail: str) -> None:
        super().__init__(f"{REASONS[reason]}: {detail}")
        self.reason = reason
        self.detail = detail
