"""Doing a compaction that a strategy has chosen."""

from __future__ import annotations

import os
from dataclasses import dataclass

from lsmsql.engine.background.executor import Executor
from lsmsql.engine.background.job import Rewrite
from lsmsql.engine.compaction.partition import ALL_KEYS, KeyRange, key_ranges
from lsmsql.engine.core import Core
from lsmsql.engine.manifest.edit import AddedFile, Edit
from lsmsql.engine.sstable.meta import FileMeta
from lsmsql.engine.sstable.reader import SSTable

MIN_SHARED_BYTES = 8 << 20
"""Workers share no smaller merge: it would not be done much sooner."""


@dataclass(frozen=True)
class Merge:
    """Merge sources, newest first, each a tuple of files in key order, into ``level``.

    ``bottom``: nothing lies below. ``drop_tombstones``: no file outside the job has older records
    of these keys. ``in_parts``: it is to give way to others, see ``parts``.
    """

    table_id: int
    sources: tuple[tuple[SSTable, ...], ...]
    level: int
    bottom: bool
    drop_tombstones: bool
    in_parts: bool = False

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


def run_job(core: Core, job: Job, executor: Executor, workers: int = 1) -> None:
    """Carry out ``job`` and install the outcome. Raises StorageError; nothing has changed then.

    A large merge is shared by up to so many ``workers``.
    """
    if isinstance(job, Move):
        numbers = tuple(file.meta.number for file in job.files)
        added = tuple(AddedFile(job.level, file.meta) for file in job.files)
        core.install(Edit(added=added, removed=numbers))
        core.counters.files_moved += len(numbers)
        return
    outcomes = executor.run_all(_rewrites(core, job, workers))
    written = [meta for outcome in outcomes for meta in outcome.files]
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


def _rewrites(core: Core, job: Merge, workers: int) -> list[Rewrite]:
    """The merge, or the shares of it."""
    shares = workers if sum(file.meta.size for file in job.inputs) >= MIN_SHARED_BYTES else 1
    ranges = key_ranges([file.index for file in job.inputs], shares) if shares > 1 else [ALL_KEYS]
    return [rewrite(core, job, keys) for keys in ranges]


def rewrite(core: Core, job: Merge, keys: KeyRange) -> Rewrite:
    """What a merge does for some of its keys, as a value that says everything."""
    sources = [
        tuple(file.meta for file in source if _within(file.meta, keys)) for source in job.sources
    ]
    size = sum(meta.size for source in sources for meta in source)
    # Files of level 0 are in the order of their sequence numbers.
    forget = job.bottom and job.drop_tombstones and job.level > 0
    table_bytes = core.options.table_bytes
    # Files are cut by their size, which another codec may make larger than that of the inputs.
    most = 2 + 2 * size // table_bytes
    return Rewrite(
        path=os.fsencode(core.path),
        schema=core.schema_kept(job.table_id),
        options=core.options,
        keep=core.history.retention(drop_tombstones=job.drop_tombstones, forget=forget),
        numbers=tuple(core.next_number() for _ in range(most)),
        nbytes=size,
        sources=tuple(source for source in sources if source),
        start=keys[0],
        stop=keys[1],
        bottom=job.bottom,
        table_bytes=table_bytes,
    )


def _within(meta: FileMeta, keys: KeyRange) -> bool:
    """Whether a file may hold any of ``keys``."""
    start, stop = keys
    return (start is None or meta.largest >= start) and (stop is None or meta.smallest < stop)
