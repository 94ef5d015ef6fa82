"""The memtable: the newest records of one table, in memory.

A dict answers point reads and finds whether a key is new. Each key leads to its newest *version*,
and each version to the one before it, as far back as a reader may still ask.

    version = sequence, row or None for a tombstone, older version | None | FORGOTTEN

FORGOTTEN ends a chain whose older versions were let go. A reader that runs into it asked for a
sequence number that it had not registered, and must take a newer one.

Order is made when somebody asks for it. A new key goes into the dict and to the end of the
*pending* keys, which costs next to nothing; whoever wants the keys in order first *drains* them
into a skip list, in one sorted merge.

Invariant: a key in the dict is among the pending keys, in the skip list, or for a moment in both;
never in neither, from the return of the ``put`` on. The writer only appends to the pending keys. A
drain takes a copy of the first of them, merges it, and only then deletes them. So a reader that
finds none pending, or has drained, finds in the skip list every key that was put before it began.

Thread safety: one writer at a time. Readers take no lock but that of the drains, which the writer
never takes; a version is never changed once it is in the dict.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import repeat
from typing import Final

import msgspec
from msgspec.structs import force_setattr

from lsmsql.engine.memtable.skiplist import SkipList
from lsmsql.engine.values import Row


class Version(msgspec.Struct, frozen=True, gc=False):
    """What one commit made of a key.

    Hidden from Python's collector of cycles, which would look at each of them several times and
    find none to free: a third of the time of a ``put``.
    """

    sequence: int
    row: Row | None
    older: Version | None


Records = tuple[list[bytes], list[int], list[Row | None]]
"""Keys, sequence numbers and rows of versions."""

FORGOTTEN: Final = Version(-1, None, None)

RECORD_OVERHEAD = 300
"""Bytes that a record takes beside its key and payload: objects, dict entry, list slot."""

_DRAINED_AT_ONCE = 16384
"""To sort so many takes about as long as a thread waits for the interpreter anyway (5 ms)."""


class Chained(list[Version]):
    """The versions in the midst of chains, which it takes apart at its end.

    The interpreter would free each version from within the one before it, which for a chain of a
    hundred thousand is too deep for the stack.
    """

    __slots__ = ()

    def __del__(self, cut: Callable[[Version, str, None], None] = force_setattr) -> None:
        for version in self:
            cut(version, "older", None)


class Forgotten(Exception):  # noqa: N818 (a signal between the engine's rooms, not an error)
    """The version that was asked for has been let go."""


class Memtable:
    """Records of one table, newest version first for each key.

    ``nbytes`` is an estimate. ``max_sequence`` is that of the newest version, 0 without one.
    """

    __slots__ = (
        "_chained",
        "_draining",
        "_keys",
        "_merging",
        "_pending",
        "_versions",
        "max_sequence",
        "nbytes",
    )

    def __init__(self) -> None:
        self._versions: dict[bytes, Version] = {}
        self._chained = Chained()
        self._keys = SkipList()
        self._pending: list[bytes] = []
        self._draining = threading.Lock()
        self._merging = False
        self.nbytes = 0
        self.max_sequence = 0

    @classmethod
    def of(cls, versions: dict[bytes, Version], chained: Chained, nbytes: int) -> Memtable:
        """A memtable of these versions, which it takes over."""
        memtable = cls()
        memtable._versions = versions
        memtable._chained = chained
        memtable._pending = list(versions)
        memtable.max_sequence = max((v.sequence for v in versions.values()), default=0)
        memtable.nbytes = nbytes
        return memtable

    def __len__(self) -> int:
        """Number of keys."""
        return len(self._versions)

    def put(self, key: bytes, row: Row | None, sequence: int, size: int, oldest: int) -> None:
        """Add the version ``sequence`` of ``key``; no newer one may be there.

        ``row`` None is a tombstone. ``size`` is the encoded size of key and payload. ``oldest`` is
        the smallest sequence number that a reader may ask for.
        """
        version = Version(sequence, row, None)
        previous = self._versions.setdefault(key, version)
        if previous is version:
            self._pending.append(key)
        else:
            self._versions[key] = Version(sequence, row, trim(previous, oldest, self._chained))
        self.max_sequence = sequence
        self.nbytes += size + RECORD_OVERHEAD

    def put_all(
        self, records: Mapping[bytes, Row | None], sequence: int, size: int, oldest: int
    ) -> None:
        """Add the version ``sequence`` of many keys; ``size`` is that of all together."""
        versions = self._versions
        if versions.keys().isdisjoint(records):
            added = map(Version, repeat(sequence), records.values(), repeat(None))
            versions.update(zip(records, added, strict=True))
            self._pending.extend(records)
        else:
            fresh = [key for key in records if key not in versions]
            for key, row in records.items():
                previous = versions.get(key)
                older = None if previous is None else trim(previous, oldest, self._chained)
                versions[key] = Version(sequence, row, older)
            self._pending += fresh
        self.max_sequence = sequence
        self.nbytes += size + len(records) * RECORD_OVERHEAD

    def get(self, key: bytes, sequence: int) -> Version | None:
        """The newest version of ``key`` not newer than ``sequence``; None if there is none here.

        Raises Forgotten if there was one and it has been let go.
        """
        version = self._versions.get(key)
        while version is not None and version.sequence > sequence:
            version = version.older
            if version is FORGOTTEN:
                raise Forgotten
        return version

    def changed_between(self, start: bytes | None, stop: bytes | None, sequence: int) -> bool:
        """Whether a key in [start, stop) has a version newer than ``sequence``."""
        versions = self._versions
        return any(
            max([versions[key].sequence for key in keys]) > sequence
            for keys in self.slices(start, stop)
        )

    def undo(self, key: bytes, sequence: int) -> None:
        """Take back the newest version of ``key``, which must be the one of ``sequence``.

        Only for a memtable that no other thread reads, and whose versions are never let go.
        """
        self._drain()
        version = self._versions[key]
        assert version.sequence == sequence
        if version.older is None:
            del self._versions[key]
            self._keys.remove(key)
        else:
            self._versions[key] = version.older

    def slices(
        self, start: bytes | None = None, stop: bytes | None = None, *, reverse: bool = False
    ) -> Iterator[list[bytes]]:
        """The keys in [start, stop), as ``SkipList.slices`` gives them."""
        if self._pending:
            self._drain()
        return self._keys.slices(start, stop, reverse=reverse)

    def first(self, start: bytes, stop: bytes, count: int) -> list[bytes]:
        """The first ``count`` keys in [start, stop), as ``SkipList.first`` gives them."""
        if self._pending:
            self._drain()
        return self._keys.first(start, stop, count)

    def _drain(self) -> None:
        """Merge the keys that are pending now into the skip list.

        ``_merging`` is found True when an interrupt (KeyboardInterrupt) ended the drain before: the
        first keys may be pending and in the skip list.
        """
        with self._draining:
            left = len(self._pending)
            while left:
                keys = self._pending[: min(left, _DRAINED_AT_ONCE)]
                count = len(keys)
                if self._merging:
                    keys = [key for key in keys if key not in self._keys]
                keys.sort()
                self._merging = True
                self._keys.add_sorted(keys)
                del self._pending[:count]
                self._merging = False
                left -= count

    def records(self, keys: Sequence[bytes], sequence: int | None) -> Records:
        """Keys, sequence numbers and rows of the versions of ``keys``.

        Only the newest one not newer than ``sequence``, or with None all of them, newest first.
        """
        if len(keys) == 1 and sequence is not None:
            version = self._versions.get(keys[0])
            if version is not None and version.sequence <= sequence:
                return [keys[0]], [version.sequence], [version.row]
        elif sequence is not None:
            try:
                newest = [self._versions[key] for key in keys]
            except KeyError:  # taken back since the keys were listed
                newest = []
            sequences = [version.sequence for version in newest]
            if newest and max(sequences) <= sequence:
                return list(keys), sequences, [version.row for version in newest]
        return self._search(keys, sequence)

    def _search(self, keys: Sequence[bytes], sequence: int | None) -> Records:
        """``records`` where older versions count, or some of the keys are not there."""
        found: list[tuple[bytes, Version]] = []
        for key in keys:
            version = self._versions.get(key)
            while version is not None and version is not FORGOTTEN:
                if sequence is None:
                    found.append((key, version))
                elif version.sequence <= sequence:
                    found.append((key, version))
                    break
                version = version.older
        return (
            [key for key, _ in found],
            [version.sequence for _, version in found],
            [version.row for _, version in found],
        )


def trim(version: Version, oldest: int, chained: Chained) -> Version:
    """``version`` without those behind it that no reader at ``oldest`` or later can ask for.

    If some remain it is one of ``chained``, as it is about to be behind another.
    """
    older = version.older
    if older is not None and older is not FORGOTTEN:
        if version.sequence <= oldest:
            return Version(version.sequence, version.row, FORGOTTEN)
        chained.append(version)
    return version
