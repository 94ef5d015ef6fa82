"""A virtual table: SQLite's callbacks, each passed on to what does the work."""

from __future__ import annotations

from itertools import islice
from typing import Any

import apsw

from lsmsql.engine.errors import SchemaError
from lsmsql.engine.schema import TableSchema
from lsmsql.engine.values import Value
from vtab.cursor import Cursor
from vtab.definitions import undefine
from vtab.failures import RowConstraintError
from vtab.integrity import problems
from vtab.session import Session
from vtab.writer import Writer

_MOST_ERRORS = 100
"""SQLite's own limit for an integrity check."""


class VirtualTable:
    """A table of the store in a connection.

    SQLite may make a new one at any time, so all that lasts is in the session.
    """

    def __init__(self, session: Session, schema: TableSchema) -> None:
        self._session = session
        self._schema = schema
        self._indexes = session.catalog.indexes.get(schema.id, ())
        self._writer = Writer(session, schema, self._indexes)
        self._seen = session.definitions
        self._told = False
        """Whether it was told of a savepoint in this transaction."""

    # ruff: noqa: N802 (SQLite's names)

    def BestIndexObject(self, info: apsw.IndexInfo) -> bool:
        """Plan a query."""
        self._session.planning.choose(info, self._schema)
        return True

    def Open(self) -> Cursor:
        """A cursor for a statement."""
        return Cursor(self._session, self._schema)

    def Integrity(self, database: str, name: str, quick: int) -> str | None:
        """PRAGMA integrity_check: every row that is committed; quick_check: every checksum."""
        found = problems(self._session, self._schema, quick=bool(quick))
        return "\n".join(islice(found, _MOST_ERRORS)) or None

    # ------------------------------------------------------------------------------- rows

    def UpdateInsertRow(self, rowid: int | None, fields: tuple[Value, ...]) -> int:
        """INSERT."""
        if self._session.definitions != self._seen:
            self._look_for_changes()
        try:
            return self._writer.insert(rowid, fields)
        except RowConstraintError:
            self._session.undoing.row_refused()
            raise

    def UpdateChangeRow(self, row: Value, rowid: Value, fields: tuple[Any, ...]) -> None:
        """UPDATE."""
        if self._session.definitions != self._seen:
            self._look_for_changes()
        try:
            self._writer.update(row, rowid, fields)
        except RowConstraintError:
            self._session.undoing.row_refused()
            raise

    def UpdateDeleteRow(self, row: Value) -> None:
        """DELETE."""
        if self._session.definitions != self._seen:
            self._look_for_changes()
        self._writer.delete(row)

    # ------------------------------------------------------------------------------- transactions

    def Begin(self) -> None:
        """The table is about to be written to for the first time in a transaction."""
        self._session.begin()
        self._told = False
        self._look_for_changes()

    def _look_for_changes(self) -> None:
        """Others may have created or dropped an index, or altered the table.

        Raises SchemaError if the connection does not know the table as it is now.
        """
        self._seen = self._session.definitions
        catalog, schema = self._session.catalog, self._schema
        if catalog.by_id.get(schema.id, schema) != schema:
            raise SchemaError(
                f"table {schema.name} has been altered; call refresh() of its binding"
            )
        indexes = catalog.indexes.get(schema.id, ())
        if indexes != self._indexes:
            self._indexes = indexes
            self._writer = Writer(self._session, schema, indexes)

    def Sync(self) -> None:
        """COMMIT, as long as it may fail."""
        self._session.sync()

    def Commit(self) -> None:
        """COMMIT, when all has been done."""
        self._session.end()

    def Rollback(self) -> None:
        """ROLLBACK."""
        self._session.end()

    def Savepoint(self, level: int) -> None:
        """A savepoint is made, by the user or for a statement, or one is there at ``Begin``."""
        self._session.undoing.savepoint(level, late=not self._told)
        self._told = True

    def Release(self, level: int) -> None:
        """A savepoint, and all behind it, are no more."""
        self._session.undoing.release(level)

    def RollbackTo(self, level: int) -> None:
        """Back to a savepoint, which stays."""
        self._session.undoing.rollback_to(level)

    # ------------------------------------------------------------------------------- the end

    def Disconnect(self) -> None:
        """The connection has done with this object, or is being closed."""
        self._session.settle()

    def Destroy(self) -> None:
        """DROP TABLE, which is part of the transaction."""
        session = self._session
        if not session.detaching and self._schema.id in session.catalog.by_id:
            undefine(session, self._schema)

    def Rename(self, name: str) -> None:
        """ALTER TABLE RENAME."""
        raise SchemaError(f"table {self._schema.name} cannot be renamed to {name}")
