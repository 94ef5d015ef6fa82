"""CREATE TABLE is read as SQLite reads it, and refused where it cannot be honoured."""

from __future__ import annotations

from pathlib import Path

import pytest

from lsmsql.engine.errors import SchemaError
from lsmsql.engine.store import open_store
from vtab import create_from_sql, parse_create


@pytest.mark.parametrize(
    ("declared", "expected"),
    [
        ("INTEGER", "INTEGER"), ("int", "INTEGER"), ("BIGINT", "INTEGER"), ("TEXT", "TEXT"),
        ("VARCHAR(10)", "TEXT"), ("CLOB", "TEXT"), ("BLOB", "BLOB"), ("REAL", "REAL"),
        ("DOUBLE PRECISION", "REAL"), ("FLOAT", "REAL"), ("ANY", "ANY"), ("", "ANY"),
        ("NUMERIC", "ANY"), ("DECIMAL(5,2)", "ANY"), ("DATETIME", "ANY"), ("POINT", "INTEGER"),
    ],
)  # fmt: skip
def test_types_follow_the_rules_of_affinity(declared: str, expected: str) -> None:
    schema = parse_create(f"CREATE TABLE t(id INTEGER PRIMARY KEY, c {declared})")
    assert schema.columns[1].type == expected


def test_keys() -> None:
    one = parse_create("CREATE TABLE t(id INTEGER PRIMARY KEY, v)")
    assert (one.key, one.descending) == ((0,), (False,))
    two = parse_create("CREATE TABLE t(a TEXT, b INT, c, PRIMARY KEY (c DESC, a))")
    assert (two.key, two.descending) == ((2, 0), (True, False))
    down = parse_create("CREATE TABLE t(a TEXT PRIMARY KEY DESC) WITHOUT ROWID, STRICT")
    assert (down.key, down.descending) == ((0,), (True,))


def test_what_the_user_wrote_is_kept() -> None:
    sql = 'CREATE TABLE "odd "" name" (k TEXT NOT NULL PRIMARY KEY, -- the key\n v TEXT NOT NULL)'
    schema = parse_create(f"  {sql};")
    assert schema.name == 'odd " name'
    assert schema.sql == sql
    assert [c.not_null for c in schema.columns] == [True, True]


def test_a_list_of_columns_is_enough_with_a_name() -> None:
    schema = parse_create("(k TEXT, PRIMARY KEY (k))", "my table")
    assert schema.name == "my table"
    assert schema.sql == 'CREATE TABLE "my table"(k TEXT, PRIMARY KEY (k))'


@pytest.mark.parametrize(
    ("sql", "named"),
    [
        ("CREATE TABLE t(a INT)", "PRIMARY KEY"),
        ("CREATE TABLE t(a INT PRIMARY KEY, b DEFAULT 5)", "column b: DEFAULT"),
        ("CREATE TABLE t(a INT PRIMARY KEY, b CHECK (b > 0))", "CHECK"),
        ("CREATE TABLE t(a INT PRIMARY KEY, b UNIQUE)", "UNIQUE"),
        ("CREATE TABLE t(a INT PRIMARY KEY, b REFERENCES u)", "REFERENCES"),
        ("CREATE TABLE t(a INT PRIMARY KEY, b, FOREIGN KEY (b) REFERENCES u)", "REFERENCES"),
        ("CREATE TABLE t(a INT PRIMARY KEY, b AS (a + 1))", "GENERATED"),
        ("CREATE TABLE t(a INTEGER PRIMARY KEY AUTOINCREMENT)", "AUTOINCREMENT"),
        ("CREATE TABLE t(a TEXT COLLATE NOCASE PRIMARY KEY)", "COLLATE NOCASE"),
        ("CREATE TABLE t(a INT PRIMARY KEY, b TEXT COLLATE RTRIM)", "COLLATE RTRIM"),
        ("CREATE TABLE t(a TEXT, PRIMARY KEY (a COLLATE NOCASE))", "COLLATE NOCASE"),
        ("CREATE TABLE t(a INT PRIMARY KEY ON CONFLICT REPLACE)", "ON CONFLICT"),
        ("CREATE TABLE t(a INT PRIMARY KEY, b NOT NULL ON CONFLICT IGNORE)", "ON CONFLICT"),
        ("CREATE TABLE t AS SELECT 1 AS a", "AS SELECT"),
        ("CREATE TEMP TABLE t(a INT PRIMARY KEY)", "TEMP table"),
        ("CREATE VIRTUAL TABLE t USING fts5(a)", "VIRTUAL table"),
        ("CREATE TABLE t(a INT PRIMARY KEY); DROP TABLE t", "more than one statement"),
        ("CREATE TABLE t(a INT PRIMARY KEY, a TEXT)", "duplicate column name"),
        ("CREATE TABLE t(a INT PRIMARY KEY", "incomplete input"),
        ("SELECT 1", "CREATE TABLE"),
        ("", "CREATE TABLE"),
    ],
)
def test_what_cannot_be_honoured_is_refused_by_name(sql: str, named: str) -> None:
    with pytest.raises(SchemaError, match=named.replace("(", r"\(")):
        parse_create(sql)


def test_words_in_names_comments_and_strings_mean_nothing() -> None:
    schema = parse_create(
        'CREATE TABLE t("check" INT, [on conflict] TEXT, /* CHECK (x) */ `as` BLOB, '
        'PRIMARY KEY ("check")) -- ON CONFLICT'
    )
    assert [c.name for c in schema.columns] == ["check", "on conflict", "as"]


def test_create_in_a_store(tmp_path: Path) -> None:
    with open_store(str(tmp_path / "store"), sync="off") as store:
        made = create_from_sql(store, "CREATE TABLE t(k INT PRIMARY KEY, v TEXT)")
        assert made.columns == ("k", "v")
        again = create_from_sql(store, "CREATE TABLE IF NOT EXISTS T(other BLOB PRIMARY KEY)")
        assert again.schema == made.schema
        with pytest.raises(SchemaError, match="already exists"):
            create_from_sql(store, "CREATE TABLE t(k INT PRIMARY KEY)")
