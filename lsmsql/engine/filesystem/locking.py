"""The lock of a store, and how its holder tells others that something has changed.

    LOCK      0                          120      128
              | owner, text and spaces   | count  |
              |                          | u64    |

The lock itself is the operating system's: it is the holder's descriptor that has it, so it goes
with the process, however that ends. What is in the file is for others to read. The file never
shrinks, since others have it mapped, and the count only ever grows, from one holder to the next.
"""

from __future__ import annotations

import contextlib
import errno
import mmap
import os
import struct
import threading

from lsmsql.engine.errors import BusyError, StorageError
from lsmsql.engine.filesystem.files import OsFile, failed, open_descriptor, reporting
from lsmsql.engine.filesystem.network import why_locks_are_local
from lsmsql.engine.filesystem.system import try_lock

_COUNT = struct.Struct("<Q")
_COUNT_AT = 120
_SIZE = 128

_NO_LOCKS = {
    getattr(errno, name)
    for name in ("ENOLCK", "EOPNOTSUPP", "ENOTSUP", "ENOSYS")
    if hasattr(errno, name)
}


def take_lock(path: str, owner: str) -> OsLock:
    """As ``FileSystem.lock``."""
    reason = why_locks_are_local(path)
    if reason is not None:
        raise _no_locks(path, reason)
    lock = OsLock(open_descriptor("lock", path, os.O_RDWR | os.O_CREAT), path)
    try:
        lock.take(owner)
    except BaseException:
        lock.release()
        raise
    return lock


def _no_locks(path: str, reason: str) -> StorageError:
    return StorageError(
        f"lock {path}: {reason}, so that two processes could write to the store at once;"
        " put it on a local disk"
    )


class OsLock(OsFile):
    """The lock goes with the descriptor."""

    __slots__ = ("_count", "_mutex")

    def __init__(self, fd: int, path: str) -> None:
        super().__init__(fd, path)
        self._count = 0
        self._mutex = threading.Lock()

    def take(self, owner: str) -> None:
        """Have the lock, or raise BusyError, StorageError."""
        try:
            taken = try_lock(self._fd)
        except OSError as error:
            if error.errno in _NO_LOCKS:
                raise _no_locks(self._path, "the file system has no locks") from error
            raise failed("lock", self._path, error) from error
        with reporting("lock", self._path):
            content = os.read(self._fd, _SIZE)
            if not taken:
                holder = content[:_COUNT_AT].decode(errors="replace").strip("\0\n ")
                problem = f"{self._path} is held by {holder or 'another process'}"
                raise BusyError(problem, holder)
            self._count = _count(content)
            text = owner.encode()[: _COUNT_AT - 1].ljust(_COUNT_AT - 1) + b"\n"
            self._write(0, text + _COUNT.pack(self._count))
        self.announce()

    def announce(self) -> None:
        with self._mutex, reporting("write to", self._path):
            self._count += 1
            self._write(_COUNT_AT, _COUNT.pack(self._count))

    def _write(self, offset: int, data: bytes) -> None:
        os.lseek(self._fd, offset, os.SEEK_SET)
        os.write(self._fd, data)

    def release(self) -> None:
        self.close()


def _count(content: bytes) -> int:
    return _COUNT.unpack_from(content, _COUNT_AT)[0] if len(content) == _SIZE else 0


class OsWatch:
    """The count, read through memory."""

    def __init__(self, path: str) -> None:
        fd = open_descriptor("watch", path, os.O_RDONLY)
        try:
            with reporting("watch", path):
                if os.fstat(fd).st_size < _SIZE:  # nobody has ever had the lock
                    raise FileNotFoundError(errno.ENOENT, "nothing is announced yet")
                self._map = mmap.mmap(fd, _SIZE, access=mmap.ACCESS_READ)
        finally:
            os.close(fd)

    def seen(self) -> int:
        return int.from_bytes(self._map[_COUNT_AT:_SIZE], "little")

    def close(self) -> None:
        with contextlib.suppress(BufferError):
            self._map.close()
