"""What the engine asks of a disk.

Every method raises StorageError, naming the operation and the path, where the operating system
refuses. Paths are strings.

Threads: a ``ReadFile`` may be read by many at once. An ``AppendFile`` takes writes from one thread
at a time; ``sync`` may run beside a write.
"""

from __future__ import annotations

from typing import Protocol

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

    def announce(self) -> None:
        """Count one up, for those who watch the lock's file."""


class Watch(Protocol):
    """A look at what the holders of a lock announce, for those who do not have it."""

    def seen(self) -> int:
        """A number that is another one after every announcement."""

    def close(self) -> None:
        """Let go of the file. Closing twice does nothing."""


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

    def link(self, source: str, target: str) -> bool:
        """Give a file that is never changed a second name, which must not be taken.

        Where that cannot be had, as on another disk, it is copied, and the copy's contents are on
        the disk. True if it is the same file.
        """

    def remove(self, path: str) -> None:
        """Remove a file."""

    def truncate(self, path: str, size: int, synced: int | None = None) -> None:
        """Cut a file to ``size`` bytes; return when all that is left of it is on the disk.

        What lies behind its first ``synced`` bytes (None: nothing) is written again. For after a
        sync that has failed, the operating system may hold data for written that are not, and the
        next sync then passes over them.
        """

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
        Raises BusyError, whose ``owner`` is that text, when somebody, in this process or another,
        has the lock, and StorageError on a file system whose locks others do not see.
        """

    def watch(self, path: str) -> Watch:
        """Watch what the holders of the lock at ``path`` announce. Nothing is written."""
