"""The guard of copies: near_duplicates. Pictures are drawn, hashed, and embedded by our CLIP."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from scripts.rates import Case
from scripts.rates.worlds import dice, fruit, held_together, photos, put, torn
from workbench.guards import near_duplicates

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


# -- near_duplicates, before the fixed belts of the packhouse ----------------------------------------------------


@lru_cache(maxsize=1)
def _belt(seed: int) -> pa.Table:
    """Return 240 fruit with four frames each: hashes and embeddings."""
    import pyarrow as pa

    from workbench.pictures import open_picture

    taken = photos(seed, 240, 4)
    images = [open_picture(one.payload).image for one in taken]
    truth = {row["item_id"]: row["label"] for row in fruit(seed).to_pylist()}
    columns = {
        "image_id": [one.name for one in taken],
        "item_id": [one.item_id for one in taken],
        "device": [one.device for one in taken],
        "label": [truth[one.item_id] for one in taken],
    }
    return pa.table(columns | _hashed(images) | {"embedding": _lists(_encoder().embed(images))})


def _near(rows: pa.Table, *, threshold: float = near_duplicates.THRESHOLD, **names: Any) -> Finding:
    return near_duplicates.check(near_duplicates.measure(rows, **names), threshold=threshold)


BY_ITEM: Final[dict[str, Any]] = {"group": "item_id", "embedding": "embedding"}
BY_LABEL: Final[dict[str, Any]] = {"group": "label", "embedding": "embedding", "device": "device"}


def _split(seed: int, *, held: bool, n: int = 960) -> pa.Table:
    """Split the first of the pictures: whole fruit, or frame by frame."""
    rows = _belt(seed).slice(0, n)
    return held_together(rows, "item_id", seed) if held else torn(rows, seed)


def _uploaded_twice(seed: int) -> Finding:
    """Put a tenth of the train pictures into the test set, too, as other fruit."""
    import pyarrow as pa

    rows = held_together(_belt(seed), "item_id", seed)
    train = np.flatnonzero(np.array(rows["split"].to_pylist()) == "train")
    copies = rows.take(dice(seed).choice(train, len(train) // 10, replace=False))
    copies = put(copies, "split", ["test"] * copies.num_rows)
    copies = put(copies, "item_id", [f"{name}-again" for name in copies["item_id"].to_pylist()])
    return _near(pa.concat_tables([rows, copies]), device="device", **BY_ITEM)


# -- near_duplicates, of scenes without a common background, by hashes alone -------------------------------------


def _scene(rng: np.random.Generator) -> Image:
    """Return a picture of blurred noise: no two have a background in common."""
    from PIL import Image, ImageFilter, ImageOps

    noise = rng.integers(0, 256, (96, 96, 3), dtype=np.uint8)
    return ImageOps.autocontrast(Image.fromarray(noise).filter(ImageFilter.GaussianBlur(6)))


def _copied(alter: Alter | None) -> Callable[[int], Finding]:
    """Let a third of the test pictures be altered copies of train pictures; None: no copies."""

    def look(seed: int) -> Finding:
        import pyarrow as pa

        rng = dice(seed)
        train, test = [_scene(rng) for _ in range(60)], [_scene(rng) for _ in range(20)]
        if alter:
            test += [alter(train[i], rng) for i in rng.choice(60, 10, replace=False)]
        split = ["train"] * 60 + ["test"] * len(test)
        return _near(pa.table(_hashed([*train, *test]) | {"split": split}))

    return look


def _mirrored(image: Image, _: object) -> Image:
    from PIL import ImageOps

    return ImageOps.mirror(image)


def _compressed(image: Image, _: object) -> Image:
    from workbench.pictures.alterations import jpeg

    return jpeg(image, 40)


def _cropped(share: float) -> Alter:
    def alter(image: Image, rng: np.random.Generator) -> Image:
        keep = round(image.width * (1 - share))
        left, top = rng.integers(0, image.width - keep + 1, 2).tolist()
        return image.crop((left, top, left + keep, top + keep)).resize(image.size)

    return alter


def _turned(image: Image, rng: np.random.Generator) -> Image:
    from PIL.Image import Resampling

    return image.rotate(float(rng.choice([-10, 10])), resample=Resampling.BILINEAR)


def _fruit(what: str, **names: Any) -> tuple[Case, Case]:
    """Return two cases: fruit kept together, and frames apart."""
    n = names.pop("n", 960)
    return (
        Case(
            "near_duplicates",
            f"fruit kept together; {what}",
            "clean",
            lambda seed: _near(_split(seed, held=True, n=n), **names),
        ),
        Case(
            "near_duplicates",
            f"frames apart; {what}",
            "flaw",
            lambda seed: _near(_split(seed, held=False, n=n), **names),
        ),
    )


def _scenes(what: str, kind: str, alter: Alter | None) -> Case:
    return Case("near_duplicates", f"scenes, {what}; hashes alone", kind, _copied(alter))


NEAR: Final = (
    *_fruit("items, cameras, embeddings", device="device", **BY_ITEM),
    *_fruit("items, embeddings", **BY_ITEM),
    *_fruit("labels, cameras, embeddings, threshold .15", threshold=0.15, **BY_LABEL),
    *_fruit("items, cameras, embeddings of only 360 pictures", device="device", n=360, **BY_ITEM),
    Case("near_duplicates", "a tenth uploaded twice; items, cameras, embeddings", "flaw", _uploaded_twice),
    _scenes("no copies", "clean", None),
    _scenes("mirrored copies", "flaw", _mirrored),
    _scenes("JPEG copies of quality 40", "flaw", _compressed),
    _scenes("copies cropped by 5 %", "flaw", _cropped(0.05)),
    _scenes("copies cropped by 15 %", "blind", _cropped(0.15)),
    _scenes("copies turned by 10 degrees", "blind", _turned),
    Case(
        "near_duplicates",
        "fruit kept together; labels, cameras, embeddings, threshold .03",
        "misused",
        lambda seed: _near(_split(seed, held=True), **BY_LABEL),
    ),
)

CASES: Final = NEAR
