"""Connections that take the SQL of other databases."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

import lsmsql
from lsmsql.dialects import rewriting
from lsmsql.dialects.splitting import split_first
from lsmsql.dialects.translation import translate
from tests.dbapi.conftest import FAST

DIALECTS = ["postgres", "mysql", "duckdb"]
TABLES = {
    "postgres": "CREATE TABLE items(id SERIAL PRIMARY KEY, name VARCHAR(20) NOT NULL,"
    " price NUMERIC)",
    "mysql": "CREATE TABLE `items`(id INT AUTO_INCREMENT PRIMARY KEY, name VARCHAR(20) NOT NULL,"
    " price DOUBLE) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4",
    "duckdb": "CREATE TABLE items(id INTEGER PRIMARY KEY, name VARCHAR NOT NULL, price DOUBLE)",
}
Connect = Callable[[str], lsmsql.Connection]


@pytest.fixture
def connect(path: str) -> Iterator[Connect]:
    """Connects with a dialect, to a store that has a table as the dialect defines it."""
    made = []

    def connect(dialect: str) -> lsmsql.Connection:
        connection = lsmsql.connect(path, dialect=dialect, **FAST)
        made.append(connection)
        connection.execute(TABLES[dialect])
        connection.executescript(
            "INSERT INTO items(id, name, price) VALUES (1, 'tea', 2.75); -- ; here\n"
            "INSERT INTO items(id, name, price) VALUES (2, 'cake;', 4);"
        )
        return connection

    yield connect
    for connection in made:
        connection.close()


@pytest.mark.parametrize(
    ("dialect", "sql", "parameters", "rows"),
    [
        ("postgres", "SELECT price::int FROM items WHERE id = $1", (1,), [(3,)]),
        ("postgres", "SELECT name FROM items WHERE name LIKE 'T%'", (), []),
        ("postgres", "SELECT $2::text || $1::text", ("a", "b"), [("ba",)]),
        ("postgres", "SELECT name FROM items WHERE id = %s AND price > %s", (1, 2), [("tea",)]),
        ("postgres", "SELECT name FROM items WHERE id = %(id)s", {"id": 2}, [("cake;",)]),
        ("postgres", "SELECT 7 / 2, 7 / 2.0", (), [(3, 3.5)]),
        ("mysql", 'SELECT 7 / 2, 7 DIV 2, "a"', (), [(3.5, 3, "a")]),
        ("mysql", "SELECT `name` FROM items ORDER BY id LIMIT 1, 1", (), [("cake;",)]),
        ("mysql", "SELECT name FROM items WHERE id = %s", (1,), [("tea",)]),
        ("duckdb", "FROM items SELECT name WHERE id = $1", (1,), [("tea",)]),
        ("duckdb", "SELECT 7 // 2, 7 / 2", (), [(3, 3.5)]),
        ("duckdb", "SELECT name FROM items WHERE id = $id", {"id": 2}, [("cake;",)]),
        ("sqlite", "SELECT ?", (1,), [(1,)]),
    ],
)
def test_queries_and_their_parameters(connect, path, dialect, sql, parameters, rows):
    if dialect == "sqlite":
        with lsmsql.connect(path, dialect=dialect, **FAST) as connection:
            assert connection.execute(sql, parameters).fetchall() == rows
        connection.close()
        return
    connection = connect(dialect)
    for _ in range(2):
        assert connection.execute(sql, parameters).fetchall() == rows


@pytest.mark.parametrize(
    ("dialect", "sql", "parameters"),
    [
        (
            "postgres",
            "INSERT INTO items(id, name, price) VALUES (%s, %s, 1)"
            " ON CONFLICT (id) DO UPDATE SET price = items.price + excluded.price",
            [(1, "tea"), (3, "pie")],
        ),
        (
            "mysql",
            "INSERT INTO items(id, name, price) VALUES (%s, %s, 1)"
            " ON DUPLICATE KEY UPDATE price = price + VALUES(price)",
            [(1, "tea"), (3, "pie")],
        ),
        (
            "duckdb",
            "INSERT INTO items(id, name, price) VALUES ($1, $2, 1)"
            " ON CONFLICT (id) DO UPDATE SET price = items.price + excluded.price",
            [(1, "tea"), (3, "pie")],
        ),
    ],
)
def test_changes(connect, dialect, sql, parameters):
    connection = connect(dialect)
    assert connection.executemany(sql, parameters).rowcount == 2
    connection.commit()
    rows = connection.execute("SELECT id, price FROM items ORDER BY id").fetchall()
    assert rows == [(1, 3.75), (2, 4.0), (3, 1.0)]


@pytest.mark.parametrize("dialect", DIALECTS)
def test_definitions_last(connect, path, dialect):
    connection = connect(dialect)
    connection.execute("CREATE INDEX by_name ON items(name)")
    connection.execute("CREATE VIEW dear AS SELECT name FROM items WHERE price > 3")
    connection.execute("ALTER TABLE items ADD COLUMN stock INTEGER DEFAULT 5")
    with lsmsql.connect(path, **FAST) as other:
        assert other.execute("SELECT * FROM dear").fetchall() == [("cake;",)]
        assert other.execute("SELECT DISTINCT stock FROM items").fetchall() == [(5,)]
    other.close()
    connection.execute("DROP VIEW dear")
    connection.execute("DROP TABLE items")
    with pytest.raises(lsmsql.OperationalError, match="no such table: items"):
        connection.execute("SELECT * FROM items")


@pytest.mark.parametrize("dialect", DIALECTS)
def test_transactions(connect, dialect):
    connection = connect(dialect)
    connection.commit()
    with pytest.raises(ZeroDivisionError), connection:
        connection.execute("DELETE FROM items")
        raise ZeroDivisionError
    connection.execute("BEGIN")
    connection.execute("DELETE FROM items")
    connection.execute("ROLLBACK")
    assert connection.execute("SELECT count(*) FROM items").fetchone() == (2,)
    immediate = lsmsql.connect(connection._link.store, dialect=dialect, isolation_level="IMMEDIATE")
    immediate.execute("DELETE FROM items")
    assert immediate.in_transaction
    immediate.close()


@pytest.mark.parametrize(
    ("dialect", "sql", "construct"),
    [
        ("postgres", "SELECT * FROM items, LATERAL (SELECT 1) AS l", "LATERAL (SELECT 1) AS l"),
        ("mysql", "SELECT * FROM items FOR UPDATE", "FOR UPDATE"),
        ("duckdb", "SELECT [1, 2]", "[1, 2]"),
    ],
)
def test_what_has_no_equivalent_is_quoted(connect, dialect, sql, construct):
    connection = connect(dialect)
    with pytest.raises(lsmsql.NotSupportedError) as raised:
        connection.execute(sql)
    assert construct in str(raised.value)
    assert str(raised.value).startswith(f"{dialect}: ")


@pytest.mark.parametrize("dialect", DIALECTS)
def test_sql_that_needs_no_rewrite_stays_the_same_object(connect, dialect):
    connection = connect(dialect)
    sql = "".join(["SELECT name FROM items WHERE id > 1", ";"])
    assert translate(sql, dialect).sql is sql
    assert split_first(sql, dialect)[0] is sql
    assert connection._link.statement(sql).sql == sql


def test_a_text_is_translated_once(connect, monkeypatch):
    connection = connect("postgres")
    texts: list[str] = []
    rewrite = rewriting.rewrite

    def counting(sql: str, dialect: str) -> object:
        texts.append(sql)
        return rewrite(sql, dialect)

    monkeypatch.setattr(rewriting, "rewrite", counting)
    sql = "SELECT price::int AS once FROM items WHERE id = $1"
    for key in (1, 2, 1):
        connection.execute(sql, (key,)).fetchall()
    assert texts == [sql]


def test_one_statement_at_a_time(connect):
    connection = connect("postgres")
    with pytest.raises(lsmsql.ProgrammingError, match="one statement at a time"):
        connection.execute("SELECT 1; SELECT 2")
    assert connection.execute("SELECT $$;$$; -- ;\n;").fetchall() == [(";",)]


@pytest.mark.parametrize(
    ("sql", "first", "rest"),
    [
        ("", "", ""),
        (";;", "", ""),
        ("SELECT 1", "SELECT 1", ""),
        ("SELECT 1;", "SELECT 1;", ""),
        (";SELECT 1 ; SELECT 2;", ";SELECT 1 ", " SELECT 2;"),
        ("SELECT ';'; SELECT 2", "SELECT ';'", " SELECT 2"),
        ("SELECT 1; -- ; more", "SELECT 1; -- ; more", ""),
        ("SELECT 1; ;", "SELECT 1", ""),
    ],
)
@pytest.mark.parametrize("dialect", DIALECTS)
def test_where_a_statement_ends(sql, first, rest, dialect):
    assert split_first(sql, dialect) == (first, rest)


def test_an_unknown_dialect_is_named(path):
    with pytest.raises(lsmsql.ProgrammingError, match="unknown dialect 'oracle'; there are sqlite"):
        lsmsql.connect(path, dialect="oracle")


def test_strangers_have_sqlite_only(path):
    with pytest.raises(lsmsql.NotSupportedError, match="untrusted=True"):
        lsmsql.connect(path, dialect="postgres", untrusted=True)
