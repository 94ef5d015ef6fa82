"""Only the schemas of the given names are replaced."""

from __future__ import annotations

import pytest
from hypothesis import given

from tests.vtab.sql.soup import SOUP
from vtab.sql.qualifiers import requalified


@pytest.mark.parametrize(
    ("sql", "expected"),
    [
        ("SELECT * FROM main.t", "SELECT * FROM temp.t"),
        ("SELECT main.t.a, MAIN . T.b FROM main/**/.t",
         "SELECT temp.t.a, temp . T.b FROM temp/**/.t"),
        ('SELECT * FROM "main"."two words"', 'SELECT * FROM "temp"."two words"'),
        ("SELECT * FROM [main].[t], 'main'.'t'", "SELECT * FROM [temp].[t], 'temp'.'t'"),
        ("SELECT 'main.t', \"main.t\" -- main.t", "SELECT 'main.t', \"main.t\" -- main.t"),
        ("SELECT * FROM main.u, temp.t, t", "SELECT * FROM main.u, temp.t, t"),
        ("SELECT a.main.t, main.t", "SELECT a.main.t, temp.t"),
        ("CREATE TRIGGER r BEGIN DELETE FROM main.t; SELECT 1; INSERT INTO main.t VALUES(1); END",
         "CREATE TRIGGER r BEGIN DELETE FROM temp.t; SELECT 1; INSERT INTO temp.t VALUES(1); END"),
        ("main.", "main."),
        ("main.t", "temp.t"),
    ],
)  # fmt: skip
def test_schemas(sql: str, expected: str) -> None:
    assert requalified(sql, {"t", "two words"}) == expected


def test_other_schemas() -> None:
    assert requalified("SELECT x.t, main.t", {"t"}, old="x", new="y") == "SELECT y.t, main.t"


@given(SOUP)
def test_text_without_such_names_stays(sql: str) -> None:
    assert requalified(sql, {"elsewhere"}) == sql
