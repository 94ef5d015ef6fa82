"""Takes changes of a transaction back: to savepoints, and what failed statements have left behind.

A statement that fails because a Python exception was raised leaves its savepoint open (see
``savepoints``). So while there are any, a trace hook looks before and after each statement, and
finds out by a statement of its own which number is free.
"""

from __future__ import annotations

import weakref
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Protocol

import apsw

from lsmsql.engine.writeset import WriteSet
from vtab.evaluation import Evaluation
from vtab.savepoints import OUTERMOST, Savepoints, Unfinished

NO_CHANGE = "DELETE FROM temp.kv WHERE 0"
"""A statement that writes to a table, as far as SQLite knows."""


class Changes(Protocol):
    """The changes of a transaction, which are a session's."""

    writes: WriteSet
    evaluation: Evaluation

    @property
    def is_writing(self) -> bool:
        """Whether a transaction goes on that has changed something."""

    def on_conflict(self) -> int:
        """What the running statement wants for a row that breaks a constraint."""

    def undo(self, step: int) -> None:
        """Take back all changes after ``step``."""


class Undoing:
    """The savepoints of a session, and its statements that have failed.

    The connection and the changes are held weakly: the session holds this.
    """

    def __init__(self, connection: apsw.Connection, changes: Changes) -> None:
        self._connection = weakref.ref(connection)
        self._changes: Changes = weakref.proxy(changes)
        self._savepoints = Savepoints()
        self._unfinished = Unfinished()
        self._keeps = False
        """Whether the changes stay of a statement that has just failed."""
        self._postponed = False
        """Whether to look for one that has failed as soon as there is no interrupt any more."""
        self._tracing = False
        self._probed: list[int] | None = None

    def savepoint(self, level: int, *, late: bool) -> None:
        """A table is told of a savepoint, perhaps of the running statement.

        ``late``: for the first time, so that it may be one that others know.
        """
        if self._probed is not None:
            self._probed.append(level)
            return
        step = self._changes.writes.step
        made = self._unfinished.add(level, step)
        if made < step:
            self._changes.undo(made)
        self._savepoints.add(level, made, late=late)
        self._trace(True)

    def release(self, level: int) -> None:
        """The savepoint ``level`` and all behind it are no more."""
        if self._probed is None:
            if self._postponed:
                self._undo_failed(level + 1)
            self._savepoints.release(level)
            self._unfinished.drop(level)
            self._trace(bool(self._unfinished))

    def rollback_to(self, level: int) -> None:
        """Back to a savepoint, which stays."""
        self._changes.undo(self._savepoints.step_of(level))
        self.release(level + 1)

    def row_refused(self) -> None:
        """The running statement fails because of a constraint; OR FAIL lets its changes stay."""
        self._keeps = self._changes.on_conflict() == apsw.SQLITE_FAIL
        if self._keeps:
            self._unfinished.keep_newest()

    @contextmanager
    def whole(self) -> Iterator[None]:
        """A statement for which SQLite opens no savepoint, though it changes many rows.

        If it fails, its changes are taken back here.
        """
        step = self._changes.writes.step if self._changes.is_writing else 0
        self._keeps = False
        try:
            yield
        except BaseException:
            if self._changes.is_writing and not self._keeps:
                self._changes.undo(step)
            raise

    def _count(self) -> int:
        connection = self._connection()
        return 0 if connection is None else connection.changes()

    def _follow(self, event: dict[str, object]) -> None:
        """A statement begins or ends: take back what one that has failed has left behind."""
        if self._probed is not None or self._changes.evaluation.running:
            return
        ends = event["code"] == apsw.SQLITE_TRACE_PROFILE
        if ends:
            self._unfinished.leave(event["id"])
            if self._count():  # one that has failed has made none
                return
        inner = ends or bool(event["trigger"])
        if self._unfinished.in_doubt(self._changes.writes.step, inner=inner):
            number = self._free_number()
            if number is None:
                self._postponed = True
                return
            self._undo_failed(number)
        if not inner:
            self._trace(self._unfinished.forget())
        elif not ends and not event["readonly"]:
            self._unfinished.enter(event["id"])

    def _undo_failed(self, number: int) -> None:
        """Take back the changes of the statements with a savepoint from ``number`` on."""
        self._postponed = False
        step = self._unfinished.failed(number)
        if step is not None:
            self._changes.undo(step)

    def _free_number(self) -> int | None:
        """The number that the next savepoint will have; None while the connection is interrupted.

        Then each statement that writes would have SQLite roll back the whole transaction.
        """
        connection = self._connection()
        assert connection is not None
        if connection.is_interrupted:
            return None
        probed: list[int] = []
        self._probed = probed
        try:
            connection.execute(NO_CHANGE)
        finally:
            self._probed = None
        return min(probed)

    def _trace(self, on: bool) -> None:
        """Have ``_follow`` called before and after each statement, or no more."""
        connection = self._connection()
        if on is not self._tracing and connection is not None:
            mask = apsw.SQLITE_TRACE_STMT | apsw.SQLITE_TRACE_PROFILE if on else 0
            connection.trace_v2(mask, self._follow if on else None, id=self._unfinished)
            self._tracing = on

    def end(self) -> None:
        """The transaction is over."""
        self._savepoints.release(OUTERMOST)
        self._unfinished.drop(OUTERMOST)
        self._postponed = False
