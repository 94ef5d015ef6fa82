"""Flush: the oldest immutable memtables become files of level 0, and their logs are done with."""

from __future__ import annotations

import os
from collections.abc import Sequence

from lsmsql.engine.background.executor import Executor
from lsmsql.engine.background.job import Flush
from lsmsql.engine.cleanup import remove_old_logs
from lsmsql.engine.core import Core
from lsmsql.engine.errors import CorruptionError
from lsmsql.engine.live import Immutable
from lsmsql.engine.manifest.edit import AddedFile, Edit
from lsmsql.engine.merge import merge
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
    job = _job(core, full)
    if len(job.schemas) < len(full.memtables):
        core.sync_log()  # the commit that dropped a table, for its records are left out
    try:
        files = executor.run(job).files
    except CorruptionError:
        core.counters.damaged_logs += 1
        files = _write_from_memory(core, full, job.schemas)
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


def _write_from_memory(
    core: Core, full: Immutable, schemas: Sequence[TableSchema]
) -> tuple[FileMeta, ...]:
    """The same files without the logs, which are damaged on the disk: memory has the rows."""
    keep = core.history.retention()
    written: list[FileMeta] = []
    for schema in schemas:
        runs = memtable_runs(full.memtables[schema.id], None, schema.slot_types)
        merged = merge([runs], keep)
        written += write_tables(core, schema, merged, bottom=False, table_bytes=None)
    return tuple(written)


def _job(core: Core, full: Immutable) -> Flush:
    kept = core.kept_schemas()
    schemas = tuple(kept[table_id] for table_id in full.memtables if table_id in kept)
    return Flush(
        path=os.fsencode(core.path),
        options=core.options,
        keep=core.history.retention(),
        numbers=tuple(core.next_number() for _ in schemas),
        nbytes=sum(memtable.nbytes for memtable in full.memtables.values()),
        logs=full.logs,
        schemas=schemas,
    )
