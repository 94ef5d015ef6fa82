"""A disk in memory that records what is done to it.

It keeps to what ``FileSystem`` promises, and to nothing more. What the operating system has in its
cache, which is what programs see, is here; what of that a power cut leaves is worked out from the
recording, see ``states``.

A process on it can be killed at any operation, ``killed_at``: from there on the disk is ``dead``
for whoever still has hold of it, and does nothing but raise StorageError. ``survivor`` is the same
disk for the next process. One sync can be made to fail, ``failing_sync``.
"""

from __future__ import annotations

import errno
import posixpath
from collections.abc import Mapping
from dataclasses import dataclass

from lsmsql.engine.errors import BusyError, StorageError


@dataclass(frozen=True, slots=True)
class Write:
    """Bytes of file ``node`` from ``offset`` on. The file grows if it must."""

    node: int
    offset: int
    data: bytes


@dataclass(frozen=True, slots=True)
class Resize:
    """A file is cut, or made longer with zero bytes."""

    node: int
    size: int


@dataclass(frozen=True, slots=True)
class Sync:
    """All that has been written to a file is on the disk now; its names need not be."""

    node: int


@dataclass(frozen=True, slots=True)
class FailedSync:
    """What has been written to a file since the last sync is not on the disk, and will never be.

    The operating system keeps showing it to programs, and takes it for written.
    """

    node: int


@dataclass(frozen=True, slots=True)
class Name:
    """A file gets a name: it is created, or linked to."""

    path: str
    node: int


@dataclass(frozen=True, slots=True)
class Rename:
    """A file gets another name, which another file may have had."""

    source: str
    target: str
    node: int


@dataclass(frozen=True, slots=True)
class Remove:
    """A file loses a name."""

    path: str
    node: int


@dataclass(frozen=True, slots=True)
class MakeDirectory:
    """A directory appears in its parent."""

    path: str


@dataclass(frozen=True, slots=True)
class SyncDirectory:
    """All that has been done to the names in a directory is on the disk now."""

    path: str


Operation = (
    Write | Resize | Sync | FailedSync | Name | Rename | Remove | MakeDirectory | SyncDirectory
)


