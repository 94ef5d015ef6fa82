"""The row cache: never another value than the files have, and never more room than it may take."""

from __future__ import annotations

import threading
from pathlib import Path
from sys import getsizeof
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import lsmsql
from lsmsql.engine.manifest.version import EMPTY
from lsmsql.engine.recent import ENTRY_OVERHEAD, RecentValues
from lsmsql.engine.schema import KV_TABLE_ID
from lsmsql.engine.values import Value


def recent(limit: int) -> RecentValues:
    return RecentValues(EMPTY, limit, lambda: None)


def size(values: dict[bytes, Value]) -> int:
    return sum(getsizeof(k) + getsizeof(v) + ENTRY_OVERHEAD for k, v in values.items())


entries = st.lists(st.tuples(st.binary(max_size=2), st.none() | st.integers() | st.text()))


@given(entries, st.integers(0, 100_000))
def test_it_holds_the_last_values_within_its_limit(
    entries: list[tuple[bytes, Value]], limit: int
) -> None:
    cache = recent(limit)
    for key, value in entries:
        cache.add(key, value)
        assert cache.nbytes == size(cache.values) <= limit
    first: dict[bytes, Value] = {}
    for key, value in entries:
        first.setdefault(key, value)
    if all(64 * size({k: v}) <= limit for k, v in first.items()) and size(first) <= limit:
        assert cache.values == first


def test_what_came_first_goes_first_and_a_value_too_large_does_not_come() -> None:
    cache = recent(100 * size({b"0000": 1}))
    for i in range(150):
        cache.add(b"%04d" % i, 1)
    assert b"0149" in cache.values and b"0000" not in cache.values
    assert 80 <= len(cache.values) <= 100
    cache.add(b"large", b"x" * 10_000)
    assert b"large" not in cache.values


def test_the_rest_of_the_budget_is_told_as_it_grows() -> None:
    told: list[int] = []
    cache = RecentValues(EMPTY, 1_000_000, lambda: told.append(cache.reserved))
    for i in range(3000):
        cache.add(b"%04d" % i, i)
        assert cache.nbytes <= told[-1] == cache.reserved <= 1_000_000
    assert 5 < len(told) <= 16
    assert told == sorted(told)


def test_a_second_get_reads_no_file_until_the_files_change(tmp_path: Path) -> None:
    with lsmsql.open(tmp_path / "store", background=False) as store:
        store.update({i: f"value {i}" for i in range(100)})
        store.flush()
        assert store[7] == store[7] == store.get(7) == "value 7"
        assert store.stats()["recent_hits"] == 2
        store[7] = "new"
        assert store[7] == "new" and store.get(8) == "value 8"
        del store[8]
        assert store.get(8) is None and 8 not in store
        store.flush()
        assert store[7] == "new" and store.get(8, "gone") == "gone"
        store.compact()
        assert store[7] == "new" and store.get(8, "gone") == "gone"
        assert store.stats()["recent_hits"] == 2
        assert [store[i] for i in (1, 1, 1)] == ["value 1"] * 3
        assert store.stats()["recent_hits"] == 4


def test_files_that_were_replaced_do_not_outlive_it(tmp_path: Path) -> None:
    with lsmsql.open(tmp_path / "store", background=False) as store:
        for number in range(3):
            store.update(dict.fromkeys(range(100), number))
            store.flush()
        assert store[7] == 2
        before = store.core.state.table(KV_TABLE_ID).version
        store.compact()
        assert store.core.recent.version is store.core.state.table(KV_TABLE_ID).version
        assert store.core.recent.version is not before and store.core.recent.values == {}
        del before
        assert len(list((tmp_path / "store").glob("*.sst"))) == 1


def test_what_is_emptied_takes_no_room() -> None:
    cache = recent(10_000)
    cache.add(b"key", 1)
    cache.clear()
    assert cache.values == {} and cache.nbytes == cache.reserved == 0


steps = st.lists(
    st.tuples(st.sampled_from(["put", "delete", "get", "flush", "compact"]), st.integers(0, 5)),
    max_size=40,
)


@given(steps)
@settings(
    deadline=None, max_examples=30, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_gets_are_those_of_a_dict(
    tmp_path_factory: pytest.TempPathFactory, steps: list[tuple[str, int]]
) -> None:
    path = tmp_path_factory.mktemp("recent") / "store"
    model: dict[int, int] = {}
    with lsmsql.open(path, background=False, sync="off") as store:
        for number, (action, key) in enumerate(steps):
            if action == "put":
                store[key] = model[key] = number
            elif action == "delete":
                store.delete(key)
                model.pop(key, None)
            elif action == "get":
                assert store.get(key) == model.get(key)
            else:
                getattr(store, action)()
        assert {k: store.get(k) for k in range(6)} == {k: model.get(k) for k in range(6)}


def test_readers_beside_a_writer_see_values_in_order(tmp_path: Path) -> None:
    small: dict[str, Any] = {"memtable_bytes": 20_000, "memory_budget": 400_000}
    wrong: list[object] = []
    finished = threading.Event()
    with lsmsql.open(tmp_path / "store", sync="off", **small) as store:
        store.update(dict.fromkeys(range(50), 0))

        def read() -> None:
            seen = dict.fromkeys(range(50), 0)
            while not finished.is_set():
                for key in seen:
                    value = store[key]
                    if not isinstance(value, int) or value < seen[key]:
                        wrong.append((key, seen[key], value))
                    else:
                        seen[key] = value

        readers = [threading.Thread(target=read) for _ in range(2)]
        for reader in readers:
            reader.start()
        for number in range(1, 1500):
            store[number % 50] = number
        finished.set()
        for reader in readers:
            reader.join()
        assert wrong == []
        assert store.stats()["flushes"] > 5 and store.stats()["recent_hits"] > 0


def test_memtables_take_the_room_of_the_row_cache(tmp_path: Path) -> None:
    with lsmsql.open(tmp_path / "store", background=False, memory_budget=400_000) as store:
        store.update(dict.fromkeys(range(300), "x" * 100))
        store.flush()
        for i in range(300):
            assert store[i]
        core = store.core
        assert core.recent.reserved >= core.recent.nbytes > 60_000
        assert core.cache.capacity + core.recent.reserved == 400_000
        core.memtable_bytes = 300_000
        core.share_memory()
        assert core.recent.nbytes == 0 and core.cache.capacity == 100_000
