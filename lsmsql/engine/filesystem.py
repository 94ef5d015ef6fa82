"""The one way to the disk.

Everything the engine reads or writes passes through a ``FileSystem``, so that tests can put one in
its place that fails, tears or loses any operation. ``OsFileSystem`` is the real one.

Every method raises StorageError, naming the operation and the path, where the operating system
refuses. Paths are strings.

Threads: a ``ReadFile`` may be read by many at once. An ``AppendFile`` takes writes from one thread
at a time; ``sync`` may run beside a write.
"""

from __future__ import annotations

import contextlib
import errno
import mmap
import os
import sys
import threading
from collections.abc import Iterator
from typing import Protocol

from lsmsql.engine.errors import BusyError, StorageError

FileNames = list[str]


class AppendFile(Protocol):
    """A file that grows at its end, or at the end of what was written, if it is preallocated."""

    def write(self, data: bytes) -> None:
        """Append all of ``data``. After an error, any part of it may be in the file."""

    def sync(self) -> None:
        """Return when all that was written before the call is on the disk."""

    def tell(self) -> int:
        """How many bytes have been written to the file."""

    def close(self) -> None:
        """Let go of the file. Does not sync; closing twice does nothing."""


class ReadFile(Protocol):
    """A file that is read at any place."""

    def read_at(self, offset: int, length: int) -> bytes:
        """``length`` bytes from ``offset``; fewer only where the file ends."""

    def size(self) -> int:
        """Size of the file in bytes, now."""

    def close(self) -> None:
        """Let go of the file. Closing twice does nothing."""


class Lock(Protocol):
    """A lock that is held until it is released or its process ends."""

    def release(self) -> None:
        """Let others have the lock. Releasing twice does nothing."""


class FileSystem(Protocol):
    """What the engine asks of a disk."""

    def create(self, path: str) -> AppendFile:
        """A new file; it must not exist."""

    def append_to(self, path: str) -> AppendFile:
        """An existing file, to be continued at its end."""

    def create_log(self, path: str) -> AppendFile:
        """As ``create``, for a file of many small writes.

        Space may be set aside ahead of the writes. Until the file is closed, and for good if it
        never is, zero bytes may follow what was written.
        """

    def append_to_log(self, path: str) -> AppendFile:
        """As ``append_to``, with space set aside as in ``create_log``."""

    def open(self, path: str) -> ReadFile:
        """An existing file, for reading."""

    def read_all(self, path: str) -> bytes:
        """The whole of a file."""

    def rename(self, source: str, target: str) -> None:
        """Give a file another name, in place of a file that has it; never neither of the two."""

    def remove(self, path: str) -> None:
        """Remove a file."""

    def truncate(self, path: str, size: int) -> None:
        """Cut a file to ``size`` bytes; return when all that is left of it is on the disk."""

    def exists(self, path: str) -> bool:
        """Whether there is a file or directory of this name."""

    def list(self, directory: str) -> FileNames:
        """Names in a directory, sorted."""

    def make_directory(self, path: str) -> None:
        """Make a directory, its parents too; it may exist."""

    def sync_directory(self, path: str) -> None:
        """Return when the names in a directory are on the disk."""

    def lock(self, path: str, owner: str) -> Lock:
        """Take the lock that the file at ``path`` stands for, at once or not at all.

        The file stays when the lock is released. ``owner`` is written into it for others to read.
        Raises BusyError with that text when somebody, in this process or another, has the lock.
        """


def _failed(operation: str, path: str, error: OSError) -> StorageError:
    return StorageError(f"{operation} {path}: {error.strerror or error}")


@contextlib.contextmanager
def _reporting(operation: str, path: str) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise _failed(operation, path, error) from error


def _open(operation: str, path: str, flags: int) -> int:
    with _reporting(operation, path):
        return os.open(path, flags | getattr(os, "O_BINARY", 0), 0o666)


