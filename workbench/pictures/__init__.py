"""Pictures: the one way in which bytes become pixels, and what can be told about them.

*clean* and *extract* both call `open_picture`; so what was checked is what is embedded.
"""

from __future__ import annotations

from workbench.pictures.decode import (
    POLICIES,
    REASONS,
    Picture,
    PictureProblem,
    Policy,
    open_picture,
    perceptual_hash,
    pixel_hash,
    policy_for,
    thumbnail,
)
from workbench.pictures.exif import ExifFacts, read_exif, strip_gps

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
