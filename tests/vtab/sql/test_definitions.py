"""What statements that define something are about."""

from __future__ import annotations

import apsw
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.vtab.sql.soup import EDITED, SOUP
from vtab.sql.definitions import Alteration, Definition, read_statement


def definition_of(sql: str) -> Definition:
    definition = read_statement(sql)
    assert definition is not None
    return definition


@pytest.mark.parametrize(
    ("sql", "kind", "flags", "schema", "name", "table"),
    [
        ("CREATE TABLE t(a)", "TABLE", "", None, "t", None),
        ("create temp table if not exists t as select 1", "TABLE", "temporary conditional", None,
         "t", None),
        ("CREATE TEMPORARY VIEW [a b] AS SELECT 1", "VIEW", "temporary", None, "a b", None),
        ('CREATE TABLE "main"/* */."a""b"(a)', "TABLE", "", "main", 'a"b', None),
        ("CREATE INDEX i ON t(a)", "INDEX", "", None, "i", "t"),
        ("CREATE UNIQUE INDEX IF NOT EXISTS main.i ON 't t' (a) WHERE b", "INDEX",
         "unique conditional", "main", "i", "t t"),
        ("CREATE VIRTUAL TABLE IF NOT EXISTS t USING lsm(a)", "VIRTUAL TABLE", "conditional", None,
         "t", None),
        ("CREATE TRIGGER r AFTER UPDATE OF a, b ON t BEGIN SELECT 1; END", "TRIGGER", "", None,
         "r", "t"),
        ("CREATE TEMP TRIGGER x.r INSTEAD OF INSERT ON main.v BEGIN SELECT 1; SELECT 2; END",
         "TRIGGER", "temporary", "x", "r", "v"),
        ("CREATE VIEW temp.v(a, b) AS SELECT 1, 2", "VIEW", "", "temp", "v", None),
        ("; -- so\nCREATE TABLE IF(a)", "TABLE", "", None, "IF", None),
    ],
)  # fmt: skip
def test_create(sql, kind, flags, schema, name, table) -> None:
    found = definition_of(sql)
    assert (found.verb, found.kind) == ("CREATE", kind)
    assert [flag for flag in ("temporary", "unique", "conditional") if getattr(found, flag)] == (
        flags.split()
    )
    assert (found.schema, found.name, found.table) == (schema, name, table)


@pytest.mark.parametrize(
    ("sql", "expected"),
    [
        ("DROP TABLE t", ("DROP", "TABLE", False, None, "t")),
        ("drop index if exists main . 'i';", ("DROP", "INDEX", True, "main", "i")),
        ("DROP VIEW [v w]", ("DROP", "VIEW", False, None, "v w")),
        ("DROP TRIGGER temp.r -- so", ("DROP", "TRIGGER", False, "temp", "r")),
        ("REINDEX", ("REINDEX", "", False, None, None)),
        ("REINDEX main.i", ("REINDEX", "", False, "main", "i")),
        ("ANALYZE;", ("ANALYZE", "", False, None, None)),
        ("analyze t", ("ANALYZE", "", False, None, "t")),
    ],
)
def test_drop_reindex_and_analyze(sql: str, expected: tuple[object, ...]) -> None:
    found = definition_of(sql)
    assert (found.verb, found.kind, found.conditional, found.schema, found.name) == expected


@pytest.mark.parametrize(
    ("change", "kind", "column", "new_name", "text"),
    [
        ("RENAME TO \"u v\"", "RENAME TABLE", None, "u v", None),
        ("RENAME a TO b;", "RENAME COLUMN", "a", "b", None),
        ("rename column 'a b' to [c]", "RENAME COLUMN", "a b", "c", None),
        ("ADD a", "ADD COLUMN", "a", None, "a"),
        ("ADD COLUMN \"a b\" INT DEFAULT (1) -- so", "ADD COLUMN", "a b", None,
         '"a b" INT DEFAULT (1)'),
        ("DROP a", "DROP COLUMN", "a", None, None),
        ("DROP COLUMN a", "DROP COLUMN", "a", None, None),
        ("ADD CONSTRAINT c CHECK (a > 0)", "OTHER", None, None, "ADD CONSTRAINT c CHECK (a > 0)"),
        ("ADD CHECK (a > 0)", "OTHER", None, None, "ADD CHECK (a > 0)"),
        ("DROP CONSTRAINT c", "OTHER", None, None, "DROP CONSTRAINT c"),
        ("ALTER a SET NOT NULL", "OTHER", None, None, "ALTER a SET NOT NULL"),
    ],
)  # fmt: skip
def test_alter_table(change, kind, column, new_name, text) -> None:
    found = definition_of(f"ALTER TABLE main.t {change}")
    assert (found.verb, found.kind, found.schema, found.name) == ("ALTER", "TABLE", "main", "t")
    alteration = found.alteration
    assert isinstance(alteration, Alteration)
    assert (alteration.kind, alteration.column, alteration.new_name) == (kind, column, new_name)
    assert (alteration.text and alteration.text.text) == text


