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

from lsmsql.engine.ragged import (
    MAX_BATCH_BYTES,
    binary_from_ranges,
    binary_scalar,
    from_numpy,
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
        return pa.array(values, _ARROW_TYPES[declared])
    classes = set(map(type, values))
    classes.discard(type(None))
    if not classes:
        return pa.nulls(len(values))
    if len(classes) == 1:
        return pa.array(values, _TYPE_OF_CLASS[classes.pop()])
    return pa.array(map(tag_value, values), TAGGED)


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


def _tagged_parts(
    column: pa.Array,
) -> tuple[npt.NDArray[np.bool_], npt.NDArray[Any], npt.NDArray[Any], npt.NDArray[np.uint8]]:
    """Per value of a TAGGED column: not NULL, place, length; and the bytes they lie in."""
    _, offset_buffer, data = column.buffers()
    offsets = np.frombuffer(offset_buffer, np.int64, len(column) + 1, 8 * column.offset)
    valid = column.is_valid().to_numpy(zero_copy_only=False)
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
    width = len(slot_types)
    kinds = [PUT] * len(rows)
    if None in rows:
        kinds = [DELETE if row is None else PUT for row in rows]
    payloads = [row or () for row in rows]
    if set(map(len, payloads)) - {width}:
        blank: Row = (None,) * width
        payloads = [(row + blank)[:width] for row in payloads]
    columns = zip(*payloads, strict=True) if rows else ((),) * width
    return make_run(
        pa.array(keys, pa.binary()),
        pa.array(sequences, pa.int64()),
        pa.array(kinds, pa.int64()),
        [build_column(c, t) for c, t in zip(columns, slot_types, strict=True)],
    )


def concat_runs(runs: Sequence[pa.RecordBatch]) -> pa.RecordBatch:
    """Runs of one table end to end; the order of records is the caller's affair."""
    if len(runs) == 1:
        return runs[0]
    columns = [concat_columns(pieces) for pieces in zip(*(r.columns for r in runs), strict=True)]
    return pa.RecordBatch.from_arrays(columns, runs[0].schema.names)


def narrow_run(run: pa.RecordBatch) -> pa.RecordBatch:
    """``run`` with each value column in the one type of its values, where they have one."""
    if TAGGED not in run.schema.types:
        return run
    columns = [narrow_column(column) for column in run.columns]
    return pa.RecordBatch.from_arrays(columns, run.schema.names)


def key_position(run: pa.RecordBatch, key: bytes, *, after: bool = False) -> int:
    """Row of the first key of ``run`` that is not below ``key``, or with ``after`` is above it."""
    keys = run.column(KEY)
    search = bisect_right if after else bisect_left
    return search(range(run.num_rows), key, key=lambda row: keys[row].as_py())


def starts_of_keys(keys: pa.Array) -> npt.NDArray[np.bool_] | None:
    """For each row whether its key differs from the one before; None when all do."""
    same = pc.equal(keys.slice(1), keys.slice(0, len(keys) - 1)).to_numpy(zero_copy_only=False)
    if not same.any():
        return None
    fresh: npt.NDArray[np.bool_] = np.concatenate(([True], ~same))
    return fresh
