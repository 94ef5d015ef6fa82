"""``mode="r"`` holds for every statement there is: the store stays as it is, byte for byte."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest

import lsmsql
from tests.dbapi.conftest import FAST

WRITES = """
INSERT INTO t(name) VALUES ('x')
INSERT INTO t(name) SELECT 'x' WHERE 0
INSERT INTO main.t(name) VALUES ('x')
INSERT INTO temp.t(name) VALUES ('x')
INSERT INTO t DEFAULT VALUES
INSERT OR IGNORE INTO t(id) VALUES (1)
INSERT OR REPLACE INTO t(id) VALUES (1)
INSERT INTO t(id) VALUES (1) ON CONFLICT DO NOTHING
INSERT INTO t(id) VALUES (1) ON CONFLICT DO UPDATE SET n = 1
INSERT INTO t(id) VALUES (1) RETURNING id
REPLACE INTO kv VALUES (1, 2)
UPDATE t SET n = 1
UPDATE t SET n = 1 WHERE 0
UPDATE main.t SET n = 1
UPDATE t SET n = s.i FROM (SELECT 1 AS i) AS s RETURNING *
DELETE FROM t
DELETE FROM t WHERE 0
DELETE FROM main.t
DELETE FROM t RETURNING id
WITH x AS (SELECT 1) DELETE FROM t WHERE id IN x
CREATE TABLE x(a)
CREATE TABLE IF NOT EXISTS x(a)
CREATE TABLE main.x(a)
CREATE TABLE x AS SELECT 1 AS a
CREATE VIRTUAL TABLE x USING lsm(a)
CREATE VIRTUAL TABLE temp.x USING lsm(a)
CREATE INDEX x ON t(n)
CREATE UNIQUE INDEX IF NOT EXISTS x ON t(n)
CREATE VIEW x AS SELECT 1
ALTER TABLE t RENAME TO u
ALTER TABLE t RENAME COLUMN n TO m
ALTER TABLE t ADD COLUMN m
ALTER TABLE t DROP COLUMN n
DROP TABLE t
DROP TABLE main.t
DROP TABLE temp.t
DROP TABLE IF EXISTS t
DROP INDEX by_name
DROP INDEX main.by_name
DROP VIEW v
DROP VIEW main.v
REINDEX
REINDEX t
REINDEX by_name
BEGIN IMMEDIATE
BEGIN EXCLUSIVE
"""
REFUSED = """
CREATE TRIGGER x AFTER INSERT ON t BEGIN SELECT 1; END
VACUUM
VACUUM INTO '{folder}/x.db'
ATTACH '{folder}/x.db' AS x
ATTACH 'file:{folder}/x.db?mode=rwc' AS x
ATTACH ':memory:' AS x; CREATE TABLE x.a(b)
CREATE TABLE kv(a)
INSERT INTO sqlite_master VALUES (1, 2, 3, 4, 5)
"""
HARMLESS = """
SELECT * FROM v
EXPLAIN DELETE FROM t
EXPLAIN QUERY PLAN UPDATE t SET n = 1 WHERE id = 1
CREATE TABLE IF NOT EXISTS t(a)
DROP TABLE IF EXISTS x
BEGIN; SELECT * FROM t; COMMIT
BEGIN; SELECT * FROM t; ROLLBACK
SAVEPOINT a; SELECT * FROM t; ROLLBACK TO a; RELEASE a
ANALYZE
PRAGMA optimize
PRAGMA incremental_vacuum
PRAGMA wal_checkpoint
PRAGMA integrity_check
PRAGMA table_info(t)
CREATE TEMP TABLE x(a); INSERT INTO x SELECT id FROM t; UPDATE x SET a = 1; DROP TABLE x
CREATE TEMP VIEW x AS SELECT * FROM t
CREATE TEMP TABLE x AS SELECT * FROM t; CREATE INDEX temp.y ON x(n); REINDEX x; DELETE FROM x
"""


@pytest.fixture
def folder(tmp_path: Path, path: str) -> Path:
    """Where a store is, with a table, an index and a view; nobody has it open."""
    connection = lsmsql.connect(path, **FAST)
    connection.execute("CREATE TABLE t(id INTEGER PRIMARY KEY, name TEXT, n INT)")
    connection.execute("CREATE INDEX by_name ON t(name)")
    connection.execute("CREATE VIEW v AS SELECT id, upper(name) AS name FROM t")
    connection.executemany("INSERT INTO t VALUES (?, ?, 0)", [(i, f"n{i}") for i in range(10)])
    connection.commit()
    connection.close()
    return tmp_path


@pytest.fixture(params=[False, True], ids=["trusted", "untrusted"])
def reader(request, folder: Path, path: str) -> Iterator[lsmsql.Connection]:
    made = lsmsql.connect(path, mode="r", untrusted=request.param, isolation_level=None)
    yield made
    made.close()


def contents(folder: Path) -> dict[str, bytes]:
    """All files."""
    files = (path for path in folder.rglob("*") if path.is_file())
    return {str(path.relative_to(folder)): path.read_bytes() for path in files}


def statements(text: str) -> list[str]:
    return text.strip().splitlines()


def test_statements_that_write_are_refused(folder, reader):
    before, rows = contents(folder), list(reader.iterdump())
    for sql in statements(WRITES):
        with pytest.raises((lsmsql.ReadOnlyError, lsmsql.NotSupportedError)) as raised:
            reader.execute(sql)
        assert 'mode="r"' in str(raised.value) or "not allowed in an untrusted" in str(raised.value)
        assert not reader.in_transaction
    assert list(reader.iterdump()) == rows
    assert contents(folder) == before


def test_statements_that_write_are_refused_in_a_transaction(folder, reader):
    before, rows = contents(folder), list(reader.iterdump())
    for sql in statements(WRITES):
        reader.execute("BEGIN")
        reader.execute("SELECT * FROM t").fetchone()
        with pytest.raises(lsmsql.DatabaseError):
            reader.execute(sql)
        reader.rollback()
    assert list(reader.iterdump()) == rows
    assert contents(folder) == before


def test_nothing_comes_of_statements_that_would_write_elsewhere(folder, reader):
    before, rows = contents(folder), list(reader.iterdump())
    for sql in statements(REFUSED):
        with pytest.raises(lsmsql.DatabaseError):
            reader.executescript(sql.format(folder=folder))
    assert list(reader.iterdump()) == rows
    assert contents(folder) == before


@pytest.mark.parametrize("sql", statements(HARMLESS))
def test_all_else_leaves_the_store_alone(folder, path, sql):
    with lsmsql.connect(path, mode="r", isolation_level=None) as reader:
        before, rows = contents(folder), list(reader.iterdump())
        reader.executescript(sql)
        assert list(reader.iterdump()) == rows
        assert contents(folder) == before
    reader.close()


def test_a_view_with_a_trigger_cannot_be_written_through(folder, path):
    with lsmsql.connect(path, mode="r") as reader:
        reader.execute(
            "CREATE TEMP TRIGGER x INSTEAD OF INSERT ON v BEGIN INSERT INTO t(id) VALUES (99); END"
        )
        with pytest.raises(lsmsql.ReadOnlyError):
            reader.execute("INSERT INTO v VALUES (1, 'x')")
    reader.close()


def test_a_database_beside_can_be_read(folder, path):
    with sqlite3.connect(folder / "other.db") as other:
        other.execute("CREATE TABLE a AS SELECT 7 AS b")
    other.close()
    with lsmsql.connect(path, mode="r") as reader:
        reader.execute("ATTACH ? AS other", (str(folder / "other.db"),))
        assert reader.execute("SELECT b FROM other.a").fetchall() == [(7,)]
        with pytest.raises(lsmsql.OperationalError, match="readonly"):
            reader.execute("DELETE FROM other.a")
    reader.close()
