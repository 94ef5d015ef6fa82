"""Snapshots, atomic statements, and what several connections see of each other."""

from __future__ import annotations

import threading
import weakref
from collections.abc import Iterator
from typing import Any

import apsw
import pytest

import vtab
from lsmsql.engine.store import Store


@pytest.fixture
def other(store: Store, connection: apsw.Connection) -> Iterator[apsw.Connection]:
    connection.execute("CREATE VIRTUAL TABLE temp.t USING lsm(k INTEGER PRIMARY KEY, v)")
    made = apsw.Connection(":memory:")
    vtab.register(made, store)
    yield made
    made.close()


def count(connection: apsw.Connection) -> Any:
    ((number,),) = connection.execute("SELECT count(*) FROM t").fetchall()
    return number


def test_a_commit_is_seen_by_other_connections_at_once(
    connection: apsw.Connection, other: apsw.Connection
) -> None:
    connection.execute("INSERT INTO t VALUES (1, 1)")
    assert count(other) == 1
    with connection:
        connection.execute("INSERT INTO t VALUES (2, 1)")
        assert (count(connection), count(other)) == (2, 1)
    assert count(other) == 2


def test_a_transaction_of_reads_sees_one_snapshot_and_lets_it_go(
    store: Store, connection: apsw.Connection, other: apsw.Connection
) -> None:
    for end in ("COMMIT", "ROLLBACK", "END"):
        before = count(other)
        connection.execute("BEGIN")
        assert count(connection) == before
        other.execute("INSERT INTO t(v) VALUES (0)")
        assert count(connection) == before
        assert len(store.core.snapshots.active()) == 1
        connection.execute(end)
        assert store.core.snapshots.active() == ()
        connection.execute("BEGIN")
        assert count(connection) == count(other)
        connection.execute("COMMIT")


def test_a_transaction_that_writes_keeps_the_snapshot_of_its_first_read(
    connection: apsw.Connection, other: apsw.Connection
) -> None:
    connection.execute("BEGIN")
    assert count(connection) == 0
    other.execute("INSERT INTO t VALUES (1, 1)")
    connection.execute("INSERT INTO t VALUES (2, 2)")
    assert connection.execute("SELECT k FROM t").fetchall() == [(2,)]
    with pytest.raises(apsw.BusyError, match="a range of rows of t, which this transaction has"):
        connection.execute("COMMIT")
    connection.execute("ROLLBACK")
    assert count(connection) == 1


def test_a_statement_sees_one_snapshot_in_all_its_tables(
    connection: apsw.Connection, other: apsw.Connection
) -> None:
    connection.execute("INSERT INTO t VALUES (1, 1), (2, 2), (3, 3)")

    def write(*values: Any) -> Any:
        (k,) = values
        other.execute("INSERT INTO t VALUES (?, 0)", [k + 10])
        return k

    connection.create_scalar_function("write", write)
    rows = connection.execute(
        "SELECT write(k), (SELECT count(*) FROM t AS b WHERE b.k >= a.k - a.k) FROM t AS a"
    ).fetchall()
    assert rows == [(1, 3), (2, 3), (3, 3)]
    assert count(connection) == 6


def test_rows_looked_up_in_one_statement_are_of_one_snapshot(
    connection: apsw.Connection, other: apsw.Connection
) -> None:
    connection.execute("INSERT INTO t VALUES (1, 0), (2, 0)")

    def change(*values: Any) -> Any:
        other.execute("UPDATE t SET v = v + 1")
        return values[0]

    connection.create_scalar_function("change", change)
    sql = "SELECT a.v, b.v FROM t AS a JOIN t AS b ON b.k = change(a.k) + 1 WHERE a.k = 1"
    assert connection.execute(sql).fetchall() == [(0, 0)]
    assert connection.execute(sql).fetchall() == [(1, 1)]
    asked = "WITH asked(n) AS (VALUES (1), (2), (1))"
    sql = f"{asked} SELECT v FROM asked JOIN t ON t.k = change(n)"
    assert connection.execute(sql).fetchall() == [(3,), (3,), (3,)]
    assert connection.execute("SELECT v FROM t WHERE k = 1").get == 5