if sys.platform == "win32":
    import msvcrt

    # The locked byte lies beyond the owner's text, which others could not read otherwise.
    _LOCKED_BYTE = 1 << 30

    def _try_lock(fd: int) -> bool:
        os.lseek(fd, _LOCKED_BYTE, os.SEEK_SET)
        try:
            msvcrt.locking(fd, msvcrt.LK_NBLCK, 1)
        except PermissionError:
            return False
        finally:
            os.lseek(fd, 0, os.SEEK_SET)
        return True

    def _sync_directory(path: str) -> None:
        """Windows writes directory entries through; a directory cannot be opened to sync it."""

    _sync = os.fsync
else:
    import fcntl

    def _try_lock(fd: int) -> bool:
        try:
            fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True

    def _sync_directory(path: str) -> None:
        fd = os.open(path, os.O_RDONLY)
        try:
            os.fsync(fd)
        finally:
            os.close(fd)

    if sys.platform == "darwin":

        def _sync(fd: int) -> None:
            # fsync on macOS leaves the data in the drive's own cache.
            try:
                fcntl.fcntl(fd, fcntl.F_FULLFSYNC)
            except OSError:  # a network or foreign file system that does not know it
                os.fsync(fd)
    else:
        _sync = getattr(os, "fdatasync", os.fsync)


class _OsFile:
    """A descriptor and the path it was opened by."""

    __slots__ = ("_fd", "_path")

    def __init__(self, fd: int, path: str) -> None:
        self._fd = fd
        self._path = path

    def close(self) -> None:
        fd, self._fd = self._fd, -1
        if fd >= 0:
            with _reporting("close", self._path):
                os.close(fd)

    def __del__(self) -> None:
        with contextlib.suppress(StorageError, AttributeError):
            _OsFile.close(self)


class _OsAppendFile(_OsFile):
    """A file that has ``end`` bytes, and grows."""

    __slots__ = ("_end",)

    def __init__(self, fd: int, path: str, end: int = 0) -> None:
        super().__init__(fd, path)
        self._end = end

    def write(self, data: bytes) -> None:
        try:
            written = os.write(self._fd, data)
            while written < len(data):
                written += os.write(self._fd, memoryview(data)[written:])
        except OSError as error:
            raise _failed("write to", self._path, error) from error
        self._end += written

    def sync(self) -> None:
        try:
            _sync(self._fd)
        except OSError as error:
            raise _failed("sync", self._path, error) from error

    def tell(self) -> int:
        return self._end


EXTENT = 4 << 20
LARGEST_STEP = 16 << 20
"""A mapped file doubles, by so much at most, and is a whole number of extents."""

_CANNOT_MAP = {
    getattr(errno, name)
    for name in ("EOPNOTSUPP", "ENOTSUP", "ENOSYS", "EINVAL", "ENODEV", "EACCES", "EPERM")
    if hasattr(errno, name)
}
"""What file systems answer that cannot set space aside, or cannot map a file into memory."""


class _MappedAppendFile(_OsAppendFile):
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
            raise _failed("preallocate", self._path, error) from error
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
                with _reporting("truncate", self._path):
                    os.ftruncate(fd, self._end)
        finally:
            super().close()


