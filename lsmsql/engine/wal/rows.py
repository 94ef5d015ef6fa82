"""Many rows of one commit in one record, column by column: the value of a ROWS record.

    value    = msgpack array: count | keys | deleted | column*     one column for each payload slot
    keys     = packed
    deleted  = nil, or bin: a byte for each row, 1 for a DELETE
    column   = packed, if all of its values are BLOBs, else a msgpack array of values
    packed   = bin: count lengths, u32 little-endian; then as many byte strings, end to end

The keys are distinct; the rows are in no particular order. Whoever commits holds the interpreter,
so packing is a few passes over lists by functions of Python itself (kernels of numpy and Arrow let
go of it, and may wait 5 ms until they get it back). Whoever reads wants whole columns, to write a
file, or Python's objects, to replay.
"""

from __future__ import annotations

import sys
from array import array
from collections.abc import Collection, Mapping, Sequence
from itertools import accumulate, chain, pairwise
from typing import Any, Final

import msgspec
import numpy as np
import pyarrow as pa

from lsmsql.engine.columns import DELETE, PUT, binary_column, build_column, make_run, split_rows
from lsmsql.engine.ragged import from_numpy
from lsmsql.engine.values import ColumnType, Row, Value
from lsmsql.engine.wal.payloads import are_values

AT_ONCE = 4096
"""Rows in a record. More would make it no smaller, and its arrays must not be too large."""


_LENGTH: Final = next(code for code in "IL" if array(code).itemsize == 4)


class Rows(msgspec.Struct, frozen=True, array_like=True):
    """Rows as they are in a record."""

    count: int
    keys: bytes
    deleted: bytes | None
    columns: tuple[bytes | Sequence[Any], ...]


_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(Rows).decode


def pack_rows(records: Mapping[bytes, Row | None]) -> bytes:
    """The value for these rows; one that is None is a tombstone."""
    columns, deleted = _split(list(records.values()))
    return _encode(
        Rows(
            len(records),
            _pack(records),
            None if deleted is None else bytes(deleted),
            tuple(_pack(c) if set(map(type, c)) == {bytes} else c for c in columns),
        )
    )


def _split(rows: list[Row | None]) -> tuple[Sequence[Sequence[Value]], list[bool] | None]:
    """The values of each slot, and which rows are None, if any."""
    try:
        return list(zip(*rows, strict=True)), None
    except (TypeError, ValueError):  # a row is None, or shorter than others
        return split_rows(rows, max(map(len, filter(None, rows)), default=0))


def _pack(values: Collection[Any]) -> bytes:
    lengths = array(_LENGTH, map(len, values))
    if sys.byteorder == "big":
        lengths.byteswap()
    return b"".join(chain((lengths.tobytes(),), values))


def _lengths(packed: bytes, count: int) -> Any:
    """The lengths at the front of ``packed``. Raises ValueError if they do not fit the rest."""
    lengths = np.frombuffer(packed, "<u4", count)  # a ValueError where there are too few bytes
    if 4 * count + int(lengths.sum(dtype=np.int64)) != len(packed):
        raise ValueError("the lengths of byte strings are not those of the strings")
    return lengths


def read_rows(value: bytes) -> Rows:
    """The rows in the value of a record.

    Raises ValueError (of which msgspec's errors are kinds) for what no writer makes.
    """
    try:
        rows = _decode(value)
    except RecursionError as error:
        raise ValueError(str(error)) from None
    if not 0 < rows.count <= len(rows.keys) // 4:  # each key has a length at least
        raise ValueError(f"{rows.count} rows, with {len(rows.keys)} bytes of keys")
    if rows.deleted is not None and len(rows.deleted) != rows.count:
        raise ValueError("a mark for each row says which are deleted, or there are none")
    for column in rows.columns:
        if not isinstance(column, bytes):
            if len(column) != rows.count:
                raise ValueError(f"a column of {len(column)} values for {rows.count} rows")
            if not are_values(column):
                raise ValueError("a column of what are no values")
    return rows


def unpack_objects(rows: Rows) -> tuple[list[bytes], list[Row | None]]:
    """Keys and payloads; None for a deleted row. Raises ValueError."""
    columns: list[Sequence[Value]] = [
        _strings(column, rows.count) if isinstance(column, bytes) else column
        for column in rows.columns
    ]
    payloads: list[Row | None] = list(zip(*columns, strict=True)) if columns else [()] * rows.count
    if rows.deleted is not None:
        payloads = [
            None if deleted else row for deleted, row in zip(rows.deleted, payloads, strict=True)
        ]
    return _strings(rows.keys, rows.count), payloads


def _strings(packed: bytes, count: int) -> list[bytes]:
    lengths = _lengths(packed, count).tolist()
    return [packed[start:end] for start, end in pairwise(accumulate(lengths, initial=4 * count))]


def unpack_run(rows: Rows, sequence: int, slot_types: Sequence[ColumnType]) -> pa.RecordBatch:
    """The rows, of commit ``sequence``, as a run but for their order. Raises ValueError.

    Slots beyond those that the rows have are NULL.
    """
    count = rows.count
    kinds = np.full(count, PUT, np.int64)
    if rows.deleted is not None:
        kinds[np.frombuffer(rows.deleted, np.bool_)] = DELETE
    columns: list[bytes | Sequence[Any]] = [*rows.columns]
    columns += [[None] * count] * (len(slot_types) - len(columns))
    return make_run(
        _array(rows.keys, count),
        from_numpy(np.full(count, sequence, np.int64)),
        from_numpy(kinds),
        [
            _array(column, count) if isinstance(column, bytes) else build_column(column, slot_type)
            for column, slot_type in zip(columns, slot_types, strict=True)
        ],
    )


def _array(packed: bytes, count: int) -> pa.Array:
    return binary_column(memoryview(packed)[4 * count :], _lengths(packed, count))
