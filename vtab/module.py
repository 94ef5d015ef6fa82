"""The module ``lsm``: CREATE VIRTUAL TABLE, to make a table or to attach one that the store has.

    CREATE VIRTUAL TABLE temp.flights USING lsm                      attach
    CREATE VIRTUAL TABLE temp.t USING lsm(id INTEGER PRIMARY KEY)    create in the store, and attach

Both, and DROP TABLE, are part of the SQL transaction.
"""

from __future__ import annotations

import apsw

from lsmsql.engine.schema import TableSchema
from vtab.ddl import parse_create
from vtab.declare import declaration, quoted
from vtab.definitions import define
from vtab.history import register_past
from vtab.session import Session
from vtab.table import VirtualTable

MODULE_NAME = "lsm"


def attach_statement(name: str) -> str:
    """What shows a table of the store in a connection."""
    return f"CREATE VIRTUAL TABLE temp.{quoted(name)} USING {MODULE_NAME}"


class Module:
    """Makes the virtual tables of one connection. ``attached`` has what they show, by name."""

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
            definition = parse_create(f"({', '.join(arguments)})", name)
            schema = define(self._session, definition.schema, definition.indexes)
        else:
            self._session.core.check_open()  # which sees what another process has done meanwhile
            schema = self._session.catalog.get(name)
        return self._attach(connection, schema)

    def Connect(
        self,
        connection: apsw.Connection,
        module: str,
        database: str,
        name: str,
        *arguments: str,
    ) -> tuple[str, VirtualTable]:
        """Attach a table again, which SQLite may have forgotten, or that its file knows.

        If there is no such table any more it is the one that was attached: SQLite may want it only
        to drop it. Raises NoSuchTableError, which lists those there are.
        """
        catalog, known = self._session.catalog, self.attached.get(name.lower())
        if known is None or known.id not in catalog.by_id:
            known = catalog.find(name) or known or catalog.get(name)
        else:
            known = catalog.by_id[known.id]
        return self._attach(connection, known)

    def _attach(self, connection: apsw.Connection, schema: TableSchema) -> tuple[str, VirtualTable]:
        connection.vtab_config(apsw.SQLITE_VTAB_CONSTRAINT_SUPPORT, 1)
        if self.attached.get(schema.name.lower()) != schema:
            register_past(connection, self._session, schema)
        self.attached[schema.name.lower()] = schema
        return declaration(schema), VirtualTable(self._session, schema)
