"""What is skipped by zone maps is never a row: the same queries of SQLite's own tables."""

from __future__ import annotations

import random
from collections.abc import Iterator
from typing import Any

import pytest

from tests.vtab.pair import Pair, new_pair

ROWS = 120
NUMBERS: list[Any] = [0, 1, 5, 7.5, -3, 2**53, 2**53 + 1, float(2**53), 1e300, -1e300, 2**63 - 1]
TEXTS = ["", "5", "05", "5.0", " 7", "1e2", "-3", "abc", "ABC", "aBd", "[x", "_", "b", "é", "zz"]
BLOBS = [b"", b"5", b"abc", b"\xff"]
OF_TYPE: dict[str, list[Any]] = {
    "INTEGER": [n for n in NUMBERS if isinstance(n, int)],
    "REAL": [float(n) for n in NUMBERS],
    "TEXT": TEXTS,
    "BLOB": BLOBS,
    "ANY": [*NUMBERS, *TEXTS, *BLOBS],
}
COLUMNS = "k INTEGER PRIMARY KEY, i INTEGER, r REAL, s TEXT, b BLOB, a ANY"
NAMES = {"i": "INTEGER", "r": "REAL", "s": "TEXT", "b": "BLOB", "a": "ANY"}
OPERATORS = ["=", "<", "<=", ">", ">=", "<>", "IS", "IS NOT"]


def value_of(kind: str, key: int, draw: random.Random) -> Any:
    """Blocks of like values, so that some of them can be skipped."""
    values = sorted(OF_TYPE[kind], key=repr)
    near = key * len(values) // ROWS + draw.randrange(2)
    return draw.choices([None, values[near % len(values)]], weights=[1, 12])[0]


@pytest.fixture(params=["compacted", "mixed"])
def pair(request: pytest.FixtureRequest) -> Iterator[Pair]:
    """Two tables of all types, and one of SQLite's own beside each to join them with."""
    draw = random.Random(request.param)
    with new_pair(bottom_block_factor=1) as made:
        made.create("t", COLUMNS)
        rows = [(k, *(value_of(kind, k, draw) for kind in NAMES.values())) for k in range(ROWS)]
        insert = "INSERT OR REPLACE INTO t VALUES (?, ?, ?, ?, ?, ?)"
        for row in rows:
            made.check(insert, row)
        made.lay_out("compacted" if request.param == "mixed" else request.param)
        if request.param == "mixed":
            for row in draw.sample(rows, 12):
                made.check(insert, (draw.randrange(ROWS), *row[1:]))
            made.check("DELETE FROM t WHERE k % 17 = 3")
            made.lay_out("flushed")
            for row in draw.sample(rows, 4):
                made.check(insert, (draw.randrange(ROWS), *row[1:]))
        for connection in (made.ours, made.theirs):
            connection.execute("CREATE TEMP TABLE o(n INTEGER, s TEXT, x, m NUMERIC)")
            asked = [(v, v, v, v) for v in [*NUMBERS, *TEXTS, *BLOBS, "!", None]]
            connection.executemany("INSERT INTO o VALUES (?, ?, ?, ?)", asked)
        yield made


@pytest.mark.parametrize("column", NAMES)
def test_comparisons_with_values(pair: Pair, column: str) -> None:
    for operator in OPERATORS:
        sql = f"SELECT k FROM t WHERE {column} {operator} "
        for value in [*NUMBERS, *TEXTS, *BLOBS, None, float("inf"), float("-inf")]:
            pair.check(sql + "?", (value,))
        for literal in ("5", "'5'", "5.5", "x'35'", "CAST('5' AS INT)", "CAST(5 AS TEXT)", "+'05'"):
            pair.check(sql + literal)


@pytest.mark.parametrize("column", NAMES)
def test_comparisons_with_columns_of_all_affinities(pair: Pair, column: str) -> None:
    for other in ("n", "s", "x", "m"):
        for operator in ("=", "<", ">=", "<>", "IS"):
            join = f"FROM o CROSS JOIN t ON t.{column} {operator} o.{other}"
            pair.check(f"SELECT o.rowid, count(*), total(k) {join} GROUP BY 1")


@pytest.mark.parametrize("column", ["s", "a"])
def test_patterns_and_collations(pair: Pair, column: str) -> None:
    for pattern in ("ab%", "AB%", "5%", "[x%", "a_c", "%", "", "é%"):
        for operator in ("LIKE", "NOT LIKE"):
            pair.check(f"SELECT * FROM t WHERE {column} {operator} '{pattern}'")
            pair.check(f"SELECT * FROM t WHERE {column} {operator} ?", (pattern,))
        pair.check(f"SELECT * FROM t WHERE {column} LIKE ? ESCAPE '!'", (pattern,))
        pair.check(f"SELECT * FROM t WHERE {column} GLOB ?", (pattern.replace("%", "*"),))
    for value in (*TEXTS, "a\0b", 5):
        for operator in OPERATORS:
            for collation in ("NOCASE", "RTRIM"):
                pair.check(
                    f"SELECT k FROM t WHERE {column} {operator} ? COLLATE {collation}", (value,)
                )


