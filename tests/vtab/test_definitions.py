"""CREATE TABLE and DROP TABLE as parts of SQL transactions."""

from __future__ import annotations

import apsw
import pytest

import lsmsql
import vtab
from lsmsql.engine.store import Store, open_store

T = "CREATE VIRTUAL TABLE temp.t USING lsm(k INTEGER PRIMARY KEY, v)"


def names(store: Store) -> list[str]:
    return [schema.name for schema in store.tables()]


def rows(connection: apsw.Connection, table: str = "t") -> list[object]:
    return [key for (key,) in connection.execute(f"SELECT k FROM {table}")]


def test_definitions_and_rows_of_several_tables_are_one_commit(
    store: Store, connection: apsw.Connection
) -> None:
    connection.execute("CREATE VIRTUAL TABLE temp.old USING lsm(k TEXT PRIMARY KEY)")
    connection.execute("INSERT INTO old VALUES ('x')")
    before = store.sequence
    with connection:
        connection.execute(T)
        connection.execute("INSERT INTO t(v) VALUES (1), (2)")
        connection.execute("INSERT INTO kv VALUES ('a', 1)")
        connection.execute("DROP TABLE old")
        assert rows(connection) == [1, 2]
        assert names(store) == ["kv", "old"]
    assert store.sequence == before + 1
    assert names(store) == ["kv", "t"]
    with open_store(store.path, "r") as reader:
        assert names(reader) == ["kv", "t"] and len(reader.table("t")) == 2


def test_a_rollback_takes_them_back(store: Store, connection: apsw.Connection) -> None:
    connection.execute(T)
    connection.execute("INSERT INTO t VALUES (7, 'kept')")
    before = store.sequence
    connection.execute("BEGIN")
    connection.execute("DROP TABLE t")
    connection.execute("CREATE VIRTUAL TABLE temp.t USING lsm(k TEXT PRIMARY KEY, other)")
    connection.execute("INSERT INTO t VALUES ('new', 1)")
    connection.execute("CREATE VIRTUAL TABLE temp.u USING lsm(k TEXT PRIMARY KEY)")
    connection.execute("ROLLBACK")
    assert connection.execute("SELECT * FROM t").fetchall() == [(7, "kept")]
    with pytest.raises(apsw.SQLError, match="no such table: u"):
        connection.execute("SELECT * FROM u")
    assert store.sequence == before and names(store) == ["kv", "t"]
    connection.execute("DROP TABLE t")
    connection.execute(T)
    assert rows(connection) == []


def test_the_plans_of_a_table_that_was_rolled_back_are_not_those_of_the_next(
    store: Store, connection: apsw.Connection
) -> None:
    for columns, row, key in [
        ("k INTEGER PRIMARY KEY, v", (1, "a"), 1),
        ("v TEXT PRIMARY KEY, k", ("b", 2), 2),
        ("v, w, k REAL PRIMARY KEY", ("c", 7, 3.5), 3.5),
    ]:
        connection.execute("BEGIN")
        connection.execute(f"CREATE VIRTUAL TABLE temp.t USING lsm({columns})")
        connection.execute(f"INSERT INTO t VALUES ({', '.join('?' * len(row))})", row)
        assert connection.execute("SELECT * FROM t").fetchall() == [row]
        assert connection.execute("SELECT * FROM t WHERE k = ?", [key]).fetchall() == [row]
        connection.execute("ROLLBACK")


def test_savepoints_take_them_back(store: Store, connection: apsw.Connection) -> None:
    connection.execute(T)
    connection.execute("INSERT INTO t VALUES (1, 0)")
    connection.execute("SAVEPOINT a")
    connection.execute("DROP TABLE t")
    connection.execute("ROLLBACK TO a")
    assert rows(connection) == [1]
    connection.execute("CREATE VIRTUAL TABLE temp.u USING lsm(k INTEGER PRIMARY KEY)")
    connection.execute("INSERT INTO u VALUES (5)")
    connection.execute("SAVEPOINT b")
    connection.execute("DROP TABLE u")
    connection.execute("INSERT INTO t VALUES (2, 0)")
    connection.execute("CREATE VIRTUAL TABLE temp.v USING lsm(k INTEGER PRIMARY KEY)")
    connection.execute("ROLLBACK TO b")
    assert rows(connection, "u") == [5] and rows(connection) == [1]
    connection.execute("RELEASE a")
    assert names(store) == ["kv", "t", "u"] and len(store.table("u")) == 1


def test_a_statement_that_fails_takes_none_of_them_along(
    store: Store, connection: apsw.Connection
) -> None:
    def fail(*values: object) -> object:
        raise ArithmeticError

    connection.create_scalar_function("fail", fail)
    connection.execute("BEGIN")
    connection.execute("INSERT INTO kv VALUES ('a', 1)")
    with pytest.raises(ArithmeticError):
        connection.execute("INSERT INTO kv SELECT 'b', 1 UNION ALL SELECT 'c', fail(1)")
    connection.execute(T)
    connection.execute("INSERT INTO t VALUES (1, 0), (2, 0)")
    connection.execute("COMMIT")
    assert names(store) == ["kv", "t"] and len(store.table("t")) == 2
    assert list(store) == ["a"]


def test_who_creates_or_uses_what_another_drops_is_told(
    store: Store, connection: apsw.Connection
) -> None:
    connection.execute(T)
    other = apsw.Connection(":memory:")
    vtab.register(other, store)
    for sql in ("INSERT INTO t VALUES (1, 0)", "DROP TABLE t", T.replace("temp.t", "temp.u")):
        connection.execute("BEGIN")
        connection.execute(sql)
        with other:
            other.execute("CREATE VIRTUAL TABLE temp.made USING lsm(k INTEGER PRIMARY KEY)")
            if "DROP" not in sql:
                other.execute("DROP TABLE t")
        with pytest.raises(apsw.BusyError, match="the definition of a table"):
            connection.execute("COMMIT")
        connection.execute("ROLLBACK")
        other.execute("DROP TABLE made")
        if "DROP" not in sql:
            other.execute(T)
        vtab.register(connection, store)
    other.close()
    assert names(store) == ["kv", "t"]


def test_a_table_is_detached_without_harm_when_its_definition_looks_different(
    store: Store, connection: apsw.Connection
) -> None:
    binding = vtab.register(connection, store)
    table = store.create_table("t", {"k": "INTEGER", "v": "ANY"}, "k")
    table.put([1, 2])
    binding.refresh()
    store.drop_table("t")
    store.create_table("t", {"k": "TEXT", "w": "ANY"}, "k").put(["x", 3])
    binding.refresh()
    assert connection.execute("SELECT * FROM t").fetchall() == [("x", 3)]
    connection.execute("BEGIN")
    connection.execute("CREATE VIRTUAL TABLE temp.u USING lsm(k INTEGER PRIMARY KEY)")
    binding.refresh()
    connection.execute("COMMIT")
    assert names(store) == ["kv", "t", "u"]


def test_nothing_is_defined_in_a_store_open_for_reading(store: Store) -> None:
    store.create_table("t", {"k": "INTEGER"}, "k")
    with open_store(store.path, "r") as reader:
        connection = apsw.Connection(":memory:")
        vtab.register(connection, reader)
        for sql in (T.replace("temp.t", "temp.u"), "DROP TABLE t"):
            with pytest.raises(apsw.ReadOnlyError) as caught:
                connection.execute(sql)
            assert isinstance(caught.value, lsmsql.ReadOnlyError)
        assert connection.execute("SELECT count(*) FROM t").get == 0
        connection.close()
