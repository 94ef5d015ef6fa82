"""What a log holds as runs of columns: how a flush reads what the memtables hold as objects.

Most frames hold one record of ``kv`` or one of many rows. The first kind is only located, by
arithmetic on many frames at once; keys and rows are then taken out of the log many at a time. The
second is columns already.

    frames   PUT  PUT  PUT  ROWS  ROWS  PUT  PUT
    runs     `--- one ---'  one   one   ` one  '        in the order of the log
"""

from __future__ import annotations

import struct
from collections.abc import Mapping, Sequence

import numpy as np
import pyarrow as pa

from lsmsql.engine import columns
from lsmsql.engine.columns import build_column, make_run, split_rows
from lsmsql.engine.errors import CorruptionError
from lsmsql.engine.ragged import Integers, binary_from_ranges, from_numpy, unaligned
from lsmsql.engine.schema import KV_TABLE_ID
from lsmsql.engine.values import ColumnType, Row
from lsmsql.engine.wal.format import (
    COUNT_AT,
    DELETE,
    EDIT,
    FRAME_HEADER_SIZE,
    LENGTH_AT,
    PUT,
    RECORD_HEADER_SIZE,
    ROWS,
    SEQUENCE_AT,
    Frame,
    decode_frame,
    place_records,
)
from lsmsql.engine.wal.payloads import MalformedRowError, decode_payloads
from lsmsql.engine.wal.reader import LogReader
from lsmsql.engine.wal.rows import read_rows, unpack_run

PIECE_BYTES = 8 << 20
"""About how much of the log one run is made of: its rows are Python objects for a while."""

_NOT_OF_THE_TABLE = (ValueError, TypeError, OverflowError, struct.error)
"""What values raise that cannot be of the type their column has."""

_MAX_SEQUENCE = (1 << 63) - 1

Place = tuple[int, int, int, int, int, int]
"""Of a PUT or DELETE: sequence number, type; where its key, its value, its end and its frame are"""

Places = Integers
"""Many of them: six rows."""


def log_runs(
    data: bytes, path: str, tables: Mapping[int, Sequence[ColumnType]]
) -> dict[int, list[pa.RecordBatch]]:
    """The records of ``tables`` (their slots' types, by table id) in the complete log ``data``.

    They are runs but for their order, which is that of the log. Raises CorruptionError.
    """
    pieces = {table_id: _Pieces(data, path, types) for table_id, types in tables.items()}
    kv = pieces.get(KV_TABLE_ID)
    for offsets in LogReader(data, path, newest=False).offsets():
        places, others = _place_singles(data, offsets)
        start = 0
        for at in (*others, len(offsets)):
            if kv is not None and start < at:
                kv.add(places[:, start:at])
            if at < len(offsets):
                _add_frame(pieces, decode_frame(data, path, offsets[at]))
            start = at + 1
    return {table_id: found.finish() for table_id, found in pieces.items()}


def _place_singles(data: bytes, offsets: Sequence[int]) -> tuple[Places, list[int]]:
    """The places of records, one for each frame, and which of the frames hold anything else.

    What is said of those others means nothing.
    """
    content = np.frombuffer(data, np.uint8)
    frames = np.array(offsets, np.int64)
    heads = np.minimum(frames + FRAME_HEADER_SIZE, len(data) - RECORD_HEADER_SIZE)
    words = unaligned(content, "<u4")
    kinds = content[heads].astype(np.int64)
    key_lengths = words[heads + 1].astype(np.int64)
    value_lengths = words[heads + 5].astype(np.int64)
    keys_at = heads + RECORD_HEADER_SIZE
    values_at = keys_at + key_lengths
    ends = frames + FRAME_HEADER_SIZE + words[frames + LENGTH_AT]
    sequences = unaligned(content, "<u8")[frames + SEQUENCE_AT].astype(np.int64)
    single = (words[frames + COUNT_AT] == 1) & (values_at + value_lengths == ends)
    single &= sequences >= 0  # a greater one than there is has wrapped around
    single &= (kinds == PUT) | ((kinds == DELETE) & (value_lengths == 0))
    places = np.stack([sequences, kinds, keys_at, values_at, ends, frames])
    return places, np.flatnonzero(~single).tolist()


