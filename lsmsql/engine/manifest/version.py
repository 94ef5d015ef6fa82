"""A version: which SSTables make up each table, level by level. Never changed once made.

Level 0 holds flushed memtables, newest first, which may overlap. In every deeper level the files
are in key order and share no key, so a key can be in one of them only.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property

from lsmsql.engine.manifest.edit import Edit
from lsmsql.engine.sstable.meta import FileMeta
from lsmsql.engine.sstable.reader import SSTable

LEVELS = 32
"""Leveled compaction makes do with seven. Tiered has a level for each run that is being merged, or
made while others are."""


@dataclass(frozen=True)
class Level:
    """The files of one level, in key order (level 0: newest first)."""

    files: tuple[SSTable, ...] = ()

    @cached_property
    def size(self) -> int:
        """Bytes on disk."""
        return sum(file.meta.size for file in self.files)

    @cached_property
    def keys(self) -> int:
        """The keys of all files together; those in several files of level 0 count several times."""
        return sum(file.meta.keys for file in self.files)

    @cached_property
    def _largest(self) -> list[bytes]:
        return [file.meta.largest for file in self.files]

    @cached_property
    def _smallest(self) -> list[bytes]:
        return [file.meta.smallest for file in self.files]

    def file_for(self, key: bytes) -> SSTable | None:
        """The file of a level below 0 that may hold ``key``."""
        at = bisect_left(self._largest, key)
        if at < len(self.files) and self._smallest[at] <= key:
            return self.files[at]
        return None

    def overlapping(self, smallest: bytes, largest: bytes) -> tuple[SSTable, ...]:
        """The files that may hold keys between the two, both inclusive."""
        return tuple(f for f in self.files if f.meta.overlaps(smallest, largest))

    def between(self, start: bytes | None, stop: bytes | None) -> tuple[SSTable, ...]:
        """The files that may hold keys in [start, stop)."""
        return tuple(
            f
            for f in self.files
            if (start is None or f.meta.largest >= start)
            and (stop is None or f.meta.smallest < stop)
        )

    def sorted_between(self, start: bytes | None, stop: bytes | None) -> tuple[SSTable, ...]:
        """``between`` for a level below 0, whose files are in order."""
        low = 0 if start is None else bisect_left(self._largest, start)
        high = len(self.files) if stop is None else bisect_left(self._smallest, stop)
        return self.files[low:high]


NO_FILES = Level()


@dataclass(frozen=True)
class TableVersion:
    """The levels of one table."""

    levels: tuple[Level, ...] = field(default=(NO_FILES,) * LEVELS)

    def files(self) -> Iterator[tuple[int, SSTable]]:
        """Every file with its level."""
        for number, level in enumerate(self.levels):
            for file in level.files:
                yield number, file

    @cached_property
    def deeper(self) -> tuple[Level, ...]:
        """The levels below 0 that hold files, from the top down."""
        return tuple(level for level in self.levels[1:] if level.files)

    @cached_property
    def newest(self) -> int:
        """The greatest sequence number in the files; 0 if there are none."""
        return max((file.meta.max_sequence for _, file in self.files()), default=0)

    @cached_property
    def sorted_runs(self) -> tuple[Level, ...]:
        """The files of level 0 one by one, newest first, then the deeper levels: none overlaps."""
        return (*(Level((file,)) for file in self.levels[0].files), *self.deeper)

    @cached_property
    def deepest(self) -> int:
        """The deepest level that holds a file; 0 if none does."""
        return max((n for n, level in enumerate(self.levels) if level.files), default=0)


EMPTY = TableVersion()


@dataclass(frozen=True)
class Version:
    """The tables by their ids."""

    tables: Mapping[int, TableVersion] = field(default_factory=dict)

    def table(self, table_id: int) -> TableVersion:
        """The levels of a table; all empty if it has no files."""
        return self.tables.get(table_id, EMPTY)

    def files(self) -> Iterator[tuple[int, SSTable]]:
        """Every file of every table with its level."""
        for table in self.tables.values():
            yield from table.files()

    def apply(self, edit: Edit, open_file: Callable[[FileMeta], SSTable]) -> Version:
        """The version after ``edit``; ``open_file`` is called for each file that is new to it."""
        known = {file.meta.number: file for _, file in self.files()}
        removed = set(edit.removed)
        placed: dict[int, list[list[SSTable]]] = {}
        for level, file in self.files():
            if file.meta.number not in removed:
                _place(placed, level, file)
        for added in edit.added:
            file = known.get(added.meta.number) or open_file(added.meta)
            _place(placed, added.level, file)
        return Version({table_id: _sorted(levels) for table_id, levels in placed.items()})


def _place(placed: dict[int, list[list[SSTable]]], level: int, file: SSTable) -> None:
    levels = placed.setdefault(file.meta.table_id, [[] for _ in range(LEVELS)])
    levels[level].append(file)


def _sorted(levels: Iterable[list[SSTable]]) -> TableVersion:
    first, *deeper = levels
    first.sort(key=lambda file: (file.meta.max_sequence, file.meta.number), reverse=True)
    for files in deeper:
        files.sort(key=lambda file: file.meta.smallest)
    return TableVersion(
        tuple(Level(tuple(files)) if files else NO_FILES for files in (first, *deeper))
    )
