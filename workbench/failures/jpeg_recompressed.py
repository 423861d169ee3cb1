"""JPEG recompressed: a gateway saves bandwidth before the model sees the photo."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, Any

from workbench.failure import Failure, Strength
from workbench.profiles.hands import embedded_otherwise, put
from workbench.seams import HONEST, Seams, Step

if TYPE_CHECKING:
    import pyarrow as pa


def saved_again(quality: int) -> Any:
    """Return a function that writes a picture as JPEG, and reads it back."""

    def alter(image: Any) -> Any:
        from PIL import Image

        buffer = io.BytesIO()
        image.save(buffer, "JPEG", quality=quality)
        return Image.open(io.BytesIO(buffer.getvalue())).convert("RGB")

    return alter


def recompressed(loss: float) -> Step:
    """Return a step that embeds photos after a JPEG of quality 100 less `loss`."""

    def step(rows: pa.Table, ws: Any) -> pa.Table:
        quality = round(100 - loss)
        ids = rows["feature_image_id"].to_pylist()
        return put(
            rows, "embedding", embedded_otherwise(ws, ids, f"jpeg {quality}", alter=saved_again(quality))
        )

    return step


def inject(strength: float) -> Seams:
    """Recompress at a quality of 100 less `strength`."""
    return Seams(f"jpeg_recompressed {strength:g}", online=recompressed(strength))


def cure(strength: float) -> Seams:
    """Send the bytes on as they are."""
    del strength
    return HONEST


FAILURE = Failure(
    name="jpeg_recompressed",
    family="skew",
    stage="serve",
    world="packhouse",
    title="A gateway recompresses photos to save bandwidth.",
    symptom="Photos look the same to people.",
    mechanism="Fine texture, by which a bruise is told from a shadow, goes first.",
    wrong_cures=(
        ("look at a few photos", "people do not see quality 15 on a thumbnail"),
        ("augment with blur", "it helps a little, and costs sharpness on good photos"),
    ),
    cure_text="Keep the bytes; hash them on both sides.",
    guard="embedding",
    limits="Mild compression moves embeddings little, and rightly stays under its threshold.",
    references=(
        "Parmar, Zhang, Zhu: On Aliased Resizing and Surprising Subtleties in GAN Evaluation, CVPR 2022, "
        "https://www.cs.cmu.edu/~clean-fid/",
        "Breck, Cai, Nielsen, Salib, Sculley: The ML Test Score, IEEE Big Data 2017, https://storage.googleapis.com/"
        "pub-tools-public-publication-data/pdf/aad9f93b86b7addfea4c419b9100c6cdd26cacea.pdf",
    ),
    strength=Strength("100 less the JPEG quality", (40, 70, 85), 85, 5, 95),
    effect="damages",
    inject=inject,
    cure=cure,
    guards_too=("parity",),
    grows=True,
)
