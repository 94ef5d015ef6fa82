"""A store as SQL text that builds it again, here or in SQLite.

For each table its CREATE TABLE, as the user wrote it, and one INSERT a row; then indexes and views.
At most 10,000 INSERTs stand between BEGIN and COMMIT, because a transaction is held in memory until
it is committed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from operator import attrgetter

import apsw

from lsmsql.engine.catalog import Catalog
from lsmsql.engine.definitions import View
from lsmsql.engine.schema import KV_TABLE_ID, TableSchema
from lsmsql.shell.values import literal
from vtab.declare import create_statement, generated_statement, quoted
from vtab.sql.definitions import read_statement
from vtab.sql.names import identifier

_ROWS_PER_TRANSACTION = 10_000


def create_text(thing: TableSchema | View) -> str:
    """The CREATE statement of a table, index or view, with its semicolon.

    As in SQLite it is what the user wrote, but for what stands before the name of a table.
    """
    sql = thing.sql if isinstance(thing, View) else create_statement(thing)
    head = read_statement(sql)
    if head is not None and head.kind == "TABLE" and head.written is not None:
        sql = "CREATE TABLE " + sql[head.written.start :]
    sql = sql.strip().rstrip(";")
    comment = "--" in sql.rpartition("\n")[2]  # would hide the semicolon
    return sql + ("\n;" if comment else ";")


def table_of(catalog: Catalog, thing: TableSchema | View) -> str:
    """The name of the table that something belongs to: its own, if it is no index."""
    index = None if isinstance(thing, View) else thing.index
    return thing.name if index is None else catalog.by_id[index.table_id].name


def written_things(catalog: Catalog) -> list[TableSchema | View]:
    """All tables, indexes and views that have a statement, in the order of their creation."""
    indexes = [i for some in catalog.indexes.values() for i in some if i.sql is not None]
    return sorted((*catalog.tables, *indexes, *catalog.views.values()), key=attrgetter("id"))


def dump(
    connection: apsw.Connection,
    catalog: Catalog,
    wanted: Callable[[str], bool] = lambda _: True,
    *,
    rowids: bool = False,
    definitions: bool = True,
) -> Iterator[str]:
    """The text, in pieces, for the tables and views whose names are ``wanted``.

    ``rowids``: rows of a table without a key of its own keep theirs. Without ``definitions`` it is
    the rows alone.
    """
    things = [thing for thing in written_things(catalog) if wanted(table_of(catalog, thing))]
    others = []
    for thing in things:
        if isinstance(thing, View) or thing.index is not None:
            others.append(thing)
            continue
        if definitions:
            yield _create_table(thing) + "\n"
        yield from _dump_rows(connection, thing, rowids)
    if definitions:
        yield from (f"{create_text(thing)}\n" for thing in others)


def _create_table(schema: TableSchema) -> str:
    """The statement of a table; ``kv``, which is always there, may exist."""
    if schema.id == KV_TABLE_ID:
        return generated_statement(schema, "IF NOT EXISTS ") + ";"
    return create_text(schema)


def _dump_rows(connection: apsw.Connection, schema: TableSchema, rowids: bool) -> Iterator[str]:
    """An INSERT for each row; what is computed is left out."""
    columns = [
        c.name for c in schema.columns if c.generated is None and not (c.hidden and not rowids)
    ]
    name = identifier(schema.name)
    named = any(column.hidden for column in schema.columns) and rowids
    names = f"({','.join(map(identifier, columns))})" if named else ""
    number = 0
    for row in connection.execute(f"SELECT {','.join(map(quoted, columns))} FROM temp.{name}"):
        if number % _ROWS_PER_TRANSACTION == 0:
            yield "COMMIT;\nBEGIN;\n" if number else "BEGIN;\n"
        yield f"INSERT INTO {name}{names} VALUES({','.join(map(literal, row))});\n"
        number += 1
    if number:
        yield "COMMIT;\n"
