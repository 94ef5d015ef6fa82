"""Partial indexes are used where the query implies their condition, and then rows are SQLite's."""

from __future__ import annotations

import re
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any
from unittest.mock import patch

import apsw
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import vtab
from lsmsql.engine.store import Store, open_store
from tests.vtab.pair import explain
from tests.vtab.test_queries_like_sqlite import as_literal
from vtab.costs import Estimate, estimate

TYPES = [
    "INTEGER", "INT", "NUMERIC", "REAL", "TEXT", "TEXT COLLATE NOCASE", "TEXT COLLATE RTRIM",
    "BLOB", "", "COLLATE NOCASE", "INT NOT NULL DEFAULT 7",
]  # fmt: skip
VALUES: list[Any] = [
    None, 0, 1, 5, -1, 2**53 + 1, 2**63 - 1, -(2**63), 0.0, 1.0, 5.5, -1.0, 2.0**53, 1e300,
    "", "0", "5", "5.5", "a", "A", "a ", "ab", "B", b"", b"a", b"5",
]  # fmt: skip
COLUMNS = ["x", "y", "z"]
values = st.sampled_from(VALUES)
literals = st.sampled_from([value for value in VALUES if value is not None]).map(as_literal)
names = st.sampled_from(["x", "x", "y", "z", "a"])
no_rowids = st.sampled_from(COLUMNS)  # of an outer join ON a rowid LIKE 'a%' SQLite loses rows
comparisons = st.builds(
    "{} {} {}".format,
    names,
    st.sampled_from(["=", "=", "==", "IS", "IS NOT", "<>", "!=", "<", "<=", ">", ">="]),
    literals,
)
terms = st.one_of(
    comparisons,
    comparisons,
    st.builds("{} {}".format, names, st.sampled_from(["IS NULL", "IS NOT NULL", "NOTNULL"])),
    st.builds("{} {} {}".format, literals, st.sampled_from(["=", "<", ">=", "<>"]), names),
    st.builds("{} BETWEEN {} AND {}".format, names, literals, literals),
    st.builds("({})".format, comparisons),
)
"""What an index may have in its condition."""

only_asked = st.one_of(
    st.builds("{} IN ({}, {})".format, names, literals, literals),
    st.builds("{} IN (SELECT y FROM t)".format, names),
    st.builds("{} LIKE '{}'".format, no_rowids, st.sampled_from(["a%", "5%", "%", "A_"])),
    st.builds("{} GLOB 'a*'".format, no_rowids),
    st.builds("{} = {} COLLATE {}".format, names, literals, st.sampled_from(["NOCASE", "BINARY"])),
    st.builds("({}, {}) > ({}, {})".format, names, names, literals, literals),
    st.builds("({} OR {})".format, terms, terms),
    st.builds("NOT {}".format, terms),
    st.builds("{} = ?1".format, names),
    st.builds("{} IS ?1".format, names),
)
"""What only a query has beside these."""


casts = st.builds(
    "{} {} CAST({} AS {})".format,
    names,
    st.sampled_from(["=", "=", "<>", "<=", ">"]),
    literals,
    st.sampled_from(["TEXT", "INTEGER", "NUMERIC", "BLOB"]),
)
"""For these it must not be taken for granted that constants have no affinity."""


