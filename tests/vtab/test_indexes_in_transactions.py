"""Indexes that come and go within a transaction, around rows that are written in it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import apsw
import pytest

import vtab
from lsmsql.engine.store import Store
from vtab.indexaccess import IndexAccess

Run = tuple[apsw.Connection, vtab.Binding]


@pytest.fixture(params=[False, True], ids=["beside", "owned"])
def run(store: Store, request: pytest.FixtureRequest) -> Iterator[Run]:
    connection = apsw.Connection(":memory:")
    binding = vtab.register(connection, store, owned=request.param)
    binding.define("CREATE TABLE t(a INTEGER PRIMARY KEY, b TEXT)")
    yield connection, binding
    connection.close()


def script(run: Run, *statements: str) -> None:
    connection, binding = run
    for sql in statements:
        if not binding.define(sql):
            connection.execute(sql)


def names(store: Store) -> list[str]:
    assert store.verify().errors == ()
    return [index.name for indexes in store.catalog.indexes.values() for index in indexes]


def found(run: Run) -> list[object]:
    return [a for (a,) in run[0].execute("SELECT a FROM t WHERE b = 'x' ORDER BY a")]


def test_rows_written_after_the_index_are_in_it(store: Store, run: Run) -> None:
    script(run, "BEGIN", "INSERT INTO t VALUES (1, 'x')", "CREATE INDEX i ON t(b)")
    script(run, "INSERT INTO t VALUES (2, 'x')", "UPDATE t SET b = 'y' WHERE a = 1")
    assert found(run) == [2]
    script(run, "COMMIT")
    assert names(store) == ["i"] and found(run) == [2]


def test_a_unique_index_is_enforced_from_its_creation_on(store: Store, run: Run) -> None:
    script(run, "BEGIN", "INSERT INTO t VALUES (1, 'x')", "CREATE UNIQUE INDEX i ON t(b)")
    with pytest.raises(apsw.ConstraintError, match=r"UNIQUE constraint failed: t\.b"):
        script(run, "INSERT INTO t VALUES (2, 'x')")
    script(run, "DROP INDEX i", "INSERT INTO t VALUES (2, 'x')", "COMMIT")
    assert names(store) == [] and found(run) == [1, 2]


def test_a_dropped_index_that_comes_back_has_what_is_written_then(store: Store, run: Run) -> None:
    script(run, "INSERT INTO t VALUES (1, 'x')", "CREATE INDEX i ON t(b)")
    script(run, "BEGIN", "INSERT INTO t VALUES (2, 'x')", "SAVEPOINT a", "DROP INDEX i")
    script(run, "INSERT INTO t VALUES (3, 'x')", "ROLLBACK TO a", "INSERT INTO t VALUES (4, 'x')")
    assert found(run) == [1, 2, 4]
    script(run, "COMMIT")
    assert names(store) == ["i"] and found(run) == [1, 2, 4]


def test_an_index_that_is_taken_back_takes_nothing_along(store: Store, run: Run) -> None:
    script(run, "BEGIN", "INSERT INTO t VALUES (1, 'x')", "SAVEPOINT a", "CREATE INDEX i ON t(b)")
    script(run, "INSERT INTO t VALUES (2, 'x')", "ROLLBACK TO a", "INSERT INTO t VALUES (3, 'x')")
    assert found(run) == [1, 3]
    script(run, "COMMIT")
    assert names(store) == [] and found(run) == [1, 3]
    script(run, "BEGIN", "CREATE INDEX i ON t(b)", "INSERT INTO t VALUES (4, 'x')", "ROLLBACK")
    script(run, "INSERT INTO t VALUES (5, 'x')")
    assert names(store) == [] and found(run) == [1, 3, 5]


def test_a_definition_that_fails_leaves_the_indexes_as_they_were(store: Store, run: Run) -> None:
    script(run, "CREATE INDEX i ON t(b)", "BEGIN", "INSERT INTO t VALUES (1, 'x'), (2, 'x')")
    with pytest.raises(apsw.ConstraintError):
        script(run, "CREATE UNIQUE INDEX j ON t(b)")
    script(run, "REINDEX t", "INSERT INTO t VALUES (3, 'x')", "COMMIT")
    assert names(store) == ["i"] and found(run) == [1, 2, 3]


def test_statements_are_planned_anew_when_indexes_come_and_go(
    store: Store, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also those that SQLite has in its cache, within the transaction that drops the index."""
    script(run, "INSERT INTO t VALUES (1, 'x'), (2, 'y')", "CREATE INDEX i ON t(b)")
    store.table("t").update([n, f"b{n}"] for n in range(100, 300))
    assert found(run) == [1]
    script(run, "BEGIN", "DROP INDEX i", "UPDATE t SET b = 'x' WHERE a = 2")
    assert found(run) == [1, 2]
    script(
        run, "INSERT INTO t VALUES (3, 'x')", "CREATE INDEX i ON t(b)", "DELETE FROM t WHERE a = 1"
    )
    assert found(run) == [2, 3]
    script(run, "ROLLBACK")
    assert found(run) == [1]
    scan, used = IndexAccess.scan, []

    def watched(access: IndexAccess, *arguments: Any) -> Any:
        used.append(access.plan.name)
        return scan(access, *arguments)

    monkeypatch.setattr(IndexAccess, "scan", watched)
    for sql, names in [("DROP INDEX i", []), ("CREATE INDEX j ON t(b)", ["j"])]:
        script(run, sql)
        assert found(run) == [1] and used == names


def test_an_index_that_a_statement_was_planned_with_is_not_needed(store: Store, run: Run) -> None:
    """A reader that goes on while another drops what he reads by, and one who began before it."""
    script(run, "INSERT INTO t VALUES (1, 'x'), (2, 'y'), (3, 'x')", "CREATE INDEX i ON t(b)")
    other = apsw.Connection(":memory:")
    vtab.register(other, store)
    sql = "SELECT a, b FROM t WHERE b >= 'x' ORDER BY b DESC, a DESC LIMIT 2 OFFSET 1"
    other.execute("BEGIN")
    assert other.execute(sql).fetchall() == [(3, "x"), (1, "x")]
    script(run, "DROP INDEX i", "DELETE FROM t WHERE a < 3")
    store.compact()
    for _ in range(2):
        assert other.execute(sql).fetchall() == [(3, "x"), (1, "x")]
    other.execute("COMMIT")
    assert other.execute(sql).fetchall() == []
    other.close()


def test_nor_is_one_with_expressions(store: Store, run: Run) -> None:
    script(run, "INSERT INTO t VALUES (1, 'x'), (2, 'y'), (3, 'x'), (4, NULL)")
    script(run, "CREATE INDEX i ON t(b DESC, lower(b), a + 1)")
    other = apsw.Connection(":memory:")
    vtab.register(other, store)
    sql = "SELECT b FROM t WHERE b >= 'x' ORDER BY b"
    other.execute("BEGIN")
    assert other.execute(sql).fetchall() == [("x",), ("x",), ("y",)]
    assert "INDEX i" in str(other.execute(f"EXPLAIN QUERY PLAN {sql}").fetchall())
    script(run, "DROP INDEX i", "DELETE FROM t WHERE a = 1")
    assert other.execute(sql).fetchall() == [("x",), ("x",), ("y",)]
    other.execute("COMMIT")
    assert other.execute(sql).fetchall() == [("x",), ("y",)]
    other.close()
