"""SQL expressions over rows that are in memory, in the user's connection.

While one is evaluated the statement that wants it is in the midst of its work: what looks after
statements that fail is told to wait.
"""

from __future__ import annotations

import re
import weakref
from collections.abc import Sequence
from typing import Any

import apsw

from lsmsql.engine.schema import TableSchema
from lsmsql.engine.values import Value
from vtab.declare import quoted
from vtab.rowsource import RowSource

_NUMBER = r"[-+]?\s*[0-9.][\w.]*(?:(?<=e)[-+][0-9]+)?"
_LITERAL = re.compile(
    rf"\s*(?:{_NUMBER}|'(?:[^']|'')*'|x'[0-9a-f]*'|NULL|TRUE|FALSE)\s*", re.IGNORECASE
)
"""Expressions that have one value for ever."""


class Evaluation:
    """Evaluates expressions. ``running`` tells whether it is doing so."""

    def __init__(self, connection: apsw.Connection) -> None:
        self._connection = weakref.ref(connection)
        self._sources: dict[str, tuple[TableSchema, RowSource]] = {}
        self._constants: dict[str, Value] = {}
        self.running = False

    def source(self, schema: TableSchema, role: str) -> RowSource:
        """A table of rows of ``schema``; each ``role`` has one of its own."""
        name = f"lsm_{role}_{schema.id}"
        known = self._sources.get(name)
        if known is None or known[0] != schema:
            connection = self._connection()
            assert connection is not None
            known = self._sources[name] = (schema, RowSource(connection, name, schema))
        return known[1]

    def of_row(
        self, schema: TableSchema, expressions: Sequence[str], values: Sequence[Value]
    ) -> tuple[Value, ...]:
        """The values of expressions over one row of a table."""
        (row,) = self.of_rows(schema, expressions, [values])
        return row

    def of_rows(
        self, schema: TableSchema, expressions: Sequence[str], rows: Sequence[Sequence[Value]]
    ) -> list[tuple[Value, ...]]:
        """The values of expressions over each of some rows of a table."""
        source = self.source(schema, "row")
        columns = ", ".join(f"({sql})" for sql in expressions)
        with source.holding(rows):
            return self.query(f"SELECT {columns} FROM {source.name} AS {quoted(schema.name)}")

    def constant(self, sql: str) -> Value:
        """The value of an expression without columns, such as a DEFAULT."""
        if sql in self._constants:
            return self._constants[sql]
        ((value,),) = self.query(f"SELECT ({sql})")
        if _LITERAL.fullmatch(sql):
            self._constants[sql] = value
        return value

    @staticmethod
    def is_literal(sql: str) -> bool:
        """Whether an expression is one constant as it stands there."""
        return _LITERAL.fullmatch(sql) is not None

    def query(self, sql: str, bindings: Any = None) -> list[tuple[Value, ...]]:
        """The rows of a query."""
        connection = self._connection()
        assert connection is not None
        before, self.running = self.running, True
        try:
            return connection.execute(sql, bindings).fetchall()
        finally:
            self.running = before
