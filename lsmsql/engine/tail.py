"""A log that another process may be appending to: what was read of it, and what follows."""

from __future__ import annotations

import time
from collections.abc import Callable
from itertools import pairwise

from lsmsql.engine.errors import CorruptionError
from lsmsql.engine.filesystem import FileSystem, ReadFile
from lsmsql.engine.memtable.memtable import Memtable
from lsmsql.engine.replay import Replay
from lsmsql.engine.wal.changes import Changes, decode_changes
from lsmsql.engine.wal.damage import was_durable
from lsmsql.engine.wal.format import (
    FRAME_HEADER_SIZE,
    decode_frame,
    frame_size,
    log_name,
    sound_frames,
)
from lsmsql.engine.wal.reader import LogReader

_FIRST_STEP = 4096
_LAST_STEP = 1 << 20
"""Bytes read at once: few at first, for most of what follows may be zeros."""

_AT_ONCE = 1024

PATIENCE = 1.0
"""Seconds after which bytes that are no sound frame are looked at more closely."""

Apply = Callable[[dict[int, Memtable], int, Changes], None]
"""Puts the changes of a commit, by its sequence number, into memtables."""


class Tail:
    """Log ``number``, read up to ``end``: its newest commit is ``sequence``."""

    def __init__(self, file: ReadFile, path: str, number: int) -> None:
        self.file = file
        self.number = number
        self.memtables: dict[int, Memtable] = {}
        self.sequence = 0
        self.end = 0
        self._path = path
        self._stopped_at = -1
        self._stopped_since = 0.0

    @classmethod
    def begin(
        cls,
        filesystem: FileSystem,
        directory: str,
        number: int,
        before: int,
        *,
        newest: bool,
        floor: int | None = None,
    ) -> Tail | None:
        """Open a log and read it. None if it is the ``newest`` and has no header yet.

        All commits up to ``before`` are known from elsewhere; ``floor`` is as for ``Replay``.
        Raises StorageError, CorruptionError, FormatError.
        """
        path = f"{directory}/{log_name(number)}"
        tail = cls(filesystem.open(path), path, number)
        try:
            try:
                begun = tail._read(before, newest, floor)
            except CorruptionError as error:
                # What is written meanwhile may be seen in another order than it was written in.
                try:
                    begun = tail._read(before, newest, floor)
                except CorruptionError as again:
                    if again.offset == error.offset:
                        raise
                    begun = tail._read(before, newest, floor)
        except BaseException:
            tail.file.close()
            raise
        if not begun:
            tail.file.close()
        return tail if begun else None

    def _read(self, before: int, newest: bool, floor: int | None) -> bool:
        data = self.file.read_at(0, self.file.size())
        reader = LogReader(data, self._path, newest=newest)
        replay = Replay(before, floor)
        replay.add(reader)
        self.memtables, self.sequence = replay.memtables(), replay.sequence
        self.end = reader.end
        return reader.header is not None

    def has_more(self) -> bool:
        """Whether there is anything after the end."""
        return any(self.file.read_at(self.end, FRAME_HEADER_SIZE))

    def read_on(self, apply: Apply, *, complete: bool = False) -> None:
        """Read the frames that were appended.

        Raises CorruptionError for malformed records, for damage that shows, and if anything is left
        in a log that is said to be ``complete``.
        """
        step = _FIRST_STEP
        while True:
            data = self.file.read_at(self.end, step)
            offsets, end = sound_frames(data, 0, self.number, _AT_ONCE)
            begin = self.end
            for offset, next_at in pairwise([*offsets, end]):
                self._take(data, offset, begin, apply)
                self.end = begin + next_at
            rest = data[end : end + FRAME_HEADER_SIZE]
            if offsets and len(rest) == FRAME_HEADER_SIZE and not any(rest):
                break
            if offsets:
                step = min(2 * step, _LAST_STEP)
            elif step == len(data) < frame_size(data, 0) <= self.file.size() - self.end:
                step = frame_size(data, 0)
            else:
                self._stop(data)
                break
        if complete and any(data[end:]):
            raise CorruptionError(self._path, self.end, "no sound frame, in a log that is complete")

    def _stop(self, data: bytes) -> None:
        """No sound frame follows. If anything does, it is being written: or, if it stays, damaged.

        Raises CorruptionError if a later frame proves that it had been synced.
        """
        if self._stopped_at != self.end or not any(data):
            self._stopped_at, self._stopped_since = self.end, time.monotonic()
        elif time.monotonic() - self._stopped_since >= PATIENCE:
            self._stopped_since = time.monotonic()
            if was_durable(self.file.read_at(0, self.file.size()), self.end, self.number):
                problem = "no sound frame, where a later frame proves that one had been synced"
                raise CorruptionError(self._path, self.end, problem)

    def _take(self, data: bytes, offset: int, begin: int, apply: Apply) -> None:
        """Apply the frame at ``offset`` of ``data``, which is what the file has at ``begin``."""
        frame = decode_frame(data, self._path, offset)
        try:
            changes = decode_changes(frame)
            if frame.sequence <= self.sequence:
                problem = f"commit {frame.sequence} is out of order"
                raise CorruptionError(self._path, offset, problem)
        except CorruptionError as error:
            where = begin + (error.offset or 0)
            raise CorruptionError(self._path, where, error.problem) from None
        apply(self.memtables, frame.sequence, changes)
        self.sequence = frame.sequence