def test_a_connection_at_rest_holds_nothing_of_the_store(
    store: Store, connection: apsw.Connection, other: apsw.Connection
) -> None:
    connection.execute("INSERT INTO t VALUES (1, 1)")
    assert connection.execute("SELECT v FROM t WHERE k = 1").get == 1
    assert count(connection) == 1
    state = weakref.ref(store.core.state)
    store.flush()
    assert state() is None
    assert store.core.snapshots.active() == ()


def test_a_cursor_that_is_read_slowly_is_not_disturbed_by_changes(
    store: Store, connection: apsw.Connection, other: apsw.Connection
) -> None:
    connection.execute("INSERT INTO t(v) SELECT 0 FROM t RIGHT JOIN (SELECT 1)")
    for _ in range(6):
        connection.execute("INSERT INTO t(v) SELECT k FROM t")
    assert count(connection) == 64
    seen = []
    k: Any
    for (k,) in connection.execute("SELECT k FROM t ORDER BY k"):
        seen.append(k)
        connection.execute("DELETE FROM t WHERE k = ?", [k])
        connection.execute("INSERT INTO t VALUES (?, 'new')", [k + 1000])
        assert count(connection) == 64
    assert seen == list(range(1, 65))
    assert store.core.snapshots.active() == ()


def test_keys_are_given_out_in_order(connection: apsw.Connection, other: apsw.Connection) -> None:
    connection.execute("INSERT INTO t(v) VALUES ('a'), ('b')")
    assert connection.last_insert_rowid() == 2
    connection.execute("INSERT INTO t VALUES (10, 'c')")
    connection.execute("INSERT INTO t(rowid, v) VALUES (20, 'd')")
    connection.execute("INSERT INTO t(v) VALUES ('e')")
    assert connection.execute("SELECT rowid FROM t").fetchall() == [(1,), (2,), (10,), (20,), (21,)]
    connection.execute("DELETE FROM t WHERE k > 2")
    other.execute("INSERT INTO t(v) VALUES ('f')")
    assert connection.execute("SELECT max(rowid) FROM t").fetchall() == [(3,)]
    connection.execute("UPDATE t SET rowid = 9223372036854775807 WHERE rowid = 3")
    connection.execute("INSERT INTO t(v) VALUES ('g')")  # then any that is free
    assert connection.execute("SELECT count(*) FROM t").fetchall() == [(4,)]


def test_only_a_row_with_a_rowid_is_the_last_that_was_inserted(
    connection: apsw.Connection, other: apsw.Connection
) -> None:
    connection.execute("INSERT INTO t VALUES (7, 0)")
    connection.execute("INSERT INTO kv VALUES ('a', 1)")
    assert connection.last_insert_rowid() == 7
    connection.execute("INSERT OR IGNORE INTO t VALUES (7, 0)")
    connection.execute("INSERT OR IGNORE INTO kv VALUES ('a', 1), (NULL, 1)")
    assert connection.last_insert_rowid() == 7


def test_several_rows_or_none(connection: apsw.Connection, other: apsw.Connection) -> None:
    connection.execute("INSERT INTO t VALUES (3, 0)")
    for begun in (False, True):
        if begun:
            connection.execute("BEGIN")
            connection.execute("INSERT INTO t VALUES (100, 0)")
        with pytest.raises(apsw.ConstraintError, match=r"UNIQUE constraint failed: t\.k"):
            connection.execute("INSERT INTO t VALUES (1, 0), (2, 0), (3, 0)")
        assert connection.execute("SELECT k FROM t WHERE k < 50").fetchall() == [(3,)]
    connection.execute("COMMIT")
    assert count(other) == 2


