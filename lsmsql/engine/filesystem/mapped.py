"""The log's file: preallocated, and written to through memory where that can be had."""

from __future__ import annotations

import contextlib
import errno
import mmap
import os
import sys

from lsmsql.engine.filesystem.files import OsAppendFile, failed, file_size, reporting
from lsmsql.engine.filesystem.interface import AppendFile

EXTENT = 4 << 20
LARGEST_STEP = 16 << 20
"""A mapped file doubles, by so much at most, and is a whole number of extents."""

_CANNOT_MAP = {
    getattr(errno, name)
    for name in ("EOPNOTSUPP", "ENOTSUP", "ENOSYS", "EINVAL", "ENODEV", "EACCES", "EPERM")
    if hasattr(errno, name)
}
"""What file systems answer that cannot set space aside, or cannot map a file into memory."""


class MappedAppendFile(OsAppendFile):
    """A file whose space is set aside in large steps, and written to through memory.

    A write is a copy: it makes no system call and never lets go of the interpreter's lock, for
    which another thread may make it wait. The blocks are there before they are mapped, so a full
    disk is an error of ``posix_fallocate`` and never a SIGBUS at a write.

    Linux only. There a shared mapping is the page cache itself, and dirty pages are tracked through
    it, so that fdatasync writes them: "The application may now run fsync() to write out the dirty
    pages" (mm/msync.c of the kernel, where msync(MS_SYNC) is a call of vfs_fsync_range too). Once
    written they outlive the process, as after ``os.write``.
    """

    # The mapping's own position is where the next write goes; ``_end`` is set by ``close``.
    __slots__ = ("_map", "_owner", "_room")

    def __init__(self, fd: int, path: str, size: int, mapped: mmap.mmap) -> None:
        super().__init__(fd, path, size)
        self._map = mapped
        self._map.seek(size)
        self._room = len(mapped)
        self._owner = os.getpid()

    def write(self, data: bytes) -> None:
        try:
            self._map.write(data)
        except ValueError:  # it does not fit, and nothing of it has been written
            self._extend(len(data))
            self._map.write(data)

    def _extend(self, needed: int) -> None:
        """Make room for ``needed`` more bytes."""
        end = self.tell()
        try:
            longer = _extended(self._fd, self._room, end + needed)
        except OSError as error:
            raise failed("preallocate", self._path, error) from error
        longer.seek(end)
        self._map = longer
        self._room = len(longer)

    def tell(self) -> int:
        try:
            return self._map.tell()
        except ValueError:  # closed
            return self._end

    def close(self) -> None:
        """Give back the space that was not used: but not in a child that inherited the file."""
        fd, self._room = self._fd, 0
        self._end = self.tell()
        self._map.close()
        try:
            if fd >= 0 and self._owner == os.getpid():
                with reporting("truncate", self._path):
                    os.ftruncate(fd, self._end)
        finally:
            super().close()


def _extended(fd: int, room: int, needed: int) -> mmap.mmap:
    """A file of ``room`` bytes, extended to ``needed`` or more and mapped. Raises OSError."""
    longer = -(-max(needed, min(2 * room, room + LARGEST_STEP)) // EXTENT) * EXTENT
    os.posix_fallocate(fd, room, longer - room)
    return mmap.mmap(fd, longer)


def log_file(fd: int, path: str) -> AppendFile:
    """A file for many small writes: mapped where that can be had."""
    size = file_size(fd, path)
    if sys.platform != "linux":
        return OsAppendFile(fd, path, size)
    try:
        return MappedAppendFile(fd, path, size, _extended(fd, size, size + 1))
    except OSError as error:
        with contextlib.suppress(OSError):  # zeros at the end do no harm
            os.ftruncate(fd, size)
        if error.errno in _CANNOT_MAP:
            return OsAppendFile(fd, path, size)
        with contextlib.suppress(OSError):
            os.close(fd)
        raise failed("preallocate", path, error) from error
