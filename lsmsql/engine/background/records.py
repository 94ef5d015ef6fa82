"""Records on their way from a memtable to files.

They are packed by the process of the application while it is at work, and made arrays elsewhere.
A thread that lets go of the GIL waits up to 5 ms until it gets it back, and kernels of numpy and
Arrow let go of it every time. So packing is a few passes over lists by functions of Python itself.
"""

from __future__ import annotations

from array import array
from collections.abc import Sequence
from typing import Any

import msgspec
import numpy as np
import pyarrow as pa

from lsmsql.engine.columns import (
    DELETE,
    PUT,
    binary_column,
    build_column,
    make_run,
    split_rows,
)
from lsmsql.engine.ragged import from_numpy
from lsmsql.engine.values import ColumnType, Row


class Packed(msgspec.Struct, frozen=True):
    """Byte strings end to end, and the length of each: 4 bytes, in the order of this machine."""

    data: bytes
    lengths: bytes


class Records(msgspec.Struct, frozen=True):
    """Records of one table, column by column; all versions of a key side by side, newest first.

    ``sequences`` are 8 bytes each. ``deleted`` says which are tombstones; None: none.
    """

    keys: Packed
    sequences: bytes
    deleted: bytes | None
    columns: tuple[Packed | list[Any], ...]


def pack_records(
    keys: Sequence[bytes], sequences: Sequence[int], rows: Sequence[Row | None], width: int
) -> Records:
    """Records of ``width`` payload slots; a row that is None is a tombstone."""
    columns, deleted = split_rows(rows, width)
    return Records(
        _pack(keys),
        array("q", sequences).tobytes(),
        None if deleted is None else bytes(deleted),
        tuple(_pack(column) if set(map(type, column)) == {bytes} else column for column in columns),
    )


def _pack(values: Sequence[Any]) -> Packed:
    return Packed(b"".join(values), array("i", map(len, values)).tobytes())


def unpack_records(records: Records, slot_types: Sequence[ColumnType]) -> pa.RecordBatch:
    """The records as a run, but for their order."""
    sequences = np.frombuffer(records.sequences, np.int64)
    kinds = np.full(len(sequences), PUT, np.int64)
    if records.deleted is not None:
        kinds[np.frombuffer(records.deleted, np.bool_)] = DELETE
    columns = [
        _unpack(column) if isinstance(column, Packed) else build_column(column, slot_type)
        for column, slot_type in zip(records.columns, slot_types, strict=True)
    ]
    return make_run(_unpack(records.keys), from_numpy(sequences), from_numpy(kinds), columns)


def _unpack(packed: Packed) -> pa.Array:
    return binary_column(packed.data, np.frombuffer(packed.lengths, np.int32))
