"""Tables of a store come into a connection, and go, without touching anything else."""

from __future__ import annotations

import gc
import weakref
from pathlib import Path
from typing import Any

import apsw
import pytest

import vtab
from lsmsql.engine.errors import (
    ClosedError,
    NoSuchTableError,
    ReadOnlyError,
    SchemaError,
    UsageError,
)
from lsmsql.engine.store import Store, open_store


def names(connection: apsw.Connection) -> list[str]:
    rows = connection.execute("SELECT name FROM temp.sqlite_schema ORDER BY name")
    return [str(name) for (name,) in rows]


def test_every_table_is_there(store: Store, connection: apsw.Connection) -> None:
    store.create_table("odd \" 'name", {"k": "TEXT"}, "k")
    vtab.register(connection, store)
    assert names(connection) == ["kv", "odd \" 'name"]
    assert connection.execute("SELECT count(*) FROM kv").fetchall() == [(0,)]
    assert connection.execute('SELECT * FROM "odd "" \'name"').fetchall() == []


def test_the_users_own_database_stays_as_it_was(store: Store, tmp_path: Path) -> None:
    file = str(tmp_path / "own.db")
    connection = apsw.Connection(file)
    connection.execute("CREATE TABLE kv(mine)")
    vtab.register(connection, store)
    connection.execute("INSERT INTO kv VALUES (1, 2)")
    assert connection.execute("SELECT * FROM main.kv").fetchall() == []
    connection.close()
    again = apsw.Connection(file)
    assert again.execute("SELECT name FROM sqlite_schema").fetchall() == [("kv",)]
    again.close()


def test_registering_again_is_harmless_another_store_is_an_error(
    store: Store, connection: apsw.Connection, tmp_path: Path
) -> None:
    assert vtab.register(connection, store) is vtab.register(connection, store)
    with (
        open_store(str(tmp_path / "other")) as other,
        pytest.raises(UsageError, match="open another connection"),
    ):
        vtab.register(connection, other)


def test_refresh_follows_the_store(store: Store, connection: apsw.Connection) -> None:
    binding = vtab.register(connection, store)
    store.create_table("t", {"k": "INTEGER", "v": "TEXT"}, "k")
    store.create_table("gone", {"k": "INTEGER"}, "k")
    binding.refresh()
    assert names(connection) == ["gone", "kv", "t"]
    store.drop_table("gone")
    store.drop_table("t")
    store.create_table("t", {"other": "BLOB"}, "other")
    binding.refresh()
    assert names(connection) == ["kv", "t"]
    rows = connection.execute("PRAGMA table_info(t)").fetchall()
    assert [row[1] for row in rows] == ["other"]


def test_a_temporary_table_of_the_same_name_is_an_error(store: Store) -> None:
    connection = apsw.Connection(":memory:")
    connection.execute("CREATE TEMP TABLE kv(a)")
    with pytest.raises(SchemaError, match="kv of the store cannot be shown"):
        vtab.register(connection, store)


def test_create_and_drop_through_sql(store: Store, connection: apsw.Connection) -> None:
    connection.execute("CREATE VIRTUAL TABLE temp.t USING lsm(id INTEGER PRIMARY KEY, v TEXT)")
    assert store.table("t").columns == ("id", "v")
    with pytest.raises(SchemaError, match="already exists"):
        connection.execute("CREATE VIRTUAL TABLE main.t USING lsm(id INTEGER PRIMARY KEY)")
    connection.execute("DROP TABLE t")
    with pytest.raises(NoSuchTableError):
        store.table("t")
    with pytest.raises(SchemaError, match="cannot be dropped"):
        connection.execute("DROP TABLE kv")
    assert connection.execute("SELECT count(*) FROM kv").fetchall() == [(0,)]


def test_attaching_what_is_not_there_lists_what_is(connection: apsw.Connection) -> None:
    with pytest.raises(NoSuchTableError, match="no such table: x; the store has kv"):
        connection.execute("CREATE VIRTUAL TABLE temp.x USING lsm")


def test_renaming_is_refused(connection: apsw.Connection) -> None:
    with pytest.raises(SchemaError, match="cannot be renamed"):
        connection.execute("ALTER TABLE kv RENAME TO other")
    assert connection.execute("SELECT count(*) FROM kv").fetchall() == [(0,)]


def test_a_table_in_a_database_file_is_attached_when_the_file_is_opened_again(
    store: Store, tmp_path: Path
) -> None:
    file = str(tmp_path / "own.db")
    connection = apsw.Connection(file)
    vtab.register(connection, store)
    connection.execute("CREATE VIRTUAL TABLE main.t USING lsm(k TEXT PRIMARY KEY)")
    connection.execute("INSERT INTO main.t VALUES ('a')")
    connection.close()
    again = apsw.Connection(file)
    vtab.register(again, store)
    assert again.execute("SELECT * FROM main.t").fetchall() == [("a",)]
    again.close()