@pytest.fixture
def failing(connection: apsw.Connection, other: apsw.Connection) -> apsw.Connection:
    """A function that raises for 3, in a connection where a transaction has begun."""

    def fail(*values: Any) -> Any:
        (k,) = values
        if k == 3:
            raise ArithmeticError("three")
        return k

    connection.create_scalar_function("fail", fail)
    connection.execute("CREATE TABLE numbers(n)")
    connection.execute("INSERT INTO numbers VALUES (1), (2), (3)")
    connection.execute("BEGIN")
    connection.execute("INSERT INTO t VALUES (100, 0)")
    with pytest.raises(ArithmeticError):
        connection.execute("INSERT INTO t SELECT fail(n), 0 FROM numbers")
    return connection


@pytest.mark.parametrize(
    "following", ["", "INSERT INTO t VALUES (101, 0), (102, 0)", "DELETE FROM t WHERE k = 5"]
)
def test_a_statement_that_a_function_of_the_user_kills_is_undone(
    failing: apsw.Connection, following: str
) -> None:
    failing.execute(following)
    failing.execute("COMMIT")
    rows = failing.execute("SELECT k FROM t WHERE k < 101").fetchall()
    assert rows == [(100,)]


def test_a_failed_statement_never_takes_earlier_ones_with_it(failing: apsw.Connection) -> None:
    failing.execute("SAVEPOINT a")
    failing.execute("INSERT INTO t VALUES (200, 0)")
    with pytest.raises(apsw.ConstraintError):
        failing.execute("INSERT INTO t VALUES (200, 0)")
    with pytest.raises(ArithmeticError):
        failing.execute("INSERT INTO t SELECT fail(n + 300), fail(n) FROM numbers")
    failing.execute("INSERT INTO t VALUES (201, 0)")
    failing.execute("RELEASE a")
    failing.execute("COMMIT")
    assert failing.execute("SELECT k FROM t WHERE k BETWEEN 99 AND 299").fetchall() == [
        (100,),
        (200,),
        (201,),
    ]


def test_a_statement_of_one_row_does_not_keep_what_a_failed_one_has_left(
    failing: apsw.Connection,
) -> None:
    failing.execute("INSERT INTO t VALUES (101, 0)")
    assert failing.execute("SELECT k FROM t").fetchall() == [(100,), (101,)]
    failing.execute("COMMIT")
    assert failing.execute("SELECT k FROM t").fetchall() == [(100,), (101,)]


def test_what_a_failed_statement_has_left_is_not_seen(failing: apsw.Connection) -> None:
    assert failing.execute("SELECT k FROM t").fetchall() == [(100,)]


def test_savepoints_are_not_disturbed_by_what_a_failed_statement_has_left(
    failing: apsw.Connection,
) -> None:
    failing.execute("SAVEPOINT a")
    failing.execute("ROLLBACK TO a")
    assert failing.execute("SELECT k FROM t").fetchall() == [(100,)]


def test_the_first_row_written_after_a_savepoint_stays(
    connection: apsw.Connection, other: apsw.Connection
) -> None:
    connection.execute("SAVEPOINT a")
    connection.execute("SAVEPOINT b")
    connection.execute("INSERT INTO t VALUES (1, 0)")
    assert count(connection) == 1
    connection.execute("ROLLBACK TO b")
    assert count(connection) == 0
    connection.execute("INSERT INTO t VALUES (2, 0)")
    connection.execute("RELEASE a")
    assert count(other) == 1


