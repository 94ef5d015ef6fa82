"""Rows as Arrow columns, and back.

A **run** is a ``pyarrow.RecordBatch`` of records in key order, among equal keys the newest first:

    key: binary | sequence: int64 | kind: int64 | one column per payload slot, named by its number

A value column is an Arrow array of the one type its values have: int64, double, string or binary,
``null`` when it holds nothing else. An ANY column whose values are of several types in one run is
TAGGED: each value carries its type in its first byte.

    tagged = "i" int64 | "r" double | "t" UTF-8 | "b" bytes        (numbers little-endian)

TAGGED is told from a column of BLOBs by its Arrow type, large_binary, which nothing else uses.
"""

from __future__ import annotations

import struct
from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from lsmsql.engine.errors import LimitError
from lsmsql.engine.ragged import (
    MAX_BATCH_BYTES,
    Mask,
    binary_from_ranges,
    binary_scalar,
    from_numpy,
    to_numpy,
)
from lsmsql.engine.values import ColumnType, Row, Value

PUT = 1
DELETE = 2

KEY, SEQUENCE, KIND = 0, 1, 2
FIRST_VALUE = 3
"""Positions of the columns of a run; payload slot ``s`` is column ``FIRST_VALUE + s``."""

TAGGED = pa.large_binary()

_ARROW_TYPES = {
    ColumnType.INTEGER: pa.int64(),
    ColumnType.REAL: pa.float64(),
    ColumnType.TEXT: pa.string(),
    ColumnType.BLOB: pa.binary(),
}
_TYPE_OF_CLASS = {int: pa.int64(), float: pa.float64(), str: pa.string(), bytes: pa.binary()}
_TAGS = {pa.int64(): b"i", pa.float64(): b"r", pa.string(): b"t", pa.binary(): b"b"}
_TYPES_BY_TAG = {tag[0]: kind for kind, tag in _TAGS.items()}
_NUMBERS = {pa.int64(): "<i8", pa.float64(): "<f8"}
_FEW_VALUES = 64
"""So many tagged values are checked one by one: the kernels have a fixed cost."""

_INTEGER = struct.Struct("<cq")
_REAL = struct.Struct("<cd")


def tag_value(value: Value) -> bytes | None:
    """One value in tagged form; None stays None."""
    match value:
        case None:
            return None
        case int():
            return _INTEGER.pack(b"i", value)
        case float():
            return _REAL.pack(b"r", value)
        case str():
            return b"t" + value.encode()
    return b"b" + value


def untag_value(tagged: bytes | None) -> Value:
    """The value behind a tagged form. Raises ValueError if it is malformed."""
    if tagged is None:
        return None
    tag = tagged[:1]
    if tag == b"t":
        return tagged[1:].decode()
    if tag == b"b":
        return tagged[1:]
    if len(tagged) != _INTEGER.size or tag not in (b"i", b"r"):
        raise ValueError(f"not a tagged value: {tagged[:16]!r}")
    number: int | float = (_INTEGER if tag == b"i" else _REAL).unpack(tagged)[1]
    return number


def arrow_type(declared: ColumnType) -> pa.DataType | None:
    """The Arrow type of a declared type; None for ANY, which has no one type."""
    return _ARROW_TYPES.get(declared)


def build_column(values: Sequence[Value], declared: ColumnType = ColumnType.ANY) -> pa.Array:
    """An Arrow array of ``values``: of the declared type, or for ANY of the type they share."""
    if declared is not ColumnType.ANY:
        return _typed_column(values, _ARROW_TYPES[declared])
    classes = set(map(type, values))
    classes.discard(type(None))
    if not classes:
        return pa.nulls(len(values))
    if len(classes) == 1:
        return _typed_column(values, _TYPE_OF_CLASS[classes.pop()])
    return _typed_column(list(map(tag_value, values)), TAGGED)


def _typed_column(values: Sequence[Any], kind: pa.DataType) -> pa.Array:
    """``pa.array``, which imports pandas (0.2 s), if it is there, for the first list it gets."""
    nulls: Mask | None = None
    missing = values.count(None)
    if missing == len(values):
        return pa.nulls(missing, kind)
    if missing:
        nulls = np.fromiter((value is None for value in values), np.bool_, len(values))
        blank: Value = 0 if kind in _NUMBERS else "" if kind == pa.string() else b""
        values = [blank if value is None else value for value in values]
    if kind in _NUMBERS:
        numbers = np.array(values, np.dtype(_NUMBERS[kind]).newbyteorder("="))
        return from_numpy(numbers, nulls)
    if kind == pa.string():
        values = list(map(str.encode, values))
    return column_of_bytes(values, kind, nulls)


