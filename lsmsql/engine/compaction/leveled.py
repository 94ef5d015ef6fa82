"""Leveled compaction: what to do next, as a pure function of the version.

Level 0 is due when it has ``level0_files`` files, level n when it is larger than its target,
``level1_bytes * level_factor ** (n - 1)``. The level that is most overdue goes first: level 0 as a
whole, of a deeper level the one file that overlaps least of the level below, for its size. Both are
merged with what they overlap one level down; a file that overlaps nothing there just moves.
"""

from __future__ import annotations

from collections.abc import Sequence

from lsmsql.engine.compaction.job import Job, Merge, Move
from lsmsql.engine.manifest.version import LEVELS, TableVersion, Version
from lsmsql.engine.options import Options
from lsmsql.engine.sstable.reader import SSTable


def choose(version: Version, options: Options) -> Job | None:
    """The most urgent job of any table; None if nothing is due."""
    best: tuple[float, int, int] | None = None
    for table_id, table in version.tables.items():
        for level in range(LEVELS - 1):
            score = urgency(table, level, options)
            if score >= 1 and (best is None or score > best[0]):
                best = (score, table_id, level)
    if best is None:
        return None
    _, table_id, level = best
    table = version.table(table_id)
    if level == 0:
        return compact_level0(table_id, table)
    return _compact_file(table_id, table, level, _cheapest_file(table, level))


def urgency(table: TableVersion, level: int, options: Options) -> float:
    """How full a level is: 1 and more is due."""
    if level == 0:
        return len(table.levels[0].files) / options.level0_files
    return table.levels[level].size / level_target(level, options)


def level_target(level: int, options: Options) -> int:
    """Bytes that a level below 0 may hold."""
    return int(options.level1_bytes * options.level_factor ** (level - 1))


def compact_level0(table_id: int, table: TableVersion) -> Job | None:
    """Merge all of level 0 into level 1, or move a file that overlaps nothing."""
    files = table.levels[0].files
    if not files:
        return None
    oldest = files[-1]
    if not any(_overlap(oldest, f) for f in files[:-1]) and not _below(table, 1, [oldest]):
        return Move((oldest,), 1)
    return _merge(table_id, table, 1, [(file,) for file in files])


def compact_all(table_id: int, table: TableVersion) -> Job | None:
    """Merge every file of a table into its deepest level; None if there is nothing to gain."""
    deepest = max(1, table.deepest)
    files = [file for _, file in table.files()]
    above = [file for level, file in table.files() if level < deepest]
    worn = any(f.meta.tombstones or f.meta.keys < f.meta.rows for f in files)
    if not above and not worn:
        return None
    sources: list[tuple[SSTable, ...]] = [(file,) for file in table.levels[0].files]
    sources += [level.files for level in table.levels[1 : deepest + 1] if level.files]
    return Merge(table_id, tuple(sources), deepest, bottom=True, drop_tombstones=True)


def _cheapest_file(table: TableVersion, level: int) -> SSTable:
    def cost(file: SSTable) -> float:
        return sum(f.meta.size for f in _below(table, level + 1, [file])) / file.meta.size

    return min(table.levels[level].files, key=cost)


def _compact_file(table_id: int, table: TableVersion, level: int, file: SSTable) -> Job:
    if not _below(table, level + 1, [file]):
        return Move((file,), level + 1)
    return _merge(table_id, table, level + 1, [(file,)])


def _merge(
    table_id: int, table: TableVersion, level: int, upper: Sequence[tuple[SSTable, ...]]
) -> Merge:
    """Merge ``upper``, newest first, with what it overlaps in ``level``."""
    files = [file for source in upper for file in source]
    lower = _below(table, level, files)
    sources = (*upper, lower) if lower else tuple(upper)
    inputs = [*files, *lower]
    deeper = any(_below(table, n, inputs) for n in range(level + 1, LEVELS))
    return Merge(
        table_id, sources, level, bottom=level >= table.deepest, drop_tombstones=not deeper
    )


def _below(table: TableVersion, level: int, files: Sequence[SSTable]) -> tuple[SSTable, ...]:
    """The files of ``level`` that overlap the key range of ``files`` as a whole."""
    smallest = min(file.meta.smallest for file in files)
    largest = max(file.meta.largest for file in files)
    return table.levels[level].overlapping(smallest, largest)


def _overlap(one: SSTable, other: SSTable) -> bool:
    return one.meta.overlaps(other.meta.smallest, other.meta.largest)
