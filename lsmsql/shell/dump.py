"""A store as SQL text that builds it again, here or in SQLite.

For each table its CREATE TABLE, as the user wrote it, and one INSERT a row. At most 10,000 of them
stand between BEGIN and COMMIT, because a transaction is held in memory until it is committed.
"""

from __future__ import annotations

from collections.abc import Iterator

import apsw

from lsmsql.engine.schema import KV_TABLE_ID, TableSchema
from lsmsql.shell.statements import read_head
from lsmsql.shell.values import identifier, literal

_ROWS_PER_TRANSACTION = 10_000


def create_statement(schema: TableSchema) -> str:
    """The CREATE TABLE of a table, with its semicolon: the user's own text if there was one."""
    if schema.sql is None or read_head(schema.sql).kind != "TABLE":
        return _generate(schema)
    sql = schema.sql.strip().rstrip(";")
    comment = "--" in sql.rpartition("\n")[2]  # would hide the semicolon
    return sql + ("\n;" if comment else ";")


def _generate(schema: TableSchema, exists: str = "") -> str:
    """CREATE TABLE for a table that was made in Python.

    STRICT changes nothing here, but lets SQLite, too, keep every value as it is.
    """
    lines = []
    for i, column in enumerate(schema.columns):
        not_null = " NOT NULL" if column.not_null and i not in schema.key else ""
        lines.append(f"{identifier(column.name)} {column.type}{not_null}")
    if len(schema.key) == 1 and not schema.descending[0]:
        lines[schema.key[0]] += " PRIMARY KEY"
    else:
        key = [
            identifier(schema.columns[i].name) + (" DESC" if down else "")
            for i, down in zip(schema.key, schema.descending, strict=True)
        ]
        lines.append(f"PRIMARY KEY ({', '.join(key)})")
    return f"CREATE TABLE {exists}{identifier(schema.name)}({', '.join(lines)}) STRICT;"


def dump_table(connection: apsw.Connection, schema: TableSchema) -> Iterator[str]:
    """The text for one table, in pieces. The table ``kv``, which is always there, may exist."""
    if schema.id == KV_TABLE_ID:
        yield _generate(schema, "IF NOT EXISTS ") + "\n"
    else:
        yield create_statement(schema) + "\n"
    name = identifier(schema.name)
    number = 0
    for row in connection.execute(f"SELECT * FROM temp.{name}"):
        if number % _ROWS_PER_TRANSACTION == 0:
            yield "COMMIT;\nBEGIN;\n" if number else "BEGIN;\n"
        yield f"INSERT INTO {name} VALUES({','.join(map(literal, row))});\n"
        number += 1
    if number:
        yield "COMMIT;\n"
