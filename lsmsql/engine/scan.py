"""Ranges of keys, in either direction, as slices of Python lists.

A range begins with windows (see ``window``). Once it has gone through ``SHORT_SCAN`` records, the
rest is left to the merge (see ``merge``), whose kernels are faster from there on.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

import pyarrow as pa

from lsmsql.engine.columns import KEY, run_from_records
from lsmsql.engine.conditions import Conditions
from lsmsql.engine.memtable.memtable import Memtable
from lsmsql.engine.merge import Retention, merge, not_newer
from lsmsql.engine.projection import Projection
from lsmsql.engine.slices import LazyKeys, Range, Slice
from lsmsql.engine.sstable.reader import SSTable
from lsmsql.engine.values import ColumnType
from lsmsql.engine.view import NEWEST, TableState
from lsmsql.engine.window import (
    FileSource,
    MemtableSource,
    Source,
    is_plain,
    next_window,
)
from lsmsql.engine.zones import blocks_between, count_blocks, parts, worthwhile

Overlay = tuple[Memtable, int]
"""A memtable of uncommitted changes, and the step up to which they are seen."""

NEWEST_ONLY = Retention(at=NEWEST)
"""The sources of a scan give only what its reader may see: of that, the newest of each key."""

ALL_KEYS = Range()

SHORT_SCAN = 2048
"""Records that are read as lists before the kernels take over."""

FIRST_STEP = 64
"""Rows of the first slice, where nobody knows better."""

LAST_STEP = 512
"""Rows of later slices."""

_BLOCKS_PER_RUN = 16


def scan(
    table: TableState,
    sequence: int,
    span: Range,
    projection: Projection,
    *,
    reverse: bool = False,
    overlay: Overlay | None = None,
    first: int = FIRST_STEP,
    where: Conditions = (),
    note: Callable[[Range], object] | None = None,
    skipped: Callable[[int], object] | None = None,
) -> Iterator[Slice]:
    """The newest records not newer than ``sequence`` with keys in ``span``, without the deleted.

    Yields non-empty slices: with ``reverse`` from the last to the first, though the keys within a
    slice ascend all the same. ``overlay`` lies on top of the memtables. ``first`` is about how many
    rows are wanted at first; whoever goes on gets larger slices. Rows that do not meet ``where``
    may be left out; of the blocks that are, ``skipped`` is told how many. ``note`` is told of each
    part of the range before what is in it is given, and may be told of more.
    """
    if span.empty:
        return
    memtables = _memtables(table, sequence, overlay)
    reading = _Reading(table, sequence, projection, reverse, memtables, first, note)
    if not where or not worthwhile(table.version, span):
        yield from reading.read(span)
        return
    left = span
    for part in parts(table.version, memtables, span, where, reverse=reverse):
        gap, left = left.around(part, reverse=reverse)
        reading.leave_out(gap, span, skipped)
        yield from reading.read(part)
    reading.leave_out(left, span, skipped)


class _Reading:
    """One scan, of which parts of the range are read one after the other."""

    def __init__(
        self,
        table: TableState,
        sequence: int,
        projection: Projection,
        reverse: bool,
        memtables: list[Overlay],
        first: int,
        note: Callable[[Range], object] | None,
    ) -> None:
        self._table = table
        self._sequence = sequence
        self._projection = projection
        self._reverse = reverse
        self._memtables = memtables
        self._note = note
        self._first = self._wanted = first
        self._given = 0

    def read(self, span: Range) -> Iterator[Slice]:
        """What is in ``span``."""
        projection, reverse, note = self._projection, self._reverse, self._note
        sources: list[Source] = [MemtableSource(*m) for m in self._memtables]
        runs = self._table.version.sorted_runs
        sources += [FileSource(level, self._sequence) for level in runs]
        seen = 0
        while seen < SHORT_SCAN:
            window = next_window(sources, span, self._wanted, projection, reverse)
            if window is None:
                if note is not None:
                    note(span)
                return
            piece, bound, rows = window
            left = None if bound is None else span.after(bound, reverse=reverse)
            if note is not None:
                note(span if left is None else span.without(left, reverse=reverse))
            if piece.keys:
                yield piece
            if left is None or left.empty:
                return
            span = left
            seen += rows
            self._count(len(piece.keys))
        if note is not None:
            note(span)
        yield from self._by_kernels(span)

    def _count(self, rows: int) -> None:
        """Rows have been given: whoever has not had enough is likely to want more."""
        given = self._given = self._given + rows
        first = self._first
        self._wanted = first - given if given < first else min(2 * self._wanted, LAST_STEP)

    def _by_kernels(self, span: Range) -> Iterator[Slice]:
        projection = self._projection
        runs = scan_runs(
            self._table, self._sequence, span, projection.slots, self._reverse, self._memtables
        )
        return (_run_slice(run, projection) for run in runs)

    def leave_out(self, gap: Range, span: Range, skipped: Callable[[int], object] | None) -> None:
        """Pass over a part of ``span`` in which no row is wanted: that has been read, too."""
        if not gap.empty:
            if self._note is not None:
                self._note(gap)
            if skipped is not None:
                skipped(blocks_between(self._table.version, gap, span))


def _memtables(table: TableState, sequence: int, overlay: Overlay | None) -> list[Overlay]:
    """The memtables that hold anything, newest first, and up to where each is seen."""
    memtables = [(memtable, sequence) for memtable in table.memtables if len(memtable)]
    return memtables if overlay is None else [overlay, *memtables]


def _file_groups(table: TableState, span: Range) -> list[tuple[SSTable, ...]]:
    """The files that may hold keys of ``span``: each of level 0 alone, each deeper level as one."""
    version, start, stop = table.version, span.start, span.stop
    groups = [f for level in version.deeper if (f := level.sorted_between(start, stop))]
    if version.levels[0].files:
        return [*((file,) for file in version.levels[0].between(start, stop)), *groups]
    return groups


# ------------------------------------------------------------------------------------ by kernels


def _run_slice(run: pa.RecordBatch, projection: Projection) -> Slice:
    keys = LazyKeys(run.num_rows, run.column(KEY).to_pylist)
    return Slice(keys, projection.from_run(run))


def scan_runs(
    table: TableState,
    sequence: int,
    span: Range,
    slots: Sequence[int],
    reverse: bool = False,
    memtables: Sequence[Overlay] | None = None,
) -> Iterator[pa.RecordBatch]:
    """The same records as ``scan`` gives, as runs with these payload slots.

    ``memtables`` stand in for those of the table.
    """
    if memtables is None:
        memtables = _memtables(table, sequence, None)
    groups = _file_groups(table, span)
    if not memtables and len(groups) == 1 and all(is_plain(f, sequence) for f in groups[0]):
        yield from _file_runs(groups[0], sequence, span, slots, reverse)
        return
    sources = [_memtable_runs(m, s, span, slots, reverse) for m, s in memtables]
    sources += [_file_runs(files, sequence, span, slots, reverse) for files in groups]
    yield from merge(sources, NEWEST_ONLY, reverse=reverse)


def _memtable_runs(
    memtable: Memtable, sequence: int, span: Range, slots: Sequence[int], reverse: bool
) -> Iterator[pa.RecordBatch]:
    types = [ColumnType.ANY] * (max(slots, default=-1) + 1)
    names = ["key", "sequence", "kind", *map(str, slots)]
    for run in memtable_runs(memtable, sequence, types, span, reverse=reverse):
        yield run.select(names)


def memtable_runs(
    memtable: Memtable,
    sequence: int | None,
    types: Sequence[ColumnType],
    span: Range = ALL_KEYS,
    *,
    reverse: bool = False,
) -> Iterator[pa.RecordBatch]:
    """The records of a memtable as runs with payload slots of these types.

    Of each key the newest version not above ``sequence``, or with None all of them.
    """
    for keys in memtable.slices(span.start, span.stop, reverse=reverse):
        found, sequences, rows = memtable.records(keys, sequence)
        if found:
            yield run_from_records(found, sequences, rows, types)


def _file_runs(
    files: Sequence[SSTable], sequence: int, span: Range, slots: Sequence[int], reverse: bool
) -> Iterator[pa.RecordBatch]:
    for file in reversed(files) if reverse else files:
        runs = file.runs(
            span.start, span.stop, slots, reverse=reverse, blocks_per_run=_BLOCKS_PER_RUN
        )
        if file.meta.max_sequence <= sequence:
            yield from runs
        else:
            yield from (seen for run in runs if (seen := not_newer(run, sequence)).num_rows)


# -------------------------------------------------------------------------------------- estimate


class Estimated(NamedTuple):
    """What a scan reads: about how many records, and how many ``blocks`` ``of`` those in range."""

    rows: int
    blocks: int
    of: int


def estimate_rows(table: TableState, span: Range, guess: float | None = None) -> int:
    """About how many records have keys in ``span``: from the index alone, no block is read.

    Of the blocks at its ends half the records are taken to be in it, or fewer if ``guess``, what
    the caller takes the result to be, says so.
    """
    return _estimate(_in_memory(table, span), [_in_files(table, span)], guess)


def estimate_scan(
    table: TableState, span: Range, where: Conditions, guess: float | None = None
) -> Estimated:
    """About what a scan with ``where`` reads, without a look at any row; ``guess`` as above."""
    version = table.version
    of = count_blocks(version, span)
    found: list[tuple[int, int]] = []
    left, blocks = span, of
    for part in parts(version, (), span, where):
        found.append(_in_files(table, part))
        gap, left = left.around(part, reverse=False)
        blocks -= blocks_between(version, gap, span)
    rows = _estimate(_in_memory(table, span), found, guess)
    return Estimated(rows, blocks - blocks_between(version, left, span), of)


def _estimate(certain: int, found: Sequence[tuple[int, int]], guess: float | None) -> int:
    """The rows of parts of which the least and the most are ``found``."""
    certain += sum(least for least, _ in found)
    half = sum(most - least for least, most in found) // 2
    return certain + (half if guess is None else min(half, max(round(guess) - certain, 0)))


def _in_memory(table: TableState, span: Range) -> int:
    return sum(
        len(keys) for memtable in table.memtables for keys in memtable.slices(span.start, span.stop)
    )


def _in_files(table: TableState, span: Range) -> tuple[int, int]:
    """The least and the most records of ``span`` there are in files."""
    least = most = 0
    for files in _file_groups(table, span):
        for file in files:
            if _covers(span, file):
                low = high = file.meta.keys - 2 * file.meta.tombstones
            else:
                low, high = file.index.rows_between(span.start, span.stop)
            least, most = least + low, most + high
    return max(least, 0), max(most, 0)


def _covers(span: Range, file: SSTable) -> bool:
    meta = file.meta
    return (span.start is None or span.start <= meta.smallest) and (
        span.stop is None or meta.largest < span.stop
    )
