"""Write a folder of real photos, for who has none at hand: crops of the ones that two libraries ship.

``python -m scripts.sample_photos FOLDER`` makes FOLDER/made and FOLDER/nature from photos inside
scikit-image and scikit-learn (see their README.txt for who took them). Nothing is fetched.

It shows that the stages run on photos, no more: crops of one photo lie on both sides of the
split, so the score that comes out says nothing about other photos.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterator

    from PIL.Image import Image

SIDE: Final = 96
SOURCES: Final = {
    "made": ("coffee.png", "rocket.jpg", "motorcycle_left.png", "china.jpg"),
    "nature": ("chelsea.png", "grass.png", "gravel.png", "flower.jpg"),
}


def main() -> int:
    """Write the folder and say what is in it."""
    if len(sys.argv) != 2:
        print(__doc__)
        return 2
    for label, n in write_photos(Path(sys.argv[1])).items():
        print(f"{n:4d} photos in {sys.argv[1]}/{label}")
    return 0


def write_photos(folder: Path) -> dict[str, int]:
    """Write the crops.

    Parameters
    ----------
    folder : Path
        Gets one subfolder a class; made when it is not there.

    Returns
    -------
    dict of str to int
        Photos of each class.
    """
    counts = {}
    for label, names in SOURCES.items():
        (folder / label).mkdir(parents=True, exist_ok=True)
        crops = [(Path(name).stem, crop) for name in names for crop in _crops(_open(name))]
        for number, (stem, crop) in enumerate(crops):
            crop.save(folder / label / f"{stem}-{number:03d}.jpg", quality=92)
        counts[label] = len(crops)
    return counts


def _open(name: str) -> Image:
    import skimage
    import sklearn
    from PIL import Image as pillow  # noqa: N813 (the name Image is the class here)

    places = (Path(skimage.__file__).parent / "data", Path(sklearn.__file__).parent / "datasets" / "images")
    path = next(place / name for place in places if (place / name).is_file())
    return pillow.open(path).convert("RGB")


def _crops(photo: Image) -> Iterator[Image]:
    """Cut a photo into squares that do not overlap."""
    for top in range(0, photo.height - SIDE + 1, SIDE):
        for left in range(0, photo.width - SIDE + 1, SIDE):
            yield photo.crop((left, top, left + SIDE, top + SIDE))


if __name__ == "__main__":
    raise SystemExit(main())