def test_a_statement_is_undone_if_an_aggregate_of_the_user_raises_at_its_end(
    connection: apsw.Connection, other: apsw.Connection
) -> None:
    """Tables of SQLite's own keep the rows: it does not learn of the exception."""

    class Last:
        def step(self, value: Any) -> None:
            self.value = value

        def final(self) -> Any:
            if self.value == 3:
                raise ArithmeticError("three")
            return self.value

    last: Any = Last
    connection.create_aggregate_function("last", last)
    source = "(WITH n(i) AS (VALUES (1), (2), (3)) SELECT last(i) AS x FROM n GROUP BY i)"
    for begin, end in (("SELECT 1", "SELECT 1"), ("BEGIN", "COMMIT")):
        connection.execute(begin)
        with pytest.raises(ArithmeticError):
            connection.execute(f"INSERT INTO t SELECT x, 0 FROM {source}")
        assert count(connection) == 0
        connection.execute(end)
        assert count(other) == 0


@pytest.mark.parametrize("outer", ["SELECT", "INSERT INTO u SELECT 1, "])
@pytest.mark.parametrize("begin", ["BEGIN", "SAVEPOINT a"])
def test_a_statement_that_fails_within_another_is_undone_alone(
    connection: apsw.Connection, other: apsw.Connection, outer: str, begin: str
) -> None:
    """A function of the user runs some that fail, gets over it, and goes on."""

    def work(*values: Any) -> Any:
        connection.execute("INSERT INTO t VALUES (1, 0), (2, 0)")
        with pytest.raises(apsw.ConstraintError):
            connection.execute("INSERT INTO t VALUES (3, 0), (4, 0), (1, 0)")
        connection.execute("INSERT INTO t VALUES (5, 0)")
        with pytest.raises(apsw.ConstraintError):
            connection.execute("INSERT INTO t VALUES (1, 0)")
        connection.execute("INSERT INTO t VALUES (6, 0), (7, 0)")
        return values[0]

    connection.create_scalar_function("work", work)
    connection.execute("CREATE VIRTUAL TABLE temp.u USING lsm(k INTEGER PRIMARY KEY, v)")
    connection.execute(begin)
    connection.execute(f"{outer} work(8)")
    rows = [(1,), (2,), (5,), (6,), (7,)]
    assert connection.execute("SELECT k FROM t").fetchall() == rows
    connection.execute("COMMIT")
    assert other.execute("SELECT k FROM t").fetchall() == rows


@pytest.mark.parametrize("begun", [False, True])
def test_a_statement_that_fails_is_undone_with_those_it_has_run(
    connection: apsw.Connection, other: apsw.Connection, begun: bool
) -> None:
    def work(*values: Any) -> Any:
        connection.execute("INSERT INTO t VALUES (?, 0), (?, 0)", [values[0], values[0] + 10])
        if values[0] == 3:
            raise ArithmeticError("three")
        return values[0]

    connection.create_scalar_function("work", work)
    connection.execute("CREATE VIRTUAL TABLE temp.u USING lsm(k INTEGER PRIMARY KEY, v)")
    connection.execute("BEGIN")
    if begun:
        connection.execute("INSERT INTO u VALUES (0, 0)")
    with pytest.raises(ArithmeticError):
        connection.execute(
            "WITH n(i) AS (VALUES (1), (2), (3)) INSERT INTO u SELECT work(i), 0 FROM n"
        )
    connection.execute("INSERT INTO t VALUES (7, 0)")
    rows = [(0,), (7,)] if begun else [(7,)]
    assert connection.execute("SELECT k FROM t UNION SELECT k FROM u").fetchall() == rows
    connection.execute("COMMIT")


@pytest.mark.parametrize("begin", ["BEGIN", "SAVEPOINT a", "SELECT 1"])
@pytest.mark.parametrize("written", [False, True])
@pytest.mark.parametrize(
    "next_statement", ["SELECT k FROM t", "INSERT INTO t VALUES (5, 0)", "UPDATE t SET v = v"]
)
def test_a_statement_that_waits_for_its_rows_to_be_read_has_not_failed(
    connection: apsw.Connection,
    other: apsw.Connection,
    begin: str,
    written: bool,
    next_statement: str,
) -> None:
    connection.execute(begin)
    if written:
        connection.execute("INSERT INTO t VALUES (9, 0)")
    returning = connection.execute("INSERT INTO t VALUES (1, 0), (2, 0) RETURNING k")
    assert next(returning) == (1,)
    connection.execute(next_statement)
    with pytest.raises(apsw.ConstraintError):
        connection.execute("INSERT INTO t VALUES (7, 0), (1, 0)")
    assert count(connection) == 2 + written + ("INSERT" in next_statement)
    assert list(returning) == [(2,)]
    if connection.in_transaction:
        connection.execute("COMMIT")
    assert count(other) == 2 + written + ("INSERT" in next_statement)