@st.composite
def queries(draw: st.DrawFn, where: list[str], told: bool = True) -> str:
    """A query that mostly has the condition of the index among its own."""
    own = [term for term in where if draw(st.integers(0, 9))]
    more = st.one_of(terms, only_asked) if told else st.one_of(terms, casts)
    parts = draw(st.permutations([*own, *draw(st.lists(more, max_size=2))]))
    condition = f" WHERE {' AND '.join(parts)}" if parts else ""
    join = draw(st.sampled_from(["", "", "", "LEFT", "INNER", "RIGHT"]))
    if join:
        qualified = [_about(part, draw(st.sampled_from("tu"))) for part in parts]
        name = draw(st.sampled_from(COLUMNS))
        on = " AND ".join([f"t.{name} = u.{name}", *qualified])
        return f"SELECT t.a, t.x, u.a, u.x FROM t {join} JOIN t AS u ON {on}"
    columns = draw(st.sampled_from(["*", "a", "a, x", "x, y, z", "y", "count(*), min(y)"]))
    group = draw(st.sampled_from([""] * 4 + [" GROUP BY y, z", " GROUP BY x"]))
    if group:
        return f"SELECT count(*), min(a) FROM t{condition}{group}"
    if columns.startswith("count"):
        columns = "count(*), min(a), max(a), count(z)"
        return f"SELECT {columns} FROM t{condition}"
    order = draw(st.sampled_from(["", "y", "z DESC", "x, y", "y DESC, z"]))
    if not order:
        return f"SELECT {columns} FROM t{condition}"
    down = " DESC" * draw(st.booleans())
    limit = draw(st.sampled_from(["", "", " LIMIT 2", " LIMIT 3 OFFSET 1", " LIMIT -1 OFFSET 2"]))
    return f"SELECT {columns} FROM t{condition} ORDER BY {order}, a{down}{limit}"


def _about(part: str, table: str) -> str:
    """A condition with its columns qualified."""
    pattern = r"x?'[^']*'|\b[xyza]\b"
    return re.sub(pattern, lambda m: m[0] if "'" in m[0] else f"{table}.{m[0]}", part)


@st.composite
def changes(draw: st.DrawFn, where: list[str]) -> str:
    condition = " AND ".join([*where, draw(terms)])
    name, value = draw(st.sampled_from(COLUMNS)), draw(values)
    return draw(
        st.sampled_from(
            [
                f"DELETE FROM t WHERE {condition}",
                f"UPDATE OR IGNORE t SET {name} = {as_literal(value)} WHERE {condition}",
                f"UPDATE OR IGNORE t SET a = a + 100, {name} = y WHERE {condition}",
            ]
        )
    )


@contextmanager
def indexes_preferred() -> Iterator[None]:
    """Reading a table by its key is taken to be dear, so that indexes are used if they can be."""

    def dear(*arguments: Any) -> Estimate:
        found = estimate(*arguments)
        return replace(found, cost=found.cost * 1000)

    with patch("vtab.bestindex.estimate", dear):
        yield


@contextmanager
def new_store() -> Iterator[Store]:
    with (
        tempfile.TemporaryDirectory() as path,
        open_store(path, sync="off", background=False, block_rows=4) as store,
    ):
        yield store


class Sides:
    """A store, and SQLite, which has no index."""

    def __init__(self, store: Store, table: str) -> None:
        self.store = store
        self.ours, self.theirs = apsw.Connection(":memory:"), apsw.Connection(":memory:")
        self.binding = vtab.register(self.ours, store)
        self.run(table)

    def run(self, sql: str) -> None:
        if not self.binding.define(sql):
            self.ours.execute(sql)
        if "INDEX" not in sql:
            self.theirs.execute(sql)

    def close(self) -> None:
        self.ours.close()
        self.theirs.close()

    def check(self, sql: str, bound: tuple[Any, ...] = ()) -> None:
        bound = bound if "?1" in sql else ()
        ours, theirs = (
            [repr(row) for row in connection.execute(sql, bound)]
            for connection in (self.ours, self.theirs)
        )
        if "ORDER BY" not in sql:
            ours, theirs = sorted(ours), sorted(theirs)
        assert ours == theirs, (sql, bound, explain(self.ours, sql, bound))