def test_a_table_that_was_dropped_elsewhere_is_no_empty_table(
    store: Store, connection: apsw.Connection
) -> None:
    connection.execute("CREATE VIRTUAL TABLE temp.t USING lsm(k TEXT PRIMARY KEY)")
    store.drop_table("t")
    with pytest.raises(NoSuchTableError, match="has been dropped"):
        connection.execute("SELECT * FROM t").fetchall()


def test_detaching_a_table_leaves_the_one_that_has_its_name_now(
    store: Store, connection: apsw.Connection
) -> None:
    connection.execute("CREATE VIRTUAL TABLE temp.t USING lsm(k TEXT PRIMARY KEY)")
    store.drop_table("t")
    store.create_table("t", {"a": "INTEGER", "b": "TEXT"}, "a").put([1, "kept"])
    with pytest.raises(NoSuchTableError):  # SQLite forgets what it has connected
        connection.execute("CREATE VIRTUAL TABLE temp.x USING lsm")
    vtab.register(connection, store)
    assert connection.execute("SELECT * FROM t").fetchall() == [(1, "kept")]


def test_how_tables_look_to_sqlite(store: Store, connection: apsw.Connection) -> None:
    store.create_table("pair", {"a": "TEXT", "_pk": "ANY", "v": "REAL"}, ["_pk", "a"])
    store.create_table("one", {"id": "INTEGER", "v": "ANY"}, "id")
    vtab.register(connection, store)
    info = connection.execute("PRAGMA table_info(kv)").fetchall()
    assert info == [(0, "key", "ANY", 1, None, 1), (1, "value", "ANY", 0, None, 0)]
    info = connection.execute("PRAGMA table_info(one)").fetchall()
    assert info == [(0, "id", "INTEGER", 1, None, 1), (1, "v", "ANY", 0, None, 0)]
    connection.execute("INSERT INTO pair VALUES ('a', 1, 2)")
    assert connection.execute("SELECT * FROM pair").fetchall() == [("a", 1, 2.0)]


def test_a_store_that_is_read_only(store: Store, path: str) -> None:
    store.put("k", 1)
    store.create_table("t", {"k": "TEXT"}, "k")
    store.close()
    with open_store(path, "r") as reader:
        connection = apsw.Connection(":memory:")
        vtab.register(connection, reader)
        assert connection.execute("SELECT * FROM kv").fetchall() == [("k", 1)]
        for sql in (
            "INSERT INTO kv VALUES (1, 2)",
            "DELETE FROM kv",
            "DROP TABLE t",
            "CREATE VIRTUAL TABLE temp.u USING lsm(k TEXT PRIMARY KEY)",
        ):
            with pytest.raises(apsw.ReadOnlyError, match="opened with mode") as caught:
                connection.execute(sql)
            assert isinstance(caught.value, ReadOnlyError)
        assert connection.execute("SELECT * FROM t").fetchall() == []
        connection.close()


def test_a_store_that_is_closed(store: Store, connection: apsw.Connection) -> None:
    store.kv.put_value(1, 1)
    rows = connection.execute("SELECT a.key FROM kv AS a, kv AS b")
    store.close()
    with pytest.raises(ClosedError):
        connection.execute("SELECT * FROM kv").fetchall()
    with pytest.raises(ClosedError):
        connection.execute("INSERT INTO kv VALUES (1, 2)")
    with pytest.raises(ClosedError):
        vtab.register(apsw.Connection(":memory:"), store)
    rows.close(True)


def test_a_connection_may_be_closed_before_or_after_the_store(store: Store) -> None:
    before, after = apsw.Connection(":memory:"), apsw.Connection(":memory:")
    for connection in (before, after):
        binding = vtab.register(connection, store)
        connection.execute("SELECT * FROM kv").fetchall()
    before.close()
    assert after.execute("SELECT * FROM kv").fetchall() == []
    store.close()
    after.close()
    with pytest.raises((apsw.ConnectionClosedError, ClosedError)):
        binding.refresh()


def test_nothing_keeps_connection_and_store_alive(path: str) -> None:
    store = open_store(path, sync="off")
    connection = apsw.Connection(":memory:")
    binding = vtab.register(connection, store)
    connection.execute("BEGIN")
    connection.execute("SELECT * FROM kv").fetchall()
    connection.execute("COMMIT")
    gone: list[weakref.ref[Any]] = [weakref.ref(o) for o in (connection, binding, store)]
    del connection, binding
    store.close()
    del store
    gc.collect()
    assert [reference() for reference in gone] == [None, None, None]