def test_a_connection_may_be_closed_within_savepoints(
    store: Store, connection: apsw.Connection, other: apsw.Connection
) -> None:
    for sql in ("SAVEPOINT a", "INSERT INTO t VALUES (1, 0)", "SAVEPOINT b"):
        connection.execute(sql)
    connection.close()
    assert count(other) == 0
    assert store.core.snapshots.active() == ()


def test_a_row_cannot_lose_its_rowid(connection: apsw.Connection, other: apsw.Connection) -> None:
    connection.execute("INSERT INTO t VALUES (1, 0)")
    for conflict in ("ABORT", "ROLLBACK", "IGNORE", "REPLACE"):
        with connection, pytest.raises(apsw.MismatchError, match=r"cannot store NULL in t\.k"):
            connection.execute("INSERT OR REPLACE INTO t VALUES (2, 0)")
            connection.execute(f"UPDATE OR {conflict} t SET k = NULL")
        assert connection.execute("SELECT k FROM t").fetchall() == [(1,), (2,)]


def test_errors_have_the_codes_of_sqlite(store: Store, connection: apsw.Connection) -> None:
    connection.execute(
        "CREATE VIRTUAL TABLE temp.p USING lsm(a TEXT, b INT, c REAL NOT NULL, PRIMARY KEY (a, b))"
    )
    connection.execute("INSERT INTO p VALUES ('x', 1, 1)")
    for sql, code, message in (
        ("INSERT INTO p VALUES ('x', 1, 1)", 1555, "UNIQUE constraint failed: p.a, p.b"),
        ("INSERT INTO p VALUES ('y', 1, NULL)", 1299, "NOT NULL constraint failed: p.c"),
        ("INSERT INTO p VALUES (NULL, 1, 1)", 1299, "NOT NULL constraint failed: p.a"),
        ("UPDATE p SET c = 'z'", 3091, "cannot store TEXT value in REAL column p.c"),
    ):
        with pytest.raises(apsw.ConstraintError) as caught:
            connection.execute(sql)
        error: Any = caught.value
        assert str(error) == message
        assert (error.result, error.extendedresult) == (19, code)
    with pytest.raises(apsw.TooBigError):
        connection.execute("INSERT INTO p VALUES (?, 1, 1)", ["x" * 70_000])
    assert connection.execute("SELECT * FROM p WHERE a < ?", ["y" * 70_000]).fetchall() == [
        ("x", 1, 1.0)
    ]
    assert (
        connection.execute("SELECT * FROM p WHERE a = ? AND b = 1", ["x" * 70_000]).fetchall() == []
    )


