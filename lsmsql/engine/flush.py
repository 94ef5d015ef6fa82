"""Flush: the oldest immutable memtables become files of level 0, and their log is done with."""

from __future__ import annotations

from collections.abc import Iterator

import pyarrow as pa

from lsmsql.engine.catalog import CATALOG_TABLE_ID
from lsmsql.engine.cleanup import remove_old_logs
from lsmsql.engine.columns import run_from_records
from lsmsql.engine.core import Core
from lsmsql.engine.manifest.edit import AddedFile, Edit
from lsmsql.engine.memtable.memtable import Memtable
from lsmsql.engine.merge import MAX_WINDOW_BYTES, Retention, merge
from lsmsql.engine.output import write_tables
from lsmsql.engine.schema import TableSchema
from lsmsql.engine.sstable.meta import FileMeta


def flush_oldest(core: Core) -> bool:
    """Flush the oldest immutable memtables. Returns False if there are none.

    One thread at a time. Raises StorageError; the memtables are then still there.
    """
    if not core.immutable:
        return False
    full = core.immutable[0]
    added: list[FileMeta] = []
    for table_id, memtable in full.memtables.items():
        if table_id == CATALOG_TABLE_ID or table_id in core.catalog.by_id:
            added += _write(core, core.schema_of(table_id), memtable)
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


def _write(core: Core, schema: TableSchema, memtable: Memtable) -> list[FileMeta]:
    keep = Retention(snapshots=core.snapshots.active())
    runs = merge([memtable_runs(schema, memtable)], keep)
    return write_tables(core, schema, runs, bottom=False, table_bytes=None)


def memtable_runs(schema: TableSchema, memtable: Memtable) -> Iterator[pa.RecordBatch]:
    """All versions in a memtable, as runs."""
    for keys in memtable.slices():
        step = len(keys) if memtable.nbytes <= MAX_WINDOW_BYTES else 1
        for start in range(0, len(keys), step):
            records = memtable.records(keys[start : start + step], None)
            yield run_from_records(*records, schema.slot_types)
