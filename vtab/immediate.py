"""BEGIN IMMEDIATE, and BEGIN EXCLUSIVE: the writer's place, at once.

SQLite tells a virtual table nothing of a BEGIN. It asks the authorizer of the connection when the
first one is prepared; from then on the connection's tracer is called before each statement. Whoever
sets another authorizer or tracer gets the place no more; one that was there before is kept.

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


class Immediate:
    """What a connection does for BEGIN IMMEDIATE, and the holder of the writer's place.

    ``begun`` is called when it has taken it. Then somebody must call ``give_back`` at the end.
    """

    def __init__(self, connection: apsw.Connection, core: Core, begun: Callable[[], None]) -> None:
        self._connection = weakref.ref(connection)
        self._core = core
        self._begun = begun
        self._beginning = False
        self._tracing = False
        self._authorizer: Any = connection.authorizer
        self._tracer: Any = None
        connection.authorizer = self._authorize

    def _authorize(self, action: int, *arguments: str | None) -> int:
        if action == apsw.SQLITE_TRANSACTION and not self._tracing:
            connection = self._connection()
            assert connection is not None
            self._tracing = True
            self._tracer = connection.exec_trace
            connection.exec_trace = self._before
        if self._authorizer is None:
            return apsw.SQLITE_OK
        answer: int = self._authorizer(action, *arguments)
        return answer

    def _before(self, cursor: apsw.Cursor, sql: str, bindings: Any) -> bool:
        if _IMMEDIATE.match(sql) and not cursor.is_explain and not cursor.connection.in_transaction:
            self._take()
        return True if self._tracer is None else bool(self._tracer(cursor, sql, bindings))

    def _take(self) -> None:
        self._beginning = True
        try:
            self._core.take_place(self)
        except BusyError as error:
            raise busy(error) from None
        except ReadOnlyError as error:
            raise read_only(error) from None
        self._begun()

    def give_back(self) -> None:
        """The transaction is over, or another has no use for the place."""
        self._beginning = False
        if self._core.place.holder is self:
            self._core.free_place(self)

    def holds_place(self) -> bool:
        """Whether the transaction still goes on."""
        connection = self._connection()
        try:
            return connection is not None and (self._beginning or connection.in_transaction)
        except apsw.ConnectionClosedError:
            return False
