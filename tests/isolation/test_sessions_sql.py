"""Transactions of several SQL connections: when they see what, when they are refused, and how."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import apsw
import pytest

import lsmsql
import vtab

Connect = Callable[[], apsw.Connection]


@pytest.fixture
def store(tmp_path: Path) -> Iterator[lsmsql.Store]:
    with lsmsql.open(tmp_path / "store", sync="off", background=False, block_rows=4) as opened:
        table = opened.create_table("t", {"k": "INTEGER", "v": "INTEGER"}, "k")
        opened.create_table("u", {"k": "INTEGER", "v": "INTEGER"}, "k")
        table.update([(1, 10), (2, 20), (3, 30)])
        yield opened
        assert opened.core.snapshots.active() == ()


@pytest.fixture
def connect(store: lsmsql.Store) -> Iterator[Connect]:
    made: list[apsw.Connection] = []

    def connect() -> apsw.Connection:
        made.append(apsw.Connection(":memory:"))
        vtab.register(made[-1], store)
        return made[-1]

    yield connect
    for connection in made:
        connection.close()


@pytest.fixture
def a(connect: Connect) -> apsw.Connection:
    return connect()


@pytest.fixture
def b(connect: Connect) -> apsw.Connection:
    return connect()


def rows(connection: apsw.Connection, table: str = "t") -> Any:
    found: Any = connection.execute(f"SELECT k, v FROM {table} ORDER BY k").fetchall()
    return dict(found)


def refused(connection: apsw.Connection, sql: str = "COMMIT") -> apsw.BusyError:
    with pytest.raises(apsw.BusyError, match="roll back and try again") as caught:
        connection.execute(sql)
    assert isinstance(caught.value, lsmsql.ConflictError)
    return caught.value


def interferes(connection: apsw.Connection, other: apsw.Connection, sql: str) -> list[Any]:
    """Give ``connection`` a function ``interfere(x)``, which returns x.

    When it is called for the first time, ``other`` makes a commit. The list that is returned has
    an entry from then on.
    """
    done: list[Any] = []

    def interfere(*values: Any) -> Any:
        if not done:
            done.append(other.execute(sql).fetchall())
        return values[0]

    connection.create_scalar_function("interfere", interfere)
    return done


# ------------------------------------------------------------------------------------- snapshots


@pytest.mark.parametrize("begin", ["BEGIN", "BEGIN DEFERRED", "SAVEPOINT s"])
@pytest.mark.parametrize(
    "first",
    ["SELECT 1 FROM u", "SELECT v FROM t WHERE k = 9", "INSERT OR REPLACE INTO u VALUES (1, 1)"],
)
def test_the_snapshot_is_taken_by_the_first_read_or_write(a, b, begin, first) -> None:
    a.execute(begin)
    b.execute("INSERT INTO t VALUES (4, 40)")
    a.execute("SELECT 1").fetchall()  # this is not about the store
    b.execute("INSERT INTO t VALUES (5, 50)")
    a.execute(first).fetchall()
    b.execute("INSERT INTO t VALUES (6, 60)")
    assert list(rows(a)) == [1, 2, 3, 4, 5]
    a.execute("ROLLBACK")
    assert list(rows(a)) == [1, 2, 3, 4, 5, 6]


def test_a_statement_by_itself_is_a_transaction(a, b, store) -> None:
    before = store.sequence
    a.execute("UPDATE t SET v = v + 1 WHERE k = 1")
    assert rows(b) == {1: 11, 2: 20, 3: 30}
    b.execute("UPDATE t SET v = v * 2")
    assert rows(a) == {1: 22, 2: 40, 3: 60}
    a.execute("DELETE FROM t WHERE v > 30")
    b.execute("INSERT INTO t SELECT k + 10, v FROM t")
    assert rows(a) == {1: 22, 11: 22}
    assert store.sequence == before + 4


def test_transactions_that_only_read_never_fail_however_long(a, b, store) -> None:
    a.execute("BEGIN")
    before = rows(a)
    slow = iter(a.execute("SELECT k, v FROM t ORDER BY k"))
    assert next(slow) == (1, 10)
    for round in range(30):
        b.execute("INSERT INTO t(v) SELECT v + 1 FROM t WHERE k < 3")
        b.execute("UPDATE t SET v = -v")
        b.execute("DELETE FROM t WHERE k = ?", [round])
        if round % 10 == 5:
            store.flush()
            store.compact()
        assert rows(a) == before
        assert a.execute("SELECT v FROM t WHERE k = 3").get == 30
    assert list(slow) == [(2, 20), (3, 30)]
    a.execute("COMMIT")
    assert rows(a) == rows(b) != before


def test_several_tables_change_at_once_for_everybody_else(a, b, store) -> None:
    def everywhere(reader: Any) -> Any:
        return [[tuple(row.values()) for row in reader.table(n).range()] for n in ("kv", "t", "u")]

    old = everywhere(store)
    steps = [
        "BEGIN",
        "INSERT INTO kv VALUES ('x', 1)",
        "UPDATE t SET v = 0 WHERE k = 2",
        "DELETE FROM t WHERE k = 3",
        "INSERT INTO u SELECT k, v FROM t",
    ]
    for sql in steps:
        a.execute(sql)
        with store.snapshot() as snapshot, store.transaction() as transaction:
            assert everywhere(store) == everywhere(snapshot) == everywhere(transaction) == old
        assert rows(b) == {1: 10, 2: 20, 3: 30} and rows(b, "u") == {}
    kept = store.snapshot()
    before, commits = store.sequence, store.stats()["commits"]
    a.execute("COMMIT")
    assert (store.sequence, store.stats()["commits"]) == (before + 1, commits + 1)
    new = [[("x", 1)], [(1, 10), (2, 0)], [(1, 10), (2, 0)]]
    with kept, store.snapshot() as snapshot:
        assert everywhere(kept) == old and everywhere(snapshot) == everywhere(store) == new
    assert rows(b) == rows(b, "u") == {1: 10, 2: 0}


# ------------------------------------------------------------------------------------- conflicts

CONFLICTS = {
    "read by key": ("SELECT v FROM t WHERE k = 1", "UPDATE t SET v = 11 WHERE k = 1"),
    "absent key": ("SELECT v FROM t WHERE k = 4", "INSERT INTO t VALUES (4, 40)"),
    "deleted key": ("SELECT v FROM t WHERE k = 2", "DELETE FROM t WHERE k = 2"),
    "range": ("SELECT v FROM t WHERE k > 3", "INSERT INTO t VALUES (4, 40)"),
    "IN": ("SELECT v FROM t WHERE k IN (2, 5, 9)", "INSERT INTO t VALUES (5, 50)"),
    "scan": ("SELECT k FROM t WHERE v = 11", "UPDATE t SET v = 11 WHERE k = 1"),
    "max": ("SELECT max(k) FROM t", "INSERT INTO t VALUES (4, 40)"),
    "min": ("SELECT min(k) FROM t", "INSERT INTO t VALUES (0, 0)"),
    "count": ("SELECT count(*) FROM t", "DELETE FROM t WHERE k = 2"),
    "no update": ("UPDATE t SET v = 0 WHERE k = 4", "INSERT INTO t VALUES (4, 40)"),
    "no delete": ("DELETE FROM t WHERE k > 3", "INSERT INTO t VALUES (4, 40)"),
    "same new key": ("INSERT INTO t VALUES (4, 44)", "INSERT INTO t VALUES (4, 40)"),
    "ignored": ("INSERT OR IGNORE INTO t VALUES (1, 0)", "DELETE FROM t WHERE k = 1"),
    "join": (
        "SELECT t.v FROM kv JOIN t ON t.k = kv.value WHERE kv.key = 'at'",
        "UPDATE t SET v = 0 WHERE k = 2",
    ),
    "left join": (
        "SELECT t.v, u.v FROM t LEFT JOIN u USING (k) WHERE k = 1",
        "INSERT INTO u VALUES (1, 1)",
    ),
    "subquery": ("SELECT 1 WHERE 5 IN (SELECT v FROM u)", "INSERT INTO u VALUES (1, 5)"),
    "onto its own snapshot": ("INSERT INTO u SELECT * FROM t", "UPDATE t SET v = 0 WHERE k = 2"),
    "onto itself": ("INSERT INTO t SELECT k + 10, v FROM t", "INSERT INTO t VALUES (4, 40)"),
    "moved keys": ("UPDATE t SET k = k + 10", "INSERT INTO t VALUES (4, 40)"),
    "moved to a key": ("UPDATE t SET k = 9 WHERE k = 1", "INSERT INTO t VALUES (9, 90)"),
}
"""What a transaction does, and what another commits meanwhile that it cannot have before it."""


@pytest.mark.parametrize("begin", ["BEGIN", "SAVEPOINT s"])
@pytest.mark.parametrize("case", CONFLICTS)
def test_a_commit_after_what_was_read_has_changed_is_refused(a, b, store, case, begin) -> None:
    mine, theirs = CONFLICTS[case]
    store["at"] = 2
    end = "RELEASE s" if begin == "SAVEPOINT s" else "COMMIT"
    a.execute(begin)
    a.execute(mine).fetchall()
    a.execute("INSERT OR REPLACE INTO kv VALUES ('mine', 1)")
    b.execute(theirs)
    before, everything = store.sequence, (rows(b), rows(b, "u"))
    refused(a, end)
    assert a.in_transaction
    refused(a, end)  # as often as one likes
    assert a.execute("SELECT value FROM kv WHERE key = 'mine'").get == 1
    a.execute("ROLLBACK")
    assert (rows(b), rows(b, "u")) == everything and "mine" not in store
    assert store.sequence == before

    b.execute("DELETE FROM t WHERE k IN (4, 9)")  # where a new try would insert
    before = store.sequence
    a.execute(begin)
    a.execute(mine).fetchall()
    a.execute("INSERT OR REPLACE INTO kv VALUES ('mine', 1)")
    a.execute(end)
    assert store["mine"] == 1 and store.sequence == before + 1


@pytest.mark.parametrize("case", CONFLICTS)
def test_without_the_change_or_without_a_write_it_is_not(a, b, store, case) -> None:
    mine, theirs = CONFLICTS[case]
    store["at"] = 2
    a.execute("BEGIN")
    a.execute(mine).fetchall()
    a.execute("INSERT OR REPLACE INTO kv VALUES ('mine', 1)")
    b.execute("INSERT OR REPLACE INTO kv VALUES ('theirs', 1)")
    a.execute("COMMIT")
    assert store["mine"] == store["theirs"] == 1
    if mine.startswith("SELECT"):
        a.execute("BEGIN")
        a.execute(mine).fetchall()
        b.execute(theirs)
        a.execute("COMMIT")
        assert not a.in_transaction


def test_rows_that_are_replaced_unread_are_no_conflict(a, b, store) -> None:
    for connection, value in ((a, 1), (b, 2)):
        connection.execute("BEGIN")
        connection.execute("INSERT OR REPLACE INTO t VALUES (1, ?), (4, ?)", [value, value])
    b.execute("COMMIT")
    a.execute("COMMIT")
    assert rows(a) == rows(b) == {1: 1, 2: 20, 3: 30, 4: 1}


@pytest.mark.parametrize("upkeep", ["none", "flush", "compact"])
def test_keys_that_are_given_out_never_collide(a, b, store, upkeep) -> None:
    for connection, last in ((a, 5), (b, 7)):
        connection.execute("BEGIN")
        connection.execute("INSERT INTO t(v) VALUES (0), (0)")
        assert connection.last_insert_rowid() == last
    b.execute("COMMIT")
    if upkeep != "none":
        getattr(store, upkeep)()
    a.execute("INSERT INTO t(v) VALUES (0)")
    a.execute("COMMIT")
    assert list(rows(b)) == [1, 2, 3, 4, 5, 6, 7, 8]


def test_a_key_that_was_given_out_is_free_again_after_a_rollback(a, b) -> None:
    a.execute("BEGIN")
    a.execute("INSERT INTO t(v) VALUES (0)")
    a.execute("ROLLBACK")
    b.execute("INSERT INTO t(v) VALUES (0)")
    assert b.last_insert_rowid() == 4


def test_what_was_read_counts_though_it_was_before_a_savepoint_rolled_back_to(a, b) -> None:
    a.execute("BEGIN")
    a.execute("SAVEPOINT s")
    a.execute("UPDATE t SET v = v + 1 WHERE k = 1")
    a.execute("ROLLBACK TO s")
    a.execute("INSERT OR REPLACE INTO u VALUES (1, 1)")
    b.execute("UPDATE t SET v = 0 WHERE k = 1")
    refused(a)
    a.execute("ROLLBACK")
    assert rows(a)[1] == 0 and rows(a, "u") == rows(b, "u")


def test_changes_that_were_all_taken_back_leave_one_that_only_reads(a, b, store) -> None:
    before = store.sequence
    a.execute("SAVEPOINT s")
    a.execute("UPDATE t SET v = v + 1")
    a.execute("ROLLBACK TO s")
    b.execute("UPDATE t SET v = 0 WHERE k = 1")
    a.execute("RELEASE s")
    assert not a.in_transaction and store.sequence == before + 1
    assert rows(a) == {1: 0, 2: 20, 3: 30}


def test_tables_of_sqlite_stay_out_of_it_as_well(a, b) -> None:
    a.execute("CREATE TABLE main.log(k)")
    a.execute("BEGIN")
    a.execute("INSERT INTO log SELECT k FROM t")
    a.execute("UPDATE t SET v = 0 WHERE k = 1")
    b.execute("UPDATE t SET v = 1 WHERE k = 1")
    refused(a)
    a.execute("ROLLBACK")
    assert a.execute("SELECT count(*) FROM log").get == 0
    assert rows(a)[1] == 1


# ---------------------------------------------------------------------------- within a statement

STATEMENTS = {
    "update": "UPDATE t SET v = interfere(v) + 1",
    "update of one": "UPDATE t SET v = v + 1 WHERE k = 2 AND interfere(v) = 20",
    "moved keys": "UPDATE t SET k = interfere(k) + 100",
    "delete": "DELETE FROM t WHERE interfere(v) > 0",
    "insert from itself": "INSERT INTO t SELECT interfere(k) + 100, v FROM t",
    "insert from another": "INSERT INTO u SELECT interfere(k), v FROM t",
    "insert of a subquery": "INSERT INTO u VALUES ((SELECT sum(v) FROM t), interfere(1))",
    "insert where there is none": (
        "INSERT INTO u SELECT interfere(7), 7 WHERE NOT EXISTS (SELECT 1 FROM t WHERE v = 0)"
    ),
    "replace": "INSERT OR REPLACE INTO t SELECT k, interfere(v) + 1 FROM t",
}


@pytest.mark.parametrize("case", STATEMENTS)
def test_a_statement_is_refused_if_what_it_reads_changes_in_its_midst(a, b, store, case) -> None:
    done = interferes(a, b, "UPDATE t SET v = 0 WHERE k = 2")
    before = store.sequence
    refused(a, STATEMENTS[case])
    assert done and not a.in_transaction
    assert rows(a) == rows(b) == {1: 10, 2: 0, 3: 30} and rows(a, "u") == {}
    assert store.sequence == before + 1
    b.execute("UPDATE t SET v = 20 WHERE k = 2")
    a.execute(STATEMENTS[case])  # undisturbed
    assert store.sequence == before + 3


@pytest.mark.parametrize("case", STATEMENTS)
def test_what_changes_elsewhere_meanwhile_is_no_matter(a, b, store, case) -> None:
    interferes(a, b, "INSERT INTO kv VALUES ('elsewhere', 1)")
    before = store.sequence
    a.execute(STATEMENTS[case])
    assert store["elsewhere"] == 1 and store.sequence == before + 2


def test_a_statement_sees_neither_what_it_does_nor_what_others_do(a, b) -> None:
    interferes(a, b, "INSERT INTO u VALUES (1, 99)")
    a.execute("BEGIN")
    a.execute("INSERT INTO t SELECT interfere(k) + 10, (SELECT total(v) FROM u) FROM t")
    assert rows(a) == {1: 10, 2: 20, 3: 30, 11: 0, 12: 0, 13: 0}
    assert rows(a, "u") == {} and rows(b, "u") == {1: 99}
    refused(a)
    a.execute("ROLLBACK")


def test_moved_keys_are_moved_once(a, b) -> None:
    a.execute("UPDATE t SET k = k * 10")
    a.execute("BEGIN")
    b.execute("INSERT INTO u VALUES (1, 1)")
    a.execute("UPDATE t SET k = k + 1")
    b.execute("INSERT INTO u VALUES (2, 2)")
    a.execute("UPDATE t SET k = k + 1 WHERE k > 11")
    a.execute("COMMIT")
    assert rows(a) == {11: 10, 22: 20, 32: 30}


def test_in_a_transaction_such_a_change_is_told_at_its_end(a, b, store) -> None:
    done = interferes(a, b, "UPDATE t SET v = 0 WHERE k = 2")
    a.execute("BEGIN")
    a.execute("UPDATE t SET v = interfere(v) + 1")
    assert done and rows(a) == {1: 11, 2: 21, 3: 31}
    refused(a)
    a.execute("ROLLBACK")
    assert rows(a) == rows(b) == {1: 10, 2: 0, 3: 30}


def test_an_open_cursor_keeps_the_snapshot_of_its_statement(a, b) -> None:
    slow = iter(a.execute("SELECT k, v FROM t"))
    assert next(slow) == (1, 10)
    b.execute("UPDATE t SET v = v + 1")
    assert list(slow) == [(2, 20), (3, 30)]
    assert rows(a) == {1: 11, 2: 21, 3: 31}
    a.execute("UPDATE t SET v = v + 1")
    assert rows(b) == {1: 12, 2: 22, 3: 32}


def test_a_transaction_that_sqlite_has_rolled_back_is_over_here_too(a, b, store) -> None:
    a.execute("CREATE TABLE main.one(k PRIMARY KEY)")
    a.execute("INSERT INTO one VALUES (1)")
    for sql in ("SELECT v FROM t", "UPDATE t SET v = 99"):
        a.execute("BEGIN")
        a.execute(sql).fetchall()
        with pytest.raises(apsw.ConstraintError):
            a.execute("INSERT OR ROLLBACK INTO one VALUES (1)")
        assert not a.in_transaction and store.core.snapshots.active() == ()
        b.execute("UPDATE t SET v = v + 1 WHERE k = 1")
        assert rows(a) == rows(b)
    assert rows(b) == {1: 12, 2: 20, 3: 30}


def test_a_statement_beside_an_open_cursor_sees_the_present(a, b) -> None:
    slow = iter(a.execute("SELECT k, v FROM t"))
    assert next(slow) == (1, 10)
    b.execute("INSERT INTO t VALUES (4, 40)")
    b.execute("UPDATE t SET v = 11 WHERE k = 1")
    with pytest.raises(apsw.ConstraintError, match="UNIQUE constraint failed"):
        a.execute("INSERT INTO t VALUES (4, 44)")
    a.execute("INSERT INTO t(v) VALUES (50)")
    a.execute("UPDATE t SET v = v + 1 WHERE k = 1")
    a.execute("INSERT OR IGNORE INTO t VALUES (4, 0)")
    assert rows(a) == rows(b) == {1: 12, 2: 20, 3: 30, 4: 40, 5: 50}
    assert list(slow) == [(2, 20), (3, 30)]


def test_a_connection_closed_in_a_transaction_lets_go_of_its_snapshot(connect, store) -> None:
    for sql in ("DELETE FROM t", "SELECT count(*) FROM t"):
        own = connect()
        own.execute("BEGIN")
        own.execute(sql).fetchall()
        own.close()
        assert store.core.snapshots.active() == ()
