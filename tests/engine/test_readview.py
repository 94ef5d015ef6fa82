"""A view stays as it was, sees its own writes, and must be closed."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

import lsmsql
from lsmsql.engine.projection import Projection, key_codec
from lsmsql.engine.readset import ReadSet
from lsmsql.engine.readview import ReadView
from lsmsql.engine.recent import ABSENT
from lsmsql.engine.schema import KV_SCHEMA, KV_TABLE_ID, KV_VALUE_SLOT
from lsmsql.engine.slices import Range
from lsmsql.engine.view import found_column, found_slot
from lsmsql.engine.writeset import WriteSet

CODEC = key_codec(KV_SCHEMA)
VALUES = Projection(KV_SCHEMA, CODEC, [0, 1])


@pytest.fixture
def store(tmp_path: Path) -> Iterator[lsmsql.Store]:
    with lsmsql.open(tmp_path / "store", sync="off", background=False, block_rows=4) as opened:
        yield opened


def content(view: ReadView, reverse: bool = False) -> list[tuple[object, ...]]:
    rows: list[tuple[object, ...]] = []
    for piece in view.scan(KV_TABLE_ID, Range(), VALUES, reverse=reverse):
        part = list(zip(*piece.columns, strict=True))
        rows += reversed(part) if reverse else part
    return rows


def test_later_commits_flushes_and_compactions_change_nothing(store: lsmsql.Store) -> None:
    for key in range(20):
        store[key] = "old"
    with store.view() as view:
        before = content(view)
        for key in range(0, 20, 2):
            store[key] = "new"
            store.delete(key + 1)
        store.ingest([(5, "ingested"), (99, "ingested")])
        store.compact()
        assert content(view) == before == [(key, "old") for key in range(20)]
        assert content(view, reverse=True) == before[::-1]
        found = view.find(KV_TABLE_ID, CODEC.encode([5]))
        assert found is not None and found_slot(found, 1) == "old"
        assert view.find(KV_TABLE_ID, CODEC.encode([99])) is None


def test_own_writes_lie_on_top_up_to_the_step_of_the_view(store: lsmsql.Store) -> None:
    store.ingest([(key, "stored") for key in range(6)])
    writes = WriteSet()
    writes.put(KV_TABLE_ID, CODEC.encode([1]), (None, "mine"))
    writes.put(KV_TABLE_ID, CODEC.encode([2]), None)
    with store.view(writes) as view:
        writes.put(KV_TABLE_ID, CODEC.encode([3]), None)
        assert content(view) == [
            (0, "stored"), (1, "mine"), (3, "stored"), (4, "stored"), (5, "stored")
        ]  # fmt: skip
        with view.branch(writes) as later:
            assert [key for key, _ in content(later)] == [0, 1, 4, 5]
            assert later.find(KV_TABLE_ID, CODEC.encode([3])) is None
        assert view.find(KV_TABLE_ID, CODEC.encode([2])) is None
        found = view.find(KV_TABLE_ID, CODEC.encode([1]))
        assert found is not None and found_slot(found, 1) == "mine"
    assert len(store) == 6


@given(
    st.lists(
        st.one_of(
            st.tuples(st.sampled_from(["put", "delete", "get", "ingest"]), st.integers(0, 4)),
            st.tuples(st.sampled_from(["view", "flush", "compact", "check"]), st.just(0)),
        ),
        max_size=25,
    )
)
def test_values_by_way_of_the_row_cache_are_those_of_the_view(
    tmp_path_factory: pytest.TempPathFactory, steps: list[tuple[str, int]]
) -> None:
    path = tmp_path_factory.mktemp("s") / "store"
    views: list[tuple[ReadView, dict[int, int]]] = []
    rows: dict[int, int] = {}
    with lsmsql.open(path, sync="off", background=False, block_rows=4) as store:
        for number, (step, key) in enumerate([*steps, ("check", 0)]):
            if step == "put":
                store[key] = rows[key] = number
            elif step == "ingest":
                store.ingest([(key, number)])
                rows[key] = number
            elif step == "delete":
                store.delete(key)
                rows.pop(key, None)
            elif step == "get":
                assert store.get(key) == rows.get(key)
            elif step == "view":
                views.append((store.view(), dict(rows)))
            elif step == "check":
                for view, seen in views:
                    assert [view.value(CODEC.encode([k])) for k in range(5)] == [
                        seen.get(k, ABSENT) for k in range(5)
                    ]
            else:
                getattr(store, step)()
        for view, _ in views:
            view.close()


def test_the_row_cache_shows_no_view_what_was_published_after_it(
    store: lsmsql.Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    store.ingest([(1, "old"), (2, "old")])
    early: list[ReadView] = []
    rebuild = store.core._rebuild

    def rebuild_and_look() -> None:
        rebuild()
        early.append(store.view())  # between the files and the number that covers them

    monkeypatch.setattr(store.core, "_rebuild", rebuild_and_look)
    store.ingest([(1, "new"), (3, "new")])
    monkeypatch.undo()
    assert [store.get(key) for key in (1, 2, 3)] == ["new", "old", "new"]
    keys = [CODEC.encode([key]) for key in (1, 2, 3)]
    for view in early:
        assert [view.value(key) for key in keys] == ["old", "old", ABSENT]
        view.close()
    with store.view() as now:
        hits = store.core.counters.recent_hits
        assert [now.value(key) for key in keys] == ["new", "old", "new"]
        assert store.core.counters.recent_hits == hits + 3


def test_own_writes_come_before_the_row_cache(store: lsmsql.Store) -> None:
    store.ingest([(key, "stored") for key in range(3)])
    assert store.get(1) == store.get(2) == "stored"
    writes = WriteSet()
    writes.put(KV_TABLE_ID, CODEC.encode([1]), (None, "mine"))
    writes.put(KV_TABLE_ID, CODEC.encode([2]), None)
    with store.view(writes) as view:
        values = [view.value(CODEC.encode([key])) for key in range(3)]
    assert values == ["stored", "mine", ABSENT]


def test_a_closed_view_and_its_iterators_raise(store: lsmsql.Store) -> None:
    store.ingest([(key, key) for key in range(20)])
    view = store.view()
    pieces = view.scan(KV_TABLE_ID, Range(), VALUES)
    next(pieces)
    view.close()
    view.close()
    with pytest.raises(lsmsql.ClosedError, match="view"):
        next(pieces)
    with pytest.raises(lsmsql.ClosedError):
        view.find(KV_TABLE_ID, b"x")
    with pytest.raises(lsmsql.ClosedError):
        view.value(b"x")
    assert store.core.snapshots.active() == ()


@given(st.sets(st.integers(0, 400), max_size=60), st.integers(-5, 405), st.integers(-5, 405))
def test_estimates_come_from_the_index_and_are_near(
    tmp_path_factory: pytest.TempPathFactory, keys: set[int], start: int, stop: int
) -> None:
    path = tmp_path_factory.mktemp("s") / "store"
    with lsmsql.open(path, sync="off", background=False, block_rows=4) as store:
        store.ingest([(key, None) for key in keys])
        before = store.stats()["blocks_read"]
        span = Range(CODEC.encode([start]), CODEC.encode([stop]))
        with store.view() as view:
            estimate = view.estimate(KV_TABLE_ID, span)
            assert view.estimate(KV_TABLE_ID, Range()) == len(keys)
        assert store.stats()["blocks_read"] == before
        true = sum(start <= key < stop for key in keys)
        assert abs(estimate - true) <= 8


class TestCounters:
    """What a read touches after reopening, proved by counts."""

    @pytest.fixture
    def reopened(self, tmp_path: Path) -> Iterator[lsmsql.Store]:
        with lsmsql.open(tmp_path / "s", block_rows=10, bottom_block_factor=1) as store:
            store.ingest([(key, "x" * 20) for key in range(1000)])
        with lsmsql.open(tmp_path / "s") as store:
            yield store

    def test_a_key_lookup_reads_one_block(self, reopened: lsmsql.Store) -> None:
        assert reopened.stats()["blocks_read"] == 0
        assert reopened[500] == "x" * 20
        assert reopened.stats()["blocks_read"] == 1
        assert reopened[501] == "x" * 20
        assert reopened.stats()["blocks_read"] == 1 and reopened.stats()["cache_hits"] == 1

    def test_a_missing_key_mostly_reads_none(self, reopened: lsmsql.Store) -> None:
        assert not any(reopened.get(key + 0.5) for key in range(900))
        assert reopened.stats()["blocks_read"] < 40
        assert reopened.stats()["bloom_negatives"] > 600

    def test_a_range_reads_the_blocks_that_overlap_it(self, reopened: lsmsql.Store) -> None:
        assert len(list(reopened.range(495, 515))) == 20
        assert reopened.stats()["blocks_read"] == 3

    def test_a_limit_reads_no_further_than_it_must(self, reopened: lsmsql.Store) -> None:
        assert [key for key, _ in reopened.range(limit=10)] == list(range(10))
        assert reopened.stats()["blocks_read"] == 1
        assert next(reopened.range(reverse=True))[0] == 999
        assert reopened.stats()["blocks_read"] == 2

    def test_counting_decodes_keys_at_most(self, reopened: lsmsql.Store) -> None:
        assert len(reopened) == 1000
        assert set(reopened.core.counters.decoded_positions) <= {0}

    def test_opening_reads_no_block_and_no_index(self, reopened: lsmsql.Store) -> None:
        assert reopened.stats()["blocks_read"] == 0
        assert not any(file._opened for _, file in reopened.core.version.files())


def test_whether_any_of_many_keys_is_there(store: lsmsql.Store) -> None:
    keys = [CODEC.encode([key]) for key in range(8)]
    with store.view() as view:
        assert not view.has_any(KV_TABLE_ID, keys)
    store.ingest([(3, "in a file")])
    store[5] = "in memory"
    store[6] = "gone"
    store.delete(6)
    with store.view() as view:
        for key, encoded in enumerate(keys):
            assert view.has_any(KV_TABLE_ID, [encoded]) == (key in (3, 5))
        assert view.has_any(KV_TABLE_ID, keys) and not view.has_any(KV_TABLE_ID, keys[:3])
        assert not view.has_any(KV_TABLE_ID + 100, keys)


def test_many_keys_are_found_as_each_of_them_is(store: lsmsql.Store) -> None:
    store.ingest([(key, f"file {key}") for key in range(4)])
    store[1] = "in memory"
    store.delete(2)
    keys = [CODEC.encode([key]) for key in range(6)]
    writes, reads = WriteSet(), ReadSet()
    writes.put(KV_TABLE_ID, keys[5], (None, "mine"))
    for changes, mine in ((None, None), (writes, "mine")):
        with ReadView(store.core, changes, reads) as view:
            found = view.find_all(KV_TABLE_ID, keys)
            assert [f and found_slot(f, KV_VALUE_SLOT) for f in found] == [
                "file 0", "in memory", None, "file 3", None, mine
            ]  # fmt: skip
            assert reads.keys(KV_TABLE_ID) == set(keys)
            there = [f for f in found if f is not None]
            for slot in (KV_VALUE_SLOT, KV_VALUE_SLOT + 1):
                assert found_column(there, slot) == [found_slot(f, slot) for f in there]
