"""Large merges, done a range of keys at a time, so that small ones need not wait for them.

A tiered table merges all of its runs at times: gigabytes, while memtables go on being flushed and
level 0 must be kept small. So such a merge is done in parts, and between two parts the scheduler
does whatever else is due, with runs that are newer:

    keys         ─────────────────────────────────────────▶
    run 1        ░░░░░░░░░░░░░░░│··········│▓▓▓▓│▓▓▓▓│▓▓▓▓
    run 2        ░░░░░░░░░░░░░░░│··········│▓▓▓▓│▓▓▓▓│▓▓▓▓
    run 3        ███████████████│··········│▓▓▓▓│▓▓▓▓│▓▓▓▓
                 installed       done       to be done

What the parts have written is installed after every few of them, in one edit as always. Of the
runs it takes away all keys up to there: files that lie wholly below are dropped, and of the few
that reach beyond, one for each run, what is left is written anew. So each version is a complete
one, no work is lost when the store is closed, and the disk holds little twice.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import replace

from lsmsql.engine.background.executor import Executor
from lsmsql.engine.compaction.job import Merge, rewrite
from lsmsql.engine.compaction.partition import file_ranges
from lsmsql.engine.core import Core
from lsmsql.engine.errors import StorageError
from lsmsql.engine.manifest.edit import AddedFile, Edit
from lsmsql.engine.output import remove_files
from lsmsql.engine.sstable.meta import FileMeta
from lsmsql.engine.sstable.reader import SSTable

_PARTS = 4
"""A part is this part of ``compaction_bytes``: half a second of work by default, so that level 0
grows by a few runs meanwhile."""

_PARTS_INSTALLED = 16
"""So many parts are installed together. Then what is written anew, half a file of each run, is a
few percent of the whole."""


class PartedMerge:
    """A merge that is done a part at a time, by one thread at a time."""

    def __init__(self, core: Core, executor: Executor, job: Merge) -> None:
        self._core = core
        self._executor = executor
        self._job = job
        metas = (file.meta for file in job.inputs)
        self._ranges = file_ranges(metas, core.options.compaction_bytes // _PARTS)
        self._done = 0
        self._written: list[FileMeta] = []

    @property
    def table_id(self) -> int:
        """The table that it is of."""
        return self._job.table_id

    @property
    def left(self) -> int:
        """How many parts are to be done."""
        return len(self._ranges) - self._done

    @property
    def numbers(self) -> set[int]:
        """The files that it has still to replace."""
        return {file.meta.number for file in self._job.inputs}

    def run_part(self) -> None:
        """Do one part, or install what is done if it is time. Raises StorageError."""
        if self._done == _PARTS_INSTALLED:
            self.install()
            return
        part = rewrite(self._core, self._job, self._ranges[self._done])
        self._written += self._executor.run(part).files
        self._done += 1
        if not self.left:
            self.install()

    def install(self) -> None:
        """Install what is done; the rest is left to be done. Raises StorageError."""
        if not self._done:
            return
        core = self._core
        start = self._ranges[self._done][0] if self.left else None
        levels = {file.meta.number: level for level, file in core.version.files()}
        # Levels may have sunk since the merge was chosen.
        level = max(levels[number] for number in self.numbers)
        if self._hindered(level):
            self.abandon()
            return
        added = [AddedFile(level, meta) for meta in self._written]
        taken: list[FileMeta] = []
        after: dict[int, list[int]] = {}  # the files that hold what is left of each
        for file in self._job.inputs:
            meta = file.meta
            after[meta.number] = [meta.number]
            if start is None or meta.smallest < start:
                rest = self._write_rest(file, start, levels[meta.number])
                added += (AddedFile(levels[meta.number], left) for left in rest)
                after[meta.number] = [left.number for left in rest]
                taken.append(meta)
        written, self._written = self._written, []  # whatever becomes of them now
        core.install(Edit(added=tuple(added), removed=tuple(meta.number for meta in taken)))
        self._count(taken, written)
        files = {file.meta.number: file for _, file in core.version.files()}
        sources = (
            tuple(files[number] for file in source for number in after[file.meta.number])
            for source in self._job.sources
        )
        self._job = replace(self._job, sources=tuple(source for source in sources if source))
        self._ranges, self._done = self._ranges[self._done :], 0

    def _hindered(self, level: int) -> bool:
        """Whether files were ingested between those to be replaced, where new ones reach over."""
        others = [
            file.meta
            for file in self._core.version.table(self.table_id).levels[level].files
            if file.meta.number not in self.numbers
        ]
        return any(meta.overlaps(o.smallest, o.largest) for meta in self._written for o in others)

    def _write_rest(self, file: SSTable, start: bytes | None, level: int) -> tuple[FileMeta, ...]:
        """Write what a file holds from ``start`` on, if anything, as a file of its own."""
        if start is None or file.meta.largest < start:
            return ()
        job = Merge(self.table_id, ((file,),), level, bottom=False, drop_tombstones=False)
        rest = self._executor.run(rewrite(self._core, job, (start, None))).files
        self._written += rest
        return rest

    def _count(self, taken: Sequence[FileMeta], written: Sequence[FileMeta]) -> None:
        counters = self._core.counters
        counters.compactions += not self.left
        counters.compacted_rows += sum(meta.rows for meta in taken)
        counters.compaction_read_bytes += sum(meta.size for meta in taken)
        counters.compaction_written_bytes += sum(meta.size for meta in written)

    def abandon(self) -> None:
        """Throw away what is written and not installed. Nothing is left to be done."""
        for meta in self._written:
            with suppress(StorageError):  # then it goes when the store is next opened
                remove_files(self._core, [meta])
        self._ranges, self._done, self._written = [], 0, []


class UnderWay:
    """The large merges that have been begun. No two of them have a file in common."""

    def __init__(self, core: Core, executor: Executor) -> None:
        self._core = core
        self._executor = executor
        self._merges: list[PartedMerge] = []

    def __bool__(self) -> bool:
        return bool(self._merges)

    @property
    def busy(self) -> frozenset[int]:
        """The files that are not for others to merge."""
        return frozenset().union(*(merge.numbers for merge in self._merges))

    def begin(self, job: Merge) -> None:
        """Take up a merge; no part of it is done yet."""
        self._merges.append(PartedMerge(self._core, self._executor, job))

    def run_part(self) -> None:
        """Do a part of the merge that is done the soonest. Raises StorageError; what is done
        and not installed is lost then."""
        merge = min(self._merges, key=lambda merge: merge.left)
        with self._whole(merge):
            merge.run_part()
        if not merge.left:
            self._merges.remove(merge)

    def settle(self) -> None:
        """Install what is done, and let go of all merges. Raises StorageError."""
        while self._merges:
            with self._whole(self._merges[-1]) as merge:
                merge.install()
            self._merges.pop()

    def abandon(self, table_id: int | None = None) -> None:
        """Let go of the merges, of one table or all, and of what is done and not installed."""
        for merge in list(self._merges):
            if table_id in (None, merge.table_id):
                self._merges.remove(merge)
                merge.abandon()

    def forget_dropped(self) -> None:
        """Abandon the merges of tables whose files are gone."""
        live = {file.meta.number for _, file in self._core.version.files()}
        for merge in list(self._merges):
            if not merge.numbers <= live:
                self._merges.remove(merge)
                merge.abandon()

    @contextmanager
    def _whole(self, merge: PartedMerge) -> Iterator[PartedMerge]:
        """Abandon ``merge`` if anything fails."""
        try:
            yield merge
        except BaseException:
            self._merges.remove(merge)
            merge.abandon()
            raise
