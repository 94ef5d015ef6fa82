"""What a power cut may leave of what was done to a disk.

POSIX promises little. ``fsync`` of a file makes its bytes durable, but not its name; ``fsync`` of a
directory makes the names in it durable, but no bytes. ``rename`` is atomic. Of all else the
operating system may have written to the disk what it liked, in any order, and a disk writes sectors
whole but several of them in any order. So at a cut between any two operations,

    bytes       each sector (512 bytes), or each page (4096), of a file may be as it was at the last
                sync of the file or as any write since has made it; a sector may be torn at any
                byte; the file may have any length it had since, or one in between, and holds zero
                bytes where it is longer than what was written
    names       each change to a directory since its last sync may have happened or not, whatever
                became of the others: created files may be gone, removed ones come back, a renamed
                one has its old name or its new one and never none

independently of each other and for each file. That is harsher than what file systems do: one with a
journal keeps changes of names in order, and so leaves the *prefixes* among the subsets of changes.
Data that was never written (the garbage of other files) is not modelled: file systems in use give
zero bytes there. Nor are disks that lie about a sync. But a sync that fails may have lost what it
was for: the operating system shows it to programs, and no later sync brings it to the disk.

At each cut the plain outcomes are all built: everything is there, or nothing that was not synced,
or half of it; the last write is torn at either end; files have their length but zero bytes in
them; later sectors without earlier ones; each combined with every subset of the changes of names,
or if they are many with the prefixes, and each one alone missing. Mixtures are drawn by seed.
"""

from __future__ import annotations

import posixpath
from collections.abc import Callable, Container, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from random import Random

from tests.crash.disk import (
    FailedSync,
    MakeDirectory,
    Name,
    Operation,
    Remove,
    Rename,
    Resize,
    Sync,
    SyncDirectory,
    Write,
)

SECTOR, PAGE = 512, 4096
_MIXTURES = 2
"""Drawn by seed at each cut."""
_ALL_SUBSETS = 3
"""With no more changes of names than this waiting, all subsets of them are built."""

Change = Name | Rename | Remove | MakeDirectory
Shape = Callable[["FileTrace"], bytes]
"""What is left of a file that has writes which were not synced."""


@dataclass(frozen=True)
class State:
    """The files that a power cut after ``cut`` operations leaves, by path.

    ``number`` is its place among all states of its recording.
    """

    number: int
    cut: int
    files: Mapping[str, bytes]


@dataclass
class FileTrace:
    """A file: what is durable, and what it was after each write since.

    ``versions[0]`` is durable, the last one is what programs see. ``last`` is the newest write.
    """

    versions: list[bytes] = field(default_factory=lambda: [b""])
    last: Write | Resize | None = None

    def apply(self, operation: Write | Resize) -> None:
        """Note a write."""
        newest = self.versions[-1]
        if isinstance(operation, Resize):
            newest = newest[: operation.size].ljust(operation.size, b"\0")
        else:
            newest = _written(newest, operation.offset, operation.data)
        self.versions.append(newest)
        self.last = operation

    def forget(self) -> None:
        """What was written since the last sync never gets to the disk."""
        self.versions, self.last = [self.versions[0]], None

    def sync(self) -> None:
        """What is there is durable."""
        self.versions, self.last = [self.versions[-1]], None


def _written(content: bytes, offset: int, data: bytes) -> bytes:
    return content[:offset].ljust(offset, b"\0") + data + content[offset + len(data) :]


class Trace:
    """A disk in the course of a recording: what is durable on it, and what is not."""

    def __init__(self, files: Mapping[str, bytes]) -> None:
        self.files = [FileTrace([content]) for content in files.values()]
        self.names = {path: node for node, path in enumerate(files)}
        self.directories = {"", *map(posixpath.dirname, files)}
        self.changes: list[Change] = []
        """What was done to names and is not durable, oldest first."""
        self.dirty: set[int] = set()
        """The files that have writes which are not durable."""

    def apply(self, operation: Operation) -> None:
        """Follow the recording by one operation."""
        if isinstance(operation, Write | Resize):
            self.files[operation.node].apply(operation)
            self.dirty.add(operation.node)
        elif isinstance(operation, Sync):
            self.files[operation.node].sync()
            self.dirty.discard(operation.node)
        elif isinstance(operation, FailedSync):
            self.files[operation.node].forget()
            self.dirty.discard(operation.node)
        elif isinstance(operation, SyncDirectory):
            self._sync_directory(operation.path)
        else:
            if isinstance(operation, Name) and operation.node == len(self.files):
                self.files.append(FileTrace())
            self.changes.append(operation)

    def _sync_directory(self, path: str) -> None:
        durable = [change for change in self.changes if _directory(change) == path]
        _change(self.names, self.directories, durable)
        self.changes = [change for change in self.changes if _directory(change) != path]

    def files_after(self, changes: Sequence[Change], shape: Shape) -> dict[str, bytes]:
        """What is left if these changes of names happened, and files have that shape."""
        names, directories = dict(self.names), set(self.directories)
        _change(names, directories, changes)
        found = {}
        for path, node in names.items():
            if path[: path.rindex("/")] in directories:
                file = self.files[node]
                found[path] = shape(file) if node in self.dirty else file.versions[0]
        return found


def _directory(change: Change) -> str:
    return posixpath.dirname(change.target if isinstance(change, Rename) else change.path)


