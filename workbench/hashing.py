"""Names for data that depend on the data alone.

A file's hash depends on the writer, its version, the codec and the row groups. The hashes
here depend on values only: columns are taken in the order of their names, rows in the
order of their keys, and each value in one canonical form. `content_hash` ignores the order
of rows; `order_hash` sees nothing else.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any, Final, Protocol

from workbench.errors import DatasetError

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

    import pyarrow as pa

_VERSION: Final = b"workbench-content-1"
N_BUCKETS: Final = 16
"""Hash buckets in the layout of labels and features; a power of two, so that it can be split."""


class _Hash(Protocol):
    def update(self, data: Any, /) -> None: ...


def sha256_bytes(data: bytes | memoryview) -> str:
    """Return the sha256 of `data` in hex."""
    return hashlib.sha256(data).hexdigest()


def sha256_file(path: Path) -> str:
    """Return the sha256 of a file in hex, read as a stream."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def sha256_texts(texts: Iterable[str]) -> str:
    """Return the sha256 of a sequence of texts; the borders between them count."""
    h = hashlib.sha256()
    for text in texts:
        raw = text.encode()
        h.update(len(raw).to_bytes(8, "little") + raw)
    return h.hexdigest()


def bucket_of(key: str, n_buckets: int = N_BUCKETS) -> int:
    """Return the hash bucket of an entity key: stable over processes, machines and versions."""
    return int.from_bytes(hashlib.sha256(key.encode()).digest()[:4], "little") % n_buckets


def content_hash(table: pa.Table, keys: Sequence[str]) -> str:
    """Hash the content of a table, whatever the order of its rows and columns.

    Parameters
    ----------
    table : pyarrow.Table
        Of scalars, lists and structs. Dictionary columns count as their values.
    keys : sequence of str
        Columns that together identify a row.

    Returns
    -------
    str
        sha256 in hex, 64 characters.

    Raises
    ------
    DatasetError
        If two rows have the same keys: their order would then leak into the hash.
    """
    import numpy as np
    import pyarrow as pa
    import pyarrow.compute as pc

    table = table.select(sorted(table.column_names))
    if table.num_rows:
        named = pa.table({key: _canonical(_one_array(table.column(key))) for key in keys})
        n_distinct = named.group_by(list(keys)).aggregate([]).num_rows
        if n_distinct != table.num_rows:
            raise DatasetError(
                f"{table.num_rows - n_distinct} rows repeat the key {tuple(keys)}",
                hint="a content hash needs keys that name each row once",
            )
        order = pc.sort_indices(named, sort_keys=[(key, "ascending") for key in keys])
        position = order.to_numpy()
        if not np.array_equal(position, np.arange(len(position), dtype=position.dtype)):
            table = table.take(order)
    h = hashlib.sha256(_VERSION)
    for name in table.column_names:
        h.update(name.encode() + b"\0")
        _feed(h, _one_array(table.column(name)))
    return h.hexdigest()


def order_hash(table: pa.Table, keys: Sequence[str]) -> str:
    """Hash the order of a table's rows: the sequence of its keys, nothing else.

    Parameters
    ----------
    table : pyarrow.Table
        Any table with the columns `keys`.
    keys : sequence of str
        Columns that together identify a row.

    Returns
    -------
    str
        sha256 in hex, 64 characters.
    """
    h = hashlib.sha256(b"workbench-order-1")
    for name in keys:
        h.update(name.encode() + b"\0")
        _feed(h, _one_array(table.column(name)))
    return h.hexdigest()


def _one_array(column: pa.ChunkedArray) -> pa.Array:
    import pyarrow as pa

    whole = column.combine_chunks()
    return pa.concat_arrays(whole.chunks) if isinstance(whole, pa.ChunkedArray) else whole


def _is_text(kind: pa.DataType) -> bool:
    import pyarrow.types as pt

    return bool(pt.is_string(kind) or pt.is_large_string(kind) or pt.is_string_view(kind))


def _is_binary(kind: pa.DataType) -> bool:
    import pyarrow.types as pt

    plain = pt.is_binary(kind) or pt.is_large_binary(kind) or pt.is_binary_view(kind)
    return bool(plain or pt.is_fixed_size_binary(kind))


def _is_list(kind: pa.DataType) -> bool:
    import pyarrow.types as pt

    return bool(pt.is_list(kind) or pt.is_large_list(kind) or pt.is_fixed_size_list(kind))


