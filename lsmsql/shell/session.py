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
    writer: str = ""
    """The number of the process that has the store open for writing, if this is why it is open for
    reading here."""

    def catch_up(self) -> None:
        """Show the tables that there are now: another process may have changed them."""
        if self.store.readonly:
            self.binding.catch_up()

    def close(self) -> None:
        """Roll back what is not committed and close both. Closing twice is harmless."""
        try:
            self.connection.close(True)
        finally:
            self.store.close()


def open_session(
    path: str, readonly: bool = False, wait: float = 0.0, history: int | str | None = None
) -> Session:
    """Open the store at ``path``.

    If another process has it open for writing, and still has after ``wait`` seconds, it is opened
    for reading. ``history`` is that of ``Options``. Raises UsageError if it is a file, and what
    ``open_store`` raises.
    """
    if os.path.isfile(path):
        raise UsageError(
            f"{path} is a file; a store is a directory (the sqlite3 program opens SQLite files)"
        )
    writer = ""
    try:
        store = open_store(path, "r" if readonly else "rw", busy_timeout=wait, history=history)
    except BusyError as error:
        store, writer = open_store(path, "r", history=history), error.owner
    try:
        connection = apsw.Connection(":memory:")
        # As in the sqlite3 shell: "x" is a name and never a text.
        connection.config(apsw.SQLITE_DBCONFIG_DQS_DML, 0)
        connection.config(apsw.SQLITE_DBCONFIG_DQS_DDL, 0)
        return Session(path, store, connection, vtab.register(connection, store), writer)
    except BaseException:
        store.close()
        raise