@settings(max_examples=30, suppress_health_check=list(HealthCheck))
@given(
    st.data(),
    st.tuples(*[st.sampled_from(TYPES)] * 3),
    st.lists(terms, max_size=2),
    st.sampled_from(["y", "z, y", "x", "y DESC, x", "z COLLATE NOCASE"]),
    st.lists(st.tuples(values, values, values), max_size=25),
    st.booleans(),
)
def test_random_queries(
    data: st.DataObject,
    types: tuple[str, ...],
    where: list[str],
    by: str,
    rows: list[tuple[Any, ...]],
    told: bool,
) -> None:
    columns = ", ".join(f"{n} {kind}" for n, kind in zip(COLUMNS, types, strict=True))
    with new_store() as store, indexes_preferred():
        sides = Sides(store, f"CREATE TABLE t(a INTEGER PRIMARY KEY, {columns})")
        for row in rows:
            for connection in (sides.ours, sides.theirs):
                connection.execute("INSERT OR IGNORE INTO t(x, y, z) VALUES (?, ?, ?)", row)
        condition = " AND ".join(where)
        sides.run(f"CREATE INDEX i ON t({by}) {f'WHERE {condition}' if where else ''}")
        sides.binding.session.planning.told = told
        for _ in range(10):
            sides.check(data.draw(queries(where, told)), (data.draw(values),))
        sides.run(data.draw(changes(where)))
        sides.check("SELECT * FROM t")
        sides.check(f"SELECT * FROM t WHERE {condition or 'y IS NOT NULL'}")
        sides.close()


# ------------------------------------------------------------------------------- one by one


@pytest.fixture
def sides(store: Store) -> Iterator[Sides]:
    """300 rows, of which 30 are in the index: it is used wherever it can be."""
    sides = Sides(store, "CREATE TABLE t(a INTEGER PRIMARY KEY, x INT, y INT, z TEXT)")
    sides.run("CREATE TABLE u(b INTEGER PRIMARY KEY, v INT)")
    numbers = "WITH n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 300)"
    sides.run(f"INSERT INTO t {numbers} SELECT i, iif(i % 10, i, NULL), i % 7, 'z' || i FROM n")
    sides.run("INSERT INTO u SELECT a, x FROM t")
    sides.run("CREATE INDEX i ON t(y) WHERE x IS NULL")
    yield sides
    sides.close()


def uses_index(connection: apsw.Connection, sql: str, *bound: Any) -> bool:
    return any("INDEX i " in line for line in explain(connection, sql, bound))


def test_conditions_of_an_outer_join_say_nothing_of_the_rows_on_its_left(sides: Sides) -> None:
    """SQLite tells the table of them, all the same."""
    where = "t.x IS NULL"
    for sql, used in [
        (f"SELECT a, b FROM t LEFT JOIN u ON b = a AND {where} WHERE y = 3", False),
        (f"SELECT a, b FROM t LEFT JOIN u ON {where} AND b = 1 WHERE y = 3", False),
        (f"SELECT a, b FROM u RIGHT JOIN t ON b = a AND {where} WHERE y = 3", False),
        (f"SELECT a, b FROM t LEFT JOIN u ON b = a WHERE y = 3 AND {where}", True),
        (f"SELECT a, b FROM t JOIN u ON b = a AND {where} WHERE y = 3", True),
        (f"SELECT a, b FROM u LEFT JOIN t ON y = v AND {where}", True),
        (f"SELECT a, b FROM u LEFT JOIN t ON y = v WHERE {where}", False),
    ]:
        assert uses_index(sides.ours, sql) is used, sql
        sides.check(sql)


def test_an_index_on_what_is_not_null_is_not_used_for_the_left_of_an_outer_join(
    sides: Sides,
) -> None:
    sides.run("CREATE INDEX j ON t(z) WHERE x IS NOT NULL")
    for condition in ("x IS NOT NULL", "x > 5", "x = v", "x IN (1, 2)"):
        sides.check(f"SELECT a, b FROM t LEFT JOIN u ON b = a AND {condition} WHERE z = 'z10'")


def test_a_value_that_is_bound_is_not_known_when_the_plan_is_made(sides: Sides) -> None:
    sides.run("CREATE INDEX j ON t(z) WHERE y = 3")
    sql = "SELECT a FROM t WHERE y = ?1 AND z > 'z2' ORDER BY z"
    for value in (3, 4, None, "3", 3.0, 4):
        sides.check(sql, (value,))
    sql = "SELECT a FROM t WHERE z LIKE ?1 AND x IS NULL AND y = 3"
    for value in ("z1%", "z2%", "%0", None):
        sides.check(sql, (value,))


