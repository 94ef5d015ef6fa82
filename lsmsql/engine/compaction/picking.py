"""Sorted runs of a table, and the jobs made of them: what the strategies share.

A *sorted run* is a set of files that share no key: what one flush or one ingest brought to level 0,
or a whole deeper level. Runs are always named from new to old; of two runs that hold a key, the
newer one holds the newer record. A merge must keep it so: it takes runs that follow each other
and puts the outcome where the oldest of them was, or deeper.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import groupby, pairwise

from lsmsql.engine.compaction.job import Job, Merge, Move
from lsmsql.engine.manifest.version import LEVELS, TableVersion, Version
from lsmsql.engine.sstable.reader import SSTable

BOTTOM = LEVELS - 1
"""The deepest level there can be."""

Files = tuple[SSTable, ...]


@dataclass(frozen=True)
class Run:
    """Files in key order that share no key, all in ``level``."""

    level: int
    files: Files

    @property
    def size(self) -> int:
        """Bytes on disk."""
        return size_of(self.files)


def size_of(files: Iterable[SSTable]) -> int:
    """Bytes on disk."""
    return sum(file.meta.size for file in files)


def level0_runs(table: TableVersion) -> list[Run]:
    """The runs of level 0, newest first: the files of one ingest are one, any other file too."""
    files = table.levels[0].files
    if not any(file.meta.assigned for file in files):
        return [Run(0, (file,)) for file in files]
    runs = []
    for (_, ingested), group in groupby(files, lambda f: (f.meta.max_sequence, f.meta.assigned)):
        ordered = tuple(sorted(group, key=lambda file: file.meta.smallest))
        if ingested and not _any_overlap(ordered):
            runs.append(Run(0, ordered))
        else:
            runs += [Run(0, (file,)) for file in ordered]
    return runs


def _any_overlap(files: Files) -> bool:
    return any(a.meta.largest >= b.meta.smallest for a, b in pairwise(files))


def level0_inputs(version: Version, job: Job) -> int:
    """How many runs of level 0 go into a job."""
    firsts = [job.files[0]] if isinstance(job, Move) else [source[0] for source in job.sources]
    table = version.table(firsts[0].meta.table_id)
    level0 = {file.meta.number for file in table.levels[0].files}
    return sum(file.meta.number in level0 for file in firsts)


def sorted_runs(table: TableVersion) -> list[Run]:
    """All runs of a table, newest first."""
    deeper = [Run(n, level.files) for n, level in enumerate(table.levels) if n and level.files]
    return level0_runs(table) + deeper


def below(table: TableVersion, level: int, files: Sequence[SSTable]) -> Files:
    """The files of ``level`` that overlap the key range of ``files`` as a whole."""
    smallest = min(file.meta.smallest for file in files)
    largest = max(file.meta.largest for file in files)
    return table.levels[level].overlapping(smallest, largest)


def overlapped_bytes(upper: Files, lower: Files) -> list[int]:
    """For each file of a level, the bytes of the next level that it overlaps."""
    found = []
    start = 0
    for file in upper:
        while start < len(lower) and lower[start].meta.largest < file.meta.smallest:
            start += 1
        total, at = 0, start
        while at < len(lower) and lower[at].meta.smallest <= file.meta.largest:
            total += lower[at].meta.size
            at += 1
        found.append(total)
    return found


def merge_into(table_id: int, table: TableVersion, level: int, upper: Sequence[Files]) -> Merge:
    """Merge ``upper``, newest first, with what it overlaps in ``level``."""
    inputs = [file for source in upper for file in source]
    lower = below(table, level, inputs)
    return merge_runs(table_id, table, level, (*upper, lower) if lower else tuple(upper))


def merge_runs(table_id: int, table: TableVersion, level: int, sources: tuple[Files, ...]) -> Merge:
    """Merge ``sources``, newest first, which hold all that they overlap of ``level``."""
    inputs = [file for source in sources for file in source]
    deeper = any(below(table, n, inputs) for n in range(level + 1, LEVELS))
    bottom = level >= table.deepest
    return Merge(table_id, sources, level, bottom=bottom, drop_tombstones=not deeper)


def sink(table: TableVersion) -> Move | None:
    """Move a level as it is as deep as it can go, the deepest such first; None if none can."""
    target = BOTTOM
    for level in range(BOTTOM, 0, -1):
        files = table.levels[level].files
        if files and level < target:
            return Move(files, target)
        if files:
            target = level - 1
    return None


def compact_all(table_id: int, table: TableVersion) -> Merge | None:
    """Merge every file of a table into its deepest level; None if there is nothing to gain."""
    deepest = max(1, table.deepest)
    runs = sorted_runs(table)
    above = any(run.level < deepest for run in runs)
    worn = any(f.meta.tombstones or f.meta.keys < f.meta.rows for run in runs for f in run.files)
    if not above and not worn:
        return None
    sources = tuple(run.files for run in runs)
    return Merge(table_id, sources, deepest, bottom=True, drop_tombstones=True)