def _canonical(array: pa.Array) -> pa.Array:
    """Undo what depends on the writer: dictionaries, small offsets, units and zones of time."""
    import pyarrow as pa
    import pyarrow.types as pt

    if pt.is_dictionary(array.type):
        array = array.dictionary_decode()
    kind = array.type
    if _is_text(kind):
        return array.cast(pa.large_string())
    if _is_binary(kind):
        return array.cast(pa.large_binary())
    if pt.is_timestamp(kind):
        return array.cast(pa.timestamp("us", tz="UTC"))
    if _is_list(kind):
        return array.cast(pa.large_list(kind.value_type))
    return array


def _feed(h: _Hash, array: pa.Array) -> None:
    """Feed type, length, nulls and values, independent of chunks and of bytes under nulls."""
    import numpy as np
    import pyarrow.compute as pc
    import pyarrow.types as pt

    array = _canonical(array)
    kind = array.type
    h.update(f"{_type_name(kind)}|{len(array)}|{array.null_count}|".encode())
    if array.null_count:
        h.update(np.packbits(pc.is_valid(array).to_numpy(zero_copy_only=False)).tobytes())
    if pt.is_large_list(kind) or pt.is_struct(kind):
        _feed_nested(h, array)
    elif pt.is_large_string(kind) or pt.is_large_binary(kind):
        _feed_texts(h, array)
    elif not pt.is_null(kind):
        h.update(_number_bytes(array))


def _feed_nested(h: _Hash, array: pa.Array) -> None:
    """Feed the lengths of lists, or the names of fields, then what is inside."""
    import pyarrow as pa
    import pyarrow.compute as pc
    import pyarrow.types as pt

    if pt.is_large_list(array.type):
        lengths = pc.fill_null(pc.list_value_length(array).cast(pa.int64()), -1)
        h.update(lengths.to_numpy(zero_copy_only=False).tobytes())
        _feed(h, pc.list_flatten(array))
        return
    for i in range(array.type.num_fields):
        h.update(array.type.field(i).name.encode() + b"\0")
        _feed(h, pc.struct_field(array, i))


def _feed_texts(h: _Hash, array: pa.Array) -> None:
    """Feed lengths, then all bytes in one go."""
    import numpy as np
    import pyarrow.compute as pc
    import pyarrow.types as pt

    array = pc.fill_null(array, "" if pt.is_large_string(array.type) else b"")
    h.update(pc.binary_length(array).to_numpy(zero_copy_only=False).tobytes())
    _, offsets, data = array.buffers()
    start = np.frombuffer(offsets, np.int64)[array.offset : array.offset + len(array) + 1]
    if data is not None and len(array):
        h.update(memoryview(data)[int(start[0]) : int(start[-1])])


def _number_bytes(array: pa.Array) -> bytes:
    """Return numbers, times and booleans as bytes: zero under nulls, one NaN, no -0.0."""
    import numpy as np
    import pyarrow as pa
    import pyarrow.compute as pc
    import pyarrow.types as pt

    kind = array.type
    if pt.is_boolean(kind):
        return np.packbits(pc.fill_null(array, False).to_numpy(zero_copy_only=False)).tobytes()  # noqa: FBT003
    if pt.is_floating(kind):
        x = pc.fill_null(array, 0).to_numpy(zero_copy_only=False)
        x = np.where(np.isnan(x), np.array(np.nan, x.dtype), x) + np.array(0, x.dtype)
        return np.ascontiguousarray(x).tobytes()
    if pt.is_integer(kind) or pt.is_temporal(kind):
        width = pa.int32() if pt.is_date32(kind) or pt.is_time32(kind) else pa.int64()
        number = array.cast(width) if pt.is_temporal(kind) else array
        return np.ascontiguousarray(pc.fill_null(number, 0).to_numpy(zero_copy_only=False)).tobytes()
    raise DatasetError(f"a column of type {kind} has no canonical form", hint="cast it to numbers or strings")


def _type_name(kind: pa.DataType) -> str:
    """Name a type as `_canonical` makes it, also inside lists and structs."""
    import pyarrow.types as pt

    if pt.is_dictionary(kind):
        return _type_name(kind.value_type)
    if _is_list(kind):
        return f"list<{_type_name(kind.value_type)}>"
    if pt.is_struct(kind):
        fields = [kind.field(i) for i in range(kind.num_fields)]
        return f"struct<{', '.join(f'{field.name}: {_type_name(field.type)}' for field in fields)}>"
    if _is_text(kind):
        return "large_string"
    if _is_binary(kind):
        return "large_binary"
    return "timestamp[us, tz=UTC]" if pt.is_timestamp(kind) else str(kind)