def test_an_index_that_is_gone_gives_the_rows_it_would_have(sides: Sides) -> None:
    other = apsw.Connection(":memory:")
    vtab.register(other, sides.store)
    sql = "SELECT a FROM t WHERE x IS NULL AND y >= 3 ORDER BY y DESC, a DESC LIMIT 5 OFFSET 2"
    expected = sides.theirs.execute(sql).fetchall()
    other.execute("BEGIN")
    assert other.execute(sql).fetchall() == expected
    assert uses_index(other, sql)
    sides.run("DROP INDEX i")
    sides.run("DELETE FROM t WHERE a > 200")
    for _ in range(2):
        assert other.execute(sql).fetchall() == expected
    other.execute("COMMIT")
    assert other.execute(sql).fetchall() == sides.theirs.execute(sql).fetchall() != expected
    other.close()


def test_columns_may_be_renamed_and_dropped(sides: Sides) -> None:
    sides.run("ALTER TABLE t RENAME COLUMN x TO X2")
    sides.run("CREATE INDEX j ON t(z) WHERE y = 3 AND X2 <> 10")
    sides.run("ALTER TABLE t ADD COLUMN w TEXT DEFAULT 'w'")
    sides.run("CREATE TABLE s(p, q INT, r)")
    sides.run("CREATE INDEX k ON s(r) WHERE q = 5")
    sides.run("INSERT INTO s VALUES (1, 5, 1), (2, 4, 1), (5, 5, 2)")
    sides.run("ALTER TABLE s DROP COLUMN p")
    for sql in (
        "SELECT * FROM t WHERE x2 IS NULL AND y = 3",
        "SELECT * FROM t WHERE x2 > 10 AND y = 3 AND z < 'z3'",
        "SELECT * FROM s WHERE q = 5 AND r = 1",
        "SELECT * FROM s WHERE q = 5 ORDER BY r LIMIT 1 OFFSET 1",
    ):
        sides.check(sql)


def test_a_column_may_be_called_true(store: Store) -> None:
    sides = Sides(store, "CREATE TABLE t(a INTEGER PRIMARY KEY, x INT, true INT)")
    sides.run("INSERT INTO t VALUES (1, 1, 1), (2, 2, 2), (3, 1, 2), (4, 2, 1)")
    sides.run("CREATE INDEX i ON t(a) WHERE x = true")
    with indexes_preferred():
        sides.check("SELECT a FROM t WHERE x = 1 ORDER BY a")
    sides.close()


def test_texts_are_as_they_stand_there_whatever_else_a_statement_may_compare(sides: Sides) -> None:
    sides.run("CREATE INDEX j ON t(y) WHERE z = 'z7'")
    sides.run("CREATE INDEX k ON t(y) WHERE z = '7'")
    sides.run("UPDATE t SET z = ' 7' WHERE a = 9")
    sides.binding.session.planning.told = False
    for value, used in (("'z7'", True), ("7", False), ("CAST('7' AS INTEGER)", False)):
        sql = f"SELECT a, b FROM t JOIN u ON b = y WHERE z = {value}"
        found = any("INDEX j" in line for line in explain(sides.ours, sql))
        assert found is used
        sides.check(sql)


def test_the_index_goes_with_what_is_written_in_the_transaction(sides: Sides) -> None:
    sql = "SELECT a, y FROM t WHERE x IS NULL AND y = 3 ORDER BY a"
    for change in (
        "BEGIN",
        "UPDATE t SET x = 1 WHERE x IS NULL AND y = 3 AND a < 100",
        "UPDATE t SET x = NULL WHERE y = 3 AND a % 2",
        "DELETE FROM t WHERE x IS NULL AND y = 3 AND a > 200",
        "ROLLBACK",
    ):
        sides.run(change)
        assert uses_index(sides.ours, sql)
        sides.check(sql)
