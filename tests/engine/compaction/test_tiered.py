"""Choosing what to merge in tiers: files are made up, nothing is read or written."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from lsmsql.engine.compaction import strategy, tiered
from lsmsql.engine.compaction.job import Job, Merge, Move
from lsmsql.engine.compaction.picking import BOTTOM
from lsmsql.engine.manifest.version import LEVELS, Version
from lsmsql.engine.options import Options
from tests.engine.compaction.versions import check_job, file, numbers, trees, version

OPTIONS = Options(tiered_runs=3, tiered_space=100)


def choose(tree: Version, options: Options = OPTIONS) -> Job | None:
    return strategy.choose(tree, options, "tiered")


def test_nothing_is_due_up_to_the_number_of_runs() -> None:
    assert choose(Version()) is None
    assert choose(version(L0=[file(1, "az"), file(2, "az")], L6=[file(3, "az")])) is None


def test_when_the_newer_runs_are_as_large_as_the_oldest_all_are_merged() -> None:
    job = choose(version(L0=[file(4, "az"), file(5, "az")], L5=[file(3, "az")], L6=[file(1, "az")]))
    assert isinstance(job, Merge)
    assert [numbers(source) for source in job.sources] == [[5], [4], [3], [1]]
    assert job.level == BOTTOM and job.bottom and job.drop_tombstones


def test_neighbours_of_like_size_are_merged_to_just_above_the_next_run() -> None:
    files = [file(n, "az", 10) for n in (4, 5, 6)]
    job = choose(version(L0=files, L5=[file(3, "az", 90)], L6=[file(1, "az", 1000)]))
    assert isinstance(job, Merge)
    assert [numbers(source) for source in job.sources] == [[6], [5], [4]]
    assert job.level == 4 and not job.bottom and not job.drop_tombstones


def test_runs_in_the_middle_may_be_the_most_alike() -> None:
    tree = version(
        L0=[file(5, "az", 300)],
        L3=[file(4, "am", 30), file(6, "nz", 30)],
        L4=[file(3, "az", 60)],
        L6=[file(1, "az", 1000)],
    )
    job = choose(tree)
    assert isinstance(job, Merge) and job.level == 5
    assert [numbers(source) for source in job.sources] == [[4, 6], [3]]


def test_a_merge_leaves_nothing_older_in_level_0() -> None:
    files = [file(1, "az", 50), *(file(n, "az", 10) for n in (2, 3, 4))]
    job = choose(version(L0=files, L6=[file(9, "az", 1000, sequence=0)]))
    assert isinstance(job, Merge)
    assert [numbers(source) for source in job.sources] == [[4], [3], [2], [1]]


def test_levels_sink_to_make_room_which_costs_nothing() -> None:
    files = [file(n, "az", 10) for n in (4, 5, 6)]
    job = choose(version(L0=files, L1=[file(3, "az", 90)], L2=[file(1, "az", 1000)]))
    assert isinstance(job, Move) and numbers(job.files) == [1] and job.level == BOTTOM
    bottom = {f"L{BOTTOM}": [file(1, "az", 1000)]}
    job = choose(version(L0=files, L1=[file(3, "az", 90)], **bottom))
    assert isinstance(job, Move) and numbers(job.files) == [3] and job.level == BOTTOM - 1


def test_with_every_level_taken_one_is_made_free() -> None:
    levels = {f"L{n}": [file(n, "az", 4**n)] for n in range(1, LEVELS)}
    job = choose(version(L0=[file(8, "az", 1), file(9, "az", 1)], **levels))
    assert isinstance(job, Merge) and len(job.sources) > 1
    assert job.level > 0 and {source[0].meta.number for source in job.sources} != {8, 9}


def test_writers_are_not_slowed_down_by_runs_that_may_be() -> None:
    options = Options(tiered_runs=50, level0_files=2, level0_slow=4)
    assert tiered.most_runs(options) == 3
    tree = version(L0=[file(n, "az") for n in range(1, 5)])
    assert isinstance(choose(tree, options), Merge)


SOME_LARGE = Options(tiered_runs=3, tiered_space=100, compaction_bytes=100)


def test_a_large_merge_is_done_in_parts_and_takes_nothing_of_level_0() -> None:
    files = [file(n, "az", 10) for n in (4, 5, 6)]
    tree = version(L0=files, L5=[file(3, "az", 90)], L6=[file(1, "az", 110)])
    job = choose(tree, SOME_LARGE)
    assert isinstance(job, Merge) and job.in_parts
    assert [numbers(source) for source in job.sources] == [[3], [1]]
    whole = choose(tree)
    assert isinstance(whole, Merge) and not whole.in_parts and len(whole.sources) == 5


def test_level_0_alone_is_merged_as_a_whole_however_large() -> None:
    files = [file(n, "az", 60) for n in (4, 5, 6)]
    job = choose(version(L0=files, L6=[file(1, "az", 110)]), SOME_LARGE)
    assert isinstance(job, Merge) and not job.in_parts and job.level == 5
    assert [numbers(source) for source in job.sources] == [[6], [5], [4]]
    job = choose(version(L0=[*files, file(7, "az", 60)]), SOME_LARGE)
    assert isinstance(job, Merge) and not job.in_parts and job.level == BOTTOM


def test_runs_that_are_being_merged_count_as_one_and_are_left_alone() -> None:
    deep = {"L5": [file(3, "az", 90)], "L6": [file(2, "az", 90)]}
    busy = {2, 3}
    few = version(L0=[file(4, "az"), file(5, "az")], **deep)
    assert strategy.choose(few, OPTIONS, "tiered", busy) is None
    assert choose(few) is not None
    more = version(L0=[file(4, "az"), file(5, "az"), file(6, "az")], **deep)
    job = strategy.choose(more, OPTIONS, "tiered", busy)
    assert isinstance(job, Merge) and job.level == 4
    assert [numbers(source) for source in job.sources] == [[6], [5], [4]]


def test_large_merges_get_a_larger_share_when_they_do_not_keep_up() -> None:
    def parts(runs: int) -> int:
        levels = {f"L{n}": [file(n, "az", 90)] for n in range(1, runs + 1)}
        return strategy.parts_between(version(L0=[file(50, "az")], **levels), OPTIONS)

    assert strategy.parts_between(Version(), OPTIONS) == parts(1) == parts(6) == 1
    assert (parts(8), parts(10), parts(20)) == (2, 3, 8)


def test_what_cannot_be_merged_waits_until_the_large_merge_is_done() -> None:
    levels = {f"L{n}": [file(n, "az", 90)] for n in range(1, LEVELS)}
    tree = version(L0=[file(50, "az"), file(51, "az"), file(52, "az")], **levels)
    assert strategy.choose(tree, OPTIONS, "tiered", range(1, LEVELS)) is None


@given(trees(), st.sets(st.integers(1, 3)))
def test_any_choice_beside_a_large_merge_is_legal_and_leaves_its_files_alone(
    tree: Version, levels: set[int]
) -> None:
    table = tree.table(7)
    busy = {f.meta.number for level in levels for f in table.levels[level].files}
    job = strategy.choose(tree, OPTIONS, "tiered", busy)
    if isinstance(job, Merge):
        check_job(table, job)
        assert not busy & {f.meta.number for f in job.inputs}


@given(trees())
def test_any_choice_keeps_the_order_of_versions_and_the_levels_apart(tree: Version) -> None:
    job = choose(tree)
    if job is None:
        assert tiered.score(tree.table(7), OPTIONS) < 1
        return
    check_job(tree.table(7), job)
