"""The parts of a range that may hold rows which meet conditions.

The index of a file has a *zone map* of each block: bounds of the values of each column, and its
first and last key. A block
need not be read if nothing within these bounds meets a condition. But to leave it out alone could
bring to light an older version of a row, which another source has and which does. Hence the rule:

    A part of the range is left out only if no source has a version there that may meet the
    conditions. All that is not left out is read from every source.

It holds for every reader. The version that it sees of a key is in some source; if that version
meets the conditions, the key is in no part that was left out. A table of one compacted run is read
without every block that has nothing; where sources overlap, all read what any of them may have.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterable, Iterator, Sequence
from itertools import islice

from lsmsql.engine.conditions import Conditions
from lsmsql.engine.manifest.version import Level, TableVersion
from lsmsql.engine.memtable.memtable import Memtable
from lsmsql.engine.slices import NOWHERE, Range
from lsmsql.engine.sstable.index import BlockIndex
from lsmsql.engine.values import Row

FIRST_BLOCKS = 1
"""Blocks of which the zone maps are looked at in one go; then four times as many each time. Whoever
wants only the first rows need not wait for the whole index."""

_APART = 32
"""Rows of a memtable make one part if there are no more than this between them."""

Memtables = Sequence[tuple[Memtable, int]]
"""Each with the number up to which it is seen."""


def parts(
    files: TableVersion,
    memtables: Memtables,
    span: Range,
    where: Conditions,
    *,
    reverse: bool = False,
) -> Iterator[Range]:
    """The parts of ``span`` that may hold rows which meet ``where``: disjoint, in scan order."""
    runs = [_parts_of_run(run, span, where, reverse) for run in files.sorted_runs]
    for gap, part in _disjoint(runs, span, reverse):
        if not gap.empty and memtables:
            yield from _parts_of_gap(files, memtables, gap, where, reverse)
        if not part.empty:
            yield part


def worthwhile(files: TableVersion, span: Range) -> bool:
    """Whether ``span`` has more than one block: to read a single one is cheaper than to ask."""
    places = list(islice(_places(files, span), 2))
    return len(places) > 1 or any(high - low > 1 for _, low, high in places)


def blocks_between(files: TableVersion, gap: Range, span: Range) -> int:
    """How many blocks are not read if ``gap`` is left out of ``span``."""
    if gap.empty:
        return 0
    count = 0
    for index, low, high in _places(files, gap):
        if gap.start is not None and gap.start != span.start and index.first[low] < gap.start:
            low += 1
        if gap.stop is not None and gap.stop != span.stop and index.last[high - 1] >= gap.stop:
            high -= 1
        count += max(high - low, 0)
    return count


def count_blocks(files: TableVersion, span: Range) -> int:
    """How many blocks may hold keys of ``span``."""
    return sum(high - low for _, low, high in _places(files, span))


def _places(files: TableVersion, span: Range) -> Iterator[tuple[BlockIndex, int, int]]:
    """The blocks [low, high) of each file that may hold keys of ``span``."""
    for level in files.sorted_runs:
        for file in level.sorted_between(span.start, span.stop):
            low, high = file.index.overlapping(span.start, span.stop)
            if low < high:
                yield file.index, low, high


def _disjoint(
    streams: Sequence[Iterator[Range]], span: Range, reverse: bool
) -> Iterator[tuple[Range, Range]]:
    """What lies in ``span`` of streams of parts, each with the gap before it; last an empty one."""
    merged: Iterable[Range] = streams[0] if len(streams) == 1 else _merged(streams, reverse)
    left = span
    for found in merged:
        part = left.common(found)
        if not part.empty:
            gap, left = left.around(part, reverse=reverse)
            yield gap, part
    yield left, NOWHERE


def _merged(streams: Sequence[Iterator[Range]], reverse: bool) -> Iterator[Range]:
    """The parts of all streams in scan order; none of them is unbounded."""
    if reverse:
        return heapq.merge(*streams, key=lambda part: part.stop or b"", reverse=True)
    return heapq.merge(*streams, key=lambda part: part.start or b"")


# ------------------------------------------------------------------------------------- files


def _parts_of_run(run: Level, span: Range, where: Conditions, reverse: bool) -> Iterator[Range]:
    """The parts of a sorted run, by its zone maps."""
    files = run.sorted_between(span.start, span.stop)
    size = FIRST_BLOCKS
    for file in reversed(files) if reverse else files:
        index = file.index
        low, high = index.overlapping(span.start, span.stop)
        while low < high:
            front, back = (max(low, high - size), high) if reverse else (low, min(low + size, high))
            found = _stretches(_wanted(index, front, back, where), front)
            for first, end in reversed(found) if reverse else found:
                stop = index.first[end] if end < len(index) else index.last[-1] + b"\0"
                yield Range(index.first[first], stop)
            low, high = (low, front) if reverse else (back, high)
            size *= 4


def _wanted(index: BlockIndex, low: int, high: int, where: Conditions) -> list[bool]:
    """For each of the blocks [low, high) whether it may hold a row that meets ``where``."""
    each = [condition.blocks(index, low, high) for condition in where]
    return [all(block) for block in zip(*each, strict=True)]


def _stretches(wanted: Sequence[bool], first: int) -> list[tuple[int, int]]:
    """Where there is True, one after the other; the numbers begin with ``first``."""
    found = []
    start = None
    for number, on in enumerate([*wanted, False], first):
        if on and start is None:
            start = number
        elif not on and start is not None:
            found.append((start, number))
            start = None
    return found


# ------------------------------------------------------------------------------------- memtables


def _parts_of_gap(
    files: TableVersion, memtables: Memtables, gap: Range, where: Conditions, reverse: bool
) -> Iterator[Range]:
    """The parts of a range for which the files are not needed.

    All of it if there is no block in it that could be left out: then nothing is to be gained.
    """
    if next(_places(files, gap), None) is None:
        yield gap
        return
    streams = [_parts_of_memtable(*memtable, gap, where, reverse) for memtable in memtables]
    for _, part in _disjoint(streams, gap, reverse):
        if not part.empty:
            yield part


def _parts_of_memtable(
    memtable: Memtable, sequence: int, span: Range, where: Conditions, reverse: bool
) -> Iterator[Range]:
    """The parts of a memtable, by its rows."""
    for keys in memtable.slices(span.start, span.stop, reverse=reverse):
        found, _, rows = memtable.records(keys, sequence)
        places = [
            place
            for place, (key, row) in enumerate(zip(found, rows, strict=True))
            if _meets(key, row, where)
        ]
        groups = _groups(places)
        for first, last in reversed(groups) if reverse else groups:
            yield Range(found[first], found[last] + b"\0")


def _meets(key: bytes, row: Row | None, where: Conditions) -> bool:
    """Whether a record may meet ``where``; a deleted one does not."""
    return row is not None and all(condition.record(key, row) for condition in where)


def _groups(places: Sequence[int]) -> list[tuple[int, int]]:
    """The first and last of places that are not far apart."""
    groups: list[tuple[int, int]] = []
    for place in places:
        if groups and place - groups[-1][1] <= _APART:
            groups[-1] = (groups[-1][0], place)
        else:
            groups.append((place, place))
    return groups
