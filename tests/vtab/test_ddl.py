"""CREATE TABLE is read as SQLite reads it, and refused where it cannot be honoured."""

from __future__ import annotations

from pathlib import Path

import pytest

from lsmsql.engine.column import Generated
from lsmsql.engine.errors import SchemaError
from lsmsql.engine.schema import TableSchema
from lsmsql.engine.store import open_store
from vtab import create_from_sql, parse_create

TYPES = [
    ("INTEGER", "INTEGER"), ("int", "INTEGER"), ("BIGINT", "INTEGER"), ("TEXT", "TEXT"),
    ("VARCHAR(10)", "TEXT"), ("CLOB", "TEXT"), ("BLOB", "ANY"), ("REAL", "REAL"),
    ("DOUBLE PRECISION", "REAL"), ("FLOAT", "REAL"), ("ANY", "INTEGER"), ("", "ANY"),
    ("NUMERIC", "INTEGER"), ("DECIMAL(5,2)", "INTEGER"), ("DATETIME", "INTEGER"),
    ("POINT", "INTEGER"), ("JSON", "INTEGER"), ("FLOATING CHAR", "TEXT"),
]  # fmt: skip


@pytest.mark.parametrize(("declared", "expected"), TYPES)
def test_columns_store_any_type_and_have_the_affinity_of_their_own(
    declared: str, expected: str
) -> None:
    column = read(f"CREATE TABLE t(id INTEGER PRIMARY KEY, c {declared})").columns[1]
    assert (column.type, column.affinity, column.type_name) == (
        "ANY",
        expected,
        declared.replace("int", "INT"),
    )


@pytest.mark.parametrize("declared", ["INTEGER", "INT", "TEXT", "BLOB", "REAL", "ANY"])
def test_strict_tables_store_one_type(declared: str) -> None:
    column = read(f"CREATE TABLE t(id INTEGER PRIMARY KEY, c {declared}) STRICT").columns[1]
    assert column.type == declared.replace("INT", "INTEGER").replace("INTEGEREGER", "INTEGER")


def read(sql: str, name: str | None = None) -> TableSchema:
    return parse_create(sql, name).schema


def test_keys() -> None:
    one = read("CREATE TABLE t(id INTEGER PRIMARY KEY, v)")
    assert (one.key, one.descending) == ((0,), (False,))
    two = read("CREATE TABLE t(a TEXT, b INT, c, PRIMARY KEY (c DESC, a))")
    assert (two.key, two.descending) == ((2, 0), (True, False))
    down = read("CREATE TABLE t(a TEXT PRIMARY KEY DESC) WITHOUT ROWID, STRICT")
    assert (down.key, down.descending) == ((0,), (True,))


def test_what_the_user_wrote_is_kept() -> None:
    sql = 'CREATE TABLE "odd "" name" (k TEXT NOT NULL PRIMARY KEY, -- the key\n v TEXT NOT NULL)'
    schema = read(f"  {sql};")
    assert schema.name == 'odd " name'
    assert schema.sql == sql
    assert [c.not_null for c in schema.columns] == [True, True]


def test_a_list_of_columns_is_enough_with_a_name() -> None:
    schema = read("(k TEXT, PRIMARY KEY (k))", "my table")
    assert schema.name == "my table"
    assert schema.sql == 'CREATE TABLE "my table"(k TEXT, PRIMARY KEY (k))'


@pytest.mark.parametrize(
    ("sql", "named"),
    [
        ("CREATE TABLE t(a INT PRIMARY KEY, b REFERENCES u)", "REFERENCES"),
        ("CREATE TABLE t(a INT PRIMARY KEY, b, FOREIGN KEY (b) REFERENCES u)", "REFERENCES"),
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


def test_a_table_without_a_usable_key_has_a_hidden_rowid() -> None:
    for sql in ("CREATE TABLE t(a)", "CREATE TABLE t(a COLLATE NOCASE PRIMARY KEY)"):
        schema = read(sql)
        assert (schema.columns[-1].name, schema.columns[-1].hidden) == ("rowid", True)
        assert schema.key == (1,)
    assert read("CREATE TABLE t(rowid)").columns[-1].name == "_rowid_"


def test_constraints_ask_for_indexes() -> None:
    found = parse_create("CREATE TABLE t(a UNIQUE, b, UNIQUE (b DESC, a), PRIMARY KEY (a, b))")
    names = [name for name, _ in found.indexes]
    assert names == ["sqlite_autoindex_t_1", "sqlite_autoindex_t_2"]
    assert [term.descending for term in found.indexes[1][1].terms] == [True, False]
    folded = parse_create("CREATE TABLE t(a TEXT COLLATE NOCASE PRIMARY KEY)")
    assert [index.origin for _, index in folded.indexes] == ["pk"]


def test_checks_defaults_and_formulas_are_kept_as_text() -> None:
    schema = read(
        "CREATE TABLE t(a DEFAULT (1+2) CONSTRAINT big CHECK (a > 0), b AS (a*2) STORED, CHECK(b<9))"  # noqa: E501
    )
    assert [(c.name, c.sql) for c in schema.checks] == [("big", "a > 0"), (None, "b<9")]
    assert schema.columns[0].default == "1+2"
    assert schema.columns[1].generated == Generated("a*2", True)


def test_words_in_names_comments_and_strings_mean_nothing() -> None:
    schema = read(
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