@pytest.mark.parametrize(
    "sql",
    [
        "", "SELECT 1", "EXPLAIN CREATE TABLE t(a)", "CREATE", "CREATE TABLE", "CREATE t(a)",
        "DROP",
        "DROP TABLE", "DROP TABLE t u", "CREATE TABLE a.", "ALTER TABLE t", "ALTER TABLE t RENAME",
        "ALTER TABLE t RENAME a", "ALTER TABLE t ADD", "ALTER TABLE t DROP COLUMN", "REINDEX a b",
        "CREATE INDEX i", "CREATE TRIGGER r", "ALTER INDEX i RENAME TO j", "CREATE TABLE t(a",
        "ALTER TABLE t RENAME TO a b",
    ],
)  # fmt: skip
def test_other_statements_and_what_cannot_be_read(sql: str) -> None:
    assert read_statement(sql) is None


@pytest.mark.parametrize(
    ("sql", "expected"),
    [
        ("CREATE TABLE  t(a)", "CREATE TABLE  main.t(a)"),
        ('drop table if exists x . "a b" ;', 'drop table if exists main."a b" ;'),
        ("CREATE UNIQUE INDEX i ON t(a)", "CREATE UNIQUE INDEX main.i ON t(a)"),
        ("ALTER TABLE t RENAME TO u -- t", "ALTER TABLE main.t RENAME TO u -- t"),
        ("REINDEX", "REINDEX"),
        ("ANALYZE 't'", "ANALYZE main.'t'"),
    ],
)
def test_the_same_in_another_schema(sql: str, expected: str) -> None:
    assert definition_of(sql).in_schema(sql, "main") == expected


def test_what_follows_the_name() -> None:
    def rest(sql: str) -> str | None:
        found = definition_of(sql)
        assert found.rest is None or sql[slice(*found.rest.span)] == found.rest.text
        return found.rest.text if found.rest else None

    assert rest("CREATE VIEW v(a) AS SELECT 1 ; -- so") == "(a) AS SELECT 1"
    assert rest("CREATE VIRTUAL TABLE t USING lsm") == "USING lsm"
    assert rest("CREATE TRIGGER r DELETE ON t BEGIN SELECT 1; END") == (
        "DELETE ON t BEGIN SELECT 1; END"
    )
    assert rest("DROP TABLE t;") is None


@given(
    st.sampled_from(["TABLE {} (a)", "VIEW {} AS SELECT 1", "INDEX {} ON base(a)"]),
    st.sampled_from(["t", '"a ""b"', "[x y]", "`q`", "'s'", "städte", "rowid", "temp", "key"]),
    st.sampled_from(["", "main.", '"other".', "other /* */ . "]),
    st.sampled_from(["", "IF NOT EXISTS "]),
)
def test_sqlite_sees_the_same_name(shape: str, name: str, schema: str, condition: str) -> None:
    sql = "CREATE " + shape.format(condition + schema + name).replace("/*", "/* ;")
    connection = apsw.Connection(":memory:")
    connection.execute("ATTACH ':memory:' AS other")
    for database in ("main", "other"):
        connection.execute(f"CREATE TABLE {database}.base(a)")
    connection.execute(sql)
    found = definition_of(sql)
    listed = connection.execute(
        f"SELECT lower(type), name, tbl_name FROM {found.schema or 'main'}.sqlite_schema"
        " WHERE name <> 'base'"
    ).fetchall()
    assert listed == [(found.kind.lower(), found.name, found.table or found.name)]


@given(st.one_of(SOUP, EDITED))
def test_any_text_can_be_read(text: str) -> None:
    for start in ("", "CREATE TABLE ", "ALTER TABLE t ", "CREATE TRIGGER r "):
        assert isinstance(read_statement(start + text), Definition | None)
