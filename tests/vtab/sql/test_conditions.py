"""Conditions that are comparisons with constants, and how they are read."""

from __future__ import annotations

import pytest

from vtab.sql.conditions import ColumnComparison, column_comparisons


@pytest.mark.parametrize(
    ("sql", "expected"),
    [
        ("a = 1", [("a", "=", 1)]),
        ("a == -1", [("a", "=", -1)]),
        ("a <> - + 1.5e1", [("a", "<>", -15.0)]),
        ("a != 'it''s'", [("a", "<>", "it's")]),
        ("a < x'0aFF'", [("a", "<", b"\x0a\xff")]),
        ("a = TRUE AND b = false", [("a", "=", 1), ("b", "=", 0)]),
        ("a IS 1", [("a", "IS", 1)]),
        ("a IS NOT 1", [("a", "IS NOT", 1)]),
        ("a IS NULL", [("a", "IS NULL", None)]),
        ("a isnull", [("a", "IS NULL", None)]),
        ("a IS NOT NULL", [("a", "IS NOT NULL", None)]),
        ("a NOT NULL", [("a", "IS NOT NULL", None)]),
        ("a NOTNULL", [("a", "IS NOT NULL", None)]),
        ("5 = a", [("a", "=", 5)]),
        ("5 < a", [("a", ">", 5)]),
        ("'x' >= a", [("a", "<=", "x")]),
        ("5 IS NOT a", [("a", "IS NOT", 5)]),
        ("a BETWEEN 1 AND 2", [("a", ">=", 1), ("a", "<=", 2)]),
        ("a BETWEEN 1 AND 2 AND b = 3", [("a", ">=", 1), ("a", "<=", 2), ("b", "=", 3)]),
        (
            '((a = 1) and ("b ""c" = 2 AND [d] = 3))',
            [("a", "=", 1), ('b "c', "=", 2), ("d", "=", 3)],
        ),
        ("a = 1 -- that is all", [("a", "=", 1)]),
    ],
)
def test_comparisons(sql: str, expected: list[tuple[str, str, object]]) -> None:
    found = column_comparisons(sql)
    assert found == tuple(ColumnComparison(*each) for each in expected)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "sql",
    [
        "a", "NOT a", "NOT a = 1", "a = b", "a = NULL", "a IS TRUE", "a IS NOT FALSE",
        "a = 1 OR b = 2",
        "a = 1 + 1", "a + 1 = 2", "a = 1 AND", "a = -'1'", "a = 1 = 1", "0 < a < 5", "1 = 1",
        "a IN (1, 2)", "a LIKE 'x%'", "a NOT BETWEEN 1 AND 2", "a BETWEEN 1 AND 2 OR b = 1",
        "a IS NOT DISTINCT FROM 1", "lower(a) = 'x'", "a COLLATE NOCASE = 'x'", "(a) = 1",
        "a = (1)",
        "CURRENT_DATE > 'x'", "a > CURRENT_DATE", "NULL IS NULL", "TRUE IS NULL", "'a' IS NULL",
        "a = 0x10", "a = 1_000", "a = 9223372036854775808", "a = 0.12345678901234567890", "(a = 1",
        "a = ?", "",
    ],
)  # fmt: skip
def test_anything_else_is_none(sql: str) -> None:
    assert column_comparisons(sql) is None
