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
from workbench.worlds.gym_features import STORED

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
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
    _check_columns(schema, path, {"image_id": "string", "embedding": "list<float32>"})
    _check_card(card, read_card(folder), folder)
    _check_values(card, path)


def check_table(path: Path) -> None:
    """Check the feature file of a gym: its columns, their types, no time missing, finite numbers.

    Parameters
    ----------
    path : Path
        ``feast_features.parquet``. A number may be null: unknown.

    Raises
    ------
    FeatureCheckError
        With the first thing that is wrong.
    """
    import pyarrow.compute as pc
    import pyarrow.parquet as pq

    _check_columns(_readable_schema(path), path, dict.fromkeys(STORED, "float64"))
    times = [KEY, EVENT_TIME, KNOWN_AT, "captured_at"]
    file = pq.ParquetFile(path)
    if not file.metadata.num_rows:
        raise FeatureCheckError(f"{path} has no rows", hint=_AGAIN)
    for batch in file.iter_batches(columns=[*times, *STORED]):
        _check_no_nulls(batch, times, path)
        if not pc.all(pc.equal(batch["captured_at"], batch[EVENT_TIME])).as_py():
            raise FeatureCheckError(f"'captured_at' in {path} is not the event time once more", hint=_AGAIN)
        for name in STORED:
            if not pc.all(pc.is_finite(batch[name]), min_count=0).as_py():
                raise FeatureCheckError(
                    f"{name!r} in {path} is not always finite", hint="write null for what is unknown"
                )


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


def _check_columns(schema: pa.Schema, path: Path, features: Mapping[str, str]) -> None:
    """Check that each column is there once and fits the kind that is declared."""
    clock = "timestamp[us, tz=UTC]"
    wanted = {KEY: "string", EVENT_TIME: clock, KNOWN_AT: clock, "captured_at": clock, **features}
    for name, declared in wanted.items():
        if schema.names.count(name) != 1:
            raise FeatureCheckError(
                f"{path} must have the column {name!r} once; it has {schema.names}", hint=_AGAIN
            )
        if not _fits(kind := schema.field(name).type, declared):
            raise FeatureCheckError(
                f"the column {name!r} of {path} is {kind}; it is declared as {declared}", hint=_AGAIN
            )


def _fits(kind: pa.DataType, declared: str) -> bool:
    """Text and lists may be large ones; nothing else is bent."""
    import pyarrow as pa
    import pyarrow.types as pt

    if declared == "string":
        return bool(pt.is_string(kind) or pt.is_large_string(kind))
    if declared == "list<float32>":
        lists = pt.is_list(kind) or pt.is_large_list(kind) or pt.is_fixed_size_list(kind)
        return bool(lists and kind.value_type == pa.float32())
    return bool(kind == (pa.float64() if declared == "float64" else timestamp_type()))


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
        _check_no_nulls(batch, columns, path)
        _check_embeddings(batch["embedding"], card, path)


def _check_no_nulls(batch: pa.RecordBatch, columns: Sequence[str], path: Path) -> None:
    for name in columns:
        if n_nulls := batch[name].null_count:
            raise FeatureCheckError(f"{n_nulls} rows of {path} have no {name!r}", hint=_AGAIN)


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
