"""How a table is declared to SQLite, and how SQLite names one of its rows in UPDATE and DELETE.

    key                    declared as              a row is named by
    one INTEGER            a rowid table            its rowid, which is the key
    one of another type    WITHOUT ROWID            the value of the key column
    several columns        WITHOUT ROWID, with a    the encoded key
                           hidden column ``_pk``

SQLite can only name a row of a virtual table by one column. Types are declared as ours, so that
SQLite applies to values compared with a column the affinity it has. ANY must have none: in a STRICT
table it has none, but there is no hidden column in those, and so it is declared without a type.
"""

from __future__ import annotations

import enum

from lsmsql.engine.column import Column
from lsmsql.engine.schema import TableSchema
from lsmsql.engine.values import ColumnType
from vtab.planner import has_rowid


class Identity(enum.Enum):
    """What SQLite names a row by."""

    ROWID = "rowid"
    KEY = "key"
    HIDDEN = "hidden"


def identity_of(schema: TableSchema) -> Identity:
    """What names a row of the table."""
    if has_rowid(schema):
        return Identity.ROWID
    return Identity.KEY if len(schema.key) == 1 else Identity.HIDDEN


def declaration(schema: TableSchema) -> str:
    """The CREATE TABLE statement for SQLite."""
    identity = identity_of(schema)
    strict = identity is not Identity.HIDDEN
    lines = [_column(column, strict) for column in schema.columns]
    if identity is Identity.HIDDEN:
        name = _hidden_name(schema, "_pk")
        lines.append(f"{quoted(name)} BLOB HIDDEN PRIMARY KEY NOT NULL")
        return f"CREATE TABLE x({', '.join(lines)}) WITHOUT ROWID"
    lines[schema.key[0]] += " PRIMARY KEY"
    options = "STRICT" if identity is Identity.ROWID else "STRICT, WITHOUT ROWID"
    return f"CREATE TABLE x({', '.join(lines)}) {options}"


def past_declaration(schema: TableSchema) -> str:
    """The statement for the table as it was: a row is named by its key and the commit.

    The hidden column for the latter has no type, so what it is compared with stays as it is.
    """
    lines = [_column(column, strict=False) for column in schema.columns]
    at = quoted(_hidden_name(schema, "at"))
    lines.append(f"{at} HIDDEN")
    key = ", ".join(quoted(schema.columns[position].name) for position in schema.key)
    return f"CREATE TABLE x({', '.join(lines)}, PRIMARY KEY ({key}, {at})) WITHOUT ROWID"


def _column(column: Column, strict: bool) -> str:
    kind = "" if column.type is ColumnType.ANY and not strict else f" {column.type}"
    return quoted(column.name) + kind + (" NOT NULL" if column.not_null else "")


def _hidden_name(schema: TableSchema, name: str) -> str:
    while name in schema.positions:
        name = "_" + name
    return name


def quoted(name: str) -> str:
    """A name as an SQL identifier."""
    return '"' + name.replace('"', '""') + '"'
