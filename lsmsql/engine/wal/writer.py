"""Writes a log, or a manifest: one write of the file for each frame.

A log is a file that may be preallocated (see ``filesystem``), a manifest is not: it takes few
writes.

Invariant: ``durable`` in a frame is never more than what is on the disk.

Threads: one at a time may append; ``sync`` may run beside it in another.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable

from lsmsql.engine.checksum import checksum
from lsmsql.engine.errors import Error, FailedError, UsageError
from lsmsql.engine.filesystem import AppendFile, FileSystem
from lsmsql.engine.wal.format import (
    HEADER_SIZE,
    LOG,
    RECORD_HEADER_SIZE,
    Kind,
    encode_frame,
    encode_header,
    pack_checksum,
    pack_frame_of_one,
)


class LogWriter:
    """File ``number``, open at its end.

    After a write or sync that failed nobody knows what is in the file, or what of it will stay (a
    second fsync may report success for pages that the first one lost). So every later ``append``
    and ``sync`` raises FailedError, which names the first cause.
    """

    def __init__(self, file: AppendFile, path: str, number: int, durable: int) -> None:
        self._file = file
        self._write: Callable[[bytes], None] = file.write
        self._path = path
        self._number = number
        self._durable = durable
        self._begun_at = max(durable, HEADER_SIZE)
        self._failure: BaseException | None = None

    @classmethod
    def create(cls, fs: FileSystem, path: str, kind: Kind, number: int) -> LogWriter:
        """A new file with its header. Neither it nor its name in the directory is synced.

        Raises StorageError; no file is left behind then, for half a header would be damage once a
        later log is there.
        """
        file = fs.create_log(path) if kind is LOG else fs.create(path)
        writer = cls(file, path, number, durable=0)
        try:
            writer._file.write(encode_header(kind, number))
        except BaseException:
            writer.close()
            with contextlib.suppress(Error):
                fs.remove(path)
            raise
        return writer

    @classmethod
    def resume(
        cls, fs: FileSystem, path: str, kind: Kind, number: int, offset: int, synced: int = 0
    ) -> LogWriter:
        """Go on after ``offset``, the ``end`` that a LogReader found; cut off what follows it.

        All of it is on the disk then, also what a failed sync may have kept from it: ``synced`` is
        what the LogReader knows to be there.

        Raises UsageError for a file without a header, which is to be removed and created.
        """
        if offset < HEADER_SIZE:
            raise UsageError(f"{path} has no header to go on after; create it anew")
        fs.truncate(path, offset, min(synced, offset))
        file = fs.append_to_log(path) if kind is LOG else fs.append_to(path)
        return cls(file, path, number, durable=offset)

    @property
    def size(self) -> int:
        """Bytes written to the file."""
        return self._file.tell()

    @property
    def appended(self) -> int:
        """Bytes of the frames appended by this writer."""
        return self._file.tell() - self._begun_at

    @property
    def unsynced(self) -> int:
        """Bytes not known to be on the disk."""
        return self._file.tell() - self._durable

    def append(self, sequence: int, count: int, payload: bytes) -> None:
        """Hand a frame of ``count`` records to the operating system; ``sync`` makes it durable.

        Raises LimitError beyond 4 GiB, StorageError if the write fails, FailedError ever after.
        """
        frame = encode_frame(self._number, sequence, count, payload, self._durable)
        try:
            self._write(frame)
        except BaseException as error:  # an interrupt, too, leaves half a frame
            self._fail(error)
            raise

    def append_one(self, sequence: int, kind: int, key: bytes, value: bytes) -> None:
        """``append`` for one record of table 1, of type PUT or DELETE: the most frequent frame."""
        key_length, value_length = len(key), len(value)
        length = RECORD_HEADER_SIZE + key_length + value_length
        durable = self._durable
        head = pack_frame_of_one(length, 1, sequence, durable, kind, key_length, value_length)
        body = head + key + value
        try:
            self._write(pack_checksum(checksum(body, self._number)) + body)
        except BaseException as error:
            self._fail(error)
            raise

    def sync(self) -> None:
        """Return when every frame appended before the call is on the disk.

        Raises StorageError if the sync fails, FailedError ever after.
        """
        if self._failure is not None:
            self._refuse()
        size = self._file.tell()
        try:
            self._file.sync()
        except BaseException as error:
            self._fail(error)
            raise
        self._durable = max(self._durable, size)

    def close(self) -> None:
        """Let go of the file. Does not sync."""
        self._file.close()

    def _fail(self, error: BaseException) -> None:
        """From now on nothing is written any more."""
        self._failure = self._failure or error
        self._write = self._refuse

    def _refuse(self, frame: bytes = b"") -> None:
        cause = str(self._failure) or type(self._failure).__name__
        problem = f"{self._path} takes no more writes, since one failed: {cause}"
        raise FailedError(problem) from self._failure
