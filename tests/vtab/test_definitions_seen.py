"""What one connection defines, others see: in the same store, and in one that follows it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

import lsmsql
from lsmsql.engine.store import Store, open_store
from tests.running import rows, run


@pytest.fixture(params=["same store", "reader"])
def pair(store: Store, request: pytest.FixtureRequest) -> Iterator[tuple[Any, Any]]:
    """A connection that writes, and one that looks on."""
    ours = store.connect(isolation_level=None)
    rows(ours, "CREATE TABLE t(a INTEGER PRIMARY KEY, b TEXT, c)")
    rows(ours, "INSERT INTO t VALUES (1, 'x', 10), (2, 'y', 20), (3, 'x', 30)")
    other = store if request.param == "same store" else open_store(store.path, "r")
    theirs = other.connect(isolation_level=None)
    yield ours, theirs
    theirs.close()
    ours.close()
    if other is not store:
        other.close()


def plan(connection: Any, sql: str) -> str:
    return "; ".join(str(row[3]) for row in rows(connection, f"EXPLAIN QUERY PLAN {sql}"))


BY_B = "SELECT a FROM t WHERE b = 'x' ORDER BY a"


def test_indexes_come_and_go(pair: tuple[Any, Any]) -> None:
    ours, theirs = pair
    assert rows(theirs, BY_B) == [(1,), (3,)] and "INDEX" not in plan(theirs, BY_B)
    rows(ours, "CREATE INDEX i ON t(b)")
    assert "USING COVERING INDEX i" in plan(theirs, BY_B)
    rows(ours, "INSERT INTO t VALUES (4, 'x', 40)")
    assert rows(theirs, BY_B) == [(1,), (3,), (4,)]
    rows(ours, "DROP INDEX i")
    rows(ours, "UPDATE t SET b = 'x' WHERE a = 2")
    assert rows(theirs, BY_B) == [(1,), (2,), (3,), (4,)]
    assert "INDEX" not in plan(theirs, f"{BY_B} -- anew: as in sqlite3, explained statements stay")
    rows(ours, "CREATE UNIQUE INDEX i ON t(c, b)")
    assert rows(theirs, "SELECT name FROM pragma_index_info('i')") == [("c",), ("b",)]
    assert rows(theirs, "SELECT a FROM t WHERE c = 20 AND b = 'x'") == [(2,)]


def test_views_and_altered_tables_are_seen(pair: tuple[Any, Any]) -> None:
    ours, theirs = pair
    rows(ours, "CREATE VIEW v AS SELECT b, sum(c) AS total FROM t GROUP BY b")
    assert rows(theirs, "SELECT * FROM v ORDER BY b") == [("x", 40), ("y", 20)]
    rows(ours, "ALTER TABLE t ADD COLUMN d DEFAULT 'new'")
    rows(ours, "ALTER TABLE t RENAME COLUMN b TO label")
    rows(ours, "ALTER TABLE t RENAME TO u")
    assert rows(theirs, "SELECT label, d FROM u WHERE a = 1") == [("x", "new")]
    assert rows(theirs, "SELECT * FROM v ORDER BY 1") == [("x", 40), ("y", 20)]
    with pytest.raises(lsmsql.OperationalError, match="no such table: t"):
        rows(theirs, "SELECT * FROM t")
    rows(ours, "DROP VIEW v")
    with pytest.raises(lsmsql.OperationalError, match="no such table: v"):
        rows(theirs, "SELECT * FROM v")


def test_a_transaction_sees_what_there_was_when_it_began(pair: tuple[Any, Any]) -> None:
    ours, theirs = pair
    rows(theirs, "BEGIN")
    assert rows(theirs, BY_B) == [(1,), (3,)]
    rows(ours, "CREATE INDEX i ON t(b)")
    rows(ours, "INSERT INTO t VALUES (4, 'x', 40)")
    rows(ours, "CREATE VIEW v AS SELECT a FROM t")
    for _ in range(2):
        assert rows(theirs, BY_B) == [(1,), (3,)]
        assert rows(theirs, "SELECT a FROM t WHERE b > 'w' ORDER BY b DESC, a DESC") == [
            (2,), (3,), (1,)
        ]  # fmt: skip
    rows(ours, "ALTER TABLE t DROP COLUMN c")
    assert rows(theirs, "SELECT a, b FROM t WHERE a = 1") == [(1, "x")]
    rows(theirs, "COMMIT")
    assert rows(theirs, BY_B) == [(1,), (3,), (4,)]
    assert rows(theirs, "SELECT count(*) FROM v") == [(4,)]
    assert rows(theirs, "SELECT * FROM t WHERE a = 1") == [(1, "x")]


def test_a_statement_that_is_half_read_goes_on_with_what_it_began_with(
    pair: tuple[Any, Any],
) -> None:
    ours, theirs = pair
    rows(ours, "CREATE INDEX i ON t(b)")
    reading = theirs.execute("SELECT a, c FROM t WHERE b >= 'x' ORDER BY b")
    assert reading.fetchone() == (1, 10)
    rows(ours, "DROP INDEX i")
    rows(ours, "DELETE FROM t")
    assert reading.fetchall() == [(3, 30), (2, 20)]
    assert rows(theirs, "SELECT a, c FROM t WHERE b >= 'x' ORDER BY b") == []


@pytest.mark.parametrize(
    "sql",
    [
        "CREATE INDEX i ON t(b)",
        "CREATE VIEW v AS SELECT 1",
        "CREATE TABLE n(a)",
        "ALTER TABLE t RENAME TO u",
        "REINDEX t",
        "DROP TABLE t",
    ],
)
def test_who_only_reads_defines_nothing(store: Store, sql: str) -> None:
    run(store, "CREATE TABLE t(a INTEGER PRIMARY KEY, b TEXT UNIQUE)")
    before = store.sequence
    refused = pytest.raises(lsmsql.OperationalError, match='opened with mode="r"')
    with open_store(store.path, "r") as reader, refused:
        run(reader, sql)
    assert store.sequence == before


def test_two_that_define_at_once_are_in_conflict(store: Store) -> None:
    ours, theirs = (store.connect(isolation_level=None) for _ in range(2))
    rows(ours, "CREATE TABLE t(a INTEGER PRIMARY KEY, b TEXT)")
    rows(ours, "BEGIN")
    rows(ours, "CREATE INDEX mine ON t(b)")
    rows(theirs, "BEGIN")
    rows(theirs, "INSERT INTO t VALUES (1, 'x')")
    rows(ours, "COMMIT")
    with pytest.raises(lsmsql.OperationalError, match="has changed the definition of a table"):
        rows(theirs, "COMMIT")
    rows(theirs, "ROLLBACK")
    rows(theirs, "INSERT INTO t VALUES (1, 'x')")
    assert store.verify().errors == () and rows(ours, "SELECT a FROM t WHERE b = 'x'") == [(1,)]
    ours.close()
    theirs.close()
