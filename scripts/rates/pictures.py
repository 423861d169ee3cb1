"""Guards of pictures: exif_association, embedding. Pictures are drawn, and embedded by our CLIPs."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from scripts.rates import Case
from scripts.rates.worlds import dice, fruit, photos, put
from workbench.guards import embedding, exif_association

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    import pyarrow as pa
    from numpy.typing import NDArray
    from PIL.Image import Image

    from workbench.encoder import Encoder
    from workbench.guards.evidence import Finding

    Alter = Callable[[Image, np.random.Generator], Image]


@lru_cache(maxsize=2)
def _encoder(name: str = "tiny_v1") -> Encoder:
    from workbench.encoder import load_encoder

    return load_encoder(name)


def _lists(vectors: NDArray[np.float32]) -> Any:
    import pyarrow as pa

    return pa.FixedSizeListArray.from_arrays(pa.array(vectors.ravel()), vectors.shape[1])


def _hashed(images: Sequence[Image]) -> dict[str, list[str]]:
    from PIL import ImageOps

    from workbench.pictures import perceptual_hash

    mirrored = [perceptual_hash(ImageOps.mirror(image)) for image in images]
    return {"phash": [perceptual_hash(image) for image in images], "phash_mirrored": mirrored}


# -- exif_association --------------------------------------------------------------------------------------------


def _associated(
    rows: pa.Table, group: str | None = "item_id", tags: str | Sequence[str] = "device"
) -> Finding:
    return exif_association.check(exif_association.measure(rows, tags=tags, group=group))


def _many_cameras(seed: int) -> Finding:
    """Take each of 100 fruit with one of 40 cameras, whatever the fruit."""
    rows = fruit(seed, n=100, frames=1)
    return _associated(put(rows, "device", [f"c{i}" for i in dice(seed).integers(0, 40, rows.num_rows)]))


def _in_pairs(seed: int) -> Finding:
    """Give fruit two tags that tell the label together, and neither of them alone."""
    rows = fruit(seed)
    item = np.unique(np.array(rows["item_id"].to_pylist()), return_inverse=True)[1]
    one = dice(seed).integers(0, 2, item.max() + 1)[item]
    two = one ^ (np.array(rows["label"].to_pylist()) == "reject")
    rows = put(put(rows, "program", [f"p{i}" for i in one]), "lens", [f"l{i}" for i in two])
    return _associated(rows, tags=("program", "lens"))


EXIF: Final = (
    Case("exif_association", "fruit come down any line", "clean", lambda seed: _associated(fruit(seed))),
    Case("exif_association", "100 fruit, 40 cameras at random", "clean", _many_cameras),
    Case(
        "exif_association",
        "bad fruit come down one line, strength .3",
        "flaw",
        lambda seed: _associated(fruit(seed, 0.3)),
    ),
    Case(
        "exif_association",
        "bad fruit come down one line, strength .6",
        "flaw",
        lambda seed: _associated(fruit(seed, 0.6)),
    ),
    Case("exif_association", "two tags that tell the label only together", "blind", _in_pairs),
    Case(
        "exif_association",
        "any line, four frames a fruit, no group named",
        "misused",
        lambda seed: _associated(fruit(seed), None),
    ),
)

# -- embedding ---------------------------------------------------------------------------------------------------

N_PHOTOS: Final = 50


@lru_cache(maxsize=2)
def _shots(seed: int) -> tuple[list[Image], list[Image]]:
    """Return 50 captures as they should be read, and as they are stored: one in ten was taken turned."""
    from workbench.pictures import open_picture
    from workbench.pictures.alterations import open_as_stored

    taken = [one.payload for one in photos(seed, N_PHOTOS, 1, rotated=0.1)]
    return [open_picture(data).image for data in taken], [open_as_stored(data) for data in taken]


@lru_cache(maxsize=1)
def _reference(seed: int) -> NDArray[np.float32]:
    return _encoder().embed(_shots(seed)[0])


def _served(seed: int, vectors: NDArray[np.float32], order: Any = slice(None), models: str = "aa") -> Finding:
    """Compare what a service embedded, in another order perhaps, with what training read."""
    import pyarrow as pa

    ids = np.array([f"photo-{i:02}" for i in range(N_PHOTOS)])
    tables = [
        pa.table({"image_id": names, "embedding": _lists(rows), "model": [model] * N_PHOTOS})
        for names, rows, model in zip((ids, ids[order]), (_reference(seed), vectors), models, strict=True)
    ]
    return embedding.check(embedding.measure(*tables, fingerprint="model"))


def _in_another_order(seed: int) -> Finding:
    """Embed the same captures one by one, in another order: a batch may not matter."""
    order = dice(seed).permutation(N_PHOTOS)
    images = _shots(seed)[0]
    return _served(seed, np.concatenate([_encoder().embed([images[i]]) for i in order]), order)


def _altered(alter: Callable[[Image], Image]) -> Callable[[int], Finding]:
    return lambda seed: _served(seed, _encoder().embed([alter(image) for image in _shots(seed)[0]]))


def _prepared(**how: Any) -> Callable[[int], Finding]:
    def look(seed: int) -> Finding:
        encoder = _encoder()
        return _served(seed, encoder.forward(encoder.preprocess_batch(_shots(seed)[0], **how)))

    return look


def _exchanged(image: Image) -> Image:
    from workbench.pictures.alterations import bgr

    return bgr(image)


def _sideways(image: Image) -> Image:
    from workbench.pictures.alterations import rotated

    return rotated(image)


def _quality(quality: int) -> Callable[[Image], Image]:
    from workbench.pictures.alterations import jpeg

    return lambda image: jpeg(image, quality)


def _one_lost(seed: int) -> Finding:
    vectors = _reference(seed).copy()
    vectors[dice(seed).integers(N_PHOTOS)] = np.nan
    return _served(seed, vectors)


EMBEDDING: Final = (
    Case("embedding", "the same photos, one by one in another order", "clean", _in_another_order),
    Case("embedding", "red and blue exchanged", "flaw", _altered(_exchanged)),
    Case("embedding", "not normalised", "flaw", _prepared(normalise=False)),
    Case(
        "embedding",
        "another model of the same length",
        "flaw",
        lambda seed: _served(seed, _encoder("tiny_v0").embed(_shots(seed)[0])),
    ),
    Case(
        "embedding",
        "another fingerprint, the same numbers",
        "flaw",
        lambda seed: _served(seed, _reference(seed), models="ab"),
    ),
    Case("embedding", "all turned by 90 degrees", "flaw", _altered(_sideways)),
    Case(
        "embedding",
        "orientation ignored, one photo in ten is turned",
        "flaw",
        lambda seed: _served(seed, _encoder().embed(_shots(seed)[1])),
    ),
    Case("embedding", "JPEG quality 15", "flaw", _altered(_quality(15))),
    Case("embedding", "JPEG quality 75", "flaw", _altered(_quality(75))),
    Case("embedding", "one embedding lost", "flaw", _one_lost),
    Case("embedding", "bilinear instead of bicubic", "blind", _prepared(resample="bilinear")),
    Case("embedding", "nearest instead of bicubic", "blind", _prepared(resample="nearest")),
)

CASES: Final = (*EXIF, *EMBEDDING)
