"""Leveled compaction: few runs, so that reads are cheap; what to do, as a pure function.

The deepest level holds nearly all of a table, and the targets of those above it follow from its
size: each is ``level_factor`` times smaller than the one below it (what RocksDB calls dynamic level
sizes). So what the upper levels hide of the deepest, the waste of space, is about a ninth at most
for a factor of 10, whatever the size of the table.

    level 0     flushed memtables, any number of runs; due at level0_files
    base        where level 0 is merged to; its target is at most level1_bytes
    base + 1    level_factor times larger, and so on
    deepest     as large as it comes

A level that is larger than its target gives one file, the one that overlaps least of the next level
for its size, to be merged into it; a file that overlaps nothing there just moves. If the
base would have to be above level 1, the deepest level first moves to the bottom as a whole.
"""

from __future__ import annotations

from math import inf

from lsmsql.engine.compaction.job import Job, Move
from lsmsql.engine.compaction.picking import (
    BOTTOM,
    Run,
    below,
    level0_runs,
    merge_into,
    overlapped_bytes,
    sink,
)
from lsmsql.engine.manifest.version import TableVersion
from lsmsql.engine.options import Options


def score(table: TableVersion, options: Options) -> float:
    """How urgent the next job of a table is: 1 and more is due."""
    if _outgrown(table, options):
        return inf  # costs nothing
    return max(urgency(table, level, options) for level in range(max(1, table.deepest)))


def choose(table_id: int, table: TableVersion, options: Options) -> Job | None:
    """The most urgent job of a table; None if nothing is due."""
    if _outgrown(table, options):
        return sink(table)
    level = _most_urgent(table, options)
    if level is None:
        return None
    if level == 0:
        return _compact_level0(table_id, table, options)
    return _compact_file(table_id, table, level)


def _outgrown(table: TableVersion, options: Options) -> bool:
    """Whether a table needs more levels than those from 1 to its deepest."""
    return base_level(table, options) < 1 and table.deepest < BOTTOM


def _most_urgent(table: TableVersion, options: Options) -> int | None:
    """The level that is most overdue; level 0 before all when it begins to slow writers down."""
    urgencies = [urgency(table, level, options) for level in range(max(1, table.deepest))]
    if urgencies[0] * options.level0_files >= options.level0_slow:
        return 0
    highest = max(urgencies)
    return urgencies.index(highest) if highest >= 1 else None


def urgency(table: TableVersion, level: int, options: Options) -> float:
    """How full a level is: 1 and more is due. The deepest level never is."""
    if level == 0:
        return len(level0_runs(table)) / options.level0_files
    if level >= table.deepest:
        return 0.0
    return table.levels[level].size / level_target(table, level, options)


def level_target(table: TableVersion, level: int, options: Options) -> float:
    """Bytes that a level above the deepest may hold."""
    steps = table.deepest - level
    return max(1.0, _last_size(table) / float(options.level_factor**steps))


def base_level(table: TableVersion, options: Options) -> int:
    """Where level 0 is merged to, were nothing above it; 0 or less if levels are wanting."""
    level, target = max(1, table.deepest), float(_last_size(table))
    while target > options.level1_bytes:
        level -= 1
        target /= options.level_factor
    return level


def debt(table: TableVersion, options: Options) -> int:
    """Bytes above the targets of the levels below 0: what is to be merged sooner or later."""
    return sum(
        max(0, table.levels[level].size - int(level_target(table, level, options)))
        for level in range(1, table.deepest)
    )


def _last_size(table: TableVersion) -> int:
    return table.levels[table.deepest].size if table.deepest else 0


def _compact_level0(table_id: int, table: TableVersion, options: Options) -> Job:
    runs = level0_runs(table)
    level = _first_level(table, options)
    oldest = runs[-1]
    if not below(table, level, oldest.files) and not _overlapped(oldest, runs[:-1]):
        return Move(oldest.files, level)
    sources = [run.files for run in _oldest_runs(runs, options)]
    return merge_into(table_id, table, level, sources)


def _first_level(table: TableVersion, options: Options) -> int:
    """The first level below 0 that holds files, or the base if that is above it."""
    filled = (n for n, level in enumerate(table.levels) if n and level.files)
    return min(max(1, base_level(table, options)), next(filled, BOTTOM))


def _oldest_runs(runs: list[Run], options: Options) -> list[Run]:
    """As many of the oldest runs as one job may take: ``level0_files`` of them at least."""
    first = max(0, len(runs) - options.level0_files)
    size = sum(run.size for run in runs[first:])
    while first > 0 and size + runs[first - 1].size <= options.compaction_bytes:
        first -= 1
        size += runs[first].size
    return runs[first:]


def _overlapped(run: Run, others: list[Run]) -> bool:
    return any(
        file.meta.overlaps(other.meta.smallest, other.meta.largest)
        for file in run.files
        for others_run in others
        for other in others_run.files
    )


def _compact_file(table_id: int, table: TableVersion, level: int) -> Job:
    upper, lower = table.levels[level].files, table.levels[level + 1].files
    costs = overlapped_bytes(upper, lower)
    at = min(range(len(upper)), key=lambda n: costs[n] / upper[n].meta.size)
    if not costs[at]:
        return Move((upper[at],), level + 1)
    return merge_into(table_id, table, level + 1, [(upper[at],)])
