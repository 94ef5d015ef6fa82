"""How a table is declared to SQLite, and how SQLite names one of its rows in UPDATE and DELETE.

    key                    declared as              a row is named by
    one INTEGER            a rowid table            its rowid, which is the key
    one of another type    WITHOUT ROWID            the value of the key column
    several columns        WITHOUT ROWID, with a    the encoded key
                           hidden column ``_pk``

SQLite can only name a row of a virtual table by one column. Types are declared as in the table, so
that SQLite applies to values compared with a column the affinity it has. ANY of a STRICT table has
none, but there is no hidden column in those, and so it is declared without a type.
"""

from __future__ import annotations

import enum
import re

from lsmsql.engine.column import BINARY, Column
from lsmsql.engine.schema import TableSchema
from lsmsql.engine.values import ColumnType
from vtab.planner import has_rowid
from vtab.sql.definitions import read_statement
from vtab.sql.names import identifier

_PLAIN_TYPE = re.compile(r"\w+( \w+)*( ?\([-+ \w.,]*\))?|", re.ASCII)
"""A type that can be written as it is."""


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
    strict = schema.strict and identity is not Identity.HIDDEN
    lines = [_column(column, strict) for column in visible(schema)]
    if identity is Identity.HIDDEN:
        name = _hidden_name(schema, "_pk")
        lines.append(f"{quoted(name)} BLOB HIDDEN PRIMARY KEY NOT NULL")
        return f"CREATE TABLE x({', '.join(lines)}) WITHOUT ROWID"
    if not schema.columns[schema.key[0]].hidden:
        lines[schema.key[0]] += " PRIMARY KEY"
    options = ["STRICT"] * strict + ["WITHOUT ROWID"] * (identity is Identity.KEY)
    return f"CREATE TABLE x({', '.join(lines)}) {', '.join(options)}"


def plain_declaration(schema: TableSchema) -> str:
    """The statement for rows of the table that are in no table."""
    return f"CREATE TABLE x({', '.join(_column(c, strict=False) for c in visible(schema))})"


def past_declaration(schema: TableSchema) -> str:
    """The statement for the table as it was: a row is named by its key and the commit.

    The hidden column for the latter has no type, so what it is compared with stays as it is.
    """
    lines = [_column(column, strict=False) for column in schema.columns]
    at = quoted(_hidden_name(schema, "at"))
    lines.append(f"{at} HIDDEN")
    key = ", ".join(quoted(schema.columns[position].name) for position in schema.key)
    return f"CREATE TABLE x({', '.join(lines)}, PRIMARY KEY ({key}, {at})) WITHOUT ROWID"


def visible(schema: TableSchema) -> tuple[Column, ...]:
    """The columns that a query sees by ``*``: all but the rowid of a table without another key."""
    return tuple(column for column in schema.columns if not column.hidden)


def _column(column: Column, strict: bool) -> str:
    kind = column.type_name
    if column.type is ColumnType.ANY and not strict and column.declared is None:
        kind = ""
    elif not _PLAIN_TYPE.fullmatch(kind):
        kind = "" if column.affinity is ColumnType.ANY else str(column.affinity)
    words = [quoted(column.name), kind, "NOT NULL" * column.not_null]
    if column.collation.upper() != BINARY:
        words.append(f"COLLATE {quoted(column.collation)}")
    return " ".join(filter(None, words))


def _hidden_name(schema: TableSchema, name: str) -> str:
    while name in schema.positions:
        name = "_" + name
    return name


def quoted(name: str) -> str:
    """A name as an SQL identifier."""
    return '"' + name.replace('"', '""') + '"'


def create_statement(schema: TableSchema) -> str:
    """The CREATE statement of a table or index: the user's own text, if there was one.

    For a table that was made in Python one with STRICT, under which every value stays as it is.
    """
    if schema.sql is not None:
        head = read_statement(schema.sql)
        if head is not None and head.kind in ("TABLE", "INDEX"):
            return schema.sql.strip().rstrip(";")
    return generated_statement(schema)


def generated_statement(schema: TableSchema, exists: str = "") -> str:
    """A CREATE TABLE that is made from the definition."""
    lines = []
    for i, column in enumerate(visible(schema)):
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
    return f"CREATE TABLE {exists}{identifier(schema.name)}({', '.join(lines)}) STRICT"
