"""Plans and what they read, as written down in ``plans/*.txt``.

    SELECT x FROM t WHERE y > 480
      SCAN t ZONES y>? (2 of 50 blocks) COLUMNS x,y
      reads 2, gives 39

First the statement, then the lines of EXPLAIN QUERY PLAN, then the blocks that are read, of the 50
that each table has, and the rows. That the rows are right, SQLite's own tables tell.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import apsw
import pytest

import vtab
from lsmsql.engine.indexes import IndexEntries
from lsmsql.engine.store import Store, open_store
from tests.vtab.pair import explain

PLANS = Path(__file__).parent / "plans"
SETTINGS = {"sync": "off", "background": False, "block_rows": 20, "bottom_block_factor": 1}
READS = re.compile(r"reads (\d+), gives (\d+)")

COLUMNS = {
    "t": "a INTEGER, b INTEGER, x TEXT, y REAL, z INTEGER, PRIMARY KEY (a, b)",
    "names": "k TEXT PRIMARY KEY, n INTEGER",
    "kv": "key ANY PRIMARY KEY, value ANY",
}
CITIES = ("Bern", "Graz", "Linz", "Wien", "Zug")
KINDS = ("Item", "User", "item", "user", "x")
ROWS: dict[str, list[tuple[object, ...]]] = {
    "t": [(i // 100, i % 100, f"x{i:03d}", i / 2, i * 37 % 100 or None) for i in range(1000)],
    "names": [(f"{KINDS[i // 200]}:{i % 200:03d}", i) for i in range(1000)],
    "kv": [(f"{KINDS[i // 200]}:{i % 200:03d}", i % 200) for i in range(1000)],
    "people": [
        (
            i,
            f"{'Nn'[i % 2]}ame {i * 7 % 1000:03d}",
            i * 37 % 100 if i % 10 else None,
            CITIES[i * 3 % 5],
            f"note {i:03d}" if i % 50 == 0 else None,
        )
        for i in range(1000)
    ],
    "orders": [
        (
            i,
            i * 7 % 250,
            "new" if i % 8 == 0 else "sent",
            int(i % 10 == 0),
            i * 13 % 1000 if i % 5 else None,
            f"note {i:03d}",
        )
        for i in range(1000)
    ],
}
PEOPLE = (
    "CREATE TABLE people(id INTEGER PRIMARY KEY, name TEXT COLLATE NOCASE, age INT, city TEXT,"
    " note TEXT)",
    "CREATE INDEX by_age ON people(age)",
    "CREATE INDEX by_name ON people(name)",
    "CREATE INDEX by_city_age ON people(city, age DESC)",
    "CREATE INDEX noted ON people(note) WHERE note IS NOT NULL",
)
"""The entries of each index, but for the last, are 50 blocks as well."""
ORDERS = (
    "CREATE TABLE orders(id INTEGER PRIMARY KEY, customer INT, status TEXT, deleted INT NOT NULL,"
    " paid INT, note TEXT)",
    "CREATE INDEX live ON orders(customer) WHERE deleted = 0",
    "CREATE INDEX pending ON orders(customer DESC) WHERE status = 'new' AND deleted = 0",
    "CREATE INDEX unpaid ON orders(note) WHERE paid IS NULL",
    "CREATE INDEX dear ON orders(paid) WHERE paid >= 900",
)
"""These have 900 entries, 100, 200 and 80."""


def plans() -> Iterator[Any]:
    for path in sorted(PLANS.glob("*.txt")):
        for part in path.read_text().split("\n\n"):
            lines = [line for line in part.splitlines() if not line.startswith("#")]
            if lines:
                sql, *plan, reads = (line.strip() for line in lines)
                match = READS.fullmatch(reads)
                assert match, (path.name, reads)
                yield pytest.param(sql, plan, *map(int, match.groups()), id=f"{path.stem}: {sql}")


@pytest.fixture(scope="module")
def directory(tmp_path_factory: pytest.TempPathFactory) -> str:
    """A store of compacted tables of 50 blocks."""
    path = str(tmp_path_factory.mktemp("plans") / "store")
    with open_store(path, **SETTINGS) as store:  # type: ignore[arg-type]
        connection = apsw.Connection(":memory:")
        binding = vtab.register(connection, store)
        for name, columns in COLUMNS.items():
            if name != "kv":
                connection.execute(f"CREATE VIRTUAL TABLE temp.{name} USING lsm({columns})")
        for sql in (PEOPLE[0], ORDERS[0]):
            binding.define(sql)
        for name, rows in ROWS.items():
            store.table(name).ingest(rows)
        for sql in (*PEOPLE[1:], *ORDERS[1:]):
            binding.define(sql)
        connection.close()
        store.compact()
    return path


@pytest.fixture
def opened(directory: str) -> Iterator[tuple[apsw.Connection, Store]]:
    """The store, of which nothing has been read, and a connection to it."""
    with open_store(directory, **SETTINGS) as store:  # type: ignore[arg-type]
        connection = apsw.Connection(":memory:")
        vtab.register(connection, store)
        yield connection, store
        connection.close()


@pytest.fixture(scope="module")
def theirs() -> Iterator[apsw.Connection]:
    connection = apsw.Connection(":memory:")
    for name, columns in COLUMNS.items():
        connection.execute(f"CREATE TABLE {name}({columns}) STRICT, WITHOUT ROWID")
    connection.execute(";".join([*PEOPLE, *ORDERS]))
    for name, rows in ROWS.items():
        marks = ", ".join("?" * len(rows[0]))
        connection.executemany(f"INSERT INTO {name} VALUES ({marks})", rows)
    yield connection
    connection.close()


@pytest.mark.parametrize(("sql", "plan", "blocks", "rows"), list(plans()))
def test_plan(
    opened: tuple[apsw.Connection, Store],
    theirs: apsw.Connection,
    sql: str,
    plan: list[str],
    blocks: int,
    rows: int,
) -> None:
    connection, store = opened
    assert explain(connection, sql) == plan
    before = store.stats()["blocks_read"]
    found = connection.execute(sql).fetchall()
    assert (store.stats()["blocks_read"] - before, len(found)) == (blocks, rows)
    expected = theirs.execute(sql).fetchall()
    if "ORDER BY" not in sql:
        found, expected = sorted(found, key=repr), sorted(expected, key=repr)
    assert found == expected


@pytest.mark.parametrize(("find_blobs", "verb"), [(False, "SEARCH"), (True, "SCAN")])
def test_patterns_search_keys_of_any_type_if_they_find_texts_only(
    opened: tuple[apsw.Connection, Store],
    monkeypatch: pytest.MonkeyPatch,
    find_blobs: bool,
    verb: str,
) -> None:
    connection, _ = opened
    monkeypatch.setattr("vtab.bestindex._FIND_BLOBS", find_blobs)
    for pattern in ("LIKE 'user:01%'", "GLOB 'user:01*'", "LIKE 'user:01%' ESCAPE '!'"):
        (line,) = explain(connection, f"SELECT value FROM kv WHERE key {pattern}")
        assert line.startswith(f"{verb} kv")


def test_the_keys_of_rows_are_not_looked_for_where_an_index_has_all_that_is_asked_for(
    opened: tuple[apsw.Connection, Store],
    theirs: apsw.Connection,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    connection, _ = opened
    monkeypatch.setattr(IndexEntries, "row_key", lambda *_: pytest.fail("looked for"))
    monkeypatch.setattr(IndexEntries, "prefix_of", lambda *_: pytest.fail("looked for"))
    sql = "SELECT count(*), sum(age) FROM people WHERE age > 42"
    assert connection.execute(sql).get == theirs.execute(sql).get
