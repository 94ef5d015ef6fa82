"""executemany of an INSERT: many rows at once are the same as one by one, and as in SQLite."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import lsmsql
from lsmsql.dbapi import link
from vtab.bulk import Bulk, parameter_places
from vtab.statements import read_change_statement

TABLE = "CREATE TABLE t(id INTEGER PRIMARY KEY, name TEXT NOT NULL, price REAL DEFAULT 5, x)"


@pytest.fixture
def connection() -> Iterator[lsmsql.Connection]:
    made = lsmsql.connect(":memory:", background=False)
    made.execute(TABLE)
    yield made
    made.close()


@pytest.fixture
def bulks(monkeypatch) -> list[int]:
    """How many rows each bulk has inserted; 0 if it was left to SQLite."""
    done: list[int] = []
    insert = Bulk.insert

    def watched(self: Bulk, rows: Any) -> bool:
        found = insert(self, rows)
        done.append(len(rows) if found else 0)
        return found

    monkeypatch.setattr(Bulk, "insert", watched)
    return done


def places(connection: lsmsql.Connection, sql: str) -> tuple[int | None, ...] | None:
    change = read_change_statement(connection._link.binding.session, sql)
    assert change is not None
    return parameter_places(change)


@pytest.mark.parametrize(
    ("sql", "expected"),
    [
        ("INSERT INTO t VALUES (?, ?, ?, ?)", (0, 1, 2, 3)),
        ("insert or ignore into main.t(x, name, ID) values(?,?,?) ;", (2, 1, None, 0)),
        ("REPLACE INTO t(name) /* a */ VALUES (:name) -- b", (None, 0, None, None)),
        ("INSERT INTO t VALUES (?4, ?3, ?2, ?1)", (3, 2, 1, 0)),
        ('INSERT INTO "t" ("name", x) VALUES (:a, :b)', (None, 0, None, 1)),
        ("INSERT INTO t(name, x) VALUES (:a, :a)", None),
        ("INSERT INTO t AS u(name) VALUES (?)", (None, 0, None, None)),
        ("INSERT INTO t(name) VALUES (?), (?)", None),
        ("INSERT INTO t(name) VALUES (? || 'x')", None),
        ("INSERT INTO t(name) VALUES (-?)", None),
        ("INSERT INTO t(name, x) VALUES (?, 1)", None),
        ("INSERT INTO t(name, name) VALUES (?, ?)", None),
        ("INSERT INTO t(name) SELECT ?", None),
        ("INSERT INTO t(name) SELECT * FROM (VALUES (?))", None),
        ("WITH w AS (SELECT 1) INSERT INTO t(name) VALUES (?)", None),
        ("INSERT INTO t(name) VALUES (?) RETURNING id", None),
        ("INSERT INTO t(name) VALUES (?) ON CONFLICT DO NOTHING", None),
        ("INSERT INTO t DEFAULT VALUES", None),
        ("UPDATE t SET name = ?", None),
    ],
)
def test_which_parameter_each_column_takes(connection, sql, expected):
    assert places(connection, sql) == expected


def test_rows_go_in_together_but_for_the_first_and_the_last(connection, bulks):
    rows = [(i, f"n{i}", i / 2, None) for i in range(2500)]
    cursor = connection.executemany("INSERT INTO t VALUES (?, ?, ?, ?)", rows)
    assert (cursor.rowcount, bulks) == (2500, [1000, 1000, 498])
    assert connection.execute("SELECT * FROM t").fetchall() == rows
    assert connection.total_changes == 2500
    assert connection.execute(
        "SELECT changes(), total_changes(), last_insert_rowid()"
    ).fetchone() == (1, 2500, 2499)
    connection.rollback()
    assert connection.execute("SELECT count(*) FROM t").fetchone() == (0,)


def test_keys_and_defaults_that_are_not_given(connection, bulks):
    connection.execute("INSERT INTO t(id, name) VALUES (7, 'a')")
    connection.executemany("INSERT INTO t(name) VALUES (?)", [("b",)] * 100)
    connection.execute("INSERT INTO t(name) VALUES ('c')")
    assert bulks == [98]
    found = connection.execute("SELECT id, price, x FROM t").fetchall()
    assert found == [(i, 5.0, None) for i in range(7, 109)]
    connection.execute("CREATE TABLE u(a, b TEXT DEFAULT 7)")
    connection.executemany("INSERT INTO u(a) VALUES (:a)", [{"a": i} for i in range(50)])
    assert bulks == [98, 48]
    found = connection.execute("SELECT rowid, a, b FROM u").fetchall()
    assert found == [(i + 1, i, "7") for i in range(50)]


def test_keys_of_any_type(connection, bulks):
    rows = [(key, i) for i, key in enumerate([*range(50), *map(str, range(50)), b"a", b"b"])]
    connection.executemany("INSERT INTO kv VALUES (?, ?)", rows)
    assert bulks == [100]
    assert connection.execute("SELECT key, value FROM kv ORDER BY value").fetchall() == rows
    connection.executemany("INSERT INTO kv VALUES (?, ?)", [(i + 0.5, i) for i in range(50)])
    assert bulks == [100, 0]


def test_savepoints_take_them_back(connection, bulks):
    rows = [(i, "a", 0.5, None) for i in range(100)]
    connection.execute("BEGIN")
    connection.executemany("INSERT INTO t VALUES (?, ?, ?, ?)", rows[:50])
    connection.execute("SAVEPOINT s")
    connection.executemany("INSERT INTO t VALUES (?, ?, ?, ?)", rows[50:])
    connection.execute("ROLLBACK TO s")
    assert connection.execute("SELECT count(*), max(id) FROM t").fetchone() == (50, 49)
    connection.executemany("INSERT INTO t VALUES (?, ?, ?, ?)", rows[50:])
    connection.commit()
    assert connection.execute("SELECT count(*), max(id) FROM t").fetchone() == (100, 99)
    assert bulks == [48, 48, 48]


def test_another_commit_of_the_same_key_is_a_conflict(tmp_path, bulks):
    one, other = (lsmsql.connect(tmp_path / "s", background=False) for _ in range(2))
    one.execute(TABLE)
    one.executemany("INSERT INTO t(id, name) VALUES (?, ?)", [(i, "a") for i in range(100)])
    assert bulks == [98]
    other.execute("INSERT INTO t(id, name) VALUES (50, 'b')")
    other.commit()
    with pytest.raises(lsmsql.ConflictError):
        one.commit()
    one.close()
    other.close()


def test_an_adapter_that_commits_leaves_it_to_sqlite(connection, bulks):
    class Name:
        def __conform__(self, protocol: object) -> str:
            connection.commit()
            return "a"

    connection.executemany("INSERT INTO t(name) VALUES (?)", [(Name(),) for _ in range(30)])
    connection.rollback()
    assert bulks == [0]
    assert connection.execute("SELECT count(*) FROM t").fetchone() == (30,)


def test_a_query_that_is_read_meanwhile_goes_on_with_what_it_saw(connection, bulks):
    connection.executemany("INSERT INTO t(name) VALUES (?)", [("a",)] * 30)
    rows = connection.execute("SELECT id FROM t ORDER BY id")
    first = rows.fetchone()
    connection.executemany("INSERT INTO t(name) VALUES (?)", [("b",)] * 30)
    assert [first, *rows.fetchall()][:30] == [(i + 1,) for i in range(30)]
    assert connection.execute("SELECT count(*) FROM t").fetchone() == (60,)
    assert bulks == [28, 28]


@pytest.mark.parametrize(
    "definition",
    [
        "CREATE TABLE t(id INTEGER PRIMARY KEY AUTOINCREMENT, name TEXT)",
        "CREATE TABLE t(id INTEGER PRIMARY KEY, name TEXT UNIQUE)",
        "CREATE TABLE t(id INTEGER PRIMARY KEY, name TEXT CHECK (length(name) < 9))",
        "CREATE TABLE t(id INTEGER PRIMARY KEY, name TEXT, x AS (id + 1))",
        "CREATE TABLE t(id INTEGER PRIMARY KEY, name TEXT, x DEFAULT (random() = 0))",
    ],
)
def test_rows_that_take_more_go_one_by_one(bulks, definition):
    with lsmsql.connect(":memory:", background=False) as connection:
        connection.execute(definition)
        rows = [(i, f"n{i}") for i in range(60)]
        connection.executemany("INSERT INTO t(id, name) VALUES (?, ?)", rows)
        assert set(bulks) == {0}
        assert connection.execute("SELECT id, name FROM t ORDER BY id").fetchall() == rows
    connection.close()


def test_nothing_is_put_together_without_a_transaction_or_from_an_iterator(bulks):
    with lsmsql.connect(":memory:", isolation_level=None, background=False) as connection:
        connection.execute(TABLE)
        rows = [(i, "a") for i in range(100)]
        connection.executemany("INSERT INTO t(id, name) VALUES (?, ?)", rows)
        connection.execute("BEGIN")
        connection.executemany(
            "INSERT INTO t(id, name) VALUES (?, ?)", ((i + 100, "a") for i, _ in rows)
        )
        connection.commit()
        assert connection.execute("SELECT count(*) FROM t").fetchone() == (200,)
    connection.close()
    assert bulks == []


ODD: list[Any] = [
    None, 0, 1, 2, 3, -1, 2**63 - 1, -(2**63), 2**63, 0.0, -0.0, 1.0, 2.5, 1e300, float("inf"),
    float("nan"), "", "1", " 2.5", "a", "é", "\0", b"", b"1", b"\xff", True, object(),
]  # fmt: skip
DEFINITIONS = [
    "CREATE TABLE t(a INTEGER PRIMARY KEY, b TEXT, c REAL)",
    "CREATE TABLE t(a, b, c)",
    "CREATE TABLE t(a TEXT PRIMARY KEY NOT NULL, b INT NOT NULL DEFAULT 3, c BLOB)",
    "CREATE TABLE t(a INT, b REAL, c TEXT, PRIMARY KEY (b, a)) WITHOUT ROWID",
    "CREATE TABLE t(a INTEGER, b TEXT, c ANY, PRIMARY KEY (a, b)) STRICT",
    "CREATE TABLE t(a INTEGER NOT NULL PRIMARY KEY DESC, b NUMERIC, c TEXT NOT NULL DEFAULT 'x')",
    "CREATE TABLE t(a INT UNIQUE, b TEXT, c CHECK (c IS NOT 2.5))",
]
STATEMENTS = [
    "INSERT INTO t VALUES (?, ?, ?)",
    "INSERT INTO t(c, a, b) VALUES (?, ?, ?)",
    "INSERT OR IGNORE INTO t VALUES (?, ?, ?)",
    "INSERT OR REPLACE INTO t VALUES (?, ?, ?)",
    "INSERT OR ROLLBACK INTO t VALUES (?, ?, ?)",
    "INSERT OR FAIL INTO t(b, c, a) VALUES (?, ?, ?)",
]


ERRORS = ["OverflowError", "UnicodeEncodeError", "IntegrityError", "ProgrammingError", "DataError"]


@st.composite
def batches(draw: st.DrawFn) -> list[list[Any]]:
    """Many ordinary rows, some odd ones between."""
    kind = draw(st.sampled_from([int, str, float]))
    keys = draw(st.lists(st.integers(0, 200), min_size=3, max_size=30, unique=draw(st.booleans())))
    rows: list[list[Any]] = [[kind(key), str(key), key / 2] for key in keys]
    for _ in range(draw(st.integers(0, 2))):
        row = draw(st.sampled_from(rows))
        row[draw(st.integers(0, 2))] = draw(st.sampled_from(ODD))
    return rows


@settings(
    max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None
)
@given(
    st.sampled_from(DEFINITIONS),
    st.lists(st.tuples(st.sampled_from(STATEMENTS), batches()), min_size=1, max_size=3),
)
def test_it_is_as_in_sqlite(monkeypatch, definition, steps):
    monkeypatch.setattr(link, "_LEAST_BULK", 3)
    monkeypatch.setattr(link, "_BULK", 7)
    seen = []
    for module in (sqlite3, lsmsql):
        options = {} if module is sqlite3 else {"background": False}
        connection = module.connect(":memory:", **options)
        connection.execute(definition)
        outcome: list[Any] = []
        for sql, rows in steps:
            try:
                outcome.append(connection.executemany(sql, rows).rowcount)
            except Exception as error:
                names = [kind.__name__ for kind in type(error).__mro__]
                outcome.append(next(kind for kind in ERRORS if kind in names))
            found = connection.execute("SELECT *, typeof(a), typeof(b) FROM t ORDER BY a, b, c")
            outcome += [found.fetchall(), connection.in_transaction]
            outcome.append(connection.total_changes)
        connection.commit()
        seen.append(outcome)
        connection.close()
    assert seen[0] == seen[1]


def test_transactions_that_give_out_keys_at_the_same_time_do_not_conflict(tmp_path, bulks):
    one, other = (lsmsql.connect(tmp_path / "s", background=False) for _ in range(2))
    one.execute(TABLE)
    for connection in (one, other, one):
        connection.executemany("INSERT INTO t(name) VALUES (?)", [("a",)] * 40)
    one.commit()
    other.commit()
    assert bulks == [38, 38, 38]
    assert one.execute("SELECT count(*), count(DISTINCT id) FROM t").fetchone() == (120, 120)
    one.close()
    other.close()


def test_keys_that_cannot_be_given_out_are_left_to_sqlite(connection, bulks):
    connection.execute("INSERT INTO t(id, name) VALUES (?, 'a')", (2**63 - 40,))
    connection.executemany("INSERT INTO t(name) VALUES (?)", [("b",)] * 50)
    assert bulks == [0]
    assert connection.execute("SELECT count(*), max(id) FROM t").fetchone() == (51, 2**63 - 1)


def test_keys_are_given_out_only_if_all_else_fits(connection, bulks):
    rows = [("a", None) for _ in range(30)] + [("a", "no number")] + [("b", 1)] * 30
    with pytest.raises(lsmsql.IntegrityError):
        connection.execute("CREATE TABLE s(id INTEGER PRIMARY KEY, a TEXT, n INT) STRICT")
        connection.executemany("INSERT INTO s(a, n) VALUES (?, ?)", rows)
    connection.executemany("INSERT INTO s(a, n) VALUES (?, ?)", rows[:30])
    found = connection.execute("SELECT id FROM s LIMIT 30").fetchall()
    assert (bulks, found) == ([0, 28], [(i + 1,) for i in range(30)])
    assert connection.execute("SELECT count(*) FROM s").fetchone() == (60,)