def column_of_bytes(
    values: Sequence[bytes], kind: pa.DataType | None = None, nulls: Mask | None = None
) -> pa.Array:
    """Byte strings as an array; see ``binary_column``."""
    lengths = np.fromiter(map(len, values), np.int64, len(values))
    return binary_column(b"".join(values), lengths, kind, nulls)


def binary_column(
    data: bytes | memoryview,
    lengths: npt.NDArray[np.integer[Any]],
    kind: pa.DataType | None = None,
    nulls: Mask | None = None,
) -> pa.Array:
    """Byte strings that stand end to end as an array, NULL where ``nulls`` is set.

    ``kind`` is any type that is stored as bytes. Raises LimitError if they are too much for it.
    """
    kind = kind or pa.binary()
    offsets = np.zeros(len(lengths) + 1, np.int64)
    np.cumsum(lengths, out=offsets[1:])
    if kind != TAGGED:
        if offsets[-1] > MAX_BATCH_BYTES:
            raise LimitError(f"{offsets[-1]:,} bytes of values in one column")
        offsets = offsets.astype(np.int32)
    validity = None if nulls is None else pa.py_buffer(np.packbits(~nulls, bitorder="little"))
    buffers = [validity, pa.py_buffer(offsets), pa.py_buffer(data)]
    return pa.Array.from_buffers(kind, len(lengths), buffers)


def column_values(column: pa.Array) -> list[Value]:
    """The values of a column as Python objects."""
    values: list[Value] = column.to_pylist()
    if column.type == TAGGED:
        return [untag_value(value) for value in values]  # type: ignore[arg-type]
    return values


def tag_column(column: pa.Array) -> pa.Array:
    """A typed column in tagged form."""
    if column.type == TAGGED:
        return column
    if column.type == pa.null():
        return column.cast(TAGGED)
    tag, nothing = binary_scalar(_TAGS[column.type], TAGGED), binary_scalar(b"", TAGGED)
    if column.type in _NUMBERS:
        validity, data = column.buffers()
        number = np.dtype(_NUMBERS[column.type])
        data = pa.py_buffer(np.frombuffer(data, number.newbyteorder("=")).astype(number))
        column = pa.Array.from_buffers(
            pa.binary(8), len(column), [validity, data], offset=column.offset
        )
    return pc.binary_join_element_wise(tag, column.cast(TAGGED), nothing)


def narrow_column(column: pa.Array) -> pa.Array:
    """A TAGGED column in the one type that its values share, if they do; else as it is."""
    if column.type != TAGGED:
        return column
    valid, starts, lengths, data = _tagged_parts(column)
    tags = data[starts[valid]]
    if len(tags) == 0:
        return pa.nulls(len(column))
    if (tags != tags[0]).any() or len(data) > MAX_BATCH_BYTES:
        return column
    starts = np.where(valid, starts + 1, starts)
    content = binary_from_ranges(data, starts, np.where(valid, starts + lengths - 1, starts))
    kind = _TYPES_BY_TAG[int(tags[0])]
    if kind in _NUMBERS:
        numbers = np.zeros(len(column), _NUMBERS[kind])
        numbers[valid] = np.frombuffer(content.buffers()[2], numbers.dtype, len(tags))
        return from_numpy(numbers.astype(numbers.dtype.newbyteorder("=")), ~valid)
    validity = None if valid.all() else pa.py_buffer(np.packbits(valid, bitorder="little"))
    return pa.Array.from_buffers(kind, len(column), [validity, *content.buffers()[1:]])


def check_tagged(column: pa.Array) -> None:
    """Raise ValueError if a value of a TAGGED column is malformed."""
    if len(column) <= _FEW_VALUES:
        _check_few_tagged(column)
        return
    valid, starts, lengths, data = _tagged_parts(column)
    if not lengths[valid].all():
        raise ValueError("a value without a tag")
    tags = data[starts[valid]]
    numbers = (tags == ord("i")) | (tags == ord("r"))
    texts = tags == ord("t")
    if not (numbers | texts | (tags == ord("b"))).all():
        raise ValueError("a value with an unknown tag")
    if (lengths[valid][numbers] != _INTEGER.size).any():
        raise ValueError("a tagged number that is not of 8 bytes")
    if texts.any():
        places = starts[valid][texts]
        ends = places + lengths[valid][texts]
        binary_from_ranges(data, places, ends).cast(pa.string())  # ArrowInvalid is a ValueError


