"""Indexes follow their tables, whatever is defined in between."""

from __future__ import annotations

import pytest

from lsmsql.engine.errors import ConstraintError, LimitError
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


def test_a_row_with_an_entry_that_is_too_long_leaves_no_other_entries(run) -> None:
    run("CREATE TABLE t(a INTEGER PRIMARY KEY, b, c)")
    run("CREATE INDEX one ON t(b)")
    run("CREATE INDEX two ON t(c)")
    run("INSERT INTO t VALUES (1, 'b', 'c')")
    run("BEGIN")
    with pytest.raises(LimitError, match="index two"):
        run("INSERT INTO t VALUES (2, 'new', ?)", "c" * 70_000)
    with pytest.raises(LimitError, match="index two"):
        run("UPDATE t SET b = 'new', c = ? WHERE a = 1", "c" * 70_000)
    run("COMMIT")
    assert run("SELECT a FROM t WHERE b = 'new'") == []
    assert run("SELECT a FROM t WHERE b = 'b' AND c = 'c'") == [(1,)]
    assert run("PRAGMA integrity_check") == [("ok",)]


@pytest.mark.parametrize(
    "change",
    ["k = 1.0", "b = 2.0", "c = 'other'", "b = 2.0, c = 'x'", "k = 7", "d = NULL", "c = c"],
)
def test_an_index_has_the_values_of_the_row_after_each_kind_of_change(run, change: str) -> None:
    """A key, or a term, that is 1 and becomes 1.0 is where it was, and yet another."""
    run("CREATE TABLE t(k PRIMARY KEY, b, c UNIQUE, d)")
    run("CREATE INDEX by_b ON t(b, d)")
    run("CREATE INDEX small ON t(d) WHERE b < 5")
    run("INSERT INTO t VALUES (1, 2, 'c', 1), (2, 3, 'd', 2)")
    run(f"UPDATE t SET {change} WHERE k = 1")
    rows = run("SELECT typeof(k), k, typeof(b), b, d FROM t ORDER BY +b")
    by_index = run("SELECT typeof(k), k, typeof(b), b, d FROM t WHERE b > 0 ORDER BY b")
    assert by_index == rows
    assert run("SELECT k FROM t WHERE c = 'c'") == run("SELECT k FROM t WHERE +c = 'c'")
    assert run("PRAGMA integrity_check") == [("ok",)]


def test_a_change_of_other_columns_leaves_the_entries_alone(run, store: Store) -> None:
    run("CREATE TABLE t(k INTEGER PRIMARY KEY, b UNIQUE, c)")
    run("INSERT INTO t VALUES (1, 'b', 0)")
    index = store.catalog.indexes[store.catalog.get("t").id][0].id
    before = sum(map(len, store.core.state.table(index).memtables))
    for number in range(5):
        run("UPDATE t SET c = ? WHERE k = 1", number)
    assert sum(map(len, store.core.state.table(index).memtables)) == before
    with pytest.raises(ConstraintError, match="UNIQUE"):
        run("INSERT INTO t VALUES (2, 'b', 0)")
