"""One statement after the other, and the one that is explained."""

from __future__ import annotations

import pytest
from hypothesis import given

from tests.vtab.sql.soup import SOUP
from vtab.sql.split import is_blank, split_explain, split_first


@pytest.mark.parametrize(
    ("sql", "explain", "rest"),
    [
        ("SELECT 1", "", "SELECT 1"),
        ("EXPLAIN SELECT 1", "EXPLAIN", " SELECT 1"),
        ("explain query plan SELECT 1", "explain query plan", " SELECT 1"),
        ("; /* why */ EXPLAIN/**/QUERY -- \nPLAN(", "; /* why */ EXPLAIN/**/QUERY -- \nPLAN", "("),
        ("EXPLAIN QUERY", "EXPLAIN", " QUERY"),
        ("EXPLAIN", "EXPLAIN", ""),
        ("EXPLAINED", "", "EXPLAINED"),
        ("", "", ""),
    ],
)
def test_explain(sql, explain, rest):
    assert split_explain(sql) == (explain, rest)


def test_the_first_statement():
    trigger = "CREATE TEMP TRIGGER r BEGIN SELECT 1; SELECT 2; END;"
    assert split_first(f"{trigger} SELECT 3") == (trigger, " SELECT 3")
    assert split_first(" ; SELECT ';'; SELECT 2") == (" ; SELECT ';';", " SELECT 2")
    assert split_first("SELECT 1 -- ;") == ("SELECT 1 -- ;", "")


@given(SOUP)
def test_nothing_is_lost(sql):
    assert "".join(split_first(sql)) == sql
    assert "".join(split_explain(sql)) == sql


@pytest.mark.parametrize("text", ["", " \n", ";", "-- a", "/* a */ ; -- b\n;"])
def test_blank(text):
    assert is_blank(text)


@pytest.mark.parametrize("text", ["a", "-- a\nb", "';'", "-"])
def test_not_blank(text):
    assert not is_blank(text)