def _check_few_tagged(column: pa.Array) -> None:
    try:
        column_values(column)
    except UnicodeDecodeError as error:
        raise ValueError(f"a tagged text: {error}") from None


def _tagged_parts(
    column: pa.Array,
) -> tuple[npt.NDArray[np.bool_], npt.NDArray[Any], npt.NDArray[Any], npt.NDArray[np.uint8]]:
    """Per value of a TAGGED column: not NULL, place, length; and the bytes they lie in."""
    _, offset_buffer, data = column.buffers()
    offsets = np.frombuffer(offset_buffer, np.int64, len(column) + 1, 8 * column.offset)
    valid = to_numpy(column.is_valid())
    first, last = int(offsets[0]), int(offsets[-1])
    content = np.frombuffer(data, np.uint8)[first:last] if data else np.empty(0, np.uint8)
    return valid, offsets[:-1] - first, np.diff(offsets), content


def concat_columns(columns: Sequence[pa.Array]) -> pa.Array:
    """Columns end to end, brought to one type first where their types differ."""
    if len(columns) == 1:
        return columns[0]
    types = {column.type for column in columns}
    if len(types) == 1:
        return pa.concat_arrays(columns)
    types.discard(pa.null())
    if len(types) == 1:
        (target,) = types
        return pa.concat_arrays([c if c.type == target else c.cast(target) for c in columns])
    return pa.concat_arrays([tag_column(column) for column in columns])


def make_run(
    keys: pa.Array, sequences: pa.Array, kinds: pa.Array, columns: Iterable[pa.Array]
) -> pa.RecordBatch:
    """A run of these columns; the value columns in slot order."""
    arrays = [keys, sequences, kinds, *columns]
    names = ["key", "sequence", "kind", *map(str, range(len(arrays) - FIRST_VALUE))]
    return pa.RecordBatch.from_arrays(arrays, names)


def run_from_records(
    keys: Sequence[bytes],
    sequences: Sequence[int],
    rows: Sequence[Row | None],
    slot_types: Sequence[ColumnType],
) -> pa.RecordBatch:
    """A run of records held as Python objects; a row that is None is a tombstone.

    Payloads may be shorter than ``slot_types``: the slots beyond their end are NULL.
    """
    columns, deleted = split_rows(rows, len(slot_types))
    kinds = np.full(len(rows), PUT, np.int64)
    if deleted is not None:
        kinds[deleted] = DELETE
    return make_run(
        column_of_bytes(keys),
        from_numpy(np.array(sequences, np.int64)),
        from_numpy(kinds),
        map(build_column, columns, slot_types),
    )


def split_rows(
    rows: Sequence[Row | None], width: int
) -> tuple[list[list[Value]], list[bool] | None]:
    """The values of each slot, and which rows are None, if any; such rows have no values."""
    deleted: list[bool] | None = None
    blank: Row = (None,) * width
    payloads: Sequence[Row] = rows  # type: ignore[assignment]
    if None in rows:
        deleted = [row is None for row in rows]
        payloads = [blank if row is None else row for row in rows]
    if set(map(len, payloads)) - {width}:
        payloads = [(row + blank)[:width] for row in payloads]
    return [[row[slot] for row in payloads] for slot in range(width)], deleted


def concat_runs(runs: Sequence[pa.RecordBatch]) -> pa.RecordBatch:
    """Runs of one table end to end; the order of records is the caller's affair."""
    if len(runs) == 1:
        return runs[0]
    columns = [concat_columns(pieces) for pieces in zip(*(r.columns for r in runs), strict=True)]
    return pa.RecordBatch.from_arrays(columns, runs[0].schema.names)


def key_position(run: pa.RecordBatch, key: bytes, *, after: bool = False) -> int:
    """Row of the first key of ``run`` that is not below ``key``, or with ``after`` is above it."""
    keys = run.column(KEY)
    search = bisect_right if after else bisect_left
    return search(range(run.num_rows), key, key=lambda row: keys[row].as_py())


def starts_of_keys(keys: pa.Array) -> npt.NDArray[np.bool_] | None:
    """For each row whether its key differs from the one before; None when all do."""
    same = to_numpy(pc.equal(keys.slice(1), keys.slice(0, len(keys) - 1)))
    if not same.any():
        return None
    fresh: npt.NDArray[np.bool_] = np.concatenate(([True], ~same))
    return fresh
