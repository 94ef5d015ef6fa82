"""BEGIN IMMEDIATE takes the writer's place at once, and gives it back however it ends."""

from __future__ import annotations

import gc
import threading
from collections.abc import Iterator

import apsw
import pytest

import lsmsql
import vtab
from lsmsql.engine.store import Store, open_store


@pytest.fixture
def store(path: str) -> Iterator[Store]:
    with open_store(path, sync="off", background=False, busy_timeout=0.005) as opened:
        yield opened


@pytest.fixture
def other(store: Store) -> Iterator[apsw.Connection]:
    made = apsw.Connection(":memory:")
    vtab.register(made, store)
    yield made
    made.close()


BEGINS = (
    "BEGIN IMMEDIATE",
    "begin exclusive transaction",
    " /* now */ BEGIN -- at once\nIMMEDIATE",
)
ENDS = ("COMMIT", "ROLLBACK", "END")


@pytest.mark.parametrize("begin", BEGINS)
@pytest.mark.parametrize("work", ["", "SELECT * FROM kv", "INSERT INTO kv VALUES ('a', 1)"])
@pytest.mark.parametrize("end", ENDS)
def test_nobody_else_commits_until_it_ends(
    store: Store,
    connection: apsw.Connection,
    other: apsw.Connection,
    begin: str,
    work: str,
    end: str,
) -> None:
    connection.execute(begin)
    connection.execute(work).fetchall()
    with pytest.raises(apsw.BusyError, match="another transaction has the writer's place") as error:
        other.execute("BEGIN IMMEDIATE")
    assert isinstance(error.value, lsmsql.BusyError) and not other.in_transaction
    with pytest.raises(apsw.BusyError):
        other.execute("INSERT INTO kv VALUES ('b', 1)")
    other.execute("BEGIN")
    other.execute("INSERT INTO kv VALUES ('b', 1)")
    with pytest.raises(apsw.BusyError):
        other.execute("COMMIT")
    for write in (
        lambda: store.put("c", 1),
        lambda: store.ingest({"c": 1}),
        lambda: store.create_table("t", {"k": "TEXT"}, "k"),
        lambda: store.run(lambda t: t.put("c", 1)),
    ):
        with pytest.raises(lsmsql.BusyError):
            write()
    assert list(store) == []
    store.flush()
    connection.execute(end)
    other.execute("COMMIT")
    store["c"] = 2
    assert list(store)[-2:] == ["b", "c"]


def test_others_wait_for_it_and_it_never_conflicts(
    store: Store, connection: apsw.Connection
) -> None:
    store["n"] = 1
    with open_store(store.path, "r"):
        pass
    started, done = threading.Event(), threading.Event()

    def add() -> None:
        started.set()
        store.run(lambda t: t.put("n", t["n"] + 10))  # type: ignore[operator]
        done.set()

    store.core.place._timeout = 30
    connection.execute("BEGIN IMMEDIATE")
    thread = threading.Thread(target=add)
    thread.start()
    assert started.wait(10)
    connection.execute("UPDATE kv SET value = value * 2")
    assert not done.is_set()
    connection.execute("COMMIT")
    thread.join(30)
    assert done.is_set() and store["n"] == 12


def test_a_connection_that_goes_away_leaves_the_place(store: Store) -> None:
    for close in (True, False):
        made = apsw.Connection(":memory:")
        vtab.register(made, store)
        made.execute("BEGIN IMMEDIATE")
        with pytest.raises(lsmsql.BusyError):
            store["a"] = 1
        if close:
            made.close()
        del made
        gc.collect()
        store["a"] = 1
        assert store.core.writable


def test_a_begin_that_fails_takes_nothing(store: Store, connection: apsw.Connection) -> None:
    connection.execute("BEGIN")
    with pytest.raises(apsw.SQLError, match="within a transaction"):
        connection.execute("BEGIN IMMEDIATE")
    store["a"] = 1
    connection.execute("COMMIT")
    assert connection.execute("EXPLAIN BEGIN IMMEDIATE").fetchall()
    store["a"] = 2
    with open_store(store.path, "r") as reader:
        made = apsw.Connection(":memory:")
        vtab.register(made, reader)
        with pytest.raises(apsw.ReadOnlyError):
            made.execute("BEGIN IMMEDIATE")
        assert not made.in_transaction
        made.close()


def test_an_authorizer_and_a_tracer_of_the_users_own_go_on(store: Store) -> None:
    made = apsw.Connection(":memory:")
    asked: list[int] = []
    traced: list[str] = []

    def authorize(action: int, *arguments: object) -> int:
        asked.append(action)
        return apsw.SQLITE_DENY if action == apsw.SQLITE_PRAGMA else apsw.SQLITE_OK

    def trace(cursor: apsw.Cursor, sql: str, bindings: object) -> bool:
        traced.append(sql)
        return sql != "SELECT 1"

    made.authorizer = authorize
    made.exec_trace = trace
    vtab.register(made, store)
    made.execute("BEGIN IMMEDIATE")
    with pytest.raises(lsmsql.BusyError):
        store["a"] = 1
    made.execute("COMMIT")
    assert traced[-2:] == ["BEGIN IMMEDIATE", "COMMIT"] and apsw.SQLITE_TRANSACTION in asked
    with pytest.raises(apsw.AuthError):
        made.execute("PRAGMA user_version")
    with pytest.raises(apsw.ExecTraceAbort):
        made.execute("SELECT 1")
    made.close()


def test_a_transaction_of_python_takes_it_as_well(store: Store, other: apsw.Connection) -> None:
    with store.transaction(immediate=True) as t:
        with pytest.raises(apsw.BusyError):
            other.execute("INSERT INTO kv VALUES ('b', 1)")
        with pytest.raises(lsmsql.BusyError):
            store.transaction(immediate=True)
        t["a"] = 1
    with pytest.raises(ZeroDivisionError), store.transaction(immediate=True) as t:
        t["a"] = 1 // 0
    t = store.transaction(immediate=True)
    del t
    gc.collect()
    other.execute("INSERT INTO kv VALUES ('b', 1)")
    assert list(store) == ["a", "b"] and store.core.writable
