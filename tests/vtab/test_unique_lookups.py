"""The row that a UNIQUE index leads to, as SQLite finds it, wherever the rows lie."""

from __future__ import annotations

from collections.abc import Iterator

import apsw
import pytest

import vtab
from tests.vtab.pair import Pair, explain, new_pair

TABLE = """CREATE TABLE t(
    id INTEGER PRIMARY KEY, code TEXT UNIQUE, name TEXT COLLATE NOCASE UNIQUE, a, b,
    UNIQUE (a, b))"""
ROWS = [
    (1, "1", "Ada", 1, 1),
    (2, "1.0", "grace", 1, 2),
    (3, None, None, 1, None),
    (4, None, None, 1, None),
    (5, "x\x00y", "Grace Hopper", 2.5, b"blob"),
    (6, "x", None, None, "text"),
]
QUERIES = [
    (
        "SELECT * FROM t WHERE code = ?",
        [("1",), (1,), (1.0,), ("x",), ("x\x00y",), ("z",), (None,)],
    ),
    ("SELECT id FROM t WHERE code = ?", [("1.0",), ("z",)]),
    ("SELECT * FROM t WHERE name = ?", [("ADA",), ("Grace",), ("none",)]),
    ("SELECT name FROM t WHERE name = ? COLLATE BINARY", [("ADA",), ("Ada",)]),
    ("SELECT * FROM t WHERE a = ? AND b = ?", [(1, 2), (1.0, 1), (2.5, b"blob"), (2.5, "blob")]),
    ("SELECT id, b FROM t WHERE a = ? AND b > ?", [(1, 1), (1, 0), (2.5, "text")]),
    ("SELECT id FROM t WHERE code IS ?", [(None,), ("1",)]),
    ("SELECT * FROM t WHERE code = ? AND id > ?", [("1", 0), ("1", 1)]),
    ("SELECT * FROM t WHERE code = ? LIMIT 1 OFFSET ?", [("1", 0), ("1", 1), ("1", -1)]),
    ("SELECT * FROM t WHERE code IN (?, ?, ?)", [("1", "x", "1"), (1, 1.0, None)]),
    (
        "WITH o(v) AS (VALUES (1), (1.0), ('1'), (1), (1.0), ('x'), ('z'), (NULL), ('z'))"
        " SELECT v, id FROM o CROSS JOIN t ON code = v WHERE id > ?",
        [(0,), (1,)],
    ),
]


@pytest.fixture(scope="module", params=["memory", "flushed", "compacted", "mixed"])
def pair(request: pytest.FixtureRequest) -> Iterator[Pair]:
    with new_pair(block_rows=2 if request.param == "mixed" else 64) as made:
        for sql in (TABLE, *(f"INSERT INTO t VALUES {row}" for row in map(_literals, ROWS))):
            made.theirs.execute(sql)
            if sql == TABLE:
                made.binding.define(sql)
            else:
                made.ours.execute(sql)
        if request.param == "mixed":  # entries that went and came again, on both sides of blocks
            made.lay_out("compacted")
            for code in ("2", "3", "1"):
                made.check("UPDATE t SET code = ? WHERE id = 1", (code,))
                made.lay_out("flushed")
            made.check("REPLACE INTO t VALUES (7, 'x', 'new', 7, 7)")
        made.lay_out(request.param)
        yield made


def _literals(row: tuple[object, ...]) -> str:
    texts = {None: "NULL", "x\x00y": "'x' || char(0) || 'y'", b"blob": "x'626c6f62'"}
    return f"({', '.join(texts.get(value, repr(value)) for value in row)})"  # type: ignore[call-overload]


@pytest.mark.parametrize(("sql", "values"), QUERIES, ids=[sql for sql, _ in QUERIES])
def test_the_row_is_the_one_that_sqlite_finds(
    pair: Pair, sql: str, values: list[tuple[object, ...]]
) -> None:
    for bindings in values:
        pair.check(sql, bindings)


def test_a_transaction_finds_the_rows_that_it_has_changed(pair: Pair) -> None:
    for sql in (
        "BEGIN",
        "UPDATE t SET code = 'moved' WHERE id = 1",
        "INSERT INTO t(id, code) VALUES (8, '1')",
        "DELETE FROM t WHERE code = 'x'",
    ):
        pair.check(sql)
    for code in ("1", "moved", "x", "1.0"):
        pair.check("SELECT * FROM t WHERE code = ?", (code,))
    pair.check("ROLLBACK")
    pair.check("SELECT * FROM t WHERE code = ?", ("1",))


def test_an_index_of_a_transaction_that_was_rolled_back_is_not_asked(pair: Pair) -> None:
    for sql in ("BEGIN", "CREATE UNIQUE INDEX by_id ON t(id, code)"):
        pair.theirs.execute(sql)
    pair.ours.execute("BEGIN")
    pair.binding.define("CREATE UNIQUE INDEX by_id ON t(id, code)")
    pair.check("SELECT b FROM t WHERE code = '1' AND id = 1")
    pair.check("ROLLBACK")
    pair.check("SELECT b FROM t WHERE code = '1' AND id = 1")


def test_a_reader_finds_all_the_rows_there_were_before_the_index() -> None:
    with new_pair() as pair:
        other = apsw.Connection(":memory:")
        binding = vtab.register(other, pair.store)
        binding.define("CREATE TABLE t(a INTEGER PRIMARY KEY, b)")
        pair.binding.refresh()
        pair.ours.execute("INSERT INTO t VALUES (1, 'x'), (2, 'x'), (3, 'y')")
        pair.ours.execute("BEGIN; SELECT count(*) FROM t")
        other.execute("DELETE FROM t WHERE a = 2")
        binding.define("CREATE UNIQUE INDEX i ON t(b)")
        query = "SELECT a FROM t WHERE b = 'x'"
        for connection, expected in ((pair.ours, [(1,), (2,)]), (other, [(1,)])):
            assert "INDEX i" in explain(connection, query)[0]
            assert connection.execute(query).fetchall() == expected
        other.close()
