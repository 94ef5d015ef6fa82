"""Flush: the oldest immutable memtables become files of level 0, and their log is done with."""

from __future__ import annotations

import os
from collections.abc import Iterator

from lsmsql.engine.background.executor import Executor
from lsmsql.engine.background.job import Rewrite
from lsmsql.engine.background.records import Records, pack_records
from lsmsql.engine.catalog import CATALOG_TABLE_ID
from lsmsql.engine.cleanup import remove_old_logs
from lsmsql.engine.core import Core
from lsmsql.engine.manifest.edit import AddedFile, Edit
from lsmsql.engine.memtable.memtable import Memtable
from lsmsql.engine.memtable.memtable import Records as Lists
from lsmsql.engine.merge import MAX_WINDOW_BYTES, Retention
from lsmsql.engine.schema import TableSchema
from lsmsql.engine.sstable.meta import FileMeta
from lsmsql.engine.values import Row


def flush_oldest(core: Core, executor: Executor) -> bool:
    """Flush the oldest immutable memtables. Returns False if there are none.

    One thread at a time. Raises StorageError; the memtables are then still there.
    """
    if not core.immutable:
        return False
    full = core.immutable[0]
    added: list[FileMeta] = []
    for table_id, memtable in full.memtables.items():
        if table_id == CATALOG_TABLE_ID or table_id in core.catalog.by_id:
            added += _write(core, executor, core.schema_of(table_id), memtable)
    edit = Edit(
        added=tuple(AddedFile(0, meta) for meta in added),
        log_number=full.next_log,
        last_sequence=full.last_sequence,
    )
    core.install(edit, full)
    core.counters.flushes += 1
    core.counters.flushed_bytes += sum(meta.size for meta in added)
    remove_old_logs(core)
    return True


def _write(
    core: Core, executor: Executor, schema: TableSchema, memtable: Memtable
) -> tuple[FileMeta, ...]:
    job = Rewrite(
        path=os.fsencode(core.path),
        schema=schema,
        options=core.options,
        keep=Retention(snapshots=core.snapshots.active()),
        numbers=(core.next_number(),),
    )

    def records() -> Iterator[Records]:
        return memtable_records(memtable, schema.slots)

    return executor.run_records(job, records, memtable.nbytes).files


def memtable_records(memtable: Memtable, width: int) -> Iterator[Records]:
    """All versions in a memtable, in chunks that fit Arrow's offsets."""
    for chunk in memtable.chunks():
        for part in [chunk] if memtable.nbytes <= MAX_WINDOW_BYTES else _split(chunk):
            yield pack_records(*part, width)


def _split(chunk: Lists) -> Iterator[Lists]:
    """``chunk`` in pieces of about half a window at most, or a single key."""
    keys, sequences, rows = chunk
    start = size = 0
    for end, row in enumerate(rows):
        added = _bytes_of(row)
        if size + added > MAX_WINDOW_BYTES // 2 and end and keys[end] != keys[end - 1]:
            yield keys[start:end], sequences[start:end], rows[start:end]
            start, size = end, 0
        size += added
    yield keys[start:], sequences[start:], rows[start:]


def _bytes_of(row: Row | None) -> int:
    sizes = (
        len(value.encode() if isinstance(value, str) else value)
        for value in row or ()
        if isinstance(value, str | bytes)
    )
    return sum(sizes)
