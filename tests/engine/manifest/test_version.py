"""A version keeps files in the order that reads and compaction rely on."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from lsmsql.engine.cache import BlockCache
from lsmsql.engine.counters import Counters
from lsmsql.engine.filesystem import OsFileSystem
from lsmsql.engine.manifest.edit import AddedFile, Edit
from lsmsql.engine.manifest.version import EMPTY, Level, Version
from lsmsql.engine.sstable.meta import FileMeta
from lsmsql.engine.sstable.reader import SSTable


def meta(number, smallest=b"a", largest=b"z", newest=1, table_id=1) -> FileMeta:
    return FileMeta(number, table_id, 100, 10, 10, 0, smallest, largest, 1, newest)


def open_file(facts: FileMeta) -> SSTable:
    """A reader of a file that is never read."""
    return SSTable(OsFileSystem(), "none", facts, BlockCache(0), Counters())


def numbers(level: Level) -> list[int]:
    return [file.meta.number for file in level.files]


def added(level: int, *metas: FileMeta) -> Edit:
    return Edit(added=tuple(AddedFile(level, facts) for facts in metas))


def test_level_0_is_newest_first_and_others_by_key():
    version = Version().apply(
        added(0, meta(1, newest=9), meta(2, newest=9), meta(3, newest=5)), open_file
    )
    version = version.apply(added(1, meta(4, b"m", b"n"), meta(5, b"a", b"b")), open_file)
    levels = version.table(1).levels
    assert numbers(levels[0]) == [2, 1, 3]
    assert numbers(levels[1]) == [5, 4]
    assert version.table(1).deepest == 1


def test_a_version_does_not_change_and_files_stay_the_same_objects():
    first = Version().apply(added(0, meta(1), meta(2)), open_file)
    second = first.apply(Edit(added=(AddedFile(1, meta(1)),), removed=(1,)), open_file)
    assert numbers(first.table(1).levels[0]) == [2, 1]
    assert numbers(second.table(1).levels[0]) == [2]
    assert second.table(1).levels[1].files[0] is first.table(1).levels[0].files[1]


def test_tables_are_kept_apart():
    version = Version().apply(added(0, meta(1), meta(2, table_id=2)), open_file)
    assert numbers(version.table(2).levels[0]) == [2]
    assert version.table(3) is EMPTY
    assert sorted(file.meta.number for _, file in version.files()) == [1, 2]
    emptied = version.apply(Edit(removed=(2,)), open_file)
    assert emptied.table(2) is EMPTY
    assert EMPTY.deepest == 0


keys = st.binary(min_size=1, max_size=2)


@given(st.sets(keys, min_size=2), keys, keys)
def test_a_level_finds_its_files(edges, low, high):
    ordered = sorted(edges)
    spans = list(zip(ordered[::2], ordered[1::2], strict=False))
    edit = added(2, *(meta(i, a, b) for i, (a, b) in enumerate(spans)))
    level = Version().apply(edit, open_file).table(1).levels[2]
    assert level.size == 100 * len(spans)
    found = level.file_for(low)
    holders = [i for i, (a, b) in enumerate(spans) if a <= low <= b]
    assert ([found.meta.number] if found else []) == holders
    inclusive = [i for i, (a, b) in enumerate(spans) if a <= high and low <= b]
    assert [file.meta.number for file in level.overlapping(low, high)] == inclusive
    half_open = [i for i, (a, b) in enumerate(spans) if a < high and low <= b]
    assert [file.meta.number for file in level.between(low, high)] == half_open
    assert len(level.between(None, None)) == len(spans)
