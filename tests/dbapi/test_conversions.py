"""Joins and subqueries that compare columns of different kinds give what SQLite's own tables do."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from contextlib import closing

import apsw
import pytest

import lsmsql

VALUES = [
    *(None, 5, 5.0, -5, 0, 12, 1e300, float("inf"), b"5", b""),
    *("5", "05", " 5", "5 ", "5.0", "+5", "-5", ".5", "0x5", "5e0", "1.2e1", "12", "\n5"),
    *("abc", "!x", "", ":", "Inf", "-Inf", "2024-01-01", " ", "9"),
]
TABLES = {
    "texts": "k TEXT PRIMARY KEY, n, v",
    "untyped": "k PRIMARY KEY, n, v",
    "backwards": "k TEXT, n INT, v, PRIMARY KEY(k DESC, n DESC)",
    "second": "n INT, k, v, PRIMARY KEY(n, k)",
    "indexed": "id INTEGER PRIMARY KEY, k TEXT, n, v",
    "twice": "id INTEGER PRIMARY KEY, k, n, v",
    "folded": "id INTEGER PRIMARY KEY, k TEXT COLLATE NOCASE UNIQUE, n, v",
}
OTHERS = {"int": "INT", "numeric": "NUMERIC", "real": "REAL", "text": "TEXT", "none": ""}
INDEXES = ["indexed(k)", "twice(k)", "twice(k DESC, v)", "indexed(v) WHERE k = '5'"]
OPERATORS = ["=", "<", "<=", ">", ">=", "IS"]

Both = tuple[lsmsql.Cursor, apsw.Cursor]


@pytest.fixture(scope="module")
def both(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Both]:
    path = str(tmp_path_factory.mktemp("conversions") / "store")
    with closing(lsmsql.connect(path, isolation_level=None)) as connection:
        pair = connection.cursor(), apsw.Connection(":memory:").cursor()
        for cursor in pair:
            for name, columns in TABLES.items():
                cursor.execute(f"CREATE TABLE {name}({columns})")
            for number, place in enumerate(INDEXES):
                cursor.execute(f"CREATE INDEX i{number} ON {place}")
            for name, kind in OTHERS.items():
                cursor.execute(f"CREATE TABLE o_{name}(id INTEGER PRIMARY KEY, x {kind})")
            for v, k in enumerate(VALUES):
                for name, columns in TABLES.items():
                    if k is not None or columns.startswith("id"):
                        row = (k, v % 3, v)
                        cursor.execute(f"INSERT OR IGNORE INTO {name}(k, n, v) VALUES (?,?,?)", row)
                for name in OTHERS:
                    cursor.execute(f"INSERT INTO o_{name}(x) VALUES (?)", (k,))
        yield pair


def assert_alike(both: Both, sql: str, *values: object) -> None:
    ours, theirs = (sorted(map(repr, c.execute(sql, values).fetchall())) for c in both)
    assert ours == theirs, (sql, values)


@pytest.mark.parametrize(("table", "other"), [*itertools.product(TABLES, OTHERS)])
def test_columns_are_compared_with_columns_of_all_kinds(both: Both, table: str, other: str) -> None:
    o = f"o_{other}"
    for operator in OPERATORS:
        assert_alike(both, f"SELECT v, o.id FROM {o} o CROSS JOIN {table} ON k {operator} o.x")
    later = f"(SELECT x FROM {o} WHERE id = o.id + 3)"
    assert_alike(both, f"SELECT v FROM {o} o CROSS JOIN {table} ON k BETWEEN o.x AND {later}")
    if other == ("text" if "k TEXT" in TABLES[table] else "none"):
        assert_alike(both, f"SELECT v FROM {table} WHERE k IN (SELECT x FROM {o})")
        assert_alike(both, f"SELECT v FROM {table} WHERE k IN (SELECT x FROM {o}) AND n = 1")
    counted = f"(SELECT count(*) FROM {table} WHERE k = o.x AND n >= 1)"
    assert_alike(both, f"SELECT id, {counted} FROM {o} o")
    equal = f"FROM {o} o CROSS JOIN {table} t ON t.k = o.x AND t.n >= o.id % 3"
    assert_alike(both, f"SELECT DISTINCT t.k {equal}")
    listed = f"(SELECT n FROM {table} WHERE k = o.x ORDER BY n LIMIT 1)"
    assert_alike(both, f"SELECT id, {listed} FROM {o} o")


@pytest.mark.parametrize("table", TABLES)
def test_columns_are_compared_with_parameters_and_casts(both: Both, table: str) -> None:
    for value in VALUES:
        for operator in OPERATORS:
            for right in ("?", "CAST(? AS INT)", "CAST(? AS TEXT)"):
                assert_alike(both, f"SELECT v FROM {table} WHERE k {operator} {right}", value)
        assert_alike(both, f"SELECT v FROM {table} WHERE k IN (?, 5)", value)
        assert_alike(both, f"SELECT v FROM {table} WHERE k = CAST('5' AS INT) AND v >= ?", value)
        assert_alike(both, f"SELECT v FROM {table} WHERE k >= CAST(? AS INT) AND k < '9'", value)


def test_a_statement_is_planned_by_what_it_compares_with_each_time(both: Both) -> None:
    """The same text with a view in place of a table, whose values have an affinity."""
    for cursor in both:
        cursor.execute("CREATE TABLE place(k PRIMARY KEY)")
        cursor.execute("INSERT INTO place VALUES ('5')")
    assert_alike(both, "SELECT * FROM place WHERE k = ?", 5)
    for cursor in both:
        cursor.execute("DROP TABLE place")
        cursor.execute("CREATE VIEW place AS SELECT k FROM untyped WHERE k = CAST('5' AS INT)")
    assert_alike(both, "SELECT * FROM place WHERE k = ?", "05")
