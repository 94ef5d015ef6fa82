"""A file system on which one operation, or all from one on, fail as those of a real disk do."""

from __future__ import annotations

import errno
import os
import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar

from lsmsql.engine.errors import StorageError
from lsmsql.engine.filesystem.interface import AppendFile, FileSystem, Lock, ReadFile

T = TypeVar("T")

SPACE = frozenset({"create", "create_log", "append_to_log", "write", "rename", "link", "lock"})
"""Operations that need room on the disk. So may setting some aside, for a log."""


@dataclass(frozen=True)
class Fault:
    """Operation number ``at``, counted from 0 among ``operations`` (None: all), fails.

    ``short``: of a write that fails, the first half is done. ``lasting``: all later ones fail too.
    """

    at: int
    number: int = errno.EIO
    operations: frozenset[str] | None = None
    short: bool = False
    lasting: bool = False


class FaultyFileSystem:
    """``inner`` with a fault, until it is repaired."""

    def __init__(self, inner: FileSystem, fault: Fault | None = None) -> None:
        self._inner = inner
        self._fault = fault
        self._lock = threading.Lock()
        self.count = 0
        """How many operations there were that count."""
        self.failed: list[str] = []
        """What failed, and where."""
        self.handles: dict[int, str] = {}
        """What is open now: files and locks, by identity."""
        self.syncs: list[str] = []
        """Paths of the files that were synced, or should have been."""

    def fail_from_now_on(self, fault: Fault) -> None:
        """``fault`` counts from here."""
        self._fault, self.count = fault, 0

    def repair(self) -> None:
        """From now on nothing fails."""
        self._fault = None

    def step(self, operation: str, path: str, half: Callable[[], object] | None = None) -> None:
        """Before each operation: raises StorageError if it is to fail."""
        with self._lock:
            fault = self._fault
            if fault is None or not self._is_hit(fault, operation):
                return
            self.failed.append(f"{operation} {path}")
        if fault.short and half is not None:
            half()
        error = OSError(fault.number, os.strerror(fault.number))
        raise StorageError(f"{operation} {path}: {error.strerror}") from error

    def _is_hit(self, fault: Fault, operation: str) -> bool:
        if fault.operations is not None and operation not in fault.operations:
            return False
        number = self.count
        self.count += 1
        return number == fault.at or (fault.lasting and number > fault.at)

    def opened(self, file: object, path: str) -> None:
        self.handles[id(file)] = path

    def closed(self, file: object) -> None:
        self.handles.pop(id(file), None)

    # ------------------------------------------------------------------------------- files

    def create(self, path: str) -> AppendFile:
        self.step("create", path)
        return FaultyFile(self, self._inner.create(path), path)

    def append_to(self, path: str) -> AppendFile:
        self.step("append_to", path)
        return FaultyFile(self, self._inner.append_to(path), path)

    def create_log(self, path: str) -> AppendFile:
        self.step("create_log", path)
        return FaultyFile(self, self._inner.create_log(path), path)

    def append_to_log(self, path: str) -> AppendFile:
        self.step("append_to_log", path)
        return FaultyFile(self, self._inner.append_to_log(path), path)

    def open(self, path: str) -> ReadFile:
        self.step("open", path)
        return FaultyReadFile(self, self._inner.open(path), path)

    def lock(self, path: str, owner: str) -> Lock:
        self.step("lock", path)
        return FaultyLock(self, self._inner.lock(path, owner), path)

    def watch(self, path: str) -> Any:
        self.step("watch", path)
        inner: Any = self._inner
        return FaultyFile(self, inner.watch(path), path)

    # ------------------------------------------------------------------------------- names

    def read_all(self, path: str) -> bytes:
        self.step("read_all", path)
        return self._inner.read_all(path)

    def rename(self, source: str, target: str) -> None:
        self.step("rename", source)
        self._inner.rename(source, target)

    def link(self, source: str, target: str) -> bool:
        self.step("link", source)
        return self._inner.link(source, target)

    def remove(self, path: str) -> None:
        self.step("remove", path)
        self._inner.remove(path)

    def truncate(self, path: str, size: int, synced: int | None = None) -> None:
        self.step("truncate", path)
        self._inner.truncate(path, size, synced)

    def exists(self, path: str) -> bool:
        return self._inner.exists(path)

    def list(self, directory: str) -> list[str]:
        self.step("list", directory)
        return self._inner.list(directory)

    def make_directory(self, path: str) -> None:
        self.step("make_directory", path)
        self._inner.make_directory(path)

    def sync_directory(self, path: str) -> None:
        self.step("sync_directory", path)
        self._inner.sync_directory(path)


class _Handle:
    """What is open, and known to the file system to be so."""

    def __init__(self, system: FaultyFileSystem, inner: Any, path: str) -> None:
        self._system = system
        self._inner = inner
        self._path = path
        system.opened(self, path)

    def _let_go(self, operation: str, release: Callable[[], None]) -> None:
        """It is closed, even if that fails."""
        was_open = id(self) in self._system.handles
        self._system.closed(self)
        release()
        if was_open:
            self._system.step(operation, self._path)


class FaultyLock(_Handle):
    """A lock."""

    def release(self) -> None:
        self._let_go("release", self._inner.release)

    def announce(self) -> None:
        self._system.step("announce", self._path)
        self._inner.announce()


class FaultyFile(_Handle):
    """A file, whatever it was opened for."""

    def write(self, data: bytes) -> None:
        half = data[: len(data) // 2]
        self._system.step("write", self._path, lambda: self._inner.write(half))
        self._inner.write(data)

    def sync(self) -> None:
        self._system.syncs.append(self._path)
        self._system.step("sync", self._path)
        self._inner.sync()

    def tell(self) -> int:
        told: int = self._inner.tell()
        return told

    def read_at(self, offset: int, length: int) -> bytes:
        self._system.step("read_at", self._path)
        content: bytes = self._inner.read_at(offset, length)
        return content

    def size(self) -> int:
        self._system.step("size", self._path)
        size: int = self._inner.size()
        return size

    def seen(self) -> int:
        self._system.step("seen", self._path)
        seen: int = self._inner.seen()
        return seen

    def close(self) -> None:
        self._let_go("close", self._inner.close)


class FaultyReadFile(FaultyFile):
    """A file that is only read. As a real one it is closed when nobody has it any more."""

    def __del__(self) -> None:
        self._system.closed(self)
