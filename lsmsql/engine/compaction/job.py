"""Doing a compaction that a strategy has chosen."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import pyarrow as pa

from lsmsql.engine.core import Core
from lsmsql.engine.manifest.edit import AddedFile, Edit
from lsmsql.engine.merge import Retention, merge
from lsmsql.engine.output import write_tables
from lsmsql.engine.schema import TableSchema
from lsmsql.engine.sstable.reader import SSTable

BLOCKS_PER_RUN = 16


@dataclass(frozen=True)
class Merge:
    """Merge sources, newest first, each a tuple of files in key order, into ``level``.

    ``bottom``: nothing lies below. ``drop_tombstones``: no file outside the job has older records
    of these keys.
    """

    table_id: int
    sources: tuple[tuple[SSTable, ...], ...]
    level: int
    bottom: bool
    drop_tombstones: bool

    @property
    def inputs(self) -> tuple[SSTable, ...]:
        """All files that the merge replaces."""
        return tuple(file for source in self.sources for file in source)


@dataclass(frozen=True)
class Move:
    """Files that nothing in ``level`` overlaps go there as they are."""

    files: tuple[SSTable, ...]
    level: int


Job = Merge | Move


def run_job(core: Core, job: Job) -> None:
    """Carry out ``job`` and install the outcome. Raises StorageError; nothing has changed then."""
    if isinstance(job, Move):
        numbers = tuple(file.meta.number for file in job.files)
        added = tuple(AddedFile(job.level, file.meta) for file in job.files)
        core.install(Edit(added=added, removed=numbers))
        core.counters.files_moved += len(numbers)
        return
    schema = core.schema_of(job.table_id)
    keep = Retention(snapshots=core.snapshots.active(), drop_tombstones=job.drop_tombstones)
    runs = merge([_source_runs(schema, files) for files in job.sources], keep)
    table_bytes = core.options.table_bytes
    written = write_tables(core, schema, runs, bottom=job.bottom, table_bytes=table_bytes)
    core.install(
        Edit(
            added=tuple(AddedFile(job.level, meta) for meta in written),
            removed=tuple(file.meta.number for file in job.inputs),
        )
    )
    core.counters.compactions += 1
    core.counters.compacted_rows += sum(file.meta.rows for file in job.inputs)
    core.counters.compaction_read_bytes += sum(file.meta.size for file in job.inputs)
    core.counters.compaction_written_bytes += sum(meta.size for meta in written)


def _source_runs(schema: TableSchema, files: Sequence[SSTable]) -> Iterator[pa.RecordBatch]:
    slots = range(schema.slots)
    for file in files:
        yield from file.runs(None, None, slots, keep=False, blocks_per_run=BLOCKS_PER_RUN)
