"""What a transaction has read: keys and ranges of keys, whether anything was there or not.

Its memory is bounded. When the keys of a table become too many, neighbours are joined into ranges,
in which more lies than was read: that can cause a conflict that was none, and never hides one.

Not for more than one thread at a time.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator

from lsmsql.engine.keys import successor
from lsmsql.engine.slices import Range

MOST_BYTES = 4 << 20
"""Keys of one table are joined into ranges when they take more than this."""

ENTRY_OVERHEAD = 100
"""Bytes that a key takes beside its own."""

MOST_RANGES = 1024
"""Ranges of one table are joined to half as many when there are more."""

_LONGEST_EDGE = 256
"""Ranges with longer edges are widened to a prefix of them when they are joined."""


class ReadSet:
    """Keys and ranges that were read, by table id."""

    def __init__(self) -> None:
        self._tables: dict[int, _Reads] = {}

    def __iter__(self) -> Iterator[int]:
        """The tables that were read."""
        return iter(self._tables)

    def _of(self, table_id: int) -> _Reads:
        reads = self._tables.get(table_id)
        if reads is None:
            reads = self._tables[table_id] = _Reads()
        return reads

    def add_key(self, table_id: int, key: bytes) -> None:
        """``key`` was looked up."""
        try:
            reads = self._tables[table_id]
        except KeyError:
            reads = self._of(table_id)
        if key not in reads.keys:
            reads.add_key(key)

    def add_keys(self, table_id: int, keys: Collection[bytes]) -> None:
        """Each of the keys was looked up."""
        self._of(table_id).add_keys(keys)

    def add_range(self, table_id: int, span: Range) -> None:
        """All that is in ``span`` was read."""
        if not span.empty:
            (self._tables.get(table_id) or self._of(table_id)).add_range(span)

    def keys(self, table_id: int) -> set[bytes]:
        """The single keys that were read of a table."""
        reads = self._tables.get(table_id)
        return set() if reads is None else reads.keys

    def ranges(self, table_id: int) -> list[Range]:
        """The ranges that were read of a table, in order; none touches another."""
        reads = self._tables.get(table_id)
        return [] if reads is None else reads.merged()


class _Reads:
    """What was read of one table."""

    __slots__ = ("_nbytes", "_ranges", "keys")

    def __init__(self) -> None:
        self.keys: set[bytes] = set()
        self._nbytes = 0
        self._ranges: list[Range] = []

    def add_key(self, key: bytes) -> None:
        self.keys.add(key)
        self._nbytes += len(key) + ENTRY_OVERHEAD
        if self._nbytes > MOST_BYTES:
            self._join()

    def add_keys(self, keys: Collection[bytes]) -> None:
        before = len(self.keys)
        self.keys.update(keys)
        added = len(self.keys) - before
        self._nbytes += added * ENTRY_OVERHEAD + sum(map(len, keys))
        if self._nbytes > MOST_BYTES:
            self._join()

    def _join(self) -> None:
        """Have ranges in place of the keys."""
        joined = _grouped(MOST_RANGES // 2, sorted(self.keys))
        self._ranges = _at_most(MOST_RANGES // 2, _merged([*self._ranges, *joined]))
        self.keys, self._nbytes = set(), 0

    def add_range(self, span: Range) -> None:
        ranges = self._ranges
        if ranges:  # a scan goes on where it was
            last = ranges[-1]
            if span.start is not None and last.stop == span.start:
                ranges[-1] = Range(last.start, span.stop)
                return
            if span.stop is not None and last.start == span.stop:
                ranges[-1] = Range(span.start, last.stop)
                return
        ranges.append(span)
        if len(ranges) > MOST_RANGES:
            self._ranges = _at_most(MOST_RANGES // 2, _merged(ranges))

    def merged(self) -> list[Range]:
        self._ranges = _merged(self._ranges)
        return self._ranges


def _merged(ranges: Iterable[Range]) -> list[Range]:
    """The same keys as ranges in order, none of which touches another."""
    merged: list[Range] = []
    for span in sorted(ranges, key=lambda span: span.start or b""):
        last = merged[-1] if merged else None
        if last is None or (last.stop is not None and (span.start or b"") > last.stop):
            merged.append(span)
        elif last.stop is not None and (span.stop is None or span.stop > last.stop):
            merged[-1] = Range(last.start, span.stop)
    return merged


def _grouped(count: int, keys: list[bytes]) -> list[Range]:
    """At most so many ranges, with the same number of ``keys``, which are in order, in each."""
    step = -(-len(keys) // count)
    groups = [keys[at : at + step] for at in range(0, len(keys), step)]
    return [Range(group[0], group[-1] + b"\0") for group in groups]


def _at_most(count: int, ranges: list[Range]) -> list[Range]:
    """``ranges``, which are in order, joined with their neighbours until there are few enough."""
    step = -(-len(ranges) // count)
    groups = [ranges[at : at + step] for at in range(0, len(ranges), step)]
    return _merged([_widened(Range(group[0].start, group[-1].stop)) for group in groups])


def _widened(span: Range) -> Range:
    """A range that holds ``span`` and has no long edges."""
    start, stop = span.start, span.stop
    if start is not None:
        start = start[:_LONGEST_EDGE]
    if stop is not None and len(stop) > _LONGEST_EDGE:
        stop = successor(stop[:_LONGEST_EDGE])
    return Range(start, stop)
