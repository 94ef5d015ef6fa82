"""The pieces of CREATE TABLE are those it was made of, and those that SQLite tells of."""

from __future__ import annotations

from typing import Any

import apsw
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.vtab.sql.soup import EDITED, SOUP
from vtab.sql.tables import ColumnPieces, Conflict, TablePieces, column_pieces, table_pieces


def pieces_of(sql: str) -> TablePieces:
    pieces = table_pieces(sql)
    assert pieces is not None
    return pieces


def column_of(text: str) -> ColumnPieces:
    pieces = column_pieces(text)
    assert pieces is not None
    return pieces


@pytest.mark.parametrize(
    ("text", "name", "declared"),
    [
        ("a", "a", ""), ('"a b" int', "a b", "INT"), ("a big Int", "a", "big Int"),
        ("'a' VARCHAR (10)", "a", "VARCHAR (10)"), ("a DEC(5, -2) NOT NULL", "a", "DEC(5, -2)"),
        ('a "iNteger"', "a", "INTEGER"), ('a "x y" z', "a", "x y"), ("a [x y]", "a", "x y"),
        ('a "" b', "a", ""), ('a "int" x', "a", "int"), ("a 'i''t'", "a", "i't"), ("a ''", "a", ""),
        ('a "real" generated always as (1)', "a", "REAL"),
        ("a generated always AS (1)", "a", ""), ("a X GENERATED\n ALWAYS as (1)", "a", "X"),
        ("a generated", "a", "generated"), ("a b/* c */d", "a", "b/* c */d"), ('a "x"', "a", "x"),
        ("a CONSTRAINT x NOT NULL", "a", ""), ("a \u0131nt", "a", "\u0131nt"),
        ("a DEFAULT x", "a", ""),
    ],
)  # fmt: skip
def test_names_and_types(text: str, name: str, declared: str) -> None:
    column = column_of(text)
    assert (column.name, column.type) == (name, declared)
    assert column.text.text == text
    connection = apsw.Connection(":memory:")
    connection.execute(f"CREATE TABLE t(other, {text})")
    ((kept,),) = connection.execute("SELECT type FROM pragma_table_xinfo('t') WHERE cid = 1")
    assert declared == kept


def test_a_column_with_everything() -> None:
    column = column_of("""a INT CONSTRAINT one NOT NULL ON CONFLICT FAIL CHECK (a > (0))
        DEFAULT -1.5 PRIMARY KEY DESC ON CONFLICT REPLACE AUTOINCREMENT UNIQUE ON CONFLICT IGNORE
        COLLATE "x y"
        CONSTRAINT [two 2] CHECK(a IN ('CHECK', b)) REFERENCES "o p" (q) ON DELETE SET NULL
        ON UPDATE NO ACTION MATCH full NOT DEFERRABLE INITIALLY DEFERRED NULL ON CONFLICT ABORT""")
    assert [(check.name, check.expression.text) for check in column.checks] == [
        ("one", "a > (0)"), ("two 2", "a IN ('CHECK', b)"),
    ]  # fmt: skip
    assert column.default and column.default.text == "-1.5"
    assert column.autoincrement and column.collation == "x y"
    assert column.conflicts == (
        Conflict("NOT NULL", "FAIL"),
        Conflict("PRIMARY KEY", "REPLACE"),
        Conflict("UNIQUE", "IGNORE"),
        Conflict("NULL", "ABORT"),
    )
    assert column.references
    assert " ".join(column.references.text.split()) == (
        'REFERENCES "o p" (q) ON DELETE SET NULL ON UPDATE NO ACTION MATCH full'
        " NOT DEFERRABLE INITIALLY DEFERRED"
    )


@pytest.mark.parametrize(
    ("text", "expression", "stored"),
    [
        ("a AS (b + 1)", "b + 1", False), ("a INT GENERATED ALWAYS AS ((b)) VIRTUAL", "(b)", False),
        ("a NOT NULL AS ('x') STORED CHECK (a)", "'x'", True),
        ("a UNIQUE generated always as (b) stored", "b", True),
    ],
)  # fmt: skip
def test_generated_columns(text: str, expression: str, stored: bool) -> None:
    generated = column_of(text).generated
    assert generated and (generated.expression.text, generated.stored) == (expression, stored)


def test_constraints_of_the_table() -> None:
    pieces = pieces_of("""CREATE TABLE t (a, b CHECK (b), -- CHECK (c)
        CONSTRAINT k PRIMARY KEY (a DESC, b COLLATE nocase) ON CONFLICT IGNORE,
        UNIQUE ("b") CONSTRAINT c CHECK (a, 'x') ON CONFLICT ROLLBACK CHECK (d),
        FOREIGN KEY (a, b) REFERENCES o(x, y) ON DELETE CASCADE DEFERRABLE)
        WITHOUT rowid, strict;""")
    assert [column.name for column in pieces.columns] == ["a", "b"]
    assert [(c.kind, c.name, c.inside.text, c.conflict) for c in pieces.constraints] == [
        ("PRIMARY KEY", "k", "a DESC, b COLLATE nocase", "IGNORE"),
        ("UNIQUE", None, '"b"', None),
        ("CHECK", "c", "a, 'x'", "ROLLBACK"),
        ("CHECK", "c", "d", None),
        ("FOREIGN KEY", None, "a, b", None),
    ]
    assert [(term.column, term.descending) for term in pieces.constraints[0].terms] == [
        ("a", True), ("b", False),
    ]  # fmt: skip
    assert pieces.constraints[-1].text.text == (
        "FOREIGN KEY (a, b) REFERENCES o(x, y) ON DELETE CASCADE DEFERRABLE"
    )
    assert pieces.strict and pieces.without_rowid and not pieces.autoincrement


