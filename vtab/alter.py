"""ALTER TABLE: what becomes of the definitions, with no row rewritten.

RENAME TO, RENAME COLUMN    SQLite rewrites the statements of all that names it
ADD COLUMN                  the column gets a slot that no row has; they have its default there
DROP COLUMN                 its slot is not used any more
"""

from __future__ import annotations

from dataclasses import replace

import apsw

from lsmsql.engine.column import Column
from lsmsql.engine.definitions import View
from lsmsql.engine.errors import SchemaError
from lsmsql.engine.indexes import index_schema
from lsmsql.engine.schema import KV_TABLE_ID, TableSchema
from lsmsql.engine.values import ColumnType, Value
from vtab.ddl import TableDefinition, read_index, read_table
from vtab.scratch import scratch_of, text_of, try_out
from vtab.session import Session
from vtab.sql.definitions import Alteration, Definition

Thing = TableSchema | View


def altered(
    session: Session, table: TableSchema, sql: str, head: Definition, *, references: bool = False
) -> list[Thing]:
    """The new definitions of the table, and of the indexes and views that name it.

    Raises SchemaError for what SQLite refuses, and where the rows there are do not allow it.
    """
    if table.id == KV_TABLE_ID:
        raise SchemaError("table kv belongs to every store and cannot be altered")
    change = head.alteration
    if change is None or change.kind == "OTHER":
        what = "" if change is None or change.text is None else f": {change.text.text}"
        raise SchemaError(f"ALTER TABLE {table.name} cannot do this{what}")
    catalog = session.catalog
    with scratch_of(catalog) as scratch:
        try_out(scratch, head.in_schema(sql, "main"))
        name = change.new_name if change.kind == "RENAME TABLE" and change.new_name else table.name
        definition = read_table(
            scratch, name, text_of(scratch, "table", name), references=references
        )
        changed = _altered_table(session, table, definition, change)
        things: list[Thing] = [changed]
        things += _altered_indexes(scratch, catalog.indexes.get(table.id, ()), changed, definition)
        for view in catalog.views.values():
            text = text_of(scratch, "view", view.name)
            if text != view.sql:
                things.append(replace(view, sql=text))
    return things


def _altered_table(
    session: Session, table: TableSchema, definition: TableDefinition, change: Alteration
) -> TableSchema:
    """The new definition, whose columns keep their slots."""
    schema = definition.schema
    columns: list[Column] = []
    slots = table.slots
    renamed = (change.new_name or "").lower() if change.kind == "RENAME COLUMN" else None
    for column in schema.columns:
        name = column.name.lower()
        old = table.positions.get((change.column or "").lower() if name == renamed else name)
        if old is not None:
            columns.append(replace(table.columns[old], name=column.name))
            continue
        if column.hidden:  # whose name may be another now
            columns.append(replace(table.columns[-1], name=column.name))
            continue
        absent = _value_of_rows(session, table, column)
        plain = absent is None and not column.not_null  # else rows there have NULL, and mean more
        null_slot = None if plain else slots + 1
        columns.append(replace(column, slot=slots, absent=absent, null_slot=null_slot))
        slots += 1 if plain else 2
    return replace(schema, id=table.id, columns=tuple(columns), slots=slots, strict=table.strict)


def _value_of_rows(session: Session, table: TableSchema, column: Column) -> Value:
    """What the rows there are have in a new column. Raises SchemaError where SQLite does."""
    if not session.has_rows(table):
        return None
    if column.generated is not None:
        if column.generated.stored:
            raise SchemaError("cannot add a STORED column")
        raise SchemaError(
            f"column {column.name}: a generated column cannot be added to a table with rows;"
            " create the table with it"
        )
    value = None
    if column.default is not None:
        if not session.evaluation.is_literal(column.default):
            raise SchemaError("Cannot add a column with non-constant default")
        value = session.evaluation.constant(column.default)
        if isinstance(value, float) and column.affinity is ColumnType.TEXT:
            value = _as_written(column.default)
    if value is None and column.not_null:
        raise SchemaError("Cannot add a NOT NULL column with default value NULL")
    return column.convert(value)


def _as_written(number: str) -> str:
    """The text that SQLite takes for a number with a point or an exponent in the rows there are;
    in those to come it is that of the number."""
    return "".join(number.split()).strip("()").removeprefix("+").replace("_", "")


def _altered_indexes(
    scratch: apsw.Connection,
    indexes: tuple[TableSchema, ...],
    table: TableSchema,
    definition: TableDefinition,
) -> list[TableSchema]:
    """The indexes of the table with their new statements and positions."""
    implied = {_number(name): (name, described) for name, described in definition.indexes}
    found: list[TableSchema] = []
    for index in indexes:
        if index.sql is None:
            name, described = implied[_number(index.name)]
            renewed = index_schema(table, name, described)
        else:
            text = text_of(scratch, "index", index.name)
            described = read_index(scratch, index.name, text, table)
            renewed = index_schema(table, index.name, described, text)
        found.append(replace(renewed, id=index.id))
    return found


def _number(name: str) -> str:
    """The number in the name of an implied index, which stays when its table is renamed."""
    return name.rpartition("_")[2]
