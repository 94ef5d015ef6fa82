"""Jobs: work that writes files, as values that any process can carry out.

A job says all that there is to know, and ``execute`` does it. Its files get names of their own,

    part-5f3a90c1-000012.sst

and whoever has ordered the job gives them their true names when it is done. So a process that
outlives the one that started it, even if only by a moment, cannot touch the files of the store's
next owner, who may give out the same numbers again. What nobody claims is removed as a stray when
the store is next opened.

    Flush      the records of logs, which memtables hold as well, become files of level 0
    Rewrite    the records of files become other files
"""

from __future__ import annotations

import contextlib
import os
import secrets
from collections.abc import Generator, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import msgspec
import numpy as np
import pyarrow as pa

from lsmsql.engine.cache import BlockCache
from lsmsql.engine.columns import KEY, concat_runs, starts_of_keys
from lsmsql.engine.counters import Counters
from lsmsql.engine.filesystem import FileSystem
from lsmsql.engine.merge import Retention, merge
from lsmsql.engine.options import Options
from lsmsql.engine.order import sort_order
from lsmsql.engine.output import remove_files, write_files
from lsmsql.engine.ragged import from_numpy
from lsmsql.engine.schema import TableSchema
from lsmsql.engine.sstable.meta import FileMeta, file_name
from lsmsql.engine.sstable.reader import SSTable
from lsmsql.engine.wal.format import log_name
from lsmsql.engine.wal.runs import log_runs

WINDOW_BYTES = 16 << 20
"""About what a merge of files holds decoded at a time, all sources together."""

SORT_BYTES = 64 << 20
"""Records of logs are sorted in runs of about this size, which are then merged."""


class Outcome(msgspec.Struct, frozen=True):
    """The files that a job has written, in key order, and what it has read for that."""

    files: tuple[FileMeta, ...]
    blocks_read: int
    block_bytes_read: int


class Job(msgspec.Struct, frozen=True, kw_only=True):
    """What all jobs say.

    ``path`` is the directory of the store as the operating system spells it. ``numbers`` are
    reserved for the new files: there are no more than that. ``nbytes`` is about how much there is
    to do.
    """

    path: bytes
    options: Options
    keep: Retention
    numbers: tuple[int, ...]
    nbytes: int
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

    def execute(self, filesystem: FileSystem) -> Outcome:
        """Carry it out. The new files are synced, but not their directory entries.

        Raises StorageError, CorruptionError; no new file is left then.
        """
        raise NotImplementedError


class Rewrite(Job, frozen=True, tag=True, kw_only=True):
    """Write what ``keep`` leaves of the records of files as new files of a table.

    ``sources`` are newest first, each a tuple of files in key order. Only keys in [``start``,
    ``stop``) count: jobs that share a merge have a range each. New files are of about
    ``table_bytes`` (None: one file). ``bottom``: they go to the deepest level.
    """

    schema: TableSchema
    sources: tuple[tuple[FileMeta, ...], ...]
    start: bytes | None = None
    stop: bytes | None = None
    bottom: bool = False
    table_bytes: int | None = None

    def execute(self, filesystem: FileSystem) -> Outcome:
        """As ``Job.execute``."""
        counters = Counters()
        with contextlib.ExitStack() as stack:
            sources = _file_runs(self, filesystem, counters)
            for source in sources:  # an error keeps them, and their files, alive
                stack.callback(source.close)
            files = write_files(
                _Parts(self, filesystem, iter(self.numbers)),
                self.schema,
                merge(sources, self.keep),
                bottom=self.bottom,
                table_bytes=self.table_bytes,
                most=len(self.numbers),
            )
        return Outcome(tuple(files), counters.blocks_read, counters.block_bytes_read)


class Flush(Job, frozen=True, tag=True, kw_only=True):
    """Write the records of some tables in ``logs``, oldest first, as one file for each table.

    The logs are complete. They hold what memtables hold, as bytes in the order of the commits: no
    memtable has to be taken apart for this.
    """

    logs: tuple[int, ...]
    schemas: tuple[TableSchema, ...]

    def execute(self, filesystem: FileSystem) -> Outcome:
        """As ``Job.execute``."""
        parts = _Parts(self, filesystem, iter(self.numbers))
        pieces = self._read(filesystem)
        files: list[FileMeta] = []
        try:
            for schema in self.schemas:
                runs = [iter([run]) for run in sorted_runs(pieces.pop(schema.id))]
                merged = merge(runs, self.keep)
                files += write_files(parts, schema, merged, bottom=False, table_bytes=None)
        except BaseException:
            remove_files(parts, files)
            raise
        return Outcome(tuple(files), 0, 0)

    def _read(self, filesystem: FileSystem) -> dict[int, list[pa.RecordBatch]]:
        """The records of each table as runs, in the order of the commits."""
        types = {schema.id: schema.slot_types for schema in self.schemas}
        pieces: dict[int, list[pa.RecordBatch]] = {table_id: [] for table_id in types}
        for number in self.logs:
            path = f"{self.directory}/{log_name(number)}"
            for table_id, runs in log_runs(filesystem.read_all(path), path, types).items():
                pieces[table_id] += runs
        return pieces


@dataclass(frozen=True)
class _Parts:
    """Where a job writes its files."""

    job: Job
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
) -> list[Generator[pa.RecordBatch, None, None]]:
    cache: BlockCache[Any] = BlockCache(0)  # nothing is kept
    block_bytes = job.options.block_bytes * job.options.bottom_block_factor
    # A file ends with a window, so windows are no larger than files are meant to be.
    window = min(WINDOW_BYTES, job.table_bytes or WINDOW_BYTES)
    blocks = max(1, window // (block_bytes * max(1, len(job.sources))))
    slots = range(job.schema.slots)

    def runs(source: Sequence[FileMeta]) -> Generator[pa.RecordBatch, None, None]:
        for meta in source:
            path = job.file_path(meta.number)
            file = SSTable(filesystem, path, meta, cache, counters)
            try:
                yield from file.runs(job.start, job.stop, slots, blocks_per_run=blocks)
            finally:
                file.close()

    return [runs(source) for source in job.sources]


def sorted_runs(pieces: Sequence[pa.RecordBatch]) -> list[pa.RecordBatch]:
    """Pieces in the order of commits as runs, each sorted in itself, the newest run first."""
    groups: list[list[pa.RecordBatch]] = []
    size = SORT_BYTES
    for piece in pieces:
        if size >= SORT_BYTES:
            groups.append([])
            size = 0
        groups[-1].append(piece)
        size += piece.nbytes
    return [_sorted(group) for group in reversed(groups)]


def _sorted(pieces: Sequence[pa.RecordBatch]) -> pa.RecordBatch:
    """One run of pieces in the order of commits: among equal keys the newest comes first."""
    run = concat_runs(pieces)
    order = sort_order(run.column(KEY))
    if order is not None:
        run = run.take(from_numpy(order))
    first = starts_of_keys(run.column(KEY))
    if first is None:
        return run
    group = np.cumsum(first)
    return run.take(from_numpy(np.lexsort((-np.arange(len(group)), group))))
