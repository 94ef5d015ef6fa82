"""Replay: what the logs hold becomes memtables again.

Nobody reads yet, so of several versions of a key only the newest is kept. Records become versions
many at a time, by few calls; only if something is wrong with them is each looked at by itself.
"""

from __future__ import annotations

import contextlib
import gc
from collections import defaultdict
from collections.abc import Iterator, Sequence
from itertools import chain, islice, repeat

import msgspec

from lsmsql.engine.errors import CorruptionError
from lsmsql.engine.memtable.memtable import RECORD_OVERHEAD, Memtable, Version
from lsmsql.engine.schema import KV_TABLE_ID
from lsmsql.engine.values import Row
from lsmsql.engine.wal.format import (
    DELETE,
    PUT,
    RECORD_HEADER_SIZE,
    Frame,
    decode_records,
    decode_single_put,
)
from lsmsql.engine.wal.reader import LogReader

_decode_array = msgspec.msgpack.Decoder(tuple).decode
_are_plain = frozenset({int, float, str, bytes, type(None)}).issuperset

_OVERHEAD = RECORD_HEADER_SIZE + RECORD_OVERHEAD
_AT_ONCE = 128
"""Frames, mostly of one record each."""


class _Table:
    """The versions of one table, and the last records, which are not among them yet."""

    __slots__ = ("_frames", "_keys", "_values", "nbytes", "versions")

    def __init__(self) -> None:
        self.versions: dict[bytes, Version] = {}
        self.nbytes = 0
        self._frames: list[Frame] = []
        self._keys: list[bytes] = []
        self._values: list[bytes | None] = []

    def add(self, frame: Frame, key: bytes, value: bytes | None) -> None:
        """A record of ``frame``; ``value`` None is a DELETE."""
        self._frames.append(frame)
        self._keys.append(key)
        self._values.append(value)

    def settle(self) -> None:
        """Make versions of the records. Raises CorruptionError for a malformed row."""
        sequences = [frame.sequence for frame in self._frames]
        versions = map(Version, sequences, self._rows(), repeat(None))
        self.versions.update(zip(self._keys, versions, strict=True))
        self.nbytes += sum(map(len, self._keys)) + sum(map(len, filter(None, self._values)))
        self._frames, self._keys, self._values = [], [], []

    def _rows(self) -> Sequence[Row | None]:
        with contextlib.suppress(msgspec.MsgspecError):
            rows = list(map(_decode_array, filter(None, self._values)))
            if len(rows) == len(self._values) and _are_plain(map(type, chain.from_iterable(rows))):
                return rows
        # There is a DELETE, or a malformed row.
        return [_row(frame, value) for frame, value in zip(self._frames, self._values, strict=True)]


class Replay:
    """The records of logs, the oldest log first. ``sequence`` is that of the newest commit."""

    def __init__(self) -> None:
        self.sequence = 0
        self._tables: defaultdict[int, _Table] = defaultdict(_Table)

    def add(self, reader: LogReader) -> None:
        """All frames of a log.

        Raises CorruptionError for damage, for a commit out of order, and for records and rows that
        no writer makes.
        """
        with _without_collector():
            frames = reader.frames()
            while some := list(islice(frames, _AT_ONCE)):
                self._add(some)
                for table in self._tables.values():
                    table.settle()

    def _add(self, frames: Sequence[Frame]) -> None:
        for frame in frames:
            sequence = frame.sequence
            if sequence <= self.sequence:
                problem = f"commit {sequence} is out of order"
                raise CorruptionError(frame.path, frame.offset, problem)
            self.sequence = sequence
            single = decode_single_put(frame)
            if single is None:
                self._add_records(frame)
            else:
                key, value = single
                self._tables[KV_TABLE_ID].add(frame, key, value)

    def _add_records(self, frame: Frame) -> None:
        for kind, table_id, key, value in decode_records(frame):
            if kind not in (PUT, DELETE):
                raise CorruptionError(frame.path, frame.offset, f"a record of type {kind} in a log")
            self._tables[table_id].add(frame, key, value if kind == PUT else None)

    def memtables(self) -> dict[int, Memtable]:
        """What was added, by table id."""
        return {
            table_id: Memtable.of(table.versions, table.nbytes + len(table.versions) * _OVERHEAD)
            for table_id, table in self._tables.items()
        }


def _row(frame: Frame, value: bytes | None) -> Row | None:
    """The row in the value of a record; None for a DELETE."""
    if value is None:
        return None
    try:
        row: Row = _decode_array(value)
    except msgspec.MsgspecError as error:
        problem = f"malformed row: {error}"
        raise CorruptionError(frame.path, frame.offset, problem) from None
    if not _are_plain(map(type, row)):
        problem = "malformed row: not an array of values"
        raise CorruptionError(frame.path, frame.offset, problem)
    return row


@contextlib.contextmanager
def _without_collector() -> Iterator[None]:
    """Keep Python's collector of cycles out: it would look at every row, and find none to free."""
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if enabled:
            gc.enable()