def test_threads_with_a_connection_each(store: Store, connection: apsw.Connection) -> None:
    connection.execute("CREATE VIRTUAL TABLE temp.t USING lsm(k INTEGER PRIMARY KEY, v)")
    problems: list[BaseException] = []

    def work(number: int) -> None:
        try:
            own = apsw.Connection(":memory:")
            vtab.register(own, store)
            for i in range(40):
                with own:
                    own.execute("INSERT INTO t VALUES (?, ?)", [number * 1000 + i, number])
                    own.execute("INSERT INTO t VALUES (?, ?)", [number * 1000 + 500 + i, number])
                assert count(own) % 2 == 0
            own.close()
        except BaseException as problem:
            problems.append(problem)

    threads = [threading.Thread(target=work, args=(n,)) for n in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert problems == []
    assert count(connection) == 320
    assert store.core.snapshots.active() == ()


def test_a_statement_that_fails_beside_one_that_waits_is_undone(
    connection: apsw.Connection, other: apsw.Connection
) -> None:
    connection.execute("BEGIN")
    waiting = connection.execute("INSERT INTO t(v) VALUES (1), (2), (3) RETURNING v")
    assert next(waiting) == (1,)
    with pytest.raises(apsw.SQLError, match="within a transaction"):
        connection.execute("BEGIN")
    assert connection.execute("SELECT count(*) FROM kv").get == 0
    with pytest.raises(apsw.ConstraintError):
        connection.execute("INSERT INTO kv VALUES (1, 0), (1, 0)")
    waiting.close()
    connection.execute("COMMIT")
    assert connection.execute("SELECT count(*) FROM kv").get == 0
    assert count(other) == 3


@pytest.mark.parametrize("begin", ["BEGIN", "SAVEPOINT a", "SELECT 1"])
@pytest.mark.parametrize("waiting", [False, True])
def test_or_fail_keeps_what_was_written_before_the_row_that_fails(
    connection: apsw.Connection, other: apsw.Connection, begin: str, waiting: bool
) -> None:
    """Also if rows are made by a function that writes to the store, and has failures of its own."""

    def work(*values: Any) -> Any:
        connection.execute("INSERT INTO u(v) VALUES (?)", values)
        with pytest.raises(apsw.ConstraintError):
            connection.execute("INSERT OR FAIL INTO u VALUES (1, 0)")
        with pytest.raises(apsw.ConstraintError):
            connection.execute("INSERT OR FAIL INTO u VALUES (?, 0), (1, 0)", [values[0] + 10])
        return values[0]

    connection.create_scalar_function("work", work)
    connection.execute("CREATE VIRTUAL TABLE temp.u USING lsm(k INTEGER PRIMARY KEY, v)")
    connection.execute("INSERT INTO u VALUES (1, 0)")
    connection.execute(begin)
    if waiting and connection.in_transaction:
        before = connection.execute("INSERT INTO kv VALUES (1, 1), (2, 2) RETURNING key")
        assert next(before) == (1,)
    with pytest.raises(apsw.ConstraintError):
        connection.execute("INSERT OR FAIL INTO t VALUES (work(7), 0), (work(8), 0), (work(7), 0)")
    assert connection.execute("SELECT k FROM t").fetchall() == [(7,), (8,)]
    kept = connection.execute("SELECT v FROM u").fetchall()
    assert kept == [(0,), (7,), (0,), (8,), (7,)]
    if connection.in_transaction:
        if waiting:
            before.close(True)
        connection.execute("COMMIT")
    assert other.execute("SELECT k FROM t").fetchall() == [(7,), (8,)]


def test_what_fails_after_an_interrupt_is_told_and_undone(
    connection: apsw.Connection, other: apsw.Connection
) -> None:
    """An interrupt lasts as long as a statement waits for its rows to be read."""

    def stop(*values: Any) -> Any:
        connection.interrupt()
        return values[0]

    connection.create_scalar_function("stop", stop)
    connection.execute("BEGIN")
    connection.execute("INSERT INTO t VALUES (1, 0)")
    waiting = connection.execute("INSERT INTO kv VALUES (1, 1), (2, 2), (3, 3) RETURNING key")
    assert next(waiting) == (1,)
    with pytest.raises(apsw.ConstraintError):
        connection.execute("INSERT INTO t SELECT 2, 0 UNION ALL SELECT stop(1), 0")
    with pytest.raises(apsw.InterruptError):
        connection.execute("SELECT 1").fetchall()
    waiting.close(True)
    assert connection.execute("SELECT k FROM t").fetchall() == [(1,)]
    connection.execute("COMMIT")
    assert count(other) == 1
