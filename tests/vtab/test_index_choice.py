"""Of several indexes that one is read which SQLite reads of its own tables after ANALYZE.

The tables fill a block or two, so the first and last keys of blocks tell next to nothing.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import apsw
import pytest

import vtab
from lsmsql.engine.store import open_store
from tests.vtab.pair import explain

DEFINITIONS = (
    "CREATE TABLE c(id INTEGER PRIMARY KEY, name TEXT COLLATE NOCASE, city TEXT, born INT)",
    "CREATE INDEX city_born ON c(city, born)",
    "CREATE INDEX name ON c(name)",
    "CREATE INDEX born ON c(born)",
    "CREATE TABLE o(id INTEGER PRIMARY KEY, customer INT, status TEXT, placed TEXT, shipped TEXT)",
    "CREATE INDEX customer ON o(customer, placed DESC)",
    "CREATE INDEX status ON o(status)",
    "CREATE INDEX placed ON o(placed)",
    "CREATE INDEX open ON o(placed) WHERE shipped IS NULL",
)
CITIES = ("Bern", "Graz", "Linz", "Wien", "Zug", None)
ROWS: dict[str, list[tuple[Any, ...]]] = {
    "c": [
        (i, f"Name {i * 7919 % 3000}", CITIES[i * 13 % 6], i * 31 % 60 + 1950 if i % 59 else None)
        for i in range(3000)
    ],
    "o": [
        (
            i,
            i * 37 % 2000,
            ("new", *["sent"] * 6, *["paid"] * 3)[i * 7 % 10],
            f"2024-{i * 11 % 12 + 1:02}-{i * 17 % 28 + 1:02}",
            None if i % 9 == 0 else f"2025-01-{i * 5 % 28 + 1:02}",
        )
        for i in range(8000)
    ],
}


@pytest.fixture(scope="module")
def both(
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[tuple[apsw.Connection, apsw.Connection]]:
    path = tmp_path_factory.mktemp("choice") / "store"
    with open_store(path, sync="off", background=False) as store:
        ours, theirs = apsw.Connection(":memory:"), apsw.Connection(":memory:")
        binding = vtab.register(ours, store)
        for sql in DEFINITIONS:
            binding.define(sql)
            theirs.execute(sql)
        for name, rows in ROWS.items():
            insert = f"INSERT INTO {name} VALUES ({', '.join('?' * len(rows[0]))})"
            with ours, theirs:
                for connection in (ours, theirs):
                    connection.executemany(insert, rows)
        theirs.execute("ANALYZE")
        store.compact()
        yield ours, theirs
        ours.close()
        theirs.close()


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT * FROM c WHERE born IS NULL AND city IS NULL",
        "SELECT * FROM c WHERE city IS NULL AND born = 1980",
        "SELECT * FROM c WHERE city = 'Bern' AND name LIKE 'Name 12%'",
        "SELECT * FROM c WHERE city = 'Bern' AND name > 'Name 8' AND name < 'name 81'",
        "SELECT * FROM c WHERE city = 'Bern' AND born IN (1970, 1971)",
        "SELECT * FROM c WHERE city = 'Bern' AND born IS NOT NULL ORDER BY born LIMIT 3",
        "SELECT * FROM c WHERE city IN ('Bern', 'Graz') AND born = 1970",
        "SELECT id FROM c WHERE city IN ('Bern', 'Wien') AND born BETWEEN 1970 AND 1972",
        "SELECT count(*) FROM o WHERE status IN ('new', 'paid')",
        "SELECT * FROM o WHERE status = 'new' AND customer = 37",
        "SELECT * FROM o WHERE status = 'new' AND placed BETWEEN '2024-05-01' AND '2024-05-03'",
        "SELECT * FROM o WHERE shipped IS NULL AND placed < '2024-01-05'",
        "SELECT * FROM o WHERE customer IN (5, 6, 7) AND placed > '2024-06'",
        "SELECT * FROM o WHERE (status = 'new' AND customer = 5) OR (customer = 6 AND id < 9)",
        "SELECT o.id, c.id FROM c JOIN o ON customer = c.id WHERE city = 'Bern' AND born = 1972",
    ],
)
def test_the_index_that_sqlite_reads(
    both: tuple[apsw.Connection, apsw.Connection], sql: str
) -> None:
    ours, theirs = both
    assert indexes(ours, sql) == indexes(theirs, sql)
    if "LIMIT" not in sql:
        assert sorted(ours.execute(sql)) == sorted(theirs.execute(sql))


def indexes(connection: apsw.Connection, sql: str) -> list[str]:
    return re.findall(r"USING (?:COVERING )?INDEX (\w+)", " ".join(explain(connection, sql)))
