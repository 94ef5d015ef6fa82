"""Transactions through Python: what they see, what they remember, how they end."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import lsmsql
from lsmsql.engine.transaction import Transaction


@pytest.fixture
def store(tmp_path: Path) -> Iterator[lsmsql.Store]:
    with lsmsql.open(tmp_path / "store", sync="off", background=False, block_rows=4) as opened:
        yield opened


def test_it_sees_its_own_writes_and_others_do_not(store: lsmsql.Store) -> None:
    store.update({"a": 1, "b": 2, "c": 3})
    with store.transaction() as t:
        t["b"] = 20
        t.delete("c")
        t["d"] = 4
        assert (t["a"], t["b"], t.get("c"), t["d"]) == (1, 20, None, 4)
        assert list(t) == ["a", "b", "d"] and "c" not in t and len(t) == 3
        assert list(t.range("b", reverse=True, limit=2)) == [("d", 4), ("b", 20)]
        assert dict(store.items()) == {"a": 1, "b": 2, "c": 3}
    assert dict(store.items()) == {"a": 1, "b": 20, "d": 4}


def test_an_exception_rolls_back_and_a_committed_one_is_over(store: lsmsql.Store) -> None:
    with pytest.raises(ZeroDivisionError), store.transaction() as t:
        t["a"] = 1 // 0
    assert len(store) == 0
    t = store.transaction()
    t["a"] = 1
    left = t.range()
    assert next(left) == ("a", 1)
    t["b"] = 2
    t.commit()
    for use in (t.commit, lambda: t.get("a"), lambda: t.put("a", 2), t.tables, t.savepoint):
        with pytest.raises(lsmsql.ClosedError, match="has been committed; begin another"):
            use()
    t.rollback()
    assert dict(store.items()) == {"a": 1, "b": 2}
    del left
    assert store.core.snapshots.active() == ()


def test_an_iterator_ends_with_its_transaction(store: lsmsql.Store) -> None:
    store.update({i: i for i in range(1000)})
    t = store.transaction()
    rows = iter(t.range())
    assert next(rows) == (0, 0)
    t.rollback()
    with pytest.raises(lsmsql.ClosedError):
        list(rows)


def test_one_commit_and_one_frame_for_any_number_of_tables(store: lsmsql.Store) -> None:
    store.create_table("old", {"k": "INTEGER", "v": "ANY"}, "k")
    before = store.sequence
    with store.transaction() as t:
        new = t.create_table("new", {"k": "TEXT", "v": "ANY"}, "k")
        new.put({"k": "x", "v": 1})
        t.table("old").put({"k": 1, "v": 2})
        t["a"] = 3
        t.create_table("gone", {"k": "TEXT"}, "k").put(["y"])
        t.drop_table("gone")
    assert store.sequence == before + 1
    assert store.table("new")["x"] == {"k": "x", "v": 1}
    assert [schema.name for schema in store.tables()] == ["kv", "new", "old"]


def test_tables_made_in_a_transaction_that_is_rolled_back_never_were(store: lsmsql.Store) -> None:
    with store.transaction() as t:
        t.create_table("one", {"k": "TEXT"}, "k")
        mark = t.savepoint()
        t.create_table("two", {"k": "TEXT"}, "k").put(["x"])
        t.drop_table("one")
        mark.rollback()
        assert [schema.name for schema in t.tables()] == ["kv", "one"]
        with pytest.raises(lsmsql.NoSuchTableError, match="no such table: two"):
            t.table("two")
    assert [schema.name for schema in store.tables()] == ["kv", "one"]
    with pytest.raises(ZeroDivisionError), store.transaction() as t:
        t.drop_table("one")
        raise ZeroDivisionError
    assert len(store.table("one")) == 0


def test_a_table_is_never_taken_for_one_that_was_rolled_back(store: lsmsql.Store) -> None:
    with store.transaction() as t:
        mark = t.savepoint()
        t.create_table("one", {"k": "TEXT", "v": "ANY"}, "k").put(["x", 1])
        mark.rollback()
        two = t.create_table("two", {"a": "REAL", "b": "ANY", "k": "INTEGER"}, "k")
        two.put([1.5, 2, 3])
    assert store.table("two")[3] == {"a": 1.5, "b": 2, "k": 3}
    with store.transaction() as t:
        rolled_back = t.create_table("three", {"k": "TEXT"}, "k").schema.id
        t.rollback()
    assert store.create_table("four", {"k": "TEXT"}, "k").schema.id > rolled_back


READS = {
    "key": lambda t: t.get("b"),
    "absent key": lambda t: t.get("nothing"),
    "in": lambda t: "b" in t,
    "range": lambda t: list(t.range("a", "c")),
    "reverse": lambda t: list(t.range("a", "c", reverse=True)),
    "empty range": lambda t: list(t.range("n", "o")),
    "prefix": lambda t: list(t.prefix("b")),
    "length": len,
    "limit": lambda t: list(t.range(limit=2)),
}
CHANGES = {
    "key": {"b": 9},
    "absent key": {"nothing": 9},
    "in": {"b": 9},
    "range": {"bb": 9},
    "reverse": {"bb": 9},
    "empty range": {"name": 9},
    "prefix": {"by": 9},
    "length": {"z": 9},
    "limit": {"aa": 9},
}


@pytest.mark.parametrize("upkeep", ["none", "flush", "compact", "ingest"])
@pytest.mark.parametrize("read", READS)
def test_what_was_read_and_has_changed_is_a_conflict(
    store: lsmsql.Store, read: str, upkeep: str
) -> None:
    store.update({"a": 1, "b": 2, "c": 3, "d": 4})
    t = store.transaction()
    READS[read](t)
    t["mine"] = 1
    if upkeep == "ingest":
        store.ingest(CHANGES[read])
    else:
        store.update(CHANGES[read])
    if upkeep in ("flush", "compact"):
        store.flush() if upkeep == "flush" else store.compact()
    before = dict(store.items())
    with pytest.raises(lsmsql.ConflictError, match="of kv, which this transaction has read; roll"):
        t.commit()
    assert dict(store.items()) == before


@pytest.mark.parametrize("upkeep", ["none", "flush", "compact"])
@pytest.mark.parametrize("read", READS)
def test_what_others_changed_elsewhere_is_no_conflict(
    store: lsmsql.Store, read: str, upkeep: str
) -> None:
    store.update({"a": 1, "b": 2, "c": 3, "d": 4})
    other = store.create_table("other", {"k": "TEXT", "v": "ANY"}, "k")
    t = store.transaction()
    READS[read](t)
    t["mine"] = 1
    other.put({"k": "b", "v": 1})
    if read != "length":
        store.update({"d": 9, "u": 9})
    if upkeep != "none":
        store.flush() if upkeep == "flush" else store.compact()
    t.commit()
    assert store["mine"] == 1


def test_a_range_that_was_left_half_way_was_read_as_far_as_that(store: lsmsql.Store) -> None:
    store.update({i: i for i in range(10_000)})
    for reverse in (False, True):
        t = store.transaction()
        rows = iter(t.range(reverse=reverse))
        for _ in range(10):
            next(rows)
        t["mine"] = 1
        store[5000] = "far"
        t.commit()
        t = store.transaction()
        rows = iter(t.range(reverse=reverse))
        for _ in range(9_000):
            next(rows)
        t["mine"] = 2
        store[5000] = "near"
        with pytest.raises(lsmsql.ConflictError):
            t.commit()


def test_blind_writes_and_reads_alone_never_conflict(store: lsmsql.Store) -> None:
    store["a"] = 1
    reader, blind = store.transaction(), store.transaction()
    assert reader["a"] == 1
    blind["a"] = 3
    store["a"] = 2
    assert reader["a"] == 1 and list(reader) == ["a"]
    reader.commit()
    blind.commit()
    assert store["a"] == 3


def test_own_writes_that_are_read_are_no_reads(store: lsmsql.Store) -> None:
    t = store.transaction()
    t["a"] = 1
    assert t["a"] == 1
    store["a"] = 2
    t.commit()
    assert store["a"] == 1


def test_dropping_or_creating_a_table_is_a_change_of_it(store: lsmsql.Store) -> None:
    store.create_table("one", {"k": "TEXT"}, "k").put(["x"])
    attempts = {
        "read": lambda t: len(t.table("one")),
        "write": lambda t: t.table("one").put(["y"]),
        "list": lambda t: t.tables(),
        "drop": lambda t: t.drop_table("one"),
    }
    for use in attempts.values():
        t = store.transaction()
        use(t)
        t["mine"] = 1
        store.drop_table("one")
        with pytest.raises(lsmsql.ConflictError, match="the definition of a table"):
            t.commit()
        store.create_table("one", {"k": "TEXT"}, "k")
    first, second = store.transaction(), store.transaction()
    first.create_table("two", {"k": "TEXT"}, "k")
    second.create_table("two", {"k": "TEXT"}, "k")
    first.commit()
    with pytest.raises(lsmsql.ConflictError):
        second.commit()


def test_savepoints_nest(store: lsmsql.Store) -> None:
    with store.transaction() as t:
        t["a"] = 1
        with t.savepoint():
            t["b"] = 1
            with pytest.raises(ZeroDivisionError), t.savepoint():
                t["a"] = 2
                t["c"] = 1 // 0
            assert (t["a"], t["b"]) == (1, 1)
        outer = t.savepoint()
        t["d"] = 1
        inner = t.savepoint()
        t["e"] = 1
        outer.rollback()
        assert list(t) == ["a", "b"]
        for use in (inner.rollback, inner.release):
            with pytest.raises(lsmsql.ClosedError, match="the savepoint has been released"):
                use()
        t["f"] = 1
        outer.rollback()
        t["g"] = 1
        outer.release()
    assert list(store) == ["a", "b", "g"]


def test_what_was_read_before_a_savepoint_was_rolled_back_counts(store: lsmsql.Store) -> None:
    t = store.transaction()
    mark = t.savepoint()
    t.get("a")
    mark.rollback()
    t["b"] = 1
    store["a"] = 1
    with pytest.raises(lsmsql.ConflictError, match="row 'a' of kv"):
        t.commit()


def test_wrong_values_and_ingest_are_refused_and_change_nothing(store: lsmsql.Store) -> None:
    with store.transaction() as t:
        t["a"] = 1
        wrong: list[Any] = [lambda: t.put("b", object()), lambda: t.put(None, 1)]
        wrong += [lambda: t.update([("c", 1), ("d", object())]), lambda: t.kv.ingest([("e", 1)])]
        for call in wrong:
            with pytest.raises(lsmsql.UsageError):
                call()
    assert list(store) == ["a"]


def test_run_tries_again_and_in_the_end_takes_the_writers_place(store: lsmsql.Store) -> None:
    store["n"] = 0
    calls = []

    def work(t: Transaction) -> object:
        calls.append(t)
        value = t["n"]
        if not store.core.place.holder:
            store["n"] = len(calls)
        t["n"] = value * 100  # type: ignore[operator]
        return value

    assert store.run(work, retries=3) == 3
    assert len(calls) == 4 and store["n"] == 300
    with pytest.raises(lsmsql.ConflictError):
        store.run(work, retries=0)
    with pytest.raises(lsmsql.UsageError, match="retries is a number of at least 0"):
        store.run(work, retries=-1)
    wrong: Any = 5
    with pytest.raises(lsmsql.UsageError, match="run calls a function with a transaction; 5 is"):
        store.run(wrong)
    with pytest.raises(ZeroDivisionError):
        store.run(lambda t: 1 // 0)
    assert store.core.place.holder is None


def test_a_store_opened_to_read_has_transactions_that_read(store: lsmsql.Store) -> None:
    store["a"] = 1
    with lsmsql.open(store.path, "r") as reader:
        with reader.transaction() as t:
            assert t["a"] == 1
            store["a"] = 2
            store.compact()
            assert t["a"] == 1 and list(t.range()) == [("a", 1)]
            with pytest.raises(lsmsql.ReadOnlyError):
                t["a"] = 3
        with pytest.raises(lsmsql.ReadOnlyError):
            reader.transaction(immediate=True)
        assert reader["a"] == 2
