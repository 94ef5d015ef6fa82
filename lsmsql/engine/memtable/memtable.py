"""The memtable: the newest records of one table, in memory.

A dict answers point reads and finds whether a key is new; the skip list keeps the keys in order.
Each key leads to its newest *version*, and each version to the one before it, as far back as a
reader may still ask.

    version = (sequence, row or None for a tombstone, older version | None | FORGOTTEN)

FORGOTTEN ends a chain whose older versions were let go. A reader that runs into it asked for a
sequence number that it had not registered, and must take a newer one.

Thread safety: one writer at a time. Readers take no lock; a version is never changed once it is
in the dict.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, Final

from lsmsql.engine.memtable.skiplist import SkipList
from lsmsql.engine.values import Row

Version = tuple[int, Row | None, Any]
"""(sequence, row, older)"""

FORGOTTEN: Final[tuple[int, None, None]] = (-1, None, None)

RECORD_OVERHEAD = 300
"""Bytes that a record takes beside its key and payload: objects, dict entry, list slot."""


class Forgotten(Exception):  # noqa: N818 (a signal between the engine's rooms, not an error)
    """The version that was asked for has been let go."""


class Memtable:
    """Records of one table, newest version first for each key. ``nbytes`` is an estimate."""

    __slots__ = ("_keys", "_versions", "max_sequence", "min_sequence", "nbytes", "tombstones")

    def __init__(self) -> None:
        self._versions: dict[bytes, Version] = {}
        self._keys = SkipList()
        self.nbytes = 0
        self.min_sequence = 0
        self.max_sequence = 0
        self.tombstones = 0

    def __len__(self) -> int:
        """Number of keys."""
        return len(self._versions)

    def put(self, key: bytes, row: Row | None, sequence: int, size: int, oldest: int) -> None:
        """Add the version ``sequence`` of ``key``; no newer one may be there.

        ``row`` None is a tombstone. ``size`` is the encoded size of key and payload. ``oldest`` is
        the smallest sequence number that a reader may ask for.
        """
        versions = self._versions
        previous = versions.get(key)
        if previous is None:
            versions[key] = (sequence, row, None)
            self._keys.add(key)
        else:
            versions[key] = (sequence, row, trim(previous, oldest))
        self._note(sequence, size, row is None)

    def put_all(
        self, records: dict[bytes, Row | None], sequence: int, size: int, oldest: int
    ) -> None:
        """Add the version ``sequence`` of many keys; ``size`` is that of all together."""
        versions = self._versions
        fresh = [key for key in records if key not in versions]
        for key, row in records.items():
            previous = versions.get(key)
            older = None if previous is None else trim(previous, oldest)
            versions[key] = (sequence, row, older)
        fresh.sort()
        self._keys.add_sorted(fresh)
        self._note(sequence, size + (len(records) - 1) * RECORD_OVERHEAD, None in records.values())

    def _note(self, sequence: int, size: int, tombstone: bool) -> None:
        self.nbytes += size + RECORD_OVERHEAD
        self.max_sequence = sequence
        self.min_sequence = self.min_sequence or sequence
        if tombstone:
            self.tombstones += 1

    def get(self, key: bytes, sequence: int) -> Version | None:
        """The newest version of ``key`` not newer than ``sequence``; None if there is none here.

        Raises Forgotten if there was one and it has been let go.
        """
        version = self._versions.get(key)
        while version is not None and version[0] > sequence:
            version = version[2]
            if version is FORGOTTEN:
                raise Forgotten
        return version

    def undo(self, key: bytes, sequence: int) -> None:
        """Take back the newest version of ``key``, which must be the one of ``sequence``.

        Only for a memtable that no other thread reads, and whose versions are never let go.
        """
        version = self._versions[key]
        assert version[0] == sequence
        if version[2] is None:
            del self._versions[key]
            self._keys.remove(key)
        else:
            self._versions[key] = version[2]

    def slices(
        self, start: bytes | None = None, stop: bytes | None = None, *, reverse: bool = False
    ) -> Iterator[list[bytes]]:
        """The keys in [start, stop), as ``SkipList.slices`` gives them."""
        return self._keys.slices(start, stop, reverse=reverse)

    def records(
        self, keys: Sequence[bytes], sequence: int | None
    ) -> tuple[list[bytes], list[int], list[Row | None]]:
        """Keys, sequence numbers and rows of the versions of ``keys``.

        Only the newest one not newer than ``sequence``, or with None all of them, newest first.
        """
        found: list[tuple[bytes, Version]] = []
        for key in keys:
            version: Any = self._versions.get(key)
            while version is not None and version is not FORGOTTEN:
                if sequence is None:
                    found.append((key, version))
                elif version[0] <= sequence:
                    found.append((key, version))
                    break
                version = version[2]
        return (
            [key for key, _ in found],
            [version[0] for _, version in found],
            [version[1] for _, version in found],
        )


def trim(version: Version, oldest: int) -> Version:
    """``version`` without those behind it that no reader at ``oldest`` or later can ask for."""
    sequence, row, older = version
    if sequence <= oldest and older is not None and older is not FORGOTTEN:
        return (sequence, row, FORGOTTEN)
    return version
