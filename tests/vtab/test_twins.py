"""The empty tables of SQLite's own beside those of the store."""

from __future__ import annotations

import apsw
import pytest

import vtab
from lsmsql.engine.store import Store


@pytest.mark.parametrize(
    "sql",
    [
        "create table t(id integer primary key, name)",
        "Create Table If Not Exists main.T(id INTEGER PRIMARY KEY,  name TEXT);",
        'CREATE TABLE "t"(id INTEGER PRIMARY KEY) -- a comment',
        "create  unique\tindex if  not exists i on base(a)",
        "create view v as select 1",
    ],
)
def test_what_is_there_is_left_alone_when_something_else_is_defined(store: Store, sql: str) -> None:
    connection = apsw.Connection(":memory:")
    binding = vtab.register(connection, store, owned=True)
    binding.define("CREATE TABLE base(a)")
    binding.define(sql)
    before = connection.execute("SELECT * FROM main.sqlite_schema").fetchall()
    seen: list[str] = []
    connection.trace_v2(apsw.SQLITE_TRACE_STMT, lambda event: seen.append(event["sql"]), id=1)
    binding.define("CREATE TABLE another(id INTEGER PRIMARY KEY)")
    connection.trace_v2(0, None, id=1)
    assert [statement for statement in seen if statement.startswith("DROP")] == []
    after = connection.execute("SELECT * FROM main.sqlite_schema").fetchall()
    assert after[: len(before)] == before
    connection.close()


def test_tables_are_defined_while_others_are_read(store: Store) -> None:
    connection = apsw.Connection(":memory:")
    binding = vtab.register(connection, store, owned=True)
    binding.define("create table t(id integer primary key)")
    rows = connection.execute("INSERT INTO t VALUES (1), (2), (3); SELECT id FROM t")
    assert next(rows) == (1,)
    for sql in ("create table u(a)", "create view v as select * from t", "create index i on u(a)"):
        assert binding.define(sql)
    assert list(rows) == [(2,), (3,)]
    connection.close()


def test_tables_of_sqlite_itself_are_left_alone(store: Store) -> None:
    connection = apsw.Connection(":memory:")
    binding = vtab.register(connection, store, owned=True)
    binding.define("CREATE TABLE a(id INTEGER PRIMARY KEY AUTOINCREMENT)")
    binding.define("CREATE TABLE b(x)")
    binding.define("DROP TABLE a")
    names = connection.execute("SELECT name FROM main.sqlite_schema WHERE sql NOT NULL ORDER BY 1")
    assert names.fetchall() == [("b",), ("kv",), ("sqlite_sequence",)]
    connection.close()
