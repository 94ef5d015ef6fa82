"""Bulk ingest: rows go straight to SSTables, past the log and the memtables.

The rows are taken in chunks that fit the memory budget. Each chunk is sorted and freed of
duplicates by kernels and written as files, while commits go on. Only then, for a moment, the
writer's place is taken: the files get the next sequence numbers (which the manifest keeps; the
blocks have none) and join the deepest level that nothing above them overlaps, all in one edit: all
rows appear, or none.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial

import msgspec
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from lsmsql.engine.columns import PUT, concat_columns, make_run, starts_of_keys
from lsmsql.engine.core import Core
from lsmsql.engine.errors import ConflictError
from lsmsql.engine.manifest.edit import AddedFile, Edit
from lsmsql.engine.manifest.version import TableVersion
from lsmsql.engine.order import sort_order_and_ties
from lsmsql.engine.output import remove_files, write_tables
from lsmsql.engine.ragged import Integers, from_numpy
from lsmsql.engine.rows import RowCodec
from lsmsql.engine.scheduler import Scheduler
from lsmsql.engine.slices import Range
from lsmsql.engine.sstable.meta import FileMeta
from lsmsql.engine.together import together

_ROWS_PER_RUN = 65536
_BYTES_PER_RUN = 8 << 20
_SHARES = 2
_MIN_SHARED_BYTES = 4 << 20
"""A larger chunk is written by two threads, half of the keys each."""

_LOCK_SECONDS = 0.05
"""A compaction under way is waited for no longer, as writers wait too: level 0 takes the files."""

Batch = list[pa.Array]
"""The columns of a table, in order, each of the Arrow type of its declared type."""


@dataclass(frozen=True)
class _Chunk:
    """Files that together hold one sorted chunk."""

    files: tuple[FileMeta, ...]

    @property
    def smallest(self) -> bytes:
        return self.files[0].smallest

    @property
    def largest(self) -> bytes:
        return self.files[-1].largest


def ingest(
    core: Core,
    scheduler: Scheduler,
    codec: RowCodec,
    batches: Iterable[Batch],
    progress: Callable[[int], object] | None = None,
) -> int:
    """Add the rows of ``batches`` to a table, replacing those with the same keys; return how many.

    Of several rows with one key the last counts. ``progress`` is called with the number of rows
    taken in so far. If anything fails, nothing has changed.
    """
    chunks: list[_Chunk] = []
    taken = 0
    try:
        for columns in _chunked(batches, core.options.memory_budget // 4):
            scheduler.make_room_for_files()
            core.check_writable()
            chunks.append(_write_chunk(core, codec, columns))
            taken += len(columns[0])
            if progress is not None:
                progress(taken)
        if chunks:
            _install(core, scheduler, codec, chunks)
    except BaseException:
        # After a failure the manifest may name the files; if not, the next opening removes them.
        if core.failure is None:
            for chunk in chunks:
                remove_files(core, chunk.files)
        raise
    scheduler.look_for_work()  # if that fails, the rows are there nevertheless
    return taken


def _chunked(batches: Iterable[Batch], chunk_bytes: int) -> Iterator[Batch]:
    """Batches put together until they are ``chunk_bytes`` large."""
    waiting: list[Batch] = []
    size = 0
    for batch in batches:
        if len(batch[0]):
            waiting.append(batch)
            size += sum(column.nbytes for column in batch)
        if size >= chunk_bytes:
            yield _join(waiting)
            waiting, size = [], 0
    if waiting:
        yield _join(waiting)


def _join(batches: Sequence[Batch]) -> Batch:
    return [concat_columns(pieces) for pieces in zip(*batches, strict=True)]


def _write_chunk(core: Core, codec: RowCodec, columns: Batch) -> _Chunk:
    bottom = not core.version.table(codec.schema.id).deepest > 1
    table_bytes = core.options.table_bytes
    rows = _in_key_order(codec, columns)
    shares = _SHARES if rows.nbytes >= _MIN_SHARED_BYTES else 1
    edges = [len(rows) * share // shares for share in range(shares + 1)]

    def write(start: int, stop: int) -> list[FileMeta]:
        runs = rows.runs(start, stop)
        return write_tables(core, codec.schema, runs, bottom=bottom, table_bytes=table_bytes)

    written = together(
        [partial(write, start, stop) for start, stop in itertools.pairwise(edges)],
        lambda files: remove_files(core, files),
    )
    return _Chunk(tuple(meta for files in written for meta in files))


@dataclass(frozen=True)
class _Rows:
    """Rows as they were given, and the numbers of those to be written, in key order; None: all."""

    keys: pa.Array
    slots: list[pa.Array]
    order: pa.Array | None

    def __len__(self) -> int:
        """The number of rows to be written."""
        return len(self.keys if self.order is None else self.order)

    @property
    def nbytes(self) -> int:
        """All rows together; those that were given more than once count as often."""
        return sum(column.nbytes for column in (self.keys, *self.slots))

    def runs(self, start: int, stop: int) -> Iterator[pa.RecordBatch]:
        """The rows [start, stop) as runs without sequence numbers."""
        row_bytes = self.nbytes // len(self.keys) + 1
        step = max(1, min(_ROWS_PER_RUN, _BYTES_PER_RUN // row_bytes))
        for first in range(start, stop, step):
            rows = min(step, stop - first)
            if self.order is None:
                keys, *values = [column.slice(first, rows) for column in (self.keys, *self.slots)]
            else:
                picked = self.order.slice(first, rows)
                keys, *values = [column.take(picked) for column in (self.keys, *self.slots)]
            zeros = from_numpy(np.zeros(rows, np.int64))
            kinds = from_numpy(np.full(rows, PUT, np.int64))
            yield make_run(keys, zeros, kinds, values)


def _in_key_order(codec: RowCodec, columns: Batch) -> _Rows:
    """The rows in key order, the last of each key only."""
    schema = codec.schema
    keys, masks = codec.keys.encode_columns([columns[position] for position in schema.key])
    slots: list[pa.Array] = [pa.nulls(len(keys))] * schema.slots
    if masks is not None:
        slots[0] = masks
    for column, values in zip(schema.columns, columns, strict=True):
        if column.slot is not None:
            slots[column.slot] = values
        if column.null_slot is not None:
            slots[column.null_slot] = pc.if_else(pc.is_null(values), 1, None)
    order = _last_of_each(keys)
    return _Rows(keys, slots, None if order is None else from_numpy(order))


def _last_of_each(keys: pa.Array) -> Integers | None:
    """The last row of each key, in key order; None for all rows as they are."""
    order, may_be_equal = sort_order_and_ties(keys)
    if not may_be_equal:
        return order
    fresh = starts_of_keys(keys if order is None else keys.take(from_numpy(order)))
    if fresh is None:
        return order
    last = np.append(fresh[1:], True)
    return np.flatnonzero(last) if order is None else order[last]


def _install(core: Core, scheduler: Scheduler, codec: RowCodec, chunks: Sequence[_Chunk]) -> None:
    """Give the files their numbers and their place, atomically."""
    table_id = codec.schema.id
    with core.write_lock:
        core.admit()
        core.schema_of(table_id)
        if table_id in core.catalog.indexes:
            raise ConflictError("an index has been created meanwhile; ingest the rows again")
        if any(_in_memtables(core, table_id, chunk) for chunk in chunks):
            core.rotate()
            scheduler.flush()
        locked = scheduler.compaction_lock.acquire(timeout=_LOCK_SECONDS)
        try:
            level = _level_for(core.version.table(table_id), chunks) if locked else 0
            core.sync_log()  # no commit before it may be lost by a power cut, and this one stay
            first = core.sequence + 1
            added = [
                AddedFile(level, _assigned(meta, first + number))
                for number, chunk in enumerate(chunks)
                for meta in chunk.files
            ]
            last = first + len(chunks) - 1
            core.install(Edit(added=tuple(added), last_sequence=last), publish=last)
        finally:
            if locked:
                scheduler.compaction_lock.release()
    core.counters.ingested_bytes += sum(meta.size for chunk in chunks for meta in chunk.files)


def _assigned(meta: FileMeta, sequence: int) -> FileMeta:
    return msgspec.structs.replace(
        meta, min_sequence=sequence, max_sequence=sequence, assigned=True
    )


def _in_memtables(core: Core, table_id: int, chunk: _Chunk) -> bool:
    """Whether a memtable holds a key in the range of the chunk: it would hide the newer row."""
    span = Range(chunk.smallest, chunk.largest + b"\0")
    memtables = core.state.table(table_id).memtables
    return any(any(memtable.slices(span.start, span.stop)) for memtable in memtables)


def _level_for(table: TableVersion, chunks: Sequence[_Chunk]) -> int:
    """The deepest level such that neither it nor one above overlaps the chunks."""
    ordered = sorted(chunks, key=lambda chunk: chunk.smallest)
    for before, after in itertools.pairwise(ordered):
        if before.largest >= after.smallest:
            return 0
    for number, level in enumerate(table.levels):
        if any(level.overlapping(chunk.smallest, chunk.largest) for chunk in chunks):
            return max(0, number - 1)
    return max(1, table.deepest)
