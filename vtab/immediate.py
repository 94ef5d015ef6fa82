"""BEGIN IMMEDIATE, and BEGIN EXCLUSIVE: the writer's place, at once.

SQLite tells a virtual table nothing of a BEGIN, so the connection's tracer looks at each statement
before it runs. Whoever sets another tracer gets the place no more; one that was there before is
kept. (An authorizer would be asked less often. But while there is one, apsw cannot roll back a
``with connection`` whose commit has failed.)

The end of a transaction in which nothing was written shows after the statement that ended it, which
is looked for while the place is held (see ``session``).
"""

from __future__ import annotations

import re
import weakref
from collections.abc import Callable
from typing import Any

import apsw

from lsmsql.engine.core import Core
from lsmsql.engine.errors import BusyError, ReadOnlyError
from vtab.failures import busy, read_only

_SPACE = r"(?:\s|--[^\n]*(?:\n|\Z)|/\*.*?\*/)"
_IMMEDIATE = re.compile(
    rf"{_SPACE}*BEGIN{_SPACE}+(?:IMMEDIATE|EXCLUSIVE)\b", re.IGNORECASE | re.DOTALL
)

_FIRST = frozenset("bB-/ \t\r\n")


class Immediate:
    """What a connection does for BEGIN IMMEDIATE, and the holder of the writer's place.

    ``begun`` is called when it has taken it. Then somebody must call ``give_back`` at the end.
    """

    def __init__(self, connection: apsw.Connection, core: Core, begun: Callable[[], None]) -> None:
        self._connection = weakref.ref(connection)
        self._core = core
        self._begun = begun
        self._held = False
        self._tracer: Any = connection.exec_trace
        connection.exec_trace = self._before

    def _before(self, cursor: apsw.Cursor, sql: str, bindings: Any) -> bool:
        if sql[:1] in _FIRST and _IMMEDIATE.match(sql) and not cursor.is_explain:
            self._take(cursor.connection)
        return True if self._tracer is None else bool(self._tracer(cursor, sql, bindings))

    def _take(self, connection: apsw.Connection) -> None:
        if connection.in_transaction:
            return  # SQLite will say that there can be no other within
        self._held = True
        try:
            self._core.take_place(self)
        except BusyError as error:
            raise busy(error) from None
        except ReadOnlyError as error:
            raise read_only(error) from None
        self._begun()

    def give_back(self) -> None:
        """The transaction is over."""
        if self._held:
            self._held = False
            self._core.free_place(self)

    def holds_place(self) -> bool:
        """Whether the transaction still goes on."""
        return self._held and self._connection() is not None
