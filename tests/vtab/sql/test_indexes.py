"""The pieces of CREATE INDEX are those that SQLite tells of."""

from __future__ import annotations

import apsw
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.vtab.sql.soup import EDITED, SOUP
from vtab.sql.indexes import IndexPieces, index_pieces

TABLE = 'CREATE TABLE "a t"(a, "b b", c COLLATE nocase, "desc", [collate] COLLATE rtrim)'
NAMES = ["a", "A", '"b b"', "[b b]", "c", "desc", "`collate`"]
EXPRESSIONS = [
    "a + 1", "-a", "~c", "lower(c)", "a || c", "(a || c)", "CASE a WHEN 1 THEN c END", "NOT a",
    "CASE WHEN a THEN CASE c WHEN 1 THEN 2 END END", "CAST(a AS TEXT)", "max(a, c)", "- - a",
    "CASE a WHEN 1 THEN 2 END || CASE WHEN c THEN 1 END", "max(c, 1)", "(a) || (c)", "(a IN (1))",
    "1", "NULL", "'x' || a", "x'41' || a", "max((a), 1)", '"a" IS NULL', "a -> '$.x'",
    "desc + desc", "a IS NOT desc", "a BETWEEN 1 AND 2",
    "coalesce(a, c COLLATE nocase)", "a COLLATE nocase = c", "-(a || c)",
]  # fmt: skip


@st.composite
def terms(draw) -> str:
    text: str = draw(st.sampled_from(NAMES + EXPRESSIONS))
    for shape in draw(
        st.lists(st.sampled_from(["({})", "( {} )", "{} COLLATE nocase", '{}/**/collate "BINARY"']),
                 max_size=3)
    ):  # fmt: skip
        text = shape.format(text)
    return text + str(draw(st.sampled_from(["", " ASC", " desc", "\nDESC"])))


def index_of(sql: str) -> IndexPieces:
    pieces = index_pieces(sql)
    assert pieces is not None
    return pieces


@given(st.lists(terms(), min_size=1, max_size=4))
def test_terms_are_as_sqlite_sees_them(drawn: list[str]) -> None:
    connection = apsw.Connection(":memory:")
    connection.execute(TABLE)
    sql = f'CREATE INDEX i ON "a t"({", ".join(drawn)})'
    connection.execute(sql)
    found = connection.execute("PRAGMA index_xinfo(i)").fetchall()[:-1]
    pieces = index_of(sql)
    default = {"c": "nocase", "collate": "rtrim"}
    for term, row in zip(pieces.terms, found, strict=True):
        _, _, name, descending, collation, _ = row
        assert (term.column or "").lower() == (name or "")
        assert term.descending == descending
        assert (term.collation or default.get(str(name), "BINARY")).upper() == (
            str(collation).upper()
        )
        assert sql[slice(*term.expression.span)] == term.expression.text


@pytest.mark.parametrize(
    ("term", "expression", "column"),
    [
        ("a", "a", "a"), ("((a)) DESC", "a", "a"), ('"b b" COLLATE x ASC', '"b b"', "b b"),
        ("(a COLLATE x) COLLATE y", "a", "a"), ("(a) + (b)", "(a) + (b)", None),
        ("-a COLLATE x", "-a", None), ("a || c COLLATE x", "a || c COLLATE x", None),
        ("(a || c) COLLATE x desc", "a || c", None), ("lower( a )", "lower( a )", None),
        ("'a'", "'a'", "a"), ("asc", "asc", "asc"), ("desc desc", "desc", "desc"),
        ("a COLLATE desc desc", "a", "a"), ("a = desc", "a = desc", None),
        ("current_date", "current_date", None), ("12", "12", None),
    ],
)  # fmt: skip
def test_expressions(term: str, expression: str, column: str | None) -> None:
    (found,) = index_of(f"CREATE INDEX i ON t({term})").terms
    assert (found.expression.text, found.column) == (expression, column)


@pytest.mark.parametrize(
    ("sql", "unique", "table", "where"),
    [
        ("CREATE INDEX i ON t(a)", False, "t", None),
        ("create unique index if not exists main.\"i\" on [t t] (a, b) where a > 0;", True, "t t",
         "a > 0"),
        ("CREATE INDEX i ON t(a) -- WHERE\n WHERE (a) /* x */", False, "t", "(a)"),
    ],
)  # fmt: skip
def test_what_is_around(sql: str, unique: bool, table: str, where: str | None) -> None:
    pieces = index_of(sql)
    assert (pieces.unique, pieces.table) == (unique, table)
    assert (pieces.where.text if pieces.where else None) == where


@pytest.mark.parametrize(
    "sql",
    ["", "CREATE TABLE t(a)", "CREATE INDEX", "CREATE INDEX i ON t()", "CREATE INDEX i ON t(a,)",
     "CREATE INDEX i ON t", "CREATE INDEX i ON t(a) WHERE", "CREATE INDEX i ON t(a) b",
     "CREATE INDEX i ON t(a", "CREATE INDEX i ON t(DESC)x", "CREATE INDEX i ON t(())"],
)  # fmt: skip
def test_what_cannot_be_read(sql: str) -> None:
    assert index_pieces(sql) is None


@given(st.one_of(SOUP, EDITED))
def test_any_text_can_be_read(text: str) -> None:
    assert isinstance(index_pieces(text), IndexPieces | None)
    assert isinstance(index_pieces(f"CREATE INDEX i ON t({text})"), IndexPieces | None)
