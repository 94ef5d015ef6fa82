"""Rows as they are to be stored: types, NOT NULL, generated columns, CHECK, in SQLite's order."""

from __future__ import annotations

from collections.abc import Iterable

import apsw

from lsmsql.engine.affinity import APPLY_AFFINITY
from lsmsql.engine.column import Column
from lsmsql.engine.schema import TableSchema
from lsmsql.engine.values import MIN_INTEGER, Value
from vtab.bounds import PYTHON_TYPES
from vtab.declare import Identity, identity_of
from vtab.failures import broken_check, null_rowid, null_value, wrong_type
from vtab.rules import Rules
from vtab.session import Session


class Preparer:
    """Prepares rows of a table, whose statement says what to do with those that break a rule."""

    def __init__(self, session: Session, schema: TableSchema, rules: Rules) -> None:
        self._session = session
        self._schema = schema
        self._rules = rules
        self._has_rowid = identity_of(schema) is Identity.ROWID
        self._types = [(c, PYTHON_TYPES.get(c.type)) for c in schema.columns]
        self._stored = [i for i in range(len(schema.columns)) if i not in rules.generated]

    def prepare(self, values: list[Value]) -> list[Value] | None:
        """A row as it is stored; None if it is to be ignored.

        Raises RowConstraintError for NULL in a column that is NOT NULL and for a CHECK that fails,
        and for a value of a wrong type the error of ``wrong_type``.
        """
        rules = self._rules
        if self._has_rowid:
            self._prepare_rowid(values)
        types_first = bool(rules.generated)  # as SQLite has it: they are computed from the others
        if types_first:
            self._convert(values)
        if None in values and not self._accept_nulls(values, self._stored):
            return None
        if not types_first:
            self._convert(values)
        if rules.generated:
            rules.generate(values, self._converted)
            if not self._accept_nulls(values, rules.generated):
                return None
        check = rules.broken_check(values) if self._schema.checks else None
        if check is not None:
            if self._session.on_conflict() == apsw.SQLITE_IGNORE:
                return None
            raise broken_check(check)
        return values

    def _prepare_rowid(self, values: list[Value]) -> None:
        """A rowid is looked at before all else. Raises the error of ``wrong_type``."""
        (place,) = self._schema.key
        value = values[place]
        if value is None:
            raise null_rowid(self._schema)
        if type(value) is float and value == MIN_INTEGER:  # as no other column takes it
            values[place] = MIN_INTEGER
        elif type(value) is not int:
            values[place] = self._converted(self._schema.columns[place], value)

    def _convert(self, values: list[Value]) -> None:
        """Convert the values to the types of their columns. Raises the error of ``wrong_type``."""
        for position, (column, wanted) in enumerate(self._types):
            value = values[position]
            if type(value) is not wanted and value is not None:
                values[position] = self._converted(column, value)

    def _converted(self, column: Column, value: Value) -> Value:
        """A value of the column's type, converted as SQLite's tables do it."""
        converted = APPLY_AFFINITY[column.affinity](value)
        wanted = PYTHON_TYPES.get(column.type)
        if wanted is not None and type(converted) is not wanted and converted is not None:
            raise wrong_type(self._schema, column, value, self._session.on_conflict())
        return converted

    def _accept_nulls(self, values: list[Value], positions: Iterable[int]) -> bool:
        """Whether those of these columns may be NULL that are; False if the row is to be ignored.

        OR REPLACE puts the default in place of a NULL that may not be.
        """
        for position in positions:
            column = self._schema.columns[position]
            if values[position] is not None or not column.not_null:
                continue
            wish = self._session.on_conflict()
            if wish == apsw.SQLITE_REPLACE and column.default is not None:
                values[position] = self._converted(column, self._rules.default(position))
            if values[position] is None and wish == apsw.SQLITE_IGNORE:
                return False
            if values[position] is None:
                raise null_value(self._schema, column)
        return True
