"""Flush: the oldest immutable memtables become files of level 0, and their logs are done with."""

from __future__ import annotations

import os

from lsmsql.engine.background.executor import Executor
from lsmsql.engine.background.job import Flush
from lsmsql.engine.catalog import CATALOG_TABLE_ID
from lsmsql.engine.cleanup import remove_old_logs
from lsmsql.engine.core import Core
from lsmsql.engine.errors import CorruptionError
from lsmsql.engine.live import Immutable
from lsmsql.engine.manifest.edit import AddedFile, Edit
from lsmsql.engine.merge import Retention, merge
from lsmsql.engine.output import write_tables
from lsmsql.engine.scan import memtable_runs
from lsmsql.engine.schema import TableSchema
from lsmsql.engine.sstable.meta import FileMeta


def flush_oldest(core: Core, executor: Executor) -> bool:
    """Flush the oldest immutable memtables. Returns False if there are none.

    One thread at a time. Raises StorageError; the memtables are then still there.
    """
    if not core.immutable:
        return False
    full = core.immutable[0]
    try:
        files = executor.run(_job(core, full)).files
    except CorruptionError:
        core.counters.damaged_logs += 1
        files = _write_from_memory(core, full)
    edit = Edit(
        added=tuple(AddedFile(0, meta) for meta in files),
        log_number=full.next_log,
        last_sequence=full.last_sequence,
    )
    core.install(edit, full)
    core.counters.flushes += 1
    core.counters.flushed_bytes += sum(meta.size for meta in files)
    remove_old_logs(core)
    return True


def _write_from_memory(core: Core, full: Immutable) -> tuple[FileMeta, ...]:
    """The same files without the logs, which are damaged on the disk: memory has the rows."""
    keep = Retention(snapshots=core.snapshots.active())
    written: list[FileMeta] = []
    for schema in _schemas(core, full):
        runs = memtable_runs(full.memtables[schema.id], None, schema.slot_types)
        merged = merge([runs], keep)
        written += write_tables(core, schema, merged, bottom=False, table_bytes=None)
    return tuple(written)


def _schemas(core: Core, full: Immutable) -> tuple[TableSchema, ...]:
    """The tables with records, but for those that have been dropped."""
    known = {CATALOG_TABLE_ID, *core.catalog.by_id}
    return tuple(core.schema_of(table_id) for table_id in full.memtables if table_id in known)


def _job(core: Core, full: Immutable) -> Flush:
    schemas = _schemas(core, full)
    return Flush(
        path=os.fsencode(core.path),
        options=core.options,
        keep=Retention(snapshots=core.snapshots.active()),
        numbers=tuple(core.next_number() for _ in schemas),
        nbytes=sum(memtable.nbytes for memtable in full.memtables.values()),
        logs=full.logs,
        schemas=schemas,
    )
