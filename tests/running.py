"""SQL on a store, as a program would run it."""

from __future__ import annotations

from typing import Any

from lsmsql.engine.store import Store


def rows(connection: Any, sql: str, *values: object) -> list[tuple[Any, ...]]:
    """What a statement gives in a connection of the DB-API."""
    cursor = connection.execute(sql, values)
    return [] if cursor.description is None else cursor.fetchall()


def run(store: Store, *statements: str) -> list[tuple[Any, ...]]:
    """Run statements, each a transaction of its own; the rows of the last one."""
    connection = store.connect(isolation_level=None)
    try:
        return [rows(connection, sql) for sql in statements][-1]
    finally:
        connection.close()
