"""What must be true of a feature file before the feature store hears of it.

Feast checks none of this at `apply`: a missing file, a column that is not there, strings
declared as numbers, another dimension, another model: all were accepted when we tried.
"""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Final

from workbench.clock import timestamp_type
from workbench.errors import FeatureCheckError
from workbench.profiles.definitions import EVENT_TIME, FILE, KEY, KNOWN_AT
from workbench.records import EncoderCard

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    import pyarrow as pa

_VIEW_NAME: Final = re.compile(r"[A-Za-z][A-Za-z0-9_]{0,199}")
_AGAIN: Final = "run `workbench extract` again: it writes the file anew"


def check_features(card: EncoderCard, folder: Path) -> None:
    """Check the feature file in `folder` against the card of the encoder that made it.

    Parameters
    ----------
    card : EncoderCard
        What is about to be applied.
    folder : Path
        Holds ``feast_features.parquet`` and ``view.json``.

    Raises
    ------
    FeatureCheckError
        With the first thing that is wrong.
    """
    if not _VIEW_NAME.fullmatch(card.view):
        raise FeatureCheckError(
            f"{card.view!r} cannot be the name of a view",
            hint="use letters, digits and _ in the encoder's slug",
        )
    path = folder / FILE
    schema = _readable_schema(path)
    _check_columns(schema, path)
    _check_card(card, read_card(folder), folder)
    _check_values(card, path)


def read_card(folder: Path) -> EncoderCard:
    """Read ``view.json``: which encoder made the feature file beside it.

    Parameters
    ----------
    folder : Path
        ``features/<view>``.

    Returns
    -------
    EncoderCard
        As the extract stage wrote it.

    Raises
    ------
    FeatureCheckError
        If it is missing or is no card.
    """
    path = folder / "view.json"
    try:
        return EncoderCard(**json.loads(path.read_text(encoding="utf-8"))["card"])
    except FileNotFoundError:
        raise FeatureCheckError(
            f"{path} is missing: nobody knows which encoder made the file", hint=_AGAIN
        ) from None
    except (ValueError, TypeError, KeyError) as error:
        raise FeatureCheckError(f"{path} is not a card ({error})", hint=_AGAIN) from None


def _readable_schema(path: Path) -> pa.Schema:
    import pyarrow as pa
    import pyarrow.parquet as pq

    if not path.is_file():
        raise FeatureCheckError(f"there is no feature file {path}", hint="run `workbench extract` first")
    try:
        return pq.read_schema(path)
    except (pa.ArrowInvalid, OSError) as error:
        raise FeatureCheckError(f"{path} is not whole Parquet ({error})", hint=_AGAIN) from None


def _check_columns(schema: pa.Schema, path: Path) -> None:
    import pyarrow as pa
    import pyarrow.types as pt

    def text(kind: pa.DataType) -> bool:
        return bool(pt.is_string(kind) or pt.is_large_string(kind))

    def clock(kind: pa.DataType) -> bool:
        return bool(kind == timestamp_type())

    def floats(kind: pa.DataType) -> bool:
        lists = pt.is_list(kind) or pt.is_large_list(kind) or pt.is_fixed_size_list(kind)
        return bool(lists and kind.value_type == pa.float32())

    wanted: dict[str, tuple[str, Callable[[pa.DataType], bool]]] = {
        KEY: ("string", text),
        "image_id": ("string", text),
        EVENT_TIME: ("timestamp[us, tz=UTC]", clock),
        KNOWN_AT: ("timestamp[us, tz=UTC]", clock),
        "captured_at": ("timestamp[us, tz=UTC]", clock),
        "embedding": ("list<float32>", floats),
    }
    for name, (declared, fits) in wanted.items():
        if schema.names.count(name) != 1:
            raise FeatureCheckError(
                f"{path} must have the column {name!r} once; it has {schema.names}", hint=_AGAIN
            )
        if not fits(kind := schema.field(name).type):
            raise FeatureCheckError(
                f"the column {name!r} of {path} is {kind}; it is declared as {declared}", hint=_AGAIN
            )


def _check_card(card: EncoderCard, made_by: EncoderCard, folder: Path) -> None:
    if made_by.fingerprint != card.fingerprint:
        raise FeatureCheckError(
            f"the file in {folder} was made by the encoder {made_by.fingerprint[:12]}, not by {card.fingerprint[:12]}",
            hint=_AGAIN,
        )
    if made_by != card:
        raise FeatureCheckError(f"the card in {folder} is {made_by}, not {card}", hint=_AGAIN)


def _check_values(card: EncoderCard, path: Path) -> None:
    """Look at every row, one row group at a time: no nulls, one dimension, finite numbers."""
    import pyarrow.parquet as pq

    columns = [KEY, "image_id", EVENT_TIME, KNOWN_AT, "captured_at", "embedding"]
    for batch in pq.ParquetFile(path).iter_batches(columns=columns):
        for name in columns:
            if n_nulls := batch[name].null_count:
                raise FeatureCheckError(f"{n_nulls} rows of {path} have no {name!r}", hint=_AGAIN)
        _check_embeddings(batch["embedding"], card, path)


def _check_embeddings(embeddings: pa.Array, card: EncoderCard, path: Path) -> None:
    import pyarrow.compute as pc

    lengths = pc.unique(pc.list_value_length(embeddings)).to_pylist()
    if lengths not in ([], [card.dim]):
        raise FeatureCheckError(
            f"embeddings in {path} have {sorted(lengths)} numbers; the encoder's card says {card.dim}",
            hint=_AGAIN,
        )
    if not pc.all(pc.is_finite(pc.list_flatten(embeddings)), min_count=0).as_py():
        raise FeatureCheckError(
            f"embeddings in {path} are not all finite", hint="look for an overflow in the encoder"
        )
