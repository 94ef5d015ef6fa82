"""What a store holds, as JSON that keeps every type: 1 is no 1.0, and a blob no text."""

from __future__ import annotations

from typing import Any

from lsmsql.engine.store import Store


def contents(store: Store) -> dict[str, Any]:
    """All tables, by name: their definitions and their rows in key order."""
    return {schema.name: _table(store, schema.name) for schema in store.tables()}


def _table(store: Store, name: str) -> dict[str, Any]:
    table = store.table(name)
    schema = table.schema
    return {
        "columns": [[c.name, str(c.type), c.not_null] for c in schema.columns],
        "key": [schema.columns[position].name for position in schema.key],
        "descending": list(schema.descending),
        "sql": schema.sql,
        "rows": [[_plain(value) for value in row.values()] for row in table.range()],
    }


def _plain(value: object) -> object:
    return {"blob": value.hex()} if isinstance(value, bytes) else value
