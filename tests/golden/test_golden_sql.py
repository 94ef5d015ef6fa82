"""What SQL has defined in a golden store still holds."""

from __future__ import annotations

import shutil
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import lsmsql
from tests.golden.make import DEFINITIONS, STORES


@pytest.fixture
def connection(tmp_path: Path) -> Iterator[Any]:
    """A connection to a copy of the store."""
    shutil.copytree(STORES / "sql", tmp_path / "sql")
    connection = lsmsql.connect(tmp_path / "sql", isolation_level=None)
    yield connection
    connection.close()


def rows(connection: Any, sql: str) -> list[tuple[Any, ...]]:
    found: list[tuple[Any, ...]] = connection.execute(sql).fetchall()
    return found


@pytest.mark.parametrize(
    ("table", "column", "condition", "by"),
    [
        ("people", "name", "= 'ADA 3'", "INDEX by_name (name=?)"),
        ("people", "name", "= 'bob 3' AND born < 1990", "INDEX by_name (name=? AND born<?)"),
        ("people", "email", "= 'Ada1@Example.org'", "INDEX sqlite_autoindex_people_1 (email=?)"),
        ("people", "id", "BETWEEN 3 AND 7", "PRIMARY KEY (id>=? AND id<=?)"),
        ("visits", "day", "= '2024-01-05' AND note IS NOT NULL", "INDEX noted (day=?)"),
        ("visits", "person", "= 1 AND day > '2024-01-03'", "PRIMARY KEY (person=? AND day>?)"),
        ("notes", "text", "= 'B' COLLATE NOCASE", "INDEX by_text (text=?)"),
    ],
)
def test_its_indexes_are_used_and_have_all_rows(connection, table, column, condition, by):
    query = f"SELECT * FROM {table} WHERE {column} {condition}"
    (plan,) = rows(connection, f"EXPLAIN QUERY PLAN {query}")
    assert by in plan[-1]
    found = sorted(rows(connection, query))
    assert found == sorted(rows(connection, f"SELECT * FROM {table} WHERE +{column} {condition}"))
    assert len(found) > 0


@pytest.mark.parametrize(
    ("sql", "message"),
    [
        ("INSERT INTO people(name) VALUES (NULL)", "NOT NULL constraint failed: people.name"),
        ("UPDATE people SET born = 10 WHERE id = 1", "CHECK constraint failed: after 1000"),
        (
            "UPDATE people SET email = 'Ada1@Example.org'",
            "UNIQUE constraint failed: index 'one_address'",
        ),
        (
            "INSERT INTO people(name, email) VALUES ('x', 'ADA1@example.ORG')",
            "UNIQUE constraint failed: index 'one_address'",
        ),
        ("INSERT INTO people(id, name) VALUES (1, 'x')", "UNIQUE constraint failed: people.id"),
        (
            "INSERT INTO visits(person, day) VALUES (1, '2024-02-01')",
            "UNIQUE constraint failed: visits.person, visits.day",
        ),
        ("INSERT INTO readings VALUES ('x', 1)", "cannot store TEXT value in INTEGER column"),
    ],
)
def test_its_constraints_are_enforced(connection, sql, message):
    tables = ("people", "visits", "readings")
    before = [rows(connection, f"SELECT * FROM {table}") for table in tables]
    with pytest.raises(lsmsql.IntegrityError, match=message):
        connection.execute(sql)
    assert [rows(connection, f"SELECT * FROM {table}") for table in tables] == before


def test_a_new_row_gets_defaults_generated_values_and_a_number_that_nobody_had(connection):
    sql = "INSERT INTO people(name) VALUES ('new') RETURNING id, born, initial, age"
    assert rows(connection, "SELECT max(id) FROM people") == [(36,)]
    assert rows(connection, sql) == [(38, 1900, "N", 100)]
    sql = "INSERT INTO visits(person, day) VALUES (9, 'today') RETURNING note, mood"
    assert rows(connection, sql) == [(None, "fine")]


def test_rows_from_before_a_column_was_added_have_its_default(connection):
    found = rows(connection, "SELECT mood, count(*) FROM visits GROUP BY mood ORDER BY mood")
    assert found == [("bad", 1), ("fine", 70)]


def test_its_view_gives_what_it_says(connection):
    found = rows(connection, "SELECT * FROM elders WHERE who = 'ADA 0'")
    assert found == [("Ada 0", 105)]
    assert rows(connection, "SELECT count(*) FROM elders") == [(15,)]


def test_its_definitions_are_what_sqlite_keeps_of_them(connection):
    sqlite = sqlite3.connect(":memory:")
    sqlite.executescript(DEFINITIONS)
    sqlite.execute("ALTER TABLE visits ADD COLUMN mood TEXT DEFAULT 'fine'")
    query = "SELECT type, name, tbl_name FROM sqlite_schema WHERE tbl_name <> 'kv'"
    assert set(rows(connection, query)) == set(sqlite.execute(query))
    for table in ("people", "visits", "notes", "readings"):
        columns = f"PRAGMA table_xinfo({table})"
        assert rows(connection, columns) == sqlite.execute(columns).fetchall()
    sqlite.close()


def test_it_is_sound_also_after_its_indexes_are_made_anew(connection):
    assert rows(connection, "PRAGMA integrity_check") == [("ok",)]
    connection.execute("REINDEX")
    assert rows(connection, "PRAGMA integrity_check") == [("ok",)]
