"""The rows on which translated queries are run, and how to run them."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, datetime
from decimal import Decimal
from typing import Any

import apsw
import duckdb

from lsmsql.dialects.functions import register
from lsmsql.dialects.translation import translate

COLUMNS = ("id", "a", "b", "x", "n", "d", "ts", "f")
ROWS: list[tuple[Any, ...]] = [
    (1, 7, 2, 2.25, "ada", "2024-01-31", "2024-05-06 07:08:09", True),
    (2, -7, 2, -1.75, "Ada", "2024-02-29", "2023-12-31 23:59:59", False),
    (3, None, 3, None, "grace", None, None, None),
    (4, 7, -3, 0.1, "É%[x", "1999-12-31", "2024-01-01 00:00:00", True),
    (5, 0, 5, 100.0, "", "2024-01-01", "2024-02-29 12:00:00", False),
    (6, None, 1, 1e6, None, "2024-12-30", "1970-01-01 00:00:01", None),
]
SQLITE_TABLES = """
    CREATE TABLE t(id INTEGER PRIMARY KEY, a INTEGER, b INTEGER, x REAL, n TEXT, d TEXT, ts TEXT,
                   f INTEGER);
    CREATE TABLE u(id INTEGER PRIMARY KEY, a INTEGER UNIQUE, n TEXT);
    INSERT INTO u VALUES (1, 7, 'seven'), (2, 0, 'zero'), (3, 9, NULL);
"""


def new_sqlite() -> apsw.Connection:
    """SQLite's own tables with these rows, and the functions that translations call."""
    connection = apsw.Connection(":memory:")
    connection.execute(SQLITE_TABLES)
    connection.executemany(f"INSERT INTO t VALUES ({', '.join('?' * len(COLUMNS))})", ROWS)
    register(connection)
    return connection


def run(connection: apsw.Connection, sql: str, dialect: str) -> list[tuple[Any, ...]]:
    """The rows of a statement of a dialect."""
    return connection.execute(translate(sql, dialect).sql).fetchall()


DUCKDB_TABLES = """
    CREATE TABLE t(id INTEGER PRIMARY KEY, a INTEGER, b INTEGER, x DOUBLE, n VARCHAR, d DATE,
                   ts TIMESTAMP, f BOOLEAN);
    CREATE TABLE u(id INTEGER PRIMARY KEY, a INTEGER UNIQUE, n VARCHAR);
    INSERT INTO u VALUES (1, 7, 'seven'), (2, 0, 'zero'), (3, 9, NULL);
"""


def new_duckdb() -> duckdb.DuckDBPyConnection:
    """DuckDB with the same rows."""
    connection = duckdb.connect(config={"threads": 1})
    connection.execute(DUCKDB_TABLES)
    connection.executemany(f"INSERT INTO t VALUES ({', '.join('?' * len(COLUMNS))})", ROWS)
    return connection


def plain(value: object) -> object:
    """A value of DuckDB as SQLite has it: dates as texts, decimals as REAL, 0 and 1."""
    if isinstance(value, datetime):
        return value.isoformat(" ")
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, Decimal | float | int):
        return float(f"{float(value):.12g}")
    return value


def plain_rows(rows: Iterable[tuple[object, ...]]) -> list[tuple[object, ...]]:
    """Rows whose values can be compared."""
    return [tuple(plain(value) for value in row) for row in rows]
