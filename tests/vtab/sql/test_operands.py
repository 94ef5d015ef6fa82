"""Which statements compare columns with nothing that has an affinity."""

from __future__ import annotations

import pytest

from vtab.sql.operands import compares_plain_values

TABLES = ["kv", "t", "with space"]

PLAIN = [
    "SELECT value FROM kv WHERE key = ?",
    "select * from temp.kv as k where k.key between :a and :b order by key limit ?",
    "SELECT count(*), max(value) FROM T",
    'SELECT a, b FROM "with space" x WHERE a IN (?, ?, 3) GROUP BY a, b',
    "EXPLAIN QUERY PLAN SELECT * FROM kv WHERE key = ?",
    "UPDATE kv SET value = ?, key = key || 'x' WHERE key = ?",
    "DELETE FROM kv WHERE key = ? RETURNING key, value",
    "SELECT trim(value, ' ') FROM kv -- , t\nWHERE key = 'FROM t, kv'",
    "SELECT * FROM kv LIMIT 3, 4",
    "INSERT INTO kv SELECT * FROM t WHERE x > ?",
]
OTHERS = [
    "SELECT * FROM kv, t WHERE kv.key = t.x",
    "SELECT * FROM kv k, t WHERE k.key = t.x",
    "SELECT * FROM kv JOIN t ON kv.key = t.x",
    "SELECT * FROM kv WHERE key = CAST(? AS INTEGER)",
    "SELECT * FROM kv WHERE key IN (SELECT x FROM t)",
    "SELECT * FROM kv WHERE key IN t",
    "SELECT * FROM kv WHERE key = (SELECT 5)",
    "SELECT * FROM seen WHERE key = ?",
    "SELECT * FROM (SELECT * FROM kv) WHERE key = ?",
    "SELECT * FROM json_each(?)",
    "WITH w AS (SELECT 1) SELECT * FROM kv WHERE key = ?",
    "UPDATE kv SET value = x FROM t WHERE key = x",
    "UPDATE kv SET value = 1 WHERE key = (SELECT x FROM t)",
    "DELETE FROM kv WHERE EXISTS (SELECT 1 FROM t WHERE x = key)",
    "INSERT INTO kv SELECT kv.* FROM t, kv",
    "SELECT * FROM kv UNION SELECT * FROM t",
    "SELECT 1",
    "SELECT * FROM",
    "",
]


@pytest.mark.parametrize("sql", PLAIN)
def test_a_statement_on_one_table_has_values_without_affinity(sql: str) -> None:
    assert compares_plain_values(sql, TABLES)


@pytest.mark.parametrize("sql", OTHERS)
def test_another_may_have_columns_and_casts(sql: str) -> None:
    assert not compares_plain_values(sql, TABLES)
