"""Ways to read: one row by its key, and whether there are many.

Each is a function from the name of a table to a step. What a way reads of the store is what its
reader is answerable for when he commits, and differs from way to way.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from tests.isolation.sessions import Rows, Step

RowLook = Callable[[str, int], Step]
"""From a table and a key to a step that gives [(value,)], or [] if there is no such row."""

ManyLook = Callable[[str], Step]
"""From a table to a step that gives something else once there is a key above 2, and its value a
multiple of 3."""


def _values(rows: Any) -> Rows:
    return [(row["value"],) for row in rows]


def by_key(table: str, key: int) -> Step:
    def do(tables: Any) -> Rows:
        if table == "kv":
            value = tables.get(key)
            return [] if value is None else [(value,)]
        row = tables.table(table).get(key)
        return _values([] if row is None else [row])

    return Step(f"SELECT value FROM {table} WHERE key = {key}", do)


def by_range(table: str, key: int) -> Step:
    return Step(
        f"SELECT value FROM {table} WHERE key BETWEEN {key} AND {key}",
        lambda tables: _values(tables.table(table).range(key, key + 1)),
    )


def backwards(table: str, key: int) -> Step:
    return Step(
        f"SELECT value FROM {table} WHERE key >= {key} AND key < {key + 1} ORDER BY key DESC",
        lambda tables: _values(tables.table(table).range(key, key + 1, reverse=True)),
    )


def by_scan(table: str, key: int) -> Step:
    """The key in an expression, which no range of keys answers."""
    return Step(
        f"SELECT value FROM {table} WHERE key + 0 = {key}",
        lambda tables: _values(row for row in tables.table(table).range() if row["key"] == key),
    )


def by_sum(table: str, key: int) -> Step:
    def do(tables: Any) -> Rows:
        values = [row["value"] for row in tables.table(table).range() if row["key"] == key]
        return [(sum(values),)]

    return Step(f"SELECT total(CASE key WHEN {key} THEN value END) FROM {table}", do)


def by_join(table: str, key: int) -> Step:
    def do(tables: Any) -> Rows:
        row = tables.table(table).get(key) if key in tables.table("names") else None
        return _values([] if row is None else [row])

    sql = f"SELECT t.value FROM names JOIN {table} AS t USING (key) WHERE names.key = {key}"
    return Step(sql, do)


ROW_LOOKS: dict[str, RowLook] = {
    "key": by_key,
    "range": by_range,
    "backwards": backwards,
    "scan": by_scan,
    "sum": by_sum,
    "join": by_join,
}


def rows_above(table: str) -> Step:
    def do(tables: Any) -> Rows:
        return [(row["key"], row["value"]) for row in tables.table(table).range(3)]

    return Step(f"SELECT key, value FROM {table} WHERE key > 2 ORDER BY key", do)


def multiples(table: str) -> Step:
    """A predicate on values: a scan of the whole table."""

    def do(tables: Any) -> Rows:
        return [(row["key"],) for row in tables.table(table).range() if row["value"] % 3 == 0]

    return Step(f"SELECT key FROM {table} WHERE value % 3 = 0 ORDER BY key", do)


def count(table: str) -> Step:
    return Step(
        f"SELECT count(*) FROM {table}", lambda tables: [(len(list(tables.table(table).range())),)]
    )


def length(table: str) -> Step:
    return Step(f"SELECT count(value) FROM {table}", lambda tables: [(len(tables.table(table)),)])


def greatest(table: str) -> Step:
    def do(tables: Any) -> Rows:
        return [(row["key"],) for row in tables.table(table).range(reverse=True, limit=1)]

    return Step(f"SELECT max(key) FROM {table}", do)


def exists(table: str) -> Step:
    def do(tables: Any) -> Rows:
        return [(int(any(tables.table(table).range(3, limit=1))),)]

    return Step(f"SELECT EXISTS (SELECT 1 FROM {table} WHERE key > 2)", do)


def not_exists(table: str) -> Step:
    def do(tables: Any) -> Rows:
        return [(int(not any(row["value"] % 3 == 0 for row in tables.table(table).range())),)]

    return Step(f"SELECT NOT EXISTS (SELECT 1 FROM {table} WHERE value % 3 = 0)", do)


def join(table: str) -> Step:
    def do(tables: Any) -> Rows:
        many = [row["key"] for row in tables.table("names").range() if row["name"] == "many"]
        return [(key,) for key in many if key in tables.table(table)]

    return Step(
        f"SELECT t.key FROM names JOIN {table} AS t USING (key) WHERE name = 'many' ORDER BY 1", do
    )


MANY_LOOKS: dict[str, ManyLook] = {
    "rows": rows_above,
    "multiples": multiples,
    "count": count,
    "length": length,
    "max": greatest,
    "exists": exists,
    "not exists": not_exists,
    "join": join,
}
