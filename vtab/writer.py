"""INSERT, UPDATE and DELETE on one table: conversion, constraints, conflicts."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from operator import is_

import apsw

from lsmsql.engine.affinity import APPLY_AFFINITY
from lsmsql.engine.column import Column
from lsmsql.engine.rows import RowCodec
from lsmsql.engine.schema import TableSchema
from lsmsql.engine.values import MAX_INTEGER, Value
from lsmsql.engine.view import found_columns
from vtab.bounds import PYTHON_TYPES
from vtab.declare import Identity, identity_of
from vtab.failures import duplicate_key, null_rowid, null_value, wrong_type
from vtab.records import Record, RecordEncoder, Values
from vtab.session import Session

MAX_PLAIN_TYPES = 256
"""A table of many ANY columns can have rows of any number of types."""


class Writer:
    """Changes rows of a table in the transaction of a session."""

    def __init__(self, session: Session, schema: TableSchema) -> None:
        self._session = session
        self._schema = schema
        self._rows = RowCodec(schema)
        self._width = len(schema.columns)
        self._records = RecordEncoder(self._rows)
        self._identity = identity_of(schema)
        self._has_rowid = self._identity is Identity.ROWID
        self._encoders: dict[tuple[type, ...], Callable[[Values], Record]] = {}
        """By the types of rows that are inserted as they are, as far as they have been met."""
        self._types = [(c, PYTHON_TYPES.get(c.type)) for c in schema.columns]

    def insert(self, rowid: int | None, fields: tuple[Value, ...]) -> int:
        """Insert a row, and return what ``last_insert_rowid`` is now: unless the row has a rowid
        and is not ignored, that is what it was before."""
        session = self._session
        values = fields
        encode = self._encoders.get(tuple(map(type, fields)))
        if encode is None:
            converted = self._converted(rowid, fields)
            if converted is None:
                return session.last_insert_rowid()
            values = tuple(converted)
            encode = self._records.for_types(tuple(map(type, values)))
        key, payload = encode(values)
        if not self._may_take(key):
            return session.last_insert_rowid()
        session.writes.put(self._schema.id, key, payload)
        return self._note(values) if self._has_rowid else session.last_insert_rowid()

    def _converted(self, rowid: int | None, fields: tuple[Value, ...]) -> list[Value] | None:
        """The values of a row to insert; None if it is to be ignored."""
        values = list(fields[: self._width])
        if self._has_rowid:
            place = self._schema.key[0]
            if values[place] is None:
                values[place] = self._new_rowid() if rowid is None else rowid
        converted = self._convert(values)
        unchanged = converted is not None and all(map(is_, converted, fields))
        if unchanged and len(self._encoders) < MAX_PLAIN_TYPES:
            types = tuple(map(type, fields))
            self._encoders[types] = self._records.for_types(types)
        return converted

    def update(self, identity: Value, rowid: Value, fields: Sequence[object]) -> None:
        """Change a row; in ``fields``, ``no_change`` stands for what stays as it is."""
        old_key = self._key_of(identity)
        found = self._session.find(self._schema.id, old_key)
        if found is None:  # the statement itself has replaced it
            return
        values = found_columns(found, old_key, self._rows.everything)
        for position, value in enumerate(fields[: self._width]):
            if value is not apsw.no_change:
                values[position] = value  # type: ignore[call-overload]
        if self._has_rowid:
            place = self._schema.key[0]
            if rowid != identity and fields[place] is apsw.no_change:
                values[place] = rowid
            if values[place] is None:
                raise null_rowid(self._schema)
        converted = self._convert(values)
        if converted is None:
            return
        encode = self._records.for_types(tuple(map(type, converted)))
        key, payload = encode(tuple(converted))
        if key != old_key:
            if not self._may_take(key):
                return
            self._session.writes.put(self._schema.id, old_key, None)
            self._session.removed(self._schema.id)
        self._session.writes.put(self._schema.id, key, payload)
        if self._has_rowid:
            self._note(converted)

    def delete(self, identity: Value) -> None:
        """Delete a row."""
        self._session.writes.put(self._schema.id, self._key_of(identity), None)
        self._session.removed(self._schema.id)

    def _key_of(self, identity: Value) -> bytes:
        if self._identity is Identity.HIDDEN:
            return identity  # type: ignore[return-value]
        if self._types[self._schema.key[0]][1] is float and isinstance(identity, int):
            identity = float(identity)  # so SQLite keeps whole REALs while it gathers rows
        return self._rows.keys.encode([identity])

    def _note(self, values: Sequence[Value]) -> int:
        rowid: int = values[self._schema.key[0]]  # type: ignore[assignment]
        self._session.added(self._schema.id, rowid)
        return rowid

    def _new_rowid(self) -> int:
        """One more than the greatest there is. Raises FullError if there is none."""
        last = self._session.last(self._schema, self._rows.keys)
        if last == MAX_INTEGER:
            raise apsw.FullError(f"table {self._schema.name} holds the greatest possible rowid")
        return 1 if last is None else last + 1

    def _may_take(self, key: bytes) -> bool:
        """Whether a row may be written under ``key``; False if it is to be ignored.

        Raises RowConstraintError if there is a row already, which may not be replaced.
        """
        wish = self._session.on_conflict()
        if wish == apsw.SQLITE_REPLACE or self._session.find(self._schema.id, key) is None:
            return True
        if wish == apsw.SQLITE_IGNORE:
            return False
        raise duplicate_key(self._schema)

    def _convert(self, values: list[Value]) -> list[Value] | None:
        """Values of their columns' types, converted as SQLite's STRICT tables do it.

        None if the row is to be ignored because of a NULL. Raises RowConstraintError for NULL in a
        column that is NOT NULL, and for a value of a wrong type the error of ``wrong_type``.
        """
        if None in values and (column := self._null_refused(values)) is not None:
            if self._session.on_conflict() == apsw.SQLITE_IGNORE:
                return None
            raise null_value(self._schema, column)
        for position, (column, wanted) in enumerate(self._types):
            value = values[position]
            if wanted is not None and type(value) is not wanted and value is not None:
                converted = APPLY_AFFINITY[column.type](value)
                if type(converted) is not wanted:
                    raise wrong_type(self._schema, column, value, self._session.on_conflict())
                values[position] = converted
        return values

    def _null_refused(self, values: list[Value]) -> Column | None:
        columns = zip(self._schema.columns, values, strict=True)
        return next((c for c, value in columns if value is None and c.not_null), None)
