"""An open store together with the SQLite connection that shows it."""

from __future__ import annotations

import os
from dataclasses import dataclass

import apsw

import vtab
from lsmsql.engine.errors import BusyError, UsageError
from lsmsql.engine.store import Store, open_store


@dataclass(frozen=True)
class Session:
    """A store, a connection with nothing else in it, and the binding between the two."""

    path: str
    store: Store
    connection: apsw.Connection
    binding: vtab.Binding

    def close(self) -> None:
        """Roll back what is not committed and close both. Closing twice is harmless."""
        try:
            self.connection.close(True)
        finally:
            self.store.close()


def open_session(path: str, readonly: bool = False) -> Session:
    """Open the store at ``path``.

    Raises UsageError if it is a file, BusyError with a way out, and what ``open_store`` raises.
    """
    if os.path.isfile(path):
        raise UsageError(
            f"{path} is a file; a store is a directory (the sqlite3 program opens SQLite files)"
        )
    try:
        store = open_store(path, "r" if readonly else "rw")
    except BusyError as error:
        raise BusyError(f"{error}; to read beside it: lsmsql -readonly {path}") from None
    try:
        connection = apsw.Connection(":memory:")
        # As in the sqlite3 shell: "x" is a name and never a text.
        connection.config(apsw.SQLITE_DBCONFIG_DQS_DML, 0)
        connection.config(apsw.SQLITE_DBCONFIG_DQS_DDL, 0)
        return Session(path, store, connection, vtab.register(connection, store))
    except BaseException:
        store.close()
        raise
