"""A store as SQL text that builds it again, here or in SQLite.

For each table its CREATE TABLE, as the user wrote it, and one INSERT a row. At most 10,000 of them
stand between BEGIN and COMMIT, because a transaction is held in memory until it is committed.
"""

from __future__ import annotations

from collections.abc import Iterator

import apsw

from lsmsql.engine.schema import KV_TABLE_ID, TableSchema
from lsmsql.shell.values import literal
from vtab.declare import create_statement, generated_statement
from vtab.sql.names import identifier

_ROWS_PER_TRANSACTION = 10_000


def create_text(schema: TableSchema) -> str:
    """The CREATE statement of a table or index, with its semicolon."""
    sql = create_statement(schema)
    comment = "--" in sql.rpartition("\n")[2]  # would hide the semicolon
    return sql + ("\n;" if comment else ";")


def dump_table(connection: apsw.Connection, schema: TableSchema) -> Iterator[str]:
    """The text for one table, in pieces. The table ``kv``, which is always there, may exist."""
    if schema.id == KV_TABLE_ID:
        yield generated_statement(schema, "IF NOT EXISTS ") + ";\n"
    else:
        yield create_text(schema) + "\n"
    name = identifier(schema.name)
    number = 0
    for row in connection.execute(f"SELECT * FROM temp.{name}"):
        if number % _ROWS_PER_TRANSACTION == 0:
            yield "COMMIT;\nBEGIN;\n" if number else "BEGIN;\n"
        yield f"INSERT INTO {name} VALUES({','.join(map(literal, row))});\n"
        number += 1
    if number:
        yield "COMMIT;\n"
