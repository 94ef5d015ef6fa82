"""``translate``: what is left alone, parameters, errors."""

from __future__ import annotations

import subprocess
import sys

import pytest

from lsmsql.dialects.errors import DialectError
from lsmsql.dialects.translation import DIALECTS, translate
from lsmsql.engine.errors import UsageError
from tests.dialects.data import new_sqlite

LEFT_ALONE = [
    "SELECT a FROM t WHERE b = 1",
    "select  a   AS x, count(*)\nfrom t -- why\n group by a /* or */ having count(*) > 1",
    "SELECT * FROM t WHERE a = ? AND b IN (?, ?)",
    "INSERT INTO t(a, b) VALUES (1, 'x')",
    "UPDATE t SET a = a + 1 WHERE b BETWEEN 1 AND 2",
    "DELETE FROM t WHERE a IS NULL",
    "SAVEPOINT one",
    "RELEASE SAVEPOINT one",
    "ROLLBACK TO one",
    "BEGIN",
    "COMMIT;",
    "PRAGMA table_info(t)",
    "",
]


@pytest.mark.parametrize("dialect", DIALECTS)
@pytest.mark.parametrize("sql", LEFT_ALONE)
def test_plain_sql_comes_back_as_it_is(dialect, sql):
    translation = translate(sql, dialect)
    assert translation.sql is sql or translation.sql == sql
    assert not translation.rewritten


def test_sqlite_is_never_looked_at():
    assert translate("no SQL at all", "sqlite").sql == "no SQL at all"


@pytest.mark.parametrize(
    ("dialect", "sql", "result", "names"),
    [
        ("postgres", "SELECT a FROM t WHERE a = $2 OR b = $1",
         "SELECT a FROM t WHERE a = ?2 OR b = ?1", (None, None)),
        ("postgres", "SELECT a FROM t WHERE a = %s AND b = %s",
         "SELECT a FROM t WHERE a = ? AND b = ?", (None, None)),
        ("postgres", "SELECT a FROM t WHERE a = %(one)s OR a = :two",
         "SELECT a FROM t WHERE a = :one OR a = :two", ("one", "two")),
        ("duckdb", "SELECT a FROM t WHERE a = $one", "SELECT a FROM t WHERE a = :one", ("one",)),
        ("mysql", "SELECT a FROM t LIMIT ?, ?", "SELECT a FROM t LIMIT ?, ?", (None, None)),
        ("mysql", 'SELECT "x" FROM t LIMIT ?, ?', "SELECT 'x' FROM t LIMIT ?2 OFFSET ?1",
         (None, None)),
        ("postgres", "SELECT '$1', \"%s\", a::int FROM t WHERE a = $1",
         "SELECT '$1', \"%s\", dialect_integer(a, 32) FROM t WHERE a = ?1", (None,)),
        ("postgres", "SELECT ':p__1', a::int FROM t WHERE a = ?",
         "SELECT ':p__1', dialect_integer(a, 32) FROM t WHERE a = ?1", (None,)),
    ],
)  # fmt: skip
def test_parameters(dialect, sql, result, names):
    translation = translate(sql, dialect)
    assert translation.sql == result
    assert translation.names == names


def test_parameters_take_the_values_they_took_before():
    connection = new_sqlite()
    before = "SELECT id FROM t WHERE n = $2 AND greatest(a, $1) = 7"
    sql = translate(before, "postgres").sql
    assert connection.execute(sql, (3, "ada")).fetchall() == [(1,)]


def test_a_percent_sign_between_two_values_is_an_operator():
    assert translate("SELECT 5 %s", "postgres").sql == "SELECT dialect_remainder(5, s)"


@pytest.mark.parametrize(
    ("sql", "message"),
    [
        ("SELECT a FROM t, LATERAL (SELECT 1) x", r"postgres: LATERAL \(SELECT 1\) AS x: has no"),
        ("SELECT 1; SELECT 2", "more than one statement"),
        ("SELECT a FROM t WHERE a = ? AND b = $1", "parameters of two kinds"),
        ("SELECT a FROM t WHERE a = :x AND b = ?", "parameters of two kinds"),
        ("SELECT 'open", "cannot be read"),
        ("SELECT FROM WHERE", "postgres: "),
        ("BEGIN ISOLATION LEVEL READ COMMITTED", "transactions here are serializable"),
    ],
)
def test_errors_quote_the_construct(sql, message):
    with pytest.raises(DialectError, match=message) as caught:
        translate(sql, "postgres")
    assert caught.value.dialect == "postgres"
    assert caught.value.construct


def test_an_unknown_dialect():
    with pytest.raises(UsageError, match="unknown dialect 'oracle'; there are sqlite, postgres"):
        translate("SELECT 1", "oracle")


def test_a_function_of_the_program_is_left_alone():
    assert not translate("SELECT my_own(a, b) FROM t", "postgres").rewritten


def test_explain_shows_the_plan_of_the_translation():
    sql = translate("EXPLAIN QUERY PLAN SELECT a::int FROM t", "postgres").sql
    assert sql == "EXPLAIN QUERY PLAN SELECT dialect_integer(a, 32) FROM t"


def test_nothing_is_printed_about_what_is_not_understood(caplog):
    with pytest.raises(DialectError):
        translate("GRANT ALL ON t TO me", "postgres")
    assert not caplog.records


def test_the_parser_is_imported_when_it_is_needed():
    code = """
import sys
from lsmsql.dialects.translation import translate
translate("SELECT 1", "sqlite")
assert "sqlglot" not in sys.modules
translate("SELECT 1", "postgres")
assert "sqlglot" in sys.modules
"""
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60)


def test_the_same_text_is_translated_once():
    sql = "SELECT a::int AS once FROM t"
    assert translate(sql, "postgres") is translate(sql, "postgres")


@pytest.mark.parametrize("dialect", ["postgres", "mysql", "duckdb"])
@pytest.mark.parametrize(
    "call", ["format('%s', n)", "hex(n)", "random()", "strftime('%Y', d)", "char(97)", "total(a)"]
)
def test_sqlites_function_of_that_name_is_not_called(dialect, call):
    with pytest.raises(DialectError):
        translate(f"SELECT {call} FROM t", dialect)


def test_rows_replaced_in_part_keep_the_rest_in_duckdb():
    with pytest.raises(DialectError, match="would set the other columns to their defaults"):
        translate("INSERT OR REPLACE INTO t(id, a) VALUES (1, 2)", "duckdb")
