"""An open store together with the SQLite connection that shows it."""

from __future__ import annotations

import os
from dataclasses import dataclass

import apsw

from lsmsql.dbapi.link import Link
from lsmsql.engine.catalog import Catalog
from lsmsql.engine.errors import BusyError, UsageError
from lsmsql.engine.store import Store, open_store

_CACHED = 16
"""Statements that SQLite need not prepare again."""


@dataclass(frozen=True)
class Session:
    """A store, and the link by which statements are run on it, as in the DB-API."""

    path: str
    store: Store
    link: Link
    writer: str = ""
    """The number of the process that has the store open for writing, if this is why it is open for
    reading here."""

    @property
    def connection(self) -> apsw.Connection:
        """The connection that shows the store, and has nothing else in it."""
        return self.link.raw

    @property
    def catalog(self) -> Catalog:
        """The tables, indexes and views as the transaction has them now."""
        self.link.ready()
        return self.link.binding.session.catalog

    def close(self) -> None:
        """Roll back what is not committed and close both. Closing twice is harmless."""
        try:
            self.link.close()
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
        link = Link(store, _CACHED, True, None, one_thread=False)
        return Session(path, store, link, writer)
    except BaseException:
        store.close()
        raise
