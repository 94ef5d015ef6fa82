"""The order in which SQLite joins our tables is that of its own tables after ANALYZE."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import apsw
import pytest

import vtab
from lsmsql.engine.store import open_store
from tests.vtab.pair import explain

Connections = tuple[apsw.Connection, apsw.Connection]

DEFINITIONS = (
    "CREATE TABLE city(id INTEGER PRIMARY KEY, name TEXT, country INT)",
    "CREATE TABLE customer(id INTEGER PRIMARY KEY, name TEXT, city INT, level INT)",
    "CREATE TABLE sale(id INTEGER PRIMARY KEY, customer INT, item INT, day INT)",
    "CREATE TABLE item(code TEXT PRIMARY KEY, id INT UNIQUE, kind INT)",
    "CREATE INDEX city_name ON city(name)",
    "CREATE INDEX customer_city ON customer(city)",
    "CREATE INDEX customer_level ON customer(level)",
    "CREATE INDEX sale_customer ON sale(customer, day)",
    "CREATE INDEX sale_item ON sale(item)",
)
ROWS: dict[str, list[tuple[Any, ...]]] = {
    "city": [(i, f"city {i}", i % 5) for i in range(50)],
    "customer": [(i, f"name {i}", i * 7 % 50, i % 100 == 0) for i in range(1000)],
    "sale": [(i, i * 13 % 1000, i * 17 % 200, i % 365) for i in range(8000)],
    "item": [(f"code {i}", i, i % 10) for i in range(200)],
}
JOINS = (
    "SELECT * FROM sale, customer, city WHERE sale.customer = customer.id"
    " AND customer.city = city.id AND city.name = 'city 7'",
    "SELECT * FROM city JOIN customer ON customer.city = city.id JOIN sale"
    " ON sale.customer = customer.id WHERE sale.id = 77",
    "SELECT * FROM sale JOIN item ON item.id = sale.item JOIN customer"
    " ON customer.id = sale.customer WHERE item.code = 'code 5'",
    "SELECT * FROM sale JOIN item ON item.id = sale.item JOIN customer"
    " ON customer.id = sale.customer WHERE customer.name = 'name 5' AND customer.city = 35",
    "SELECT * FROM sale, customer, city WHERE sale.customer = customer.id"
    " AND customer.city = city.id AND customer.level = 1",
    "SELECT * FROM sale, customer WHERE sale.customer = customer.id AND customer.id = 5"
    " AND sale.day = 20",
    "SELECT * FROM item, sale, customer WHERE item.id = sale.item AND sale.customer = customer.id"
    " AND customer.city = 7 AND item.kind = 9",
)


@pytest.fixture(scope="module")
def both(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Connections]:
    path: Path = tmp_path_factory.mktemp("joins") / "store"
    with open_store(path, sync="off", background=False) as store:
        ours, theirs = (apsw.Connection(":memory:") for _ in range(2))
        binding = vtab.register(ours, store, owned=True)
        for sql in DEFINITIONS[:4]:
            binding.define(sql)
        for name, rows in ROWS.items():
            store.table(name).ingest(rows)
        for sql in DEFINITIONS[4:]:
            binding.define(sql)
        binding.define("ANALYZE")
        theirs.execute(";".join(DEFINITIONS))
        for name, rows in ROWS.items():
            marks = ", ".join("?" * len(rows[0]))
            theirs.executemany(f"INSERT INTO {name} VALUES ({marks})", rows)
        theirs.execute("ANALYZE")
        yield ours, theirs
        ours.close()
        theirs.close()


def order(connection: apsw.Connection, sql: str) -> list[str]:
    """The tables in the order in which they are read."""
    lines = explain(connection, sql)
    return [line.split()[1] for line in lines if line.startswith(("SCAN", "SEARCH"))]


@pytest.mark.parametrize("sql", JOINS)
def test_tables_are_joined_in_the_same_order(both: Connections, sql: str) -> None:
    ours, theirs = both
    assert order(ours, sql) == order(theirs, sql)
    found = [sorted(c.execute(sql).fetchall()) for c in both]
    assert found[0] == found[1] != []
