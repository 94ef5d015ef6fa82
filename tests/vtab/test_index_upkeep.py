"""Indexes follow their tables, whatever is defined in between."""

from __future__ import annotations

import pytest

from lsmsql.engine.store import Store


@pytest.fixture
def run(store: Store):
    """Runs SQL in a connection in autocommit mode, and gives the rows."""
    connection = store.connect(isolation_level=None)

    def rows(sql: str, *values: object) -> list[tuple[object, ...]]:
        cursor = connection.execute(sql, values)
        return [] if cursor.description is None else cursor.fetchall()

    yield rows
    connection.close()


def test_rows_written_after_an_index_was_created_in_their_transaction(run) -> None:
    run("CREATE TABLE t(a PRIMARY KEY, e)")
    run("INSERT INTO t VALUES (1, 2)")
    run("BEGIN")
    run("DELETE FROM t WHERE a = 77")
    run("CREATE INDEX i ON t(e)")
    run("INSERT INTO t VALUES (8, 9)")
    assert run("SELECT e FROM t WHERE e > 0 ORDER BY e") == [(2,), (9,)]
    run("COMMIT")
    assert run("SELECT e FROM t WHERE e > 0 ORDER BY e") == [(2,), (9,)]


def test_an_index_that_was_taken_back_is_not_kept_up(run) -> None:
    run("CREATE TABLE t(a PRIMARY KEY, e)")
    run("BEGIN")
    run("INSERT INTO t VALUES (1, 2)")
    run("SAVEPOINT s")
    run("CREATE UNIQUE INDEX i ON t(e)")
    run("ROLLBACK TO s")
    run("INSERT INTO t VALUES (2, 2)")
    run("COMMIT")
    assert run("SELECT a FROM t WHERE e = 2 ORDER BY a") == [(1,), (2,)]
