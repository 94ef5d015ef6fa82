"""The definition of a table, an index or a view as the catalogue keeps it: msgpack.

A map of fields, of columns arrays. Later versions may add fields to the map, and items to the end
of an array; they are read with their defaults where they are missing, as in stores written before.

    table    columns, key, descending, sql, slots, strict, checks
    index    the same, and ``index``
    view     view: the statement
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import msgspec

from lsmsql.engine.column import BINARY, Column, Generated
from lsmsql.engine.schema import Check, IndexDefinition, IndexTerm, TableSchema
from lsmsql.engine.values import ColumnType, check_value

_MOST_SLOTS = 1 << 20
"""Columns come and go, and slots are never used again: but not as often as that."""


@dataclass(frozen=True)
class View:
    """A view: ``sql`` is its CREATE VIEW statement."""

    id: int
    name: str
    sql: str


class _Column(msgspec.Struct, frozen=True, array_like=True):
    name: str
    type: str
    not_null: bool
    slot: int | None
    declared: str | None = None
    collation: str = BINARY
    default: str | None = None
    generated: str | None = None
    stored: bool = False
    absent: Any = None
    null_slot: int | None = None
    hidden: bool = False


class _Check(msgspec.Struct, frozen=True, array_like=True):
    sql: str
    name: str | None = None


class _Term(msgspec.Struct, frozen=True, array_like=True):
    position: int | None
    expression: str | None = None
    collation: str = BINARY
    descending: bool = False


class _Index(msgspec.Struct, frozen=True, array_like=True):
    table_id: int
    terms: tuple[_Term, ...]
    unique: bool = False
    where: str | None = None
    origin: str = "c"
    ready: bool = True


class _Definition(msgspec.Struct, frozen=True, omit_defaults=True):
    columns: tuple[_Column, ...] = ()
    key: tuple[int, ...] = ()
    descending: tuple[bool, ...] = ()
    sql: str | None = None
    slots: int = 0
    strict: bool = True
    checks: tuple[_Check, ...] = ()
    index: _Index | None = None
    view: str | None = None
    autoincrement: bool = False


def encode_definition(thing: TableSchema | View) -> bytes:
    """A definition as bytes."""
    if isinstance(thing, View):
        return msgspec.msgpack.encode(_Definition(view=thing.sql))
    index = thing.index
    return msgspec.msgpack.encode(
        _Definition(
            columns=tuple(map(_packed_column, thing.columns)),
            key=thing.key,
            descending=thing.descending,
            sql=thing.sql,
            slots=thing.slots,
            strict=thing.strict,
            checks=tuple(_Check(check.sql, check.name) for check in thing.checks),
            index=None if index is None else _packed_index(index),
            autoincrement=thing.autoincrement,
        )
    )


def decode_definition(table_id: int, name: str, data: bytes) -> TableSchema | View:
    """A definition from bytes. Raises ValueError or a MsgspecError for malformed ones."""
    stored = msgspec.msgpack.decode(data, type=_Definition)
    if stored.view is not None:
        return View(table_id, name, stored.view)
    schema = TableSchema(
        table_id,
        name,
        tuple(map(_column, stored.columns)),
        stored.key,
        stored.descending,
        stored.sql,
        stored.slots,
        stored.strict,
        tuple(Check(check.sql, check.name) for check in stored.checks),
        None if stored.index is None else _index(stored.index),
        stored.autoincrement,
    )
    problem = _problem(schema)
    if problem is not None:
        raise ValueError(f"{name}: {problem}")
    return schema


def _problem(schema: TableSchema) -> str | None:
    """What cannot be so in a definition."""
    columns, key = schema.columns, schema.key
    if not key or len(set(key)) != len(key) or not set(key) <= set(range(len(columns))):
        return "it has no proper key"
    if len(key) != len(schema.descending):
        return "it has no direction for each column of its key"
    if len(schema.positions) != len(columns):
        return "two columns have the same name"
    if {i for i, column in enumerate(columns) if column.slot is None} != set(key):
        return "just the columns of the key must be without a slot"
    slots = [column.slot for column in columns if column.slot is not None]
    slots += [column.null_slot for column in columns if column.null_slot is not None]
    first = 1 if schema.has_real_mask else 0
    if len(set(slots)) != len(slots) or not all(first <= slot < schema.slots for slot in slots):
        return "its columns have no proper slots"
    if not first <= schema.slots <= _MOST_SLOTS:
        return f"it has {schema.slots} slots"
    terms = () if schema.index is None else schema.index.terms
    if any((term.position is None) == (term.expression is None) for term in terms):
        return "a term of an index is a column, or else an expression"
    return None


def _packed_column(column: Column) -> _Column:
    generated = column.generated
    return _Column(
        column.name,
        str(column.type),
        column.not_null,
        column.slot,
        column.declared,
        column.collation,
        column.default,
        None if generated is None else generated.sql,
        generated is not None and generated.stored,
        column.absent,
        column.null_slot,
        column.hidden,
    )


def _column(c: _Column) -> Column:
    return Column(
        c.name,
        ColumnType(c.type),
        c.not_null,
        c.slot,
        c.declared,
        c.collation,
        c.default,
        None if c.generated is None else Generated(c.generated, c.stored),
        check_value(c.absent, "the value of rows without the column"),
        c.null_slot,
        c.hidden,
    )


def _packed_index(index: IndexDefinition) -> _Index:
    terms = [_Term(t.position, t.expression, t.collation, t.descending) for t in index.terms]
    return _Index(
        index.table_id, tuple(terms), index.unique, index.where, index.origin, index.ready
    )


def _index(stored: _Index) -> IndexDefinition:
    terms = [IndexTerm(t.position, t.expression, t.collation, t.descending) for t in stored.terms]
    return IndexDefinition(
        stored.table_id, tuple(terms), stored.unique, stored.where, stored.origin, stored.ready
    )
