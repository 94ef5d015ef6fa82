"""Choosing what to compact: files are made up, nothing is read or written."""

from __future__ import annotations

import msgspec
from hypothesis import given

from lsmsql.engine.compaction import leveled, strategy
from lsmsql.engine.compaction.job import Job, Merge, Move
from lsmsql.engine.compaction.leveled import base_level, debt, level_target, urgency
from lsmsql.engine.compaction.picking import BOTTOM, compact_all
from lsmsql.engine.manifest.version import Version
from lsmsql.engine.options import Options
from tests.engine.compaction.versions import check_job, file, numbers, trees, version

OPTIONS = Options(level0_files=2, level1_bytes=100, level_factor=10)


def choose(tree: Version, options: Options = OPTIONS) -> Job | None:
    return strategy.choose(tree, options, "leveled")


def test_nothing_is_due_in_an_empty_or_small_tree() -> None:
    assert choose(Version()) is None
    assert choose(version(L0=[file(1, "az")], L1=[file(2, "az", 99)])) is None


def test_targets_follow_from_the_size_of_the_deepest_level() -> None:
    tree = version(L0=[file(1, "ab")], L2=[file(2, "ac", 15)], L3=[file(3, "ac", 1000)]).table(7)
    assert [level_target(tree, level, OPTIONS) for level in (1, 2, 3)] == [10, 100, 1000]
    assert [urgency(tree, level, OPTIONS) for level in (0, 1, 2, 3)] == [0.5, 0.0, 0.15, 0.0]
    assert debt(tree, OPTIONS) == 0
    full = version(L1=[file(1, "ac", 15)], L2=[file(2, "ac", 130)], L3=[file(3, "ac", 1000)])
    assert debt(full.table(7), OPTIONS) == 5 + 30


def test_level_0_is_merged_to_the_first_level_that_is_worth_having() -> None:
    assert base_level(version(L6=[file(1, "az", 100)]).table(7), OPTIONS) == 6
    assert base_level(version(L6=[file(1, "az", 101)]).table(7), OPTIONS) == 5
    assert base_level(version(L6=[file(1, "az", 10_000)]).table(7), OPTIONS) == 4
    job = choose(version(L0=[file(2, "ac"), file(3, "bd")], L6=[file(1, "az", 1001)]))
    assert isinstance(job, Merge) and job.level == 4 and not job.bottom


def test_level_0_goes_no_deeper_than_the_first_level_that_holds_files() -> None:
    tree = version(L0=[file(3, "ac"), file(4, "bd")], L3=[file(2, "az")], L6=[file(1, "az", 900)])
    job = strategy.choose(tree, Options(level0_files=1, level1_bytes=100, level0_slow=2), "leveled")
    assert isinstance(job, Merge) and job.level == 3


def test_a_deepest_level_that_has_outgrown_its_place_moves_to_the_bottom() -> None:
    files = [file(1, "ac", 60), file(2, "df", 60)]
    job = choose(version(L1=files))
    assert isinstance(job, Move) and numbers(job.files) == [1, 2] and job.level == BOTTOM


def test_one_job_takes_only_as_much_of_level_0_as_it_may() -> None:
    files = [file(n, "az", 10) for n in range(1, 9)]
    options = Options(level0_files=2, compaction_bytes=35)
    job = choose(version(L0=files), options)
    assert isinstance(job, Merge)
    assert [numbers(source) for source in job.sources] == [[3], [2], [1]]


def test_the_files_of_one_ingest_are_one_run() -> None:
    chunk = [
        msgspec.structs.replace(file(n, keys, sequence=9), assigned=True)
        for n, keys in enumerate(["ab", "cd", "ef"], 5)
    ]
    tree = version(L0=[*chunk, file(3, "af")])
    assert urgency(tree.table(7), 0, OPTIONS) == 1.0
    job = choose(tree)
    assert isinstance(job, Merge)
    assert [numbers(source) for source in job.sources] == [[5, 6, 7], [3]]


def test_level_0_is_merged_as_a_whole_newest_first_with_what_it_overlaps() -> None:
    job = choose(
        version(
            L0=[file(1, "cf"), file(2, "eh"), file(3, "ac")],
            L1=[file(4, "ab"), file(5, "gg"), file(6, "xz")],
        ),
    )
    assert isinstance(job, Merge)
    assert [numbers(source) for source in job.sources] == [[3], [2], [1], [4, 5]]
    assert job.level == 1 and job.bottom and job.drop_tombstones


def test_tombstones_are_kept_while_a_deeper_level_may_hold_their_keys() -> None:
    files = [file(1, "cf"), file(2, "eh")]
    job = choose(version(L0=files, L2=[file(3, "fg", 500)]))
    assert isinstance(job, Merge) and not job.drop_tombstones and not job.bottom
    job = choose(version(L0=files, L2=[file(3, "xy", 500)]))
    assert isinstance(job, Merge) and job.drop_tombstones and not job.bottom


def test_a_file_of_level_0_that_overlaps_nothing_just_moves() -> None:
    job = choose(version(L0=[file(1, "ab"), file(2, "cd")], L1=[file(3, "xz")]))
    assert job is not None and isinstance(job, Move)
    assert numbers(job.files) == [1] and job.level == 1


def test_a_deep_level_gives_the_file_that_costs_least() -> None:
    job = choose(
        version(
            L5=[file(1, "ac", 60), file(2, "df", 60), file(3, "gi", 60)],
            L6=[file(4, "ac", 300), file(5, "de", 100), file(6, "gh", 200)],
        ),
    )
    assert isinstance(job, Merge)
    assert [numbers(source) for source in job.sources] == [[2], [5]] and job.level == 6


def test_a_file_moves_down_where_nothing_lies_below_it() -> None:
    job = choose(version(L5=[file(1, "ac", 60), file(2, "df", 60)], L6=[file(3, "ab", 9)]))
    assert isinstance(job, Move) and numbers(job.files) == [2] and job.level == 6


def test_the_most_overdue_level_goes_first() -> None:
    tree = version(
        L0=[file(1, "ab"), file(2, "ab")], L5=[file(3, "ac", 50)], L6=[file(4, "xz", 99)]
    )
    job = choose(tree)
    assert isinstance(job, Move) and numbers(job.files) == [3]


def test_level_0_goes_before_all_when_it_slows_writers_down() -> None:
    tree = version(
        L0=[file(1, "ab"), file(2, "ab")], L5=[file(3, "ac", 50)], L6=[file(4, "xz", 99)]
    )
    job = choose(tree, Options(level0_files=2, level0_slow=2, level1_bytes=100))
    assert isinstance(job, Merge) and job.sources[0][0].meta.number == 2


def test_the_table_that_is_most_overdue_goes_first() -> None:
    other = [msgspec.structs.replace(file(n, "az"), table_id=8) for n in (4, 5, 6)]
    job = choose(version(L0=[file(1, "az"), file(2, "az"), *other]))
    assert isinstance(job, Merge) and job.table_id == 8


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


@given(trees())
def test_any_choice_keeps_the_order_of_versions_and_the_levels_apart(tree: Version) -> None:
    job = choose(tree)
    if job is None:
        assert leveled.score(tree.table(7), OPTIONS) < 1
        return
    check_job(tree.table(7), job)
