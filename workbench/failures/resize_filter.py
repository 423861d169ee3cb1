"""Resize filter (a control): bilinear in the service, bicubic in training."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from workbench.failure import Failure, Strength
from workbench.profiles.hands import embedded_otherwise, put
from workbench.seams import HONEST, Seams

if TYPE_CHECKING:
    import pyarrow as pa


def resized(ws: Any) -> Any:
    """Return a function that resizes with the bilinear filter before the encoder would."""
    from PIL import Image

    from workbench.encoder import load_encoder

    blank = Image.new("RGB", (8, 8))
    size = load_encoder(ws.settings.encoder).preprocess_batch([blank]).shape[-1]
    return lambda image: image.resize((size, size), Image.Resampling.BILINEAR)


def bilinear(rows: pa.Table, ws: Any) -> pa.Table:
    """Embed photos that another filter has resized."""
    ids = rows["feature_image_id"].to_pylist()
    return put(rows, "embedding", embedded_otherwise(ws, ids, "bilinear", alter=resized(ws)))


def inject(strength: float) -> Seams:
    """Resize with another filter in production."""
    return Seams(f"resize_filter {strength:g}", online=bilinear)


def cure(strength: float) -> Seams:
    """Use one path from bytes to pixels."""
    del strength
    return HONEST


FAILURE = Failure(
    name="resize_filter",
    family="control",
    stage="serve",
    world="packhouse",
    title="Bilinear here, bicubic there: real, measurable, and harmless on these photos.",
    symptom="Every embedding differs in the third digit.",
    mechanism="Neighbouring pixels are weighted a little differently; no bruise appears or vanishes.",
    wrong_cures=(
        ("stop the release", "the effect is within the noise: measure before you stop"),
        ("ignore such things for ever", "the same kind of difference with colour order is a disaster"),
    ),
    cure_text="One function for both sides costs nothing; but this one did not break your model.",
    guard="",
    limits="The embedding guard stays silent at its threshold, and rightly so.",
    references=(
        "Parmar, Zhang, Zhu: On Aliased Resizing and Surprising Subtleties in GAN Evaluation, CVPR 2022, "
        "https://www.cs.cmu.edu/~clean-fid/",
    ),
    strength=Strength("injected or not", (1.0,), 1.0, 1.0, 1.0),
    effect="none",
    inject=inject,
    cure=cure,
)