def _add_frame(pieces: Mapping[int, _Pieces], frame: Frame) -> None:
    """The records of one frame, which may be of any tables."""
    if frame.sequence > _MAX_SEQUENCE:
        problem = f"there is no commit {frame.sequence}"
        raise CorruptionError(frame.path, frame.offset, problem)
    for kind, table_id, key_at, value_at, end in place_records(frame):
        if kind == EDIT:
            raise CorruptionError(frame.path, frame.offset, f"a record of type {kind} in a log")
        if table_id not in pieces:
            continue
        if kind == ROWS:
            pieces[table_id].add_rows(frame, value_at, end)
        else:
            place = (frame.sequence, kind, key_at, value_at, end, frame.offset)
            pieces[table_id].add_one(place)


class _Pieces:
    """The records of one table: runs, and the places of the last ones, which are none yet."""

    def __init__(self, data: bytes, path: str, types: Sequence[ColumnType]) -> None:
        self._data = data
        self._path = path
        self._types = types
        self._runs: list[pa.RecordBatch] = []
        self._places: list[Places] = []
        self._last: list[Place] = []

    def add(self, places: Places) -> None:
        """PUT and DELETE records, of a frame each."""
        self._gather()
        self._places.append(places)
        if places[4, -1] - self._places[0][2, 0] > PIECE_BYTES:
            self._settle()

    def add_one(self, place: Place) -> None:
        """A PUT or DELETE of a frame that has more."""
        self._last.append(place)

    def add_rows(self, frame: Frame, start: int, end: int) -> None:
        """A ROWS record. Raises CorruptionError."""
        self._settle()
        try:
            rows = read_rows(self._data[start:end])
            self._runs.append(unpack_run(rows, frame.sequence, self._types))
        except _NOT_OF_THE_TABLE as error:
            problem = f"malformed rows: {error}"
            raise CorruptionError(frame.path, frame.offset, problem) from None

    def finish(self) -> list[pa.RecordBatch]:
        """All records, as runs."""
        self._settle()
        return self._runs

    def _gather(self) -> None:
        if self._last:
            self._places.append(np.array(self._last, np.int64).T)
            self._last = []

    def _settle(self) -> None:
        """Make runs of the records whose places are known."""
        self._gather()
        if not self._places:
            return
        places = np.concatenate(self._places, axis=1)
        self._places = []
        while places.shape[1]:
            within = int(np.searchsorted(places[4], places[2, 0] + PIECE_BYTES, "right"))
            count = max(1, within)
            self._runs.append(self._run(places[:, :count]))
            places = places[:, count:]

    def _run(self, places: Places) -> pa.RecordBatch:
        sequences, kinds, keys_at, values_at, ends, _ = places
        first = int(keys_at[0])
        content = np.frombuffer(self._data, np.uint8)[first : int(ends[-1])]
        values, _ = split_rows(self._rows(places), len(self._types))
        try:
            slots = list(map(build_column, values, self._types))
        except _NOT_OF_THE_TABLE as error:
            problem = f"rows from here on do not fit the table: {error}"
            raise CorruptionError(self._path, int(places[5, 0]), problem) from None
        return make_run(
            binary_from_ranges(content, keys_at - first, values_at - first),
            from_numpy(np.ascontiguousarray(sequences)),
            from_numpy(np.where(kinds == PUT, columns.PUT, columns.DELETE)),
            slots,
        )

    def _rows(self, places: Places) -> list[Row | None]:
        _, kinds, _, values_at, ends, frames = places
        values: list[bytes | None]
        values = list(map(self._data.__getitem__, map(slice, values_at.tolist(), ends.tolist())))
        for row in np.flatnonzero(kinds == DELETE).tolist():
            values[row] = None
        try:
            return decode_payloads(values)
        except MalformedRowError as error:
            offset = int(frames[error.index])
            raise CorruptionError(self._path, offset, str(error)) from None
