"""Ranges of keys, in either direction, as slices of Python lists.

A range begins on lists: ``bisect`` and short slices of the columns of blocks, which for tens of
rows cost less than one call of a kernel. Once it has gone through ``SHORT_SCAN`` records, the rest
is left to the merge (see ``merge``), whose kernels are faster from there on.

    slice source   yields slices in scan order; the keys within a slice ascend
    window         the part of the sources' current slices in which every key is complete
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Sequence

import pyarrow as pa

from lsmsql.engine.columns import DELETE, KEY, KIND, SEQUENCE, run_from_records
from lsmsql.engine.memtable.memtable import Memtable
from lsmsql.engine.merge import Retention, merge, not_newer
from lsmsql.engine.projection import Projection
from lsmsql.engine.slices import LazyKeys, Range, Slice
from lsmsql.engine.sstable.block import Block
from lsmsql.engine.sstable.reader import SSTable
from lsmsql.engine.values import ColumnType
from lsmsql.engine.view import NEWEST, TableState

Overlay = tuple[Memtable, int]
"""A memtable of uncommitted changes, and the step up to which they are seen."""

NEWEST_ONLY = Retention(at=NEWEST)
"""The sources of a scan give only what its reader may see: of that, the newest of each key."""

SHORT_SCAN = 2048
"""Records that are read as lists before the kernels take over."""

FIRST_STEP = 64
"""Rows of the first slice of a source, where nobody knows better."""

_LEAST_STEP, _LAST_STEP = 4, 512
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
) -> Iterator[Slice]:
    """The newest records not newer than ``sequence`` with keys in ``span``, without the deleted.

    Yields non-empty slices: with ``reverse`` from the last to the first, though the keys within a
    slice ascend all the same. ``overlay`` lies on top of the memtables. ``first`` is about how many
    rows are wanted at first; whoever goes on gets larger slices.
    """
    if span.empty:
        return
    memtables = _memtables(table, sequence, overlay)
    groups = _file_groups(table, span)
    step = iter(_first_steps(memtables, groups, first))
    sources = [_memtable_slices(m, s, span, projection, reverse, next(step)) for m, s in memtables]
    sources += [_file_slices(g, sequence, span, projection, reverse, next(step)) for g in groups]
    windows = sources[0] if len(sources) == 1 else _merge_slices(sources, reverse)
    seen = 0
    for window in windows:
        seen += len(window.keys)
        alive = _newest_alive(window) if len(sources) > 1 else _without_dead(window)
        if alive.keys:
            yield alive
        if seen >= SHORT_SCAN:
            rest = span.after(window.keys[0 if reverse else -1], reverse=reverse)
            if not rest.empty:
                runs = scan_runs(table, sequence, rest, projection.slots, reverse, overlay)
                yield from (_run_slice(run, projection) for run in runs)
            return


def _first_steps(
    memtables: Sequence[Overlay], groups: Sequence[Sequence[SSTable]], wanted: int
) -> list[int]:
    """How many rows to take of each source at first, that ``wanted`` come together.

    Each gives as much as it is likely to contribute: a part in proportion to its size.
    """
    if len(memtables) + len(groups) <= 1:
        return [wanted]
    sizes = [len(memtable) for memtable, _ in memtables]
    sizes += [sum(file.meta.keys for file in group) for group in groups]
    total = sum(sizes) or 1
    return [min(wanted, _LEAST_STEP + wanted * size * 5 // (4 * total)) for size in sizes]


# ------------------------------------------------------------------------------------- on lists


def _memtables(table: TableState, sequence: int, overlay: Overlay | None) -> list[Overlay]:
    """The memtables that hold anything, newest first, and up to where each is seen."""
    memtables: list[Overlay] = []
    if overlay is not None:
        memtables.append(overlay)
    for memtable in table.memtables:
        if len(memtable):
            memtables.append((memtable, sequence))
    return memtables


def _file_groups(table: TableState, span: Range) -> list[tuple[SSTable, ...]]:
    """The files that may hold keys of ``span``: each of level 0 alone, each deeper level as one."""
    version, start, stop = table.version, span.start, span.stop
    groups = [f for level in version.deeper if (f := level.sorted_between(start, stop))]
    if version.levels[0].files:
        return [*((file,) for file in version.levels[0].between(start, stop)), *groups]
    return groups


def _memtable_slices(
    memtable: Memtable,
    sequence: int,
    span: Range,
    projection: Projection,
    reverse: bool,
    step: int,
) -> Iterator[Slice]:
    for keys in _in_steps(memtable.slices(span.start, span.stop, reverse=reverse), reverse, step):
        found, _, rows = memtable.records(keys, sequence)
        if found:
            dead = [row is None for row in rows] if None in rows else None
            yield Slice(found, projection.from_rows(found, rows), dead)


def _in_steps(slices: Iterator[list[bytes]], reverse: bool, step: int) -> Iterator[list[bytes]]:
    """Cut small pieces first: who wants ten rows should not pay for five hundred."""
    for keys in slices:
        while len(keys) > step:
            if reverse:
                keys, piece = keys[:-step], keys[-step:]
            else:
                piece, keys = keys[:step], keys[step:]
            yield piece
            step = min(2 * step, _LAST_STEP)
        yield keys


def _file_slices(
    files: Sequence[SSTable],
    sequence: int,
    span: Range,
    projection: Projection,
    reverse: bool,
    step: int,
) -> Iterator[Slice]:
    for file in reversed(files) if reverse else files:
        low, high = file.index.overlapping(span.start, span.stop)
        for number in reversed(range(low, high)) if reverse else range(low, high):
            block = file.block(number)
            first, last = _rows_within(file, block, number, span)
            while first < last:
                cut = max(first, last - step) if reverse else min(first + step, last)
                if file.meta.keys < file.meta.rows:
                    cut = _between_keys(block, first, cut, last, reverse)
                rows = (cut, last) if reverse else (first, cut)
                piece = _block_slice(file, block, *rows, sequence, projection)
                if piece.keys:
                    yield piece
                first, last = (first, cut) if reverse else (cut, last)
                step = min(2 * step, _LAST_STEP)


def _rows_within(file: SSTable, block: Block, number: int, span: Range) -> tuple[int, int]:
    """The rows of block ``number`` with keys in ``span``: [low, high)."""
    low, high = 0, block.rows
    if span.start is not None and file.index.first[number] < span.start:
        low = block.lower_bound(span.start)
    if span.stop is not None and file.index.last[number] >= span.stop:
        high = block.lower_bound(span.stop)
    return low, high


def _between_keys(block: Block, first: int, cut: int, last: int, reverse: bool) -> int:
    """``cut``, or the next row in scan order that does not part the versions of a key."""
    while first < cut < last and block.value(KEY, cut) == block.value(KEY, cut - 1):
        cut += -1 if reverse else 1
    return cut


def _block_slice(
    file: SSTable, block: Block, low: int, high: int, sequence: int, projection: Projection
) -> Slice:
    """Rows [low, high) of a block, as seen by a reader at ``sequence``."""
    meta = file.meta
    keys = LazyKeys(high - low, lambda: block.some_keys(low, high))
    piece = Slice(keys, projection.from_block(block, low, high))
    if meta.tombstones:
        piece.dead = [kind == DELETE for kind in block.values(KIND, low, high)]
    if meta.assigned:
        return piece if meta.max_sequence <= sequence else piece.cut(0, 0)
    if meta.max_sequence > sequence or meta.keys < meta.rows:
        return _visible(piece, block.values(SEQUENCE, low, high), sequence)
    return piece


def _visible(piece: Slice, sequences: Sequence[object], sequence: int) -> Slice:
    """Of each key the newest version not newer than ``sequence``."""
    rows: list[int] = []
    last = None
    for row, key in enumerate(piece.keys):
        if key != last and sequences[row] <= sequence:  # type: ignore[operator]
            rows.append(row)
            last = key
    picked = piece.pick(rows)
    if piece.dead is not None:
        picked.dead = [piece.dead[row] for row in rows]
    return picked


class _Head:
    """The slice at the front of a source."""

    __slots__ = ("_source", "piece")

    def __init__(self, source: Iterator[Slice]) -> None:
        self._source = source
        self.piece = next(source, None)

    def take(self, bound: bytes, reverse: bool) -> Slice | None:
        """Cut off the rows up to ``bound``, in scan order; None if there are none."""
        piece = self.piece
        assert piece is not None
        size = len(piece.keys)
        if reverse:
            cut = bisect_left(piece.keys, bound)
            part, rest = (cut, size), (0, cut)
        else:
            cut = bisect_right(piece.keys, bound)
            part, rest = (0, cut), (cut, size)
        self.piece = piece.cut(*rest) if rest[0] < rest[1] else next(self._source, None)
        return piece.cut(*part) if part[0] < part[1] else None


def _merge_slices(sources: Sequence[Iterator[Slice]], reverse: bool) -> Iterator[Slice]:
    """Windows of the sources, newest source first: keys ascend, the newest first among equals."""
    heads = [_Head(source) for source in sources]
    end, choose = (0, max) if reverse else (-1, min)
    while pieces := [head.piece for head in heads if head.piece is not None]:
        bound = choose(piece.keys[end] for piece in pieces)
        heads = [head for head in heads if head.piece is not None]
        yield _sorted_window([p for h in heads if (p := h.take(bound, reverse)) is not None])


def _sorted_window(pieces: list[Slice]) -> Slice:
    if len(pieces) == 1:
        return pieces[0]
    keys = [key for piece in pieces for key in piece.keys]
    order = sorted(range(len(keys)), key=keys.__getitem__)
    columns = [
        [value for piece_column in parts for value in piece_column]
        for parts in zip(*(piece.columns for piece in pieces), strict=True)
    ]
    dead = None
    if any(piece.dead for piece in pieces):
        flags = [flag for piece in pieces for flag in piece.dead or [False] * len(piece.keys)]
        dead = [flags[row] for row in order]
    window = Slice(keys, columns).pick(order)
    window.dead = dead
    return window


def _newest_alive(window: Slice) -> Slice:
    """The first of each key in a window, unless it is a tombstone."""
    keys = window.keys
    if len(set(keys)) == len(keys):
        return _without_dead(window)
    rows = [row for row, key in enumerate(keys) if row == 0 or key != keys[row - 1]]
    if window.dead is not None:
        rows = [row for row in rows if not window.dead[row]]
    return window.pick(rows)


def _without_dead(piece: Slice) -> Slice:
    if piece.dead is None or True not in piece.dead:
        return piece
    return piece.pick([row for row, dead in enumerate(piece.dead) if not dead])


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
    overlay: Overlay | None = None,
) -> Iterator[pa.RecordBatch]:
    """The same records as ``scan`` gives, as runs with these payload slots."""
    memtables = _memtables(table, sequence, overlay)
    groups = _file_groups(table, span)
    if not memtables and len(groups) == 1 and all(_is_plain(f, sequence) for f in groups[0]):
        yield from _file_runs(groups[0], sequence, span, slots, reverse)
        return
    sources = [_memtable_runs(m, s, span, slots, reverse) for m, s in memtables]
    sources += [_file_runs(files, sequence, span, slots, reverse) for files in groups]
    yield from merge(sources, NEWEST_ONLY, reverse=reverse)


def _is_plain(file: SSTable, sequence: int) -> bool:
    """Whether a reader at ``sequence`` sees every record of a file: nothing to sort out."""
    meta = file.meta
    return not meta.tombstones and meta.keys == meta.rows and meta.max_sequence <= sequence


def _memtable_runs(
    memtable: Memtable, sequence: int, span: Range, slots: Sequence[int], reverse: bool
) -> Iterator[pa.RecordBatch]:
    types = [ColumnType.ANY] * (max(slots, default=-1) + 1)
    names = ["key", "sequence", "kind", *map(str, slots)]
    for keys in memtable.slices(span.start, span.stop, reverse=reverse):
        found, sequences, rows = memtable.records(keys, sequence)
        if found:
            yield run_from_records(found, sequences, rows, types).select(names)


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


def estimate_rows(table: TableState, span: Range) -> int:
    """About how many records have keys in ``span``: from the index alone, no block is read."""
    total = 0
    for memtable in table.memtables:
        total += sum(map(len, memtable.slices(span.start, span.stop)))
    for files in _file_groups(table, span):
        for file in files:
            if _covers(span, file):
                total += file.meta.keys - 2 * file.meta.tombstones
            else:
                total += file.index.rows_between(span.start, span.stop)
    return max(total, 0)


def _covers(span: Range, file: SSTable) -> bool:
    meta = file.meta
    return (span.start is None or span.start <= meta.smallest) and (
        span.stop is None or meta.largest < span.stop
    )
