"""Choosing what to compact: files are made up, nothing is read or written."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from lsmsql.engine.cache import BlockCache
from lsmsql.engine.compaction.job import Merge, Move
from lsmsql.engine.compaction.leveled import choose, compact_all, level_target, urgency
from lsmsql.engine.counters import Counters
from lsmsql.engine.filesystem import OsFileSystem
from lsmsql.engine.manifest.edit import AddedFile, Edit
from lsmsql.engine.manifest.version import Version
from lsmsql.engine.options import Options
from lsmsql.engine.sstable.meta import FileMeta
from lsmsql.engine.sstable.reader import SSTable

OPTIONS = Options(level0_files=2, level1_bytes=100, level_factor=10)


def file(
    number: int, keys: str, size: int = 10, sequence: int | None = None, tombstones: int = 0
) -> FileMeta:
    """File ``number`` with the key range of ``keys``, such as "ag"."""
    newest = number if sequence is None else sequence
    return FileMeta(
        number, 7, size, 5, 5, tombstones, keys[0].encode(), keys[-1].encode(), 1, newest
    )


def version(**levels: list[FileMeta]) -> Version:
    """A version of table 7: ``version(L0=[...], L1=[...])``."""
    added = tuple(
        AddedFile(int(name[1:]), meta) for name, metas in levels.items() for meta in metas
    )
    return Version().apply(Edit(added=added), _unread)


def _unread(meta: FileMeta) -> SSTable:
    return SSTable(OsFileSystem(), "unread", meta, BlockCache(1), Counters())


def numbers(files: tuple[SSTable, ...]) -> list[int]:
    return [f.meta.number for f in files]


def test_nothing_is_due_in_an_empty_or_small_tree() -> None:
    assert choose(Version(), OPTIONS) is None
    assert choose(version(L0=[file(1, "az")], L1=[file(2, "az", 99)]), OPTIONS) is None


def test_targets_grow_by_the_factor() -> None:
    assert [level_target(level, OPTIONS) for level in (1, 2, 3)] == [100, 1000, 10_000]
    tree = version(L0=[file(1, "ab")], L1=[file(2, "ac", 150)]).table(7)
    assert [urgency(tree, level, OPTIONS) for level in (0, 1, 2)] == [0.5, 1.5, 0.0]


def test_level_0_is_merged_as_a_whole_newest_first_with_what_it_overlaps() -> None:
    job = choose(
        version(
            L0=[file(1, "cf"), file(2, "eh"), file(3, "ac")],
            L1=[file(4, "ab"), file(5, "gg"), file(6, "xz")],
        ),
        OPTIONS,
    )
    assert isinstance(job, Merge)
    assert [numbers(source) for source in job.sources] == [[3], [2], [1], [4, 5]]
    assert job.level == 1 and job.bottom and job.drop_tombstones


def test_tombstones_are_kept_while_a_deeper_level_may_hold_their_keys() -> None:
    files = [file(1, "cf"), file(2, "eh")]
    job = choose(version(L0=files, L2=[file(3, "fg")]), OPTIONS)
    assert isinstance(job, Merge) and not job.drop_tombstones and not job.bottom
    job = choose(version(L0=files, L2=[file(3, "xy")]), OPTIONS)
    assert isinstance(job, Merge) and job.drop_tombstones and not job.bottom


def test_a_file_of_level_0_that_overlaps_nothing_just_moves() -> None:
    job = choose(version(L0=[file(1, "ab"), file(2, "cd")], L1=[file(3, "xz")]), OPTIONS)
    assert job is not None and isinstance(job, Move)
    assert numbers(job.files) == [1] and job.level == 1


def test_a_deep_level_gives_the_file_that_costs_least() -> None:
    job = choose(
        version(
            L1=[file(1, "ac", 60), file(2, "df", 60), file(3, "gi", 60)],
            L2=[file(4, "ac", 300), file(5, "de", 100), file(6, "gh", 200)],
        ),
        OPTIONS,
    )
    assert isinstance(job, Merge)
    assert [numbers(source) for source in job.sources] == [[2], [5]] and job.level == 2


def test_a_file_moves_down_where_nothing_lies_below_it() -> None:
    job = choose(version(L1=[file(1, "ac", 60), file(2, "df", 60)], L2=[file(3, "ab", 9)]), OPTIONS)
    assert isinstance(job, Move) and numbers(job.files) == [2] and job.level == 2


def test_the_most_overdue_level_goes_first() -> None:
    tree = version(L0=[file(1, "ab"), file(2, "ab")], L1=[file(3, "ac", 500)])
    job = choose(tree, OPTIONS)
    assert isinstance(job, Move) and numbers(job.files) == [3]


def test_compacting_all_merges_every_level_into_the_deepest() -> None:
    tree = version(L0=[file(1, "ab"), file(2, "bc")], L1=[file(3, "ac")], L2=[file(4, "az")])
    job = compact_all(7, tree.table(7))
    assert isinstance(job, Merge)
    assert [numbers(source) for source in job.sources] == [[2], [1], [3], [4]]
    assert job.level == 2 and job.bottom and job.drop_tombstones


def test_compacting_all_does_nothing_where_nothing_is_to_gain() -> None:
    assert compact_all(7, version(L2=[file(4, "az")]).table(7)) is None
    worn = compact_all(7, version(L2=[file(4, "az", tombstones=1)]).table(7))
    assert isinstance(worn, Merge)


@st.composite
def trees(draw: st.DrawFn) -> Version:
    """Any version that keeps the rules: level 0 as it comes, deeper levels without overlap."""
    number = iter(range(1, 1000))
    letters = "abcdefghijklmnop"
    levels: dict[str, list[FileMeta]] = {}
    pairs = st.tuples(st.sampled_from(letters), st.sampled_from(letters)).map(sorted).map("".join)
    levels["L0"] = [file(next(number), keys) for keys in draw(st.lists(pairs, max_size=5))]
    for level in (1, 2, 3):
        cuts = sorted(draw(st.sets(st.sampled_from(letters), max_size=8)))
        keys = ["".join(pair) for pair in zip(cuts[::2], cuts[1::2], strict=False)]
        sizes = st.integers(1, 900)
        levels[f"L{level}"] = [file(next(number), k, draw(sizes)) for k in keys]
    return version(**levels)


@given(trees())
def test_any_choice_keeps_the_order_of_versions_and_the_levels_apart(tree: Version) -> None:
    job = choose(tree, OPTIONS)
    if job is None:
        assert all(urgency(tree.table(7), level, OPTIONS) < 1 for level in range(6))
        return
    table = tree.table(7)
    inputs = job.files if isinstance(job, Move) else job.inputs
    smallest = min(f.meta.smallest for f in inputs)
    largest = max(f.meta.largest for f in inputs)
    chosen = set(numbers(inputs))
    left_in_target = [f for f in table.levels[job.level].files if f.meta.number not in chosen]
    assert not any(f.meta.overlaps(smallest, largest) for f in left_in_target)
    source_level = job.level - 1
    if source_level == 0 and isinstance(job, Move):
        (moved,) = job.files
        others = [f for f in table.levels[0].files if f is not moved]
        assert not any(f.meta.overlaps(smallest, largest) for f in others)
    if isinstance(job, Merge):
        deeper = [f for level in table.levels[job.level + 1 :] for f in level.files]
        assert job.drop_tombstones == (not any(f.meta.overlaps(smallest, largest) for f in deeper))
