"""What a connection of lsmsql does that sqlite3's does not, or otherwise."""

from __future__ import annotations

import apsw.ext
import pytest

import lsmsql
from tests.dbapi.conftest import FAST

POINT = "SELECT value FROM kv WHERE key = ?"


def test_a_repeated_statement_is_prepared_once(ours, monkeypatch):
    prepared: list[str] = []
    query_info = apsw.ext.query_info

    def counting(connection, text):
        prepared.append(text)
        return query_info(connection, text)

    monkeypatch.setattr(apsw.ext, "query_info", counting)
    cursor = ours.cursor()
    cursor.execute(POINT, (1,)).fetchone()
    before = ours._link.raw.cache_stats()
    for key in range(20):
        cursor.execute(POINT, (key,)).fetchone()
        ours.execute(POINT, (key,)).fetchone()
    after = ours._link.raw.cache_stats()
    assert prepared == [POINT]
    assert after["hits"] - before["hits"] == 40
    assert after["misses"] == before["misses"]


def test_the_statements_that_are_known_are_bounded(path):
    connection = lsmsql.connect(path, cached_statements=2, **FAST)
    for number in range(50):
        assert connection.execute(f"SELECT {number}").fetchone() == (number,)
    assert len(connection._link.statements) <= 8
    connection.close()
    connection = lsmsql.connect(path, cached_statements=0, **FAST)
    assert connection.execute("SELECT 1").fetchall() == [(1,)]
    connection.close()


def test_fetching_without_rows_is_an_error(ours):
    cursor = ours.cursor()
    for sql in (None, "INSERT INTO t(id) VALUES (1)", "CREATE TEMP TABLE u(a)", ""):
        if sql is not None:
            cursor.execute(sql)
        for fetch in (cursor.fetchone, cursor.fetchmany, cursor.fetchall, lambda: next(cursor)):
            with pytest.raises(lsmsql.ProgrammingError, match="there are no rows to fetch"):
                fetch()


def test_fetchmany_takes_a_number_of_rows(ours):
    cursor = ours.execute("VALUES (1), (2)")
    assert cursor.fetchmany(0) == []
    with pytest.raises(lsmsql.ProgrammingError, match="at least 0, not -1"):
        cursor.fetchmany(-1)
    assert cursor.fetchmany(5) == [(1,), (2,)]


def test_an_error_in_a_later_row_ends_the_rows(ours):
    cursor = ours.execute("SELECT abs(column1) FROM (VALUES (1), (2), (-9223372036854775808))")
    assert cursor.fetchone() == (1,)
    with pytest.raises(lsmsql.OperationalError, match="integer overflow"):
        cursor.fetchall()
    assert cursor.fetchall() == []


def test_insert_with_a_common_table_expression_begins_a_transaction(ours):
    cursor = ours.execute("WITH x(a) AS (VALUES (1), (2)) INSERT INTO t(id) SELECT a FROM x")
    assert (cursor.rowcount, ours.in_transaction) == (2, True)
    assert ours.execute("EXPLAIN DELETE FROM t").description is not None


def test_the_dump_builds_the_store_again(ours, tmp_path):
    ours.execute("INSERT INTO kv VALUES ('a', x'00ff'), (1, 2.5)")
    ours.execute("INSERT INTO t VALUES (1, 'it''s'), (2, NULL)")
    ours.commit()
    ours.execute("CREATE UNIQUE INDEX i ON t(name)")
    ours.execute("CREATE VIEW v AS SELECT name FROM t WHERE id = 1")
    copy = lsmsql.connect(str(tmp_path / "copy"), **FAST)
    copy.executescript("\n".join(ours.iterdump()))
    for table in ("kv", "t", "v"):
        sql = f"SELECT * FROM {table}"
        assert copy.execute(sql).fetchall() == ours.execute(sql).fetchall()
    with pytest.raises(lsmsql.IntegrityError, match="UNIQUE"):
        copy.execute("INSERT INTO t(name) VALUES ('it''s')")
    copy.close()


def test_a_backup_is_a_store(ours, tmp_path):
    ours.execute("INSERT INTO t VALUES (1, 'a')")
    ours.commit()
    report = ours.backup(str(tmp_path / "backup"))
    assert report.path == str(tmp_path / "backup")
    copy = lsmsql.connect(report.path, mode="r")
    assert copy.execute("SELECT * FROM t").fetchall() == [(1, "a")]
    copy.close()
    with pytest.raises(lsmsql.ProgrammingError):
        ours.backup(str(tmp_path))


def test_the_trace_sees_tables_that_are_made(ours):
    seen: list[str] = []
    ours.set_trace_callback(seen.append)
    ours.execute("CREATE TABLE u(id INTEGER PRIMARY KEY)")
    assert seen == ["CREATE TABLE u(id INTEGER PRIMARY KEY)"]
    ours.set_trace_callback(lambda sql: 1 / 0)
    assert ours.execute("SELECT 1").fetchall() == [(1,)]


def test_a_traced_begin_immediate_takes_the_writers_place(path):
    connection = lsmsql.connect(path, timeout=0, **FAST)
    connection.set_trace_callback(lambda sql: None)
    connection.execute("BEGIN IMMEDIATE")
    other = lsmsql.connect(path, isolation_level="IMMEDIATE")
    with pytest.raises(lsmsql.OperationalError) as caught:
        other.execute("INSERT INTO kv VALUES (1, 2)")
    assert isinstance(caught.value, lsmsql.BusyError)
    connection.rollback()
    assert other.execute("INSERT INTO kv VALUES (1, 2)").rowcount == 1
    other.close()
    connection.close()


def test_connections_and_rows_show_what_they_are(ours, path):
    assert repr(ours) == f"<lsmsql connection {path!r} (rw)>"
    ours.row_factory = lsmsql.Row
    assert repr(ours.execute("SELECT 1 AS a, 'x' AS b").fetchone()) == "<lsmsql.Row a=1, b='x'>"
    with pytest.raises(IndexError, match="'c'; the row has a, b"):
        ours.execute("SELECT 1 AS a, 'x' AS b").fetchone()["c"]


def test_a_collation_that_fails_fails_the_statement(ours):
    ours.create_collation("broken", lambda a, b: 1 / 0)
    with pytest.raises(lsmsql.OperationalError, match="user-defined collation raised exception"):
        ours.execute(
            "SELECT 1 FROM (VALUES ('a'), ('b')) ORDER BY column1 COLLATE broken"
        ).fetchall()


def test_a_query_plan_names_key_and_range(ours):
    ((*_, detail),) = ours.execute("EXPLAIN QUERY PLAN SELECT name FROM t WHERE id > 3").fetchall()
    assert "SEARCH t BY PRIMARY KEY (id>?)" in detail


def test_the_version_of_sqlite_is_that_which_runs(ours):
    assert ours.execute("SELECT sqlite_version()").fetchone() == (lsmsql.sqlite_version,)
    assert lsmsql.sqlite_version_info >= (3, 46)
    assert all(isinstance(part, int) for part in lsmsql.sqlite_version_info)


def test_double_quotes_are_for_names(ours):
    with pytest.raises(lsmsql.OperationalError, match="no such column"):
        ours.execute('SELECT "not a column"')
