"""Large merges in parts: whatever is done between two of them, and wherever they end, reads are
right, files are apart, and nothing is left on the disk that nobody needs."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import lsmsql
from lsmsql.engine.background.executor import Executor
from lsmsql.engine.compaction import strategy
from lsmsql.engine.compaction.job import Merge, run_job
from lsmsql.engine.compaction.parts import UnderWay
from lsmsql.engine.options import Options
from lsmsql.engine.schema import KV_TABLE_ID

SMALL: dict[str, Any] = {
    "sync": "off",
    "memtable_bytes": 1 << 20,
    "block_rows": 4,
    "table_bytes": 1500,
    "compaction": "tiered",
    "compaction_bytes": 12_000,
    "codec": "none",
    "bottom_codec": "none",
}
PASSIVE: dict[str, Any] = {
    **SMALL, "background": False, "tiered_runs": 1000, "level0_slow": 1001, "level0_stop": 1002,
}  # fmt: skip
"""The store itself compacts nothing: the tests do."""

KEYS = 300


class Compactor:
    """Does by hand, one step at a time, what a scheduler does."""

    def __init__(self, store: lsmsql.Store, runs: int = 3) -> None:
        self.store = store
        self.core = store.core
        self.executor = Executor(self.core.filesystem, self.core.options, self.core.counters)
        self.under_way = UnderWay(self.core, self.executor)
        self.options = Options(
            tiered_runs=runs, compaction_bytes=self.core.options.compaction_bytes
        )

    def small_jobs(self) -> int:
        """Do the small jobs that are due, begin the large ones; how many small ones there were."""
        done = 0
        while True:
            job = strategy.choose(self.core.version, self.options, "tiered", self.under_way.busy)
            if job is None:
                return done
            if isinstance(job, Merge) and job.in_parts:
                self.under_way.begin(job)
            else:
                assert not self.under_way.busy & numbers_of(job)
                run_job(self.core, job, self.executor)
                done += 1
            self.check()

    def part(self) -> None:
        if self.under_way:
            self.under_way.run_part()
            self.check()

    def check(self) -> None:
        for level in self.core.version.table(KV_TABLE_ID).levels[1:]:
            for before, after in pairwise(level.files):
                assert before.meta.largest < after.meta.smallest


def numbers_of(job: Any) -> set[int]:
    return {f.meta.number for f in (job.inputs if isinstance(job, Merge) else ())}


def fill(store: lsmsql.Store, model: dict[int, str], step: int, count: int = 60) -> None:
    """Put ``count`` rows, delete some, and flush."""
    for n in range(count):
        key = (step * 977 + n * 37) % KEYS
        store[key] = model[key] = f"{step:04d}{n:060d}"
    for key in range(step % 7, KEYS, 40):
        store.delete(key)
        model.pop(key, None)
    store.flush()


def begin(store: lsmsql.Store, model: dict[int, str]) -> Compactor:
    """Fill a store until a large merge has been begun."""
    compactor = Compactor(store)
    for step in range(200):
        fill(store, model, step)
        compactor.small_jobs()
        if compactor.under_way:
            return compactor
    raise AssertionError("no large merge was ever due")


def names(store: lsmsql.Store, path: Path) -> tuple[set[str], set[str]]:
    """The files that are live, and those that are there."""
    live = {f"{file.meta.number:06d}.sst" for _, file in store.core.version.files()}
    return live, {found.name for found in path.glob("*.sst")}


@pytest.fixture
def store(tmp_path: Path) -> Iterator[lsmsql.Store]:
    with lsmsql.open(tmp_path / "store", **PASSIVE) as opened:
        yield opened


@given(
    st.lists(st.sampled_from(["fill", "part", "jobs", "read", "settle", "abandon"]), max_size=25)
)
@settings(max_examples=10, deadline=None)
def test_any_order_of_parts_and_other_work_leaves_what_was_written(
    tmp_path_factory: pytest.TempPathFactory, steps: list[str]
) -> None:
    path = tmp_path_factory.mktemp("parts") / "store"
    model: dict[int, str] = {}
    with lsmsql.open(path, **PASSIVE) as store:
        compactor = begin(store, model)
        expected = [(dict(model), store.range())]  # readers of old versions
        for number, step in enumerate(steps, 1000):
            if step == "fill":
                fill(store, model, number)
            elif step == "read":
                expected.append((dict(model), store.range()))
            elif step == "part":
                compactor.part()
            elif step == "jobs":
                compactor.small_jobs()
            else:
                getattr(compactor.under_way, step)()
                compactor.check()
            assert dict(store.items()) == model
            assert [store.get(key) for key in range(0, KEYS, 17)] == [
                model.get(key) for key in range(0, KEYS, 17)
            ]
        for then, reader in expected:
            assert dict(reader) == then
        while compactor.under_way:
            compactor.part()
        assert dict(store.items()) == model
    shutil.rmtree(path)


def test_small_merges_are_done_between_the_parts_of_a_large_one(store: lsmsql.Store) -> None:
    model: dict[int, str] = {}
    compactor = begin(store, model)
    busy = compactor.under_way.busy
    small = parts = 0
    for step in range(500, 520):
        if not compactor.under_way.busy & busy:
            break
        fill(store, model, step)
        small += compactor.small_jobs()
        compactor.part()
        parts += 1
    assert parts >= 3 and small >= 2
    assert dict(store.items()) == model


def test_a_merge_in_parts_leaves_what_a_whole_one_would(
    store: lsmsql.Store, tmp_path: Path
) -> None:
    model: dict[int, str] = {}
    compactor = begin(store, model)
    while compactor.under_way:
        compactor.part()
    (deepest,) = [level for level in store.stats().table("kv").levels if level.level]
    assert deepest.rows <= KEYS
    assert dict(store.items()) == model
    live, there = names(store, tmp_path / "store")
    assert live == there


def test_what_is_done_is_kept_when_a_store_is_closed_in_the_midst(tmp_path: Path) -> None:
    path = tmp_path / "store"
    model: dict[int, str] = {}
    with lsmsql.open(path, **PASSIVE) as store:
        compactor = begin(store, model)
        rows = store.stats()["compacted_rows"]
        compactor.part()
        compactor.part()
        assert store.stats()["compacted_rows"] == rows
        compactor.under_way.settle()
        assert store.stats()["compacted_rows"] > rows and not compactor.under_way
        compactor.check()
        live, there = names(store, path)
        assert live == there
    with lsmsql.open(path, **PASSIVE) as store:
        assert dict(store.items()) == model


def test_after_a_crash_between_two_parts_all_is_as_before_the_first(
    store: lsmsql.Store, tmp_path: Path
) -> None:
    model: dict[int, str] = {}
    compactor = begin(store, model)
    compactor.part()
    copy = tmp_path / "copy"
    shutil.copytree(tmp_path / "store", copy)
    live, there = names(store, copy)
    assert live < there
    with lsmsql.open(copy, **PASSIVE) as again:
        assert names(again, copy) == (live, live)
        assert dict(again.items()) == model


def test_a_part_that_fails_leaves_the_runs_as_they_were(
    store: lsmsql.Store, tmp_path: Path
) -> None:
    compactor = begin(store, {})
    compactor.part()
    busy = compactor.under_way.busy
    metas = [file.meta for _, file in store.core.version.files() if file.meta.number in busy]
    last = max(metas, key=lambda meta: meta.smallest)
    path = tmp_path / "store" / f"{last.number:06d}.sst"
    data = bytearray(path.read_bytes())
    data[20] ^= 0xFF
    path.write_bytes(data)
    with pytest.raises(lsmsql.CorruptionError):
        while compactor.under_way:
            compactor.part()
    assert not compactor.under_way
    live, there = names(store, tmp_path / "store")
    assert live == there


def test_a_large_merge_ends_with_its_table(store: lsmsql.Store, tmp_path: Path) -> None:
    table = store.create_table("t", {"a": "INTEGER", "b": "TEXT"}, "a")
    compactor = Compactor(store)
    for step in range(200):
        table.update([(step * 977 + n * 37) % KEYS, f"{n:060d}"] for n in range(60))
        store.flush()
        compactor.small_jobs()
        if compactor.under_way:
            break
    assert compactor.under_way
    compactor.part()
    store.drop_table("t")
    store.scheduler.look_for_work()
    compactor.under_way.forget_dropped()
    assert not compactor.under_way
    assert store.core.version.table(table.schema.id).deepest == 0
    live, there = names(store, tmp_path / "store")
    assert live == there


def test_files_ingested_where_a_new_one_would_reach_over_them_end_a_merge(tmp_path: Path) -> None:
    path = tmp_path / "store"
    changed: dict[str, Any] = {**PASSIVE, "table_bytes": 1 << 20}
    with lsmsql.open(path, **changed) as store:
        for keys in (range(400), range(900, 1200), range(2000, 2900)):
            store.ingest([(key, f"{key:060d}") for key in keys])
        size = store.stats().table("kv").bytes
    with lsmsql.open(path, **{**changed, "compaction_bytes": 2 * size}) as store:
        run = store.core.version.table(KV_TABLE_ID).levels[1].files
        compactor = Compactor(store)
        job = Merge(KV_TABLE_ID, (run,), 1, bottom=True, drop_tombstones=True)
        compactor.under_way.begin(job)
        compactor.part()
        assert compactor.under_way
        store.ingest([(500, "y")])
        expected = [file.meta for _, file in store.core.version.files()]
        while compactor.under_way:
            compactor.part()
        assert [file.meta for _, file in store.core.version.files()] == expected
        assert store[500] == "y" and len(store) == 1601
        live, there = names(store, path)
        assert live == there


def hand_over(compactor: Compactor) -> None:
    """Let the store's own scheduler go on."""
    compactor.store.scheduler._under_way = compactor.under_way


