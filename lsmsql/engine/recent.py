"""The row cache: values of ``kv`` that were read from files of late, as Python objects, by key.

A get that finds its value here touches one dict and the value, where the way through a file leads
over a hash index, a block, and the buffers of two columns: that many more cache misses of the
processor. Programs ask for some keys again and again.

The values are those of one version of the table, that is of one set of files, which never change.
Whoever makes another version live puts an empty row cache in the place of this one, which would
otherwise keep replaced files from being removed; a reader of an older version goes past it.
Memtables, where newer values are, are asked first.

When it is full, the eighth that came first goes (first in, first out; a key that is still asked
for comes back).

Threads: readers look into ``values`` without a lock.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from itertools import islice
from sys import getsizeof
from typing import Final

from lsmsql.engine.manifest.version import TableVersion
from lsmsql.engine.values import Value

ENTRY_OVERHEAD = 100
"""Bytes that an entry takes in the dict."""

_LARGEST = 64
"""A value that takes more than this part of the room is not worth keeping."""

_STEP = 16
"""It takes this part of its room from the block cache at a time."""


class Absent:
    """What is found for a key that is not there; None is a value."""


ABSENT: Final = Absent()


class RecentValues:
    """At most ``limit`` bytes of values of ``version``.

    ``nbytes`` of them are here, never more than the ``reserved`` bytes. ``grown`` is called when
    these are more than before.
    """

    __slots__ = ("_grown", "_limit", "_lock", "nbytes", "reserved", "values", "version")

    def __init__(self, version: TableVersion, limit: int, grown: Callable[[], None]) -> None:
        self.version = version
        self.values: dict[bytes, Value] = {}
        self.nbytes = 0
        self._limit = limit
        self._grown = grown
        self.reserved = 0
        self._lock = threading.Lock()

    def of(self, version: TableVersion) -> RecentValues:
        """An empty one, in the place of this one, for another version."""
        return RecentValues(version, self._limit, self._grown)

    def add(self, key: bytes, value: Value) -> None:
        """Keep the value of a key."""
        size = _size(key, value)
        if size * _LARGEST > self._limit:
            return
        with self._lock:
            if key in self.values:
                return
            self.values[key] = value
            self.nbytes += size
            if self.nbytes > self._limit:
                self._shrink()
        if self.nbytes > self.reserved:
            self.reserved = min(self._limit, self.nbytes + self._limit // _STEP)
            self._grown()

    def clear(self) -> None:
        """Let go of all values."""
        with self._lock:
            self.values.clear()
            self.nbytes = self.reserved = 0

    def _shrink(self) -> None:
        values = self.values
        for key in list(islice(values, len(values) // 8 + 1)):
            self.nbytes -= _size(key, values.pop(key))


def _size(key: bytes, value: Value) -> int:
    return getsizeof(key) + getsizeof(value) + ENTRY_OVERHEAD
