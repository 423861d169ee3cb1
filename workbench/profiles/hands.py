"""Small tools that several failures share: a column, a careless split, a second look at a photo."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from workbench.encoder import encoder_card, load_encoder
from workbench.hashing import sha256_texts
from workbench.manifests import read_header, read_table
from workbench.pictures import Policy, open_picture
from workbench.profiles.embedding_cache import as_lists, look_up, remember
from workbench.profiles.objects import objects_of

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    import pyarrow as pa
    from numpy.typing import NDArray

    from workbench.profiles.workspace import Workspace

TEST_SHARE: Final = 0.25


def put(rows: pa.Table, name: str, values: Any) -> pa.Table:
    """Return the rows with a column set: in its place where it is there, else behind the others."""
    if name in rows.column_names:
        at = rows.column_names.index(name)
        return rows.set_column(at, rows.schema.field(at), [values])
    return rows.append_column(name, [values])


def cameras_of(ws: Workspace, image_ids: Sequence[str]) -> list[str]:
    """Return the camera that took each photo, as its EXIF data said when it arrived."""
    raw = read_table(ws.manifests / "raw", ["image_id", "device"])
    took = dict(zip(raw["image_id"].to_pylist(), raw["device"].to_pylist(), strict=True))
    return [took[image_id] for image_id in image_ids]


def careless_split(rows: pa.Table, seed: int, share: float = TEST_SHARE) -> list[str]:
    """Deal rows to train and test at random, whatever they have in common.

    Parameters
    ----------
    rows : pyarrow.Table
        With ``row_id``.
    seed : int
        Of the dice.
    share : float
        Of the test set.

    Returns
    -------
    list of str
        ``train`` or ``test`` for each row; it depends on the ids, not on their order.
    """
    ids = np.array(rows["row_id"].to_pylist())
    dice = np.random.default_rng(seed).permutation(len(ids))
    rank = np.empty(len(ids), np.int64)
    rank[np.argsort(ids, kind="stable")] = dice
    tested = rank < round(share * len(ids))
    return ["test" if is_tested else "train" for is_tested in tested]


def grouped_split(rows: pa.Table, seed: int, share: float = TEST_SHARE) -> list[str]:
    """Deal whole groups to train and test at random: the careful twin of `careless_split`."""
    groups = rows["group"].to_pylist()
    names = sorted(set(groups))
    mixed = np.random.default_rng(seed).permutation(len(names))
    tested = {names[i] for i in mixed[: round(share * len(names))]}
    return ["test" if group in tested else "train" for group in groups]


def embedded_otherwise(
    ws: Workspace,
    image_ids: Sequence[str],
    how: str,
    *,
    alter: Callable[[Any], Any] | None = None,
    pixels: Callable[[NDArray[np.float32]], NDArray[np.float32]] | None = None,
    **source: Any,
) -> pa.Array:
    """Embed raw photos on a path that differs from the one of *extract*.

    Parameters
    ----------
    ws : Workspace
        With raw and clean manifests.
    image_ids : sequence of str
        Which photos.
    how : str
        Names the difference; results are kept under it.
    alter : callable, optional
        From a PIL image to a PIL image, before the encoder's own steps.
    pixels : callable, optional
        From the prepared pixels, float32 of shape (n, 3, size, size), to others.
    **source : Any
        ``spec``: another encoder. ``as_stored=True``: do not turn the picture as its EXIF data say.
        ``objects``: a function of the workspace to the raw objects, where they are not its own.

    Returns
    -------
    pyarrow.Array of list<float32>
        One embedding a photo, in the order given.
    """
    card = encoder_card(source.get("spec") or ws.settings.encoder)
    folder = ws.cache / "otherwise" / sha256_texts([how, card.fingerprint, card.preprocessing_version])[:16]
    raw = read_table(ws.manifests / "raw", ["image_id", "uri", "sha256"]).to_pylist()
    where = {row["image_id"]: (row["sha256"], row["uri"]) for row in raw}
    wanted = [where[image_id][0] for image_id in image_ids]
    found = look_up(folder, wanted)
    missing = {sha: uri for sha, uri in (where[i] for i in image_ids) if sha not in found}
    if missing:
        store, encoder = source.get("objects", objects_of)(ws), load_encoder(card.spec)
        policy = Policy(**read_header(ws.manifests / "clean").extra["policy"])
        opened = [
            _open(store.get(uri), policy, as_stored=source.get("as_stored", False))
            for uri in missing.values()
        ]
        batch = encoder.preprocess_batch([alter(image) if alter else image for image in opened])
        found |= dict(zip(missing, encoder.forward(pixels(batch) if pixels else batch), strict=True))
        remember(folder, wanted, found)
    return as_lists(np.stack([found[sha] for sha in wanted]))


def replace_share(rows: pa.Table, vectors: pa.Array, share: float) -> pa.Table:
    """Return the rows with the embeddings of the first `share` of them replaced."""
    import pyarrow as pa

    n = round(share * rows.num_rows)
    mixed = [(vectors if i < n else rows["embedding"])[i].as_py() for i in range(rows.num_rows)]
    return put(rows, "embedding", pa.array(mixed, pa.list_(pa.float32())))


def _open(data: bytes, policy: Policy, *, as_stored: bool) -> Any:
    if not as_stored:
        return open_picture(data, policy).image
    from PIL import Image

    with Image.open(io.BytesIO(data)) as image:
        return image.convert("RGB")
