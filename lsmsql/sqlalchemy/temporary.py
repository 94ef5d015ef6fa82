"""The store of an engine for "lsmsql://", which its connections share, and which goes with it."""

from __future__ import annotations

import threading
from typing import Any

from lsmsql.dbapi.connection import Connection, connect
from lsmsql.sqlalchemy.url import MEMORY, store_options


class TemporaryStore:
    """Made with the first connection; after ``close`` the next one makes another, empty one."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._keeper: Connection | None = None
        """A connection that nobody else uses, with which the store would end."""

    def connect(self, arguments: dict[str, Any]) -> Connection:
        """Another connection to the store; ``arguments`` are those of ``lsmsql.connect``."""
        options = {name: arguments[name] for name in store_options() & arguments.keys()}
        others = {name: arguments[name] for name in arguments.keys() - options.keys()}
        with self._lock:
            if self._keeper is None:
                self._keeper = connect(MEMORY, check_same_thread=False, **options)
            return connect(self._keeper._link.store, **others)

    def close(self) -> None:
        """The store is no more."""
        with self._lock:
            keeper, self._keeper = self._keeper, None
        if keeper is not None:
            keeper.close()
