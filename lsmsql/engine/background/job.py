"""Rewriting: records in, files out, as a value that any process can carry out.

A ``Rewrite`` says all that there is to know; ``execute`` does it. Its files get names of their own,

    part-5f3a90c1-000012.sst

and whoever has ordered the job gives them their true names when it is done. So a process that
outlives the one that started it, even if only by a moment, cannot touch the files of the store's
next owner, who may give out the same numbers again. What nobody claims is removed as a stray when
the store is next opened.
"""

from __future__ import annotations

import os
import secrets
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import msgspec
import pyarrow as pa

from lsmsql.engine.background.records import Records, unpack_records
from lsmsql.engine.cache import BlockCache
from lsmsql.engine.columns import KEY, concat_runs
from lsmsql.engine.counters import Counters
from lsmsql.engine.filesystem import FileSystem
from lsmsql.engine.merge import Retention, merge
from lsmsql.engine.options import Options
from lsmsql.engine.order import sort_order
from lsmsql.engine.output import write_files
from lsmsql.engine.ragged import from_numpy
from lsmsql.engine.schema import TableSchema
from lsmsql.engine.sstable.meta import FileMeta, file_name
from lsmsql.engine.sstable.reader import SSTable

WINDOW_BYTES = 16 << 20
"""About what a merge of files holds decoded at a time, all sources together."""

SORT_BYTES = 64 << 20
"""Records from memory are sorted in runs of about this size, which are then merged."""


class Rewrite(msgspec.Struct, frozen=True):
    """Write what ``keep`` leaves of some records as new files of a table.

    The records are those of ``sources``, newest first, each a tuple of files in key order; or they
    are handed over beside the job. Of sources only the keys in [``start``, ``stop``) count: jobs
    that share a merge have a range each. ``numbers`` are reserved for the new files: there are no
    more than that, each of about ``table_bytes`` (None: one file). ``bottom``: they go to the
    deepest level. ``path`` is the directory of the store as the operating system spells it.
    """

    path: bytes
    schema: TableSchema
    options: Options
    keep: Retention
    numbers: tuple[int, ...]
    sources: tuple[tuple[FileMeta, ...], ...] = ()
    start: bytes | None = None
    stop: bytes | None = None
    bottom: bool = False
    table_bytes: int | None = None
    token: str = msgspec.field(default_factory=lambda: secrets.token_hex(4))

    @property
    def directory(self) -> str:
        """The directory of the store."""
        return os.fsdecode(self.path)

    def file_path(self, number: int) -> str:
        """Path of a file of the store."""
        return f"{self.directory}/{file_name(number)}"

    def part_path(self, number: int) -> str:
        """Path of a new file until the job is done."""
        return f"{self.directory}/part-{self.token}-{file_name(number)}"


class Outcome(msgspec.Struct, frozen=True):
    """The files that a job has written, in key order, and what it has read for that."""

    files: tuple[FileMeta, ...]
    blocks_read: int
    block_bytes_read: int


def execute(
    job: Rewrite, filesystem: FileSystem, records: Iterable[Records] | None = None
) -> Outcome:
    """Carry out ``job``; ``records`` takes the place of its sources. A key is in one chunk only.
    The new files are synced, but not their directory entries. Raises StorageError,
    CorruptionError; no new file is left then.
    """
    counters = Counters()
    if records is None:
        sources = _file_runs(job, filesystem, counters)
    else:
        sources = [iter([run]) for run in _sorted_runs(job.schema, records)]
    files = write_files(
        _Parts(job, filesystem, iter(job.numbers)),
        job.schema,
        merge(sources, job.keep),
        bottom=job.bottom,
        table_bytes=job.table_bytes,
        most=len(job.numbers),
    )
    return Outcome(tuple(files), counters.blocks_read, counters.block_bytes_read)


@dataclass(frozen=True)
class _Parts:
    """Where a job writes its files."""

    job: Rewrite
    filesystem: FileSystem
    numbers: Iterator[int]

    @property
    def path(self) -> str:
        return self.job.directory

    @property
    def options(self) -> Options:
        return self.job.options

    def next_number(self) -> int:
        return next(self.numbers)

    def file_path(self, name: str) -> str:
        return f"{self.path}/part-{self.job.token}-{name}"


def _file_runs(
    job: Rewrite, filesystem: FileSystem, counters: Counters
) -> list[Iterator[pa.RecordBatch]]:
    cache: BlockCache[Any] = BlockCache(0)  # nothing is kept
    block_bytes = job.options.block_bytes * job.options.bottom_block_factor
    # A file ends with a window, so windows are no larger than files are meant to be.
    window = min(WINDOW_BYTES, job.table_bytes or WINDOW_BYTES)
    blocks = max(1, window // (block_bytes * max(1, len(job.sources))))
    slots = range(job.schema.slots)

    def runs(source: Sequence[FileMeta]) -> Iterator[pa.RecordBatch]:
        for meta in source:
            path = job.file_path(meta.number)
            file = SSTable(filesystem, path, meta, cache, counters)
            try:
                yield from file.runs(job.start, job.stop, slots, blocks_per_run=blocks)
            finally:
                file.close()

    return [runs(source) for source in job.sources]


def _sorted_runs(schema: TableSchema, records: Iterable[Records]) -> Iterator[pa.RecordBatch]:
    """The records as runs, each sorted in itself."""
    waiting: list[pa.RecordBatch] = []
    size = 0
    for chunk in records:
        waiting.append(unpack_records(chunk, schema.slot_types))
        size += waiting[-1].nbytes
        if size >= SORT_BYTES:
            yield _sorted(waiting)
            waiting, size = [], 0
    if waiting:
        yield _sorted(waiting)


def _sorted(runs: Sequence[pa.RecordBatch]) -> pa.RecordBatch:
    run = concat_runs(runs)
    order = sort_order(run.column(KEY))
    return run if order is None else run.take(from_numpy(order))
