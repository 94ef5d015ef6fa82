"""Indexes that do not agree with their tables are found, row by row."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

import lsmsql
from lsmsql.engine.indexes import IndexEntries
from lsmsql.engine.rows import RowCodec
from lsmsql.engine.schema import TableSchema
from lsmsql.engine.values import Row, Value

SOME = [[n, f"b{n % 3}", n / 2 if n % 2 else n] for n in range(1, 30)]


@pytest.fixture
def store(tmp_path: Path) -> Iterator[lsmsql.Store]:
    with lsmsql.open(tmp_path / "store", background=False, block_rows=8) as opened:
        connection = opened.connect()
        connection.execute("CREATE TABLE t(a INTEGER PRIMARY KEY, b TEXT UNIQUE, c)")
        for index in ("c ON t(c)", "partial ON t(c) WHERE b > 'b2'", "computed ON t(b || '!')"):
            connection.execute(f"CREATE INDEX {index}")
        connection.executemany(
            "INSERT INTO t VALUES (?, ?, ?)", [[n, f"b{n}", c] for n, _, c in SOME]
        )
        connection.commit()
        connection.close()
        opened.flush()
        yield opened


def index_of(store: lsmsql.Store, name: str) -> TableSchema:
    found = store.catalog.named(name)
    assert isinstance(found, TableSchema)
    return found


def write_unseen(store: lsmsql.Store, table_id: int, key: bytes, row: Row | None) -> None:
    """Past all that keeps indexes up."""
    with store.transaction() as transaction:
        transaction.set_record(table_id, key, row)


def entry_of(index: TableSchema, table: TableSchema, row: list[Value]) -> bytes:
    entries = IndexEntries(index, table)
    return entries.entry(entries.terms(row), RowCodec(table).encode_key(row[0]), row)[0]


def told(store: lsmsql.Store) -> list[str]:
    inside = list(map(str, store.verify().errors))
    assert list(map(str, lsmsql.verify(store.path).errors)) == inside
    return inside


def test_those_that_agree_are_passed(store: lsmsql.Store) -> None:
    assert told(store) == []


def test_a_row_without_an_entry_is_named(store: lsmsql.Store) -> None:
    table, index = store.table("t"), index_of(store, "sqlite_autoindex_t_1")
    entry = entry_of(index, table.schema, [7, "b7", 3.5])
    write_unseen(store, index.id, entry, None)
    assert told(store) == ["error: index sqlite_autoindex_t_1 (table t): row 7 is missing"]
    assert store.verify("checksums").ok
    assert store.verify(table="kv").ok


def test_an_entry_without_a_row_is_named(store: lsmsql.Store) -> None:
    rows = RowCodec(store.table("t").schema)
    write_unseen(store, rows.schema.id, rows.encode_key(5), None)
    assert told(store) == [
        "error: index sqlite_autoindex_t_1 (table t): entry 'b5', 5 is not that of a row",
        "error: index c (table t): entry 2.5, 5 is not that of a row",
        "error: index partial (table t): an entry leads to row 5, which is not there",
        "error: index computed (table t): an entry leads to row 5, which is not there",
    ]


def test_a_row_that_was_changed_behind_its_index_is_named(store: lsmsql.Store) -> None:
    rows = RowCodec(store.table("t").schema)
    write_unseen(store, rows.schema.id, *rows.encode_row([6, "b6", 6.0]))  # it was the INTEGER 6
    assert told(store) == [
        "error: index c (table t): row 6 is missing",
        "error: index c (table t): entry 6, 6 is not that of a row",
    ]


def test_integrity_check_computes_what_only_sql_can_tell(store: lsmsql.Store) -> None:
    rows = RowCodec(store.table("t").schema)
    connection = store.connect()
    assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
    key, payload = rows.encode_row([8, "zz", 8])
    write_unseen(store, rows.schema.id, key, payload)
    unique = index_of(store, "sqlite_autoindex_t_1")
    write_unseen(store, unique.id, entry_of(unique, rows.schema, [8, "zz", 8]), ())
    write_unseen(store, unique.id, entry_of(unique, rows.schema, [8, "b8", 8]), None)
    assert told(store) == []
    ((found,),) = connection.execute("PRAGMA integrity_check(t)").fetchall()
    assert found.splitlines() == [
        "error: index computed (table t): row 8 is missing",
        "error: index computed (table t): entry 'b8!', 8 is not that of a row",
    ]
    assert connection.execute("PRAGMA quick_check(t)").fetchall() == [("ok",)]
    connection.close()