@pytest.mark.parametrize(
    "condition",
    [
        "i IS NULL",
        "s IS NOT NULL AND a > 'b'",
        "i BETWEEN 1 AND 7 AND r > 2",
        "i IN (1, 5, 7)",
        "s IN ('5', 'abc') OR a = 5",
        "(i, r) > (1, 2)",
        "a = 5 AND k > 30 AND k < 90",
        "NOT i > 5",
        "i > 5 OR s < 'b'",
        "coalesce(i, 7) = 7",
    ],
)
def test_conditions(pair: Pair, condition: str) -> None:
    for order in ("k", "k DESC"):
        for rest in ("", " LIMIT 5", " LIMIT 3 OFFSET 4", " LIMIT 50 OFFSET 2"):
            sql = f"SELECT * FROM t WHERE {condition} ORDER BY {order}{rest}"
            pair.check(sql, ordered=True)
    pair.check(f"SELECT count(*), min(k), max(k), total(r) FROM t WHERE {condition}")
    pair.check(
        f"SELECT o.rowid, k FROM o LEFT JOIN t ON t.i = o.n AND {condition.replace('s ', 't.s ')}"
    )


@pytest.mark.parametrize("condition", ["i > 3", "s >= 'b'", "a IS NULL", "r < 0"])
def test_a_transaction_sees_its_own_changes(pair: Pair, condition: str) -> None:
    pair.check("BEGIN")
    pair.check("UPDATE t SET i = NULL, s = 'zz' WHERE k BETWEEN 10 AND 30")
    pair.check(f"SELECT * FROM t WHERE {condition}")
    pair.check(f"UPDATE t SET i = 0, a = NULL, r = -1.5 WHERE {condition}")
    pair.check(f"SELECT * FROM t WHERE {condition}")
    pair.check(f"DELETE FROM t WHERE {condition} AND k > 60")
    pair.check(f"SELECT count(*) FROM t WHERE NOT ({condition})")
    pair.check("ROLLBACK")
    pair.check(f"SELECT * FROM t WHERE {condition}")


@pytest.mark.parametrize("key", ["k", "k DESC", "g, k", "g, k DESC"])
@pytest.mark.parametrize("kind", ["TEXT", "ANY"])
def test_patterns_on_columns_of_the_key(key: str, kind: str) -> None:
    texts = ["ab1", "aB2", "Ab", "AB9", "ABC", "ac", "a[", "a_", "b", "B", "éa", "a", "A", "Z"]
    with new_pair() as pair:
        pair.create("t", f"g INTEGER, k {kind}, PRIMARY KEY ({key})")
        values = [*texts, *(NUMBERS[:4] if kind == "ANY" else ["1", "10"])]
        for group in (0, 1) if key.startswith("g") else (0,):
            for value in values:
                pair.check("INSERT INTO t VALUES (?, ?)", (group, value))
        pair.lay_out("compacted")
        for pattern in ("ab%", "AB%", "a%", "[%", "a[%", "a^_%", "b", "1%", "é%", "abc%", "%"):
            for condition in ("k LIKE ?", "k LIKE ? ESCAPE '^'", "g = 1 AND k LIKE ?"):
                for order in ("", " ORDER BY k", " ORDER BY k DESC LIMIT 2 OFFSET 1"):
                    sql = f"SELECT g, k FROM t WHERE {condition}{order}"
                    pair.check(sql, (pattern,), ordered=bool(order) and "g =" in condition)
            glob = pattern.replace("%", "*")
            pair.check("SELECT g, k FROM t WHERE k GLOB ?", (glob,))
            pair.check("SELECT g, k FROM t WHERE g = 1 AND k GLOB ? AND k > 'A'", (glob,))
        for value in ("ab", "AB", "[", 5):
            for low, high in ((">", "<"), (">=", "<="), (">", "<="), ("=", "=")):
                pair.check(f"SELECT * FROM t WHERE k {low} ? COLLATE NOCASE", (value,))
                both = f"k {low} ? COLLATE NOCASE AND k {high} 'AC' COLLATE NOCASE"
                pair.check(f"SELECT * FROM t WHERE {both}", (value,))


@pytest.mark.parametrize("key", ["g, h, k", "g DESC, h DESC, k", "h, k DESC, g"])
def test_columns_of_the_key_behind_those_that_are_searched(key: str) -> None:
    draw = random.Random(key)
    with new_pair(bottom_block_factor=1) as pair:
        pair.create("t", f"g INTEGER, h ANY, k TEXT, v INTEGER, PRIMARY KEY ({key})")
        for layout in ("compacted", "flushed", "memory"):
            for i in range(150 if layout == "compacted" else 6):
                near = min(i // 8, len(OF_TYPE["ANY"]) - 1)
                row = (i // 60, OF_TYPE["ANY"][near], draw.choice(TEXTS), i)
                pair.check("INSERT OR REPLACE INTO t VALUES (?, ?, ?, ?)", row)
            pair.lay_out(layout)
            for operator in OPERATORS:
                for value in (0, 7.5, "5", "abc", b"5", None):
                    pair.check(f"SELECT * FROM t WHERE h {operator} ?", (value,))
                    pair.check(f"SELECT * FROM t WHERE k {operator} ? AND g = 1", (value,))
                    pair.check(f"SELECT v FROM t WHERE g {operator} ? AND h > 'a'", (value,))
            pair.check("SELECT * FROM t WHERE k LIKE 'ab%' AND h < 'z'")
            pair.check("DELETE FROM t WHERE h = 5 AND k > 'a'")
        assert pair.store.stats()["blocks_skipped"] > 0