def test_closing_keeps_what_is_done_of_a_large_merge(tmp_path: Path) -> None:
    path = tmp_path / "store"
    model: dict[int, str] = {}
    with lsmsql.open(path, **PASSIVE) as store:
        compactor = begin(store, model)
        hand_over(compactor)
        compactor.part()
        counters = store.core.counters
        rows = counters.compacted_rows
    assert counters.compacted_rows > rows and not compactor.under_way
    with lsmsql.open(path, "r") as store:
        live, there = names(store, path)
        assert live == there
        assert dict(store.items()) == model


def test_compacting_all_takes_the_place_of_a_large_merge(
    store: lsmsql.Store, tmp_path: Path
) -> None:
    model: dict[int, str] = {}
    compactor = begin(store, model)
    hand_over(compactor)
    compactor.part()
    store.compact()
    assert not compactor.under_way
    assert sum(level.rows for level in store.stats().table("kv").levels) == len(model)
    assert dict(store.items()) == model
    live, there = names(store, tmp_path / "store")
    assert live == there


def test_a_store_that_becomes_leveled_lets_go_of_a_large_merge(tmp_path: Path) -> None:
    with lsmsql.open(tmp_path / "store", **{**PASSIVE, "compaction": "adaptive"}) as store:
        store.core.counters.compaction_style = "tiered"
        model: dict[int, str] = {}
        compactor = begin(store, model)
        hand_over(compactor)
        compactor.part()
        for n in range(20_000):
            store.get(n % KEYS)
        fill(store, model, 1)
        assert store.stats().compaction_style == "leveled" and not compactor.under_way
        compactor.check()
        assert dict(store.items()) == model


@pytest.mark.parametrize("compaction", ["tiered", "adaptive"])
def test_at_full_load_with_large_merges_nothing_is_lost(tmp_path: Path, compaction: str) -> None:
    model: dict[int, str] = {}
    changed = {"memtable_bytes": 30_000, "tiered_runs": 3, "compaction": compaction}
    for session in range(3):
        with lsmsql.open(tmp_path / "s", **{**SMALL, **changed}) as store:
            for n in range(1500):
                key = (n * 7919 + session) % 1000
                store[key] = model[key] = f"{session}{n:050d}"
            if session == 1:
                store.compact()
            assert dict(store.items()) == model
        with lsmsql.open(tmp_path / "s", "r") as store:
            assert dict(store.items()) == model
            live, there = names(store, tmp_path / "s")
            assert live == there
