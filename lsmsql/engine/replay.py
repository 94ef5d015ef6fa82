"""Replay: what the logs hold becomes memtables again.

Nobody reads yet, so of several versions of a key only the newest is kept.
"""

from __future__ import annotations

import contextlib
import gc
from collections import defaultdict
from collections.abc import Iterator

import msgspec

from lsmsql.engine.errors import CorruptionError
from lsmsql.engine.memtable.memtable import RECORD_OVERHEAD, Memtable, Version
from lsmsql.engine.values import Row
from lsmsql.engine.wal.format import DELETE, PUT, RECORD_HEADER_SIZE, Frame, decode_records
from lsmsql.engine.wal.reader import LogReader

_decode_array = msgspec.msgpack.Decoder(tuple).decode
_are_plain = frozenset({int, float, str, bytes, type(None)}).issuperset

_OVERHEAD = RECORD_HEADER_SIZE + RECORD_OVERHEAD


class _Table:
    __slots__ = ("nbytes", "versions")

    def __init__(self) -> None:
        self.versions: dict[bytes, Version] = {}
        self.nbytes = 0


class Replay:
    """The records of logs, the oldest log first. ``sequence`` is that of the newest commit."""

    def __init__(self) -> None:
        self.sequence = 0
        self._tables: defaultdict[int, _Table] = defaultdict(_Table)

    def add(self, reader: LogReader, path: str) -> None:
        """All frames of a log.

        Raises CorruptionError for damage, for a commit out of order, and for records and rows that
        no writer makes.
        """
        with _without_collector():
            for frame in reader.frames():
                if frame.sequence <= self.sequence:
                    problem = f"commit {frame.sequence} is out of order"
                    raise CorruptionError(path, frame.offset, problem)
                self._add(frame)
                self.sequence = frame.sequence

    def _add(self, frame: Frame) -> None:
        sequence, tables = frame.sequence, self._tables
        for kind, table_id, key, value in decode_records(frame):
            table = tables[table_id]
            table.versions[key] = (sequence, _row(frame, kind, value), None)
            table.nbytes += len(key) + len(value)

    def memtables(self) -> dict[int, Memtable]:
        """What was added, by table id."""
        return {
            table_id: Memtable.of(table.versions, table.nbytes + len(table.versions) * _OVERHEAD)
            for table_id, table in self._tables.items()
        }


def _row(frame: Frame, kind: int, value: bytes) -> Row | None:
    """The row in the value of a record; None for a DELETE."""
    if kind == PUT:
        try:
            row: Row = _decode_array(value)
        except msgspec.MsgspecError as error:
            problem = f"malformed row: {error}"
            raise CorruptionError(frame.path, frame.offset, problem) from None
        if not _are_plain(map(type, row)):
            problem = "malformed row: not an array of values"
            raise CorruptionError(frame.path, frame.offset, problem)
        return row
    if kind != DELETE:
        raise CorruptionError(frame.path, frame.offset, f"a record of type {kind} in a log")
    return None


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