class SimulatedDisk:
    """A file system in memory; ``operations`` is all that was done to it.

    ``files`` maps the paths of the files that are there at the beginning, and durable, to their
    contents. Logs are preallocated by ``extent`` bytes at a time; 0: not at all.
    """

    def __init__(self, files: Mapping[str, bytes] | None = None, extent: int = 0) -> None:
        self.operations: list[Operation] = []
        self.names: dict[str, int] = {}
        self.contents: dict[int, bytearray | bytes] = {}
        self.directories = {"/"}
        self.extent = extent
        self.killed_at: int | None = None
        self.failing_sync: int | None = None
        self.syncs = 0
        self.dead = False
        self._locks: set[str] = set()
        for path, data in (files or {}).items():
            self.directories.add(posixpath.dirname(path))
            self.names[path] = len(self.contents)
            self.contents[len(self.contents)] = data

    @property
    def position(self) -> int:
        """How many operations have been recorded."""
        return len(self.operations)

    def survivor(self) -> SimulatedDisk:
        """The disk as the next process finds it after this one was killed."""
        other = SimulatedDisk(extent=self.extent)
        other.operations, other.names, other.contents = self.operations, self.names, self.contents
        other.directories = self.directories
        self.dead = True
        return other

    def _record(self, operation: Operation) -> None:
        self._check()
        if self.position == self.killed_at:
            self.dead = True
            if isinstance(operation, Write):
                half = operation.data[: len(operation.data) // 2]
                self.operations.append(Write(operation.node, operation.offset, half))
                self._apply(operation.node, operation.offset, half)
            self._check()
        self.operations.append(operation)

    def _check(self) -> None:
        if self.dead:
            raise StorageError("the process that had this disk was killed")

    # ------------------------------------------------------------------------------- contents

    def writable(self, node: int) -> bytearray:
        """The contents of a file, to be changed in place."""
        data = self.contents[node]
        if not isinstance(data, bytearray):
            data = self.contents[node] = bytearray(data)
        return data

    def write(self, node: int, offset: int, data: bytes) -> None:
        """Put bytes into a file. Who is killed here has put half of them there."""
        self._record(Write(node, offset, data))
        self._apply(node, offset, data)

    def _apply(self, node: int, offset: int, data: bytes) -> None:
        self.writable(node)[offset : offset + len(data)] = data

    def resize(self, node: int, size: int) -> None:
        """Cut a file, or make it longer."""
        self._record(Resize(node, size))
        content = self.writable(node)
        del content[size:]
        content.extend(bytes(size - len(content)))

    def sync(self, node: int) -> None:
        """Make the contents of a file durable; or fail, if this is the sync that is to."""
        failing, self.syncs = self.syncs == self.failing_sync, self.syncs + 1
        self._record(FailedSync(node) if failing else Sync(node))
        if failing:
            raise StorageError("sync: Input/output error") from OSError(errno.EIO, "")

    # ------------------------------------------------------------------------------- files

    def _node(self, operation: str, path: str) -> int:
        self._check()
        if path not in self.names:
            problem = f"{operation} {path}: No such file or directory"
            raise StorageError(problem) from FileNotFoundError(path)
        return self.names[path]

    def _create(self, path: str) -> int:
        self._check()
        if path in self.names or path in self.directories:
            raise StorageError(f"create {path}: File exists") from FileExistsError(path)
        if posixpath.dirname(path) not in self.directories:
            problem = f"create {path}: No such file or directory"
            raise StorageError(problem) from FileNotFoundError(path)
        node = len(self.contents)
        self._record(Name(path, node))
        self.names[path], self.contents[node] = node, b""
        return node

    def create(self, path: str) -> SimulatedAppendFile:
        return SimulatedAppendFile(self, self._create(path), 0)

    def append_to(self, path: str) -> SimulatedAppendFile:
        return SimulatedAppendFile(self, self._node("open", path), 0)

    def create_log(self, path: str) -> SimulatedAppendFile:
        return SimulatedAppendFile(self, self._create(path), self.extent)

    def append_to_log(self, path: str) -> SimulatedAppendFile:
        return SimulatedAppendFile(self, self._node("open", path), self.extent)

    def open(self, path: str) -> SimulatedReadFile:
        return SimulatedReadFile(self, self._node("open", path))

    def read_all(self, path: str) -> bytes:
        return bytes(self.contents[self._node("read", path)])

    def truncate(self, path: str, size: int, synced: int | None = None) -> None:
        node = self._node("truncate", path)
        self.resize(node, size)
        if synced is not None and synced < size:
            self.write(node, synced, bytes(self.contents[node][synced:size]))
        self.sync(node)

    # ------------------------------------------------------------------------------- names

    def rename(self, source: str, target: str) -> None:
        node = self._node("rename", source)
        self._record(Rename(source, target, node))
        del self.names[source]
        self.names[target] = node

    def link(self, source: str, target: str) -> bool:
        node = self._node("link", source)
        if target in self.names:
            raise StorageError(f"link {target}: File exists") from FileExistsError(target)
        self._record(Name(target, node))
        self.names[target] = node
        return True

    def remove(self, path: str) -> None:
        node = self._node("remove", path)
        self._record(Remove(path, node))
        del self.names[path]

    def exists(self, path: str) -> bool:
        self._check()
        return path in self.names or path in self.directories

    def list(self, directory: str) -> list[str]:
        self._check()
        if directory not in self.directories:
            problem = f"list {directory}: No such file or directory"
            raise StorageError(problem) from FileNotFoundError(directory)
        paths = [*self.names, *(path for path in self.directories if path != "/")]
        return sorted(posixpath.basename(p) for p in paths if posixpath.dirname(p) == directory)

    def make_directory(self, path: str) -> None:
        if path not in self.directories:
            self.make_directory(posixpath.dirname(path))
            self._record(MakeDirectory(path))
            self.directories.add(path)

    def sync_directory(self, path: str) -> None:
        self._record(SyncDirectory(path))

    # ------------------------------------------------------------------------------- processes

    def lock(self, path: str, owner: str) -> SimulatedLock:
        self._check()
        if path in self._locks:
            raise BusyError(f"{path} is held by {owner}")
        self._locks.add(path)
        return SimulatedLock(self._locks, path)

    def watch(self, path: str) -> SimulatedLock:
        return SimulatedLock(set(), path)


class SimulatedLock:
    """A lock that has no file: nothing of it is left by a power cut."""

    def __init__(self, held: set[str], path: str) -> None:
        self._held = held
        self._path = path

    def announce(self) -> None:
        """Nobody watches."""

    def seen(self) -> int:
        return 0

    def release(self) -> None:
        self._held.discard(self._path)

    close = release


class SimulatedAppendFile:
    """A file open for writing at its end; preallocated by ``extent`` bytes at a time."""

    def __init__(self, disk: SimulatedDisk, node: int, extent: int) -> None:
        self._disk = disk
        self._node = node
        self._extent = extent
        self._end = self._room = len(disk.contents[node])
        self._closed = False
        self._make_room(1)

    def _make_room(self, needed: int) -> None:
        if self._extent and self._end + needed > self._room:
            self._room = -(-(self._end + needed) // self._extent) * self._extent
            self._disk.resize(self._node, self._room)

    def write(self, data: bytes) -> None:
        self._make_room(len(data))
        self._disk.write(self._node, self._end, bytes(data))
        self._end += len(data)

    def sync(self) -> None:
        if self._closed:
            raise StorageError("sync: the file is closed")
        self._disk.sync(self._node)

    def tell(self) -> int:
        return self._end

    def close(self) -> None:
        if not self._closed and self._extent:
            self._disk.resize(self._node, self._end)
        self._closed = True


class SimulatedReadFile:
    """A file open for reading."""

    def __init__(self, disk: SimulatedDisk, node: int) -> None:
        self._disk = disk
        self._node = node

    def read_at(self, offset: int, length: int) -> bytes:
        return bytes(self._disk.contents[self._node][offset : offset + length])

    def size(self) -> int:
        return len(self._disk.contents[self._node])

    def close(self) -> None:
        pass
