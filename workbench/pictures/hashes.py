"""A table of what pictures on disk look like: the input of guards that look for copies."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from workbench.hashing import sha256_bytes
from workbench.pictures.decode import open_picture
from workbench.pictures.looks import perceptual_hash
from workbench.pictures.policy import PictureProblem, Policy

if TYPE_CHECKING:
    from collections.abc import Iterable

    import pyarrow as pa


def hash_pictures(paths: Iterable[str | Path], policy: Policy | None = None) -> pa.Table:
    """Hash pictures on disk, each as it is and mirrored. About 1 ms a picture of 96 pixels.

    Parameters
    ----------
    paths : iterable of str or Path
        Files, in the order of the rows.
    policy : Policy, optional
        What to ask of a picture, as in `open_picture`.

    Returns
    -------
    pyarrow.Table
        ``uri`` (the path), ``sha256`` of the file, ``phash`` and ``phash_mirrored`` (16 hex digits), and
        ``reason`` (a key of `REASONS`), null where the picture is readable; where it is not, the hashes are.

    Raises
    ------
    OSError
        If a file cannot be read.
    """
    import pyarrow as pa

    names = ("uri", "sha256", "phash", "phash_mirrored", "reason")
    rows = [_hashed(Path(path), policy) for path in paths]
    return pa.Table.from_pylist(rows, schema=pa.schema([(name, pa.string()) for name in names]))


def _hashed(path: Path, policy: Policy | None) -> dict[str, str]:
    from PIL import ImageOps

    data = path.read_bytes()
    row = {"uri": str(path), "sha256": sha256_bytes(data)}
    try:
        image = open_picture(data, policy).image
    except PictureProblem as problem:
        return row | {"reason": problem.reason}
    return row | {
        "phash": perceptual_hash(image),
        "phash_mirrored": perceptual_hash(ImageOps.mirror(image)),
    }
