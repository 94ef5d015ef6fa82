"""Replay: what the logs hold becomes memtables again.

Nobody reads yet, so of several versions of a key only the newest is kept, or with a history those
that may be asked for. Records become versions many at a time, by few calls; only if something is
wrong with them is each looked at by itself.
"""

from __future__ import annotations

import contextlib
import gc
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from functools import partial
from itertools import islice, repeat

from lsmsql.engine.errors import CorruptionError
from lsmsql.engine.memtable.memtable import RECORD_OVERHEAD, Chained, Memtable, Version, trim
from lsmsql.engine.schema import KV_TABLE_ID
from lsmsql.engine.values import Row
from lsmsql.engine.wal.format import (
    DELETE,
    PUT,
    RECORD_HEADER_SIZE,
    ROWS,
    Frame,
    place_records,
    place_single,
)
from lsmsql.engine.wal.payloads import MalformedRowError, decode_payloads
from lsmsql.engine.wal.reader import LogReader
from lsmsql.engine.wal.rows import read_rows, unpack_objects

_OVERHEAD = RECORD_HEADER_SIZE + RECORD_OVERHEAD
_AT_ONCE = 128
"""Frames, mostly of one record each."""


class _Table:
    """The versions of one table, and the last records, which are not among them yet."""

    __slots__ = ("_floor", "_frames", "_keys", "_values", "chained", "nbytes", "versions")

    def __init__(self, floor: int | None) -> None:
        self.versions: dict[bytes, Version] = {}
        self.chained = Chained()
        self.nbytes = 0
        self._floor = floor
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
        self._take(self._keys, versions)
        self.nbytes += sum(map(len, self._keys)) + sum(map(len, filter(None, self._values)))
        self._frames, self._keys, self._values = [], [], []

    def _rows(self) -> list[Row | None]:
        try:
            return decode_payloads(self._values)
        except MalformedRowError as error:
            frame = self._frames[error.index]
            raise CorruptionError(frame.path, frame.offset, str(error)) from None

    def add_rows(self, frame: Frame, value: bytes) -> None:
        """The rows of a record of ``frame``. Raises CorruptionError for malformed ones."""
        self.settle()
        try:
            keys, rows = unpack_objects(read_rows(value))
        except ValueError as error:
            problem = f"malformed rows: {error}"
            raise CorruptionError(frame.path, frame.offset, problem) from None
        versions = map(Version, repeat(frame.sequence), rows, repeat(None))
        self._take(keys, versions)
        self.nbytes += len(value)

    def _take(self, keys: Sequence[bytes], versions: Iterable[Version]) -> None:
        """Put versions in the place of older ones; with a floor, in front of them."""
        if self._floor is None:
            self.versions.update(zip(keys, versions, strict=True))
            return
        for key, version in zip(keys, versions, strict=True):
            older = self.versions.get(key)
            if older is not None:
                self.nbytes += _OVERHEAD
                # Of a commit the last record of a key counts.
                older = older.older if older.sequence == version.sequence else older
            if older is not None:
                older = trim(older, self._floor, self.chained)
            self.versions[key] = Version(version.sequence, version.row, older)


class Replay:
    """The records of logs, the oldest log first. ``sequence`` is that of the newest commit."""

    def __init__(self, flushed: int = 0, floor: int | None = None) -> None:
        """``flushed`` is the newest commit in files: each one after it must be in the logs.

        With a ``floor`` all versions are kept that a reader there or later may ask for.
        """
        self.sequence = 0
        self._flushed = flushed
        self._tables: defaultdict[int, _Table] = defaultdict(partial(_Table, floor))

    def add(self, reader: LogReader) -> None:
        """All frames of a log.

        Raises CorruptionError for damage, for a commit out of order or a missing one before it,
        and for records and rows that no writer makes.
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
            before = max(self.sequence, self._flushed)
            if sequence > before + 1:
                problem = f"commit {sequence} comes after {before}: what was between them is lost"
                raise CorruptionError(frame.path, frame.offset, problem)
            self.sequence = sequence
            single = place_single(frame)
            if single is None:
                self._add_records(frame)
            else:
                kind, key_at, value_at = single
                data = frame.data
                value = data[value_at : frame.end] if kind == PUT else None
                self._tables[KV_TABLE_ID].add(frame, data[key_at:value_at], value)

    def _add_records(self, frame: Frame) -> None:
        data = frame.data
        for kind, table_id, key_at, value_at, end in place_records(frame):
            table = self._tables[table_id]
            if kind == ROWS:
                table.add_rows(frame, data[value_at:end])
            elif kind in (PUT, DELETE):
                value = data[value_at:end] if kind == PUT else None
                table.add(frame, data[key_at:value_at], value)
            else:
                raise CorruptionError(frame.path, frame.offset, f"a record of type {kind} in a log")

    def memtables(self) -> dict[int, Memtable]:
        """What was added, by table id."""
        return {
            table_id: Memtable.of(
                table.versions, table.chained, table.nbytes + len(table.versions) * _OVERHEAD
            )
            for table_id, table in self._tables.items()
        }


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