def _change(names: dict[str, int], directories: set[str], changes: Sequence[Change]) -> None:
    """Carry out some of the changes that were made, without the others."""
    for change in changes:
        if isinstance(change, MakeDirectory):
            directories.add(change.path)
            continue
        if isinstance(change, Name):
            names[change.path] = change.node
            continue
        old = change.source if isinstance(change, Rename) else change.path
        if names.get(old) == change.node:
            del names[old]
        if isinstance(change, Rename):
            names[change.target] = change.node


# ------------------------------------------------------------------------------------------ shapes


def _at(part: float) -> Shape:
    """All writes up to a moment, and none after."""
    return lambda file: file.versions[round(part * (len(file.versions) - 1))]


def _torn(part: float, *, end: bool = False) -> Shape:
    """Of the last write only the first bytes are there, or only the last ones."""

    def shape(file: FileTrace) -> bytes:
        before, last = file.versions[-2], file.last
        if not isinstance(last, Write):
            return before
        size = min(len(last.data) - 1, max(1, round(part * len(last.data))))
        if end:
            return _written(before, last.offset + size, last.data[size:])
        return _written(before, last.offset, last.data[:size])

    return shape


def _zeros(file: FileTrace) -> bytes:
    """The length is there, the bytes are not."""
    durable, size = file.versions[0], len(file.versions[-1])
    return durable[:size].ljust(size, b"\0")


def _holes(first: int) -> Shape:
    """Every other sector is there."""

    def shape(file: FileTrace) -> bytes:
        newest, oldest = file.versions[-1], _zeros(file)
        starts = range(0, len(newest), SECTOR)
        pieces = [
            (newest if (at // SECTOR + first) % 2 else oldest)[at : at + SECTOR] for at in starts
        ]
        return b"".join(pieces)

    return shape


PLAIN: tuple[Shape, ...] = (
    _at(1),
    _at(0),
    _at(0.5),
    _torn(0.01),
    _torn(0.5),
    _torn(1),
    _torn(0.5, end=True),
    _zeros,
    _holes(0),
    _holes(1),
)


def _mixture(random: Random) -> Shape:
    """Each sector or page as of some moment, any length, and one place torn."""

    def shape(file: FileTrace) -> bytes:
        versions = file.versions
        size = len(random.choice(versions))
        if random.random() < 0.3:
            size = random.randint(*sorted((size, len(random.choice(versions)))))
        unit = random.choice((SECTOR, PAGE))
        moments = random.choice(((0, -1), range(len(versions))))
        pieces = []
        for at in range(0, size, unit):
            piece = _piece(versions[random.choice(moments)], at, unit)
            if random.random() < 0.2:
                other, torn = versions[random.choice(moments)], random.randrange(unit)
                piece = piece[:torn] + _piece(other, at, unit)[torn:]
            pieces.append(piece)
        return b"".join(pieces)[:size]

    return shape


def _piece(content: bytes, at: int, size: int) -> bytes:
    return content[at : at + size].ljust(size, b"\0")


# ------------------------------------------------------------------------------------------ states


def power_cuts(
    files: Mapping[str, bytes],
    operations: Sequence[Operation],
    seed: str,
    start: int = 0,
    wanted: Container[int] | None = None,
) -> Iterator[State]:
    """The states that a power cut from operation ``start`` on may leave.

    ``files`` were on the disk at the beginning. Only states with ``wanted`` numbers (None: all)
    are built. Some are the same as others.
    """
    for number, (cut, trace, changes, shape) in enumerate(_all(files, operations, seed, start)):
        if wanted is None or number in wanted:
            yield State(number, cut, trace.files_after(changes, shape))


def count_states(files: Mapping[str, bytes], operations: Sequence[Operation], start: int) -> int:
    """How many states ``power_cuts`` gives."""
    return sum(1 for _ in _all(files, operations, "", start))


def _all(
    files: Mapping[str, bytes], operations: Sequence[Operation], seed: str, start: int
) -> Iterator[tuple[int, Trace, list[Change], Shape]]:
    trace = Trace(files)
    for cut, operation in enumerate([*operations, None]):
        if cut >= start:
            for changes, shape in _outcomes(trace, f"{seed} {cut}"):
                yield cut, trace, changes, shape
        if operation is not None:
            trace.apply(operation)


def _outcomes(trace: Trace, seed: str) -> Iterator[tuple[list[Change], Shape]]:
    """What may have become of names and of contents."""
    shapes = PLAIN if trace.dirty else PLAIN[:1]
    for changes in _subsets(trace.changes):
        for shape in shapes:
            yield changes, shape
    if trace.dirty or len(trace.changes) > _ALL_SUBSETS:
        for mixture in range(_MIXTURES):
            random = Random(f"{seed} {mixture}")
            yield [change for change in trace.changes if random.random() < 0.7], _mixture(random)


def _subsets(changes: Sequence[Change]) -> Iterator[list[Change]]:
    """All subsets if they are few, otherwise the prefixes, and those that leave one change out."""
    if len(changes) <= _ALL_SUBSETS:
        for mask in range(1 << len(changes)):
            yield [change for bit, change in enumerate(changes) if mask >> bit & 1]
        return
    for end in range(len(changes) + 1):
        yield list(changes[:end])
    for missing in range(len(changes) - 1):
        yield [change for at, change in enumerate(changes) if at != missing]
