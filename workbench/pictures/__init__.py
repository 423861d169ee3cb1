"""Pictures: the one way in which bytes become pixels, and what can be told about them.

*clean* and *extract* both call `open_picture`; so what was checked is what is embedded.
"""

from __future__ import annotations

from workbench.pictures.decode import Picture, open_picture
from workbench.pictures.exif import ExifFacts, read_exif, strip_gps
from workbench.pictures.looks import perceptual_hash, pixel_hash, thumbnail
from workbench.pictures.policy import POLICIES, REASONS, PictureProblem, Policy, policy_for

__all__ = [
    "POLICIES",
    "REASONS",
    "ExifFacts",
    "Picture",
    "PictureProblem",
    "Policy",
    "open_picture",
    "perceptual_hash",
    "pixel_hash",
    "policy_for",
    "read_exif",
    "strip_gps",
    "thumbnail",
]
