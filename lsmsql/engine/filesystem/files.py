"""Files as descriptors of the operating system."""

from __future__ import annotations

import contextlib
import os
import threading
from collections.abc import Iterator

from lsmsql.engine.errors import StorageError
from lsmsql.engine.filesystem.system import sync_file

_STEP = 1 << 20


def failed(operation: str, path: str, error: OSError) -> StorageError:
    return StorageError(f"{operation} {path}: {error.strerror or error}")


@contextlib.contextmanager
def reporting(operation: str, path: str) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise failed(operation, path, error) from error


def open_descriptor(operation: str, path: str, flags: int) -> int:
    with reporting(operation, path):
        return os.open(path, flags | getattr(os, "O_BINARY", 0), 0o666)


def file_size(fd: int, path: str) -> int:
    """The size of an open file, which is closed if that cannot be found out."""
    try:
        return os.fstat(fd).st_size
    except OSError as error:
        with contextlib.suppress(OSError):
            os.close(fd)
        raise failed("stat", path, error) from error


def write_again(fd: int, start: int, end: int) -> None:
    """Write bytes ``start`` to ``end`` of a file as they are. Raises OSError."""
    while start < end:
        os.lseek(fd, start, os.SEEK_SET)
        data = os.read(fd, min(_STEP, end - start))
        if not data:
            break
        os.lseek(fd, start, os.SEEK_SET)
        start += os.write(fd, data)


class OsFile:
    """A descriptor and the path it was opened by."""

    __slots__ = ("_fd", "_path")

    def __init__(self, fd: int, path: str) -> None:
        self._fd = fd
        self._path = path

    def close(self) -> None:
        fd, self._fd = self._fd, -1
        if fd >= 0:
            with reporting("close", self._path):
                os.close(fd)

    def __del__(self) -> None:
        with contextlib.suppress(StorageError, AttributeError):
            OsFile.close(self)


class OsAppendFile(OsFile):
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
            raise failed("write to", self._path, error) from error
        self._end += written

    def sync(self) -> None:
        try:
            sync_file(self._fd)
        except OSError as error:
            raise failed("sync", self._path, error) from error
        except ValueError:  # no descriptor any more
            raise StorageError(f"sync {self._path}: the file is closed") from None

    def tell(self) -> int:
        return self._end


class OsReadFile(OsFile):
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
            raise failed("read", self._path, error) from error
        return data

    def size(self) -> int:
        with reporting("stat", self._path):
            return os.fstat(self._fd).st_size


class SeekingReadFile(OsReadFile):
    """For systems without pread: the place in the file is shared, hence the mutex."""

    __slots__ = ("_mutex",)

    def __init__(self, fd: int, path: str) -> None:
        super().__init__(fd, path)
        self._mutex = threading.Lock()

    def read_at(self, offset: int, length: int) -> bytes:
        parts = []
        with self._mutex, reporting("read", self._path):
            os.lseek(self._fd, offset, os.SEEK_SET)
            while length > 0 and (part := os.read(self._fd, length)):
                parts.append(part)
                length -= len(part)
        return b"".join(parts)


read_file = OsReadFile if hasattr(os, "pread") else SeekingReadFile
