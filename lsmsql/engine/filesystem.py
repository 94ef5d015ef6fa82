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
import os
import sys
import threading
from collections.abc import Iterator
from typing import Protocol

from lsmsql.engine.errors import BusyError, StorageError

FileNames = list[str]


class AppendFile(Protocol):
    """A file that grows at its end."""

    def write(self, data: bytes) -> None:
        """Append all of ``data``. After an error, any part of it may be in the file."""

    def sync(self) -> None:
        """Return when all that was written before the call is on the disk."""

    def tell(self) -> int:
        """Size of the file in bytes."""

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
            self.close()


class _OsAppendFile(_OsFile):
    __slots__ = ()

    def write(self, data: bytes) -> None:
        try:
            written = os.write(self._fd, data)
            while written < len(data):
                written += os.write(self._fd, memoryview(data)[written:])
        except OSError as error:
            raise _failed("write to", self._path, error) from error

    def sync(self) -> None:
        try:
            _sync(self._fd)
        except OSError as error:
            raise _failed("sync", self._path, error) from error

    def tell(self) -> int:
        with _reporting("seek in", self._path):
            return os.fstat(self._fd).st_size


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
        return _OsAppendFile(_open("open", path, os.O_WRONLY | os.O_APPEND), path)

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
