"""The module ``lsm``: CREATE VIRTUAL TABLE, to make a table or to attach one that the store has.

    CREATE VIRTUAL TABLE temp.flights USING lsm                      attach
    CREATE VIRTUAL TABLE temp.t USING lsm(id INTEGER PRIMARY KEY)    create in the store, and attach

Definitions of tables are not part of SQL transactions: a ROLLBACK does not take back a CREATE, and
a DROP within a transaction is refused.
"""

from __future__ import annotations

import apsw

from lsmsql.engine.errors import ReadOnlyError
from lsmsql.engine.schema import TableSchema
from vtab.ddl import create, parse_create
from vtab.declare import declaration
from vtab.failures import read_only
from vtab.session import Session
from vtab.table import VirtualTable

MODULE_NAME = "lsm"


class Module:
    """Makes the virtual tables of one connection. ``attached`` has their definitions by name."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self.attached: dict[str, TableSchema] = {}

    # ruff: noqa: N802 (SQLite's names)

    def Create(
        self,
        connection: apsw.Connection,
        module: str,
        database: str,
        name: str,
        *arguments: str,
    ) -> tuple[str, VirtualTable]:
        """CREATE VIRTUAL TABLE: with columns, a new table; without, one that is there."""
        if arguments:
            try:
                create(self._session.store, parse_create(f"({', '.join(arguments)})", name))
            except ReadOnlyError as error:
                raise read_only(error) from None
        return self._attach(connection, self._session.store.table(name).schema)

    def Connect(
        self,
        connection: apsw.Connection,
        module: str,
        database: str,
        name: str,
        *arguments: str,
    ) -> tuple[str, VirtualTable]:
        """Attach a table again, which SQLite may have forgotten, or that its file knows.

        It is the table that was attached, even if the store has another one of its name by now:
        SQLite may want it only to drop it. Raises NoSuchTableError, which lists those there are.
        """
        schema = self.attached.get(name.lower()) or self._session.store.table(name).schema
        return self._attach(connection, schema)

    def _attach(self, connection: apsw.Connection, schema: TableSchema) -> tuple[str, VirtualTable]:
        connection.vtab_config(apsw.SQLITE_VTAB_CONSTRAINT_SUPPORT, 1)
        self.attached[schema.name.lower()] = schema
        return declaration(schema), VirtualTable(self._session, schema)
