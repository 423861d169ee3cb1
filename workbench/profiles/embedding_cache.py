"""Embeddings that were computed once: by image sha256, model fingerprint and preprocessing version.

::

    cache/embeddings/model=<fingerprint>/pre=<version>/part-<sha256 of the shard's images>.parquet

The very same shard is one small file. Other shards are searched for; a damaged file costs time,
never a result. The whole folder can be deleted at any time.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from workbench.errors import ManifestError
from workbench.hashing import sha256_texts
from workbench.manifests import read_part, write_parquet

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    import numpy as np
    import pyarrow as pa

    from workbench.profiles.workspace import Workspace
    from workbench.records import EncoderCard


def cache_folder(ws: Workspace, card: EncoderCard) -> Path:
    """Return the folder of one encoder's embeddings."""
    return ws.cache / "embeddings" / f"model={card.fingerprint[:16]}" / f"pre={card.preprocessing_version}"


def look_up(folder: Path, shas: Sequence[str]) -> dict[str, np.ndarray]:
    """Find embeddings that are there already.

    Parameters
    ----------
    folder : Path
        From `cache_folder`.
    shas : sequence of str
        sha256 of the images of one shard.

    Returns
    -------
    dict of str to ndarray
        sha256 to float32 of shape (dim,), for those that were found.
    """
    same = folder / _name(shas)
    files = [same] if same.is_file() else sorted(folder.glob("part-*.parquet"))
    wanted = set(shas)
    found: dict[str, np.ndarray] = {}
    for path in files:
        if wanted <= found.keys():
            break
        found |= _read(path, wanted)
    return found


def remember(folder: Path, shas: Sequence[str], found: dict[str, np.ndarray]) -> None:
    """Keep the embeddings of one shard.

    Parameters
    ----------
    folder : Path
        From `cache_folder`.
    shas : sequence of str
        sha256 of the images of the shard; repeats are kept once.
    found : dict of str to ndarray
        Holds all of them.
    """
    import numpy as np
    import pyarrow as pa

    keys = sorted(set(shas))
    table = pa.table({"sha256": keys, "embedding": as_lists(np.stack([found[sha] for sha in keys]))})
    write_parquet(folder / _name(shas), table)


def as_lists(matrix: np.ndarray) -> pa.Array:
    """Return a matrix of shape (n_rows, dim) as a list<float32> column, without a Python loop."""
    import numpy as np
    import pyarrow as pa

    n_rows, dim = matrix.shape
    offsets = pa.array(np.arange(n_rows + 1, dtype=np.int32) * dim)
    return pa.ListArray.from_arrays(offsets, pa.array(matrix.ravel()))


def _name(shas: Sequence[str]) -> str:
    return f"part-{sha256_texts(sorted(set(shas)))[:32]}.parquet"


def _read(path: Path, wanted: set[str]) -> dict[str, np.ndarray]:
    try:
        table = read_part(path)
    except ManifestError:
        path.unlink()
        return {}
    vectors = (vector.values.to_numpy() for vector in table["embedding"])
    return {
        sha: vector for sha, vector in zip(table["sha256"].to_pylist(), vectors, strict=True) if sha in wanted
    }