def _extended(fd: int, room: int, needed: int) -> mmap.mmap:
    """A file of ``room`` bytes, extended to ``needed`` or more and mapped. Raises OSError."""
    longer = -(-max(needed, min(2 * room, room + LARGEST_STEP)) // EXTENT) * EXTENT
    os.posix_fallocate(fd, room, longer - room)
    return mmap.mmap(fd, longer)


def _log_file(fd: int, path: str) -> AppendFile:
    """A file for many small writes: mapped where that can be had."""
    size = os.fstat(fd).st_size
    if sys.platform != "linux":
        return _OsAppendFile(fd, path, size)
    try:
        return _MappedAppendFile(fd, path, size, _extended(fd, size, size + 1))
    except OSError as error:
        os.ftruncate(fd, size)
        if error.errno in _CANNOT_MAP:
            return _OsAppendFile(fd, path, size)
        os.close(fd)
        raise _failed("preallocate", path, error) from error


class _OsReadFile(_OsFile):
    __slots__ = ()

    def read_at(self, offset: int, length: int) -> bytes:
        try:
            data = os.pread(self._fd, length, offset)
            while 0 < len(data) < length:
                more = os.pread(self._fd, length - len(data), offset + len(data))
                if not more:
                    break
                data += more
        except OSError as error:
            raise _failed("read", self._path, error) from error
        return data

    def size(self) -> int:
        with _reporting("stat", self._path):
            return os.fstat(self._fd).st_size


class _SeekingReadFile(_OsReadFile):
    """For systems without pread: the place in the file is shared, hence the mutex."""

    __slots__ = ("_mutex",)

    def __init__(self, fd: int, path: str) -> None:
        super().__init__(fd, path)
        self._mutex = threading.Lock()

    def read_at(self, offset: int, length: int) -> bytes:
        parts = []
        with self._mutex, _reporting("read", self._path):
            os.lseek(self._fd, offset, os.SEEK_SET)
            while length > 0 and (part := os.read(self._fd, length)):
                parts.append(part)
                length -= len(part)
        return b"".join(parts)


class _OsLock(_OsFile):
    """The lock goes with the descriptor."""

    __slots__ = ()

    def release(self) -> None:
        self.close()


_read_file = _OsReadFile if hasattr(os, "pread") else _SeekingReadFile


class OsFileSystem:
    """The disk, through the operating system."""

    def create(self, path: str) -> AppendFile:
        flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_EXCL
        return _OsAppendFile(_open("create", path, flags), path)

    def append_to(self, path: str) -> AppendFile:
        fd = _open("open", path, os.O_WRONLY | os.O_APPEND)
        return _OsAppendFile(fd, path, os.fstat(fd).st_size)

    def create_log(self, path: str) -> AppendFile:
        flags = os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_EXCL
        fd = _open("create", path, flags)
        try:
            return _log_file(fd, path)
        except StorageError:
            with _reporting("remove", path):
                os.remove(path)
            raise

    def append_to_log(self, path: str) -> AppendFile:
        return _log_file(_open("open", path, os.O_RDWR | os.O_APPEND), path)

    def open(self, path: str) -> ReadFile:
        return _read_file(_open("open", path, os.O_RDONLY), path)

    def read_all(self, path: str) -> bytes:
        with _reporting("read", path), open(path, "rb", buffering=0) as file:
            return file.read()

    def rename(self, source: str, target: str) -> None:
        with _reporting("rename", f"{source} to {target}"):
            os.replace(source, target)

    def remove(self, path: str) -> None:
        with _reporting("remove", path):
            os.remove(path)

    def truncate(self, path: str, size: int) -> None:
        file = _OsAppendFile(_open("truncate", path, os.O_WRONLY), path)
        try:
            with _reporting("truncate", path):
                os.ftruncate(file._fd, size)
            file.sync()
        finally:
            file.close()

    def exists(self, path: str) -> bool:
        return os.path.exists(path)

    def list(self, directory: str) -> FileNames:
        with _reporting("list", directory):
            return sorted(os.listdir(directory))

    def make_directory(self, path: str) -> None:
        with _reporting("make directory", path):
            os.makedirs(path, exist_ok=True)

    def sync_directory(self, path: str) -> None:
        with _reporting("sync directory", path):
            _sync_directory(path)

    def lock(self, path: str, owner: str) -> Lock:
        fd = _open("lock", path, os.O_RDWR | os.O_CREAT)
        lock = _OsLock(fd, path)
        try:
            with _reporting("lock", path):
                if not _try_lock(fd):
                    holder = os.read(fd, 1024).decode(errors="replace").strip()
                    raise BusyError(f"{path} is held by {holder or 'another process'}")
                os.ftruncate(fd, 0)
                os.write(fd, owner.encode())
        except BaseException:
            lock.release()
            raise
        return lock
