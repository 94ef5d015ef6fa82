"""How much is read and decoded for a query, and what EXPLAIN QUERY PLAN says of it."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Any

import apsw
import pytest

import vtab
from lsmsql.engine.columns import FIRST_VALUE, KEY
from lsmsql.engine.schema import TableSchema
from lsmsql.engine.store import Store, open_store
from tests.vtab.pair import explain
from vtab.costs import Estimate, estimate
from vtab.planner import Planned, ScanPlan, make_plan
from vtab.statistics import RowsPer

ROWS, BLOCK = 1_000, 20
SETTINGS = {"sync": "off", "background": False, "block_rows": BLOCK, "bottom_block_factor": 1}


@pytest.fixture
def reopened(path: str) -> Iterator[tuple[apsw.Connection, Store]]:
    """A compacted table of 50 blocks in a store that has just been opened."""
    with open_store(path, **SETTINGS) as store:  # type: ignore[arg-type]
        table = store.create_table(
            "t", {"a": "INTEGER", "b": "INTEGER", "x": "TEXT", "y": "REAL"}, ["a", "b"]
        )
        table.ingest([(i // 100, i % 100, f"x{i}", i / 2) for i in range(ROWS)])
        store.compact()
    with open_store(path, **SETTINGS) as store:  # type: ignore[arg-type]
        connection = apsw.Connection(":memory:")
        vtab.register(connection, store)
        store.core.counters.blocks_read = 0  # those of the catalogue do not count
        store.core.counters.decoded_positions.clear()
        yield connection, store
        connection.close()


@pytest.mark.parametrize(
    ("sql", "most_blocks", "rows"),
    [
        ("SELECT x FROM t WHERE a = 5 AND b = 50", 1, 1),
        ("SELECT x FROM t WHERE a = 5 AND b = 1000", 1, 0),
        ("SELECT x FROM t WHERE a = 5 AND b IN (1, 2, 3)", 1, 3),
        ("SELECT x FROM t WHERE a = 5 AND b BETWEEN 10 AND 30", 3, 21),
        ("SELECT x FROM t WHERE a = 5", 6, 100),
        ("SELECT x FROM t WHERE a >= 9 AND b > 80", 6, 19),
        ("SELECT x FROM t ORDER BY a DESC, b DESC LIMIT 10", 2, 10),
        ("SELECT x FROM t ORDER BY a, b LIMIT 10", 1, 10),
        ("SELECT x FROM t WHERE a > 50", 0, 0),
        ("SELECT x FROM t WHERE a = 'no number'", 0, 0),
        ("SELECT max(a) FROM t", 2, 1),
        ("SELECT min(a) FROM t", 1, 1),
        ("SELECT EXISTS (SELECT 1 FROM t WHERE a > 3)", 1, 1),
        ("SELECT x FROM t LIMIT 1 OFFSET 30", 2, 1),
    ],
)
def test_no_more_blocks_are_read_than_needed(
    reopened: tuple[apsw.Connection, Store], sql: str, most_blocks: int, rows: int
) -> None:
    connection, store = reopened
    assert len(connection.execute(sql).fetchall()) == rows
    assert store.stats()["blocks_read"] <= most_blocks


def test_to_replace_a_row_nothing_is_read(reopened: tuple[apsw.Connection, Store]) -> None:
    connection, store = reopened
    connection.execute("INSERT OR REPLACE INTO t VALUES (5, 50, 'new', 1)")
    assert store.stats()["blocks_read"] == 0
    assert connection.execute("SELECT x FROM t WHERE a = 5 AND b = 50").get == "new"


@pytest.mark.parametrize(
    ("sql", "decoded"),
    [
        ("SELECT x FROM t", {FIRST_VALUE}),
        ("SELECT y FROM t WHERE a > 2", {KEY, FIRST_VALUE + 1}),
        ("SELECT a FROM t", {KEY}),
        ("SELECT count(*) FROM t", set()),
        ("SELECT y FROM t WHERE a = 1 AND b = 1", {KEY, FIRST_VALUE + 1}),
        ("SELECT * FROM t", {KEY, FIRST_VALUE, FIRST_VALUE + 1}),
    ],
)
def test_only_the_columns_used_are_decoded(
    reopened: tuple[apsw.Connection, Store], sql: str, decoded: set[int]
) -> None:
    connection, store = reopened
    connection.execute(sql).fetchall()
    assert set(store.core.counters.decoded_positions) == decoded


def test_planning_reads_no_data(reopened: tuple[apsw.Connection, Store]) -> None:
    connection, store = reopened
    explain(connection, "SELECT x FROM t WHERE a = 5 AND b > 3 AND b < 20")
    assert store.stats()["blocks_read"] == 0


@pytest.mark.parametrize(
    ("sql", "lines"),
    [
        ("SELECT x FROM t WHERE a = 1 AND b > 2",
         ["SEARCH t BY PRIMARY KEY (a=? AND b>?) COLUMNS x"]),
        ("SELECT * FROM t ORDER BY a DESC, b DESC LIMIT 3",
         ["SCAN t ORDER BY PRIMARY KEY DESC LIMIT ? COLUMNS *"]),
        ("SELECT * FROM t WHERE a IN (1, 2) ORDER BY a, b",
         ["SEARCH t BY PRIMARY KEY (a IN (...)) COLUMNS *", "USE TEMP B-TREE FOR ORDER BY"]),
        ("SELECT key, x FROM kv LEFT JOIN t AS other ON other.a = kv.value AND other.b = 1",
         ["SCAN kv COLUMNS *",
          "SEARCH t AS other BY PRIMARY KEY (a=? AND b=?) COLUMNS x LEFT-JOIN"]),
        ("SELECT y FROM t ORDER BY y", ["SCAN t COLUMNS y", "USE TEMP B-TREE FOR ORDER BY"]),
        ("SELECT a, count(*) FROM t GROUP BY a", ["SCAN t ORDER BY PRIMARY KEY COLUMNS a"]),
        ("SELECT count(*) FROM t", ["SCAN t"]),
        ("SELECT max(a) FROM t", ["SCAN t ORDER BY PRIMARY KEY DESC COLUMNS a"]),
    ],
)  # fmt: skip
def test_explain(reopened: tuple[apsw.Connection, Store], sql: str, lines: list[str]) -> None:
    assert explain(reopened[0], sql) == lines


def test_a_join_begins_with_the_smaller_table(store: Store, connection: apsw.Connection) -> None:
    store.create_table("small", {"id": "INTEGER", "big": "INTEGER"}, "id")
    store.create_table("big", {"id": "INTEGER", "v": "TEXT"}, "id")
    store.table("small").ingest([(i, i) for i in range(5)])
    store.table("big").ingest([(i, "v") for i in range(2_000)])
    vtab.register(connection, store)
    lines = explain(connection, "SELECT v FROM big JOIN small ON small.big = big.id")
    assert lines == ["SCAN small COLUMNS big", "SEARCH big BY PRIMARY KEY (id=?) COLUMNS *"]


def test_patterns_find_all_they_should(store: Store, connection: apsw.Connection) -> None:
    keys = ["Abc", "abc", "abd", "ABC", b"abc", 1, 10, "10", "é"]
    for key in keys:
        store.put(key, None)
    store.create_table("names", {"k": "TEXT"}, "k")
    store.table("names").ingest([(k,) for k in keys if isinstance(k, str)])
    vtab.register(connection, store)
    plain = apsw.Connection(":memory:")
    plain.execute("CREATE TABLE kv(key ANY PRIMARY KEY) STRICT")
    plain.execute("CREATE TABLE names(key TEXT PRIMARY KEY) STRICT")
    plain.executemany("INSERT INTO kv VALUES (?)", [(k,) for k in keys])
    plain.execute("INSERT INTO names SELECT key FROM kv WHERE typeof(key) = 'text'")
    for pattern in ("LIKE 'ab%'", "GLOB 'ab*'", "LIKE '1%'", "GLOB '1*'", "LIKE 'É'"):
        for table, column in (("kv", "key"), ("names", "k")):
            ours = connection.execute(f"SELECT {column} FROM {table} WHERE {column} {pattern}")
            theirs = plain.execute(f"SELECT key FROM {table} WHERE key {pattern}")
            assert set(ours) == set(theirs), (table, pattern)


@pytest.mark.parametrize("remembered", [1, 3, 4096])
def test_a_join_gives_the_same_whatever_a_cursor_remembers(
    reopened: tuple[apsw.Connection, Store], monkeypatch: pytest.MonkeyPatch, remembered: int
) -> None:
    monkeypatch.setattr("vtab.access.MAX_KNOWN", remembered)
    connection, _store = reopened
    connection.execute("CREATE TEMP TABLE asked(a, b)")
    asked = [(i % 11, i * 7 % 103) for i in range(500)]
    connection.executemany("INSERT INTO asked VALUES (?, ?)", asked)
    found = connection.execute(
        "SELECT asked.a, asked.b, x FROM asked LEFT JOIN t ON t.a = asked.a AND t.b = asked.b"
    ).fetchall()
    assert found == [(a, b, f"x{a * 100 + b}" if a < 10 and b < 100 else None) for a, b in asked]
    assert len(found) == len(asked)


@pytest.mark.parametrize("kind", ["ANY", "INTEGER", "REAL", "TEXT", "BLOB"])
def test_what_a_cursor_remembers_is_of_a_type(
    store: Store, connection: apsw.Connection, kind: str
) -> None:
    keys = [1, 2.0, 2.5, "1", "1.0", "2", b"1", 2**53, -0.0]
    plain = apsw.Connection(":memory:")
    plain.execute(f"CREATE TABLE t(k {kind} PRIMARY KEY NOT NULL) STRICT, WITHOUT ROWID")
    store.create_table("t", {"k": kind}, "k")
    vtab.register(connection, store)
    for made in (plain, connection):
        for key in keys:
            with contextlib.suppress(apsw.ConstraintError, apsw.MismatchError):
                made.execute("INSERT INTO t VALUES (?)", (key,))
        made.execute("CREATE TEMP TABLE asked(a)")
        asked = [1, 1.0, "1", "1.0", 2, 2.0, None, b"1", 2**53, 2.0**53, 0, 0.0, -0.0, 2.5] * 3
        made.executemany("INSERT INTO asked VALUES (?)", [(a,) for a in asked])
    sql = "SELECT asked.rowid, typeof(k), k FROM asked CROSS JOIN t ON k = +a ORDER BY 1"
    found = connection.execute(sql).fetchall()
    assert found == plain.execute(sql).fetchall()
    assert found


def test_what_a_cursor_remembers_does_not_outlive_a_change(connection: apsw.Connection) -> None:
    connection.execute("INSERT INTO kv VALUES (1, 'old')")
    sql = "SELECT value FROM kv WHERE key = ?"
    connection.execute("BEGIN")
    for value in ("a", "b"):
        assert connection.execute(sql, (1,)).get in ("old", "a")
        connection.execute("UPDATE kv SET value = ? WHERE key = 1", (value,))
        assert connection.execute(sql, (1,)).get == value
    connection.execute("ROLLBACK")
    assert connection.execute(sql, (1,)).get == "old"


def test_values_by_key_come_by_way_of_the_row_cache(
    store: Store, connection: apsw.Connection
) -> None:
    store.ingest([("a", 1), ("b", None), (3, "c")])
    counters = store.core.counters
    for sql in ("SELECT value FROM kv WHERE key = ?", "SELECT key, value FROM kv WHERE key = ?"):
        before = counters.recent_hits
        for _ in range(3):
            found = [connection.execute(sql, (k,)).fetchall() for k in ("a", "b", 3, "d")]
            assert [row[0][-1:] for row in found[:3]] == [(1,), (None,), ("c",)]
            assert found[3] == []
        assert counters.recent_hits - before >= 3
    connection.execute("UPDATE kv SET value = 2 WHERE key = 'a'")
    assert connection.execute("SELECT value FROM kv WHERE key = 'a'").get == 2
    store.flush()
    assert connection.execute("SELECT value FROM kv WHERE key = 'a'").get == 2


def test_a_number_comes_back_as_it_was_stored(connection: apsw.Connection) -> None:
    connection.execute("INSERT INTO kv VALUES (1, 'a'), (2.0, 'b'), (2.5, 'c'), ('1', 'd')")
    sql = "SELECT typeof(key), key, value FROM kv WHERE key = ?"
    for _ in range(2):
        for asked, stored in ((1, 1), (1.0, 1), (2, 2.0), (2.0, 2.0), (2.5, 2.5), ("1", "1")):
            ((kind, key, _value),) = connection.execute(sql, (asked,)).fetchall()
            assert (type(key), key) == (type(stored), stored)
            assert kind == {int: "integer", float: "real", str: "text"}[type(stored)]
        assert connection.execute(sql, ("2",)).fetchall() == []
        assert connection.execute(sql, (None,)).fetchall() == []


def test_a_limit_may_be_another_each_time(reopened: tuple[apsw.Connection, Store]) -> None:
    connection, _store = reopened
    everything = [(i // 100, i % 100) for i in range(ROWS)]
    sql = "SELECT a, b FROM t WHERE a >= ? ORDER BY a, b LIMIT ? OFFSET ?"
    for start, limit, offset in ((0, 3, 0), (2, 0, 0), (2, 700, 30), (8, -1, 190), (3, 5, -2)):
        found = connection.execute(sql, (start, limit, offset)).fetchall()
        first = start * 100 + max(offset, 0)
        assert found == everything[first : len(everything) if limit < 0 else first + limit]


@pytest.mark.parametrize("order", ["ORDER BY a, b", "ORDER BY a DESC, b DESC", ""])
@pytest.mark.parametrize("window", ["LIMIT 7", "LIMIT 70 OFFSET 5", "LIMIT 1", "LIMIT 1000"])
def test_a_limit_counts_only_rows_that_meet_a_comparison_of_row_values(
    reopened: tuple[apsw.Connection, Store], order: str, window: str
) -> None:
    connection, _store = reopened
    connection.execute("CREATE TEMP TABLE plain AS SELECT a, b FROM t ORDER BY a, b")
    condition = (
        "WHERE (a, b) > (3, 95)"
        if order != "ORDER BY a DESC, b DESC"
        else ("WHERE (a, b) <= (3, 5)")
    )
    ours = connection.execute(f"SELECT a, b FROM t {condition} {order} {window}").fetchall()
    theirs = connection.execute(f"SELECT a, b FROM plain {condition} {order} {window}").fetchall()
    assert ours == theirs


def test_no_new_plan_is_made_for_another_limit(
    reopened: tuple[apsw.Connection, Store], monkeypatch: pytest.MonkeyPatch
) -> None:
    connection, _store = reopened
    planned = []

    def counting(*arguments: Any) -> Planned:
        planned.append(arguments)
        return make_plan(*arguments)

    monkeypatch.setattr("vtab.bestindex.make_plan", counting)
    for limit in range(1, 9):
        sql = "SELECT x FROM t WHERE a >= ? ORDER BY a, b LIMIT ?"
        assert len(connection.execute(sql, (1, limit)).fetchall()) == limit
    assert len(planned) == 1


def test_an_estimate_is_of_the_values_in_the_statement(
    reopened: tuple[apsw.Connection, Store], monkeypatch: pytest.MonkeyPatch
) -> None:
    connection, _store = reopened
    matched: list[int] = []

    def noting(
        plan: ScanPlan,
        schema: TableSchema,
        rows: int,
        per: RowsPer,
        expected: int | None = None,
    ) -> Estimate:
        assert expected is not None
        matched.append(expected)
        return estimate(plan, schema, rows, per, expected)

    monkeypatch.setattr("vtab.bestindex.estimate", noting)
    for few, many in (("a > 8", "a > 1"), ("a = 3 AND b < 10", "a = 3 AND b < 90")):
        matched.clear()
        for condition in (few, many):
            connection.execute(f"SELECT x FROM t WHERE {condition}").fetchall()
        assert matched and min(matched) < max(matched) / 3