@pytest.mark.parametrize(
    "columns", ["a INTEGER PRIMARY KEY AUTOINCREMENT", "a INTEGER, PRIMARY KEY (a AUTOINCREMENT)"]
)
def test_autoincrement(columns: str) -> None:
    pieces = pieces_of(f"CREATE TABLE t({columns})")
    assert pieces.autoincrement
    assert not pieces_of("CREATE TABLE t(a, autoincrement_too)").autoincrement
    assert all(c.inside.text == "a" for c in pieces.constraints)


def test_a_table_of_a_query() -> None:
    pieces = pieces_of("CREATE TEMP TABLE IF NOT EXISTS main.t AS SELECT 1 AS a; -- so")
    assert pieces.select and pieces.select.text == "SELECT 1 AS a"
    assert pieces.columns == ()


@pytest.mark.parametrize(
    "sql",
    [
        "", "SELECT 1", "CREATE TABLE t", "CREATE TABLE t()", "CREATE TABLE t(a,)",
        "CREATE TABLE t(a b",
        "CREATE TABLE t(a) WITHOUT", "CREATE TABLE t(a) FAST", "CREATE TABLE t(a CHECK b)",
        "CREATE TABLE t(a (10))", "CREATE TABLE t(a, CHECK ())", "CREATE TABLE t(a, UNIQUE (b) c)",
        "CREATE TABLE t(a DEFAULT)", "CREATE TABLE t(a NOT)", "CREATE TABLE t(a NULL ON x)",
        "CREATE TABLE t(a REFERENCES u ON DELETE)", "CREATE TABLE t(CHECK (a))", "CREATE VIEW v(a)",
        "CREATE TABLE t(a, PRIMARY KEY (AUTOINCREMENT))", "CREATE TABLE t AS",
        "CREATE TABLE t(a DEFAULT ,b)",
    ],
)  # fmt: skip
def test_what_cannot_be_read(sql: str) -> None:
    assert table_pieces(sql) is None


def test_no_column() -> None:
    assert column_pieces("") is None
    assert column_pieces("a, b") is None


# ------------------------------------------------------------------------------- made of parts

NAMES = ["a", '"b b"', "[c, d]", "`check`", "key", "städte", "'e'", '"(f"']
TYPES = ["", "INTEGER", "text", "VARCHAR(10)", "double  precision", '"big int"', "DEC(1, +2)"]
CHECKS = ["{} > 0", "{0} IN (1, ',)') OR {0} IS NULL", "({})", "{} <> '--' -- )\n"]
COLLATIONS = ["", "nocase", '"RTRIM"', "binary"]


@st.composite
def columns(draw) -> dict[str, Any]:
    return {
        "type": draw(st.sampled_from(TYPES)),
        "checks": draw(st.lists(st.sampled_from(CHECKS), max_size=2)),
        "collation": draw(st.sampled_from(COLLATIONS)),
        "default": draw(
            st.sampled_from(["", "1", "-2.5", "'it''s, so'", "(1 + (2))", "NULL", "x"])
        ),
        "not_null": draw(st.sampled_from(["", "NOT NULL", "NOT NULL ON CONFLICT IGNORE"])),
        "generated": draw(st.sampled_from(["", "AS (1) STORED", "GENERATED ALWAYS AS ('x')"])),
        "order": draw(st.permutations(range(5))),
    }


def written(name: str, column: dict[str, Any]) -> str:
    clauses = [
        " ".join(f"CHECK ({check.format(name)})" for check in column["checks"]),
        f"COLLATE {column['collation']}" if column["collation"] else "",
        f"DEFAULT {column['default']}" if column["default"] and not column["generated"] else "",
        column["not_null"],
        column["generated"],
    ]
    return " ".join([name, column["type"], *(clauses[at] for at in column["order"])])


@given(
    st.lists(columns(), min_size=1, max_size=4),
    st.sampled_from(
        ["", ", PRIMARY KEY (a)", ", CONSTRAINT x UNIQUE (a) CHECK (1)", ", CHECK (a)"]
    ),
    st.sampled_from(["", " WITHOUT ROWID"]),
)
def test_columns_are_as_sqlite_sees_them(drawn, constraint: str, option: str) -> None:
    drawn[0] |= {"generated": ""}
    definitions = [written(name, column) for name, column in zip(NAMES, drawn, strict=False)]
    if option and "PRIMARY" not in constraint:
        constraint += ", PRIMARY KEY (a)"
    sql = f"CREATE TABLE t({', '.join(definitions)}{constraint}){option}"
    connection = apsw.Connection(":memory:")
    connection.execute(sql)
    pieces = pieces_of(sql)
    assert pieces.without_rowid == bool(option)
    info = connection.execute("PRAGMA table_xinfo(t)").fetchall()
    for column, made, row in zip(pieces.columns, drawn, info, strict=True):
        _, name, declared, _, default, _, hidden = row
        assert (column.name, column.type) == (name, declared)
        assert (column.default.text if column.default else None) in (default, f"({default})")
        assert (2 + column.generated.stored if column.generated else 0) == hidden
        collation = connection.column_metadata("main", "t", str(name))[1]
        assert (column.collation or "BINARY").upper() == collation.upper()
        assert len(column.checks) == len(made["checks"])
        assert len(column.conflicts) == made["not_null"].count("CONFLICT")


@given(st.one_of(SOUP, EDITED))
def test_any_text_can_be_read(text: str) -> None:
    for sql in (text, f"CREATE TABLE t({text})", f"CREATE TABLE t(a, {text})"):
        assert isinstance(table_pieces(sql), TablePieces | None)
    assert isinstance(column_pieces(text), ColumnPieces | None)
