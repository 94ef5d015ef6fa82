"""Names side by side, and definitions with a line for each column."""

from __future__ import annotations

import apsw
import pytest

from lsmsql.shell.layout import indented, side_by_side


def test_names_stand_in_columns_downwards_first():
    names = [f"{'x' * 30}{i}" for i in range(5)]
    lines = [line.split() for line in side_by_side(names)]
    assert lines == [[names[0], names[3]], [names[1], names[4]], [names[2]]]
    assert list(side_by_side([])) == []


@pytest.mark.parametrize(
    ("sql", "expected"),
    [
        ("CREATE TABLE t(a)", "CREATE TABLE t(\n  a\n)"),
        (
            "CREATE TABLE t(a DEFAULT (max(1, 2)),b CHECK (b IN ('x,y', 2)), PRIMARY KEY(a, b))"
            " WITHOUT ROWID",
            "CREATE TABLE t(\n  a DEFAULT (max(1, 2)),\n  b CHECK (b IN ('x,y', 2)),\n"
            "  PRIMARY KEY(a, b)\n) WITHOUT ROWID",
        ),
        ('CREATE TABLE "a,(b"( "c,d" , e /* , */ )', None),
        ("CREATE TABLE t(\n a, b)", "CREATE TABLE t(\n a, b)"),
    ],
)
def test_a_line_for_each_column(sql, expected):
    text = indented(sql)
    if expected is not None:
        assert text == expected
    connection = apsw.Connection(":memory:")
    connection.execute(text)
    assert connection.execute("SELECT count(*) FROM sqlite_schema WHERE type = 'table'").get == 1
