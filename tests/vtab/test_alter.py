"""ALTER TABLE: what becomes of rows, indexes and views, as SQLite has it."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from typing import Any

import apsw
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import lsmsql
from lsmsql.engine.store import Store, open_store
from tests.running import run


def test_implied_indexes_keep_their_columns_when_one_was_made_anew(store: Store) -> None:
    run(
        store,
        "CREATE TABLE t(a INTEGER PRIMARY KEY, b TEXT UNIQUE, c TEXT UNIQUE)",
        "INSERT INTO t VALUES (1, 'x', 'p'), (2, 'y', 'q')",
        "REINDEX sqlite_autoindex_t_1",
        "ALTER TABLE t RENAME COLUMN a TO aa",
        "ALTER TABLE t RENAME TO u",
        "INSERT INTO u VALUES (3, 'z', 'r')",
    )
    assert store.verify().errors == ()
    assert run(store, "SELECT aa FROM u WHERE b = 'z'") == [(3,)]
    assert run(store, "SELECT aa FROM u WHERE c = 'q'") == [(2,)]


@pytest.mark.parametrize(
    ("column", "problem"),
    [
        ("c AS (a + 1) STORED", "cannot add a STORED column"),
        ("c AS (a + 1)", "cannot be added to a table with rows"),
        ("c NOT NULL", "Cannot add a NOT NULL column with default value NULL"),
        ("c NOT NULL DEFAULT NULL", "Cannot add a NOT NULL column with default value NULL"),
        ("c DEFAULT (1 + 1)", "Cannot add a column with non-constant default"),
        ("c DEFAULT current_time", "Cannot add a column with non-constant default"),
        ("c UNIQUE", "Cannot add a UNIQUE column"),
        ("c CHECK (c > 1) DEFAULT 0", "CHECK constraint failed"),
    ],
)
def test_no_column_is_added_whose_values_would_not_be_so(
    store: Store, column: str, problem: str
) -> None:
    run(store, "CREATE TABLE t(a INTEGER PRIMARY KEY)", "INSERT INTO t VALUES (1)")
    with pytest.raises(lsmsql.OperationalError, match=problem):
        run(store, f"ALTER TABLE t ADD COLUMN {column}")
    assert run(store, "SELECT * FROM t") == [(1,)]


def test_a_generated_column_is_added_to_a_table_without_rows(store: Store) -> None:
    run(store, "CREATE TABLE t(a INTEGER PRIMARY KEY)", "ALTER TABLE t ADD COLUMN b AS (a + 1)")
    run(store, "ALTER TABLE t ADD COLUMN c AS (b * 2) STORED", "INSERT INTO t VALUES (1)")
    assert run(store, "SELECT * FROM t") == [(1, 2, 4)] and store.verify().ok


# ------------------------------------------------------------------------------- random programs

NAMES = ("p", "q", "r", "s")
DEFAULTS = (
    "",
    " DEFAULT 7",
    " DEFAULT 'x'",
    " DEFAULT -1.5",
    " TEXT DEFAULT 8",
    " INT DEFAULT '9'",
)

names = st.sampled_from(NAMES)
values = st.sampled_from([None, 0, 7, 7.5, "x", "9", b"z", -1.5])
steps = st.one_of(
    st.tuples(
        st.just("add"), names, st.sampled_from([*DEFAULTS, " NOT NULL DEFAULT 3", " NOT NULL"])
    ),
    st.tuples(st.just("add"), names, st.sampled_from([*DEFAULTS, " COLLATE NOCASE DEFAULT 'X'"])),
    st.tuples(st.sampled_from(["drop", "index"]), names),
    st.tuples(st.just("rename"), names, names),
    st.tuples(st.sampled_from(["rename table", "flush", "compact", "reopen", "delete"])),
    st.tuples(st.just("insert"), st.lists(values, min_size=5, max_size=5), st.integers(1, 5)),
    st.tuples(st.just("update"), names, values, st.integers(0, 9)),
)


class Both:
    """A table of the store, and one of SQLite's own, altered in the same ways."""

    def __init__(self, path: str) -> None:
        self.path = path
        self.theirs = apsw.Connection(":memory:")
        self.open()
        self.table, self.next = "t", 1
        self.do("CREATE TABLE t(k INTEGER PRIMARY KEY, p, q TEXT)")
        self.do("CREATE VIEW v AS SELECT * FROM t WHERE p IS NOT NULL")

    def open(self) -> None:
        self.store = open_store(self.path, sync="off", background=False, block_rows=4)
        self.ours = self.store.connect(isolation_level=None)

    def close(self) -> None:
        self.ours.close()
        self.store.close()

    def do(self, sql: str, values: Sequence[Any] = ()) -> None:
        failures = []
        for connection in (self.ours, self.theirs):
            try:
                connection.execute(sql, values)
                failures.append("")
            except (apsw.Error, lsmsql.Error) as error:
                failures.append(str(error).removeprefix("SQLError: "))
        assert bool(failures[0]) == bool(failures[1]), (sql, failures)

    def columns(self) -> list[str]:
        sql = f"SELECT name FROM pragma_table_info('{self.table}')"
        return [str(name) for (name,) in self.theirs.execute(sql)]

    def step(self, kind: str, *arguments: Any) -> None:
        table, columns = self.table, self.columns()
        match kind, *arguments:
            case "add", name, rest:
                self.do(f"ALTER TABLE {table} ADD COLUMN {name}{rest}")
            case "drop", name:
                self.do(f"ALTER TABLE {table} DROP COLUMN {name}")
            case "index", name:
                self.do(f"CREATE INDEX i_{table}_{name} ON {table}({name}, k DESC)")
            case "rename", name, other:
                self.do(f"ALTER TABLE {table} RENAME COLUMN {name} TO {other}")
            case ("rename table",):
                self.table = "u" if table == "t" else "t"
                self.do(f"ALTER TABLE {table} RENAME TO {self.table}")
            case "insert", row, count:
                marks = ", ".join("?" * (len(columns) - 1))
                for _ in range(count):
                    given = [row[i % 5] for i in range(len(columns) - 1)]
                    self.do(f"INSERT INTO {table} VALUES ({self.next}, {marks})", given)
                    self.next += 1
            case "update", name, value, number:
                self.do(f"UPDATE {table} SET {name} = ? WHERE k % 10 = {number}", [value])
            case ("delete",):
                self.do(f"DELETE FROM {table} WHERE k % 3 = 1")
            case ("flush",):
                self.store.flush()
            case ("compact",):
                self.store.compact()
            case ("reopen",):
                self.close()
                self.open()

    def check(self) -> None:
        queries = [f"SELECT * FROM {self.table} ORDER BY k", "SELECT * FROM v"]
        for name in self.columns()[1:]:
            queries.append(f"SELECT k, {name} FROM {self.table} WHERE {name} = 7")
            queries.append(f"SELECT k FROM {self.table} WHERE {name} >= '9' OR {name} IS NULL")
            queries.append(f"SELECT {name} FROM {self.table} ORDER BY {name}, k DESC")
            queries.append(f"SELECT k FROM {self.table} WHERE {name} IS NULL")
            queries.append(f"SELECT max({name}), min({name}), count({name}) FROM {self.table}")
        for sql in queries:
            ours, theirs = (found(c, sql) for c in (self.ours, self.theirs))
            assert repr(ours) == repr(theirs), sql
        rows = [tuple(row.values()) for row in self.store.table(self.table).range()]
        assert repr(rows) == repr(found(self.theirs, queries[0]))


def found(connection: Any, sql: str) -> list[tuple[Any, ...]] | str:
    """The rows of a query, or that it fails: a view may lose its columns."""
    try:
        rows = connection.execute(sql).fetchall()
    except (apsw.Error, lsmsql.Error):
        return "failed"
    return rows if "ORDER BY" in sql else sorted(rows, key=repr)


@settings(max_examples=15)
@given(st.lists(steps, max_size=20))
def test_tables_are_altered_as_sqlite_does_it(program: list[tuple[Any, ...]]) -> None:
    with tempfile.TemporaryDirectory() as path:
        both = Both(f"{path}/store")
        old: list[tuple[Any, Any]] = []
        try:
            for step in program:
                if step == ("reopen",):
                    for snapshot, _ in old:
                        snapshot.close()
                    old.clear()
                both.step(*step)
                both.check()
                snapshot = both.store.snapshot()
                old.append((snapshot, list(snapshot.table(both.table).range())))
            for snapshot, rows in old:
                (table,) = (t for t in snapshot.tables() if t.name in "tu")
                assert list(snapshot.table(table.name).range()) == rows
            assert both.store.verify().errors == ()
        finally:
            for snapshot, _ in old:
                snapshot.close()
            both.close()
            both.theirs.close()
