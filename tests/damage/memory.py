"""A file system in memory: a store on it is copied, and its files changed, in no time."""

from __future__ import annotations

import errno
import os
from collections.abc import Mapping

from lsmsql.engine.errors import BusyError, StorageError

ROOT = "/"
DIRECTORY = "/store"


def refused(number: int, operation: str, path: str) -> StorageError:
    """The error of a real disk, with its cause."""
    error = StorageError(f"{operation} {path}: {os.strerror(number)}")
    error.__cause__ = OSError(number, os.strerror(number))  # of the subclass for the number
    return error


class MemoryFile:
    """A file, open for both: what is removed stays readable for those who have it open."""

    def __init__(self, content: bytearray) -> None:
        self._content = content

    def write(self, data: bytes) -> None:
        self._content += data

    def sync(self) -> None:
        pass

    def tell(self) -> int:
        return len(self._content)

    def read_at(self, offset: int, length: int) -> bytes:
        return bytes(self._content[offset : offset + length])

    def size(self) -> int:
        return len(self._content)

    def close(self) -> None:
        pass


class MemoryLock:
    """A lock on a path of a MemoryFileSystem, which has ``held``."""

    def __init__(self, held: set[str], path: str) -> None:
        self._held = held
        self._path = path

    def release(self) -> None:
        self._held.discard(self._path)

    def announce(self) -> None:
        pass


class MemoryWatch:
    """Sees nothing: nobody else uses the disk."""

    def seen(self) -> int:
        return 0

    def close(self) -> None:
        pass


class MemoryFileSystem:
    """A disk with one directory, DIRECTORY, which is there from the beginning."""

    def __init__(self, files: Mapping[str, bytes] | None = None) -> None:
        """``files``: contents by path."""
        self.files = {path: bytearray(data) for path, data in (files or {}).items()}
        self._held: set[str] = set()

    def contents(self) -> dict[str, bytes]:
        """A copy of all files, by path."""
        return {path: bytes(data) for path, data in self.files.items()}

    def _find(self, operation: str, path: str) -> bytearray:
        content = self.files.get(path)
        if content is None:
            raise refused(errno.ENOENT, operation, path)
        return content

    def create(self, path: str) -> MemoryFile:
        if path in self.files:
            raise refused(errno.EEXIST, "create", path)
        self.files[path] = bytearray()
        return MemoryFile(self.files[path])

    create_log = create

    def append_to(self, path: str) -> MemoryFile:
        return MemoryFile(self._find("open", path))

    append_to_log = append_to
    open = append_to

    def read_all(self, path: str) -> bytes:
        return bytes(self._find("read", path))

    def rename(self, source: str, target: str) -> None:
        self.files[target] = self._find("rename", source)
        del self.files[source]

    def link(self, source: str, target: str) -> bool:
        self.files[target] = self._find("link", source)
        return True

    def remove(self, path: str) -> None:
        self._find("remove", path)
        del self.files[path]

    def truncate(self, path: str, size: int, synced: int | None = None) -> None:
        del self._find("truncate", path)[size:]

    def exists(self, path: str) -> bool:
        return path in self.files or path in (DIRECTORY, ROOT)

    def list(self, directory: str) -> list[str]:
        prefix = f"{directory}/"
        return sorted(name.removeprefix(prefix) for name in self.files if name.startswith(prefix))

    def make_directory(self, path: str) -> None:
        pass

    def sync_directory(self, path: str) -> None:
        pass

    def lock(self, path: str, owner: str) -> MemoryLock:
        if path in self._held:
            raise BusyError(f"{path} is held by {self.files[path].decode()}")
        self._held.add(path)
        self.files[path] = bytearray(owner.encode())
        return MemoryLock(self._held, path)

    def watch(self, path: str) -> MemoryWatch:
        return MemoryWatch()
