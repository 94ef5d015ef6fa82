"""Random queries: DuckDB gives a value, the translation gives the same one, or is refused.

What DuckDB itself refuses, at once or while it runs, is not compared.
"""

from __future__ import annotations

import math

import apsw
import duckdb
import pytest
from hypothesis import HealthCheck, event, given, settings
from hypothesis import strategies as st

from lsmsql.engine.errors import UsageError
from tests.dialects.data import new_duckdb, new_sqlite, plain_rows, run

NUMBERS = ["a", "b", "x", "0", "1", "-3", "2.5", "0.1", "1e6", "NULL", "9223372036854775807"]
TEXTS = ["n", "'ada'", "'É'", "''", "' 12 '", "'x%'", "'-7'", "CAST(a AS VARCHAR)"]
TIMES = ["d", "ts", "DATE '2024-02-29'", "CAST(d AS TIMESTAMP)", "CAST(ts AS DATE)"]
PATTERNS = ["'a%'", "'A_a'", "'%[x'", "'%\\%%'", "''", "'%É%'", "'*'", "'_'", "n", "'%é%'"]
COUNTS = ["0", "1", "2", "-1", "5", "b"]


def call(template: str, *parts: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    """A piece of SQL with other pieces in its places."""
    return st.tuples(*parts).map(lambda values: template.format(*values))


def numbers_over(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    operator = st.sampled_from(["+", "-", "*", "/", "//", "%"])
    types = st.sampled_from(["INTEGER", "BIGINT", "DOUBLE", "DECIMAL(18,2)", "SMALLINT"])
    return st.one_of(
        call("({} {} {})", inner, operator, inner),
        call("round({}, {})", inner, st.sampled_from(["0", "1", "2", "-1"])),
        call("round({})", inner),
        call("CAST({} AS {})", inner, types),
        call("TRY_CAST({} AS {})", st.sampled_from(TEXTS), types),
        call("greatest({}, {}, {})", inner, inner, inner),
        call("least({}, {})", inner, inner),
        call("coalesce({}, {})", inner, inner),
        call("nullif({}, {})", inner, inner),
        call("abs({})", inner),
        call("floor({})", inner),
        call("ceil({})", inner),
        call("sign({})", inner),
        call("length({})", st.sampled_from(TEXTS)),
        call("instr({}, {})", st.sampled_from(TEXTS), st.sampled_from(TEXTS)),
        call("CASE WHEN {} > {} THEN {} END", inner, inner, inner),
    )


numbers = st.recursive(st.sampled_from(NUMBERS), numbers_over, max_leaves=4)
texts = st.one_of(
    st.sampled_from(TEXTS),
    call("upper({})", st.sampled_from(TEXTS)),
    call(
        "substr({}, {}, {})",
        st.sampled_from(TEXTS),
        st.sampled_from(COUNTS),
        st.sampled_from(COUNTS),
    ),
    call("substr({}, {})", st.sampled_from(TEXTS), st.sampled_from(COUNTS)),
    call("left({}, {})", st.sampled_from(TEXTS), st.sampled_from(COUNTS)),
    call("right({}, {})", st.sampled_from(TEXTS), st.sampled_from(COUNTS)),
    call("concat({}, {})", st.sampled_from(TEXTS), st.sampled_from(TEXTS)),
    call("({} || {})", st.sampled_from(TEXTS), st.sampled_from(TEXTS)),
    call("lpad({}, {}, 'xy')", st.sampled_from(TEXTS), st.sampled_from(COUNTS)),
    call("split_part({}, 'd', {})", st.sampled_from(TEXTS), st.sampled_from(COUNTS)),
    call("repeat({}, {})", st.sampled_from(TEXTS), st.sampled_from(COUNTS)),
    call("trim({})", st.sampled_from(TEXTS)),
    call("replace({}, {}, {})", *[st.sampled_from(TEXTS)] * 3),
)
UNITS = ["year", "quarter", "month", "week", "day", "hour", "minute", "second"]
PARTS = [*UNITS, "dow", "isodow", "doy", "epoch"]
times = st.one_of(
    st.sampled_from(TIMES),
    call("date_trunc('{}', {})", st.sampled_from(UNITS), st.sampled_from(TIMES)),
    call("({} {} INTERVAL {} {})", st.sampled_from(TIMES), st.sampled_from("+-"),
         st.sampled_from(["1", "14", "400"]), st.sampled_from(UNITS)),
    call("extract({} FROM {})", st.sampled_from(PARTS), st.sampled_from(TIMES)),
)  # fmt: skip
comparison = st.sampled_from(["=", "<>", "<", ">=", "IS DISTINCT FROM"])
tests = st.one_of(
    call("({} {} {})", numbers, comparison, numbers),
    call("({} {} {})", texts, comparison, texts),
    call("({} {} {})", texts, st.sampled_from(["LIKE", "NOT LIKE", "ILIKE", "NOT ILIKE"]),
         st.sampled_from(PATTERNS)),
    call("({} BETWEEN {} AND {})", numbers, numbers, numbers),
    call("({} IN ({}, {}))", texts, texts, texts),
    call("({} IS NOT NULL)", texts),
    st.sampled_from(["f", "NOT f", "f IS TRUE", "f IS NOT FALSE"]),
)  # fmt: skip
expressions = st.one_of(numbers, texts, times, tests)
aggregates = st.one_of(
    call("{}({})", st.sampled_from(["sum", "avg", "min", "max", "count"]), numbers),
    call("count(DISTINCT {})", texts),
    call("string_agg({}, '-' ORDER BY id)", texts),
    call("sum(b) FILTER (WHERE {})", tests),
)
queries = st.one_of(
    call("SELECT {}, {} FROM t ORDER BY id", expressions, expressions),
    call("SELECT id FROM t WHERE {} ORDER BY id", tests),
    call("SELECT {0} AS v FROM t ORDER BY v", st.one_of(numbers, texts)),
    call("SELECT id FROM t ORDER BY {} DESC, id", st.one_of(numbers, texts)),
    call("SELECT {}, {} FROM t", aggregates, aggregates),
    call("SELECT a, {} FROM t GROUP BY ALL ORDER BY a", aggregates),
    call("SELECT id, rank() OVER (PARTITION BY a ORDER BY {}, id) FROM t ORDER BY id", numbers),
    call("SELECT id FROM t QUALIFY row_number() OVER (PARTITION BY a ORDER BY {}, id) = 1"
         " ORDER BY id", numbers),
    call("SELECT t.id, u.id FROM t LEFT JOIN u ON {} = u.a ORDER BY 1, 2", numbers),
)  # fmt: skip


@pytest.fixture(scope="module")
def both():
    duck, lite = new_duckdb(), new_sqlite()
    yield duck, lite
    duck.close()
    lite.close()


@settings(max_examples=400, deadline=None, suppress_health_check=list(HealthCheck))
@given(sql=queries)
def test_equal_or_refused(both, sql):
    duck, lite = both
    try:
        expected = plain_rows(duck.execute(sql).fetchall())
    except duckdb.Error:
        event("refused by DuckDB")
        return
    try:
        rows = plain_rows(run(lite, sql, "duckdb"))
    except (UsageError, apsw.SQLError):  # the latter for an integer overflow
        event("refused")
        return
    event("compared")
    assert len(rows) == len(expected)
    for row, other in zip(rows, expected, strict=True):
        assert all(alike(a, b) for a, b in zip(row, other, strict=True)), (row, other)


def alike(ours: object, theirs: object) -> bool:
    """Equal, but for the last digits of fractions."""
    if isinstance(ours, float) and isinstance(theirs, float):
        return math.isclose(ours, theirs, rel_tol=1e-9, abs_tol=1e-9)
    return ours == theirs
