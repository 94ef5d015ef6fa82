"""Rows in memory as a table of SQLite's, so that SQL can be evaluated over them.

The columns have the types and collations of the table that the rows are of, so an expression means
what it means there. The table is an eponymous one: it is there without a CREATE statement.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import apsw

from lsmsql.engine.schema import TableSchema
from lsmsql.engine.values import Value
from vtab.declare import plain_declaration
from vtab.planner import has_rowid

Rows = Sequence[Sequence[Value]]


class RowSource:
    """A table called ``name`` of whatever rows it is given, in the columns of ``schema``."""

    def __init__(self, connection: apsw.Connection, name: str, schema: TableSchema) -> None:
        self.name = name
        self.key = schema.key[0] if has_rowid(schema) else None
        """The position of the rowid."""
        self.rows: Rows = ()
        self._declaration = plain_declaration(schema)
        connection.create_module(
            name,
            self,  # type: ignore[arg-type]
            use_bestindex_object=True,
            eponymous=True,
            eponymous_only=True,
            read_only=True,
        )

    @contextmanager
    def holding(self, rows: Rows) -> Iterator[None]:
        """The table has these rows for a while."""
        before, self.rows = self.rows, rows
        try:
            yield
        finally:
            self.rows = before

    # ruff: noqa: N802 (SQLite's names)

    def Connect(self, *_: object) -> tuple[str, RowSource]:
        """SQLite wants to know the table."""
        return self._declaration, self

    def BestIndexObject(self, info: apsw.IndexInfo) -> bool:
        """There is one way to read it."""
        info.estimatedCost = info.estimatedRows = 1
        return True

    def Open(self) -> _Cursor:
        """A cursor for a statement."""
        return _Cursor(self)

    def Disconnect(self) -> None:
        """The connection has done with this object."""

    Destroy = Disconnect


class _Cursor:
    """Reads the rows that the source has when it begins."""

    def __init__(self, source: RowSource) -> None:
        self._source = source
        self._rows: Rows = ()
        self._at = 0

    def Filter(self, *_: object) -> None:
        """Begin to read."""
        self._rows = self._source.rows
        self._at = 0

    def Eof(self) -> bool:
        """Whether there is no row any more."""
        return self._at >= len(self._rows)

    def Next(self) -> None:
        """Go to the next row."""
        self._at += 1

    def Column(self, number: int) -> Value:
        """A value of the present row."""
        return self._rows[self._at][number]

    def Rowid(self) -> Value:
        """The rowid of the row in its table."""
        key = self._source.key
        return self._at if key is None else self._rows[self._at][key]

    def Close(self) -> None:
        """The statement has done with it."""
